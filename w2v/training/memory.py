"""How much memory a training takes, and whether that much is there."""

from __future__ import annotations

import dataclasses
import math
from bisect import bisect_right
from typing import TYPE_CHECKING, Any

from w2v.errors import TrainingError, setting
from w2v.machine import Room, reserve, room
from w2v.numbers import size
from w2v.training.lanes import LANES
from w2v.training.softmax import BATCH
from w2v.training.subwords import WHOLE_WORDS

if TYPE_CHECKING:
    from w2v.training.config import ResolvedConfig, TrainConfig

__all__ = ["check_memory", "memory_needed"]

ROW_FLOATS = 16  # as in _state.pyx: rows are padded to this many floats
LANE_COPIES = 16384  # rows of each matrix that all lanes copy in a round, at the most in most settings
TABLE_BYTES = 48  # a word: subsampling, alias columns, and what making them takes for a moment
PATH_BYTES = 5  # a node of a Huffman path and its share of the starts
# With subwords 3-6: rows a word beside its own (1.5 on 30 MB of English Wikipedia, more where words are longer), and
# what the lists of its rows take; a copy of all words' vectors comes at the end.
NGRAM_ROWS = 4
NGRAM_BYTES = 400


def memory_needed(config: ResolvedConfig, words: int, word_bytes: int = 0, rows: int | None = None) -> dict[str, int]:
    """Bytes by purpose that a training with a vocabulary of this many words takes beyond the corpus. `rows` is how many
    input rows there are with subwords, where that is known: more than is assumed for long words, or long n-grams.

    What is small beside these (threads' buffers, blocks being written) is left out.
    """
    row = 4 * -(-config.dim // ROW_FLOATS) * ROW_FLOATS
    private = 0
    if config.reproducible:
        private = 2 * min(LANE_COPIES, LANES * words) * row + 8 * words
    elif config.threads > 1:
        private = config.threads * 4 * min(config.hot_rows, words) * row  # two matrices, each row and its base
    tables = TABLE_BYTES * words
    if config.loss == "hs":
        tables += PATH_BYTES * words * max(1, math.ceil(math.log2(max(words, 2))))
    tables += 2 * word_bytes
    needed = {"vectors": words * row, "context": words * row, "private rows": private, "tables": tables}
    if config.ngram_range is not None:
        ngram_rows = min(config.buckets, NGRAM_ROWS * words if rows is None else max(0, rows - words))
        needed["n-grams"] = (
            (ngram_rows + 2 * min(WHOLE_WORDS, words)) * row + NGRAM_BYTES * words + 4 * config.dim * words
        )
    if config.loss == "softmax":
        needed["scores"] = 2 * 4 * BATCH * words
    if config.stop_early:
        needed["the best epoch"] = 2 * words * row
    return needed


def check_memory(
    config: TrainConfig,
    words: int,
    word_bytes: int = 0,
    extra: dict[str, int] | None = None,
    available: Room | None = None,
    rows: int | None = None,
) -> None:
    """Raise TrainingError with the numbers and what would fit, if a training takes more than is there.

    `extra` are bytes by purpose that the caller takes beside it; `rows` as of `memory_needed`.
    """
    resolved = config.resolved()
    there = available or room()
    needed = {**memory_needed(resolved, words, word_bytes, rows), **(extra or {})}
    total, kept = sum(needed.values()), reserve(there.size)
    if total <= there.size - kept:
        return
    parts = ", ".join(f"{name} {size(taken)}" for name, taken in needed.items() if taken > total // 100)
    raise TrainingError(
        f"not enough memory: {words:,} words x {config.dim} take {size(total)} ({parts}), and {size(there.size)} are "
        f"{there.limit}, of which {size(kept)} stay free for others; "
        f"{_way_out(resolved, words, word_bytes, extra or {}, there.size - kept, rows)}"
    )


def _way_out(
    config: ResolvedConfig, words: int, word_bytes: int, extra: dict[str, int], there: int, rows: int | None
) -> str:
    """Settings with which it would fit, each alone."""

    def total(words_then: int = words, **changes: Any) -> int:
        rows_then = None if rows is None else rows * words_then // words
        changed = dataclasses.replace(config, **changes)
        needed = memory_needed(changed, words_then, word_bytes * words_then // words, rows_then)
        return sum(needed.values()) + sum(extra.values())

    if total(hot_rows=0) <= there:
        return f"try {setting('hot_rows', 0)}, or fewer {setting('threads')}"
    steps = range(1, config.dim // ROW_FLOATS + 1)
    dim = ROW_FLOATS * bisect_right(steps, there, key=lambda step: total(dim=ROW_FLOATS * step))
    most = bisect_right(range(1, words), there, key=total)
    ways = [setting("dim", dim)] if dim else []
    if config.ngram_range is not None:
        buckets = bisect_right(range(1, config.buckets), there, key=lambda buckets: total(buckets=buckets))
        ways += [setting("buckets", buckets)] if buckets >= words else []  # with fewer, most n-grams share a row
    ways += [setting("max_vocab", most)] if most >= 2 else []
    if not ways:
        return f"a smaller {setting('dim')} or {setting('max_vocab')} needs less"
    return f"try {' or '.join(ways)}"
