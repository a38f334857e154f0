"""Word2vec, slow and obvious: the judge of every kernel, and a description of the algorithm that can be read in one go.

One worker's whole training in plain Python and float64: random numbers, subsampling, windows, negatives, blocks,
private rows. It takes random numbers in the same order as `w2v/kernel/_loop.pxi`, so the same seed has to give the
same vectors, up to the rounding of float32.

The parts, top down:

    Worker.train          a span of ids, sentence by sentence (-1 ends each)
    Worker.subsample      drops frequent words at random
    Worker.train_centre   draws the window of one centre word and collects its contexts
    Worker.draw_outputs   what the centre is trained against: itself and its negatives, or its Huffman path
    Model.update          the block update: n input rows against m output rows
    Model.update_mean     the same for CBOW's one input row; Worker.train_two_centres for two centres at a time

Sources: Mikolov et al. 2013b (negative sampling, subsampling, hierarchical softmax); word2vec.c for what the paper
leaves open; Irsoy et al. 2021 for the exact CBOW gradient; Steele, Lea, Flood 2014 for the random numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from w2v.kernel import tables
from w2v.training.config import TrainConfig

LONGEST_SENTENCE = 10_000  # tokens; a longer one is cut
BLOCK_INPUTS = 12  # contexts that one block update takes; a wider window is cut into several of about the same size
BLOCK_OUTPUTS = 6  # output rows that a block update changes together
MASK = 2**64 - 1


# --- random numbers ------------------------------------------------------------------------------------------------


def mix(z: int) -> int:
    """SplitMix64's finaliser: every bit of the 64-bit `z` changes half of the result's bits."""
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
    return z ^ (z >> 31)


class Random:
    """SplitMix64: a counter in steps of the golden ratio, mixed."""

    def __init__(self, state: int):
        self.state = state

    def bits(self) -> int:
        """The next 64 random bits."""
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        return mix(self.state)


def worker_state(seed: int, number: int) -> int:
    """Where the random numbers of worker `number` start."""
    return mix((mix(seed) + 0x632BE59BD9B4E019 * (number + 1)) & MASK)


def below(bits32: int, n: int) -> int:
    """A whole number in 0..n-1 from 32 random bits."""
    return bits32 * n >> 32


# --- tables --------------------------------------------------------------------------------------------------------


def first_inputs(rows: int, dim: int, seed: int) -> np.ndarray:
    """Input rows before training: uniform in +-0.5/dim; row r has its own stream of random numbers. float64."""
    values = np.empty((rows, dim))
    for row in range(rows):
        random = Random(mix((seed + mix(row + 1)) & MASK))
        for k in range(dim):
            values[row, k] = ((random.bits() >> 40) + 0.5) / 2**24 - 0.5  # 24 bits: what a float32 holds
    return values / dim


def keep_threshold(count: int, total: int, sample: float) -> int:
    """A word is kept when 32 random bits are at most this: probability min(1, sqrt(t/f) + t/f)."""
    if count == 0:
        return 2**32 - 1
    ratio = sample / (count / total)
    return max(0, round(min(1.0, math.sqrt(ratio) + ratio) * 2**32) - 1)


def exact_sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def table_sigmoid(x: float) -> float:
    """sigmoid as the kernels have it: a parabola in each step of |x|, its last value beyond 8, mirrored above 0.

    Each goes through the sigmoid at both ends of the step and in the middle (Newton's form of it).
    """
    size = min(abs(x), 8.0)
    step = min(int(size), 7)
    near, middle, far = (exact_sigmoid(-step - part) for part in (0, 0.5, 1))
    slope, bend = 2 * (middle - near), 2 * (near - 2 * middle + far)
    tail = near + (size - step) * (slope + bend * (size - step - 0.5))
    return tail if x < 0 else 1 - tail


# --- the model -----------------------------------------------------------------------------------------------------


class Model:
    """Both matrices and the tables. `config` is a resolved TrainConfig; `exact` uses the true sigmoid, not the table.

    With subwords, `parts` are the rows of `inputs` that each word's vector is the weighted sum of, (row, weight) pairs.
    The first `whole` words have rows of their vectors behind these, and then what their parts came to.

    `inputs` float64 [V, dim]; `outputs` float64 [V, dim] (negative sampling) or [V - 1, dim] (hierarchical softmax).
    """

    def __init__(
        self,
        counts: Sequence[int],
        config: TrainConfig,
        exact: bool = False,
        parts: Sequence[Sequence[tuple[int, float]]] | None = None,
        whole: int = 0,
    ):
        self.config = config
        self.vocab_size = len(counts)
        self.exact = exact
        self.parts = parts
        self.whole, self.whole_first = whole, 0
        rows = self.vocab_size
        if parts is not None:
            self.whole_first = 1 + max(row for some in parts for row, _ in some)
            rows = self.whole_first + 2 * whole
        self.inputs = first_inputs(rows, config.dim, config.seed)
        self.outputs = np.zeros((self.vocab_size - (config.loss == "hs"), config.dim))
        total = sum(int(n) for n in counts)
        self.keep = [keep_threshold(int(n), total, config.sample) for n in counts]
        # These two have tests of their own (test_tables.py, test_huffman.py); here only their use is judged.
        if config.loss == "ns":
            share, other = tables.alias_table(np.asarray(counts), config.ns_exponent, config.reproducible)
            self.alias_share, self.alias_other = share.tolist(), other.tolist()
        else:
            start, path = tables.huffman_paths(np.asarray(counts))
            self.path_start, self.path = start.tolist(), path.tolist()
            kept = tables.keep_probability(counts, config.sample) if config.sample else 1.0
            centres = config.epochs * np.asarray(counts) * kept
            probability = tables.node_keep_probability(start, path, centres, config.node_sample or 1.0)
            self.node_keep = tables.node_thresholds(probability).tolist()

    def begin_whole(self) -> None:
        for word in range(self.whole):
            vector, summed = self.whole_rows(word)
            self.inputs[vector] = self.inputs[summed] = sum(
                weight * self.inputs[row] for row, weight in self.parts[word]
            )

    def whole_rows(self, word: int) -> tuple[int, int]:
        """The rows of a word's vector and of what its parts came to."""
        return self.whole_first + word, self.whole_first + self.whole + word

    def draw_negative(self, bits: int) -> int:
        """A word by count^exponent from 64 random bits: a column of the alias table, then the column's own coin."""
        product = bits * self.vocab_size
        column, coin = product >> 64, (product & MASK) >> 32
        return column if coin <= self.alias_share[column] else self.alias_other[column]

    def error(self, dot: float, label: int) -> tuple[float, float]:
        """label - sigmoid(dot), and the loss: -log of the probability that the model gives to the label."""
        error = label - (exact_sigmoid(dot) if self.exact else table_sigmoid(dot))
        return error, -math.log1p(-abs(error))

    def errors(
        self, inputs: list[np.ndarray], outputs: list[np.ndarray], labels: Sequence[int]
    ) -> tuple[np.ndarray, float]:
        """label - sigmoid of every output row with every input row, [m, n], and the sum of the losses."""
        found = [[self.error(float(output @ row), label) for row in inputs]
                 for output, label in zip(outputs, labels, strict=True)]  # fmt: skip
        errors, losses = np.moveaxis(np.array(found), -1, 0)
        return errors, float(losses.sum())

    def update(self, inputs: list[np.ndarray], outputs: list[np.ndarray], labels: Sequence[int], lr: float) -> float:
        """One block: every input row against every output row, in place; returns the sum of the losses before.

        All errors come from the rows as they are before the block. The output rows are taken a few at a time; of these
        and an input row, each is changed by the old values of the other side. Input rows get their whole change with
        the last output rows. Rows that occur twice get both changes.
        """
        errors, loss = self.errors(inputs, outputs, labels)
        changes = [np.zeros_like(row) for row in inputs]
        cuts = in_blocks(list(range(len(outputs))), BLOCK_OUTPUTS)
        for few in cuts:
            old_outputs = [outputs[i].copy() for i in few]
            output_changes = [np.zeros_like(output) for output in old_outputs]
            for j, row in enumerate(inputs):
                for i, old_output, change in zip(few, old_outputs, output_changes, strict=True):
                    changes[j] += lr * errors[i, j] * old_output
                    change += lr * errors[i, j] * row
                if few is cuts[-1] and self.config.freeze != "vectors":
                    row += changes[j]
            for i, change in zip(few, output_changes, strict=True):
                if self.config.freeze != "context":
                    outputs[i] += change
        return loss

    def update_mean(self, mean: np.ndarray, outputs: list[np.ndarray], labels: Sequence[int], lr: float) -> float:
        """The block of CBOW: its one input row against every output row, one after the other, and the loss before."""
        errors, loss = self.errors([mean], outputs, labels)
        old_mean = mean.copy()
        for output, error in zip(outputs, errors[:, 0], strict=True):
            if self.config.freeze != "vectors":
                mean += lr * error * output
            if self.config.freeze != "context":
                output += lr * error * old_mean
        return loss


class Rows:
    """One matrix as one worker sees it: its first `count` rows are private copies, the others shared.

    A private row's changes since the last merge are added to the shared row after `merge_after` of its own updates; the
    worker goes on from the sum, which holds the other workers' changes too.
    """

    def __init__(self, shared: np.ndarray, count: int, merge_after: int):
        self.shared = shared
        self.count = min(count, len(shared))
        self.merge_after = merge_after
        self.copies = shared[: self.count].copy()
        self.base = self.copies.copy()
        self.updates = [0] * self.count

    def row(self, number: int) -> np.ndarray:
        return self.copies[number] if number < self.count else self.shared[number]

    def count_updates(self, numbers: Sequence[int]) -> None:
        """A block has updated these rows: all are counted, then those that have had their share are merged."""
        private = [number for number in numbers if number < self.count]
        for number in private:
            self.updates[number] += 1
        for number in private:
            if self.updates[number] >= self.merge_after:
                self.merge(number)

    def merge(self, number: int) -> None:
        self.shared[number] += self.copies[number] - self.base[number]
        self.copies[number] = self.base[number] = self.shared[number]
        self.updates[number] = 0

    def flush(self) -> None:
        for number in range(self.count):
            if self.updates[number]:
                self.merge(number)


# --- one worker ----------------------------------------------------------------------------------------------------


class Worker:
    """One thread's share of the training: random numbers, pool of negatives, counters, private rows."""

    def __init__(self, model: Model, number: int, private_rows: int = 0, merge_after: int = 32):
        self.model = model
        self.config = model.config
        self.random = Random(worker_state(model.config.seed, number))
        pool_size = self.config.negative_pool if self.config.loss == "ns" else 0
        self.pool = [model.draw_negative(self.random.bits()) for _ in range(pool_size)]
        self.next_draw = self.random.bits() if pool_size else 0
        self.inputs = Rows(model.inputs, private_rows if model.parts is None else 0, merge_after)
        self.outputs = Rows(model.outputs, private_rows, merge_after)
        self.trained = self.subsampled = self.alone = self.examples = 0
        self.loss_sum = 0.0

    def train(self, ids: Sequence[int], lr: float) -> None:
        """Train on whole sentences, each ended by -1."""
        sentence: list[int] = []
        for word in ids:
            if word >= 0:
                sentence.append(int(word))
                continue
            for start in range(0, len(sentence), LONGEST_SENTENCE):
                self.train_sentence(sentence[start : start + LONGEST_SENTENCE], lr)
            sentence = []

    def train_sentence(self, sentence: list[int], lr: float) -> None:
        left = self.subsample(sentence)
        self.subsampled += len(sentence) - len(left)
        if len(left) < 2:  # no contexts
            self.alone += len(left)
            return
        self.window: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self.shared = self.random.bits() if self.model.whole else 0
        i = 0
        while i < len(left):
            if self.by_two and i + 1 < len(left):
                self.train_two_centres(left, i, lr)
                i += 2
                continue
            if self.model.parts is not None:
                self.move_window(left, i)
            self.train_centre(left, i, lr)
            i += 1
        self.leave_window(left, len(left))
        self.trained += len(left)

    def move_window(self, sentence: list[int], i: int) -> None:
        """With subwords: a word's vector is made when it enters the window of `window` words to each side, and changed
        there; when it leaves, each of its parts gets the whole change. So its vector, whose parts' weights times their
        numbers add up to 1, moves by that change.

        A word that has its vector as a row takes that, and its change goes there. One occurrence in four also takes up
        what its parts have moved since the last time, and hands on to them what the vector has."""
        self.leave_window(sentence, i - self.config.window)
        last = min(i + self.config.window, len(sentence) - 1)
        for place in range(max(0, i - self.config.window), last + 1):
            if place not in self.window:
                made = self.enter_whole(sentence[place], place)
                self.window[place] = made, made.copy()

    def leave_window(self, sentence: list[int], before: int) -> None:
        for place in [place for place in self.window if place < before]:
            now, then = self.window.pop(place)
            change = self.leave_whole(sentence[place], place, now - then)
            for number, _ in [] if change is None else self.model.parts[sentence[place]]:
                row = self.inputs.row(number)
                row += change

    def is_shared(self, word: int, place: int) -> bool:
        return word < self.model.whole and (self.shared >> 2 * (place % 32)) & 3 == 0

    def exchanges(self, word: int, place: int) -> bool:
        """Whether it changes with its parts."""
        return self.is_shared(word, place)

    def enter_whole(self, word: int, place: int) -> np.ndarray:
        if word >= self.model.whole:
            return self.made(word)
        vector, summed = self.model.whole_rows(word)
        if self.exchanges(word, place):
            self.inputs.row(vector)[:] += self.made(word) - self.inputs.row(summed)
            self.inputs.row(summed)[:] = self.made(word)
        return self.inputs.row(vector).copy()

    def made(self, word: int) -> np.ndarray:
        return sum(weight * self.inputs.row(row) for row, weight in self.model.parts[word])

    def leave_whole(self, word: int, place: int, change: np.ndarray) -> np.ndarray | None:
        """What goes to the parts."""
        if word >= self.model.whole:
            return change
        vector, summed = self.model.whole_rows(word)
        self.inputs.row(vector)[:] += change
        if not self.exchanges(word, place):
            return None
        gathered = self.inputs.row(vector) - self.inputs.row(summed)
        self.inputs.row(summed)[:] = self.inputs.row(vector)
        return gathered

    def input_row(self, sentence: list[int], place: int) -> np.ndarray:
        return self.inputs.row(sentence[place]) if self.model.parts is None else self.window[place][0]

    def subsample(self, sentence: list[int]) -> list[int]:
        if self.config.sample == 0:
            return sentence
        return [word for word in sentence if self.random.bits() >> 32 <= self.model.keep[word]]

    def train_centre(self, sentence: list[int], i: int, lr: float) -> None:
        """The window reaches 1..window words to each side, inside the sentence."""
        bits = self.random.bits()
        places = self.draw_window(sentence, i, bits)
        contexts = [self.input_row(sentence, place) for place in places]
        self.refresh_pool(bits)
        if self.config.model == "cbow":
            self.train_cbow(sentence[i], contexts, lr)
        else:
            self.train_skipgram(sentence[i], contexts, lr)
        if self.model.parts is None:
            self.inputs.count_updates([sentence[place] for place in places])

    def draw_window(self, sentence: list[int], i: int, bits: int) -> list[int]:
        """Places of the contexts of the i-th word."""
        config = self.config
        reach = config.window if config.fixed_window else 1 + below(bits >> 32, config.window)
        return [j for j in range(max(0, i - reach), min(len(sentence), i + reach + 1)) if j != i]

    def refresh_pool(self, bits: int) -> None:
        """One of the pool's negatives is replaced before any are picked."""
        if self.pool:
            word, self.next_draw = self.model.draw_negative(self.next_draw), self.random.bits()
            self.pool[below(bits & 0xFFFFFFFF, len(self.pool))] = word

    def train_skipgram(self, centre: int, contexts: list[np.ndarray], lr: float) -> None:
        """Every context against the same output rows, or against its own with share_negatives off."""
        share = not self.config.exact and (self.config.share_negatives or self.config.loss == "hs")
        blocks = in_blocks(contexts, BLOCK_INPUTS if share else 1)
        for number, block in enumerate(blocks):
            if number == 0 or not share:
                outputs, labels = self.draw_outputs(centre)
            self.loss_sum += self.model.update(block, [self.outputs.row(row) for row in outputs], labels, lr)
            self.examples += len(block) * len(outputs)
            if number == len(blocks) - 1 or not share:
                self.outputs.count_updates(outputs)

    def train_cbow(self, centre: int, contexts: list[np.ndarray], lr: float) -> None:
        """The mean of the contexts is the input row. Its change goes to each context: a share of 1/n of it is the exact
        gradient; the classic one, as in word2vec.c, gives all of it to each."""
        outputs, labels = self.draw_outputs(centre)
        before = self.mean_of(contexts)
        after = before.copy()
        self.loss_sum += self.model.update_mean(after, [self.outputs.row(row) for row in outputs], labels, lr)
        self.examples += len(outputs)
        share = 1 / len(contexts) if self.config.cbow_gradient == "exact" else 1
        for row in contexts:
            row += share * (after - before)
        self.outputs.count_updates(outputs)

    def mean_of(self, contexts: list[np.ndarray]) -> np.ndarray:
        return np.mean(contexts, axis=0)

    @property
    def by_two(self) -> bool:
        """CBOW with shared negatives takes two neighbouring centres at a time."""
        config, shared = self.config, self.config.share_negatives and not self.config.exact
        usual = self.model.parts is None and config.freeze == "none"
        return config.model == "cbow" and config.loss == "ns" and shared and usual

    def train_two_centres(self, sentence: list[int], i: int, lr: float) -> None:
        """Centres i and i + 1: their means and errors come from the same old values, their negatives are the same, and
        neither is an output row for the other's mean."""
        bits, more = self.random.bits(), self.random.bits()
        places = [self.draw_window(sentence, i, bits), self.draw_window(sentence, i + 1, more)]
        self.refresh_pool(bits)
        centres = sentence[i : i + 2]
        rows = [*centres, *(word for word in self.draw_negatives() if word not in centres)]
        outputs = [self.outputs.row(row) for row in rows]
        means, errors = [], np.zeros((len(rows), 2))
        for s in (0, 1):
            own = [s, *range(2, len(rows))]
            means.append(self.mean_of([self.input_row(sentence, place) for place in places[s]]))
            labels = [1] + [0] * (len(own) - 1)
            errors[own, s : s + 1], loss = self.model.errors([means[s]], [outputs[r] for r in own], labels)
            self.loss_sum += loss
        changes = np.zeros((2, len(means[0])))
        for output, error in zip(outputs, errors, strict=True):
            changes += lr * np.outer(error, output)
            output += lr * error @ means
        touched = sorted({*places[0], *places[1]})
        for place in touched:
            for s in (0, 1):
                if place in places[s]:
                    share = 1 / len(places[s]) if self.config.cbow_gradient == "exact" else 1
                    self.input_row(sentence, place)[:] += share * changes[s]
        self.examples += 2 * len(rows) - 2
        self.outputs.count_updates(rows)
        self.inputs.count_updates([sentence[place] for place in touched])

    def draw_outputs(self, centre: int) -> tuple[list[int], list[int]]:
        """Numbers and labels of the output rows: the centre 1 and its negatives 0, or the nodes on its Huffman path."""
        if self.config.loss == "hs":
            path = self.draw_path(centre)
            return [step >> 1 for step in path], [1 - (step & 1) for step in path]
        negatives = [word for word in self.draw_negatives() if word != centre]
        return [centre, *negatives], [1] + [0] * len(negatives)

    def draw_path(self, centre: int) -> list[int]:
        """The steps of the centre's Huffman path; up to the first node that is never left out they are kept by 16
        random bits each, the last one always."""
        start, stop = self.model.path_start[centre : centre + 2]
        path = self.model.path[start:stop]
        kept: list[int] = []
        for k, step in enumerate(path):
            if k == len(path) - 1 or step >> 1 >= len(self.model.node_keep):
                return kept + path[k:]
            if k % 4 == 0:
                bits = self.random.bits()
            if bits & 0xFFFF < self.model.node_keep[step >> 1]:
                kept.append(step)
            bits >>= 16
        return kept

    def draw_negatives(self) -> list[int]:
        """Fresh from the alias table, or picked from the pool with 16 random bits each."""
        if not self.pool:
            return [self.model.draw_negative(self.random.bits()) for _ in range(self.config.negative)]
        words: list[int] = []
        for k in range(self.config.negative):
            if k % 4 == 0:
                bits = self.random.bits()
            words.append(self.pool[(bits & 0xFFFF) * len(self.pool) >> 16])
            bits >>= 16
        return words

    def flush(self) -> None:
        """Give every change in private rows to the shared matrices."""
        self.inputs.flush()
        self.outputs.flush()


def in_blocks(rows: list[int], most: int) -> list[list[int]]:
    """Cut into as few blocks as possible of at most `most`, all of about the same size, the larger first."""
    cut: list[list[int]] = []
    for left in range(-(-len(rows) // most), 0, -1):
        size = -(-len(rows) // left)
        cut.append(rows[:size])
        rows = rows[size:]
    return cut
