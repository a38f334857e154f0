"""Rows of a word2vec binary file that begin too early, because a word holds a space.

The reader of such a file ends a word at the first space. `New York` is then the word `New`, and its numbers begin with
the bytes of `York `; the bytes that are left over go before the next word. From there on the file is read correctly
again, so that only one row's numbers, out of all proportion, and one word that is not text give it away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from w2v.vectors._words import WordTable

if TYPE_CHECKING:
    from numpy.typing import NDArray


__all__ = ["LostBoundary", "lost_boundaries"]

SAMPLE = 101  # rows whose largest numbers say what is usual
FAR = 1e4  # times the usual, and more: out of proportion
TINY = 1e-9
LONGEST = 256  # bytes of a word that may be taken for numbers
MOST = 10_000  # words that are no text and are looked at; a file in another encoding has many


class LostBoundary(NamedTuple):
    """`row`, whose word is really `word` and whose numbers are `numbers`; the next row's word is `following`."""

    row: int
    word: bytes
    numbers: NDArray[np.float32]
    following: bytes


def lost_boundaries(words: WordTable, row_of: Callable[[int], Any]) -> Iterator[LostBoundary]:
    """Those of a file's rows, in order; `row_of` gives the D numbers of a row, as NumPy takes them."""
    usual = 0.0
    place = words.first_not_text(1)
    for _ in range(MOST):
        if place < 0:
            return
        usual = usual or usual_size(len(words), row_of)
        found = boundary_before(words, place, np.asarray(row_of(place - 1), np.float32), usual)
        if found is not None:
            yield found
        place = words.first_not_text(place + 1)


def usual_size(rows: int, row_of: Callable[[int], Any]) -> float:
    """The median of the rows' largest numbers."""
    sample = np.linspace(0, rows - 1, min(rows, SAMPLE)).astype(int).tolist()
    largest = np.array([np.abs(np.asarray(row_of(row), np.float32)).max() for row in sample])
    finite = largest[np.isfinite(largest)]
    return float(np.median(finite)) if len(finite) and np.median(finite) > 0 else 1.0


def boundary_before(words: WordTable, place: int, numbers: NDArray[np.float32], usual: float) -> LostBoundary | None:
    """The row before `place`, if it began too early and the word at `place` holds the rest of its numbers."""
    if not out_of_proportion(numbers, usual):
        return None
    data = numbers.astype("<f4").tobytes()
    for end in range(1, min(len(data), LONGEST)):
        if data[end] != 0x20 or not is_text(data[:end]):
            continue
        for after in (words[place], b"\n" + words[place]):  # a newline before a word is skipped by the reader
            following = after[end + 1 :].lstrip(b"\n")
            whole = np.frombuffer(data[end + 1 :] + after[: end + 1], np.uint8)
            if len(whole) == len(data) and following and is_text(following):
                values = whole.view("<f4")
                if not out_of_proportion(values, usual):
                    return LostBoundary(place - 1, words[place - 1] + b" " + data[:end], values, following)
    return None


def out_of_proportion(numbers: NDArray[np.float32], usual: float) -> bool:
    sizes = np.abs(numbers.astype(np.float64))
    return bool(np.any(~(sizes <= FAR * usual)) or np.any((sizes > 0) & (sizes < TINY * usual)))


def is_text(word: bytes) -> bool:
    """Whether a word is UTF-8 without control characters."""
    return WordTable([word]).first_not_text() < 0
