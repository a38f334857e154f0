"""Nearest neighbours of many questions at once: 3CosAdd and 3CosMul over vectors in memory.

A question's vector is the mean of its words' unit vectors, those to be far from with the sign turned (3CosAdd: Mikolov
et al. 2013c); 3CosMul multiplies shifted cosines instead (Levy and Goldberg 2014, equation 4, with epsilon 1e-6). Both
as gensim's `most_similar` and `most_similar_cosmul`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from w2v.errors import SettingsError, UnknownWordError, VectorsError
from w2v.vectors._best import Best
from w2v.vectors.expressions import METHODS, Query
from w2v.vectors.words import to_text

if TYPE_CHECKING:
    from w2v.vectors.vectors import Vectors

__all__ = ["EPSILON", "Neighbours", "nearest", "nearest_to"]

Neighbours = list[tuple[str, float]]

EPSILON = 1e-6  # keeps 3CosMul's quotient finite
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
    targets = np.asarray(queries, np.float32)
    if targets.ndim != 2 or targets.shape[1] != vectors.dim:
        shape = " x ".join(map(str, targets.shape[1:])) or "no"
        raise VectorsError(f"a vector of {shape} numbers; these vectors have {vectors.dim}")
    if not np.isfinite(targets).all():
        raise VectorsError("a number of the vector that is asked for is not finite")
    lengths = np.sqrt(np.einsum("ij,ij->i", targets, targets, dtype=np.float64))[:, None]
    targets = np.divide(targets, lengths, out=np.zeros_like(targets), where=lengths > 0, casting="same_kind")
    last = len(vectors) if restrict_vocab is None else min(restrict_vocab, len(vectors))
    if topn < 1 or last < 1:
        return [[] for _ in targets]
    answers: list[Neighbours] = []
    for low in range(0, len(targets), QUERIES):
        some = targets[low : low + QUERIES]
        best = Best(len(some), min(topn, last))
        _offer_cosines(vectors, some, best, last)
        answers += [
            [(to_text(vectors.words.table[row]), score) for row, score in best.result(place)]
            for place in range(len(some))
        ]
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
            rows.append(([vectors.index(w) for w in query.positive], [vectors.index(w) for w in query.negative]))
            asked.append(number)
        except UnknownWordError as error:
            answers[number] = error
    if not asked or topn < 1:
        return answers
    extra = max(len(set(p + n)) for p, n in rows)
    last = len(vectors) if restrict_vocab is None else min(restrict_vocab, len(vectors))
    best = Best(len(asked), min(topn + extra, last))
    (_offer_sums if method == "add" else _offer_products)(vectors, rows, best, last)
    for place, number in enumerate(asked):
        own = {*rows[place][0], *rows[place][1]}
        found = [(row, score) for row, score in best.result(place) if row not in own]
        answers[number] = [(to_text(vectors.words.table[row]), score) for row, score in found[:topn]]
    return answers


def _offer_sums(vectors: Vectors, rows: list[tuple[list[int], list[int]]], best: Best, last: int) -> None:
    targets = np.zeros((len(rows), vectors.dim), np.float32)
    for place, (positive, negative) in enumerate(rows):
        targets[place] = unit_mean(vectors, positive, negative)
    _offer_cosines(vectors, targets, best, last)


def _offer_cosines(vectors: Vectors, targets: np.ndarray, best: Best, last: int) -> None:
    """`targets` float32 [Q, D] of unit length."""
    factors = vectors.reciprocals
    step = max(1024, CELLS // len(targets))
    for low in range(0, last, step):
        high = min(low + step, last)
        best.offer(targets @ vectors.matrix[low:high].T, low, factors)


def _offer_products(vectors: Vectors, rows: list[tuple[list[int], list[int]]], best: Best, last: int) -> None:
    used = sorted({row for positive, negative in rows for row in positive + negative})
    place_of = {row: place for place, row in enumerate(used)}
    units = vectors.units(used)
    step = max(1024, CELLS // max(1, len(used) + len(rows)))
    for low in range(0, last, step):
        high = min(low + step, last)
        shifted = (1 + units @ vectors.matrix[low:high].T * vectors.reciprocals[low:high]) / 2
        scores = np.ones((len(rows), high - low), np.float32)
        for place, (positive, negative) in enumerate(rows):
            for row in positive:
                scores[place] *= shifted[place_of[row]]
            if negative:
                scores[place] /= np.prod([shifted[place_of[row]] for row in negative], axis=0) + np.float32(EPSILON)
        best.offer(scores, low)


def unit_mean(vectors: Vectors, positive: Sequence[int], negative: Sequence[int] = ()) -> np.ndarray:
    """Mean of the rows' unit vectors, the negative ones with the sign turned, at unit length (or zero)."""
    mean = vectors.units(positive).sum(axis=0, dtype=np.float64) - vectors.units(negative).sum(axis=0, dtype=np.float64)
    length = np.sqrt(mean @ mean)
    return (mean / length if length > 0 else mean).astype(np.float32)
