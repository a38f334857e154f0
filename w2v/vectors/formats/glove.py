"""GloVe text: rows as in word2vec text without a header, so that rows and columns have to be counted.

Some words in the published files hold spaces (`. . .`): the last D fields of a line are its numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from w2v.vectors.formats.format import Format
from w2v.vectors.formats.projector import is_projector
from w2v.vectors.formats.rows import LoadOptions, Rows, Shape
from w2v.vectors.formats.start import NUMBER, first_lines, read_header
from w2v.vectors.formats.table import layout_of
from w2v.vectors.formats.text import count_columns, load_lines, salvage, write_lines

if TYPE_CHECKING:
    from w2v.vectors.formats.source import Source

__all__ = ["GLOVE"]


def recognise(name: str, head: bytes) -> bool:
    if read_header(name, head) is not None or is_projector(head):
        return False
    first = first_lines(head)[0].rstrip(b" \r").split(b" ")
    return len(first) > 1 and NUMBER.fullmatch(first[-1]) is not None and layout_of(head) is None


def shape(source: Source) -> Shape:
    return Shape(None, count_columns(source.name, source.start()), "text")


def load(source: Source, options: LoadOptions) -> Rows:
    return load_lines(source, None, count_columns(source.name, source.start()), options)


GLOVE = Format(
    name="glove",
    title="GloVe text",
    suffixes=(),
    holds="the same without the first line",
    recognise=recognise,
    load=load,
    write=write_lines,
    shape=shape,
    salvage=salvage,
)
