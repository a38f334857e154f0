"""Counting the corpus on all nodes: Ray tasks, one a chunk, and their tallies merged in a tree, eight at a time.

These are tasks, not actors: if a node dies, Ray does again what it had done. Words are counted in partitions by hash:
all occurrences of a word meet in one, so that pruning there is exact and rare words never travel further.
"""

from __future__ import annotations

import dataclasses
import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from w2v.cluster.chunks import Chunk, align, begins
from w2v.cluster.session import Head
from w2v.corpus._words import WordTable
from w2v.corpus.reader import tally_words
from w2v.corpus.selection import Spelled, select
from w2v.corpus.sources import OnProgress, ReadProgress
from w2v.corpus.vocab import TokenCounts
from w2v.errors import TrainingError, W2VError, setting

if TYPE_CHECKING:
    from w2v.corpus.config import CorpusConfig
    from w2v.corpus.vocab import Vocab

__all__ = ["Counted", "Pruned", "count_chunk", "count_corpus", "freeze", "merge", "prune"]


NO_WORDS = WordTable([])


@dataclass
class Pruned:
    """What is left of a partition: its frequent words, and what was dropped."""

    tally: Spelled
    types: int  # distinct words before
    dropped: int  # tokens


def count_chunk(chunk: Chunk, begins: bool, config: CorpusConfig, partitions: int) -> list[Any]:
    """[(the chunk from line to line, its token counts), what each partition counts]. Raises OSError, CorpusError."""
    chunk, digest = align(chunk, begins), hashlib.blake2b(digest_size=16)
    found, token_counts = tally_words([chunk.source], config, threads=1, digest=digest)
    chunk = dataclasses.replace(chunk, digest=digest.hexdigest())
    token_counts.bytes_read = chunk.bytes  # not of the text that comes out of a compressed file
    if partitions == 1:
        return [(chunk, token_counts), found]
    homes = np.fromiter((zlib.crc32(word) % partitions for word in found.words), np.int64, len(found.words))
    return [(chunk, token_counts), *(found.some(homes == partition) for partition in range(partitions))]


def merge(*tallies: Spelled) -> Spelled:
    """One tally of several of the same partition."""
    words = sum((tally.words for tally in tallies), NO_WORDS)
    first = np.empty(len(words), np.int32)
    words.find_all(words, first)
    # Sums of float64 are exact here: no count reaches 2^53.
    counts = np.bincount(first, np.concatenate([tally.counts for tally in tallies]), len(words)).astype(np.int64)
    return Spelled(words, counts).some(first == np.arange(len(words)))


def prune(tally: Spelled, min_count: int, vocab: Vocab | None = None) -> Pruned:
    """Keep what occurs `min_count` times, or what is in the vocabulary; the most frequent word always, for messages."""
    counts = tally.counts
    keep = counts >= min_count if vocab is None else vocab.rows(tally.words) >= 0
    if len(counts) and not keep.any():
        keep = counts == counts.max()
    return Pruned(tally.some(keep), len(counts), int(counts[~keep].sum()))


def freeze(
    partitions: Sequence[Pruned], config: CorpusConfig, vocab: Vocab | None, token_counts: TokenCounts, name: str
) -> Vocab:
    """The vocabulary of all partitions together; `token_counts`, the sum of the chunks', get what is dropped and kept.

    The same words in the same order as `read_corpus` finds, and the same errors.
    """
    words = sum((part.tally.words for part in partitions), NO_WORDS)
    counts = np.concatenate([part.tally.counts for part in partitions]) if partitions else np.zeros(0, np.int64)
    as_they_are = dataclasses.replace(config, tokenizer="none", lower=False, normalize="none")
    chosen = TokenCounts(
        text_bytes=token_counts.text_bytes, too_long=token_counts.too_long, no_word=token_counts.no_word
    )
    result = select(Spelled(words, counts), as_they_are, vocab, chosen, name).vocab
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


FAN_IN = 8
MOST_PARTITIONS = 64
WAITING = 4  # tasks that wait, for each CPU
SUMMED = ("read", "too_long", "no_word", "nul_bytes", "bytes_read", "text_bytes")


@dataclass
class Counted:
    """The frozen vocabulary; the chunks that hold text, from line to line, and how many tokens each has."""

    vocab: Vocab
    chunks: list[Chunk]
    tokens: list[int]
    token_counts: TokenCounts


class Tree:
    """Tallies of one partition, merged as they come."""

    def __init__(self, merge_task: Any):
        self.merge = merge_task
        self.levels: list[list[Any]] = [[]]

    def add(self, tally: Any, level: int = 0) -> None:
        while level >= len(self.levels):
            self.levels.append([])
        self.levels[level].append(tally)
        if len(self.levels[level]) == FAN_IN:
            merged = self.merge.remote(*self.levels[level])
            self.levels[level] = []
            self.add(merged, level + 1)

    def root(self) -> Any:
        rest = [tally for level in self.levels for tally in level]
        return self.merge.remote(*rest)


def count_corpus(
    ray: Any,
    chunks: list[Chunk],
    config: CorpusConfig,
    vocab: Vocab | None,
    name: str,
    on_progress: OnProgress | None = None,
) -> Counted:
    """Count all chunks; `vocab`, if given, is kept. Raises what a chunk raised, CorpusError if nothing is left."""
    cpus = max(1, int(ray.cluster_resources().get("CPU", 1)))
    partitions = min(MOST_PARTITIONS, cpus, len(chunks))
    count = ray.remote(count_chunk).options(num_returns=partitions + 1, scheduling_strategy="SPREAD")
    trees = [Tree(ray.remote(merge)) for _ in range(partitions)]
    counting: dict[Any, int] = {}  # what a task will return first, and the number of its chunk
    found: dict[int, tuple[Chunk, TokenCounts]] = {}
    config_ref, left, head = ray.put(config), iter(chunks), Head(ray)
    total, token_counts = sum(chunk.bytes for chunk in chunks), TokenCounts()
    while True:
        while len(counting) < WAITING * cpus and (chunk := next(left, None)) is not None:
            first, *tallies = count.remote(chunk, begins(chunks, chunk.number), config_ref, partitions)
            counting[first] = chunk.number
            for tree, tally in zip(trees, tallies, strict=True):
                tree.add(tally)
        if not counting:
            break
        head.check()
        ready, _ = ray.wait(list(counting), timeout=0.1)
        for first in ready:
            number = counting.pop(first)
            found[number] = get(ray, first)
            for field in SUMMED:
                setattr(token_counts, field, getattr(token_counts, field) + getattr(found[number][1], field))
        if on_progress is not None:
            on_progress(ReadProgress(token_counts.bytes_read, total, token_counts.read))
    prune_task, vocab_ref = ray.remote(prune), ray.put(vocab)
    pruned = get(ray, [prune_task.remote(tree.root(), config.min_count, vocab_ref) for tree in trees])
    frozen = freeze(pruned, config, vocab, token_counts, name)
    full = [found[number] for number in sorted(found) if found[number][1].read]
    return Counted(frozen, [chunk for chunk, _ in full], [part.read for _, part in full], token_counts)


def get(ray: Any, reference: Any) -> Any:
    """What a task returns; its own error as it was raised."""
    from ray.exceptions import RayError, RayTaskError

    try:
        return ray.get(reference)
    except RayTaskError as error:
        if isinstance(error.cause, (W2VError, OSError)):
            raise error.cause from None
        raise
    except RayError as error:
        raise TrainingError(f"{setting('cluster')}: counting failed: {str(error).splitlines()[0]}") from error
