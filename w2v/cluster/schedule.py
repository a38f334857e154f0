"""Which rows are exchanged when: the most frequent at each exchange, half as often for each doubling of rank.

Source: the schedule of Intel's distributed word2vec (Ji et al. 2016, "Parallelizing Word2Vec in Shared and Distributed
Memory", section 4.2). By Zipf's law a row of twice the rank is updated half as often, so every row is exchanged after
about the same number of its own updates.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from w2v.cluster._rows import PACKED_EXTRA

__all__ = ["Part", "Schedule", "bytes_exchanged", "row_bytes"]

SENT_BYTES = 1  # of a number that nodes send each other, besides PACKED_EXTRA for each row (_rows.pyx)


@dataclass(frozen=True)
class Part:
    """Rows first..stop-1 of both matrices."""

    first: int
    stop: int


class Schedule:
    """Tiers of `rows` rows: tier 0 has the first `top`, tier t the ranks from top x 2^(t-1) to top x 2^t.

    Tier t is exchanged at every 2^t-th exchange; all are at the end. No part is larger than `most` rows, which bounds
    the memory that an exchange takes.
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
