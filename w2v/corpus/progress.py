"""What is told while a corpus is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["OnProgress", "ReadProgress"]


@dataclass(frozen=True)
class ReadProgress:
    """Bytes of the files, compressed or not; `bytes_total` is None where a pipe is read. Tokens so far."""

    bytes_done: int
    bytes_total: int | None
    tokens: int


OnProgress = Callable[[ReadProgress], None]
