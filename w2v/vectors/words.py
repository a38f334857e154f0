"""The words of some vectors as a sequence of str, kept as one run of bytes; close spellings for a word not there."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from numbers import Integral
from typing import Literal, overload

from w2v.corpus._words import WordTable
from w2v.errors import UnknownWordError

__all__ = ["MOST_MISSING", "Word", "Words", "find_words", "suggest", "to_bytes", "to_text", "unknown_word"]

MOST_MISSING = 100_000  # words that are remembered because they are not there

Word = str | bytes | int  # items may be numbered
LONGEST = 200  # characters of a word for which others are sought
FORMS: tuple[Literal["NFC", "NFD", "NFKC", "NFKD"], ...] = ("NFC", "NFD", "NFKC", "NFKD")


def to_text(word: bytes) -> str:
    """A word for people; bytes that are not UTF-8 come back as they were through `to_bytes`."""
    return word.decode("utf-8", "surrogateescape")


def to_bytes(word: Word) -> bytes:
    """A word as its bytes, of a whole number its digits (items may be numbered); TypeError for what is none."""
    if isinstance(word, bytes):
        return word
    if isinstance(word, str):
        return word.encode("utf-8", "surrogateescape")
    if isinstance(word, Integral) and not isinstance(word, bool):
        return str(word).encode()
    raise TypeError(f"a word is str, bytes or a whole number, not {type(word).__name__}: {word!r:.60}")


def find_words(table: WordTable, words: Iterable[Word]) -> tuple[list[int], list[bytes]]:
    """(rows of the words in rising order, each once; words that are not there, each once, MOST_MISSING at most, in the
    order given). Words are taken one by one, so that a file may give them."""
    rows: set[int] = set()
    missing: dict[bytes, None] = {}
    for word in words:
        spelling = to_bytes(word)
        row = table.find(spelling)
        if row >= 0:
            rows.add(row)
        elif len(missing) < MOST_MISSING:
            missing[spelling] = None
    return sorted(rows), list(missing)


class Words(Sequence[str]):
    """Words in the order of their rows. `table` holds them as bytes; looking one up takes no time that grows."""

    __slots__ = ("table",)

    def __init__(self, words: WordTable | Iterable[str | bytes]):
        self.table = words if isinstance(words, WordTable) else WordTable(words)

    def __len__(self) -> int:
        return len(self.table)

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> list[str]: ...
    def __getitem__(self, row: int | slice) -> str | list[str]:
        if isinstance(row, slice):
            return [to_text(self.table[i]) for i in range(*row.indices(len(self)))]
        return to_text(self.table[row + len(self) if row < 0 else row])

    def __iter__(self) -> Iterator[str]:
        return (to_text(self.table[row]) for row in range(len(self.table)))

    def __contains__(self, word: object) -> bool:
        if isinstance(word, Integral):  # NumPy's too
            word = int(word)
        return isinstance(word, (str, bytes, int)) and self.find(word) >= 0

    def index(self, word: Word, start: int = 0, stop: int | None = None) -> int:
        """Row of a word; ValueError if it is not there."""
        row = self.find(word)
        if row < start or (stop is not None and row >= stop):
            raise ValueError(f"{word!r} is not there")
        return row

    def find(self, word: Word) -> int:
        """Row of a word, or -1."""
        try:
            return self.table.find(to_bytes(word))
        except UnicodeEncodeError:  # a lone surrogate that no bytes stand behind
            return -1

    def __eq__(self, other: object) -> bool:
        if isinstance(other, (Words, list, tuple)):
            return len(self) == len(other) and all(mine == theirs for mine, theirs in zip(self, other, strict=True))
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = ", ".join(repr(self[row]) for row in range(min(5, len(self))))
        return f"Words([{shown}{', ...' if len(self) > 5 else ''}]) of {len(self)}"


def suggest(table: WordTable, word: str | bytes, most: int = 5) -> tuple[str, ...]:
    """At most `most` words spelled like this one: other normal forms and cases, without vowel marks and accents, with _
    for spaces, then by edits, more frequent ones first."""
    text = word if isinstance(word, str) else to_text(word)
    if len(text) > LONGEST:
        return ()
    rows: dict[int, None] = {}
    cases = (text.lower(), text.title(), text.capitalize(), text.upper(), text.casefold(), text.strip())
    plain = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    for variant in (*(unicodedata.normalize(form, text) for form in FORMS), *cases, plain, "_".join(text.split())):
        try:
            row = table.find(to_bytes(variant))
        except UnicodeEncodeError:
            return ()
        if row >= 0:
            rows[row] = None
    sign = not text.isascii() and not text.isalnum()  # an emoji, which others follow that change it
    edits = 0 if len(text) < 2 and not sign else 1 if len(text) < 5 else 2
    for row in table.closest(to_bytes(text), edits, most + len(rows)):
        if len(text) > 1 or table[row].startswith(to_bytes(text)):  # not any other sign
            rows[row] = None
    return tuple(to_text(table[row]) for row in list(rows)[:most])


def unknown_word(table: WordTable, word: Word) -> UnknownWordError:
    """The error for a word that is not in the table, with close spellings."""
    text = word if isinstance(word, str) else to_text(to_bytes(word))
    return UnknownWordError(text, suggest(table, text))
