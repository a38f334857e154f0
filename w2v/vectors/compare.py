"""How models differ: the neighbours that their words share, and how far words moved once the spaces are aligned.

Neighbour overlap as in Wendlandt et al. 2018 (stability); alignment by orthogonal Procrustes (Schoenemann 1966), as
Hamilton et al. 2016 align embeddings of different times. Both look at directions only: rows have length 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from w2v.errors import SettingsError, VectorsError
from w2v.threads import for_each
from w2v.vectors.derive import rotation
from w2v.vectors.words import to_text

if TYPE_CHECKING:
    from w2v.vectors.vectors import Vectors

__all__ = ["Comparison", "Pair", "aligned_cosines", "compare", "neighbour_rows", "overlaps"]

ROWS = 512  # questions answered together


@dataclass(frozen=True)
class Pair:
    """Two models: places in the list, mean overlap of the k nearest, mean and least cosine after the alignment."""

    first: int
    second: int
    overlap: float
    cosine: float
    least_cosine: float


@dataclass(frozen=True)
class Comparison:
    """`words` that all models share (the `top` most frequent of the first), `rows` in the first model; for each word
    the mean over all pairs of models of overlap [W] and cosine [W]; `shared` counts all shared words, `sizes` each
    model's words."""

    k: int
    words: list[str]
    rows: np.ndarray
    overlap: np.ndarray
    cosine: np.ndarray
    pairs: list[Pair]
    shared: int
    sizes: list[int]

    def order(self) -> np.ndarray:
        """Places of the words: of two models, those that moved most first; of more, those with the least stable
        neighbours."""
        first, second = (self.cosine, self.overlap) if len(self.sizes) == 2 else (self.overlap, self.cosine)
        return np.lexsort((second, first))


def compare(models: Sequence[Vectors], k: int = 10, top: int | None = 10_000) -> Comparison:
    """Compare two models or more over the words that they share, the `top` first rows of the first model (None: all).

    Neighbours are sought among these words only, so that models with other words can be compared; the cost grows with
    the square of their number. Models may have different dimensions. VectorsError if they share too few words.
    """
    if len(models) < 2:
        raise SettingsError("two models at least can be compared")
    if k < 1:
        raise SettingsError(f"k: {k} is not at least 1")
    places, shared = _shared(models, top)
    if len(places) < k + 1:
        raise VectorsError(
            f"the models share {shared:,} words, of which {len(places):,} are compared; overlap at {k} needs {k + 1}"
        )
    units = [model.units(rows) for model, rows in zip(models, places.T, strict=True)]
    near = [neighbour_rows(unit, k) for unit in units]
    overlap, cosine = np.zeros(len(places)), np.zeros(len(places))
    pairs = []
    for a, b in combinations(range(len(models)), 2):
        common, alike = overlaps(near[a], near[b]), aligned_cosines(units[a], units[b])
        pairs.append(Pair(a, b, float(common.mean()), float(alike.mean()), float(alike.min())))
        overlap += common
        cosine += alike
    table = models[0].words.table
    words = [to_text(table[row]) for row in places[:, 0].tolist()]
    sizes = [len(model) for model in models]
    count = len(pairs)
    return Comparison(k, words, places[:, 0], overlap / count, cosine / count, pairs, shared, sizes)


def _shared(models: Sequence[Vectors], top: int | None) -> tuple[np.ndarray, int]:
    """(rows of the compared words in each model, int64 [W, models]; how many words all models share)."""
    first, *others = (model.words.table for model in models)
    found: list[tuple[int, ...]] = []
    shared = 0
    for row in range(len(first)):
        word = first[row]
        rows = [other.find(word) for other in others]
        if min(rows) >= 0:
            shared += 1
            if top is None or len(found) < top:
                found.append((row, *rows))
    return np.array(found, np.int64).reshape(-1, len(models)), shared


def neighbour_rows(units: np.ndarray, k: int) -> np.ndarray:
    """The k nearest other rows of each row, int32 [rows, k] in no order; `units` float32 [rows, D] of length 1."""
    near = np.empty((len(units), k), np.int32)

    def find(task: int) -> None:
        low = task * ROWS
        scores = units[low : low + ROWS] @ units.T
        scores[np.arange(len(scores)), np.arange(low, low + len(scores))] = -np.inf
        near[low : low + ROWS] = np.argpartition(scores, -k, axis=1)[:, -k:]

    for_each(find, -(-len(units) // ROWS))
    return near


def overlaps(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The share of neighbours that two models give a word alike, float64 [rows]; both int32 [rows, k]."""
    both = np.sort(np.concatenate((first, second), axis=1), axis=1)  # a neighbour of both stands there twice
    shares: np.ndarray = (both[:, 1:] == both[:, :-1]).sum(axis=1) / first.shape[1]
    return shares


def aligned_cosines(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Cosine of each row of `first` [rows, D] with that of `second` [rows, E] after the rotation (and reflection) that
    brings them nearest, float64 [rows]; rows have length 1, or are zero and have cosine 0. Of spaces of different
    dimensions, what is lost in the smaller one counts as distance."""
    cosines: np.ndarray = np.einsum("ij,ij->i", first @ rotation(first, second), second.astype(np.float64))
    return cosines
