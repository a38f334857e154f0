"""What the formats share: how many rows to expect, rows from a stream, errors that name the row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from w2v.errors import VectorsError, printable
from w2v.vectors._collect import Collector
from w2v.vectors._scan import BadRow
from w2v.vectors.formats.format import LoadOptions, Rows
from w2v.vectors.formats.start import Header

if TYPE_CHECKING:
    from w2v.vectors.formats.source import Source

__all__ = ["collect", "row_error", "rows_wanted", "show_word", "trailing_error"]

BLOCK = 1 << 20
MOST_ROWS = 1 << 62  # of a stream, which may promise more than a 64-bit number holds
BLANK = b"\r\n "  # text files may end in blank lines

WHAT = {
    "truncated": "the file ends within this row; it was cut short, fetch or write it again",
    "empty word": "a word is empty; the file is damaged",
    "long word": "no space within 65,536 bytes; the file is damaged, or not what its header says",
    "newline in word": "a word holds a newline; the file is damaged, or its rows are not as long as its header says",
    "not finite": "a number is NaN or infinite; the training diverged, or the file is damaged",
}


def show_word(word: bytes) -> str:
    """A word for a message, short and on one line."""
    text = printable(word.decode("utf-8", "backslashreplace"))
    return f'"{text[:60]}…"' if len(text) > 60 else f'"{text}"'


def row_error(name: str, bad: BadRow, promised: int | None, text: bool = False) -> VectorsError:
    """The error for a row, counted from 1; for text with the line, which counts the header. `promised`: rows by the
    header, if there is one."""
    line = f"line {bad.row + 1 + (promised is not None)}, " if text else ""
    what = WHAT.get(bad.what)
    if bad.what == "short":
        what = f"only {bad.column} numbers; the rows of this file have more"
    elif bad.what == "no number":
        what = f"number {bad.column + 1} cannot be read; the file is damaged"
    elif bad.what == "long":
        what = "more numbers than the rows of this file have" if bad.column >= 0 else "the line is far too long"
    elif bad.what == "truncated" and promised is not None:
        what = f"the file ends here, its header promises {promised:,} rows; fetch or write it again"
    return VectorsError(f"{name}: row {bad.row + 1} ({line}byte {bad.offset}): {what}")


def trailing_error(name: str, rows: int, offset: int, size: int | None) -> VectorsError:
    more = f"{size:,} bytes follow" if size is not None else "more follows"
    return VectorsError(
        f"{name}: row {rows + 1} (byte {offset}): {more} after the {rows:,} rows that the header promises; "
        "w2v convert --lenient ignores them"
    )


def rows_wanted(name: str, header: Header, size: int, options: LoadOptions, least: int) -> int:
    """Rows to read from a file of known size. VectorsError if rows of at least `least` bytes cannot fit."""
    if header.rows * least - 1 > size - header.size:
        raise VectorsError(
            f"{name}: row 0 (byte 0): the header claims {header.rows:,} rows of {header.dim:,} numbers, at least "
            f"{header.rows * least:,} bytes, but the file has {size:,}; it was cut short or damaged"
        )
    return header.rows if options.limit is None else min(header.rows, options.limit)


def collect(source: Source, header: Header | None, options: LoadOptions, collector: Collector) -> Rows:
    """Rows from a stream, whose size is not known: memory grows with the rows seen, whatever the header says."""
    import numpy as np

    promised = header.rows if header is not None else MOST_ROWS
    wanted = min(promised, MOST_ROWS if options.limit is None else options.limit, MOST_ROWS)
    offset = header.size if header is not None else 0
    pending = b""
    while len(pending) < offset:  # the header, which the head was long enough to hold
        pending += source.read(BLOCK)
    pending = pending[offset:]
    blank = BLANK if collector.text else b""
    last = False
    try:
        while True:
            held = len(pending) - len(pending.rstrip(blank)) if header is None else 0
            # Without a header only the end tells that blank lines were the last ones.
            rows = pending[:-held] if 0 < held <= BLOCK else pending
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
            raise BadRow("truncated", collector.count, offset)
    except BadRow as bad:
        raise row_error(source.name, bad, header.rows if header is not None else None, collector.text) from None
    if wanted == promised and pending.strip(blank) and not options.lenient:
        raise trailing_error(source.name, collector.count, offset, None)
    words, values = collector.finish()
    return Rows(words, np.frombuffer(values, np.float32).reshape(len(words), collector.dim))
