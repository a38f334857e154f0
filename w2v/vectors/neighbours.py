"""Nearest neighbours of many questions at once: 3CosAdd and 3CosMul over vectors in memory.

A question's vector is the mean of its words' unit vectors, those to be far from with the sign turned (3CosAdd: Mikolov
et al. 2013c); 3CosMul multiplies shifted cosines instead (Levy and Goldberg 2014, equation 4, with epsilon 1e-6). Both
as gensim's `most_similar` and `most_similar_cosmul`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from w2v.errors import SettingsError, UnknownWordError, VectorsError
from w2v.vectors._best import EPSILON, SPARE, Best, best_of, exact_cosines, product_score
from w2v.vectors.expressions import METHODS, Query
from w2v.vectors.words import to_text

if TYPE_CHECKING:
    from w2v.vectors.vectors import Vectors

__all__ = ["Neighbours", "nearest", "nearest_to", "unit_mean"]

Neighbours = list[tuple[str, float]]

QUERIES = 1024  # answered together
CELLS = 8 << 20  # cosines held at once: 32 MiB


def nearest(
    vectors: Vectors, queries: Sequence[Query], topn: int = 10, method: str = "add", restrict_vocab: int | None = None
) -> list[Neighbours | UnknownWordError]:
    """For each query its `topn` best (word, score), best first, its own words left out; ties go to the lower row.

    A query with a word that is not there has the error in place of an answer. `restrict_vocab`: only the first so many
    rows can be answers.
    """
    if method not in METHODS:
        raise SettingsError(f"method: {method!r} is neither add nor mul")
    _check(topn, restrict_vocab)
    answers: list[Neighbours | UnknownWordError] = []
    for low in range(0, len(queries), QUERIES):
        answers += _nearest_block(vectors, queries[low : low + QUERIES], topn, method, restrict_vocab)
    return answers


def nearest_to(
    vectors: Vectors, queries: np.ndarray, topn: int = 10, restrict_vocab: int | None = None
) -> list[Neighbours]:
    """For each row of `queries` [Q, D] its `topn` best (word, cosine), best first; ties go to the lower row.

    VectorsError for another length, or a number that is not finite; a row of zeros is at 0 to everything.
    """
    _check(topn, restrict_vocab)
    targets = np.asarray(queries, np.float64)
    if targets.ndim != 2 or targets.shape[1] != vectors.dim:
        shape = " x ".join(map(str, targets.shape[1:])) or "no"
        raise VectorsError(f"a vector of {shape} numbers; these vectors have {vectors.dim}")
    if not np.isfinite(targets).all():
        raise VectorsError("a number of the vector that is asked for is not finite")
    largest = np.abs(targets).max(axis=1, keepdims=True, initial=0)
    targets = np.divide(targets, largest, out=np.zeros_like(targets), where=largest > 0)  # whatever its length
    lengths = np.sqrt(np.einsum("ij,ij->i", targets, targets))[:, None]
    targets = np.divide(targets, lengths, out=targets, where=lengths > 0)
    last = len(vectors) if restrict_vocab is None else min(restrict_vocab, len(vectors))
    if topn < 1 or last < 1:
        return [[] for _ in targets]
    answers: list[Neighbours] = []
    for low in range(0, len(targets), QUERIES):
        some = targets[low : low + QUERIES]
        best = Best(len(some), min(topn + SPARE, last))
        _offer_cosines(vectors, some, best, last)
        answers += [_answer(vectors, best.result(place), [target], topn, _cosine) for place, target in enumerate(some)]
    return answers


def _check(topn: int, restrict_vocab: int | None) -> None:
    if not isinstance(topn, (int, np.integer)):
        raise SettingsError(f"topn: {topn!r} is not a whole number; for all words take len(vectors)")
    if restrict_vocab is not None and restrict_vocab < 0:
        raise SettingsError(f"restrict_vocab: {restrict_vocab} is not at least 0")


def _nearest_block(
    vectors: Vectors, queries: Sequence[Query], topn: int, method: str, restrict_vocab: int | None
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
    extra = max(len(set(p + n)) for p, n in rows)
    last = len(vectors) if restrict_vocab is None else min(restrict_vocab, len(vectors))
    best = Best(len(asked), min(topn + extra + SPARE, last))
    sums = [unit_mean(vectors, *pair) for pair in rows] if method == "add" else []
    if method == "add":
        _offer_cosines(vectors, np.array(sums), best, last)
    else:
        _offer_products(vectors, rows, best, last)
    for place, number in enumerate(asked):
        positive, negative = rows[place]
        own = {*positive, *negative}
        found = [(row, score) for row, score in best.result(place) if row not in own]
        if method == "add":
            answers[number] = _answer(vectors, found, [sums[place]], topn, _cosine)
        else:
            targets = [unit_mean(vectors, [row]) for row in positive + negative]
            answers[number] = _answer(vectors, found, targets, topn, partial(product_score, len(positive)))
    return answers


def _answer(
    vectors: Vectors,
    found: list[tuple[int, float]],
    targets: list[np.ndarray],
    topn: int,
    score: Callable[[Sequence[float]], float],
) -> Neighbours:
    rows = np.array([row for row, _ in found], np.int64)
    cosines = [exact_cosines(vectors.matrix, rows, target) for target in targets]
    return [(to_text(vectors.words.table[row]), value) for row, value in best_of(rows.tolist(), cosines, score, topn)]


def _cosine(cosines: Sequence[float]) -> float:
    return cosines[0]


def _offer_cosines(vectors: Vectors, targets: np.ndarray, best: Best, last: int) -> None:
    """`targets` [Q, D] of unit length."""
    targets = targets.astype(np.float32)
    step = max(1024, CELLS // len(targets))
    for low in range(0, last, step):
        high = min(low + step, last)
        best.offer(targets @ vectors.comparable(low, high).T, low, vectors.factors)


def _offer_products(vectors: Vectors, rows: list[tuple[list[int], list[int]]], best: Best, last: int) -> None:
    used = sorted({row for positive, negative in rows for row in positive + negative})
    place_of = {row: place for place, row in enumerate(used)}
    units = vectors.units(used)
    step = max(1024, CELLS // max(1, len(used) + len(rows)))
    for low in range(0, last, step):
        high = min(low + step, last)
        shifted = (1 + units @ vectors.comparable(low, high).T * vectors.factors[low:high]) / 2
        scores = np.ones((len(rows), high - low), np.float32)
        for place, (positive, negative) in enumerate(rows):
            for row in positive:
                scores[place] *= shifted[place_of[row]]
            if negative:
                scores[place] /= np.prod([shifted[place_of[row]] for row in negative], axis=0) + np.float32(EPSILON)
        best.offer(scores, low)


def unit_mean(vectors: Vectors, positive: Sequence[int], negative: Sequence[int] = ()) -> np.ndarray:
    """Mean of the rows' unit vectors, the negative ones with the sign turned, at unit length (or zero); float64 [D]."""
    rows = [*positive, *negative]
    norms = vectors.norms_at(rows)
    weights = np.divide(1, norms, out=np.zeros(len(rows)), where=norms > 0)
    weights[len(positive) :] *= -1
    mean: np.ndarray = weights @ vectors.rows_at(rows).astype(np.float64)
    length = np.sqrt(mean @ mean)
    if length > 0:
        mean /= length
    return mean
