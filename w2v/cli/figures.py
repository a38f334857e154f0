"""Pictures as output files: the kind by the name's suffix, written in one step."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from w2v.cli.errors import shown, warn
from w2v.cli.output import STDOUT, check_outputs
from w2v.errors import SettingsError

__all__ = ["check_page", "figure_format", "write_figure"]

KINDS = ("png", "svg", "pdf")


def figure_format(path: str, inputs: Sequence[str] = ()) -> str:
    """png, svg or pdf; SettingsError for another suffix, and for a place that cannot be written."""
    kind = "png" if path == STDOUT else Path(path).suffix.lower().removeprefix(".")
    if kind not in KINDS:
        raise SettingsError(f"{path}: the suffix does not name a kind of picture; use .png, .svg or .pdf")
    check_outputs([path], inputs)
    return kind


def check_page(path: str, inputs: Sequence[str] = ()) -> None:
    """SettingsError where a page cannot go, or where its name promises something else than HTML."""
    from w2v.output import is_replaced

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
