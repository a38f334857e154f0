"""How text becomes words and which words stay, and how tables become sessions: the settings of reading a corpus."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from w2v.errors import SettingsError, setting
from w2v.numbers import seconds_of
from w2v.settings import check, option

__all__ = ["WORD_SETTINGS", "CorpusConfig", "SessionConfig", "word_settings"]

WORD_SETTINGS = ("whitespace", "tokenizer", "lower", "normalize")  # how text becomes words, whichever of them stay


@dataclass(frozen=True)
class CorpusConfig:
    """How text becomes words and which words stay."""

    whitespace: str = option(
        "unicode",
        "What separates tokens: every Unicode white space, or only the ASCII kind as in the original.",
        choices=("unicode", "ascii"),
    )
    tokenizer: str = option(
        "none",
        "none: white space separates tokens; words: split raw prose into words, without punctuation.",
        choices=("none", "words"),
    )
    lower: bool = option(False, "Lower-case every word.")
    normalize: str = option("none", "Unicode normalisation of every word.", choices=("none", "nfc", "nfkc"))
    min_count: int = option(5, "Ignore words that occur fewer times.", minimum=1, aliases=("--minCount", "--min_count"))
    max_vocab: int | None = option(
        None, "Keep at most this many words, the most frequent.", minimum=2, metavar="N", aliases=("--max_final_vocab",)
    )
    phrases: int = option(
        0,
        "Join words that occur together more often than by chance, in this many passes: 1 makes new_york, 2 "
        "new_york_city.",
        minimum=0,
        maximum=10,
    )
    phrase_score: str = option(
        "original",
        "original: that of word2phrase; npmi: normalised pointwise mutual information, -1 to 1.",
        choices=("original", "npmi"),
    )
    phrase_threshold: float | None = option(
        None,
        "Join pairs that score more than this.",
        minimum=-1,
        maximum=1e9,
        shown_default="100 original, 0.5 npmi",
    )
    phrase_min_count: int = option(5, "Ignore words and pairs that occur fewer times.", minimum=1)
    phrase_connectors: str | None = option(
        None,
        "Words that may occur inside a phrase (bank_of_england) but not at its ends: a file, or english.",
        metavar="FILE|english",
    )

    def __post_init__(self) -> None:
        check(self)

    def as_dict(self) -> dict[str, Any]:
        """Every field by name, to be kept with what was read with it."""
        return dataclasses.asdict(self)


def word_settings(settings: Mapping[str, Any] | None) -> dict[str, str]:
    """Those of WORD_SETTINGS that are not their defaults, as text: what a file of vectors says of its words."""
    default = CorpusConfig().as_dict()
    return {
        name: str(settings[name]).lower()
        for name in WORD_SETTINGS
        if settings is not None and settings.get(name, default[name]) != default[name]
    }


@dataclass(frozen=True)
class SessionConfig:
    """How a table of events becomes sessions: lists of items."""

    session: str | None = option(None, "The column that names the session, or the user.", metavar="COLUMN")
    item: str | None = option(None, "The column that names the item.", metavar="COLUMN")
    time: str | None = option(
        None, "The column with the time that orders a session's items; otherwise they keep the order of the rows.",
        metavar="COLUMN",
    )  # fmt: skip
    gap: str | None = option(
        None, "A session ends where nothing happens for longer: 30m, 2h, 1d (needs a time).", metavar="TIME"
    )
    min_length: int = option(2, "Leave out sessions of fewer items.", minimum=1)
    keep_repeats: bool = option(False, "Keep every copy of an item that is repeated in a row, instead of one.")
    grouped: bool = option(False, "The rows of each session are adjacent: nothing is sorted on disk.")
    lenient: bool = option(False, "Leave out rows that cannot be read, and count them.")

    def __post_init__(self) -> None:
        check(self)
        if self.gap is None:
            return
        try:
            gap = seconds_of(self.gap)
        except ValueError:
            gap = 0
        if not gap:
            raise SettingsError(f"{setting('gap')}: {self.gap!r} is not a length of time; write 30m, 2h or 1d")
        if self.time is None:
            raise SettingsError(f"{setting('gap')}: goes by the time of the rows; add {setting('time', 'COLUMN')}")

    def columns(self) -> list[str]:
        """The columns that are read. SettingsError where one that is needed is not named."""
        for name in ("session", "item"):
            if not getattr(self, name):
                raise SettingsError(f"{setting(name)}: name the column of the table, {setting(name, 'COLUMN')}")
        return [column for column in (self.session, self.item, self.time) if column is not None]
