"""Words that programs choke on: what is odd about a word, and the spelling that every program can read."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["FAULTS", "NOTES", "oddities_of", "plain_spelling"]

# In the order in which they are reported: kind -> what it means.
FAULTS = {
    "white space": "words with a space, tab, newline or other ASCII white space: word2vec files cannot hold them",
    "unicode space": "words with a no-break space, U+0085, U+2028 or other Unicode white space: programs that split "
    "lines anywhere but at the ASCII space lose the row",
    "control characters": "words with a NUL or another control character",
    "not UTF-8": "words whose bytes are not UTF-8 (cut, or in another encoding): gensim stops at them",
}
NOTES = {
    "sentence end": "</s>, the original's end of a sentence; its vector is of no use",
    "invisible characters": "words with a zero-width or direction character: two words that look the same",
    "replacement character": "words with U+FFFD: the text was damaged when it was decoded, before training",
}

_UTF8 = {
    "unicode space": "[\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]",
    "invisible characters": "[\u00ad\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]",
    "replacement character": "\ufffd",
}
_TEXT = {kind: re.compile(pattern) for kind, pattern in _UTF8.items()}
_ASCII_SPACE = re.compile(rb"[\x09-\x0d\x20]")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")
_ASCII_ODD = re.compile(rb"[\x00-\x09\x0b-\x20\x7f]|</s>")  # the newline stands between words
_TEXT_ODD = re.compile("|".join(_UTF8.values()))


def oddities_of(words: Sequence[bytes]) -> list[tuple[int, str]]:
    """(place, kind) of what is odd, for many words at once: one search over all of them where nothing is."""
    joined = b"\n".join(words)
    if not _ASCII_ODD.search(joined) and joined.count(b"\n") == len(words) - 1:
        try:
            if joined.isascii() or not _TEXT_ODD.search(joined.decode()):
                return []
        except UnicodeDecodeError:
            pass
    return [(place, kind) for place, word in enumerate(words) for kind in _kinds(word)]


def _kinds(word: bytes) -> list[str]:
    found = []
    if _ASCII_SPACE.search(word):
        found.append("white space")
    if _CONTROL.search(word):
        found.append("control characters")
    if word == b"</s>":
        found.append("sentence end")
    if not word.isascii():
        try:
            text = word.decode()
        except UnicodeDecodeError:
            found.append("not UTF-8")
            text = word.decode("utf-8", "ignore")
        found += [kind for kind, pattern in _TEXT.items() if pattern.search(text)]
    return found


def plain_spelling(word: bytes) -> bytes:
    """The word with `_` for white space of any kind, without control characters, and with U+FFFD for bytes that are not
    UTF-8; b"" where nothing is left of it."""
    text = _CONTROL.sub(b"", _ASCII_SPACE.sub(b"_", word)).decode("utf-8", "replace")
    text = _TEXT["unicode space"].sub("_", text)
    return text.encode() if text.strip("_") else b""
