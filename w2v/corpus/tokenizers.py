"""From spellings (what stands between white space) to words: called once a distinct spelling, never once a token.

Order: normalise, lower-case, normalise again (lower-casing can undo a composition), then the tokenizer.

`words` finds in raw prose what stands between punctuation, symbols and emoji:

- a word is a run of letters, marks (so Indic vowel signs stay), digits and underscores;
- an apostrophe, hyphen, middle dot or zero-width joiner between two of them stays: don't, l’été, well-known, col·legi;
- a full stop or comma between two digits stays: 3.14, 1,000; so do stops between single letters: U.S.A, e.g;
- quotes, brackets, 。、, dashes and all else separate and are dropped; a word has at least one letter or digit;
- bytes that are not UTF-8 count as letters. Scripts without spaces are split at punctuation only.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from w2v.corpus.settings import CorpusSettings

__all__ = ["Tokenized", "changes_spellings", "tokenize"]

BATCH = 1 << 16  # spellings at a time
ASCII_SPACE = re.compile("[ \t\n\r\0]+")


class Tokenized(NamedTuple):
    """`words[ends[i]:ends[i + 1]]` are the words in spelling i; ends has one item more than there were spellings."""

    words: list[bytes]
    ends: list[int]


def changes_spellings(config: CorpusSettings) -> bool:
    """Whether words can differ from spellings at all."""
    return config.tokenizer != "none" or config.lower or config.normalize != "none"


def tokenize(spellings: list[bytes], config: CorpusSettings) -> Tokenized:
    """The words of each spelling: none, one or several; never empty, never with white space."""
    words: list[bytes] = []
    ends = [0]
    for start in range(0, len(spellings), BATCH):
        # One text with a line a spelling: one call of each function for many spellings.
        text = b"\n".join(spellings[start : start + BATCH]).decode("utf-8", "surrogateescape")
        _tokenize_lines(_fold(text, config), config, words, ends)
    return Tokenized(words, ends)


def _fold(text: str, config: CorpusSettings) -> str:
    if config.normalize != "none":
        text = unicodedata.normalize(config.normalize.upper(), text)
    if config.lower:
        text = text.lower()
        if config.normalize != "none":
            text = unicodedata.normalize(config.normalize.upper(), text)
    return text


def _tokenize_lines(text: str, config: CorpusSettings, words: list[bytes], ends: list[int]) -> None:
    """Appends the words of each line and where they end."""
    if config.tokenizer == "words":
        found = _word_or_newline().findall(text)
        if "_" in text:
            found = [w if w == "\n" else w.strip("_") for w in found]
            found = [w for w in found if w]
        found.append("\n")
        flat = "\n".join(w for w in found if w != "\n").encode("utf-8", "surrogateescape")
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
    for line in text.split("\n"):
        parts = split(line) if config.normalize == "nfkc" else [line]
        words += [part.encode("utf-8", "surrogateescape") for part in parts]
        ends.append(len(words))


def _split_ascii(text: str) -> list[str]:
    return [part for part in ASCII_SPACE.split(text) if part]


@cache
def _word_or_newline() -> re.Pattern[str]:
    marks = _ranges(c for c in range(sys.maxunicode + 1) if unicodedata.category(chr(c))[0] == "M")
    letter = rf"\w{marks}\udc80-\udcff"
    inner = "['’ʼ＇\\-‐‑·‧\u200c\u200d]"
    one = r"[^\W\d_]"
    return re.compile(
        rf"\n|(?<![{letter}]){one}(?:\.{one})+(?![{letter}])"
        rf"|[{marks}_]*[^\W_{marks}][{letter}]*(?:(?:{inner}|(?<=\d)[.,٫٬](?=\d))[{letter}]+)*"
        rf"|[{marks}_]*[\udc80-\udcff][{letter}]*(?:{inner}[{letter}]+)*"
    )


def _ranges(codes) -> str:
    """A regular expression's character ranges for rising code points."""
    runs: list[list[int]] = []
    for c in codes:
        if runs and c == runs[-1][1] + 1:
            runs[-1][1] = c
        else:
            runs.append([c, c])
    return "".join(f"\\U{a:08x}-\\U{b:08x}" for a, b in runs)
