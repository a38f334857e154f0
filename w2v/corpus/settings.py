"""What this part needs to know of a CorpusConfig; a protocol, because imports go the other way."""

from __future__ import annotations

from typing import Protocol

__all__ = ["CorpusSettings"]


class CorpusSettings(Protocol):
    """How text becomes words and which words stay: the fields of w2v.training.config.CorpusConfig."""

    @property
    def whitespace(self) -> str: ...
    @property
    def tokenizer(self) -> str: ...
    @property
    def lower(self) -> bool: ...
    @property
    def normalize(self) -> str: ...
    @property
    def min_count(self) -> int: ...
    @property
    def max_vocab(self) -> int | None: ...
