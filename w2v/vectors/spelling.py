"""Close spellings for a word that is not there."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Literal

from w2v.errors import UnknownWordError
from w2v.vectors.words import Word, to_bytes, to_text

if TYPE_CHECKING:
    from w2v.vectors._words import WordTable

__all__ = ["suggest", "unknown_word"]

LONGEST = 200  # characters of a word for which others are sought
FORMS: tuple[Literal["NFC", "NFD", "NFKC", "NFKD"], ...] = ("NFC", "NFD", "NFKC", "NFKD")


def suggest(table: WordTable, word: str | bytes, most: int = 5) -> tuple[str, ...]:
    """At most `most` words spelled like this one: other normal forms and cases, then by edits, more frequent ones
    first."""
    text = word if isinstance(word, str) else to_text(word)
    if len(text) > LONGEST:
        return ()
    rows: dict[int, None] = {}
    cases = (text.lower(), text.title(), text.capitalize(), text.upper(), text.casefold(), text.strip())
    for variant in (*(unicodedata.normalize(form, text) for form in FORMS), *cases):
        try:
            row = table.find(to_bytes(variant))
        except UnicodeEncodeError:
            return ()
        if row >= 0:
            rows[row] = None
    edits = 0 if len(text) < 2 else 1 if len(text) < 5 else 2
    for row in table.closest(to_bytes(text), edits, most + len(rows)):
        rows[row] = None
    return tuple(to_text(table[row]) for row in list(rows)[:most])


def unknown_word(table: WordTable, word: Word) -> UnknownWordError:
    """The error for a word that is not in the table, with close spellings."""
    text = word if isinstance(word, str) else to_text(to_bytes(word))
    return UnknownWordError(text, suggest(table, text))
