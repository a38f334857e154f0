"""Answers from another space than the queries', ranked by CSLS: translation between two spaces that are aligned.

Some rows are near to everything (hubs), and by cosine they are the answer to too many queries. Cross-domain similarity
local scaling (Conneau et al. 2018, section 2.3) takes off how crowded it is around either side:

    CSLS(x, y) = 2 cos(x, y) - r(x) - r(y)

r(x) is the mean cosine of the query x with the NEAREST nearest rows of the space that answers, r(y) that of the answer
y with its nearest rows of the space that asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from w2v.vectors._best import SPARE, Best, exact_cosines
from w2v.vectors.neighbours import QUERIES, Scope, check_space

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from w2v.vectors.neighbours import Searched
    from w2v.vectors.words import Word

__all__ = ["CslsScope"]

NEAREST = 10  # Conneau et al. 2018


class CslsScope(Scope):
    """Rows of `answering` as answers to queries from `asking`, best by CSLS in place of the cosine.

    `restrict_vocab` also leaves the other rows out of what is near, on both sides; the lists do not. How crowded it is
    around each answer is found once, at first use, in time with the product of both sizes; `on_progress` gets how many
    answers are done. Memory beside the vectors: 12 bytes an answer, and a block of cosines.
    """

    def __init__(
        self,
        asking: Searched,
        answering: Searched,
        restrict_vocab: int | None = None,
        among: Iterable[Word] | None = None,
        exclude: Iterable[Word] | None = None,
        min_cosine: float | None = None,
        on_progress: Callable[[int], object] | None = None,
    ):
        check_space(asking.dim, answering.dim)
        super().__init__(answering, restrict_vocab, among, exclude, min_cosine)
        self._near_queries = Scope(answering, restrict_vocab)
        self._near_answers = Scope(asking, restrict_vocab)
        self._on_progress = on_progress

    @cached_property
    def crowding(self) -> NDArray[np.float64]:
        """r(y) of each row that may be an answer, float64 [rows]."""
        found = np.empty(len(self))
        for low in range(0, len(self), QUERIES):
            high = min(low + QUERIES, len(self))
            found[low:high] = _mean_nearest(self.units(low, high).astype(np.float64), self._near_answers)
            if self._on_progress is not None:
                self._on_progress(high)
        return found

    def best_rows(
        self, targets: NDArray[np.float64], own: Sequence[Sequence[int]], topn: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The rows with the largest CSLS, as of Finder."""
        topn = max(0, topn)
        rows, scores = np.full((len(targets), topn), -1, np.int64), np.zeros((len(targets), topn))
        if not topn or not len(targets):
            return rows, scores
        best = Best(len(targets), min(topn + SPARE, len(self)))
        half = (self.crowding / 2).astype(np.float32)  # r(x) is the same for all answers to x
        for low, high, block in self.products(targets, own):
            block *= self.factors[low:high]
            if self.least is not None:
                block[block < self.least] = np.nan
            block -= half[low:high]
            best.offer(block, low)
        crowded = _mean_nearest(targets, self._near_queries)
        for number, target in enumerate(targets):
            found, exact = self._ranked(np.array([row for row, _ in best.result(number)], np.int64), target)
            found, exact = found[:topn], exact[:topn]
            rows[number, : len(found)], scores[number, : len(found)] = found, exact - crowded[number]
        return rows, scores

    def _ranked(
        self, found: NDArray[np.int64], target: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Some rows that may be answers as rows of the vectors, and their 2 cos - r(y) in float64, best first."""
        rows = found if self.rows is None else self.rows[found]
        cosines = np.frombuffer(exact_cosines(self.vectors.matrix, rows, target), np.float64)
        scores = 2 * cosines - self.crowding[found]
        order = np.lexsort((rows, -scores))
        if self.least is not None:
            order = order[cosines[order] >= self.least]
        return rows[order], scores[order]


def _mean_nearest(targets: NDArray[np.float64], scope: Scope) -> NDArray[np.float64]:
    """The mean cosine of each target [Q, D] of length 1 with the NEAREST nearest rows of a scope, float64 [Q]."""
    _, cosines = scope.best_rows(targets, (), NEAREST)
    means: NDArray[np.float64] = cosines.sum(axis=1) / max(1, min(NEAREST, len(scope)))
    return means
