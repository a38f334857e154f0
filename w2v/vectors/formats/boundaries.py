"""Rows of a word2vec binary file that begin too early, because a word holds a space.

The reader of such a file ends a word at the first space. `New York` is then the word `New`, and its numbers begin with
the bytes of `York `; the bytes that are left over go before the next word. From there on the file is read correctly
again, so that only one row's numbers, out of all proportion, and one word, in most cases no text, give it away.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from w2v.corpus._words import WordTable
from w2v.vectors.formats.source import CONTROL

if TYPE_CHECKING:
    from numpy.typing import NDArray


__all__ = ["FAR", "LONGEST", "LostBoundary", "boundary_before", "far_rows", "is_large", "lost_boundary", "usual_size"]

SAMPLE = 101  # rows whose largest numbers say what is usual
FAR = 1e4  # times the usual, and more: out of proportion
TINY = 1e-9
LONGEST = 256  # bytes of a word that may be taken for numbers
MOST = 10_000  # words that are no text and are looked at; a file in another encoding has many


class LostBoundary(NamedTuple):
    """`row`, whose word is really `word` and whose numbers are `numbers`; the next row's word is `following`.

    Where that is empty nothing is known but that both rows are wrong."""

    row: int
    word: bytes
    numbers: NDArray[np.float32]
    following: bytes


def lost_boundary(
    words: WordTable, row_of: Callable[[int], Any], far: Iterable[int] = (), rest: bytes = b""
) -> LostBoundary | None:
    """The first such row, sought before words that are no text, at the rows `far`, whose numbers are out of proportion,
    and at the last row, if few bytes, `rest`, are left behind it. `row_of` gives a row's D numbers, as NumPy takes
    them."""
    usual = 0.0
    for place in itertools.chain(_not_text(words), (row + 1 for row in far), [len(words)] if rest else []):
        usual = usual or usual_of(len(words), row_of)
        numbers = np.asarray(row_of(place - 1), np.float32)
        after = words[place] if place < len(words) else rest + b"x"
        found = boundary_before(place - 1, words[place - 1], numbers, after, usual)
        if found is not None and found.following and (place < len(words) or found.following == b"x"):
            return found
    return None


def _not_text(words: WordTable) -> Iterator[int]:
    place = words.first_not_text(1)
    for _ in range(MOST):
        if place < 0:
            return
        yield place
        place = words.first_not_text(place + 1)


def far_rows(matrix: NDArray[np.float32], usual: float) -> list[int]:
    """Rows with a number out of proportion."""
    with np.errstate(invalid="ignore"):
        sizes = np.abs(matrix.astype(np.float64))
        far = ~(sizes <= FAR * usual) | ((sizes > 0) & (sizes < TINY * usual))
    return np.flatnonzero(far.any(axis=1)).tolist()


def is_large(numbers: NDArray[np.float32], usual: float) -> bool:
    """Whether a row that is out of proportion is so by a number that is large, or not finite; else by a tiny one."""
    return not float(np.abs(numbers).max()) <= FAR * usual


def usual_of(rows: int, row_of: Callable[[int], Any]) -> float:
    """`usual_size` of a sample of the rows."""
    sample = np.linspace(0, rows - 1, min(rows, SAMPLE)).astype(int).tolist()
    return usual_size(np.array([row_of(row) for row in sample], np.float32))


def usual_size(matrix: NDArray[np.float32]) -> float:
    """The median of the rows' largest numbers."""
    with np.errstate(invalid="ignore"):  # a NaN that signals
        largest = np.abs(matrix).max(axis=1).astype(np.float64)
    finite = largest[np.isfinite(largest)]
    return float(np.median(finite)) if len(finite) and np.median(finite) > 0 else 1.0


def boundary_before(
    row: int, word: bytes, numbers: NDArray[np.float32], next_word: bytes, usual: float
) -> LostBoundary | None:
    """The row as it was meant, if it ended too early and the next word holds the rest of its numbers. The row as it is
    with nothing following, if its numbers are out of proportion and begin with text or the next word is no text, but
    do not fit together; or if they do, but its numbers may be its own too.
    """
    far = bool(far_rows(numbers[None], usual))
    if not far and is_text(next_word):
        return None
    data = numbers.astype("<f4").tobytes()
    ends = [end for end in range(1, min(len(data), LONGEST)) if data[end] == 0x20 and is_text(data[:end])]
    for end in ends:
        for after in (next_word, b"\n" + next_word):  # a newline before a word is skipped by the reader
            following = after[end + 1 :].lstrip(b"\n")
            whole = np.frombuffer(data[end + 1 :] + after[: end + 1], np.uint8)
            if len(whole) == len(data) and following and is_text(following):
                values = whole.view("<f4")
                if not far_rows(values[None], usual):
                    meant = (word + b" " + data[:end], values, following) if far else (word, numbers, b"")
                    return LostBoundary(row, *meant)
    if not far:
        return None
    odd = not is_text(next_word) if is_large(numbers, usual) else CONTROL.search(next_word) is not None
    return LostBoundary(row, word, numbers, b"") if odd or ends or is_text(data) else None


def is_text(word: bytes) -> bool:
    """Whether a word is UTF-8 without control characters."""
    return WordTable([word]).first_not_text() < 0
