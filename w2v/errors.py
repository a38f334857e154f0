"""What can go wrong, as exceptions. The core raises these or lets OSError pass; it never prints and never exits.

Each message is one line that names the thing, the place, what was found and what to do:
``corpus.txt: no word occurs 5 times (most frequent: "the", 3); try min_count=1``. Settings in it are written with
`setting`, and a reader of the command line sees ``try --min-count 1``.
"""

from __future__ import annotations

import json
import os
import re
import warnings
from collections.abc import Callable
from typing import Any

__all__ = [
    "CheckpointError",
    "CorpusError",
    "Message",
    "SettingsError",
    "ThreadError",
    "TrainingError",
    "UnknownWordError",
    "VectorsError",
    "W2VError",
    "os_error_text",
    "printable",
    "reason",
    "render",
    "setting",
    "short_path",
    "shortened",
    "warn",
]

SHOWN = 100  # characters
LONGEST_PATH = 4096  # bytes that Linux takes


def os_error_text(error: OSError) -> str:
    """PATH: what the system says."""
    text = error.strerror or str(error) or type(error).__name__
    if isinstance(error, IsADirectoryError):
        text = "is a directory; give a file"
    name = error.filename
    if name is None or isinstance(name, int):
        return text
    return f"{short_path(os.fsdecode(name))}: {text}"


def short_path(path: str) -> str:
    """A path that no system takes, without its middle; any other as it is."""
    return path if len(path) <= LONGEST_PATH else f"{path[:SHOWN]}...{path[-SHOWN:]}"


def reason(error: BaseException) -> str:
    """An error as a part of another one's text."""
    if isinstance(error, OSError):
        return os_error_text(error)
    return str(getattr(error.args[0], "marked", error)) if error.args else str(error)


def shortened(text: str) -> str:
    """As much of a text as belongs in an error."""
    return text if len(text) <= SHOWN else text[:SHOWN] + "..."


# Lone high surrogates: no decoder of text makes them, so that no word of a file can be taken for a setting.
SETTING = re.compile("\ud800([a-z0-9_]+)(?:\ud801([^\ud802]*))?\ud802")
BROKEN_SETTING = re.compile("[\ud800-\ud802]")  # of a message that was cut short


def setting(name: str, value: object = None) -> str:
    """A setting in the text of a W2VError or a Message: `min_count`, or with a value `min_count=1`.

    `render` shows it in another way, as the command line does: `--min-count 1`.
    """
    shown = "" if value is None else f"\ud801{json.dumps(value, default=lambda number: number.item())}"
    return f"\ud800{name}{shown}\ud802"


def render(text: str, style: Callable[[str, Any], str]) -> str:
    """The text with each of its settings as `style(name, value)` writes it; the value is None where there is none."""

    def shown(found: re.Match[str]) -> str:
        try:
            return style(found[1], None if found[2] is None else json.loads(found[2]))
        except ValueError:  # JSON of a hostile file can hold surrogates
            return found[1]

    return BROKEN_SETTING.sub("", SETTING.sub(shown, getattr(text, "marked", text)))


def keyword(name: str, value: Any) -> str:
    """As a Python program writes a setting."""
    return name if value is None else f"{name}={value!r}"


JOINERS = "\u200c\u200d"  # of Persian and Indic words and of emoji: they change how their neighbours look


def printable(text: str) -> str:
    """The text with what a terminal would not print, or obey, as escapes; a setting in it stays.

    A byte that is not UTF-8 becomes `\\xe9`, a line break `\\n`.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in JOINERS or BROKEN_SETTING.match(c) else escaped(c) for c in text)


def escaped(c: str) -> str:
    if "\udc80" <= c <= "\udcff":  # a byte, as surrogateescape decodes it
        return f"\\x{ord(c) - 0xDC00:02x}"
    return c.encode("unicode_escape").decode()


class Message(str):
    """Text that may name settings: it reads as Python writes them, and `render` can show them in another way."""

    marked: str

    def __new__(cls, text: str) -> Message:
        self = super().__new__(cls, render(text, keyword))
        self.marked = getattr(text, "marked", text)
        return self


def warn(text: str) -> None:
    """A Python warning: what who calls w2v as a library has to know beside the result."""
    warnings.warn(Message(text), RuntimeWarning, stacklevel=3)


class W2VError(Exception):
    """Base of every error that w2v raises on purpose; `exit_code` is what the command line ends with."""

    exit_code = 1

    def __init__(self, text: str = "", *more: object):
        super().__init__(Message(text), *more)


class SettingsError(W2VError, ValueError):
    """A setting is out of range, or two settings contradict each other."""

    exit_code = 2


class CorpusError(W2VError):
    """The corpus cannot be read, or holds nothing to train on."""


class VectorsError(W2VError):
    """A vector file is damaged, truncated, hostile, or of a format that is not supported."""


class TrainingError(W2VError):
    """Training cannot start or continue: not enough memory or disk, divergence, a worker's failure."""


class ThreadError(W2VError):
    """The system refuses to start a thread."""


class CheckpointError(TrainingError):
    """A checkpoint is damaged, or belongs to another run."""


class UnknownWordError(W2VError, KeyError):
    """A word that is not among the vectors; `suggestions` holds close spellings, best first."""

    def __init__(self, word: str, suggestions: tuple[str, ...] = ()):
        self.word = word
        self.suggestions = tuple(suggestions)
        hint = f"; did you mean {', '.join(self.suggestions)}?" if self.suggestions else ""
        if any(_looks_like(word, other) for other in self.suggestions):
            hint += " (the same letters in another Unicode normal form)"
        super().__init__(f'"{shortened(word)}" is not in the vocabulary{hint}')

    def __str__(self) -> str:  # KeyError would show the repr
        return str(self.args[0])

    def __reduce__(self) -> tuple[type[UnknownWordError], tuple[str, tuple[str, ...]]]:
        return UnknownWordError, (self.word, self.suggestions)


def _looks_like(word: str, other: str) -> bool:
    import unicodedata

    return not word.isascii() and unicodedata.normalize("NFC", word) == unicodedata.normalize("NFC", other)
