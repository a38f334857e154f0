"""What a vector file is, and what is wrong with it, from one pass over it that no damage stops."""

from __future__ import annotations

import builtins
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np

from w2v.corpus._words import WordTable
from w2v.errors import VectorsError
from w2v.findings import FACT, FAULT, NOTE, Report, Tally
from w2v.vectors._scan import row_norms
from w2v.vectors.formats.load import recognised
from w2v.vectors.formats.rows import LoadOptions, show_word
from w2v.vectors.formats.salvage import Block, Salvage, finite_blocks
from w2v.vectors.formats.source import is_model_folder, open_source
from w2v.vectors.formats.static_embedding import STATIC_EMBEDDING

__all__ = ["FAULTS", "NOTES", "Description", "check_vectors", "describe", "glance", "oddities_of", "plain_spelling"]

# What can be wrong with the rows of a file, in the order in which it is reported: kind -> what it means.
DAMAGE = {
    "packing": "the compressed data is cut off or damaged; get the file again",
    "cut short": "the file ends within a row, or before all rows that its header promises",
    "numbers a row": "the header promises another number of numbers a row than there are",
    "rows past the header": "rows after those that the header promises; most programs do not see them",
    "bytes after the end": "bytes after the last row that are no row",
    "lost bytes": "bytes that are no row, and the rows beside them, which may hold wrong numbers",
    "not finite": "rows with NaN or infinite numbers",
    "wrong length": "rows with too few or too many numbers, or with something else among them",
    "no word": "rows without a word",
    "words missing": "fewer words than rows of numbers",
    "words too many": "more words than rows of numbers",
    "byte order mark": "the file begins with a byte order mark, which most programs take for a part of the first word",
}
# What nobody needs to read the vectors, in a folder with a model.
NEEDED_BY = {"config.json": "model2vec", "modules.json": "sentence-transformers"}
FIRST = 8  # words that a description holds
ZERO = "rows of zeros: words without a vector; their similarity to anything is 0, in some programs NaN"
DUPLICATE = "rows whose word is in an earlier row; programs keep the first, the last, or both"
# What is odd about words, which programs choke on, in the order in which it is reported: kind -> what it means.
FAULTS = {
    "white space": "words with a space, tab, newline or other ASCII white space: word2vec files cannot hold them",
    "unicode space": "words with a no-break space, U+0085, U+2028 or other Unicode white space: programs that split "
    "lines anywhere but at the ASCII space lose the row",
    "control characters": "words with a NUL or another control character",
    "not UTF-8": "words whose bytes are not UTF-8 (cut, or in another encoding): gensim stops at them",
}
NOTES = {
    "sentence end": "</s>, the original's end of a sentence; its vector is of no use",
    "invisible characters": "words with a zero-width or direction character: two words that look the same",
    "replacement character": "words with U+FFFD: the text was damaged when it was decoded, before training",
}
_UTF8 = {
    "unicode space": "[\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]",
    "invisible characters": "[\u00ad\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]",
    "replacement character": "\ufffd",
}
_TEXT = {kind: re.compile(pattern) for kind, pattern in _UTF8.items()}
_ASCII_SPACE = re.compile(rb"[\x09-\x0d\x20]")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")
_ASCII_ODD = re.compile(rb"[\x00-\x09\x0b-\x20\x7f]|</s>")  # the newline stands between words
_TEXT_ODD = re.compile("|".join(_UTF8.values()))


@dataclass
class Description:
    """What a file is: `words` V, `dim` D, `bytes` of the file (None: a pipe), lengths of the rows, what it says."""

    name: str
    format: str
    compression: str | None
    words: int
    dim: int
    bytes: int | None
    dtype: str = "float32"
    norms: tuple[float, float, float] | None = None  # mean, least, greatest
    first: list[builtins.bytes] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    faults: int = 0


class DamagedFile(Salvage):
    """A vector file and its good rows: iterate once over the blocks, then look at `damage`.

    Raises VectorsError at the start for what is no vector file, OSError if it cannot be opened. A context manager.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | BinaryIO,
        format: str | None = None,
        words: str | os.PathLike[str] | None = None,
    ):
        self.path = path
        with ExitStack() as opened:
            super().__init__(opened.enter_context(open_source(path)), words)
            self.format = recognised(self.name, self.source.head, format or model_format(path))
            self.words_beside, self.told = self.format.words_beside, format is not None
            if self.format.shape is not None:
                shape = self.format.shape(self.source)
                self.promised, self.dim, self.dtype = shape.rows, shape.dim, shape.dtype
                self.metadata.update(shape.metadata)
            self._open = opened.pop_all()

    def __enter__(self) -> DamagedFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def __iter__(self) -> Iterator[Block]:
        return self._loaded() if self.format.salvage is None else self.format.salvage(self)

    def _loaded(self) -> Iterator[Block]:
        """Of a format that has no way of its own: all rows, or an error."""
        rows = self.format.load(self.source, LoadOptions(words=self.words_path, lenient=True))
        self.take(rows)
        yield from finite_blocks(self, rows.matrix, [rows.words[row] for row in range(len(rows.words))])


class _Look:
    """What is gathered on the way over the blocks."""

    def __init__(self) -> None:
        self.words: list[bytes] = []
        self.rows: list[np.ndarray] = []
        self.zero = Tally()
        self.odd: dict[str, Tally] = {}
        self.total, self.least, self.greatest = 0.0, np.inf, 0.0

    def take(self, block: Block) -> None:
        self.words += block.words
        self.rows.append(block.rows)
        lengths = np.frombuffer(row_norms(block.values), np.float64)
        self.total += float(lengths.sum())
        self.least, self.greatest = min(self.least, float(lengths.min())), max(self.greatest, float(lengths.max()))
        for place in np.flatnonzero(lengths == 0).tolist():
            self.zero.add(_place(block.rows[place], block.words[place]))
        for place, kind in oddities_of(block.words):
            self.odd.setdefault(kind, Tally()).add(_place(block.rows[place], block.words[place]))

    def duplicates(self) -> Tally:
        """Rows whose word is in an earlier row."""
        table, found = WordTable(self.words), Tally()
        repeats = table.repeats()
        rows = np.concatenate(self.rows) if self.rows else np.empty(0, np.int64)
        for row in repeats:
            first = rows[table.find(self.words[row])] + 1
            found.add(f"{_place(rows[row], self.words[row])} as in row {first}" if len(found.places) < 3 else "")
        return found


def model_format(path: str | os.PathLike[str] | BinaryIO) -> str | None:
    """The name of the format of a folder with a model that sentence-transformers and model2vec load."""
    return None if hasattr(path, "read") or not is_model_folder(path) else STATIC_EMBEDDING.name


def _place(row: int, word: bytes) -> str:
    return f"row {row + 1} {show_word(word)}"


def check_vectors(
    path: str | os.PathLike[str] | BinaryIO, *, format: str | None = None, words: str | os.PathLike[str] | None = None
) -> Report:
    """Everything that is to be said of a vector file. OSError if it cannot be opened; damage is a finding."""
    return _examine(path, format, words)[1]


def describe(
    path: str | os.PathLike[str] | BinaryIO, *, format: str | None = None, words: str | os.PathLike[str] | None = None
) -> Description:
    """What a vector file is, from a pass over its numbers. VectorsError if no row of it can be read."""
    found, report = _examine(path, format, words)
    if found is None:
        fault = report.faults[0]
        raise VectorsError(f"{report.name}: {fault.where + ': ' if fault.where else ''}{fault.meaning}")
    return found


def glance(path: str | os.PathLike[str] | BinaryIO, *, format: str | None = None) -> Description:
    """As `describe`, without lengths, from the file's first bytes where they give the number of rows."""
    with DamagedFile(path, format) as salvage:
        if salvage.promised is not None and salvage.dim is not None:
            return _described(salvage, salvage.promised)
    return describe(path, format=format)


def _described(salvage: DamagedFile, words: int) -> Description:
    size = salvage.source.size
    if size is None and isinstance(salvage.path, (str, os.PathLike)) and os.path.isfile(salvage.path):
        size = os.path.getsize(salvage.path)
    return Description(
        salvage.name,
        salvage.format.title,
        salvage.source.compression,
        words,
        salvage.dim or 0,
        size,
        salvage.dtype,
        settings=salvage.metadata,
    )


def _examine(
    path: str | os.PathLike[str] | BinaryIO, format: str | None, words: str | os.PathLike[str] | None
) -> tuple[Description | None, Report]:
    """(description, None if there is no row; report)."""
    look, name = _Look(), str(getattr(path, "name", "<stream>")) if hasattr(path, "read") else os.fspath(path)
    report = Report("<stdin>" if name == "-" else name, "vectors")
    salvage = None
    error = ""
    try:
        salvage = DamagedFile(path, format, words)
        with salvage:
            for block in salvage:
                look.take(block)
    except VectorsError as caught:
        error = str(caught)
    found = None
    if salvage is not None and look.words:
        found = _described(salvage, len(look.words))
        found.norms = (look.total / len(look.words), look.least, look.greatest)
        found.first = look.words[:FIRST]
        _add_facts(report, found)
    if error:
        report.add(FAULT, "unreadable", 1, "", error.removeprefix(f"{report.name}: "))
    elif not look.words:
        report.add(FAULT, "no rows", 0, "", "no row of the file can be read")
    if salvage is not None:
        _add_findings(report, salvage, look)
        for file, who in NEEDED_BY.items() if salvage.format is STATIC_EMBEDDING else ():
            if not os.path.exists(os.path.join(name, file)):
                report.add(NOTE, "file missing", 1, file, f"{who} finds its settings there")
    if found is not None:
        found.faults = len(report.faults)
    return found, report


def _add_facts(report: Report, found: Description) -> None:
    report.add(FACT, "format", found.format + (f", {found.compression}" if found.compression else ""))
    report.add(FACT, "words", found.words)
    report.add(FACT, "dim", found.dim)
    if found.bytes is not None:
        report.add(FACT, "bytes", found.bytes)
    if found.norms is not None:
        for what, value in zip(("mean norm", "least norm", "greatest norm"), found.norms, strict=True):
            report.add(FACT, what, round(value, 6))


def _add_findings(report: Report, salvage: DamagedFile, look: _Look) -> None:
    for kind, meaning in DAMAGE.items():
        if tally := salvage.damage.get(kind):
            report.add(FAULT, kind, tally.count, tally.where, meaning)
    if look.zero.count:
        report.add(FAULT, "zero rows", look.zero.count, look.zero.where, ZERO)
    if look.words and (repeated := look.duplicates()).count:
        report.add(FAULT, "duplicates", repeated.count, repeated.where, DUPLICATE)
    for level, kinds in ((FAULT, FAULTS), (NOTE, NOTES)):
        for kind, meaning in kinds.items():
            if tally := look.odd.get(kind):
                report.add(level, kind, tally.count, tally.where, meaning)
    lines = salvage.dtype == "text" and salvage.format.words_beside is None
    if lines and look.words and not salvage.last_newline and not report.faults:
        report.add(
            NOTE,
            "no last newline",
            1,
            f"row {salvage.rows}",
            "a text file that does not end in a newline may have been cut within its last number",
        )


def oddities_of(words: Sequence[bytes]) -> list[tuple[int, str]]:
    """(place, kind) of what is odd, for many words at once: one search over all of them where nothing is."""
    joined = b"\n".join(words)
    if not _ASCII_ODD.search(joined) and joined.count(b"\n") == len(words) - 1:
        try:
            if joined.isascii() or not _TEXT_ODD.search(joined.decode()):
                return []
        except UnicodeDecodeError:
            pass
    return [(place, kind) for place, word in enumerate(words) for kind in _kinds(word)]


def _kinds(word: bytes) -> list[str]:
    found = []
    if _ASCII_SPACE.search(word):
        found.append("white space")
    if _CONTROL.search(word):
        found.append("control characters")
    if word == b"</s>":
        found.append("sentence end")
    if not word.isascii():
        try:
            text = word.decode()
        except UnicodeDecodeError:
            found.append("not UTF-8")
            text = word.decode("utf-8", "ignore")
        found += [kind for kind, pattern in _TEXT.items() if pattern.search(text)]
    return found


def plain_spelling(word: bytes) -> bytes:
    """The word with `_` for white space of any kind, without control characters, and with U+FFFD for bytes that are not
    UTF-8; b"" where nothing is left of it."""
    text = _CONTROL.sub(b"", _ASCII_SPACE.sub(b"_", word)).decode("utf-8", "replace")
    text = _TEXT["unicode space"].sub("_", text)
    return text.encode() if text.strip("_") else b""
