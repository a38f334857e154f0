"""Bars of a line's width, in the characters that the terminal has."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TextIO

__all__ = ["bar", "columns", "shows_unicode"]

# What Python itself puts into LC_CTYPE where the locale is C, and says nothing of the terminal (PEP 538).
COERCED = ("C.UTF-8", "C.utf8", "UTF-8")
NARROW = 80  # a terminal that claims to have no columns


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
