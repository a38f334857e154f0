"""NumPy's `.npy`: one matrix of numbers; its words are in a file of their own (see words_file.py).

The header is a Python literal. It is picked apart, not evaluated: nothing that a file holds is ever run.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from w2v.errors import VectorsError
from w2v.vectors.formats.options import LoadOptions
from w2v.vectors.formats.sniff import MAX_DIM
from w2v.vectors.formats.source import Source
from w2v.vectors.formats.words_file import words_beside

if TYPE_CHECKING:
    import numpy as np

    from w2v.vectors._words import WordTable

__all__ = ["MAGIC", "Array", "load_npy", "npy_header", "read_npy_header"]

MAGIC = b"\x93NUMPY"
HEADER_LIMIT = 4096  # bytes; NumPy writes 128
DESCR = re.compile(r"'descr': *'([<>|=])([a-zA-Z])(\d{1,3})'")
ORDER = re.compile(r"'fortran_order': *(True|False)")
SHAPE = re.compile(r"'shape': *\(((?:[0-9]{1,19}, *)*(?:[0-9]{1,19})?)\)")
TYPES = {("f", 2), ("f", 4), ("f", 8)}


class Array:
    """What a header says: NumPy's name of the type, rows, columns, order, and where the numbers begin."""

    def __init__(self, dtype: str, rows: int, dim: int, by_column: bool, begin: int):
        self.dtype, self.rows, self.dim, self.by_column, self.begin = dtype, rows, dim, by_column, begin

    @property
    def item_bytes(self) -> int:
        return int(self.dtype[2:])

    @property
    def size(self) -> int:
        """Bytes of the numbers."""
        return self.rows * self.dim * self.item_bytes


def npy_header(dtype: str, rows: int, dim: int) -> bytes:
    """The bytes before the numbers, row by row, as NumPy writes them (version 1.0)."""
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': ({rows}, {dim}), }}"
    text += " " * (-(len(text) + 11) % 64) + "\n"
    return MAGIC + b"\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def read_npy_header(name: str, head: bytes) -> Array:
    """The header at the start of a file. VectorsError for an array that cannot be vectors."""
    wide = head[6:7] > b"\x01"
    begin = 12 if wide else 10
    length = int.from_bytes(head[8:begin], "little")
    text = head[begin : begin + length].decode("latin-1")
    if head[6:7] not in (b"\x01", b"\x02", b"\x03") or length > HEADER_LIMIT or len(text) < length:
        raise VectorsError(f"{name}: byte 6: the header of the array is cut short, too long or of an unknown version")
    descr, order, shape = DESCR.search(text), ORDER.search(text), SHAPE.search(text)
    if not descr or not order or not shape:
        raise VectorsError(f"{name}: byte {begin}: not an array of plain numbers (its header is {text[:120]!r})")
    kind = (descr[2], int(descr[3]))
    if kind not in TYPES:
        raise VectorsError(
            f"{name}: byte {begin}: the numbers are of type {descr[2]}{descr[3]}; vectors are f2, f4 or f8 "
            "(array.astype('float32'))"
        )
    sizes = [int(size) for size in shape[1].split(",") if size.strip()]
    if len(sizes) != 2 or not 1 <= sizes[1] <= MAX_DIM:
        raise VectorsError(
            f"{name}: byte {begin}: an array of shape {tuple(sizes)}; vectors are rows of 1 to {MAX_DIM:,} numbers"
        )
    dtype = ("<" if descr[1] in "<|=" else ">") + descr[2] + descr[3]
    return Array(dtype, sizes[0], sizes[1], order[1] == "True", begin + length)


def load_npy(path: Any, source: Source, options: LoadOptions) -> tuple[WordTable, np.ndarray]:
    """(words, float32 [rows, dim]); the numbers of a plain file are mapped, not read."""
    from w2v.vectors.formats.sections import Sections, floats

    array = read_npy_header(source.name, source.head)
    if source.size is not None and source.size < array.begin + array.size:
        raise VectorsError(
            f"{source.name}: byte {source.size}: the file ends here, its header promises {array.rows:,} rows of "
            f"{array.dim:,} numbers ({array.begin + array.size:,} bytes); it was cut short"
        )
    if options.limit is not None and options.limit < array.rows and not array.by_column:
        array.rows = options.limit
    sections = Sections(source)
    matrix = floats(sections.take(array.begin, array.size), array.dtype, array.rows, array.dim, array.by_column)
    if options.limit is None and not options.lenient:
        sections.check_end(array.begin + array.size)
    if options.limit is not None:
        matrix = matrix[: options.limit]
    return words_beside(path, "npy", options.words, len(matrix)), matrix
