"""What a training will take of memory, and whether that much is there."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from w2v.errors import TrainingError, setting
from w2v.memory import Room, reserve, room
from w2v.numbers import size
from w2v.training.lanes import LANES
from w2v.training.softmax import BATCH

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
    input rows there are with subwords, where that is known.

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
        ngram_rows = min(config.buckets, NGRAM_ROWS * words) if rows is None else rows - words
        needed["n-grams"] = ngram_rows * row + NGRAM_BYTES * words + 4 * config.dim * words
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
) -> None:
    """Raise TrainingError with the numbers and what would fit, if a training takes more than is there.

    `extra` are bytes by purpose that the caller takes beside it.
    """
    resolved = config.resolved()
    there = available or room()
    needed = {**memory_needed(resolved, words, word_bytes), **(extra or {})}
    total, kept = sum(needed.values()), reserve(there.size)
    if total <= there.size - kept:
        return
    parts = ", ".join(f"{name} {size(taken)}" for name, taken in needed.items() if taken > total // 100)
    raise TrainingError(
        f"not enough memory: {words:,} words x {config.dim} take {size(total)} ({parts}), and {size(there.size)} are "
        f"{there.limit}, of which {size(kept)} stay free for others; {_way_out(words, needed, there.size - kept)}"
    )


def _way_out(words: int, needed: dict[str, int], there: int) -> str:
    """Settings with which it would fit."""
    total = sum(needed.values())
    if total - needed["private rows"] <= there:
        return f"try {setting('hot_rows', 0)}, or fewer {setting('threads')}"
    rest = there - needed["private rows"] - needed["tables"]
    copies = 4 if "the best epoch" in needed else 2
    dim = rest // (copies * 4 * words) // ROW_FLOATS * ROW_FLOATS
    private = needed["private rows"]  # as many for a smaller vocabulary
    most = int(words * (there - private) / (total - private))
    ways = [setting("dim", dim)] if dim >= ROW_FLOATS else []
    ways += [setting("max_vocab", most)] if most >= 2 else []
    if not ways:
        return f"a smaller {setting('dim')} or {setting('max_vocab')} needs less"
    return f"try {' or '.join(ways)}"
