"""A table for people on a terminal, rows with tabs between their cells for programs."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from w2v.cli.streams import is_terminal
from w2v.cli.terminal import bar, columns, shows_unicode
from w2v.errors import printable

__all__ = [
    "ALIGNED",
    "UNNAMED",
    "aligned",
    "aligned_rows",
    "cell",
    "in_columns",
    "suiting",
    "tsv",
    "tsv_line",
    "width_of",
]

# Forms of rows for people; of programs, tsv and json.
ALIGNED = "aligned"
UNNAMED = "unnamed"  # without the query, which has just been typed
COSINE_BAR = 10  # characters of a cosine of 1

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


def suiting(form: str | None) -> str:
    """The form that was asked for, or else the one that suits standard output."""
    return form or (ALIGNED if is_terminal(sys.stdout) else "tsv")


def aligned_rows(rows: Sequence[Mapping[str, object]], once: str = "", named: bool = True) -> str:
    """Rows of named cells in columns, text to the left and numbers to the right, a bar behind each cosine.

    Rows with the same value of the column `once` have it above them, or nowhere if they are not to be `named`.
    """
    parts = []
    for value, group in groupby(rows, key=lambda row: row.get(once)):
        cells = [{name: value for name, value in row.items() if name != once} for row in group]
        if once and named:
            parts.append(cell(str(value)) + "\n")
        parts.append(in_columns(cells, "  " if once and named else ""))
    return "".join(parts)


def in_columns(rows: Sequence[Mapping[str, object]], indent: str = "", numbers: Sequence[str] = ()) -> str:
    """Rows of the same columns; those that hold numbers, and `numbers`, to the right."""
    names = [*rows[0]]
    texts = [[cell(shown(row.get(name))) for name in names] for row in rows]
    widths = [max(map(width_of, column)) for column in zip(*texts, strict=True)]
    unicode = shows_unicode(sys.stdout)
    room = columns(sys.stdout) - len(indent) - sum(widths) - 2 * len(widths)
    lines = []
    for row, line in zip(rows, texts, strict=True):
        cells = []
        for name, text, width in zip(names, line, widths, strict=True):
            space = " " * (width - width_of(text))
            left = isinstance(row.get(name), str) and name not in numbers
            cells.append(text + space if left else space + text)
            if name == "cosine" and room >= COSINE_BAR:
                cells.append(bar(float(str(row[name])), COSINE_BAR, unicode, rest=False).ljust(COSINE_BAR))
        lines.append(indent + "  ".join(cells).rstrip() + "\n")
    return "".join(lines)


def shown(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else "" if value is None else str(value)
