"""How a vector file is to be read."""

from __future__ import annotations

import os
from dataclasses import dataclass

from w2v.errors import SettingsError

__all__ = ["KINDS", "LoadOptions"]

# As a user names a format, and as the readers do.
KINDS = {
    "bin": "binary", "text": "text", "glove": "glove", "npy": "npy", "safetensors": "safetensors",
    "projector": "projector",
}


@dataclass(frozen=True)
class LoadOptions:
    """`limit`: only the first rows. `lenient`: rows past the header's count and bytes after the end are ignored.

    `duplicates`: "error", or "first" to keep a word's first row. `threads`: None for the CPUs this process may use.
    `words`: the file with the words of a format that holds numbers alone, where it is not beside the numbers.
    `format`: one of KINDS, where the content does not tell it (GloVe text whose first line looks like a header).
    """

    limit: int | None = None
    lenient: bool = False
    duplicates: str = "error"
    threads: int | None = None
    words: str | os.PathLike[str] | None = None
    format: str | None = None

    def __post_init__(self) -> None:
        if self.duplicates not in ("error", "first"):
            raise SettingsError(f"duplicates: {self.duplicates!r} is neither error nor first")
        if self.format is not None and self.format not in KINDS:
            raise SettingsError(f"format: {self.format!r} is not one of {', '.join(KINDS)}")
        if self.limit is not None and self.limit < 1:
            raise SettingsError(f"limit: {self.limit} is not at least 1")
