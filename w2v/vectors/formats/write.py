"""Vector files written, in the format that a name or the user says."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO

from w2v.errors import SettingsError, VectorsError, W2VError, setting
from w2v.output import AtomicOutput, OutputSet
from w2v.vectors.formats.format import FORMATS, Format, writable
from w2v.vectors.formats.row_writer import RowWriter
from w2v.vectors.formats.rows import Rows, show_word
from w2v.vectors.formats.source import MAX_DIM

if TYPE_CHECKING:
    from w2v.corpus._words import WordTable

__all__ = ["check_numbers", "check_whole_model", "check_words", "format_of", "outputs_of", "save"]

Target = str | os.PathLike[str] | AtomicOutput | BinaryIO


def format_of(
    path: str | os.PathLike[str], format: str | None = None, words: object = None, folders: bool = False
) -> Format:
    """The format that is asked for, or the one that the name's suffix stands for; "bin" for standard output.

    SettingsError if there is none, if it is a folder without `folders`, or if it needs a second file for the words and
    has none (`words`).
    """
    name = os.fspath(path)
    suffixes = {suffix: record.name for record in FORMATS.values() for suffix in record.suffixes}
    if format is not None:
        found = suffixes.get(f".{format}", format)
        if found not in writable(folders):
            raise SettingsError(f"{setting('format')}: {format!r} is not one of {', '.join(writable(folders))}")
    elif name == "-":
        found = "bin"
    else:
        suffix = os.path.splitext(name.lower().removesuffix(".gz"))[1]
        if os.path.isdir(name):
            raise W2VError(f"{name}: is a directory; give the name of a file")
        if suffix not in suffixes:
            ends = ", ".join(" or ".join(record.suffixes) for record in FORMATS.values() if record.suffixes)
            raise SettingsError(
                f"{name}: cannot tell the format from this name; end it in {ends} (and .gz), or give "
                f"{setting('format')}"
            )
        found = suffixes[suffix]
    record = FORMATS[found]
    if record.needs is not None:  # before any work
        record.needs()
    if record.folder and name == "-":
        raise SettingsError(f"-: {found} is a folder; give its name")
    if record.words_beside is not None and name == "-" and words is None:
        raise SettingsError(
            f"-: {found} needs a second file for the words; name it (w2v convert --out-words FILE, save(words=FILE))"
        )
    return record


def outputs_of(path: str, format: str | None = None, words: str | None = None) -> list[str]:
    """The files that a save writes: the numbers' and, where the format has one, the words'. Raises as `format_of`."""
    beside = format_of(path, format, words).words_beside
    return [path] if beside is None else [path, beside(path) if words is None else words]


def check_whole_model(name: str, record: Format) -> None:
    """SettingsError if the format does not hold the context matrix and counts."""
    if not record.whole_model:
        able = " and ".join(other.name for other in FORMATS.values() if other.whole_model)
        raise SettingsError(f"{name}: {record.name} cannot hold the context matrix and the counts; {able} can")


def check_numbers(record: Format, float16: bool, int8: bool) -> str:
    """What the numbers will be; SettingsError if the format does not hold such."""
    if float16 and int8:
        raise SettingsError(f"{setting('float16', True)} and {setting('int8', True)}: give one of them")
    numbers = "float16" if float16 else "int8" if int8 else "float32"
    if numbers != "float32" and numbers not in record.other_numbers:
        *others, last = (name for name, other in FORMATS.items() if numbers in other.other_numbers)
        able = f"{', '.join(others)} and {last}"
        raise SettingsError(f"{setting(numbers)}: {record.name} holds no {numbers} numbers; {able} do")
    return numbers


def check_int8(record: Format, rows: Rows, with_context: bool) -> None:
    """SettingsError if there is more than the vectors to write, which would not be int8."""
    if record.subwords and (with_context or rows.subwords is not None):
        what = "the context matrix" if with_context else "the rows of n-grams"
        raise SettingsError(
            f"{setting('int8')}: {record.name} holds {what} too, which would not be int8; take {setting('float16')}"
        )


def save(
    rows: Rows,
    path: Target,
    format: str | None = None,
    *,
    no_clobber: bool = False,
    float16: bool = False,
    int8: bool = False,
    words: str | os.PathLike[str] | AtomicOutput | None = None,
    with_context: bool = False,
) -> None:
    """Write rows to a path, or to anything open that has `write`; see Vectors.save. The other parts of their model go
    into the file with `with_context`, if its format can hold them, and into one whose format needs them."""
    opened = None if isinstance(path, (str, os.PathLike)) else path
    if not isinstance(path, (str, os.PathLike)) and not hasattr(path, "write"):
        raise TypeError(f"vectors are saved to a path or an open binary file, not to {type(path).__name__}")
    name = os.fspath(path) if isinstance(path, (str, os.PathLike)) else str(getattr(path, "name", "-"))
    record = format_of(name, format, words, folders=opened is None)
    numbers = check_numbers(record, float16, int8)
    if int8:
        check_int8(record, rows, with_context)
    if with_context:
        check_whole_model(name, record)
    elif not record.needs_model:
        rows = rows._replace(model=None)
    check_words(rows.words, name, record.separators)
    if not 1 <= rows.matrix.shape[1] <= MAX_DIM:
        raise VectorsError(f"{name}: rows of {rows.matrix.shape[1]:,} numbers; files hold 1 to {MAX_DIM:,} a row")
    if not len(rows.words):
        raise VectorsError(f"{name}: there is no word to write; no reader takes a file without rows")
    writer = RowWriter(rows, name, numbers)
    with OutputSet(no_clobber) as files:
        if record.folder:
            os.makedirs(name, exist_ok=True)
            for file, write in record.folder.items():
                write(writer, files.open(os.path.join(name, file)))
            return
        size = record.size(writer.contents) if record.size is not None else None
        out = opened if opened is not None else files.open(name, size=size)
        names = None
        if record.words_beside is not None:
            place = record.words_beside(name) if words is None else words
            names = place if isinstance(place, AtomicOutput) else files.open(place)
        assert record.write is not None
        record.write(writer, out)
        if names is not None:
            for block in writer.word_lines():
                names.write(block)


def check_words(table: WordTable, name: str, separators: bytes) -> None:
    """VectorsError naming the first word that readers could not read back: a second one, one that is empty or holds
    what separates words.

    gensim splits at the space and the newline, the original's fscanf at any ASCII white space; where words are on lines
    of their own, only the tab and the ends of lines are in the way.
    """
    for row in table.repeats()[:1]:
        raise VectorsError(
            f"{name}: row {row + 1}: the word {show_word(table[row])} is already in row {table.find(table[row]) + 1}; "
            "a file of vectors holds each word once"
        )
    row = table.first_with(separators)
    if row >= 0:
        word = table[row]
        what = "is empty" if not word else "holds white space"
        raise VectorsError(
            f"{name}: row {row + 1}: the word {show_word(word)} {what}, which no reader of this format could read "
            "back; rename or drop it (w2v convert --fix renames)"
        )
