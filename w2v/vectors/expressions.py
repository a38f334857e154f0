"""Questions as people write them: a word, words joined by ` + ` and ` - `, or an analogy."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from w2v.errors import SettingsError, shortened

if TYPE_CHECKING:
    from w2v.vectors.words import Word

__all__ = [
    "METHODS",
    "Query",
    "analogy_query",
    "analogy_words",
    "joined_arguments",
    "parse_query",
    "sense_parts",
    "terms_of",
]

METHODS = ("add", "mul")
SENSE = re.compile("(.+)#([1-9][0-9]{0,2})", re.DOTALL)  # polish#2
SIGNS = {"+": "+", "-": "-", "\u2212": "-", "\u2013": "-"}  # a minus sign, and the dash that word processors make of it


@dataclass(frozen=True)
class Query:
    """What is asked: words to be near, words to be far from. `text` is how it was written."""

    positive: tuple[Word, ...]
    negative: tuple[Word, ...] = ()
    text: str = ""

    @property
    def words(self) -> tuple[Word, ...]:
        return self.positive + self.negative


def parse_query(text: str) -> Query:
    """`king - man + woman`: signs stand alone between spaces, so that words may hold them (`c++`, `x-ray`).

    SettingsError if it is empty, a sign has no word, or two words have no sign between them.
    """
    terms = terms_of(text)
    positive, negative = (tuple(word for mark, word in terms if mark == sign) for sign in "+-")
    return Query(positive, negative, text.strip(" \t\r\n"))


def terms_of(text: str) -> list[tuple[str, str]]:
    """The signs, + or -, and the words of an expression, in their order. Errors as of `parse_query`."""
    text = text.strip(" \t\r\n")  # a word may be any other white space
    fields = re.split(r"[ \t\r\n]+", text)
    if fields == [""]:
        raise SettingsError("the query is empty; give a word, or words joined by ' + ' and ' - '")
    if len(fields) == 1:  # a sign alone is a word like any other
        return [("+", fields[0])]
    terms: list[tuple[str, str]] = []
    sign = "" if fields[0] in SIGNS else "+"
    for field in fields:
        if field in SIGNS and not sign:
            sign = SIGNS[field]
        elif not sign:
            where = f'"{shortened(text)}": no sign before "{shortened(field)}"'
            raise SettingsError(f"{where}; join words by ' + ' or ' - ', the parts of a phrase or an item by _")
        else:
            terms.append((sign, field))
            sign = ""
    if sign:
        raise SettingsError(f'"{shortened(text)}": ends in a sign; a word must follow it')
    return terms


def sense_parts(word: Word) -> tuple[str, int] | None:
    """The word and the number of a name of a sense, polish#2; None of any other word."""
    text = word.decode("utf-8", "surrogateescape") if isinstance(word, bytes) else str(word)
    found = SENSE.fullmatch(text)
    return (found[1], int(found[2])) if found else None


def analogy_query(words: Sequence[str | bytes]) -> Query:
    """A is to B as C is to ?, which is B - A + C."""
    if len(words) != 3:
        raise SettingsError(f"an analogy takes three words (A is to B as C is to ?), not {len(words)}")
    a, b, c = words
    shown = " ".join(w if isinstance(w, str) else w.decode("utf-8", "surrogateescape") for w in words)
    return Query((b, c), (a,), shown)


def joined_arguments(arguments: Sequence[str]) -> list[str]:
    """What a shell has taken apart: `king - man + woman` without quotes is one query, other arguments one each."""
    words, signs = arguments[::2], arguments[1::2]
    if len(arguments) > 2 and len(words) > len(signs) and all(sign in SIGNS for sign in signs):
        return [" ".join(arguments)]
    return list(arguments)


def analogy_words(text: str) -> list[str]:
    """The words of `A B C`, `A:B C`, `A:B C:?`, `A is to B as C is to ?`; and of `A B C D`, whose answer is expected.

    Split at spaces and tabs alone: a word may hold any other white space. A colon joins a pair only where there are two
    parts, `A:B` and `C` or `C:D`; elsewhere it belongs to the word.
    """
    words = [word for word in re.split(r"[ \t]+", text) if word]
    lower = [word.lower() for word in words]
    if len(words) >= 8 and lower[1:3] == lower[6:8] == ["is", "to"] and lower[4] == "as":
        words = [words[0], words[3], words[5], *words[8:9]]
    elif len(words) == 2 and words[0].strip(":").count(":") == 1:
        words = [*words[0].split(":"), *words[1].split(":", 1)]
    return words[:3] if len(words) == 4 and words[3] in ("", "?") else words
