"""Training in rounds, slow and obvious: the judge of `w2v/kernel/_rounds.pxi`.

Each lane is a reference worker with a part of the corpus. In a round it trains so many centres on copies of the rows
that it touches, from wherever it stopped, also within a sentence; then each touched row becomes what it was plus the
changes of all lanes, which are scaled down where several lanes have gone the same way. With subwords, a word that has
its vector as a row exchanges changes with its parts in one lane only: the first of those that would in this round.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from . import reference

USUAL_SQUARE = 7  # the squared length of a row from which on its changes are scaled down more
PARTS_A_WORD = (
    64  # with subwords a round has room for so many parts a word, and ends where the next centre's may not fit
)
CENTRE_COST = 8  # a token that is left out takes an eighth of a centre's share of the round


class Copies:
    """One matrix as a lane sees it in a round: rows are copied when they are first touched."""

    def __init__(self, shared: np.ndarray):
        self.shared = shared
        self.copies: dict[int, np.ndarray] = {}

    def row(self, number: int) -> np.ndarray:
        return self.copies.setdefault(number, self.shared[number].copy())

    def count_updates(self, numbers: Sequence[int]) -> None:
        """Nothing is merged within a round."""


class Lane(reference.Worker):
    """`part` are the ids of the lane's sentences, -1 after each; the first of them is number `first` of the corpus."""

    def __init__(self, model: reference.Model, number: int, part: Sequence[int], first: int = 0):
        super().__init__(model, number)
        self.sentences: list[list[int] | None] = []  # None: held out
        words: list[int] = []
        for place, word in enumerate(part, first):
            if word >= 0:
                words.append(int(word))
                continue
            if self.is_held_out(place - len(words)):
                self.sentences.append(None)
            else:
                cuts = range(0, max(1, len(words)), reference.LONGEST_SENTENCE)
                self.sentences += [words[cut : cut + reference.LONGEST_SENTENCE] for cut in cuts]
            words = []
        self.sentence: list[int] = []
        self.longest = 2 + max(map(len, model.parts)) if model.parts is not None else 0  # rows of a word
        self.exchanging: dict[int, Lane] = {}  # which lane does it for a word in this round
        self.centre = 0

    def is_held_out(self, place: int) -> bool:
        """Whether the sentence that begins at this place of the corpus is: so many of 2^32 are."""
        bits = reference.mix(reference.mix(self.config.seed + 0x5851F42D4C957F2D) + place & reference.MASK)
        return bits >> 32 < round(self.config.held_out * 2**32)

    @property
    def ended(self) -> bool:
        return not self.sentences and self.centre == len(self.sentence)

    def train_round(self, centres: int, lr: float) -> None:
        self.inputs, self.outputs = Copies(self.model.inputs), Copies(self.model.outputs)  # type: ignore[assignment]
        quota = centres * CENTRE_COST
        self.window, self.parts_entered, before = {}, 0, self.trained
        while quota > 0 and not self.ended:
            if self.centre == len(self.sentence):
                self.leave_window(self.sentence, len(self.sentence))
                quota -= self.next_sentence()
                continue
            if self.trained > before and self.parts_entered + self.parts_at_once(0) > self.room(centres):
                break
            count = 2 if self.by_two and self.centre + 1 < len(self.sentence) else 1
            window = slice(max(0, self.centre - self.config.window), self.centre + self.config.window + count)
            if self.model.parts is not None:
                self.move_window(self.sentence, self.centre)
            else:
                for word in self.sentence[window]:  # touched, though the window that is drawn may be smaller
                    self.inputs.row(word)
            (self.train_two_centres if count == 2 else self.train_centre)(self.sentence, self.centre, lr)
            self.centre += count
            self.trained += count
            quota -= count * CENTRE_COST
        self.leave_window(self.sentence, len(self.sentence))

    def move_window(self, sentence: list[int], i: int) -> None:
        before = set(self.window)
        super().move_window(sentence, i)
        self.parts_entered += sum(self.rows_of(sentence[place], place) for place in self.window.keys() - before)

    def rows_of(self, word: int, place: int) -> int:
        if word < self.model.whole and not self.is_shared(word, place):
            return 1
        return len(self.model.parts[word]) + 2 * (word < self.model.whole)

    def exchanges(self, word: int, place: int) -> bool:
        if not self.is_shared(word, place):
            return False
        for row, _ in self.model.parts[word]:  # touched, whichever lane it is
            self.inputs.row(row)
        return self.exchanging.setdefault(word, self) is self

    def parts_at_once(self, behind: int) -> int:
        """That a window may have at the most, with so many words behind its centre."""
        return (behind + self.config.window + 1) * self.longest

    def room(self, centres: int) -> int:
        """For the parts of a round."""
        window = self.config.window
        return max(self.parts_at_once(window), (centres + 3 * window + 2) * min(self.longest, PARTS_A_WORD))

    def next_sentence(self) -> int:
        """Take it in hand; returns what that costs."""
        whole = self.sentences.pop(0)
        if whole is None:
            return 1
        left = self.subsample(whole)
        self.shared = self.random.bits() if self.model.whole else 0
        dropped = len(whole) - len(left)
        self.subsampled += dropped
        if len(left) == 1:
            self.alone += 1
        self.sentence, self.centre = left if len(left) > 1 else [], 0
        return 1 + dropped


def train_rounds(lanes: Sequence[Lane], centres: int, weights: Sequence[np.ndarray], tokens_total: int) -> None:
    """All rounds of an epoch. The learning rate is that of the tokens that all lanes have done before the round."""
    model, config = lanes[0].model, lanes[0].config
    while not all(lane.ended for lane in lanes):
        done = sum(lane.trained + lane.subsampled + lane.alone for lane in lanes)
        lr = config.lr_at(done, tokens_total)
        exchanging: dict[int, Lane] = {}
        for lane in lanes:
            lane.exchanging = exchanging
            lane.train_round(centres, lr)
        merge(model.inputs, [lane.inputs for lane in lanes], weights[0], lr)
        merge(model.outputs, [lane.outputs for lane in lanes], weights[1], lr)


def merge(shared: np.ndarray, copies: Sequence[Copies], weights: np.ndarray, lr: float) -> None:
    """Put the rows of a matrix together; `weights` [rows]: how far one lane takes a row in a round, at lr 1."""
    for number in sorted({number for each in copies for number in each.copies}):
        found = [each.copies[number] for each in copies if number in each.copies]
        change = sum(copy - shared[number] for copy in found)
        length = max(1.0, float(shared[number] @ shared[number]) / USUAL_SQUARE)
        shared[number] += change / (1 + lr * (len(found) - 1) * weights[number] * length)
