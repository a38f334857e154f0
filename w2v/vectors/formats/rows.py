"""What the formats share: what a file holds, how many rows to expect, rows from a stream, errors that name the row."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Integral
from typing import TYPE_CHECKING, NamedTuple

from w2v.errors import SettingsError, VectorsError, printable
from w2v.vectors._collect import Collector
from w2v.vectors._scan import BadRow

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from w2v.corpus._words import WordTable
    from w2v.vectors.formats.source import Header, Source
    from w2v.vectors.subwords import Subwords

__all__ = [
    "BETWEEN",
    "MOST_STEPS",
    "STEP",
    "WHITE_SPACE",
    "Contents",
    "LoadOptions",
    "ModelParts",
    "Rows",
    "Shape",
    "collect",
    "row_error",
    "rows_wanted",
    "show_word",
    "trailing_error",
]

BLOCK = 1 << 20
MOST_ROWS = 1 << 62  # of a stream, which may promise more than a 64-bit number holds
BLANK = b"\r\n "  # text files may end in blank lines

BETWEEN = {b"\t": "tabs", b",": "commas", b";": "semicolons", b"|": "bars"}
MENDED = "w2v convert --fix leaves such rows out"
WHAT = {
    "truncated": "the file ends within this row; fetch or write it again, or keep its whole rows: w2v convert --fix",
    "empty word": f"a word is empty; {MENDED}",
    "long word": "no space within 65,536 bytes; the file is damaged, or its header is wrong (w2v convert --fix "
    "keeps the rows that can be read)",
    "newline in word": "a word holds a newline; the file is damaged, or its rows are not as long as its header says "
    "(w2v convert --fix keeps the good rows)",
    "not finite": f"a number is NaN or infinite; the training diverged, or the file is damaged ({MENDED})",
}

WHITE_SPACE = b" \t\n\v\f\r"
MOST_STEPS = 127  # of a number as int8, on either side of 0
STEP = "int8_step"  # what one is, in the metadata of a file


class ModelParts(NamedTuple):
    """What a model has beside its vectors, and predictions need: the matrix of outputs, float32 [V, D], or [V - 1, D]
    for the inner nodes of hierarchical softmax, and how often each word occurred, int64 [V]."""

    outputs: np.ndarray
    counts: np.ndarray


class Rows(NamedTuple):
    """What a file holds: words, float32 [V, D], float64 lengths of the rows [V] where they were taken on the way, what
    the file says of itself, the other parts of a whole model, what makes vectors for words never seen, and how often
    each word occurred, int64 [V]."""

    words: WordTable
    matrix: np.ndarray
    norms: np.ndarray | None = None
    metadata: Mapping[str, str] | None = None
    model: ModelParts | None = None
    subwords: Subwords | None = None
    counts: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Shape:
    """What the start of a file says of the rest; None where it says nothing."""

    rows: int | None = None
    dim: int | None = None
    dtype: str = "float32"  # of the numbers, as people name it
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Contents:
    """What will be in a file: rows, numbers a row, bytes of all words together, what the numbers are."""

    rows: int
    dim: int
    word_bytes: int
    numbers: str = "float32"
    metadata: Mapping[str, str] = field(default_factory=dict)
    outputs: int | None = None  # rows of the other matrix, where it goes into the file too
    ngrams: str = ""  # the characters of n-grams, 3-6; their buckets, the rows of them, the buckets that have rows
    buckets: int = 0
    ngram_rows: int = 0
    used: int = 0  # 0: all

    @property
    def item_bytes(self) -> int:
        return {"float32": 4, "float16": 2, "int8": 1}[self.numbers]


@dataclass(frozen=True)
class LoadOptions:
    """`limit`: only the first rows. `lenient`: rows past the header's count and bytes after the end are ignored.

    `duplicates`: "error", or "first" to keep a word's first row. `threads`: None for the CPUs this process may use.
    `words`: the file with the words of a format that holds numbers alone, where it is not beside the numbers.
    `format`: the name of one, where the content is ambiguous (GloVe text whose first line looks like a header).
    `context`: the other matrix and the counts too, where the file has them.
    """

    limit: int | None = None
    lenient: bool = False
    duplicates: str = "error"
    threads: int | None = None
    words: str | os.PathLike[str] | None = None
    format: str | None = None
    context: bool = False

    def __post_init__(self) -> None:
        if self.duplicates not in ("error", "first"):
            raise SettingsError(f"duplicates: {self.duplicates!r} is neither error nor first")
        if self.limit is not None and (not isinstance(self.limit, Integral) or self.limit < 1):
            raise SettingsError(f"limit: {self.limit!r} is not a whole number of at least 1")


def show_word(word: bytes) -> str:
    """A word for a message, short and on one line."""
    text = printable(word.decode("utf-8", "backslashreplace"))
    return f'"{text[:60]}…"' if len(text) > 60 else f'"{text}"'


def row_error(
    name: str, bad: BadRow, promised: int | None, line: bytes | None = None, dim: int = 0, number: int | None = None
) -> VectorsError:
    """The error for a row, counted from 1. `promised`: rows by the header, if there is one. Of a text `line` is the bad
    one, its `number` that in the file, which has `dim` numbers a row."""
    number = bad.row + 1 + (promised is not None) if number is None else number
    place = f"line {number}, " if line is not None else ""
    what = WHAT.get(bad.what)
    if bad.what == "truncated" and promised is not None:
        what = f"the file ends here, its header promises {promised:,} rows; fetch or write it again, or keep the rows "
        what += "that are there: w2v convert --fix" + (", or --lenient" if bad.column else "")
    elif what is None and line is not None and (word := _spaced_word(line, dim)) is not None:
        what = f"the word {show_word(word)} holds a space; w2v convert --fix writes it without"
    elif bad.what == "short":
        what = f"only {bad.column} numbers; the rows of this file have more"
        between = next((what for sign, what in BETWEEN.items() if not bad.column and sign in (line or b"")), "")
        what += f", with spaces and not {between} between them; {MENDED}" if between else f"; {MENDED}"
    elif bad.what == "no number":
        what = f"number {bad.column + 1} cannot be read; {MENDED}"
    elif bad.what == "long":
        what = "more numbers than the rows of this file have" if bad.column >= 0 else "the line is far too long"
        what += f"; {MENDED}"
    return VectorsError(f"{name}: row {bad.row + 1} ({place}byte {bad.offset}): {what}")


def _spaced_word(line: bytes, dim: int) -> bytes | None:
    """The word of a row that is good but for a space in the word."""
    collector = Collector(dim, text=True, spaced=True)
    try:
        collector.feed(line, 0, 1, True)
    except BadRow:
        return None
    words, _ = collector.finish()
    return words[0] if len(words) and b" " in words[0] else None


def trailing_error(name: str, rows: int, offset: int, size: int | None) -> VectorsError:
    more = f"{size:,} bytes follow" if size is not None else "more follows"
    return VectorsError(
        f"{name}: row {rows + 1} (byte {offset}): {more} after the {rows:,} rows that the header promises; "
        "w2v convert --lenient ignores them"
    )


def rows_wanted(name: str, header: Header, size: int, options: LoadOptions, least: int) -> int:
    """Rows to read from a file of known size. VectorsError if rows of at least `least` bytes cannot fit; with `lenient`
    those that can."""
    fitting = (size - header.size + 1) // least
    if options.lenient and 0 < fitting < header.rows:
        return fitting if options.limit is None else min(fitting, options.limit)
    if header.rows > fitting:
        raise VectorsError(
            f"{name}: row 0 (byte 0): the header claims {header.rows:,} rows of {header.dim:,} numbers, at least "
            f"{header.rows * least:,} bytes, but the file has {size:,}; it was cut short or damaged (w2v convert "
            "--fix keeps the rows that are there)"
        )
    return header.rows if options.limit is None else min(header.rows, options.limit)


def collect(source: Source, header: Header | None, options: LoadOptions, collector: Collector) -> Rows:
    """Rows from a stream, whose size is not known: memory grows with the rows seen, not with what the header says."""
    import numpy as np

    promised, offset = (header.rows, header.size) if header is not None else (MOST_ROWS, 0)
    wanted = min(promised, MOST_ROWS if options.limit is None else options.limit, MOST_ROWS)
    pending = b""
    while len(pending) < offset:  # the header, which the head was long enough to hold
        pending += source.read(BLOCK)
    pending = pending[offset:]
    blank = BLANK if collector.text else b""
    last = unended = False
    try:
        while True:
            held = len(pending) - len(pending.rstrip(blank)) if header is None else 0
            # Without a header only the end shows that blank lines were the last ones.
            rows = pending[:-held] if 0 < held <= BLOCK else pending
            unended = last and bool(rows.strip(blank)) and collector.text  # the last row may have been cut
            used = collector.feed(rows, offset, wanted, last)
            offset += used
            pending = pending[used:]
            done = collector.count == wanted
            if last or (done and (wanted < promised or pending.strip(blank))):
                break
            block = source.read(BLOCK)
            last = not block
            if done:  # only blank lines may follow, and they need not be kept
                offset += len(pending)
                pending = b""
            pending += block
        if collector.count < wanted and (header is not None or pending.strip(blank)):
            whole = not pending.strip(blank) and not unended and collector.count > 0
            if not (whole and options.lenient):
                raise BadRow("truncated", collector.count, offset, whole)
    except BadRow as bad:
        line = pending[max(0, bad.offset - offset) :].partition(b"\n")[0] if collector.text else None
        raise row_error(source.name, bad, header.rows if header is not None else None, line, collector.dim) from None
    if wanted == promised and pending.strip(blank) and not options.lenient:
        raise trailing_error(source.name, collector.count, offset, None)
    words, values = collector.finish()
    return Rows(words, np.frombuffer(values, np.float32).reshape(len(words), collector.dim))
