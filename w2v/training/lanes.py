"""Training in rounds: the same bytes with any number of threads (docs/reproducible.md).

How many lanes there are and how long a round is follows from the settings and the vocabulary alone, by `rounds_for`. It
rests on how far training takes a row: every pair of an input and an output row takes both a little of the way to where
the one would come to rest if the other stood still: k pairs at learning rate lr leave exp(-PAIR x lr x k) of that way.
How many pairs a row has follows from its word's count. Changes that were made apart to the same row are put together by
this: by lanes, and by nodes of a cluster (w2v.cluster.synced_rows).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from w2v.kernel._lanes import Lanes
from w2v.kernel._tables import span_end
from w2v.kernel.tables import coarse, huffman_paths, keep_probability, node_keep_probability
from w2v.training.state import Spans

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from w2v.kernel._state import Model
    from w2v.training.config import ResolvedConfig

__all__ = ["PAIR", "LaneSpans", "Rounds", "kept_per_token", "new_lanes", "pairs_per_token", "rounds_for"]

# The share of the way that one pair takes a row at learning rate 1, as measured (docs/cluster.md): a third of it
# overshoots, four times as much holds the nodes back.
PAIR = 1 / 12
LANES = 8  # where nothing asks for fewer
MOST_CENTRES = 256  # of a lane in a round: longer rounds are no faster
FEWEST_CENTRES = 16  # shorter ones are all waiting; then rather fewer lanes
# What all lanes of a round may do to one row before they see each other's changes, as effort: with
# 2 the row has gone 86 % of the way that this text would take it. CBOW, where the other contexts have a part in the
# mean, loses nothing with twice as much.
MOST_EFFORT = {"skipgram": 2.0, "cbow": 4.0}
FEWEST_ROUNDS = 64  # in an epoch, and in each of its sections
MOST_SECTIONS = 16
MOST_FLOPS = 2e9  # of a round: a fraction of a second anywhere
MOST_OUTPUTS = 65536  # output rows in the plan of a lane
PATH_NODES = 16  # of a word: a dozen on average
BATCH_FLOPS = 3e9  # of the rounds between two looks at the clock: 30 to 60 ms on one thread


def kept_per_token(counts: NDArray[np.int64], config: ResolvedConfig) -> NDArray[np.float64]:
    """How often each word is a centre for each token of the corpus: its share of the tokens that subsampling leaves."""
    weights = np.asarray(counts, np.float64)
    kept = weights * keep_probability(counts, config.sample) if config.sample else weights
    return kept / max(1.0, float(weights.sum()))


def pairs_per_token(
    counts: NDArray[np.int64], config: ResolvedConfig
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Pairs that a row is part of for each token of the corpus, on average: float32 of each matrix's rows.

    `counts` int64 [V] in falling order. CBOW's mean context counts as one input for the outputs.
    """
    kept = kept_per_token(counts, config)
    contexts = 2.0 * config.window if config.fixed_window else config.window + 1.0  # of one centre, sentence ends apart
    if config.loss == "hs":
        start, path = huffman_paths(counts)
        lengths = np.diff(start)
        outputs: NDArray[Any] = np.bincount(path >> 1, np.repeat(kept, lengths), len(counts) - 1)
        if config.node_sample:
            centres = kept * float(np.sum(counts)) * config.epochs
            outputs *= node_keep_probability(start, path, centres, config.node_sample)
        depth = float(outputs.sum() / max(kept.sum(), 1e-300))
    else:
        noise = np.maximum(counts, 1) ** config.ns_exponent
        outputs = kept + config.negative * kept.sum() * noise / noise.sum()
        depth = 1.0 + config.negative
    inputs = kept * contexts * depth
    if config.model == "skipgram":
        outputs = outputs * contexts
    return inputs.astype(np.float32), outputs.astype(np.float32)


@dataclass(frozen=True)
class Rounds:
    """How a training is cut: lanes, centre words of each in a round, rounds between two looks, sections of an epoch."""

    lanes: int
    centres: int
    batch: int
    sections: int


def rounds_for(config: ResolvedConfig, counts: NDArray[np.int64], tokens_per_epoch: int) -> Rounds:
    """The rule. `counts` int64 [V] in falling order."""
    kept = kept_per_token(counts, config)
    centres = float(kept.sum()) * tokens_per_epoch
    inputs, outputs = pairs_per_token(counts, config)
    pairs = float(inputs.max())
    if config.loss == "ns":  # the nodes of a path pull both ways
        pairs = max(pairs, float(outputs.max()))
    by_effort = MOST_EFFORT[config.model] / (PAIR * config.lr * pairs / max(float(kept.sum()), 1e-9))
    blocks, rows, flops = _centre(config)
    together = min(by_effort, centres / FEWEST_ROUNDS, MOST_FLOPS / flops)
    lanes = LANES
    while lanes > 1 and together < lanes * FEWEST_CENTRES:
        lanes //= 2
    each = max(1, int(min(MOST_CENTRES, together / lanes, MOST_OUTPUTS / (blocks * rows))))
    rounds = centres / (each * lanes)
    return Rounds(
        lanes,
        each,
        batch=max(1, int(min(BATCH_FLOPS / (flops * each * lanes), rounds / 20))),
        sections=max(1, int(min(MOST_SECTIONS, rounds / FEWEST_ROUNDS))),
    )


def _centre(config: ResolvedConfig) -> tuple[int, int, float]:
    """Of one centre word at the most: blocks, output rows of each, floating-point operations."""
    contexts = 2 * config.window
    blocks = 1 if config.model == "cbow" or config.share_negatives else contexts
    rows = config.negative + 1 if config.loss == "ns" else PATH_NODES
    pairs = rows * (3 if config.model == "cbow" else contexts)
    return blocks, rows, 6.0 * pairs * (config.dim + 16)


def new_lanes(
    model: Model,
    config: ResolvedConfig,
    ids: NDArray[np.int32],
    counts: NDArray[np.int64],
    rounds: Rounds,
    threads: int,
    tokens_total: int,
) -> Lanes:
    """The lanes of a training on `ids`; which of them a thread trains does not matter."""
    share = max(1e-9, float(kept_per_token(counts, config).sum()))  # centres for each token
    pairs = list(pairs_per_token(counts, config))
    if model.parts is not None:
        vectors = pairs[0][: model.parts.whole]
        pairs[0] = np.concatenate([model.parts.summed(pairs[0]), vectors, np.zeros_like(vectors)])
    weights = [coarse(PAIR / 2 * rounds.centres / share * each.astype(np.float64)).astype(np.float32) for each in pairs]
    return Lanes(model, ids, rounds.lanes, rounds.centres, rounds.batch, weights, threads, tokens_total)


class LaneSpans(Spans):
    """What is left of an epoch: each lane's part of the present section of the ids and the sentence that it has in
    hand, and the sections that no lane has begun.

    In a section each lane has a share of its ids, in order, so that all lanes go through the corpus side by side, as
    one thread would. Over a whole epoch of wiki100 cut in eight, CBOW with hierarchical softmax scored .02 less on
    SimLex.
    """

    def __init__(self, ids: NDArray[np.int32], lanes: Lanes, sections: int):
        self.ids = ids
        self.size = -(-len(ids) // sections)
        self.lanes = lanes
        self.rest = [0, len(ids)]
        self.next_section()

    def next_section(self) -> bool:
        """Lanes that are at the ends of their parts get new ones; False where nothing is left."""
        start, stop = self.rest
        if start >= stop:
            return False
        end = min(span_end(self.ids, start, self.size), stop)
        cuts, count = [start], len(self.lanes.workers)
        for lane in range(1, count):
            cuts.append(max(cuts[-1], span_end(self.ids, start + (end - start) * lane // count, 1)))
        self.left = [*map(list, pairwise([*cuts, end])), [end, stop]]
        return True

    @property
    def left(self) -> list[list[int]]:
        return [*(list(worker.left) for worker in self.lanes.workers), self.rest]

    @left.setter
    def left(self, parts: list[list[int]]) -> None:
        *shares, self.rest = parts
        for worker, (start, stop) in zip(self.lanes.workers, shares, strict=True):
            worker.left = start, stop

    @property
    def in_hand(self) -> int:
        return sum(worker.in_hand for worker in self.lanes.workers)

    @property
    def empty(self) -> bool:
        return super().empty and not self.in_hand
