"""The words of formats that hold numbers alone: a file of their own, one word per line, in the order of the rows."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from itertools import chain, islice, repeat
from typing import TYPE_CHECKING

from w2v.corpus._words import WordTable
from w2v.errors import VectorsError
from w2v.files import lines_of
from w2v.vectors.formats.source import NUMBER

if TYPE_CHECKING:
    import numpy as np

    from w2v.vectors.formats.source import Source

__all__ = [
    "LINE_ENDS",
    "TOKENIZER",
    "name_of",
    "place_of",
    "read_words",
    "split_words",
    "tokenizer_beside",
    "tokenizer_words",
    "words_of_lines",
]

PACKED = (".gz", ".bz2", ".xz", ".zst")
LABELS = (b"word", b"words", b"label", b"name", b"token")  # columns of a projector's metadata that hold the word
WORD_BYTES = 32 << 20
MOST_BLANK = 1000  # lines at the end of a file
TOKENIZER = "tokenizer.json"  # of the tokenizers library, in a folder with a model
TOKENIZER_BYTES, TOKEN_BYTES = 64 << 20, 1024  # of a tokenizer that is read: beside its tokens, and for each
LINE_ENDS = b"\t\n\r"  # what a word cannot hold where it has a line of its own


def name_of(path: str) -> str:
    """A file's name without what says how it is compressed."""
    for suffix in PACKED:
        path = path.removesuffix(suffix)
    return path


def place_of(
    source: Source, words_beside: Callable[[str], str], given: str | os.PathLike[str] | None
) -> str | os.PathLike[str]:
    """The file of the words of a file of numbers: the one that was named, or the one beside it. VectorsError if there
    is none."""
    if given is not None:
        return given
    place = words_beside(source.path) if source.path is not None else None
    if place is None or not os.path.exists(place):
        into = f"into {place}, one per line" if place else "into a file, one per line"
        raise VectorsError(
            f"{source.name}: holds numbers without words; put the words {into}, or name their file "
            "(w2v convert --in-words FILE, w2v.load(..., words=FILE))"
        )
    return place


def read_words(
    source: Source,
    words_beside: Callable[[str], str],
    given: str | os.PathLike[str] | None,
    matrix: np.ndarray,
    total: Callable[[], int],
    labels: bool = False,
) -> WordTable:
    """The words of the rows of `matrix`, the first of `total()`: from each line of their file what comes before a tab
    (`word<TAB>count`), or of several columns the one that a heading names.

    VectorsError if the file is not there or holds another number of words, OSError if it cannot be opened.
    """
    path, rows = place_of(source, words_beside, given), len(matrix)
    name = os.fspath(path)
    listed, heading = words_of_lines(path, total, labels, 4 * matrix.nbytes)
    words = WordTable(islice(listed, rows + 1))
    if len(words) < rows:
        raise VectorsError(
            f"{name}: line {len(words) + heading + 1}: the file ends, but {rows:,} rows of numbers need a word each; "
            "is it the words of another file?"
        )
    if len(words) > rows:
        if rows == total():
            raise VectorsError(
                f"{name}: line {rows + heading + 1}: more words than the {rows:,} rows of numbers; is it the words of "
                "another file, or a line that is no word?"
            )
        words = words.take(range(rows))
    row = words.first_with(b"")
    if row >= 0:
        raise VectorsError(f"{name}: line {row + heading + 1}: there is no word; every row of numbers needs one")
    return words


def words_of_lines(
    path: str | os.PathLike[str], total: Callable[[], int], labels: bool, most: int = 0
) -> tuple[Iterator[bytes], bool]:
    """(the word of each line but a heading, b"" where there is none; whether the first line is a heading).

    It is one if there is one line more than rows and it says `word`, `label` or the like; or, with `labels`, if there
    are several columns, as the projector asks for. Whatever the number of lines, it is one if it names the column of
    words, and another above numbers. Blank lines at the end are none. `most`: bytes that the words may unpack to at any
    rate, since the numbers take as many.
    """
    lines = _without_blank_end(line for _, line in lines_of(path, VectorsError, least=WORD_BYTES + most))
    begun = list(islice(lines, 1))
    names = [field.strip().lower() for line in begun for field in line.split(b"\t")]
    column = next((names.index(label) for label in LABELS if label in names), None)
    heading = False
    if column is not None or (labels and len(names) > 1):
        begun += islice(lines, total() + 1)  # kept, since a pipe is read once
        heading = len(begun) == total() + 1 or (column is not None and _names_numbers(begun[:2]))
    place = (column or 0) if heading else 0
    fields = (line.split(b"\t") for line in chain(begun[heading:], lines))
    return (some[place] if place < len(some) else b"" for some in fields), heading


def _without_blank_end(lines: Iterator[bytes]) -> Iterator[bytes]:
    blank = 0
    for line in lines:
        if line.strip() or blank == MOST_BLANK:
            yield from repeat(b"", blank)
            yield line.strip() and line
            blank = 0
        else:
            blank += 1


def _names_numbers(lines: list[bytes]) -> bool:
    """Whether the first of two lines has a name in a column where the second has a number."""
    pairs = zip(*(line.split(b"\t") for line in lines), strict=False) if len(lines) == 2 else ()
    return any(not NUMBER.fullmatch(above) and NUMBER.fullmatch(below) for above, below in pairs)


def split_words(name: str, data: memoryview, rows: int) -> WordTable:
    """Words from a run of bytes, each ended by a newline. VectorsError unless there are exactly `rows`, none empty."""
    text = bytes(data)
    found = text.count(b"\n")
    if found != rows or (text and not text.endswith(b"\n")):
        raise VectorsError(f"{name}: {rows:,} rows of numbers, but {found:,} words; the file is damaged")
    words = text.split(b"\n")
    words.pop()
    if b"" in words:
        raise VectorsError(f"{name}: row {words.index(b'') + 1}: a word is empty; the file is damaged")
    return WordTable(words)


def tokenizer_beside(path: str | None) -> str | None:
    """The tokenizer beside a file of numbers, where there is one."""
    place = os.path.join(os.path.dirname(path), TOKENIZER) if path is not None else None
    return place if place is not None and os.path.isfile(place) else None


def tokenizer_words(path: str, rows: int) -> tuple[WordTable, list[int]]:
    """(tokens, the rows that they have), without the token that stands for unknown ones. VectorsError unless the file
    is a tokenizer with `rows` tokens at most, each with a row of its own."""
    most = TOKENIZER_BYTES + TOKEN_BYTES * rows
    if os.path.getsize(path) > most:
        raise VectorsError(f"{path}: is larger than {most:,} bytes; is it the tokenizer of {rows:,} rows?")
    try:
        with open(path, "rb") as file:
            model = json.loads(file.read())["model"]
        vocab = model["vocab"]
        if isinstance(vocab, list):  # of the kind Unigram: pairs of token and score
            vocab = {token: row for row, (token, _) in enumerate(vocab)}
            unknown = None if model.get("unk_id") is None else list(vocab)[model["unk_id"]]
        else:
            unknown = model.get("unk_token")
        places = sorted((row, token) for token, row in vocab.items() if token != unknown)
        if any(type(row) is not int or not 0 <= row < rows for row, _ in places) or len(places) < len(vocab) - 1:
            raise ValueError(f"its tokens are not those of {rows:,} rows")
        if len({row for row, _ in places}) < len(places):
            raise ValueError("two tokens have one row")
        return WordTable([token for _, token in places]), [row for row, _ in places]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as wrong:
        raise VectorsError(f"{path}: is no tokenizer of these vectors ({wrong})") from None
