"""The vocabulary: each chunk's words counted, in partitions by hash; these merged in a tree, pruned, frozen.

All occurrences of a word meet in one partition, so that pruning there is exact and rare words never travel further.
"""

from __future__ import annotations

import dataclasses
import hashlib
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from w2v.cluster.chunks import Chunk, align
from w2v.corpus.reader import tally_words
from w2v.corpus.selection import SpellingList, select
from w2v.corpus.token_counts import TokenCounts

if TYPE_CHECKING:
    from w2v.corpus.config import CorpusConfig
    from w2v.corpus.vocab import Vocab

__all__ = ["Pruned", "Tally", "count_chunk", "freeze", "merge", "prune"]


@dataclass
class Tally:
    """Distinct words of one partition and their counts, as one run of bytes: a word holds no line feed."""

    words: bytes
    counts: np.ndarray  # int64

    @classmethod
    def of(cls, words: Sequence[bytes], counts: Sequence[int] | np.ndarray) -> Tally:
        return cls(b"\n".join(words), np.asarray(counts, np.int64))

    def list(self) -> list[bytes]:
        return self.words.split(b"\n") if len(self.counts) else []


@dataclass
class Pruned:
    """What is left of a partition: its frequent words, and what was dropped."""

    tally: Tally
    types: int  # distinct words before
    dropped: int  # tokens


def count_chunk(chunk: Chunk, begins: bool, config: CorpusConfig, partitions: int) -> list[Any]:
    """[(the chunk from line to line, its token counts), a Tally for each partition]. Raises OSError, CorpusError."""
    chunk, digest = align(chunk, begins), hashlib.blake2b(digest_size=16)
    words, counts, token_counts = tally_words([chunk.source], config, threads=1, digest=digest)
    chunk = dataclasses.replace(chunk, digest=digest.hexdigest())
    token_counts.bytes_read = chunk.bytes  # not of the text that comes out of a compressed file
    if partitions == 1:
        return [(chunk, token_counts), Tally.of(words, counts)]
    homes = np.fromiter((zlib.crc32(word) % partitions for word in words), np.int64, len(words))
    parts = []
    for partition in range(partitions):
        rows = np.flatnonzero(homes == partition)
        parts.append(Tally.of([words[i] for i in rows.tolist()], counts[rows]))
    return [(chunk, token_counts), *parts]


def merge(*tallies: Tally) -> Tally:
    """One tally of several of the same partition."""
    total: Counter[bytes] = Counter()
    for tally in tallies:
        total.update(dict(zip(tally.list(), tally.counts.tolist(), strict=True)))
    return Tally.of(list(total), np.fromiter(total.values(), np.int64, len(total)))


def prune(tally: Tally, min_count: int, vocab: Vocab | None = None) -> Pruned:
    """Keep what occurs `min_count` times, or what is in the vocabulary; the most frequent word always, for messages."""
    words, counts = tally.list(), tally.counts
    if vocab is None:
        keep = counts >= min_count
    else:
        keep = vocab.rows(words) >= 0
    if len(counts) and not keep.any():
        keep = counts == counts.max()
    rows = np.flatnonzero(keep)
    kept = Tally.of([words[i] for i in rows.tolist()], counts[rows])
    return Pruned(kept, len(words), int(counts.sum() - kept.counts.sum()))


def freeze(
    partitions: Sequence[Pruned], config: CorpusConfig, vocab: Vocab | None, token_counts: TokenCounts, name: str
) -> Vocab:
    """The vocabulary of all partitions together; `token_counts`, the sum of the chunks', get what is dropped and kept.

    The same words in the same order as `read_corpus` finds, and the same errors.
    """
    words = [word for part in partitions for word in part.tally.list()]
    counts = np.concatenate([part.tally.counts for part in partitions]) if partitions else np.zeros(0, np.int64)
    as_they_are = dataclasses.replace(config, tokenizer="none", lower=False, normalize="none")
    chosen = TokenCounts(
        text_bytes=token_counts.text_bytes, too_long=token_counts.too_long, no_word=token_counts.no_word
    )
    result = select(SpellingList(words, counts), as_they_are, vocab, chosen, name).vocab
    dropped = sum(part.dropped for part in partitions)
    if vocab is None:
        token_counts.below_min_count = chosen.below_min_count + dropped
    else:
        token_counts.not_in_vocab = chosen.not_in_vocab + dropped
    token_counts.beyond_max_vocab = chosen.beyond_max_vocab
    token_counts.types_read = sum(part.types for part in partitions)
    token_counts.kept = token_counts.read - token_counts.dropped()
    token_counts.check()
    return result
