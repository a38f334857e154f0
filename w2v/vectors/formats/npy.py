"""NumPy's `.npy`: one matrix of numbers; its words are in a file of their own (see words_file.py).

The header is a Python literal. It is picked apart, not evaluated: nothing that a file holds is ever run.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from w2v.errors import VectorsError
from w2v.vectors.formats.format import Format
from w2v.vectors.formats.rows import Contents, LoadOptions, Rows, Shape
from w2v.vectors.formats.source import MAX_DIM
from w2v.vectors.formats.words_file import LINE_ENDS, name_of, read_words

if TYPE_CHECKING:
    from w2v.vectors.formats.row_writer import RowWriter
    from w2v.vectors.formats.salvage import Block, Salvage
    from w2v.vectors.formats.source import Source

__all__ = ["NPY", "Array", "npy_header", "read_npy_header", "words_beside"]

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


def shape(source: Source) -> Shape:
    array = read_npy_header(source.name, source.head)
    byte_order = ", big-endian" if array.dtype.startswith(">") else ""
    return Shape(array.rows, array.dim, f"float{8 * array.item_bytes}{byte_order}")


def load(source: Source, options: LoadOptions) -> Rows:
    from w2v.vectors.formats.sections import Sections, floats

    array = read_npy_header(source.name, source.head)
    rows = array.rows if options.limit is None else min(array.rows, options.limit)
    sections = Sections(source, options.threads)
    if array.by_column:  # a row's numbers are far from each other: all are read
        matrix = floats(sections.take(array.begin, array.size), array.dtype, array.rows, array.dim, True)[:rows]
    else:
        sections.check_size(array.begin + array.size)
        some = rows * array.dim * array.item_bytes
        matrix = floats(sections.take(array.begin, some), array.dtype, rows, array.dim)
    if options.limit is None and not options.lenient:
        sections.check_end(array.begin + array.size)
    words = read_words(source, words_beside, options.words, matrix, lambda: array.rows)
    return Rows(words, matrix)


def size(contents: Contents) -> int:
    return contents.rows * contents.dim * contents.item_bytes + len(npy_header("<f4", contents.rows, contents.dim))


def write(writer: RowWriter, out: Any) -> None:
    out.write(npy_header(writer.dtype, writer.rows, writer.dim))
    writer.write_blocks(out, writer.numbers)


def words_beside(path: str) -> str:
    """Of `vectors.npy` in vectors.words.txt."""
    name = name_of(path)
    stem, suffix = os.path.splitext(name)
    return f"{stem if suffix.lower() == '.npy' else name}.words.txt"


def salvage(damaged: Salvage) -> Iterator[Block]:
    from w2v.vectors.formats.array_salvage import npy_blocks

    return npy_blocks(damaged)


NPY = Format(
    name="npy",
    title="NumPy array",
    suffixes=(".npy",),
    holds="numbers (float32, float16); the words beside them in `.words.txt`",
    recognise=lambda _, head: head.startswith(MAGIC),
    signed=True,
    load=load,
    write=write,
    size=size,
    other_numbers=("float16",),
    words_beside=words_beside,
    separators=LINE_ENDS,
    shape=shape,
    salvage=salvage,
)
