"""Nearest neighbours of many questions at once: 3CosAdd and 3CosMul over vectors in memory.

A question's vector is the mean of its words' unit vectors, those to be far from with the sign turned (3CosAdd: Mikolov
et al. 2013c); 3CosMul multiplies shifted cosines instead (Levy and Goldberg 2014, equation 4, with epsilon 1e-6). Both
as gensim's `most_similar` and `most_similar_cosmul`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Protocol

import numpy as np

from w2v.errors import SettingsError, UnknownWordError, VectorsError, setting
from w2v.vectors._best import EPSILON, SPARE, Best, best_of, exact_cosines, product_score
from w2v.vectors.expressions import METHODS, Query
from w2v.vectors.words import Word, find_words, to_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from w2v.vectors.subwords import Subwords
    from w2v.vectors.words import Words

__all__ = ["QUERIES", "Neighbours", "Scope", "all_neighbours", "nearest", "nearest_rows", "nearest_to", "unit_mean"]

Neighbours = list[tuple[str, float]]

QUERIES = 1024  # answered together
NOTHING_LEFT = 1e-12  # of the lengths of rows that cancel each other: only rounding, which has no direction
CELLS = 1 << 21  # cosines held at once: 8 MiB


class Searched(Protocol):
    """What a search needs of Vectors."""

    words: Words
    matrix: np.ndarray
    subwords: Subwords | None

    def __len__(self) -> int: ...
    @property
    def dim(self) -> int: ...
    @property
    def factors(self) -> np.ndarray: ...
    def place(self, word: Word) -> int: ...
    def rows_at(self, places: Sequence[int] | np.ndarray) -> np.ndarray: ...
    def norms_at(self, places: Sequence[int] | np.ndarray) -> np.ndarray: ...
    def comparable(self, low: int, high: int) -> np.ndarray: ...
    def units(self, rows: Sequence[int] | np.ndarray) -> np.ndarray: ...


class Finder(Protocol):
    """What finds the best rows of targets [Q, D] of unit length, without each one's `own` rows: the `topn` best rows,
    int64 [Q, topn], and their scores, float64 [Q, topn], best first; where there are fewer, row -1 with score 0."""

    def best_rows(
        self, targets: NDArray[np.float64], own: Sequence[Sequence[int]], topn: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]: ...


class Scope:
    """Which rows of `vectors` may be answers: the first `restrict_vocab`, those of the words `among`, none of
    `exclude`; none with a cosine below `min_cosine`. Words that are not there are in `missing`, 100,000 at most.

    Other vectors may ask than those that answer. Of `among`, the rows are copied at length 1. SettingsError for a
    number out of range, VectorsError where no row is left.
    """

    def __init__(
        self,
        vectors: Searched,
        restrict_vocab: int | None = None,
        among: Iterable[Word] | None = None,
        exclude: Iterable[Word] | None = None,
        min_cosine: float | None = None,
    ):
        if restrict_vocab is not None and (not isinstance(restrict_vocab, (int, np.integer)) or restrict_vocab < 0):
            raise SettingsError(f"{setting('restrict_vocab')}: {restrict_vocab!r} is not a whole number of at least 0")
        if min_cosine is not None and not -1 <= min_cosine <= 1:
            raise SettingsError(f"{setting('min_cosine')}: must be between -1 and 1 (got {min_cosine})")
        self.vectors, self.least = vectors, min_cosine
        self.last = len(vectors) if restrict_vocab is None else min(restrict_vocab, len(vectors))
        self.rows: NDArray[np.int64] | None = None  # rising; None for all up to `last`
        self.missing: list[bytes] = []
        excluded, missing = find_words(vectors.words.table, exclude or ())
        self.missing += missing
        self._factors = vectors.factors
        if excluded:
            self._factors = vectors.factors.copy()
            self._factors[excluded] = np.nan  # never best
        if among is not None:
            self._take(among, excluded)

    def _take(self, among: Iterable[Word], excluded: Sequence[int]) -> None:
        rows, missing = find_words(self.vectors.words.table, among)
        self.missing += missing
        self.rows = np.setdiff1d(np.array(rows, np.int64), np.array(excluded, np.int64), assume_unique=True)
        self.rows = self.rows[: np.searchsorted(self.rows, self.last)]
        if not len(self.rows):
            raise VectorsError(f"{setting('among')}: none of its words may be an answer; check their spelling")
        self._units = self.vectors.units(self.rows)
        self._factors = np.ones(len(self.rows), np.float32)

    def __len__(self) -> int:
        return self.last if self.rows is None else len(self.rows)

    @property
    def factors(self) -> NDArray[np.float32]:
        """What turns the product of a row of `comparable` and a unit vector into their cosine, float32 [rows]; NaN for
        a row that may not be an answer."""
        return self._factors

    def comparable(self, low: int, high: int) -> NDArray[np.float32]:
        """As of Vectors, of the rows that may be answers."""
        return self.vectors.comparable(low, high) if self.rows is None else self._units[low:high]

    def places(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The place of each row among those that may be answers; -1 where it may not."""
        if self.rows is None:
            return np.where(rows < self.last, rows, -1)
        found = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
        return np.where(self.rows[found] == rows, found, -1)

    def units(self, low: int, high: int) -> NDArray[np.float32]:
        """The rows that may be answers, from `low` to `high`, at length 1, float32 [high - low, D]."""
        return self.vectors.units(range(low, high)) if self.rows is None else self._units[low:high]

    def drop_low(self, rows: NDArray[np.int64], cosines: NDArray[np.float64]) -> None:
        """Take out the answers whose cosine is too low."""
        if self.least is not None:
            low = cosines < self.least
            rows[low], cosines[low] = -1, 0

    def best_rows(
        self, targets: NDArray[np.float64], own: Sequence[Sequence[int]], topn: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The rows with the largest cosines, as of Finder."""
        topn = max(0, topn)
        best = Best(len(targets), min(topn + SPARE, len(self)))
        if topn and len(targets):
            for low, _, block in self.products(targets, own):
                best.offer(block, low, self.factors)
        rows, cosines = np.empty((len(targets), topn), np.int64), np.empty((len(targets), topn))
        best.cosines(self.vectors.matrix, targets, rows, cosines, self.rows)
        self.drop_low(rows, cosines)
        return rows, cosines

    def products(
        self, targets: NDArray[np.float64], own: Sequence[Sequence[int]]
    ) -> Iterator[tuple[int, int, NDArray[np.float32]]]:
        """The products of targets [Q, D] with the rows of `comparable`, some at a time: (first row, end, float32 [Q,
        rows], which is used again), NaN at a target's `own`. VectorsError for vectors of another length."""
        check_space(targets.shape[1], self.vectors.dim)
        asked = np.repeat(np.arange(len(own)), [len(rows) for rows in own]) if len(own) else np.empty(0, np.int64)
        places = self.places(np.array([row for rows in own for row in rows], np.int64))
        order = np.argsort(places, kind="stable")
        asked, places = asked[order], places[order]
        few = targets.astype(np.float32)
        step = max(1024, CELLS // len(few))
        buffer = np.empty(len(few) * min(step, len(self)), np.float32)  # one for all blocks: fresh pages take long
        for low in range(0, len(self), step):
            high = min(low + step, len(self))
            block = buffer[: len(few) * (high - low)].reshape(len(few), high - low)
            np.matmul(few, self.comparable(low, high).T, out=block)
            here = slice(*np.searchsorted(places, (low, high)))
            block[asked[here], places[here] - low] = np.nan
            yield low, high, block


def nearest(
    vectors: Searched,
    queries: Sequence[Query],
    topn: int = 10,
    method: str = "add",
    restrict_vocab: int | None = None,
    scope: Scope | None = None,
) -> list[Neighbours | UnknownWordError]:
    """For each query its `topn` best (word, score), best first, its own words left out; ties go to the lower row.

    A query with a word that is not there has the error in place of an answer. `restrict_vocab`: only this many first
    rows can be answers; `scope` says that and more, also that other vectors answer.
    """
    if method not in METHODS:
        raise SettingsError(f"method: {method!r} is neither add nor mul")
    scope = scope or Scope(vectors, restrict_vocab)
    topn = _checked(topn, scope.vectors)
    if method == "mul" and scope.vectors is not vectors:
        raise SettingsError("method: mul multiplies cosines within one space; answers from another take add")
    answers: list[Neighbours | UnknownWordError] = []
    for low in range(0, len(queries), QUERIES):
        answers += _nearest_block(vectors, queries[low : low + QUERIES], topn, method, scope)
    return answers


def nearest_to(
    vectors: Searched, queries: np.ndarray, topn: int = 10, restrict_vocab: int | None = None
) -> list[Neighbours]:
    """For each row of `queries` [Q, D] its `topn` best (word, cosine), best first; ties go to the lower row.

    VectorsError for another length, or a number that is not finite; a row of zeros is at 0 to everything.
    """
    topn = _checked(topn, vectors)
    targets = np.asarray(queries, np.float64)
    if targets.ndim != 2 or targets.shape[1] != vectors.dim:
        shape = " x ".join(map(str, targets.shape[1:])) or "no"
        raise VectorsError(f"a vector of {shape} numbers; these vectors have {vectors.dim}")
    if not np.isfinite(targets).all():
        raise VectorsError("a number of the vector that is asked for is not finite")
    largest = np.abs(targets).max(axis=1, keepdims=True, initial=0)
    targets = np.divide(targets, largest, out=np.zeros_like(targets), where=largest > 0)  # of any length
    lengths = np.sqrt(np.einsum("ij,ij->i", targets, targets))[:, None]
    targets = np.divide(targets, lengths, out=targets, where=lengths > 0)
    scope = Scope(vectors, restrict_vocab)
    answers: list[Neighbours] = []
    for low in range(0, len(targets), QUERIES):
        answers += _with_words(vectors, *scope.best_rows(targets[low : low + QUERIES], (), topn))
    return answers


def nearest_rows(
    vectors: Searched,
    groups: Sequence[Sequence[int]],
    topn: int,
    scope: Scope,
    decay: float = 1.0,
    index: Finder | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """For each group of places (see `Vectors.place`) the `topn` rows nearest to its mean, the group's own left out.

    Returns rows int64 [groups, topn] and their cosines float64 [groups, topn], best first; where there are fewer, the
    row is -1 and the cosine 0, as for an empty group. Beyond the number of rows there are no columns. `decay` weighs
    each place of a group by so much of the next one's. Blocks of QUERIES groups at a time are quick.
    """
    topn = min(topn, len(scope.vectors))
    places = np.array([place for group in groups for place in group], np.int64)
    sizes = np.fromiter(map(len, groups), np.int64, len(groups))
    ends = np.cumsum(sizes)
    weights = _unit_weights(vectors, places)
    if decay != 1:
        weights *= decay ** (np.repeat(ends, sizes) - 1 - np.arange(len(places)))
    targets = np.zeros((len(groups), vectors.dim))
    for number in np.flatnonzero(sizes):
        one = slice(ends[number] - sizes[number], ends[number])
        targets[number] = _direction(weights[one], vectors.rows_at(places[one]))
    own = groups if scope.vectors is vectors else ()  # a word is no row of other vectors
    finder: Finder = scope if index is None else index
    rows, cosines = finder.best_rows(targets, own, topn)
    rows[sizes == 0], cosines[sizes == 0] = -1, 0
    return rows, cosines


def all_neighbours(
    vectors: Searched,
    words: Iterable[Word | Sequence[Word]] | None,
    topn: int,
    scope: Scope,
    decay: float = 1.0,
    approx: bool = False,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """As `Vectors.neighbours`, which has the words."""
    topn = _checked(topn, scope.vectors)
    check_decay(decay)
    asked = range(len(vectors)) if words is None else [_places(vectors, word) for word in words]
    rows = np.empty((len(asked), max(0, topn)), np.int64)
    cosines = np.empty(rows.shape, np.float32)
    index = None
    if approx:
        from w2v.vectors.approximate import Index

        index = Index(scope)
    for low in range(0, len(asked), QUERIES):
        some = slice(low, low + QUERIES)
        groups = [[one] if isinstance(one, int) else one for one in asked[some]]
        rows[some], cosines[some] = nearest_rows(vectors, groups, topn, scope, decay, index)
    return rows, cosines


def _places(vectors: Searched, words: Word | Sequence[Word]) -> list[int]:
    """The place of a word, or of each of several that is there."""
    if isinstance(words, (str, bytes, int, np.integer)):
        return [vectors.place(words)]
    return known_places(vectors, words)[0]


def known_places(vectors: Searched, words: Iterable[Word]) -> tuple[list[int], list[Word]]:
    """The places of the words that are there (see `Vectors.place`), and the words that are not."""
    places, unknown = [], []
    for word in words:
        place = vectors.words.find(word)
        if place < 0 and vectors.subwords is not None:
            with suppress(UnknownWordError):
                place = vectors.place(word)
        if place < 0:
            unknown.append(word)
        else:
            places.append(place)
    return places, unknown


def check_space(asking: int, answering: int) -> None:
    """VectorsError where vectors that ask have another length than those that answer."""
    if asking != answering:
        raise VectorsError(
            f"the vectors that ask have {asking} numbers, those that answer {answering}; bring them into one space "
            "first (w2v convert IN OUT --align-to FILE)"
        )


def check_decay(decay: float) -> None:
    if not 0 < decay <= 1:
        raise SettingsError(f"{setting('decay')}: must be more than 0 and at most 1 (got {decay})")


def _checked(topn: int, answers: Searched) -> int:
    """How many answers there can be at most; each takes room."""
    if not isinstance(topn, (int, np.integer)):
        raise SettingsError(f"topn: {topn!r} is not a whole number; for all words take len(vectors)")
    return min(int(topn), len(answers))


def _nearest_block(
    vectors: Searched, queries: Sequence[Query], topn: int, method: str, scope: Scope
) -> list[Neighbours | UnknownWordError]:
    answers: list[Neighbours | UnknownWordError] = [[] for _ in queries]
    asked: list[int] = []
    rows: list[tuple[list[int], list[int]]] = []
    for number, query in enumerate(queries):
        try:
            rows.append(([vectors.place(w) for w in query.positive], [vectors.place(w) for w in query.negative]))
            asked.append(number)
        except UnknownWordError as error:
            answers[number] = error
    if not asked or topn < 1:
        return answers
    if method == "add":
        targets = np.array([unit_mean(vectors, *pair) for pair in rows])
        own = [p + n for p, n in rows] if scope.vectors is vectors else ()
        found = _with_words(scope.vectors, *scope.best_rows(targets, own, topn))
    else:
        found = _best_products(vectors, rows, topn, scope)
    for number, answer in zip(asked, found, strict=True):
        answers[number] = answer
    return answers


def _with_words(vectors: Searched, rows: NDArray[np.int64], cosines: NDArray[np.float64]) -> list[Neighbours]:
    words = vectors.words.table
    return [
        [(to_text(words[row]), score) for row, score in zip(some, scores, strict=True) if row >= 0]
        for some, scores in zip(rows.tolist(), cosines.tolist(), strict=True)
    ]


def _best_products(
    vectors: Searched, rows: list[tuple[list[int], list[int]]], topn: int, scope: Scope
) -> list[Neighbours]:
    """3CosMul: the best answers for each (places to be near to, places to be far from)."""
    extra = max(len({*positive, *negative}) for positive, negative in rows)
    best = Best(len(rows), min(topn + extra + SPARE, len(scope)))
    _offer_products(vectors, rows, best, scope)
    answers = []
    for place, (positive, negative) in enumerate(rows):
        found = np.array([row for row, _ in best.result(place)], np.int64)
        found = found if scope.rows is None else scope.rows[found]
        found = found[~np.isin(found, positive + negative)]
        cosines = [exact_cosines(vectors.matrix, found, unit_mean(vectors, [row])) for row in positive + negative]
        ranked = best_of(found.tolist(), cosines, partial(product_score, len(positive)), topn)
        answers.append([(to_text(vectors.words.table[row]), score) for row, score in ranked])
    return answers


def _offer_products(vectors: Searched, rows: list[tuple[list[int], list[int]]], best: Best, scope: Scope) -> None:
    used = sorted({row for positive, negative in rows for row in positive + negative})
    place_of = {row: place for place, row in enumerate(used)}
    units = vectors.units(used)
    step = max(1024, CELLS // max(1, len(used) + len(rows)))
    for low in range(0, len(scope), step):
        high = min(low + step, len(scope))
        shifted = (1 + units @ scope.comparable(low, high).T * scope.factors[low:high]) / 2
        scores = np.ones((len(rows), high - low), np.float32)
        for place, (positive, negative) in enumerate(rows):
            for row in positive:
                scores[place] *= shifted[place_of[row]]
            if negative:
                scores[place] /= np.prod([shifted[place_of[row]] for row in negative], axis=0) + np.float32(EPSILON)
        best.offer(scores, low)


def unit_mean(vectors: Searched, positive: Sequence[int], negative: Sequence[int] = ()) -> np.ndarray:
    """Mean of the rows' unit vectors, the negative ones with the sign turned, at unit length (or zero); float64 [D]."""
    rows = [*positive, *negative]
    weights = _unit_weights(vectors, rows)
    weights[len(positive) :] *= -1
    return _direction(weights, vectors.rows_at(rows))


def _direction(weights: NDArray[np.float64], rows: np.ndarray) -> NDArray[np.float64]:
    """The weighted sum of rows [n, D] at unit length, or zeros where nothing but rounding is left of it."""
    rows = rows.astype(np.float64)
    total = weights @ rows
    largest = np.abs(weights) @ np.sqrt(np.einsum("ij,ij->i", rows, rows))
    return at_unit_length(total if np.sqrt(total @ total) > NOTHING_LEFT * largest else np.zeros_like(total))


def _unit_weights(vectors: Searched, rows: Sequence[int] | np.ndarray) -> np.ndarray:
    """What brings each row to length 1, float64; 0 for a row of zeros."""
    norms = vectors.norms_at(rows)
    return np.asarray(np.divide(1, norms, out=np.zeros(len(rows)), where=norms > 0))


def at_unit_length(row: NDArray[np.float64]) -> NDArray[np.float64]:
    """The row [D] divided by its length; zeros stay."""
    length = np.sqrt(row @ row)
    return np.divide(row, length) if length > 0 else row
