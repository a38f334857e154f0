"""Where a command's output goes: what is wrong with a place is reported before any work, not after hours of it.

Pictures are written in one step; their kind is that of the name's suffix.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from w2v.cli.errors import shown, warn
from w2v.cli.streams import is_terminal
from w2v.errors import SettingsError, W2VError

__all__ = ["STDOUT", "check_outputs", "check_page", "check_stdout", "figure_format", "write_figure"]

STDOUT = "-"
KINDS = ("png", "svg", "pdf")


def check_outputs(outputs: Sequence[str], inputs: Sequence[str] = (), no_clobber: bool = False) -> None:
    """Raise for the first output that could not be written at the end, or that is binary and goes to a terminal.

    Nothing is created or touched.
    """
    from w2v import places

    check_stdout(*outputs)
    places.check_outputs(outputs, inputs, no_clobber)


def check_stdout(*outputs: str) -> None:
    """Raise where one of the outputs is standard output, by any name, and that is closed or a terminal."""
    from w2v.places import descriptor_of

    if any(path == STDOUT or descriptor_of(path) == 1 for path in outputs):
        if sys.stdout is None:
            raise W2VError("standard output is closed")
        if is_terminal(sys.stdout):
            raise SettingsError("standard output is a terminal; redirect it (> vectors.bin) or give -o FILE")


def figure_format(path: str, inputs: Sequence[str] = ()) -> str:
    """png, svg or pdf; SettingsError for another suffix, and for a place that cannot be written."""
    kind = "png" if path == STDOUT else Path(path).suffix.lower().removeprefix(".")
    if kind not in KINDS:
        raise SettingsError(f"{path}: the suffix does not name a kind of picture; use .png, .svg or .pdf")
    check_outputs([path], inputs)
    return kind


def check_page(path: str, inputs: Sequence[str] = ()) -> None:
    """SettingsError where a page cannot go, or where its name promises something else than HTML."""
    from w2v.places import is_replaced

    if path and is_replaced(path) and Path(path).suffix.lower() not in (".html", ".htm"):
        raise SettingsError(f"{path}: the page is HTML; end its name in .html")
    check_outputs([path], inputs)


def write_figure(path: str, draw: Callable[[BinaryIO], list[str]]) -> None:
    """Draw, write in one step, and pass on what the drawing warns of."""
    from w2v.output import AtomicOutput

    picture = io.BytesIO()
    warnings = draw(picture)
    with AtomicOutput(path) as file:
        file.write(picture.getvalue())
    for text in warnings:
        warn(shown(text))
