"""What a mutant is: one place in one file, and what stands there instead."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

__all__ = ["Site"]


@dataclass(frozen=True)
class Site:
    """Bytes `start`..`end` of a file become `new`; `function` is the qualified name around them, "" at its top."""

    path: str
    operator: str
    line: int
    function: str
    start: int
    end: int
    new: str
    old: str = ""
    shown: str = ""  # the line as it is
    nth: int = 0  # of the same change to the same line of the same function

    @property
    def id(self) -> str:
        """The same for the same change, wherever the line has moved to."""
        parts = self.path, self.operator, self.function, self.shown, self.old, self.new, str(self.nth)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:10]

    def apply(self, source: bytes) -> bytes:
        return source[: self.start] + self.new.encode() + source[self.end :]

    def __str__(self) -> str:
        old, new = (" ".join(text.split()) for text in (self.old, self.new))
        where = f"{self.path}:{self.line} {self.function or '(top)'}"
        return f"{where}: {self.operator}: {old or '(nothing)'} -> {new or '(nothing)'}"
