"""Counting the corpus on all nodes: Ray tasks, one a chunk, and their tallies merged in a tree, eight at a time.

These are tasks, not actors: if a node dies, Ray does again what it had done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from w2v.cluster.chunks import Chunk, begins
from w2v.cluster.session import Head
from w2v.cluster.vocabulary import count_chunk, freeze, merge, prune
from w2v.corpus.sources import OnProgress, ReadProgress
from w2v.corpus.token_counts import TokenCounts
from w2v.errors import TrainingError, W2VError, setting

if TYPE_CHECKING:
    from w2v.corpus.config import CorpusConfig
    from w2v.corpus.vocab import Vocab

__all__ = ["Counted", "count_corpus"]

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
