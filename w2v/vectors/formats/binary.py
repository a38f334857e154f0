"""word2vec binary: `V D\n`, then each word, a space, D little-endian float32, and a newline that some files lack.

Nothing here imports NumPy before a matrix is asked for.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from w2v.errors import VectorsError
from w2v.vectors._collect import Collector
from w2v.vectors._scan import BadRow, BinaryRows
from w2v.vectors.formats.format import Format
from w2v.vectors.formats.rows import (
    Contents,
    LoadOptions,
    Rows,
    Shape,
    collect,
    row_error,
    rows_wanted,
    show_word,
    trailing_error,
)
from w2v.vectors.formats.source import CONTROL, Header, has_header, is_text, read_header

if TYPE_CHECKING:
    import numpy as np

    from w2v.corpus._words import WordTable
    from w2v.vectors.formats.row_writer import RowWriter
    from w2v.vectors.formats.salvage import Block, Salvage
    from w2v.vectors.formats.source import Source

__all__ = ["BINARY"]

MOST_REST = 256  # bytes behind the last row that may belong to it


PLAIN = "<f"
OTHERS = {">f": "big-endian float32", "<d": "float64", ">d": "big-endian float64", "<e": "float16"}  # struct's codes
SEVERAL, ENOUGH = 8, 16  # rows that are looked at; numbers that chance does not make plausible
LARGE, TINY = 1e6, 1e-12  # numbers of vectors are between


def recognise(name: str, head: bytes) -> bool:
    header = read_header(name, head)
    return header is not None and not is_text(head[header.size :], header)


def refuse_other_numbers(source: Source) -> None:
    """VectorsError where the first rows are rows only if their numbers are something else than float32, as other
    programs write them."""
    header = header_of(source)
    if _plausible(source.head, header, PLAIN):
        return
    found = next((what for code, what in OTHERS.items() if _plausible(source.head, header, code)), None)
    if found:
        raise VectorsError(
            f"{source.name}: row 1 (byte {header.size}): its numbers are {found}, but this format holds little-endian "
            f"float32; write the file again with those"
        )


def _plausible(head: bytes, header: Header, code: str) -> bool:
    """Whether the first rows hold numbers of this kind such as vectors have, and enough of them."""
    size, rows, at = struct.calcsize(code) * header.dim, 0, header.size
    numbers: list[float] = []
    while rows < min(SEVERAL, header.rows):
        space = head.find(b" ", at, at + MOST_REST)
        if space <= at or CONTROL.search(head[at:space]):
            return False
        end = space + 1 + size
        if end > len(head):
            break
        numbers += struct.unpack(f"{code[0]}{header.dim}{code[1]}", head[space + 1 : end])
        at = end + (head[end : end + 1] == b"\n")
        rows += 1
    if rows < 2 or sum(map(bool, numbers)) < ENOUGH:
        return False
    return all(number == 0 or TINY < abs(number) < LARGE for number in numbers)


def header_of(source: Source) -> Header:
    header = read_header(source.name, source.head)
    assert header is not None
    return header


def shape(source: Source) -> Shape:
    header = header_of(source)
    return Shape(header.rows, header.dim)


def find_rows(source: Source, options: LoadOptions) -> BinaryRows:
    """The rows of a plain file, checked as far as that goes without reading their numbers."""
    refuse_other_numbers(source)
    fd, size = source.fd, source.size
    assert fd is not None
    assert size is not None
    header = header_of(source)
    rows = rows_wanted(source.name, header, size, options, least=4 * header.dim + 2)

    def first(most: int) -> BinaryRows:
        return BinaryRows(fd, size, header.size, most, header.dim, options.threads)

    try:
        try:
            found = first(rows)
        except BadRow as bad:
            whole = bad.what == "truncated" and bad.offset == size and bad.row > 0
            if not (whole and options.lenient):
                raise BadRow(bad.what, bad.row, bad.offset, whole) from None
            found = first(bad.row)
    except BadRow as bad:
        raise row_error(source.name, bad, header.rows) from None
    found.promised = header.rows
    left = size - found.end if rows == header.rows else 0
    rest = os.pread(fd, left, found.end) if left < MOST_REST else b""
    check_boundaries(source.name, found.words, lambda row: found.vector(row, False), rest=rest)
    if left and not options.lenient:
        raise trailing_error(source.name, rows, found.end, left)
    return found


def check_boundaries(
    name: str, words: WordTable, row_of: Callable[[int], Any], far: Sequence[int] = (), rest: bytes = b""
) -> None:
    """Raise VectorsError for a word with a space in it, whose numbers would be made up; arguments as of
    `lost_boundary`."""
    if words.first_not_text(1) < 0 and not len(far) and not rest:
        return
    from w2v.vectors.formats.boundaries import lost_boundary

    lost = lost_boundary(words, row_of, far, rest)
    if lost is not None:
        raise VectorsError(
            f"{name}: row {lost.row + 1}: the word {show_word(lost.word)} holds a space, at which a word ends in this"
            " format; w2v convert --fix writes it without"
        )


def load(source: Source, options: LoadOptions) -> Rows:
    header = header_of(source)
    if source.fd is None:
        refuse_other_numbers(source)
        rows = collect(source, header, options, Collector(header.dim))
        check_boundaries(source.name, rows.words, rows.matrix.__getitem__, out_of_proportion(rows.matrix))
        return rows
    import numpy as np

    found = find_rows(source, options)
    matrix = np.empty((found.count, header.dim), np.float32)
    norms = np.empty(found.count, np.float64)
    try:
        found.load(matrix, norms, options.threads)
    except BadRow as bad:
        raise row_error(source.name, bad, header.rows) from None
    check_boundaries(source.name, found.words, matrix.__getitem__, out_of_proportion(matrix, norms))
    return Rows(found.words, matrix, norms)


def out_of_proportion(matrix: np.ndarray, norms: np.ndarray | None = None) -> list[int]:
    """Rows whose numbers, or lengths, are far larger than the others'."""
    import numpy as np

    from w2v.vectors.formats.boundaries import FAR

    if not len(matrix):
        return []
    sizes = np.abs(matrix).max(axis=1).astype(np.float64) if norms is None else norms
    usual = np.median(sizes[sizes > 0]) if (sizes > 0).any() else 1.0
    return np.flatnonzero(~(sizes <= FAR * usual)).tolist()


def size(contents: Contents) -> int:
    head = len(f"{contents.rows} {contents.dim}\n")
    return head + contents.word_bytes + contents.rows * (contents.item_bytes * contents.dim + 2)


def write(writer: RowWriter, out: Any) -> None:
    from w2v.vectors._text import binary_rows

    out.write(f"{writer.rows} {writer.dim}\n".encode())
    writer.write_blocks(out, lambda *rows: binary_rows(writer.matrix, writer.table, *rows))


def salvage(damaged: Salvage) -> Iterator[Block]:
    from w2v.vectors.formats.binary_salvage import binary_blocks

    refuse_other_numbers(damaged.source)
    return binary_blocks(damaged)


BINARY = Format(
    name="bin",
    title="word2vec binary",
    suffixes=(".bin",),
    holds="words and float32; the smallest and quickest that every program reads",
    recognise=recognise,
    begins=has_header,
    load=load,
    write=write,
    size=size,
    shape=shape,
    find_rows=find_rows,
    salvage=salvage,
)
