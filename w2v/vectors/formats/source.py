"""Vector files opened by content: a plain file by its descriptor, anything else as a stream of unpacked bytes.

And what their first bytes tell: the `V D` line of word2vec files, whole lines, fields that are numbers.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from io import FileIO, TextIOBase
from typing import BinaryIO

from w2v.errors import VectorsError
from w2v.files import MAGIC_BYTES, UTF8_BOM, compression_of, standard_input, unpacked

__all__ = [
    "CONTROL",
    "HEADER_LIMIT",
    "MAX_DIM",
    "NUMBER",
    "PEEK",
    "SIGNED_HEADER",
    "Header",
    "Source",
    "first_lines",
    "has_header",
    "is_model_folder",
    "is_text",
    "may_be_text",
    "open_source",
    "read_header",
]

PEEK = 128 * 1024  # bytes looked at to recognise a format: the longest word, and what follows it
START = 4 << 20  # bytes
BLOCK = 1 << 20
MODELS = ("model.safetensors", "0_StaticEmbedding/model.safetensors")  # in a folder: model2vec, sentence-transformers
MAX_DIM = 65_536
HEADER_LIMIT = 64  # bytes, its newline included
FIELD = bytes(range(256))  # what a field may hold, but for separators
CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")
HEADER = re.compile(rb"\+?(\d+) +\+?(\d+)[ \t]*\r?\n")
SIGNED_HEADER = re.compile(rb"([+-]?\d+) +([+-]?\d+)[ \t]*\r?\n")
NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(nan|inf|infinity)", re.IGNORECASE)
CHANCE = 24  # printable bytes: chance gives so many once in 10^10 files


class Source:
    """An open vector file.

    `head` holds its first bytes (unpacked), PEEK of them unless it is shorter; `read` gives all bytes from the start.
    A plain file also has `fd` and `size`, for those who read it in several places at once. `path` is None where there
    is no name, so that nothing can be beside it. `skipped`: bytes before `head`, a byte order mark.
    """

    def __init__(self, name: str, path: str | None = None):
        self.name, self.path = name, path
        self.skipped = 0
        self.fd: int | None = None
        self.size: int | None = None
        self.compression: str | None = None
        self.head = b""
        self._next: Callable[[int], bytes] | None = None
        self._pending = b""
        self._owned = ExitStack()

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: object) -> None:
        self._owned.close()

    def read(self, size: int = BLOCK) -> bytes:
        """Up to about `size` bytes, b"" at the end."""
        if self._pending:
            data, self._pending = self._pending[:size], self._pending[size:]
            return data
        assert self._next is not None
        return self._next(size)

    def start(self) -> bytes:
        """As much of the start as is looked at to count columns; of a stream only `head`."""
        return self.head if self.fd is None else os.pread(self.fd, START, self.skipped)

    def skip_mark(self) -> None:
        """Pass over a byte order mark, which `head` begins with."""
        self.skipped = len(UTF8_BOM)
        left = self.skipped
        while left:
            left -= len(self.read(left))
        self.head = self.head[self.skipped :]

    def _from_file(self, file: FileIO, size: int) -> None:
        self.fd, self.size = file.fileno(), size
        self.head = os.pread(self.fd, PEEK, 0)
        self._next = file.read

    def _from_stream(self, read: Callable[[int], bytes]) -> None:
        self._next, packed = unpacked(read, self.name, VectorsError)
        self.compression = packed.kind if packed else None
        try:
            while len(self._pending) < PEEK and (data := self._next(BLOCK)):
                self._pending += data
        except VectorsError as error:
            if not self._pending:
                raise
            damage = error  # is raised again by the read that comes to it

            def refuse(_size: int) -> bytes:
                raise damage

            self._next = refuse
        self.head = self._pending[:PEEK]


def is_model_folder(path: str | os.PathLike[str]) -> bool:
    """Whether a folder holds a model as sentence-transformers and model2vec save it."""
    return _model_in(os.fspath(path)) is not None


def _model_in(folder: str) -> str | None:
    places = (os.path.join(folder, model) for model in MODELS)
    return next((place for place in places if os.path.isfile(place)), None)


def open_source(path: str | os.PathLike[str] | BinaryIO) -> Source:
    """Open a path, a folder with a model, "-" (standard input) or an open binary file.

    OSError as `open`, VectorsError if it is damaged."""
    if isinstance(path, TextIOBase):
        raise TypeError("a file of vectors that is open is read as bytes: open(NAME, 'rb')")
    if hasattr(path, "read"):
        source = Source(str(getattr(path, "name", "<stream>")))
        source._from_stream(path.read)
        return source
    name = os.fspath(path)
    if name == "-":
        source = Source("<stdin>")
        source._from_stream(standard_input().buffer.read)
        return source
    name = _model_in(name) or name
    source = Source(name, name)
    try:
        file = source._owned.enter_context(FileIO(name))
        status = os.fstat(file.fileno())
        if stat.S_ISREG(status.st_mode) and compression_of(os.pread(file.fileno(), MAGIC_BYTES, 0)) is None:
            source._from_file(file, status.st_size)
        else:
            source._from_stream(file.read)
        return source
    except BaseException:
        source._owned.close()
        raise


@dataclass(frozen=True)
class Header:
    """`V D` from the first line: how many rows, how many numbers in each, and the bytes that the line takes."""

    rows: int
    dim: int
    size: int


def read_header(name: str, head: bytes) -> Header | None:
    """The header, None if the first line is not one. VectorsError if it claims what no file can hold."""
    line = head[:HEADER_LIMIT]
    if b"\n" not in line:
        if re.fullmatch(rb"[+-]?\d+ *[+-]?\d*", line) and len(head) >= HEADER_LIMIT:
            raise VectorsError(
                f"{name}: row 0 (byte 0): the header has no end within {HEADER_LIMIT} bytes; this is not a vector file"
            )
        return None
    match = SIGNED_HEADER.match(line)
    if not match:
        return None
    rows, dim = int(match[1]), int(match[2])
    if not HEADER.match(line) or rows < 1 or dim < 1 or dim > MAX_DIM:
        raise VectorsError(
            f"{name}: row 0 (byte 0): the header claims {rows} rows of {dim} numbers; "
            f"at least one row of 1 to {MAX_DIM:,} numbers can be read"
        )
    return Header(rows, dim, match.end())


def has_header(name: str, head: bytes) -> bool:
    return read_header(name, head) is not None


def first_lines(head: bytes, most: int = 8, separators: bytes = b" ") -> list[bytes]:
    """Up to `most` whole lines, or what there is of the first, without a field that may be cut."""
    lines = head.split(b"\n", most)
    cut = lines.pop() if len(lines) <= most else b""
    if not lines:
        lines = [cut.rstrip(FIELD.translate(None, separators)) if len(head) >= PEEK // 2 else cut]
    return lines[:most]


def is_text(body: bytes, header: Header) -> bool:
    """Whether rows are numbers as text. Text with a mistake in it is still text, for its reader to name the mistake.

    Floats in binary are full of control bytes; where there are too few floats for that, they do not look like numbers.
    Text in which bytes were lost, and are zero, holds such bytes too, but else nothing that is not text.
    """
    numbers = [line.rstrip(b" \r").partition(b" ")[2] for line in first_lines(body)]
    if any(CONTROL.search(line) for line in numbers):
        kept = CONTROL.sub(b"", b"".join(numbers))
        return may_be_text(body) and len(kept) >= CHANCE and 2 * len(kept) > len(b"".join(numbers))
    first = [field for field in numbers[0].split(b" ") if field]
    if not body or (first and all(NUMBER.fullmatch(field) for field in first)):
        return True
    shown = b"".join(numbers)
    if not shown:  # no line has numbers: those of text are missing, those in binary happen to begin with a newline
        return not _fits_binary(body, header)
    return shown.isascii() and len(shown) >= CHANCE


def may_be_text(body: bytes) -> bool:
    """Whether nearly all that rows hold is numbers as text, apart from control characters: perhaps text in which bytes
    were lost."""
    rows = b" ".join(line.partition(b" ")[2] for line in first_lines(body))
    fields = CONTROL.sub(b" ", rows).split()
    return bool(fields) and 5 * sum(map(bool, map(NUMBER.fullmatch, fields))) >= 4 * len(fields)


def _fits_binary(body: bytes, header: Header) -> bool:
    """Whether the first rows are each a word, a space and as many bytes as the header says, to the end of the file."""
    rows, at = min(header.rows, 8), 0
    for _ in range(rows):
        space = body.find(b" ", at)
        at = space + 1 + 4 * header.dim
        if space < 0 or at > len(body):
            return space >= 0 and len(body) >= PEEK // 2  # the rest of a longer file
        at += body[at : at + 1] == b"\n"
    return rows < header.rows or at == len(body)
