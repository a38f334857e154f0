"""Arrays in a safetensors file: written a block at a time, read within the bounds that its header was checked for.

The last tensor holds checksums: CRC-32 of the header and of each tensor before it, uint32, little-endian. They find
every flipped bit. What they cost is in docs/faults.md.
"""

from __future__ import annotations

import math
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from w2v.errors import W2VError
from w2v.safetensors import Entry, make_header, read_header

__all__ = ["Tensor", "TensorFile", "file_size", "header_of", "matrix_tensor", "write_tensors"]

BLOCK_BYTES = 1 << 20
DTYPES = {"U8": "u1", "I32": "<i4", "I64": "<i8", "U64": "<u8", "F32": "<f4", "F64": "<f8"}
NAMES = {np.dtype(code): name for name, code in DTYPES.items()}
CHECKSUMS = "checksums"  # the name of the last tensor, of bytes: it needs no alignment


class Output(Protocol):
    def write(self, data: Any, /) -> Any: ...


@dataclass(frozen=True)
class Tensor:
    """One array to be written: its blocks follow each other and are made when they are needed."""

    dtype: str
    shape: tuple[int, ...]
    blocks: Iterable[Any]

    @property
    def size(self) -> int:
        """Bytes."""
        return math.prod(self.shape) * np.dtype(DTYPES[self.dtype]).itemsize

    @classmethod
    def of(cls, array: np.ndarray) -> Tensor:
        array = np.ascontiguousarray(array)
        little = array.astype(array.dtype.newbyteorder("<"), copy=False)
        return cls(NAMES[little.dtype], array.shape, [little.reshape(-1).data.cast("B")] if array.size else [])


def matrix_tensor(matrix: np.ndarray, dim: int) -> Tensor:
    """The first `dim` columns of a float32 matrix with padded rows, copied a block at a time."""
    step = max(1, BLOCK_BYTES // (4 * dim))

    def blocks() -> Iterator[memoryview]:
        for start in range(0, len(matrix), step):
            yield np.ascontiguousarray(matrix[start : start + step, :dim], "<f4").reshape(-1).data.cast("B")

    return Tensor("F32", (len(matrix), dim), blocks())


def header_of(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """The bytes before the first tensor. Wide dtypes should come first: then every tensor is aligned."""
    entries = {name: (tensor.dtype, tensor.shape) for name, tensor in tensors.items()}
    return make_header({**entries, CHECKSUMS: ("U8", (4 * (1 + len(tensors)),))}, metadata)


def file_size(header: bytes, tensors: Mapping[str, Tensor]) -> int:
    """Bytes of the whole file."""
    return len(header) + sum(tensor.size for tensor in tensors.values()) + 4 * (1 + len(tensors))


def write_tensors(out: Output, header: bytes, tensors: Mapping[str, Tensor]) -> None:
    """Write a whole file; `header` is that of the same tensors."""
    out.write(header)
    sums = [zlib.crc32(header)]
    for tensor in tensors.values():
        sums.append(0)
        for block in tensor.blocks:
            sums[-1] = zlib.crc32(block, sums[-1])
            out.write(block)
    out.write(np.array(sums, "<u4").tobytes())


class TensorFile:
    """An open file: `metadata`, `entries`, and the tensors on demand. A context manager.

    Raises `kind` for what is wrong with the file, OSError if it cannot be opened or read.
    """

    def __init__(self, path: str | os.PathLike[str], kind: type[W2VError] = W2VError):
        self.name = os.fspath(path)
        self.kind = kind
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115  (closed by __exit__)
        try:
            size = os.fstat(self._file.fileno()).st_size
            header = read_header(self.name, self._file.read, size, kind)
        except BaseException:
            self._file.close()
            raise
        self.metadata, self.entries = header.metadata, header.tensors
        self._data = header.size
        self._sums: dict[str, int] = {}

    def __enter__(self) -> TensorFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def error(self, place: str, found: str) -> W2VError:
        return self.kind(f"{self.name}: {place}: {found}")

    def check_header(self) -> None:
        """Raise if a bit of the header has changed; from now on each tensor is checked when it is read."""
        stated = self.entries.get(CHECKSUMS)
        names = [name for name in self.entries if name != CHECKSUMS]
        if stated is None or stated.size != 4 * (1 + len(names)):
            found = "there are no checksums; another version of w2v wrote the file, or it is damaged"
            raise self.error("the header", found)
        sums, header = np.empty(1 + len(names), "<u4"), np.empty(self._data, np.uint8)
        self._read_at(stated.begin, sums)
        self._read_at(0, header)
        first, *rest = sums.tolist()
        self._check("the header", zlib.crc32(header.data), first)
        self._sums = dict(zip(names, rest, strict=True))

    def check_tensors(self) -> None:
        """Read everything, and raise if a bit of it has changed."""
        for name, entry in self.entries.items():
            block, value = np.empty(BLOCK_BYTES, np.uint8), 0
            for start in range(0, entry.size, BLOCK_BYTES):
                part = block[: entry.size - start]
                self._read_at(entry.begin + start, part)
                value = zlib.crc32(part.data, value)
            if name in self._sums:
                self._check(f"tensor {name}", value, self._sums[name])

    def _check(self, place: str, found: int, stated: int) -> None:
        if found != stated:
            raise self.error(place, "its checksum is wrong; the file is damaged")

    def read(self, name: str, dtype: str, dimensions: int) -> np.ndarray:
        """A whole tensor, which must have this dtype and number of dimensions."""
        entry = self.entry(name, dtype, dimensions)
        if entry.size == 0 and max(entry.shape) > 1 << 31:  # costs no byte, but no array can have it
            raise self.error(f"tensor {name}", f"its shape is {list(entry.shape)}")
        array = np.empty(entry.shape, DTYPES[dtype])
        self._read_at(entry.begin, array)
        self._check(f"tensor {name}", zlib.crc32(array.reshape(-1).data), self._sums[name])
        return array.astype(array.dtype.newbyteorder("="), copy=False)

    def read_rows(self, name: str, out: np.ndarray) -> None:
        """A float32 matrix into `out` [rows, columns], whose rows may stand apart; its shape must be the tensor's."""
        for first, rows in self.row_blocks(name, *out.shape):
            out[first : first + len(rows)] = rows

    def row_blocks(self, name: str, rows: int, columns: int) -> Iterator[tuple[int, np.ndarray]]:
        """A float32 matrix of this shape a block at a time: (its first row, rows that are valid until the next).

        Whether a bit of them has changed is known, and raised, after the last.
        """
        entry = self.entry(name, "F32", 2)
        if entry.shape != (rows, columns):
            raise self.error(f"tensor {name}", f"its shape is {list(entry.shape)}, not {[rows, columns]}")
        step = max(1, BLOCK_BYTES // (4 * columns))
        block, value = np.empty((step, columns), "<f4"), 0
        for first in range(0, rows, step):
            part = block[: rows - first]
            self._read_at(entry.begin + 4 * columns * first, part)
            value = zlib.crc32(part.data, value)
            yield first, part
        self._check(f"tensor {name}", value, self._sums[name])

    def entry(self, name: str, dtype: str, dimensions: int) -> Entry:
        entry = self.entries.get(name)
        if entry is None:
            raise self.error("the header", f"there is no tensor {name!r}")
        if entry.dtype != dtype or len(entry.shape) != dimensions:
            raise self.error(
                f"tensor {name}", f"{entry.dtype} of {len(entry.shape)} dimensions, not {dtype} of {dimensions}"
            )
        return entry

    def _read_at(self, place: int, array: np.ndarray) -> None:
        """Fill a contiguous array from the file."""
        left = array.reshape(-1).data.cast("B") if array.size else memoryview(b"")
        self._file.seek(place)
        while left:
            count = self._file.readinto(left)
            if not count:
                raise self.error(f"byte {self._file.tell()}", "the file ends while it is read")
            left = left[count:]
