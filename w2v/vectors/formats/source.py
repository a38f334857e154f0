"""Vector files opened by content: a plain file by its descriptor, anything else as a stream of unpacked bytes."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from contextlib import ExitStack
from io import FileIO
from typing import BinaryIO

from w2v.errors import VectorsError
from w2v.files import MAGIC_BYTES, UTF8_BOM, compression_of, unpacked

__all__ = ["PEEK", "Source", "is_model_folder", "open_source"]

PEEK = 128 * 1024  # bytes looked at to recognise a format: the longest word, and what follows it
START = 4 << 20  # bytes
BLOCK = 1 << 20
MODELS = ("model.safetensors", "0_StaticEmbedding/model.safetensors")  # in a folder: model2vec, sentence-transformers


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
    if hasattr(path, "read"):
        source = Source(str(getattr(path, "name", "<stream>")))
        source._from_stream(path.read)
        return source
    name = os.fspath(path)
    if name == "-":
        source = Source("<stdin>")
        source._from_stream(sys.stdin.buffer.read)
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
