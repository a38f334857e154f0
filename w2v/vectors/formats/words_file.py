"""The words of formats that hold numbers alone: a file of their own, a word a line, in the order of the rows."""

from __future__ import annotations

import os

from w2v.errors import VectorsError
from w2v.vectors._words import WordTable

__all__ = ["companion", "read_words", "split_words", "word_lines", "words_beside"]

PACKED = (".gz", ".bz2", ".xz", ".zst")
LABELS = (b"word", b"words", b"label", b"name", b"token")  # columns of a projector's metadata that hold the word


def companion(path: str | os.PathLike[str], kind: str) -> str:
    """Where the words of `vectors.npy` (kind "npy") or of the projector's `vectors.tsv` ("projector") are."""
    name = os.fspath(path)
    for suffix in PACKED:
        name = name.removesuffix(suffix)
    stem, suffix = os.path.splitext(name)
    if kind == "npy":
        return f"{stem if suffix.lower() == '.npy' else name}.words.txt"
    if name.endswith("_tensor.tsv"):  # as gensim's word2vec2tensor names them
        return f"{name.removesuffix('_tensor.tsv')}_metadata.tsv"
    return f"{stem if suffix.lower() == '.tsv' else name}.metadata.tsv"


def words_beside(path: object, kind: str, given: str | os.PathLike[str] | None, rows: int) -> WordTable:
    """The words of a file's rows, from the file that was named or the one beside it. VectorsError if it is not there
    or holds another number of words, OSError if it cannot be opened."""
    if given is None:
        name = os.fspath(path) if isinstance(path, (str, os.PathLike)) else "-"
        given = companion(name, kind) if name != "-" else None
        if given is None or not os.path.exists(given):
            place = f"a word a line, into {given}" if given else "into a file, a word a line"
            raise VectorsError(
                f"{name}: holds numbers without words; put the words {place}, or name their file "
                "(w2v convert --in-words FILE, w2v.load(..., words=FILE))"
            )
    return read_words(given, rows, kind == "projector")


def read_words(path: str | os.PathLike[str], rows: int, metadata: bool = False) -> WordTable:
    """A word from each line, up to a tab if there is one (`word<TAB>count`); the first `rows` of them.

    With `metadata`, several columns have a first line that names them, as the embedding projector asks for; the word is
    in the column named word, label, name or token, else in the first.
    """
    name = os.fspath(path)
    words = word_lines(path, metadata)
    if len(words) < rows:
        raise VectorsError(
            f"{name}: line {len(words) + 1}: the file ends, but {rows:,} rows of numbers need a word each; "
            "is it the words of another file?"
        )
    del words[rows:]
    if b"" in words:
        raise VectorsError(f"{name}: line {words.index(b'') + 1}: there is no word; every row of numbers needs one")
    return WordTable(words)


def word_lines(path: str | os.PathLike[str], metadata: bool = False) -> list[bytes]:
    """As `read_words`, the words of all lines, whatever they are; a line without one gives b""."""
    from w2v.files import UTF8_BOM, open_by_content

    with open_by_content(path, VectorsError) as file:
        data = file.read()
    lines = data.removeprefix(UTF8_BOM).split(b"\n")
    if not lines[-1]:
        lines.pop()
    column = 0
    if metadata and lines and b"\t" in lines[0]:
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
