"""The rows of a quantised fastText model (.ftz): decoded from the codes that it keeps of them.

    int8    norms?   int64 rows columns   int32 size   uint8 codes [rows, parts]   quantiser
    with norms: uint8 codes [rows]   quantiser of one column

    quantiser: int32 columns, parts, width of a part, width of the last   float32 centroids [256 x columns]

A row is cut into parts, and each part is one of 256 centroids (Jégou et al. 2011; src/quantmatrix.cc and
src/productquantizer.cc of 0.9.3). With norms the centroids are of rows of length 1.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from w2v import numbers
from w2v.errors import VectorsError
from w2v.machine import available_memory

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["read_quantised"]

HEAD = struct.Struct("<b2qi")
QUANTISER = struct.Struct("<4i")
CENTROIDS = 256

Read = Callable[[int, int], bytes]  # (offset, count): just as many bytes, or an error that says where the file ends


@dataclass
class Place:
    """Where a file is read, and what it is called in errors."""

    name: str
    read: Read
    at: int

    def take(self, count: int) -> bytes:
        found = self.read(self.at, count)
        self.at += count
        return found

    def damaged(self, what: str) -> VectorsError:
        return VectorsError(f"{self.name}: byte {self.at}: {what}; the file is damaged")


def read_quantised(name: str, read: Read, at: int, size: int, dim: int) -> tuple[NDArray[np.float32], int]:
    """(the rows float32 [rows, dim], the offset behind them) of a matrix of codes at `at` in a file of `size` bytes.

    VectorsError for one that is cut short or damaged, or whose rows do not fit into memory.
    """
    place = Place(name, read, at)
    norms, rows, columns, codes = HEAD.unpack(place.take(HEAD.size))
    if columns != dim or rows < 0 or codes < 0 or norms not in (0, 1):
        raise place.damaged(
            f"a quantised matrix of {rows} rows of {columns} numbers in {codes} codes, not rows of {dim}"
        )
    if codes > size - place.at or rows > codes:
        raise place.damaged(f"{codes:,} codes of {rows:,} rows in a file of {size:,} bytes")
    if 4 * rows * dim > available_memory():
        raise VectorsError(
            f"{name}: its {rows:,} quantised rows take {numbers.size(4 * rows * dim)} as numbers, more than is free"
        )
    found = decode(place, np.frombuffer(place.take(codes), np.uint8), rows, dim)
    if norms:
        found *= decode(place, np.frombuffer(place.take(rows), np.uint8), rows, 1)
    return found, place.at


def decode(place: Place, codes: NDArray[np.uint8], rows: int, dim: int) -> NDArray[np.float32]:
    """Rows [rows, dim] by the quantiser at this place, which follows their codes."""
    columns, parts, width, last = QUANTISER.unpack(place.take(QUANTISER.size))
    if columns != dim or width < 1 or parts != -(-dim // width) or last != dim - width * (parts - 1):
        raise place.damaged(f"a quantiser of {parts} parts of {width} and {last} numbers, not rows of {dim}")
    if len(codes) != rows * parts:
        raise place.damaged(f"{len(codes):,} codes for {rows:,} rows of {parts} parts")
    centroids = np.frombuffer(place.take(4 * CENTROIDS * dim), "<f4")
    codes = codes.reshape(rows, parts)
    found = np.empty((rows, dim), np.float32)
    for part in range(parts):
        some = slice(part * width, min((part + 1) * width, dim))
        found[:, some] = centroids[CENTROIDS * some.start : CENTROIDS * some.stop].reshape(CENTROIDS, -1)[
            codes[:, part]
        ]
    return found
