"""The embedding projector's two files (projector.tensorflow.org): numbers between tabs, and the words beside them.

The words are in a second file, one a line; with several columns, its first line names them (see words_file.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from w2v.errors import VectorsError
from w2v.vectors._collect import Collector
from w2v.vectors._scan import BadRow
from w2v.vectors._text import text_rows
from w2v.vectors.formats.format import Format
from w2v.vectors.formats.rows import LoadOptions, Rows, Shape, row_error
from w2v.vectors.formats.source import MAX_DIM, NUMBER, first_lines
from w2v.vectors.formats.table import layout_of
from w2v.vectors.formats.words_file import LINE_ENDS, name_of, read_words

if TYPE_CHECKING:
    from w2v.vectors.formats.row_writer import RowWriter
    from w2v.vectors.formats.salvage import Block, Salvage
    from w2v.vectors.formats.source import Source

__all__ = ["PROJECTOR", "STAND_IN", "is_projector"]

BLOCK = 1 << 20
STAND_IN = b"w "  # a word before each row, so that the reader of text rows can read it


def is_projector(head: bytes) -> bool:
    """Whether the first line is numbers between tabs, without a word."""
    first = first_lines(head.replace(b"\t", b" "))[0].rstrip(b" \r").split(b" ")
    return b" " not in head.split(b"\n", 1)[0].rstrip() and all(NUMBER.fullmatch(field) for field in first)


def columns(source: Source) -> int:
    return source.head.split(b"\n", 1)[0].rstrip(b"\r\t").count(b"\t") + 1


def shape(source: Source) -> Shape:
    return Shape(None, columns(source), "text")


def load(source: Source, options: LoadOptions) -> Rows:
    import numpy as np

    dim = columns(source)
    if dim > MAX_DIM:
        raise VectorsError(f"{source.name}: row 1 (byte 0): {dim} numbers in a row; 1 to {MAX_DIM:,} can be read")
    collector = Collector(dim, text=True)
    wanted = options.limit or 1 << 62
    pending, offset, last = STAND_IN, 0, False
    try:
        while not last and collector.count < wanted:
            block = source.read(BLOCK)
            last = not block
            pending += block.replace(b"\t", b" ").replace(b"\n", b"\n" + STAND_IN)
            if last:
                pending = pending.removesuffix(STAND_IN)
            used = collector.feed(pending, offset, wanted, last)
            offset += used
            pending = pending[used:]
    except BadRow as bad:
        place = bad.offset - len(STAND_IN) * bad.row  # the file does not hold the stand-ins
        raise row_error(source.name, BadRow(bad.what, bad.row, place, bad.column), None, b"", dim) from None
    _, values = collector.finish()
    matrix = np.frombuffer(values, np.float32).reshape(-1, dim)

    @cache
    def total() -> int:
        """Rows of the file; those after the ones that were wanted are only counted."""
        rest, count, end = pending.replace(STAND_IN, b""), len(matrix), b"\n"
        while rest:
            count += rest.count(b"\n")
            end = rest[-1:]
            rest = source.read(BLOCK)
        return count + (end != b"\n")

    return Rows(read_words(source, words_beside, options.words, matrix, total, labels=True), matrix)


def write(writer: RowWriter, out: Any) -> None:
    writer.write_blocks(out, lambda low, high, spare: text_rows(writer.matrix, None, low, high, spare))


def words_beside(path: str) -> str:
    """Of `vectors.tsv` in vectors.metadata.tsv; of gensim's word2vec2tensor, `x_tensor.tsv`, in x_metadata.tsv."""
    name = name_of(path)
    if name.endswith("_tensor.tsv"):
        return f"{name.removesuffix('_tensor.tsv')}_metadata.tsv"
    stem, suffix = os.path.splitext(name)
    return f"{stem if suffix.lower() == '.tsv' else name}.metadata.tsv"


def salvage(damaged: Salvage) -> Iterator[Block]:
    from w2v.vectors.formats.text_salvage import projector_blocks

    return projector_blocks(damaged)


PROJECTOR = Format(
    name="projector",
    title="embedding projector TSV",
    suffixes=(".tsv",),
    holds="numbers between tabs; the words in `.metadata.tsv`: load both at projector.tensorflow.org",
    recognise=lambda _, head: is_projector(head) and layout_of(head) is None,
    load=load,
    write=write,
    words_beside=words_beside,
    separators=LINE_ENDS,
    shape=shape,
    salvage=salvage,
)
