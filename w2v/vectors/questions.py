"""Files of analogy questions and of word pairs, told by content."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field

from w2v.errors import VectorsError
from w2v.vectors.formats.source import open_source

__all__ = ["Pairs", "Questions", "read_questions"]

SEPARATORS = ("\t", ",", ";", " ")  # of word pairs, the likeliest first


@dataclass
class Questions:
    """Section -> questions, each of four words; lines that were neither are counted."""

    name: str
    sections: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    malformed: int = 0


@dataclass
class Pairs:
    """(word, word, people's judgement); lines that were not are counted."""

    name: str
    pairs: list[tuple[str, str, float]] = field(default_factory=list)
    malformed: int = 0


def read_questions(path: str | os.PathLike[str]) -> Questions | Pairs:
    """Questions in the questions-words.txt form (`: section`, then four words a line), or pairs (two words and a number
    between tabs or commas, `#` comments, a header line). VectorsError if it is neither.
    """
    with open_source(path) as source:
        parts = []
        while part := source.read(1 << 20):
            parts.append(part)
        name = source.name
    text = b"".join(parts).decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    lines = text.replace("\r\n", "\n").split("\n")
    first = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    if first.startswith(":"):
        return _read_analogies(name, lines)
    separator = max(SEPARATORS, key=lambda s: sum(_pair(line, s) is not None for line in lines[:1000]))
    pairs = [_pair(line, separator) for line in lines if line.strip() and not line.startswith("#")]
    good = [pair for pair in pairs if pair is not None]
    if good:
        # One line that says what the columns are is no mistake.
        return Pairs(name, good, len(pairs) - len(good) - (pairs[0] is None))
    if not first:
        raise VectorsError(f"{name}: no questions in it; each line is four words, or two words and a number")
    number = 1 + lines.index(first)
    raise VectorsError(
        f"{name}:{number}: neither analogy questions (`: section`, then four words a line) nor word pairs (two words "
        f"and a number, between tabs or commas): {first[:60]!r}"
    )


def _read_analogies(name: str, lines: list[str]) -> Questions:
    asked = Questions(name)
    section: list[tuple[str, ...]] = []
    for line in lines:
        words = tuple(line.split())
        if line.startswith(": "):
            section = asked.sections.setdefault(line.lstrip(": ").strip(), [])
        elif len(words) == 4:
            section.append(words)
        elif words:
            asked.malformed += 1
    if not any(asked.sections.values()):
        raise VectorsError(f"{name}: holds no question of four words; is it in the questions-words.txt form?")
    return asked


def _pair(line: str, separator: str) -> tuple[str, str, float] | None:
    fields = line.split(separator) if separator != " " else line.split()
    if len(fields) != 3 or line.startswith("#"):
        return None
    try:
        judged = float(fields[2])
    except ValueError:
        return None
    return (fields[0], fields[1], judged) if math.isfinite(judged) else None
