"""How words relate to each other: the rank of one among another's neighbours, and the one that does not belong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from w2v.errors import SettingsError, UnknownWordError
from w2v.numbers import plural
from w2v.vectors.neighbours import at_unit_length
from w2v.vectors.words import Word, to_bytes, to_text

if TYPE_CHECKING:
    from w2v.vectors.vectors import Vectors

__all__ = ["Rank", "odd_one_out", "rank_in", "ranks"]

Rank = tuple[int, float]  # rank from 1, cosine

QUERIES = 64  # answered together
ROWS = 1 << 16  # compared at once


def odd_one_out(vectors: Vectors, words: Sequence[Word]) -> list[tuple[str, float]]:
    """The words with their cosine to the mean of all their unit vectors, the least first: that is the odd one out.

    As gensim's `doesnt_match`. SettingsError for fewer than two words, UnknownWordError for one that is not there.
    """
    if len(words) < 2:
        raise SettingsError(f"odd one out: {plural(len(words), 'word')}; at least 2 can be compared (3 make sense)")
    units = vectors.units([vectors.place(word) for word in words]).astype(np.float64)
    cosines = units @ at_unit_length(units.mean(axis=0))
    shown = [word if isinstance(word, str) else to_text(to_bytes(word)) for word in words]
    return sorted(zip(shown, cosines.clip(-1, 1).tolist(), strict=True), key=lambda pair: pair[1])


def ranks(vectors: Vectors, pairs: Sequence[tuple[Word, Word]]) -> list[Rank | UnknownWordError]:
    """For each (a, b) the rank of b among the neighbours of a, and their cosine: see `Vectors.rank`."""
    answers: list[Rank | UnknownWordError] = []
    for low in range(0, len(pairs), QUERIES):
        rows: list[tuple[int, int] | UnknownWordError] = []
        for a, b in pairs[low : low + QUERIES]:
            try:
                rows.append((vectors.place(a), vectors.place(b)))
            except UnknownWordError as error:
                rows.append(error)
        found = [pair for pair in rows if not isinstance(pair, UnknownWordError)]
        cosines = iter(_all_cosines(vectors, vectors.units([a for a, _ in found])))
        answers += [
            pair
            if isinstance(pair, UnknownWordError)
            else _rank(vectors, next(cosines), *pair, vectors.similarity(*asked))
            for pair, asked in zip(rows, pairs[low : low + QUERIES], strict=True)
        ]
    return answers


def _rank(vectors: Vectors, cosines: np.ndarray, a: int, b: int, cosine: float) -> Rank:
    return (rank_in(cosines, a, b) if b < len(vectors) else rank_by(cosines, a, cosine)), cosine


def _all_cosines(vectors: Vectors, units: np.ndarray) -> np.ndarray:
    cosines = np.empty((len(units), len(vectors)), np.float32)
    for low in range(0, len(vectors), ROWS):
        high = min(low + ROWS, len(vectors))
        cosines[:, low:high] = units @ vectors.comparable(low, high).T * vectors.factors[low:high]
    return cosines


def rank_in(cosines: np.ndarray, a: int, b: int) -> int:
    """1 + how many rows, a itself aside, are nearer to a than b is; `cosines` are those of all rows with a."""
    return rank_by(cosines, a, cosines[b])


def rank_by(cosines: np.ndarray, a: int, cosine: float) -> int:
    """As `rank_in`, of a word whose cosine with a is this; neither need be among the rows."""
    return int(np.count_nonzero(cosines > cosine)) - int(a < len(cosines) and cosines[a] > cosine) + 1
