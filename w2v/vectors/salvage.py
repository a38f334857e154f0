"""Vector files read past their damage: every row that is whole, and a tally of what is not.

`load` refuses a damaged file; here its good rows are found, in blocks, so that it can be judged (check.py) or written
again without the damage (repair.py). Nothing is guessed: a row whose bytes cannot be told from damage is left out.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np

from w2v.errors import VectorsError
from w2v.files import UTF8_BOM
from w2v.findings import Tally
from w2v.vectors.formats.sniff import Header, told_or_seen
from w2v.vectors.formats.source import PEEK, open_source

if TYPE_CHECKING:
    from w2v.vectors.formats.source import Source

__all__ = ["DAMAGE", "Block", "Salvage", "Tape"]

BLOCK = 1 << 20

# What can be wrong with the rows of a file, in the order in which it is told: kind -> what it means.
DAMAGE = {
    "packing": "the compressed data is cut off or damaged; get the file again",
    "cut short": "the file ends within a row, or before all rows that its header promises",
    "numbers a row": "the header promises another number of numbers a row than there are",
    "rows past the header": "rows after those that the header promises; most programs do not see them",
    "bytes after the end": "bytes after the last row that are no row",
    "lost bytes": "bytes that are no row, and the rows beside them, which may hold wrong numbers",
    "not finite": "rows with NaN or infinite numbers",
    "wrong length": "rows with too few or too many numbers, or with something else among them",
    "no word": "rows without a word",
    "words missing": "fewer words than rows of numbers",
    "words too many": "more words than rows of numbers",
    "byte order mark": "the file begins with a byte order mark, which most programs take for a part of the first word",
}


class Block(NamedTuple):
    """Rows that are whole: their numbers in the file from 0 (int64 [n]), words, float32 [n, D]."""

    rows: np.ndarray
    words: list[bytes]
    values: np.ndarray


class Salvage:
    """A vector file and its good rows: iterate once over the blocks, then look at `damage`.

    Raises VectorsError at the start for what is no vector file, OSError if it cannot be opened. A context manager.
    """

    def __init__(
        self, path: str | os.PathLike[str] | BinaryIO, format: str | None = None,
        words: str | os.PathLike[str] | None = None,
    ):
        self.path, self.words_path = path, words
        self.damage: dict[str, Tally] = {}
        self.rows = 0  # seen, the bad ones too
        self.last_newline = True
        self._open = ExitStack()
        try:
            self.source: Source = self._open.enter_context(open_source(path))
            self.name = self.source.name
            head = self.source.head
            if head.startswith(UTF8_BOM):
                head = head[len(UTF8_BOM) :]
                self.tally("byte order mark", "byte 0")
            self.skipped = len(self.source.head) - len(head)
            self.kind, self.header = told_or_seen(self.name, head, format)
            self.dim = self.dtype = self.promised = None
            self.metadata: dict[str, str] = {}
            self._measure(head)
        except BaseException:
            self._open.close()
            raise

    def __enter__(self) -> Salvage:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def tally(self, kind: str, place: str = "", count: int = 1) -> None:
        self.damage.setdefault(kind, Tally()).add(place, count)

    def __iter__(self) -> Iterator[Block]:
        if self.kind == "binary":
            from w2v.vectors.salvage_binary import binary_blocks

            return binary_blocks(self, self._tape())
        if self.kind in ("npy", "safetensors"):
            from w2v.vectors.salvage_arrays import array_blocks

            return array_blocks(self)
        from w2v.vectors.salvage_text import text_blocks

        return text_blocks(self, self._tape())

    def _measure(self, head: bytes) -> None:
        """Numbers a row, as far as the start of the file tells."""
        from w2v.vectors.formats.glove import LONGEST, count_columns

        if self.kind == "binary":
            assert self.header is not None
            self.dim, self.promised, self.dtype = self.header.dim, self.header.rows, "float32"
        elif self.kind in ("text", "glove"):
            size = self.header.size if self.header else 0
            if self.source.fd is not None:
                head = os.pread(self.source.fd, LONGEST, self.skipped)
            self.dtype = "text"
            self.dim = self.header.dim if self.header else count_columns(self.name, head)
            if self.header is not None:
                self.promised = self.header.rows
                self._recount(head[size:])
        elif self.kind == "projector":
            self.dim, self.dtype = head.split(b"\n", 1)[0].rstrip(b"\r\t").count(b"\t") + 1, "text"

    def look_ahead(self) -> None:
        """Set what the headers of `.npy` and safetensors files tell, without reading on."""
        if self.kind == "npy":
            from w2v.vectors.formats.npy import read_npy_header

            array = read_npy_header(self.name, self.source.head)
            self.dim, self.promised, self.dtype = array.dim, array.rows, array.dtype
        elif self.kind == "safetensors" and self.source.fd is not None:
            from io import BytesIO

            from w2v.safetensors import read_header
            from w2v.vectors.formats.safetensors import MARK as OWN
            from w2v.vectors.formats.safetensors import find_matrix

            start = BytesIO(os.pread(self.source.fd, (1 << 20) + 8, 0))
            header = read_header(self.name, start.read, self.source.size, VectorsError)
            entry = find_matrix(self.name, header)
            (self.promised, self.dim), self.dtype = entry.shape, entry.dtype
            self.metadata = {key: value for key, value in header.metadata.items() if key not in OWN}

    def _recount(self, body: bytes) -> None:
        """If the first rows agree on another number of numbers than the header's, it is the header that is wrong."""
        from w2v.vectors.formats.glove import count_columns

        assert self.header is not None
        try:
            found = count_columns(self.name, body)
        except VectorsError:
            return
        lines = body.split(b"\n", 100)[: 100 if len(body) < PEEK else -1]
        agree = sum(line.rstrip(b" \r").count(b" ") == found for line in lines)
        if found != self.dim and agree > max(1, len(lines) // 2):
            self.tally("numbers a row", f"header: {self.dim}, rows: {found}")
            self.dim = found

    def _tape(self) -> Tape:
        tape = Tape(self.source.read, lambda what: self.tally("packing", what))
        tape.fill(self.skipped)
        tape.skip(self.skipped)
        return tape


class Tape:
    """The bytes of a stream from a position on; the end of damaged compressed data is taken for the end."""

    def __init__(self, read: Callable[[int], bytes], on_damage: Callable[[str], None]):
        self._read, self._on_damage = read, on_damage
        self.data = b""
        self.position = 0  # in `data`
        self.offset = 0  # in the stream, of the position
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


def header_size(header: Header | None) -> int:
    return header.size if header is not None else 0


def flush(collector: Any, first: int) -> Block | None:
    """The rows that a Collector holds, `first` being the number of the first in the file; it is empty afterwards."""
    count = collector.count
    if not count:
        return None
    table, values = collector.finish()
    words = [table[row] for row in range(count)]
    matrix = np.frombuffer(values, np.float32).reshape(count, collector.dim)
    return Block(np.arange(first, first + count), words, matrix)
