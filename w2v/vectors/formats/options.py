"""How a vector file is to be read."""

from __future__ import annotations

import os
from dataclasses import dataclass

from w2v.errors import SettingsError

__all__ = ["LoadOptions"]


@dataclass(frozen=True)
class LoadOptions:
    """`limit`: only the first rows. `lenient`: rows past the header's count and bytes after the end are ignored.

    `duplicates`: "error", or "first" to keep a word's first row. `threads`: None for the CPUs this process may use.
    `words`: the file with the words of a format that holds numbers alone, where it is not beside the numbers.
    """

    limit: int | None = None
    lenient: bool = False
    duplicates: str = "error"
    threads: int | None = None
    words: str | os.PathLike[str] | None = None

    def __post_init__(self) -> None:
        if self.duplicates not in ("error", "first"):
            raise SettingsError(f"duplicates: {self.duplicates!r} is neither error nor first")
        if self.limit is not None and self.limit < 1:
            raise SettingsError(f"limit: {self.limit} is not at least 1")
