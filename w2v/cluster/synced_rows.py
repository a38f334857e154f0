"""What a node's replica has in common with those of the others, and what the node has changed since.

`base` is the same on every node, bit for bit: it started as the same random values, and each exchange adds the same
numbers to it everywhere. The model is base + what this node has trained and not exchanged yet.

How the changes that several nodes made to the same rows are put together is one of COMBINERS: each takes the nodes'
changes, each float32 [rows, dim], and each node's effort in these rows, [rows] (w2v/training/lanes.py), and returns
float32 [rows, dim].
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from w2v.cluster._rows import PACKED_EXTRA, move, pack, put, take, unpack
from w2v.training.lanes import PAIR, pairs_per_token

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from w2v.kernel._state import Model
    from w2v.training.config import ResolvedConfig

    Floats = NDArray[np.float32]
    Packed = NDArray[np.uint8]
    Rows = Sequence[Floats]

__all__ = [
    "COMBINERS",
    "Part",
    "Schedule",
    "SyncedRows",
    "bytes_exchanged",
    "combine_packed",
    "gradient",
    "mean",
    "plain_sum",
    "row_bytes",
    "settling",
    "shares",
    "touched",
]

AT_ONCE = 1024  # rows: they stay in cache
SENT_BYTES = 1  # of a number that nodes send each other, besides PACKED_EXTRA for each row (_rows.pyx)


@dataclass(frozen=True)
class Part:
    """Rows first..stop-1 of both matrices."""

    first: int
    stop: int


class Schedule:
    """Which rows are exchanged when: the most frequent at each exchange, half as often for each doubling of rank.

    Tiers of `rows` rows: tier 0 has the first `top`, tier t the ranks from top x 2^(t-1) to top x 2^t. Tier t is
    exchanged at every 2^t-th exchange; all are at the end. No part is larger than `most` rows, which bounds the memory
    that an exchange takes.

    Source: the schedule of Intel's distributed word2vec (Ji et al. 2016, "Parallelizing Word2Vec in Shared and
    Distributed Memory", section 4.2). By Zipf's law a row of twice the rank is updated half as often, so every row is
    exchanged after about the same number of its own updates.
    """

    def __init__(self, rows: int, top: int, most: int):
        self.rows, self.top, self.most = rows, max(1, top), max(1, most)
        self.ends = [min(rows, self.top)]
        while self.ends[-1] < rows:
            self.ends.append(min(rows, self.ends[-1] * 2))

    @property
    def tiers(self) -> int:
        return len(self.ends)

    def due(self, exchange: int) -> int:
        """How many tiers take part in exchange number 1, 2, ..."""
        return next((tier for tier in range(self.tiers) if exchange % 2**tier), self.tiers)

    def parts(self, tiers: int) -> Iterator[Part]:
        """The rows of the first `tiers` tiers, in as few parts as their size allows."""
        end = self.ends[min(tiers, self.tiers) - 1] if tiers else 0
        for first in range(0, end, self.most):
            yield Part(first, min(end, first + self.most))

    def rows_in(self, exchanges: int) -> int:
        """Rows of one matrix that are exchanged in exchanges 1 to `exchanges` and the last one, of all rows."""
        sizes = [end - first for first, end in zip([0, *self.ends], self.ends, strict=False)]
        return sum(size * (exchanges // 2**tier + 1) for tier, size in enumerate(sizes))


def bytes_exchanged(nodes: int, rows: int, dim: int, matrices: int = 2) -> int:
    """Bytes that `nodes` nodes send in all when `rows` rows of each matrix are exchanged.

    Each node owns 1/nodes of the rows. It gets the changes of these from the others, and sends them the result:
    2 x (nodes - 1) / nodes of the rows go into and out of each node, packed.
    """
    return 2 * (nodes - 1) * rows * row_bytes(dim) * matrices


def row_bytes(dim: int) -> int:
    """Of one packed row."""
    return dim * SENT_BYTES + PACKED_EXTRA


class Effort:
    """What one node has put into its rows since they were last exchanged.

    `spent`, which the training adds to, is the sum of learning rate x tokens.
    """

    def __init__(self, counts: NDArray[np.int64], config: ResolvedConfig, spent: float):
        self.pairs = pairs_per_token(counts, config)
        self.exchanged = np.full(len(counts), spent)  # `spent` at each row's last exchange

    def of(self, matrix: int, rows: slice, spent: float) -> Floats:
        """float32 [rows]: the effort in these rows of a matrix."""
        effort: NDArray[np.float64] = PAIR * (spent - self.exchanged[rows]) * self.pairs[matrix][rows]
        return effort.astype(np.float32)


class SyncedRows:
    """The common state of both matrices of a model, float32 without padding; `counts` int64 [V] are the words'.

    `spent` is the sum of learning rate x tokens that the node has trained before it had anything in common with others.
    """

    def __init__(self, model: Model, counts: NDArray[np.int64], spent: float = 0.0):
        dim = model.dim
        self.model = [model.inputs[:, :dim], model.outputs[:, :dim]]
        self.base = [np.ascontiguousarray(rows) for rows in self.model]
        self.pending: list[Packed] | None = None  # changes that were given away, result not known yet
        self.part: Part | None = None
        self.effort = Effort(counts, model.config, spent)
        self.spent = 0.0  # when the changes were given away

    def rows(self, matrix: int, part: Part) -> slice:
        return slice(min(part.first, len(self.base[matrix])), min(part.stop, len(self.base[matrix])))

    def collect(self, part: Part, owners: int, spent: float) -> list[Packed]:
        """This node's changes of the part's rows and its effort in them, packed, one array for each owner.

        `spent` is the sum of learning rate x tokens that the node has trained; it goes on training meanwhile.
        """
        self.part, self.spent = part, spent
        self.pending = []
        for first, stop in shares(part, owners):
            mine = Part(first, stop)
            slices = [self.rows(matrix, mine) for matrix in (0, 1)]
            cuts = np.cumsum([0, *(rows.stop - rows.start for rows in slices)])
            packed = np.empty((cuts[-1], self.base[0].shape[1] + PACKED_EXTRA), np.uint8)
            for matrix, rows in enumerate(slices):
                effort = self.effort.of(matrix, rows, spent)
                take(self.model[matrix][rows], self.base[matrix][rows], effort, packed[cuts[matrix] : cuts[matrix + 1]])
            self.pending.append(packed)
        return self.pending

    def apply(self, part: Part, combined: list[Packed]) -> None:
        """Add what all nodes' changes came to, packed, in place of this node's own."""
        if part != self.part or self.pending is None:
            raise ValueError("an exchange that this node has not begun")
        for (first, stop), total, own in zip(shares(part, len(combined)), combined, self.pending, strict=True):
            mine, at = Part(first, stop), 0
            for matrix in (0, 1):
                rows = self.rows(matrix, mine)
                end = at + rows.stop - rows.start
                put(self.model[matrix][rows], self.base[matrix][rows], own[at:end], total[at:end])
                at = end
        self.effort.exchanged[part.first : part.stop] = self.spent
        self.drop()

    def drop(self) -> None:
        """Forget an exchange that came to nothing: the changes stay this node's own."""
        self.pending = self.part = None

    def adopt(self, matrix: int, first: int, rows: Floats) -> None:
        """Take another node's base for these rows, and keep what was changed here since the changes were collected.

        For a node that joins, or that an exchange has passed by: its changes are in the other's base then.
        """
        self._take_back(matrix)
        place = slice(first, first + len(rows))
        if self.part is not None:
            self.effort.exchanged[place] = self.spent
        move(self.model[matrix][place], self.base[matrix][place], rows)

    def _take_back(self, matrix: int) -> None:
        """Take changes that were given away out of the model."""
        if self.part is None or self.pending is None:
            return
        for (first, stop), own in zip(shares(self.part, len(self.pending)), self.pending, strict=True):
            slices = [self.rows(m, Part(first, stop)) for m in (0, 1)]
            at = (slices[0].stop - slices[0].start) * matrix
            own = own[at : at + slices[matrix].stop - slices[matrix].start]
            put(self.model[matrix][slices[matrix]], self.base[matrix][slices[matrix]], own, np.zeros_like(own))
            own[:] = 0  # it may be asked for the other matrix, or again


def shares(part: Part, owners: int) -> list[tuple[int, int]]:
    """Rows first..stop-1 that each owner puts together."""
    ends = np.linspace(part.first, part.stop, owners + 1).astype(int).tolist()
    return list(itertools.pairwise(ends))


def settling(changes: Rows, efforts: Rows) -> Floats:
    """As far as the nodes would have come one after the other.

    A node with effort x has gone a share 1 - exp(-x) of the way to where its own text would have the row; one after the
    other, all of them would have gone 1 - exp(-sum of x). The summed change is scaled by the second over the sum of the
    first: a rare row's changes are added, a frequent row's are averaged, and all that is between is neither.
    """
    together = np.zeros(len(changes[0]))
    apart = np.zeros(len(changes[0]))
    for effort in efforts:
        together += effort
        apart -= np.expm1(-np.asarray(effort, np.float64))
    scale = np.divide(-np.expm1(-together), apart, out=np.ones_like(apart), where=apart > 0)
    total = plain_sum(changes, efforts)
    total *= scale.astype(np.float32)[:, None]
    return total


def plain_sum(changes: Rows, _efforts: Rows) -> Floats:
    """All changes added up: overshoots on frequent words."""
    total = np.array(changes[0], np.float32)
    for change in changes[1:]:
        total += change
    return total


def mean(changes: Rows, efforts: Rows) -> Floats:
    """The sum divided by the number of nodes: starves rows that few of them have changed."""
    total = plain_sum(changes, efforts)
    total /= np.float32(len(changes))
    return total


def touched(changes: Rows, efforts: Rows) -> Floats:
    """The sum divided by the number of nodes that changed the row by more than what rounding left over."""
    sizes = np.array([np.abs(change).max(axis=1, initial=0) for change in changes])
    count = (sizes > sizes.max(axis=0) / 100).sum(axis=0)
    total = plain_sum(changes, efforts)
    total /= np.maximum(count, 1).astype(np.float32)[:, None]
    return total


def gradient(changes: Rows, _efforts: Rows) -> Floats:
    """Of each further change only what is orthogonal to the sum so far: steps in one direction are taken once.

    Source: Gill et al. 2021, "Distributed training of embeddings using graph analytics" (GraphWord2Vec), section 4.
    """
    total = np.array(changes[0], np.float32)
    for change in changes[1:]:
        length = np.einsum("ij,ij->i", total, total)
        along = np.einsum("ij,ij->i", total, change)
        share = np.divide(along, length, out=np.zeros_like(along), where=length > 0)
        total += change - total * share[:, None]
    return total


COMBINERS: dict[str, Callable[[Rows, Rows], Floats]] = {
    "settling": settling,
    "touched": touched,
    "mean": mean,
    "gradient": gradient,
    "sum": plain_sum,
}


def combine_packed(how: str, given: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """What packed changes, each uint8 [rows, dim + PACKED_EXTRA], come to, packed (_rows.pyx)."""
    result = np.empty_like(given[0])
    rows, dim = len(result), result.shape[1] - PACKED_EXTRA
    changes = [np.empty((AT_ONCE, dim), np.float32) for _ in given]
    efforts = [np.empty(AT_ONCE, np.float32) for _ in given]
    for first in range(0, rows, AT_ONCE):
        count = min(AT_ONCE, rows - first)
        for packed, change, effort in zip(given, changes, efforts, strict=True):
            unpack(packed[first : first + count], change[:count], effort[:count])
        total = COMBINERS[how]([change[:count] for change in changes], [effort[:count] for effort in efforts])
        pack(total, result[first : first + count])
    return result
