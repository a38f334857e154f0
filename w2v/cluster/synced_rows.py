"""What a node's replica has in common with those of the others, and what the node has changed since.

`base` is the same on every node, bit for bit: it started as the same random values, and each exchange adds the same
numbers to it everywhere. The model is base + what this node has trained and not exchanged yet.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from w2v.cluster._rows import PACKED_EXTRA, move, put, take
from w2v.cluster.schedule import Part
from w2v.training.effort import PAIR, pairs_per_token

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from w2v.kernel._state import Model
    from w2v.training.config import ResolvedConfig

    Floats = NDArray[np.float32]
    Packed = NDArray[np.uint8]

__all__ = ["SyncedRows", "shares"]


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
