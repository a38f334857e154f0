"""The rows of some vectors on their way into a file: blocks made on several threads and written in order, so that the
matrix is never copied whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from w2v.errors import VectorsError, setting
from w2v.threads import in_order
from w2v.vectors.formats.rows import MOST_STEPS, STEP, Contents, Rows, show_word

if TYPE_CHECKING:
    from w2v.corpus._words import WordTable

__all__ = ["RowWriter"]

LARGEST_HALF = 65504.0
BLOCK = 1 << 20  # bytes of a block, about
Make = Callable[[int, int, "bytearray | None"], "tuple[bytes | bytearray, int]"]


class RowWriter:
    """What a format's `write` is given: the rows, and how to write them a block at a time.

    `numbers`: float32, float16 or int8. Those of int8 are rounded to steps of `step`, which goes into the metadata: the
    largest number is 127 or -127 of them.
    """

    def __init__(self, rows: Rows, name: str, numbers: str = "float32"):
        self.name = name
        self.table: WordTable = rows.words
        self.matrix = rows.matrix
        self.rows, self.dim = rows.matrix.shape
        self.dtype = {"float32": "<f4", "float16": "<f2", "int8": "|i1"}[numbers]
        self.model = rows.model
        self.subwords = subwords = rows.subwords
        self.counts = rows.counts
        metadata = dict(rows.metadata or {})
        if numbers == "int8":
            self.step = self._largest() / MOST_STEPS or 1.0
            metadata[STEP] = repr(self.step)
        self.contents = Contents(
            self.rows,
            self.dim,
            self.table.byte_count,
            numbers,
            metadata,
            len(rows.model.outputs) if rows.model is not None else None,
            *("", 0, 0, 0)
            if subwords is None
            else (
                f"{subwords.least}-{subwords.most}",
                subwords.buckets,
                subwords.rows.count,
                0 if subwords.used is None else len(subwords.used),
            ),
        )

    def word_lines(self) -> Iterator[bytes]:
        """The words, each ended by a newline."""
        for low in range(0, self.rows, 65536):
            block = [self.table[row] for row in range(low, min(self.rows, low + 65536))]
            yield b"\n".join(block) + b"\n"

    def text(self, row: int) -> str:
        """The word of a row; VectorsError for one that is not UTF-8, which a format of text cannot hold."""
        try:
            return self.table[row].decode("utf-8")
        except UnicodeDecodeError:
            raise VectorsError(
                f"{self.name}: row {row + 1}: the word {show_word(self.table[row])} is not UTF-8, which this format "
                "cannot hold; rename or drop it (w2v convert --fix renames)"
            ) from None

    def numbers(self, low: int, high: int, _spare: object) -> tuple[bytes, int]:
        """The numbers of some rows as bytes, for `write_blocks`."""
        rows = self.matrix[low:high]
        with np.errstate(over="ignore"):
            block = np.rint(rows / self.step) if self.dtype == "|i1" else np.ascontiguousarray(rows, self.dtype)
        bad = np.flatnonzero(~np.isfinite(block).all(axis=1))
        if len(bad):
            raise ValueError(low + int(bad[0]))
        block = block.astype(self.dtype, copy=False)
        return block.tobytes(), block.nbytes

    def _largest(self) -> float:
        """The largest of all finite numbers, without its sign."""
        step = max(1, BLOCK // (4 * self.dim + 16))
        blocks = (np.abs(self.matrix[low : low + step]) for low in range(0, self.rows, step))
        return max((float(block.max(initial=0, where=np.isfinite(block))) for block in blocks), default=0.0)

    def write_blocks(self, out: Any, make: Make) -> None:
        """Write what make(low, high, spare block) gives, (block, bytes used), for all rows in order.

        ValueError(row) from `make` is that of a number that is not finite.
        """
        step = max(1, BLOCK // (4 * self.dim + 16))
        spare: list[bytearray] = []  # blocks that have been written, to be filled again

        def block(task: int) -> tuple[bytes | bytearray, int]:
            try:
                return make(task * step, min(self.rows, task * step + step), _taken(spare))
            except ValueError as error:
                raise self._not_finite(error.args[0]) from None

        for made, used in in_order(block, range((self.rows + step - 1) // step)):
            with memoryview(made) as view:
                out.write(view[:used])
            if isinstance(made, bytearray):
                spare.append(made)

    def _not_finite(self, row: int) -> VectorsError:
        place = f"{self.name}: row {row + 1}: the vector of {show_word(self.table[row])} holds"
        if np.isfinite(self.matrix[row]).all():
            return VectorsError(
                f"{place} a number beyond {LARGEST_HALF:,.0f}, too large for float16; leave out {setting('float16')}"
            )
        return VectorsError(
            f"{place} a number that is not finite; nothing is written (did the training diverge? try a lower "
            f"{setting('lr')})"
        )


def _taken(spare: list[bytearray]) -> bytearray | None:
    try:
        return spare.pop()
    except IndexError:  # to look first would be a race
        return None
