"""Parts of a file by their place, read into memory of our own, and the numbers in such a part.

They are read, not mapped: a mapped file that another program cuts short would end the process (SIGBUS), and one that it
writes to would change numbers which have been checked.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from w2v.errors import VectorsError
from w2v.threads import for_each
from w2v.vectors._scan import row_norms
from w2v.vectors.formats.rows import show_word

if TYPE_CHECKING:
    from w2v.vectors.formats.source import Source

__all__ = ["Sections", "checked_norms", "floats"]

BLOCK = 1 << 20
TASK = 8 << 20  # bytes that a thread reads in one go


class Sections:
    """`take(begin, size)` gives the bytes of a file from `begin` on; of a stream, in rising order only.

    Of a stream, memory grows with the bytes that arrive, not with what was promised.
    """

    def __init__(self, source: Source, threads: int | None = None):
        self.source, self.threads = source, threads
        self.position = 0
        self._pending = b""

    def check_size(self, end: int) -> None:
        """VectorsError if a plain file is shorter than `end`."""
        if self.source.size is not None and self.source.size < end:
            raise self._cut(self.source.size, end)

    def take(self, begin: int, size: int) -> memoryview:
        if self.source.fd is not None:
            self.check_size(begin + size)
            return self._read_at(self.source.fd, begin, size)
        self.skip(begin - self.position)
        found = bytearray()
        while len(found) < size:
            data = self.read(min(size - len(found), BLOCK))
            if not data:
                raise self._cut(self.position, begin + size)
            found += data
        return memoryview(found)

    def _read_at(self, fd: int, begin: int, size: int) -> memoryview:
        view = memoryview(np.empty(size, np.uint8))

        def read_some(task: int) -> None:
            low, high = task * TASK, min(size, (task + 1) * TASK)
            while low < high:
                got = os.preadv(fd, [view[low:high]], begin + low)
                if not got:
                    raise self._cut(begin + low, begin + size)
                low += got

        for_each(read_some, -(-size // TASK), self.threads)
        return view

    def skip(self, size: int) -> None:
        while size > 0:
            data = self.read(min(size, BLOCK))
            if not data:
                raise self._cut(self.position, self.position + size)
            size -= len(data)

    def read(self, size: int) -> bytes:
        """At most `size` bytes from the position on, b"" at the end."""
        if self.source.fd is not None:
            data = os.pread(self.source.fd, size, self.position)
        else:
            data = self._pending or self.source.read(max(size, 1))
            data, self._pending = data[:size], data[size:]
        self.position += len(data)
        return data

    def check_end(self, end: int) -> None:
        """VectorsError if bytes follow the offset `end`, which has been reached in a stream."""
        more = self.source.size > end if self.source.size is not None else bool(self.read(1))
        if more:
            raise VectorsError(
                f"{self.source.name}: byte {end}: more follows after the last number; w2v convert --lenient ignores it"
            )

    def _cut(self, size: int, wanted: int) -> VectorsError:
        return VectorsError(
            f"{self.source.name}: byte {size}: the file ends here, its header promises {wanted:,} bytes; it was cut "
            "short, fetch or write it again"
        )


def floats(data: memoryview, dtype: str, rows: int, dim: int, by_column: bool = False) -> np.ndarray:
    """Bytes as float32 [rows, dim]: a view where they are that already, else a copy. `dtype` as NumPy's, or "bf16"."""
    if dtype == "bf16":
        halves = np.frombuffer(data, "<u2")
        values = (halves.astype("<u4") << np.uint32(16)).view("<f4")
    else:
        values = np.frombuffer(data, dtype)
    matrix = values.reshape((dim, rows)).T if by_column else values.reshape((rows, dim))
    if matrix.dtype != np.float32 or not matrix.flags.aligned:
        with np.errstate(over="ignore"):  # a float64 too large for float32 is reported as infinite, with its row
            matrix = matrix.astype(np.float32)
    return matrix


def checked_norms(name: str, matrix: np.ndarray, words: Any = None, threads: int | None = None) -> np.ndarray:
    """The length of each row, float64 [rows]. VectorsError for the first row with a number that is not finite."""
    norms = np.frombuffer(row_norms(matrix, threads), np.float64)
    for row in np.flatnonzero(np.isnan(norms)).tolist()[:1]:
        what = f" of {show_word(words[row])}" if words is not None else ""
        raise VectorsError(
            f"{name}: row {row + 1}: a number{what} is NaN or infinite; the training diverged, or the file is damaged "
            "(w2v convert --fix drops such rows)"
        )
    return norms
