"""Vector files read past their damage: every row that is whole, and a tally of what is not.

A load refuses a damaged file; here its good rows are found, in blocks, to be judged or written again without
the damage. Nothing is guessed: a row whose bytes cannot be told from damage is left out.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from w2v.errors import VectorsError
from w2v.files import UTF8_BOM
from w2v.findings import Tally

if TYPE_CHECKING:
    from w2v.vectors.formats.rows import Rows
    from w2v.vectors.formats.source import Source
    from w2v.vectors.subwords import Subwords

__all__ = ["BLOCK", "Block", "ByteReader", "Salvage", "finite_blocks", "flush"]

BLOCK = 1 << 20
NUMBERS = 1 << 18  # of a block of finite_blocks


class Block(NamedTuple):
    """Rows that are whole: their numbers in the file from 0 (int64 [n]), words, float32 [n, D]."""

    rows: np.ndarray
    words: list[bytes]
    values: np.ndarray


class Salvage:
    """A vector file of which the good rows are wanted, and what is found to be wrong with it."""

    def __init__(
        self,
        source: Source,
        words: str | os.PathLike[str] | None = None,
        words_beside: Callable[[str], str] | None = None,
    ):
        self.source, self.name = source, source.name
        self.words_path, self.words_beside = words, words_beside
        self.damage: dict[str, Tally] = {}
        self.rows = 0  # seen, the bad ones too
        self.promised: int | None = None
        self.dim: int | None = None
        self.dtype = "float32"
        self.metadata: dict[str, str] = {}
        self.last_newline = True
        self.told = False  # whether the user says which format it is
        self.spaces = ""  # how a word with spaces is told from its numbers, where that is not certain: a kind of repair
        self.subwords: Subwords | None = None
        if source.head.startswith(UTF8_BOM):
            source.skip_mark()
            self.tally("byte order mark", "byte 0")

    def tally(self, kind: str, place: str = "", count: int = 1) -> None:
        self.damage.setdefault(kind, Tally()).add(place, count)

    def take(self, rows: Rows) -> None:
        """What is known once the rows are loaded."""
        self.promised, self.dim = rows.matrix.shape
        self.metadata = dict(rows.metadata or {})
        self.subwords = rows.subwords

    def reader(self) -> ByteReader:
        """The file's bytes from its start on; a mark before it is passed over."""
        return ByteReader(self.source.read, lambda what: self.tally("packing", what), self.source.skipped)


class ByteReader:
    """The bytes of a stream from a position on; the end of damaged compressed data is taken for the end."""

    def __init__(self, read: Callable[[int], bytes], on_damage: Callable[[str], None], offset: int = 0):
        self._read, self._on_damage = read, on_damage
        self.data = b""
        self.position = 0  # in `data`
        self.offset = offset  # in the file, of the position
        self.ended = False

    def fill(self, size: int) -> bool:
        """Have `size` bytes at the position; False if the stream ends before."""
        if len(self.data) - self.position < size and not self.ended:
            pieces = [self.data[self.position :]]
            have = len(pieces[0])
            while have < size and not self.ended:
                pieces.append(self._next())
                have += len(pieces[-1])
            self.data, self.position = b"".join(pieces), 0
        return len(self.data) - self.position >= size

    def _next(self) -> bytes:
        try:
            block = self._read(BLOCK)
        except VectorsError as error:
            self._on_damage(str(error))
            block = b""
        self.ended = not block
        return block

    @property
    def left(self) -> int:
        """Bytes at hand."""
        return len(self.data) - self.position

    def view(self) -> memoryview:
        return memoryview(self.data)[self.position :]

    def skip(self, size: int) -> None:
        self.position += size
        self.offset += size

    def drain(self) -> int:
        """Read on to the end; returns how many bytes there were."""
        count = 0
        while self.fill(1):
            count += self.left
            self.skip(self.left)
        return count


def flush(collector: Any, first: int) -> Block | None:
    """The rows that a Collector holds, `first` being the number of the first in the file; it is empty afterwards."""
    count = collector.count
    if not count:
        return None
    table, values = collector.finish()
    words = [table[row] for row in range(count)]
    matrix = np.frombuffer(values, np.float32).reshape(count, collector.dim)
    return Block(np.arange(first, first + count), words, matrix)


def finite_blocks(salvage: Salvage, matrix: np.ndarray, words: list[bytes] | None, first: int = 0) -> Iterator[Block]:
    """Rows of numbers, the first of them row `first` of the file, without those that are not finite or have an empty
    word; with no `words`, the blocks have none."""
    step = max(1, NUMBERS // matrix.shape[1])
    for low in range(0, len(matrix), step):
        values = matrix[low : low + step]
        good = np.isfinite(values).all(axis=1)
        for row in np.flatnonzero(~good).tolist():
            salvage.tally("not finite", f"row {first + low + row + 1}")
        if words is not None:
            for row in range(low, low + len(values)):
                if not words[row]:
                    salvage.tally("no word", f"row {first + row + 1}")
                    good[row - low] = False
        rows = first + low + np.flatnonzero(good)
        if len(rows):
            names = [words[row - first] for row in rows.tolist()] if words is not None else []
            yield Block(rows, names, values if good.all() else values[good])
