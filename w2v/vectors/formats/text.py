"""word2vec text (also fastText .vec): `V D\n`, then `word v1 ... vD\n`, split at the ASCII space only; GloVe text.

That is the same without a header, so that rows and columns have to be counted. Some words in the published files of
GloVe hold spaces (`. . .`): the last D fields of a line are its numbers.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from w2v.errors import VectorsError
from w2v.vectors._collect import Collector
from w2v.vectors._scan import BadRow
from w2v.vectors._text import TextRows, text_rows
from w2v.vectors.formats.format import Format
from w2v.vectors.formats.projector import is_projector
from w2v.vectors.formats.rows import LoadOptions, Rows, Shape, collect, row_error, rows_wanted, trailing_error
from w2v.vectors.formats.source import (
    MAX_DIM,
    NUMBER,
    PEEK,
    START,
    Header,
    first_lines,
    has_header,
    is_text,
    read_header,
)
from w2v.vectors.formats.table import layout_of

if TYPE_CHECKING:
    from w2v.vectors.formats.row_writer import RowWriter
    from w2v.vectors.formats.salvage import Block, Salvage
    from w2v.vectors.formats.source import Source

__all__ = ["GLOVE", "TEXT", "count_columns", "load_lines", "salvage", "write_lines"]

POINTED = re.compile(rb"[+-]?\d*\.\d*[1-9]\d*([eE][+-]?\d+)?")  # 0.5; but 1.0 may be the name of a node
LINES = 1000  # looked at to find the usual number of columns


def recognise(name: str, head: bytes) -> bool:
    header = read_header(name, head)
    return header is not None and is_text(head[header.size :], header) and layout_of(head) is None


def count_columns(name: str, head: bytes, told: bool = False) -> int:
    """The usual number of numbers in the first lines: a word with a space in it must not change it. VectorsError for
    what looks like vectors and is none, unless it was told to be some."""
    lines = head.split(b"\n", LINES)
    if len(lines) > 1:
        lines.pop()  # cut, or empty
    rows = [[field for field in line.rstrip(b"\r").split(b" ") if field] for line in lines if line]
    counts = Counter(_numbers_of(row) for row in rows)
    dim = max(counts, key=lambda columns: (counts[columns], -columns), default=0)
    if not 1 <= dim <= MAX_DIM:
        raise VectorsError(f"{name}: row 1 (byte 0): {dim} numbers in a row; 1 to {MAX_DIM:,} can be read")
    if not told:
        _refuse_lists(name, rows, dim)
    return dim


def _numbers_of(row: list[bytes]) -> int:
    """How many fields follow the word, which may hold spaces."""
    first = 1
    while first < len(row) and not NUMBER.fullmatch(row[first]):
        first += 1
    return len(row) - first


def _refuse_lists(name: str, rows: list[list[bytes]], dim: int) -> None:
    """VectorsError for words with a count each, and for numbers without words."""
    if dim == 1 and len(rows) > 1 and all(len(row) == 2 and row[1].isdigit() for row in rows):
        raise VectorsError(
            f"{name}: a word and a whole number on each line: a vocabulary, or classes of words, not word vectors"
        )
    if len(rows) > 1 and all(map(POINTED.fullmatch, (row[0] for row in rows))):
        raise VectorsError(
            f"{name}: holds numbers without words; save them as .npy, and the words beside it, one per line, in "
            f"NAME.words.txt"
        )


def shape(source: Source) -> Shape:
    """As the header says, but where the first rows agree on another number of numbers: then the header is wrong."""
    header = read_header(source.name, source.head)
    assert header is not None
    body = source.start()[header.size :]
    dim = header.dim
    try:
        found = count_columns(source.name, body)
    except VectorsError:
        found = dim
    lines = body.split(b"\n", 100)[: 100 if len(body) < PEEK else -1]
    agree = sum(line.rstrip(b" \r").count(b" ") == found for line in lines)
    if agree > max(1, len(lines) // 2):
        dim = found
    return Shape(header.rows, dim, "text")


def load(source: Source, options: LoadOptions) -> Rows:
    header = read_header(source.name, source.head)
    assert header is not None
    if source.fd is not None and source.size is not None:
        rows_wanted(source.name, header, source.size, options, least=2 * header.dim + 2)
    return load_lines(source, header, header.dim, options)


def load_lines(source: Source, header: Header | None, dim: int, options: LoadOptions) -> Rows:
    """Without a header, words may hold spaces."""
    import numpy as np

    spaced, promised = header is None, header.rows if header is not None else None
    if source.fd is None:
        return collect(source, header, options, Collector(dim, text=True, spaced=spaced))
    assert source.size is not None
    start = header.size if header is not None else 0
    lines = TextRows(source.fd, start, _end_of_text(source.fd, start, source.size), options.threads)
    rows = lines.count if header is None else min(header.rows, lines.count)
    wanted = rows if options.limit is None else min(rows, options.limit)
    # Every number takes two bytes at least: where the rows cannot fit, reading them without a matrix finds which.
    fits = wanted * (2 * dim + 2) - 1 <= source.size - start
    matrix = np.empty((wanted, dim), np.float32) if fits else None
    try:
        lines.load(matrix, dim, spaced, options.threads)
        if header is not None and lines.count < header.rows and wanted == lines.count:
            whole = (
                os.pread(source.fd, 64, lines.end).lstrip(b" \r")[:1] == b"\n"
            )  # without a newline the last row may have been cut
            if not (whole and options.lenient):
                raise BadRow("truncated", lines.count, source.size, whole)
    except BadRow as bad:
        line = os.pread(source.fd, START, bad.offset).partition(b"\n")[0]
        raise row_error(source.name, bad, promised, line, dim) from None
    if header is not None and lines.count > header.rows == wanted and not options.lenient:
        raise trailing_error(source.name, header.rows, lines.offset(header.rows), None)
    if matrix is None:
        raise VectorsError(f"{source.name}: changed while it was read; try again")
    return Rows(lines.words, matrix)


def _end_of_text(fd: int, start: int, size: int) -> int:
    """Offset after the last byte that is not white space: files may end in blank lines."""
    while size > start:
        low = max(start, size - 4096)
        tail = os.pread(fd, size - low, low).rstrip(b" \r\n")
        if tail:
            return low + len(tail)
        size = low
    return size


def write(writer: RowWriter, out: Any) -> None:
    out.write(f"{writer.rows} {writer.dim}\n".encode())
    write_lines(writer, out)


def write_lines(writer: RowWriter, out: Any) -> None:
    writer.write_blocks(out, lambda *rows: text_rows(writer.matrix, writer.table, *rows))


def salvage(damaged: Salvage) -> Iterator[Block]:
    from w2v.vectors.formats.text_salvage import text_blocks

    return text_blocks(damaged)


TEXT = Format(
    name="text",
    title="word2vec text",
    suffixes=(".txt", ".vec"),
    holds="`V D`, then one word and its numbers per line; also fastText's vectors",
    recognise=recognise,
    begins=has_header,
    load=load,
    write=write,
    shape=shape,
    salvage=salvage,
)


def recognise_glove(name: str, head: bytes) -> bool:
    if read_header(name, head) is not None or is_projector(head):
        return False
    first = first_lines(head)[0].rstrip(b" \r").split(b" ")
    return len(first) > 1 and NUMBER.fullmatch(first[-1]) is not None and layout_of(head) is None


def glove_shape(source: Source) -> Shape:
    return Shape(None, count_columns(source.name, source.start()), "text")


def load_glove(source: Source, options: LoadOptions) -> Rows:
    dim = count_columns(source.name, source.start(), options.format is not None)
    return load_lines(source, None, dim, options)


GLOVE = Format(
    name="glove",
    title="GloVe text",
    suffixes=(),
    holds="the same without the first line",
    recognise=recognise_glove,
    load=load_glove,
    write=write_lines,
    shape=glove_shape,
    salvage=salvage,
)
