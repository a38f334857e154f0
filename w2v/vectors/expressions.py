"""Questions as text: a word, or words joined by ` + ` and ` - `."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from w2v.errors import SettingsError, shortened

__all__ = ["METHODS", "Query", "analogy_query", "parse_query"]

METHODS = ("add", "mul")


@dataclass(frozen=True)
class Query:
    """What is asked: words to be near, words to be far from. `text` is how it was written."""

    positive: tuple[str | bytes, ...]
    negative: tuple[str | bytes, ...] = ()
    text: str = ""

    @property
    def words(self) -> tuple[str | bytes, ...]:
        return self.positive + self.negative


def parse_query(text: str) -> Query:
    """`king - man + woman`: signs stand alone between spaces, so that words may hold them (`c++`, `x-ray`).

    SettingsError if it is empty, a sign has no word, or two words have no sign between them.
    """
    text = text.strip(" \t\r\n")  # a word may be any other white space
    fields = re.split(r"[ \t\r\n]+", text)
    if fields == [""]:
        raise SettingsError("the query is empty; give a word, or words joined by ' + ' and ' - '")
    if len(fields) == 1:  # a sign alone is a word like any other
        return Query((fields[0],), (), text)
    positive: list[str] = []
    negative: list[str] = []
    sign = "" if fields[0] in ("+", "-") else "+"
    for field in fields:
        if field in ("+", "-") and not sign:
            sign = field
        elif not sign:
            where = f'"{shortened(text)}": no sign before "{shortened(field)}"'
            raise SettingsError(f"{where}; join words by ' + ' or ' - '")
        else:
            (positive if sign == "+" else negative).append(field)
            sign = ""
    if sign:
        raise SettingsError(f'"{shortened(text)}": ends in a sign; a word must follow it')
    return Query(tuple(positive), tuple(negative), text)


def analogy_query(words: Sequence[str | bytes]) -> Query:
    """A is to B as C is to ?, which is B - A + C."""
    if len(words) != 3:
        raise SettingsError(f"an analogy takes three words (A is to B as C is to ?), not {len(words)}")
    a, b, c = words
    shown = " ".join(w if isinstance(w, str) else w.decode("utf-8", "surrogateescape") for w in words)
    return Query((b, c), (a,), shown)
