"""Lists of words: words, words with groups, pairs of words; one a line, UTF-8 or other bytes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TypeVar

from w2v import files
from w2v.errors import W2VError

__all__ = ["read_groups", "read_pairs", "read_words"]

LONGEST_LINE = 1 << 16  # bytes

Path = str | os.PathLike[str]


def read_words(path: Path) -> list[str]:
    """The words of a file, each once, in order. What follows a tab is left out, so that a vocabulary will do too."""
    words = list(dict.fromkeys(line.split("\t")[0].strip(" ") for _, line in lines_of(path)))
    return some(words, path, "give one word per line")


def read_groups(path: Path, what: str = "group") -> dict[str, str]:
    """word -> group, or another thing that it has one of, from lines of word, tab, group."""
    groups: dict[str, str] = {}
    for number, line in lines_of(path):
        word, _, group = (part.strip(" ") for part in line.partition("\t"))
        if not word or not group or "\t" in group:
            raise W2VError(f'{os.fspath(path)}:{number}: "{short(line)}" is not a word, a tab and its {what}')
        if groups.setdefault(word, group) != group:
            raise W2VError(
                f'{os.fspath(path)}:{number}: "{short(word)}" has two {what}s, {short(groups[word])} and '
                f"{short(group)}; leave one out"
            )
    return some(groups, path, f"give lines of word, tab, {what}")


def read_pairs(path: Path) -> list[tuple[str, str]]:
    """(from, to), each once, from lines of two words with a tab between them, or with spaces where there is no tab;
    what follows a second tab is left out."""
    pairs: dict[tuple[str, str], None] = {}
    for number, line in lines_of(path):
        if "\t" in line:
            fields = [field.strip(" ") for field in line.split("\t")[:2]]
        else:
            fields = [field for field in line.split(" ") if field]
        if len(fields) != 2 or not all(fields):
            raise W2VError(f'{os.fspath(path)}:{number}: "{short(line)}" is not two words with a tab between them')
        pairs[fields[0], fields[1]] = None
    return some(list(pairs), path, "give lines of two words with a tab between them")


def lines_of(path: Path) -> Iterator[tuple[int, str]]:
    """(number, text) of every line that is not empty."""
    for number, line in files.lines_of(path, longest=LONGEST_LINE):
        if line.strip():
            yield number, line.decode("utf-8", "surrogateescape")


Found = TypeVar("Found", list[str], dict[str, str], list[tuple[str, str]])


def some(found: Found, path: Path, hint: str) -> Found:
    if not found:
        raise W2VError(f"{os.fspath(path)}: the file holds no words; {hint}")
    return found


def short(text: str, most: int = 60) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
