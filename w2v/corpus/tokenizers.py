"""From spellings (the text between white space) to words: called once per distinct spelling, never once per token.

Order: normalise, then the tokenizer, then lower-case (by no one language's rules; a Greek sigma at the end of a word is
its own) and normalise again, for lower-casing can undo a composition.

`words` finds in raw prose what is between punctuation, symbols and emoji:

- a word is a run of letters, marks (so Indic vowel signs stay), digits and underscores;
- an apostrophe, hyphen, middle dot or zero-width joiner between two of them stays: don't, l’été, well-known, col·legi;
  so do the marks of a script that stand inside words: Hebrew צה״ל, Armenian Ինչո՞ւ, a soft hyphen, a chillu's joiner;
- a full stop or comma between two digits stays: 3.14, 1,000; so do stops between single letters: U.S.A, e.g;
- quotes, brackets, 。、, dashes and all else separate and are dropped; a word has at least one letter or digit;
- bytes that are not UTF-8 count as letters. Scripts without spaces are split at punctuation only, which the encoder
  does beforehand (scan.h), so that a paragraph of them is not one spelling that is too long.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from w2v.corpus.config import CorpusConfig

__all__ = ["Tokenized", "changes_spellings", "tokenize"]

BATCH = 1 << 16  # spellings at a time
ASCII_SPACE = re.compile("[ \t\n\r\x0b\x0c\0]+")


class Tokenized(NamedTuple):
    """`words[ends[i]:ends[i + 1]]` are the words in spelling i; ends has one item more than there were spellings."""

    words: list[bytes]
    ends: list[int]


def changes_spellings(config: CorpusConfig) -> bool:
    """Whether words can differ from spellings at all."""
    return config.tokenizer != "none" or config.lower or config.normalize != "none"


def tokenize(spellings: list[bytes], config: CorpusConfig) -> Tokenized:
    """The words of each spelling: none, one or several; never empty, never with white space."""
    words: list[bytes] = []
    ends = [0]
    for start in range(0, len(spellings), BATCH):
        # One text with one spelling per line: one call of each function for many spellings.
        text = b"\n".join(spellings[start : start + BATCH]).decode("utf-8", "surrogateescape")
        _tokenize_lines(_normalized(text, config), config, words, ends)
    return Tokenized(words, ends)


def _normalized(text: str, config: CorpusConfig) -> str:
    if config.normalize == "nfc":
        return unicodedata.normalize("NFC", text)
    return unicodedata.normalize("NFKC", text) if config.normalize == "nfkc" else text


def _lowered(text: str, config: CorpusConfig) -> str:
    return _normalized(text.lower(), config) if config.lower else text


def _tokenize_lines(text: str, config: CorpusConfig, words: list[bytes], ends: list[int]) -> None:
    """Appends the words of each line and where they end."""
    if config.tokenizer == "words":
        found = _word_or_newline().findall(text)
        if "_" in text:
            found = [w if w == "\n" else w.strip("_") for w in found]
            found = [w for w in found if w]
        found.append("\n")
        flat = _lowered("\n".join(w for w in found if w != "\n"), config).encode("utf-8", "surrogateescape")
        lines = flat.split(b"\n") if flat else []
        at = len(words)
        words += lines
        for w in found:
            if w == "\n":
                ends.append(at)
            else:
                at += 1
        return
    # NFKC turns some characters into spaces
    split = str.split if config.whitespace == "unicode" else _split_ascii
    for line in _lowered(text, config).split("\n"):
        parts = split(line) if config.normalize == "nfkc" else [line]
        words += [part.encode("utf-8", "surrogateescape") for part in parts]
        ends.append(len(words))


def _split_ascii(text: str) -> list[str]:
    return [part for part in ASCII_SPACE.split(text) if part]


@cache
def _word_or_newline() -> re.Pattern[str]:
    marks = _ranges(c for c in range(sys.maxunicode + 1) if unicodedata.category(chr(c))[0] == "M")
    letter = rf"\w{marks}\udc80-\udcff"
    inner = "['’ʼ＇\\-‐‑·‧\u200c\u200d\u05f3\u05f4\u055a-\u055c\u055e\u00ad\u180e]"
    one = r"[^\W\d_]"
    return re.compile(
        rf"\n|(?<![{letter}]){one}(?:\.{one})+(?![{letter}])"
        rf"|[{marks}_]*[^\W_{marks}][{letter}]*(?:(?:{inner}|(?<=\d)[.,٫٬](?=\d))[{letter}]+)*(?:(?<=\u0d4d)\u200d)?"
        rf"|[{marks}_]*[\udc80-\udcff][{letter}]*(?:{inner}[{letter}]+)*"
    )


def _ranges(codes: Iterable[int]) -> str:
    """A regular expression's character ranges for rising code points."""
    runs: list[list[int]] = []
    for c in codes:
        if runs and c == runs[-1][1] + 1:
            runs[-1][1] = c
        else:
            runs.append([c, c])
    return "".join(f"\\U{a:08x}-\\U{b:08x}" for a, b in runs)
