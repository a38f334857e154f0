"""Vectors for words that were never seen: the mean of the rows of their character n-grams (Bojanowski et al. 2017)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from w2v.corpus._words import WordTable
from w2v.errors import VectorsError
from w2v.vectors._ngrams import FloatRows, NgramRows, count_ngrams, fill_buckets, fnv, ngrams

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MOST_CHARACTERS", "Subwords"]

MOST_CHARACTERS = 64  # of an n-gram: longer words than that are no words


@dataclass(frozen=True)
class Subwords:
    """The rows of n-grams of `least` to `most` characters in `buckets` buckets.

    `used` uint32, rising, are the buckets that have rows, and `places` int64 the row of each: buckets that belong to
    the same words may share one. Without them every bucket has the row of its number. A bucket without a row was never
    trained and counts as zeros, unless the model was `pruned`: then it does not count.

    What only a file of fastText's holds: the words' `own` rows (else they are found from the vectors), and `args`, the
    training's settings by fastText's names. `on_made` is called with each word that a vector is made for.
    """

    least: int
    most: int
    buckets: int
    rows: FloatRows
    used: NDArray[np.uint32] | None = None
    places: NDArray[np.int64] | None = None
    own: FloatRows | None = None
    args: dict[str, Any] = field(default_factory=dict)
    on_made: Callable[[bytes], object] | None = None
    pruned: bool = False

    @property
    def dim(self) -> int:
        return self.rows.dim

    @cached_property
    def maker(self) -> NgramRows:
        return NgramRows(self.rows, self.least, self.most, self.buckets, self.used, self.places, self.pruned)

    def ngrams(self, word: bytes) -> list[tuple[bytes, int]]:
        """The n-grams of a word and the bucket of each, in the order of fastText."""
        return [(ngram, fnv(ngram) % self.buckets) for ngram in ngrams(word, self.least, self.most)]

    def place_of(self, bucket: int) -> int:
        """Which row a bucket has; -1 for none."""
        if self.used is None or self.places is None:
            return bucket
        found = int(np.searchsorted(self.used, bucket))
        return int(self.places[found]) if found < len(self.used) and self.used[found] == bucket else -1

    def row_of(self, bucket: int) -> NDArray[np.float32]:
        """The row of a bucket [D]; zeros where it has none."""
        place = self.place_of(bucket)
        if place < 0:
            return np.zeros(self.dim, np.float32)
        (row,) = self.rows.read(place, place + 1)
        return np.asarray(row, np.float32)

    def vectors(
        self, words: WordTable | Sequence[bytes], own: FloatRows | None = None, threads: int | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """(vectors float32 [n, D], how many n-grams each is made of): of words never seen, or of those with `own` rows.

        A word without n-grams and without a row of its own has zeros.
        """
        table = words if isinstance(words, WordTable) else WordTable(words)
        out, counts = np.empty((len(table), self.dim), np.float32), np.empty(len(table), np.int32)
        self.maker.vectors(table, out, own, counts, threads)
        return out, counts

    def make(self, word: bytes) -> NDArray[np.float32] | None:
        """The vector of a word that was never seen [D]; None where it has no n-grams. VectorsError for one that is not
        finite."""
        found, counts = self.vectors([word], threads=1)
        if not counts[0]:
            return None
        check_made([word], found)
        if self.on_made is not None:
            self.on_made(word)
        return found.reshape(self.dim)

    def contributions(self, word: bytes, vector: NDArray[np.float32], known: bool) -> list[tuple[bytes, int, float]]:
        """(n-gram, bucket, its share of the word's vector) for each, the largest first; the word's own row, if it is
        `known`, has bucket -1. Shares are of the length along the vector, so they add up to 1."""
        wide = vector.astype(np.float64)
        found = [each for each in self.ngrams(word) if not self.pruned or self.place_of(each[1]) >= 0]
        rows = [(ngram, bucket, self.row_of(bucket).astype(np.float64)) for ngram, bucket in found]
        count = len(rows) + known
        length = wide @ wide
        if length == 0 or not count:
            return [(ngram, bucket, 0.0) for ngram, bucket, _ in rows]
        if known:
            rows.append((word, -1, count * wide - sum(row for _, _, row in rows)))
        shares = [(ngram, bucket, float(row @ wide / length / count)) for ngram, bucket, row in rows]
        return sorted(shares, key=lambda share: -share[2])

    def own_rows(self, words: WordTable, vectors: NDArray[np.float32], threads: int | None = None) -> FloatRows:
        """The words' own rows: those that are kept, or what their vectors say they must be. Other formats do not know
        of pruned buckets, so there they are zeros."""
        if self.own is not None and not self.pruned:
            return self.own
        out = np.empty((len(words), self.dim), np.float32)
        replace(self, pruned=False).maker.own_rows(words, out, FloatRows(np.ascontiguousarray(vectors)), threads)
        return FloatRows(out)

    def take(self, rows: Sequence[int] | NDArray[np.int64]) -> Subwords:
        """The same for some of the words."""
        if self.own is None:
            return self
        return replace(self, own=FloatRows(self.own.take(np.asarray(rows, np.int64))))

    def compact(self, words: WordTable, threads: int | None = None) -> Subwords:
        """Only the rows that some words use, in memory."""
        starts = np.empty(len(words) + 1, np.int64)
        count_ngrams(words, self.least, self.most, starts, threads)
        buckets = np.empty(int(starts[-1]), np.uint32)
        fill_buckets(words, self.least, self.most, self.buckets, starts, buckets, threads)
        used = np.unique(buckets)
        places = used.astype(np.int64)
        if self.used is not None and self.places is not None:
            found = np.searchsorted(self.used, used).clip(max=max(len(self.used) - 1, 0))
            there = self.used[found] == used if len(self.used) else np.zeros(len(used), bool)
            used, places = used[there], self.places[found[there]]
        kept, at = np.unique(places, return_inverse=True)
        return replace(self, rows=FloatRows(self.rows.take(kept)), used=used, places=at.astype(np.int64))


def check_made(words: WordTable | Sequence[bytes], made: NDArray[np.float32]) -> None:
    """VectorsError for the first of `words` [n] whose vector, of `made` [n, D], is not finite."""
    finite = np.isfinite(made).all(axis=1)
    if not finite.all():
        word = words[int(np.argmin(finite))]
        raise VectorsError(f"the vector made for {word.decode('utf-8', 'backslashreplace')} is not finite")
