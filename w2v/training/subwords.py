"""The input rows of a training with subwords: which there are, and which of them make up each word.

A word's vector is the mean of a row of its own and one for each of its n-grams, and all of these move alike: by the
change of the word's vector. So n-grams that belong to the same words (`rchho`, `irchh`, `chhof`) stay alike, and with
them a word's own row, once they begin alike. They are kept as one row, which counts as many times as it stands for: on
30 MB of Wikipedia 99,794 rows in place of 234,062, and 14.5 in place of 17.4 for a trained token. Rows lie in the order
in which the words, the most frequent first, need them, so most of a word's own lie side by side. Buckets that no word
uses have no row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from w2v.kernel._state import Arena
from w2v.threads import for_each
from w2v.vectors._ngrams import FloatRows, bucket_signatures, count_ngrams, fill_buckets, join_parts
from w2v.vectors.subwords import Subwords

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from w2v.corpus._words import WordTable
    from w2v.kernel._state import Model
    from w2v.training.config import ResolvedConfig

__all__ = [
    "WHOLE_WORDS",
    "Parts",
    "find_parts",
    "made_vectors",
    "moved_rows",
    "scale_rows",
    "set_ngrams",
    "set_vectors",
    "subwords_of",
    "word_vectors",
]

WORDS_PER_TASK = 4096
# Words whose vector has a row of its own while they are trained, from which one occurrence in four goes to the rows of
# n-grams: the most frequent ones, where they are frequent enough.
WHOLE_WORDS = 16384
WHOLE_OCCURRENCES = 40


@dataclass(frozen=True)
class Parts:
    """Word i's vector is the sum of the rows rows[starts[i]:starts[i + 1]] of the input matrix, by their `weights`.

    `starts` int64 [V + 1], `rows` int32, `weights` float32; they sum up to 1. `sizes` int64 [R]: for how many words and
    buckets each row stands. `own` int32 [V] is the row of each word's own, `buckets` uint32 [U], rising, are the
    buckets in use and `bucket_rows` int64 [U] their rows. The first `whole` words have their vector as a row, too.
    """

    starts: NDArray[np.int64]
    rows: NDArray[np.int32]
    weights: NDArray[np.float32]
    sizes: NDArray[np.int64]
    own: NDArray[np.int32]
    buckets: NDArray[np.uint32]
    bucket_rows: NDArray[np.int64]
    whole: int

    def summed(self, of_words: NDArray[Any]) -> NDArray[Any]:
        """float64 [R]: for each row the sum of what the words have that it is part of; as many times as it is."""
        return np.bincount(self.rows, np.repeat(of_words, np.diff(self.starts)), len(self.sizes))


def find_parts(table: WordTable, config: ResolvedConfig, counts: NDArray[np.int64] | None = None) -> Parts | None:
    """The rows that make up each word by the settings `subwords` and `buckets`; None without subwords. Words come in
    falling order of frequency; without `counts` none has its vector as a row."""
    reach, threads = config.ngram_range, config.threads
    if reach is None:
        return None
    starts = np.empty(len(table) + 1, np.int64)
    count_ngrams(table, *reach, starts, threads)
    found = np.empty(starts[-1], np.uint32)
    fill_buckets(table, *reach, config.buckets, starts, found, threads)
    word_signatures = mixed(np.arange(1, len(table) + 1, dtype=np.uint64))
    signatures = np.zeros(int(found.max(initial=0)) + 1, np.uint64)
    met = np.full(len(signatures), -1, np.int64)
    bucket_signatures(found, starts, word_signatures, signatures, met)
    used = np.flatnonzero(met >= 0)
    _, row = np.unique(np.concatenate([word_signatures, signatures[used]]), return_inverse=True)
    first = np.full(int(row.max()) + 1, len(found), np.int64)
    np.minimum.at(first, row, np.concatenate([starts[:-1], met[used]]))
    order = np.argsort(first, kind="stable")
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order))
    row_at = rank[row]
    sizes = np.bincount(row_at, minlength=len(order))
    row_of = np.zeros(len(signatures), np.int32)
    row_of[used] = row_at[len(table) :]
    rows, shares = np.empty(len(found) + len(table), np.int32), np.empty(len(found) + len(table), np.float32)
    part_starts = np.empty(len(table) + 1, np.int64)
    count = join_parts(found, starts, row_at[: len(table)], row_of, sizes, part_starts, rows, shares)
    memory = Arena()  # on large pages: each word that is trained looks here
    return Parts(
        memory.copy(part_starts),
        memory.copy(rows[:count]),
        memory.copy(shares[:count]),
        sizes,
        row_at[: len(table)],
        used.astype(np.uint32),
        row_at[len(table) :].astype(np.int64),
        whole_words(counts, config),
    )


def whole_words(counts: NDArray[np.int64] | None, config: ResolvedConfig) -> int:
    """How many words have their vector as a row."""
    if counts is None or config.exact or config.freeze == "vectors":
        return 0
    return min(WHOLE_WORDS, int(np.count_nonzero(np.asarray(counts) >= WHOLE_OCCURRENCES)))


def mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's finaliser: numbers whose sums tell sets apart."""
    z = numbers * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def scale_rows(model: Model, first: int, last: int) -> None:
    """First values of rows that stand for several: the mean of as many, so that vectors begin as long as others do."""
    if model.parts is not None:
        model.inputs[first:last] /= np.sqrt(model.parts.sizes[first:last, None], dtype=np.float32)


def word_vectors(model: Model, inputs: NDArray[np.float32], threads: int) -> NDArray[np.float32]:
    """The words' vectors, float32 [V, dim], by the rows in `inputs`: with subwords made from them, else a view."""
    if model.parts is None:
        return inputs[:, : model.dim]
    vectors = np.empty((model.vocab_size, model.dim), np.float32)

    def make(task: int) -> None:
        first = task * WORDS_PER_TASK
        last = min(first + WORDS_PER_TASK, model.vocab_size)
        model.word_vectors(inputs, first, last, vectors[first:last])

    for_each(make, -(-model.vocab_size // WORDS_PER_TASK), threads)
    return vectors


def subwords_of(config: ResolvedConfig, parts: Parts | None, inputs: NDArray[np.float32]) -> Subwords | None:
    """What makes vectors for words that the corpus did not hold; the rows are those of `inputs`. None without."""
    if parts is None or config.ngram_range is None:
        return None
    rows = FloatRows(inputs[: len(parts.sizes), : config.dim])
    return Subwords(*config.ngram_range, config.buckets, rows, parts.buckets, parts.bucket_rows)


def made_vectors(
    words: WordTable, config: ResolvedConfig, parts: Parts | None, inputs: NDArray[np.float32]
) -> tuple[NDArray[np.float32], Subwords | None]:
    """The words' vectors, float32 [V, dim], and the subwords, by the rows in `inputs`, without a model."""
    subwords = subwords_of(config, parts, inputs)
    if subwords is None or parts is None:
        return inputs, None
    own = FloatRows(np.ascontiguousarray(inputs[parts.own, : config.dim]))
    return subwords.vectors(words, own, config.threads)[0], subwords


def moved_rows(
    before: Parts, now: Parts, words: NDArray[np.int64]
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """(rows before, rows now) of what a larger vocabulary keeps: of n-grams, and of words; word i is words[i] now.

    Rows that stood for several may be several now, which go on alone from the same values.
    """
    places = np.searchsorted(now.buckets, before.buckets)
    return [
        (before.bucket_rows, now.bucket_rows[places]),
        (before.own.astype(np.int64), now.own[words].astype(np.int64)),
    ]


def set_vectors(model: Model, words: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
    """Let some words' vectors be these, float32 [n, dim]: their own rows make up the difference."""
    parts = model.parts
    if parts is None:
        model.inputs[words, : model.dim] = vectors
        return
    found = np.empty((1, model.dim), np.float32)
    for word, vector in zip(words.tolist(), vectors, strict=True):
        model.word_vectors(model.inputs, word, word + 1, found)
        weight = parts.weights[parts.starts[word]]  # a word's own row is the first of its parts
        model.inputs[parts.own[word], : model.dim] += (vector - found[0]) / weight


def set_ngrams(model: Model, subwords: Subwords) -> None:
    """Take over the rows of n-grams of other vectors, where they are made by the same rules; a row that stands for
    several gets their mean."""
    parts, config = model.parts, model.config
    if parts is None or (subwords.least, subwords.most) != config.ngram_range or subwords.buckets != config.buckets:
        return
    counts = np.bincount(parts.bucket_rows, minlength=len(model.inputs))
    model.inputs[counts > 0] = 0
    for bucket, row in zip(parts.buckets.tolist(), parts.bucket_rows.tolist(), strict=True):
        model.inputs[row, : model.dim] += subwords.row_of(bucket) / counts[row]
