"""What this part needs to know of a CorpusConfig; a protocol, because imports go the other way."""

from __future__ import annotations

import dataclasses
from typing import Any, Protocol

__all__ = ["CorpusSettings", "settings_of"]


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


def settings_of(config: CorpusSettings) -> dict[str, Any] | None:
    """All fields of a config, to be kept with what was read with it."""
    return dataclasses.asdict(config) if dataclasses.is_dataclass(config) else None  # type: ignore[call-overload]
