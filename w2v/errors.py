"""What can go wrong, as exceptions. The core raises these or lets OSError pass; it never prints and never exits.

Each message is one line that names the thing, the place, what was found and what to do:
``corpus.txt: no word occurs 5 times (most frequent: "the", 3); try --min-count 1``.
"""

from __future__ import annotations

__all__ = [
    "CheckpointError",
    "CorpusError",
    "SettingsError",
    "ThreadError",
    "TrainingError",
    "UnknownWordError",
    "VectorsError",
    "W2VError",
    "shortened",
]

SHOWN = 100  # characters


def shortened(text: str) -> str:
    """As much of a text as belongs in an error."""
    return text if len(text) <= SHOWN else text[:SHOWN] + "..."


class W2VError(Exception):
    """Base of every error that w2v raises on purpose; `exit_code` is what the command line ends with."""

    exit_code = 1


class SettingsError(W2VError, ValueError):
    """A setting is out of range, or two settings contradict each other."""

    exit_code = 2


class CorpusError(W2VError):
    """The corpus cannot be read, or holds nothing to train on."""


class VectorsError(W2VError):
    """A vector file is damaged, truncated, hostile, or of a format that is not supported."""


class TrainingError(W2VError):
    """Training cannot start or go on: not enough memory or disk, divergence, a worker's failure."""


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
        return self.args[0]


def _looks_like(word: str, other: str) -> bool:
    import unicodedata

    return not word.isascii() and unicodedata.normalize("NFC", word) == unicodedata.normalize("NFC", other)
