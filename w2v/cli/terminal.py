"""What the terminal can show: bars of a line's width in its characters, colours, aligned tables for people.

For programs, tables are rows with tabs between their cells.
"""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import TextIO

import click

from w2v.cli.command import Option
from w2v.cli.streams import is_terminal
from w2v.errors import printable

__all__ = [
    "ALIGNED",
    "COLOUR_OPTION",
    "NONE",
    "TRUE",
    "UNNAMED",
    "XTERM",
    "aligned",
    "aligned_rows",
    "bar",
    "cell",
    "colour_depth",
    "columns",
    "in_columns",
    "painted",
    "paper",
    "shade",
    "shows_unicode",
    "suiting",
    "tsv",
    "tsv_line",
    "width_of",
]

# What Python itself puts into LC_CTYPE where the locale is C, and says nothing of the terminal (PEP 538).
COERCED = ("C.UTF-8", "C.utf8", "UTF-8")
NARROW = 80  # a terminal that claims to have no columns
NONE, XTERM, TRUE = 0, 256, 1 << 24  # how many colours
LEVELS = (0, 95, 135, 175, 215, 255)  # of the colour cube of xterm
# From blue over white to red among xterm's colours: the nearest ones of mixed colours are grey or pink.
RAMP = (25, 67, 110, 153, 189, 255, 224, 217, 174, 167, 124)
# Forms of rows for people; of programs, tsv and json.
ALIGNED = "aligned"
UNNAMED = "unnamed"  # without the query, which has just been typed
COSINE_BAR = 10  # characters of a cosine of 1
ESCAPES = {ord("\t"): "\\t", ord("\n"): "\\n", ord("\r"): "\\r"}


def shows_unicode(stream: TextIO | None, environment: Mapping[str, str] | None = None) -> bool:
    """Whether the terminal behind a stream can be expected to show more than ASCII: the locale says so."""
    env = os.environ if environment is None else environment
    if not (getattr(stream, "encoding", None) or "").lower().startswith("utf"):
        return False
    names = [env.get(name, "") for name in ("LC_ALL", "LC_CTYPE", "LANG")]
    if names[1] in COERCED and names[2]:
        names[1] = ""
    asked = next((name for name in names if name), "UTF-8")
    return "utf" in asked.lower()


def bar(share: float, cells: int, unicode: bool, rest: bool = True) -> str:
    """A share from 0 to 1 as this many cells; without the `rest`, only the part that is full, in half cells."""
    halves = round(2 * cells * min(1.0, max(0.0, share)))
    if not rest:
        return ("━" * (halves // 2) + "╸" * (halves % 2)) if unicode else "=" * ((halves + 1) // 2)
    full = halves // 2
    return ("━" if unicode else "#") * full + ("─" if unicode else "-") * (cells - full)


def columns(stream: TextIO | None) -> int:
    """How wide the terminal is now."""
    try:
        return os.get_terminal_size(stream.fileno() if stream is not None else 2).columns or NARROW
    except (OSError, ValueError):
        return NARROW


COLOUR_OPTION = Option(
    ["--color", "when"],
    type=click.Choice(("auto", "always", "never")),
    default="auto",
    shown_default="auto",
    help="auto: on a terminal, unless NO_COLOR is set.",
)


def colour_depth(when: str, environment: Mapping[str, str] | None = None) -> int:
    """NONE, XTERM or TRUE for standard output. NO_COLOR: https://no-color.org."""
    env = os.environ if environment is None else environment
    if when == "never" or (when == "auto" and (env.get("NO_COLOR") or not is_terminal(sys.stdout))):
        return NONE
    term = env.get("TERM", "")
    if when == "auto" and term in ("dumb", ""):
        return NONE
    deep = env.get("COLORTERM", "").lower() in ("truecolor", "24bit") or term.endswith(("-direct", "-truecolor"))
    return TRUE if deep else XTERM


def painted(text: str, codes: str, depth: int) -> str:
    """Text in a style: SGR codes such as "1" (bold), "2" (dim), "9" (struck), "7" (reversed)."""
    return f"\x1b[{codes}m{text}\x1b[0m" if depth else text


def paper(rgb: tuple[int, int, int], depth: int) -> str:
    """SGR codes of a background, with black or white ink, whichever is read better on it."""
    red, green, blue = rgb
    ink = "30" if 299 * red + 587 * green + 114 * blue > 128_000 else "97"
    if depth == TRUE:
        return f"48;2;{red};{green};{blue};{ink}"
    return f"48;5;{nearest_of_256(rgb)};{ink}"


def shade(share: float, depth: int) -> str:
    """SGR codes of a cell: blue at -1, white at 0, red at 1, with ink that can be read on it."""
    if depth == TRUE:
        from w2v.seeing.cells import colour

        return paper(colour(share), depth)
    place = round((min(1.0, max(-1.0, share)) + 1) / 2 * (len(RAMP) - 1))
    return f"48;5;{RAMP[place]};{'97' if place in (0, 1, 9, 10) else '30'}"


def nearest_of_256(rgb: tuple[int, int, int]) -> int:
    """The nearest of xterm's 256 colours: its cube of 6 x 6 x 6, or its 24 greys."""
    steps = [min(range(6), key=lambda i: abs(LEVELS[i] - value)) for value in rgb]
    grey = max(0, min(23, round((sum(rgb) / 3 - 8) / 10)))
    choices = {
        16 + 36 * steps[0] + 6 * steps[1] + steps[2]: tuple(LEVELS[i] for i in steps),
        232 + grey: (8 + 10 * grey,) * 3,
    }
    return min(choices, key=lambda number: sum((a - b) ** 2 for a, b in zip(choices[number], rgb, strict=True)))


# --- tables ---


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
