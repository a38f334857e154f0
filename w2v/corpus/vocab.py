"""The words that are trained, with their counts (prune, sort, save, load), and where each token of the text went."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np

from w2v.corpus._encode import LONGEST_TOKEN
from w2v.corpus._rank import rank
from w2v.corpus._words import WordTable
from w2v.errors import CorpusError
from w2v.files import open_by_content
from w2v.output import AtomicOutput, Sink

if TYPE_CHECKING:
    from io import BufferedReader

    from numpy.typing import NDArray

__all__ = ["TokenCounts", "Vocab"]

LONGEST_LINE = LONGEST_TOKEN + 32
LARGEST_COUNT = 2**62
MOST_WORDS = 2**31 - 1
LINES = 1 << 16  # written together
SHOWN = 30  # bytes of a line that an error shows


class Vocab:
    """Words in falling frequency; equal counts in ascending order of their bytes.

    words: V distinct byte strings, none empty, none with ASCII white space or NUL, as a table that is used as a list
    is. counts: int64 [V].
    """

    def __init__(self, words: Iterable[bytes], counts: NDArray[np.int64]):
        self.words = words if isinstance(words, WordTable) else WordTable(words)
        self.counts = np.ascontiguousarray(counts, np.int64)
        if len(self.words) != len(self.counts):
            raise ValueError("as many counts as words are needed")

    @classmethod
    def sorted(cls, words: Iterable[bytes], counts: NDArray[np.int64]) -> Vocab:
        """A vocabulary of distinct words given in any order."""
        given = cls(words, counts)
        order = rank(given.words, given.counts)
        return cls(given.words.take(order.astype(np.int64)), given.counts[order])

    def __len__(self) -> int:
        return len(self.words)

    def __repr__(self) -> str:
        return f"<Vocab of {len(self)} words, {self.total} tokens>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocab) and self.words == other.words and np.array_equal(self.counts, other.counts)

    __hash__ = None  # type: ignore[assignment]

    @property
    def total(self) -> int:
        """Sum of the counts."""
        return int(self.counts.sum())

    def index(self, word: bytes | str) -> int | None:
        """The word's row, None if it is not there."""
        if isinstance(word, str):
            try:
                word = word.encode("utf-8", "surrogateescape")
            except UnicodeEncodeError:
                return None
        row = self.words.find(word)
        return row if row >= 0 else None

    def rows(self, words: Iterable[bytes]) -> NDArray[np.int32]:
        """Each word's row, -1 where it is not there. int32 [len(words)]."""
        table = words if isinstance(words, WordTable) else WordTable(words)
        rows = np.empty(len(table), np.int32)
        self.words.find_all(table, rows)
        return rows

    def pruned(self, min_count: int = 1, max_vocab: int | None = None) -> Vocab:
        """The words that occur at least `min_count` times, at most `max_vocab` of them."""
        size = int(np.searchsorted(-self.counts, -min_count, side="right"))
        size = size if max_vocab is None else min(size, max_vocab)
        return self if size == len(self) else Vocab(self.words[:size], self.counts[:size])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write `word<TAB>count` lines, the most frequent first, in one step."""
        with AtomicOutput(path) as out:
            self.write(out)

    def write(self, out: Sink) -> None:
        """Write the lines into an open output."""
        for start in range(0, len(self), LINES):
            out.write(self.words.lines(self.counts, start, min(start + LINES, len(self))))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Vocab:
        """Read `word<TAB>count` lines, or `word count` as the original's -save-vocab writes, in any order.

        The original's first line, the `</s>` that stands for the end of a sentence there, is left out. Raises
        CorpusError with the line for anything else that is wrong.
        """
        name, counts, number = os.fspath(path), array("q"), 0

        def words(file: BufferedReader) -> Iterator[bytes]:
            nonlocal number
            while line := file.readline(LONGEST_LINE + 1):
                number += 1
                word, count, tab = _parse_line(line, f"{name}:{number}")
                if number == 1 and word == b"</s>" and not tab:
                    continue
                if count < 1:
                    raise CorpusError(f"{name}:{number}: count {count} is not positive")
                if len(counts) == MOST_WORDS:
                    raise CorpusError(f"{name}:{number}: more than {MOST_WORDS} words")
                counts.append(count)
                yield word

        with open_by_content(path, CorpusError) as file:
            table = WordTable(words(file))
        if not len(table):
            raise CorpusError(f"{name}: no words in it; each line is a word, a tab and its count")
        for row in table.repeats():
            raise CorpusError(f"{name}:{row + number - len(table) + 1}: the word {_show(table[row])} occurs twice")
        if sum(counts) > LARGEST_COUNT:
            raise CorpusError(f"{name}: the counts add up to more than {LARGEST_COUNT}")
        return cls.sorted(table, np.frombuffer(counts, np.int64))


def _parse_line(line: bytes, place: str) -> tuple[bytes, int, bool]:
    """(word, count, whether a tab stood between them)."""
    if len(line) > LONGEST_LINE:
        raise CorpusError(f"{place}: the line is longer than {LONGEST_LINE} bytes; each is a word, a tab and its count")
    text = line.rstrip(b"\r\n")
    tab = b"\t" in text
    word, _, count = text.rpartition(b"\t" if tab else b" ")
    if not word:
        raise CorpusError(f"{place}: {_show(text)} is not a word, a tab and its count")
    if not count.isdigit():
        found = f"the count {_show(count)} is not a whole number"
        raise CorpusError(f"{place}: {found}; each line is a word, a tab and its count")
    if len(count) > 19 or int(count) > LARGEST_COUNT:
        raise CorpusError(f"{place}: the count {_show(count)} is not a whole number up to {LARGEST_COUNT}")
    if len(word) > LONGEST_TOKEN:
        raise CorpusError(f"{place}: the word is longer than {LONGEST_TOKEN} bytes")
    if any(c in word for c in b" \t\r\0"):
        raise CorpusError(f"{place}: the word {_show(word)} holds white space")
    return word, int(count), tab


def _show(text: bytes) -> str:
    return '"' + text[:SHOWN].decode("utf-8", "backslashreplace") + ('..."' if len(text) > SHOWN else '"')


@dataclass
class TokenCounts:
    """Where each token of the text went. A spelling in which the tokenizer finds several words counts once for each."""

    read: int = 0
    kept: int = 0
    below_min_count: int = 0
    beyond_max_vocab: int = 0
    not_in_vocab: int = 0  # of a vocabulary that was given
    too_long: int = 0  # more than 1,024 bytes
    no_word: int = 0  # spellings in which the tokenizer finds none
    joined: int = 0  # to the token before them, as phrases
    sentences: int = 0  # as trained: not empty, long ones in parts
    cut_sentences: int = 0  # longer than 10,000 kept tokens, and cut there
    nul_bytes: int = 0
    bytes_read: int = 0  # of the files, compressed or not
    text_bytes: int = 0  # after decompression
    types_read: int = 0  # distinct words before any were dropped
    files: int = 0
    not_utf8: int = 0  # of those kept

    def unmapped(self) -> TokenCounts:
        """The same, but for what is counted anew when the ids are mapped to another vocabulary."""
        return replace(self, kept=0, sentences=0, cut_sentences=0, not_utf8=0)

    def dropped(self) -> int:
        """Tokens read and not kept as tokens of their own."""
        return (
            self.below_min_count
            + self.beyond_max_vocab
            + self.not_in_vocab
            + self.too_long
            + self.no_word
            + self.joined
        )

    def check(self) -> None:
        """Raise ValueError unless read == kept + dropped and nothing is negative."""
        if self.read != self.kept + self.dropped() or any(getattr(self, f.name) < 0 for f in fields(self)):
            raise ValueError(f"the token counts do not add up: {self}")
