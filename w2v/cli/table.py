"""A table for people on a terminal, rows with tabs between their cells for programs."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from w2v.errors import printable

__all__ = ["aligned", "cell", "tsv", "tsv_line", "width_of"]

ESCAPES = {ord("\t"): "\\t", ord("\n"): "\\n", ord("\r"): "\\r"}


def cell(text: str) -> str:
    """A word as one cell of a table: its tabs and line breaks, which would end the cell, as \\t, \\n, \\r."""
    return text.translate(ESCAPES)


def tsv_line(cells: Iterable[str]) -> str:
    return "\t".join(map(cell, cells)) + "\n"


def tsv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "".join(map(tsv_line, (header, *rows)))


def aligned(header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Columns lined up; the first `left` columns to the left, the others (numbers) to the right."""
    table = [[cell(text) for text in row] for row in (header, *rows)]
    widths = [max(map(width_of, column)) for column in zip(*table, strict=True)]
    lines = []
    for row in table:
        cells = []
        for i, (text, width) in enumerate(zip(row, widths, strict=True)):
            space = " " * (width - width_of(text))
            cells.append(text + space if i < left else space + text)
        lines.append("  ".join(cells).rstrip() + "\n")
    return "".join(lines)


def width_of(text: str) -> int:
    """Columns that a text takes on a terminal: wide East Asian characters two, combining marks none, escapes theirs."""
    text = printable(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
