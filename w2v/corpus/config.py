"""How text becomes words and which words stay: the settings of reading a corpus."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from w2v.settings import check, option

__all__ = ["WORD_SETTINGS", "CorpusConfig", "word_settings"]

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
        "none: a token is what stands between white space; words: split raw prose into words without punctuation.",
        choices=("none", "words"),
    )
    lower: bool = option(False, "Lower-case every word.")
    normalize: str = option("none", "Unicode normalisation of every word.", choices=("none", "nfc", "nfkc"))
    min_count: int = option(
        5, "Leave out words that occur fewer times.", minimum=1, aliases=("--minCount", "--min_count")
    )
    max_vocab: int | None = option(
        None, "Keep at most this many words, the most frequent.", minimum=2, metavar="N", aliases=("--max_final_vocab",)
    )
    phrases: int = option(
        0,
        "Join words that stand together more often than by chance, in so many passes: 1 new_york, 2 new_york_city.",
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
    phrase_min_count: int = option(5, "Join no pairs that occur fewer times, nor words.", minimum=1)
    phrase_connectors: str | None = option(
        None,
        "Words that may stand inside a phrase (bank_of_england) but not at its ends: a file, or english.",
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
