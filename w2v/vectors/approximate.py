"""Nearest neighbours by an index (HNSW: Malkov and Yashunin 2018, by usearch, the extra `w2v[approx]`): many times as
quick as all cosines where there are many rows, and some neighbours are missed. How many, `recall` measures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from w2v.errors import SettingsError, W2VError, setting
from w2v.machine import thread_count
from w2v.vectors._best import SPARE, exact_cosines
from w2v.vectors.translation import CslsScope

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from w2v.vectors.neighbours import Scope

__all__ = ["Index", "recall"]

ROWS = 1 << 14  # added together
ASKED = 500  # rows whose neighbours are sought in both ways, to tell the recall


class Index:
    """The rows that may be answers, indexed by their cosines; `on_progress` gets how many rows are in it.

    Memory beside the vectors: 2 bytes a number, and about 150 bytes a row. W2VError where usearch is not installed.
    """

    def __init__(self, scope: Scope, threads: int | None = None, on_progress: Callable[[int], object] | None = None):
        if isinstance(scope, CslsScope):
            raise SettingsError(f"{setting('approx')}: finds the nearest by cosine; leave out {setting('csls', True)}")
        if find_spec("usearch") is None:
            raise W2VError("this needs usearch, which is not installed: pip install 'w2v[approx]'")
        from usearch.index import Index as Graph

        self.scope, self.threads = scope, thread_count(threads)
        allowed = np.isfinite(scope.factors)
        self.rows = np.flatnonzero(allowed[: len(scope)]) if scope.rows is None else scope.rows
        self.graph = Graph(ndim=scope.vectors.dim, metric="ip", dtype="f16", expansion_search=128)
        for low in range(0, len(self.rows), ROWS):
            keys = np.arange(low, min(low + ROWS, len(self.rows)))
            self.graph.add(keys, scope.vectors.units(self.rows[keys]), threads=self.threads)
            if on_progress is not None:
                on_progress(int(keys[-1]) + 1)

    def best_rows(
        self, targets: NDArray[np.float64], own: Sequence[Sequence[int]], topn: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """About the best rows of each target, as `Scope.best_rows`; their cosines are exact."""
        rows, cosines = np.full((len(targets), topn), -1, np.int64), np.zeros((len(targets), topn))
        count = min(topn + SPARE + max(map(len, own), default=0), len(self.rows))
        found = self.graph.search(targets.astype(np.float32), count, threads=self.threads)
        keys = np.asarray(found.keys, np.int64).reshape(len(targets), -1)
        counts = [len(keys[0])] if len(targets) == 1 else found.counts  # one query has another kind of answer
        for number, target in enumerate(targets):
            some = self.rows[keys[number][: counts[number]]]
            some = np.sort(some[~np.isin(some, own[number])] if own else some)
            exact = np.frombuffer(exact_cosines(self.scope.vectors.matrix, some, target))
            order = np.argsort(-exact, kind="stable")[:topn]
            rows[number, : len(order)], cosines[number, : len(order)] = some[order], exact[order]
        self.scope.drop_low(rows, cosines)
        return rows, cosines


def recall(index: Index, topn: int) -> tuple[float, int]:
    """(share of the true `topn` nearest that the index finds, of how many rows), for rows evenly from all of them."""
    from w2v.vectors.neighbours import nearest_rows

    vectors = index.scope.vectors
    asked = np.unique(np.linspace(0, len(vectors) - 1, min(ASKED, len(vectors))).astype(np.int64))
    groups = [[int(row)] for row in asked]
    exact, _ = nearest_rows(vectors, groups, topn, index.scope)
    found, _ = nearest_rows(vectors, groups, topn, index.scope, index=index)
    hits = sum(int(np.isin(some[some >= 0], true).sum()) for some, true in zip(found, exact, strict=True))
    return hits / max(1, int((exact >= 0).sum())), len(asked)
