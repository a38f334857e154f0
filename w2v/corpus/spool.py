"""Where ids are kept while a corpus is read: in memory up to a limit, beyond it in unnamed files."""

from __future__ import annotations

import errno
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from w2v.errors import Message, SettingsError, setting
from w2v.machine import available_memory

if TYPE_CHECKING:
    from w2v.corpus._blocks import Block

__all__ = ["Spool", "make_spool", "unnamed_file"]

ID_BYTES = 4
Folder = str | os.PathLike[str] | None
LARGE_TABLE = 16 << 20  # bytes
LARGEST_SHARE = 4  # ids may take a quarter of the memory that is free


def unnamed_file(folder: str | os.PathLike[str] | None) -> BinaryIO:
    """A file without a name, so that nothing stays behind in any case."""
    return tempfile.TemporaryFile(dir=folder, prefix="w2v-", buffering=0)


def reserve(number: int, size: int) -> None:
    """Take the space now, if the system can: a full disk would be a signal when the map is written."""
    if hasattr(os, "posix_fallocate"):
        try:
            return os.posix_fallocate(number, 0, size)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
                raise
    os.truncate(number, size)


class Spool:
    """Provisional ids: `keep` takes blocks from many threads, `load` gives them back."""

    def __init__(self, memory_limit: int, folder: str | os.PathLike[str] | None):
        self.memory_limit = memory_limit
        self.folder = folder
        self._lock = threading.Lock()
        self._in_memory = 0
        self._end = 0
        self._table = 0
        self._file: BinaryIO | None = None

    @property
    def has_file(self) -> bool:
        """Whether some blocks are in the file."""
        return self._file is not None

    def keep(self, block: Block, table: int = 0) -> None:
        """Leave the block in memory, or write it to the file if memory is used up. `table`: bytes of the table of
        spellings."""
        size = len(block) * ID_BYTES
        with self._lock:
            self._table = table
            if self._in_memory + size <= self.memory_limit and not self.beside_table(self._in_memory + self._end):
                self._in_memory += size
                return
            if self._file is None:
                self._file = unnamed_file(self.folder)
            place = self._end
            self._end += size
        with spool_errors(self.folder):
            block.spool(self._file.fileno(), place)

    def beside_table(self, size: int) -> bool:
        """Whether so many bytes of ids are better in a file, because a larger table of spellings takes the memory."""
        return LARGE_TABLE < self._table > size

    def load(self, block: Block) -> np.ndarray | None:
        """The ids of a block that is in the file; None for one in memory."""
        if block.offset < 0:
            return None
        assert self._file is not None
        data = bytearray(len(block) * ID_BYTES)
        view, place = memoryview(data), block.offset
        while len(view):
            n = os.preadv(self._file.fileno(), [view], place)
            if n == 0:
                raise OSError(5, "the spool file lost data", os.fspath(self.folder or tempfile.gettempdir()))
            view, place = view[n:], place + n
        return np.frombuffer(data, np.int32)

    def array(self, size: int) -> np.ndarray:
        """int32 [size], to be written: in memory, or mapped from a file without a name."""
        if size * ID_BYTES <= self.memory_limit:
            return np.empty(size, np.int32)
        with unnamed_file(self.folder) as file, spool_errors(self.folder):
            reserve(file.fileno(), size * ID_BYTES)
            return np.memmap(file, np.int32, "r+", shape=(size,))

    def close(self) -> None:
        """Give the file's space back."""
        if self._file is not None:
            self._file.close()


@contextmanager
def spool_errors(folder: str | os.PathLike[str] | None) -> Iterator[None]:
    """Names the folder in an OSError of a file that has no name."""
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            raise
        text = Message(f"{error.strerror} (ids are kept there; try {setting('tmp_dir')})")
        raise OSError(error.errno, text, os.fspath(folder or tempfile.gettempdir())) from None


def make_spool(memory_limit: int | None, tmp_dir: str | os.PathLike[str] | None) -> Spool:
    """A spool whose folder is known to be there."""
    if tmp_dir is not None and not os.path.isdir(tmp_dir):
        raise SettingsError(f"{setting('tmp_dir')}: {os.fspath(tmp_dir)} is not a folder")
    if memory_limit is None:
        memory_limit = available_memory() // LARGEST_SHARE
    return Spool(memory_limit, tmp_dir)
