"""The words of formats that hold numbers alone: a file of their own, a word a line, in the order of the rows."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from w2v.errors import VectorsError
from w2v.vectors._words import WordTable

if TYPE_CHECKING:
    from w2v.vectors.formats.source import Source

__all__ = ["LINE_ENDS", "line_words", "name_of", "place_of", "read_words", "split_words"]

PACKED = (".gz", ".bz2", ".xz", ".zst")
LABELS = (b"word", b"words", b"label", b"name", b"token")  # columns of a projector's metadata that hold the word
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
        into = f"a word a line, into {place}" if place else "into a file, a word a line"
        raise VectorsError(
            f"{source.name}: holds numbers without words; put the words {into}, or name their file "
            "(w2v convert --in-words FILE, w2v.load(..., words=FILE))"
        )
    return place


def read_words(
    source: Source, words_beside: Callable[[str], str], given: str | os.PathLike[str] | None, rows: int,
    labels: bool = False,
) -> WordTable:
    """The words of a file's rows: from each line of their file what comes before a tab (`word<TAB>count`).

    With `labels`, several columns have a first line that names them, as the embedding projector asks for; the word is
    in the column named word, label, name or token, else in the first. VectorsError if the file is not there or holds
    another number of words, OSError if it cannot be opened.
    """
    path = place_of(source, words_beside, given)
    name = os.fspath(path)
    words = line_words(path, labels)
    if len(words) < rows:
        raise VectorsError(
            f"{name}: line {len(words) + 1}: the file ends, but {rows:,} rows of numbers need a word each; "
            "is it the words of another file?"
        )
    del words[rows:]
    if b"" in words:
        raise VectorsError(f"{name}: line {words.index(b'') + 1}: there is no word; every row of numbers needs one")
    return WordTable(words)


def line_words(path: str | os.PathLike[str], labels: bool = False) -> list[bytes]:
    """As `read_words`, the words of all lines, whatever they are; a line without one gives b""."""
    from w2v.files import UTF8_BOM, open_by_content

    with open_by_content(path, VectorsError) as file:
        data = file.read()
    lines = data.removeprefix(UTF8_BOM).split(b"\n")
    if not lines[-1]:
        lines.pop()
    column = 0
    if labels and lines and b"\t" in lines[0]:
        names = [field.strip().lower() for field in lines.pop(0).split(b"\t")]
        column = next((names.index(label) for label in LABELS if label in names), 0)
    fields = (line.removesuffix(b"\r").split(b"\t") for line in lines)
    return [parts[column] if column < len(parts) else b"" for parts in fields]


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
