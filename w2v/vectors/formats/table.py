"""Text tables as other programs write them: a word and its numbers on each line, with tabs, commas or semicolons
between them, perhaps quoted, below a heading, or behind a header that word2vec text does not have (DL4J's `V D N`).

Only what leaves no doubt is taken for one: nearly all lines that are looked at have a word and the same number of
numbers, and are no rows of word2vec or GloVe text. Each line is brought into their form and read as such.
"""

from __future__ import annotations

import csv
import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from w2v.corpus._words import WordTable
from w2v.errors import VectorsError
from w2v.vectors._collect import Collector
from w2v.vectors._scan import BadRow
from w2v.vectors.formats.format import Format
from w2v.vectors.formats.rows import LoadOptions, Rows, Shape, row_error, trailing_error
from w2v.vectors.formats.source import HEADER_LIMIT, MAX_DIM, NUMBER, first_lines

if TYPE_CHECKING:
    from w2v.vectors.formats.salvage import Block, Salvage
    from w2v.vectors.formats.source import Source

__all__ = ["TABLE", "Layout", "Line", "batches", "layout_of", "take"]

BLOCK = 1 << 20
MOST = 1 << 62
LOOKED_AT = 20  # lines
SURE = 0.9  # of them
WORD_LIMIT = 65_536
LINE_LIMIT = 16 << 20  # bytes
HEADER = re.compile(rb"(\d+)[ \t,;]+(\d+)(?:[ \t,;]+\d+)?[ \t]*\r?\n")
PLAIN_HEADER = re.compile(rb"\d+ +\d+[ \t]*\r?\n")
DECIMAL_COMMA = re.compile(rb"[+-]?\d+,\d+([eE][+-]?\d+)?")
DECIMAL = re.compile(rb"[+-]?\d*\.\d+([eE][+-]?\d+)?")
QUOTED = re.compile(rb'"(?:[^"]|"")+"[ \t,;|]')  # at the start of a line
QUOTED_FIELD = re.compile(rb'(?:^|\0) *"(?:[^"]|"")*" *(?:\0|\r?$)')  # separators are \0
CORNERS = (b"", b"word", b"words", b"label", b"name", b"token", b"id", b"index", b"key")  # above the words
BASE64 = b"B64:"
PLAIN = (b" ", b" ")
# Between the word and the numbers, and between the numbers.
SEPARATORS = (
    (b"\t", b" "),
    (b"\t", b"\t"),
    (b",", b","),
    (b";", b";"),
    (b"|", b"|"),
    (b"\t", b","),
    (b" ", b"\t"),
    (b" ", b","),
    PLAIN,
)


@dataclass(frozen=True)
class Layout:
    """How the lines of a table are read: what is between the word and the numbers, and between the numbers."""

    word_end: bytes
    between: bytes
    dim: int = 0
    start: int = 0  # bytes before the first row
    lines: int = 0  # before the first row
    rows: int | None = None  # as a header promises
    quoted: bool = False
    numbered: bool = False  # the number of the row comes before the word
    last: bool = False  # the word comes behind the numbers
    decimal_comma: bool = False
    base64: bool = False  # words as DL4J encodes them

    def split(self, line: bytes) -> tuple[bytes, list[bytes]]:
        """(word, numbers as they are written) of a line; the word is empty where there is none."""
        line = line.strip(b" \r") if self.word_end == b" " else line.rstrip(b"\r")
        if self.word_end == self.between:
            fields = self.fields(line)[self.numbered :] or [b""]
        else:
            word, _, rest = line.partition(self.word_end)
            fields = [word[1:-1] if self.quoted else word, *self.fields(rest)]
        word, numbers = (fields[-1], fields[:-1]) if self.last else (fields[0], fields[1:])
        if self.decimal_comma:
            numbers = [number.replace(b",", b".") for number in numbers]
        return (_decoded(word) if self.base64 else word), numbers

    def fields(self, text: bytes) -> list[bytes]:
        if self.quoted and self.word_end == self.between and b'"' in text:
            reader = csv.reader(
                [text.decode("utf-8", "surrogateescape")], delimiter=self.between.decode(), skipinitialspace=True
            )
            try:
                return [field.strip(" ").encode("utf-8", "surrogateescape") for field in next(reader)]
            except (csv.Error, StopIteration):
                pass
        if self.between == b" ":
            return [field for field in text.split(b" ") if field]
        return [field.strip(b" ") for field in text.removesuffix(self.between).split(self.between)]

    def numbers_of(self, line: bytes) -> int:
        """How many numbers a line has with its word, 0 if it is no row."""
        word, numbers = self.split(line)
        return len(numbers) if word and all(map(NUMBER.fullmatch, numbers)) else 0


def _decoded(word: bytes) -> bytes:
    try:
        return b64decode(word.removeprefix(BASE64), validate=True) if word.startswith(BASE64) else word
    except Base64Error:
        return word


# --- which layout a file has ---


def layout_of(head: bytes) -> Layout | None:
    """How a table that begins with `head` is laid out; None if it is none, or plain word2vec or GloVe text."""
    lines = first_lines(head, LOOKED_AT, b" \t,;|")
    while lines and not lines[-1].strip():
        lines.pop()
    header = HEADER.match(head[:HEADER_LIMIT])
    plain = PLAIN_HEADER.match(head[:HEADER_LIMIT]) is not None
    found: Layout | None = None
    if header is not None and lines[1:]:
        found = _with_header(lines[1:], header, plain)
    if found is None and not plain:
        found = _without_header(lines)
    return found if found is not None and found.dim <= MAX_DIM else None


def _with_header(lines: list[bytes], header: re.Match[bytes], plain: bool) -> Layout | None:
    """A header that most rows confirm; if they do so as plain text, it is none of ours."""
    dim = int(header[2])
    if plain and 2 * sum(Layout(*PLAIN).numbers_of(line) == dim for line in lines) >= len(lines):
        return None
    fitted = [_fitted(lines, *pair) for pair in SEPARATORS]
    fitted = [one for one in fitted if not plain or one[0].decimal_comma or (one[0].word_end, one[0].between) != PLAIN]
    layout, _, share = max(fitted, key=lambda one: (one[1] == dim, one[2]))
    if layout.dim != dim or share < 0.5:
        return None
    if b" " not in header[0] and _share([layout.split(line)[0] for line in lines]) == 1:
        return None  # numbers alone: the projector's, one of whose rows is bad
    return replace(layout, start=header.end(), lines=1, rows=int(header[1]))


def _without_header(lines: list[bytes]) -> Layout | None:
    """Columns that nearly all rows have, below comments and names if there are some."""
    skipped = 0
    while skipped < len(lines) and _is_comment(lines[skipped]) and not _is_plain(lines[skipped:]):
        skipped += 1
    if _is_heading(lines[skipped : skipped + 1]):
        skipped += 1
    if skipped == 0 and _is_plain(lines):
        return None
    fitted = [_fitted(lines[skipped:], *pair) for pair in SEPARATORS]
    layout, dim, share = max(fitted, key=lambda one: (one[2] >= SURE, one[1], one[2]))
    if dim < 2 or share < SURE:
        return None
    while skipped and lines[skipped - 1].startswith(b"#") and layout.numbers_of(lines[skipped - 1]) == dim:
        skipped -= 1  # a word that begins so
    return replace(layout, start=sum(len(line) + 1 for line in lines[:skipped]), lines=skipped)


def _is_plain(lines: list[bytes]) -> bool:
    """Whether most lines, the first among them, are rows of GloVe text: not if each word ends in a tab and a number, or
    all are quoted or in base64."""
    layout, dim, share = _fitted(lines, *PLAIN)
    _, tabbed, sure = _fitted(lines, b"\t", b" ")
    if dim < 2 or share < 0.5 or Layout(*PLAIN).numbers_of(lines[0]) != dim or (tabbed > dim and sure >= SURE):
        return False
    return not layout.base64 and not all(map(QUOTED.match, lines))


def _is_comment(line: bytes) -> bool:
    """Whether a line begins with # and is no row: of a row whose word or first number begins so (#N/A), most fields are
    decimals."""
    fields = re.split(rb"[ \t,;|]+", line.strip())
    return line.startswith(b"#") and 2 * sum(map(bool, map(DECIMAL.fullmatch, fields))) < len(fields)


def _is_heading(line: list[bytes]) -> bool:
    """Whether a line (or none) names columns or tells a size, rather than being a row that is bad."""
    if not line:
        return False
    fields = [field.strip(b' "\r') for field in re.split(rb"[ \t,;|]", line[0].strip())]
    numbers = [bool(NUMBER.fullmatch(field)) for field in fields]
    counted = fields[0].lower() in CORNERS and len(fields) > 2 and _count_up(fields[1:])
    return line[0].strip().isdigit() or counted or (len(fields) > 1 and not any(numbers))


def _fitted(lines: list[bytes], word_end: bytes, between: bytes) -> tuple[Layout, int, float]:
    """(the layout with these separators and what the lines tell of it, the usual number of numbers, the share of lines
    with a word and so many)."""
    lines = [line for line in lines if line.strip()]
    if word_end == between:
        quoted = any(QUOTED_FIELD.search(line.replace(between, b"\0")) for line in lines)
    else:
        quoted = all(map(QUOTED.match, lines))
    layout = Layout(word_end, between, quoted=quoted and bool(lines))
    split = [(word, numbers) for word, numbers in map(layout.split, lines) if numbers]
    words = [word for word, _ in split]
    if word_end == between != b" " and _are_numbers(words):
        if _count_up(words) and _share([numbers[0] for _, numbers in split]) < 0.5:
            layout = replace(layout, numbered=True)
        elif _share([numbers[-1] for _, numbers in split]) < 0.5:
            layout = replace(layout, last=True)
        else:
            return layout, 0, 0  # numbers alone
    if between != b"," and _have_decimal_commas([number for _, numbers in split for number in numbers]):
        layout = replace(layout, decimal_comma=True)
    if words and all(word.startswith(BASE64) for word in words):
        layout = replace(layout, base64=True)
    counts = Counter(layout.numbers_of(line) for line in lines)
    counts.pop(0, None)
    usual, fitting = counts.most_common(1)[0] if counts else (0, 0)
    return replace(layout, dim=usual), usual, fitting / len(lines) if lines else 0


def _are_numbers(words: list[bytes]) -> bool:
    """Whether what is first on each line is no word: all are numbers, or most are decimals and the others bad numbers.
    Words that are whole numbers, among others, are those of items."""
    return len(words) > 1 and (_share(words) == 1 or 2 * sum(map(bool, map(DECIMAL.fullmatch, words))) > len(words))


def _have_decimal_commas(numbers: list[bytes]) -> bool:
    """Whether most numbers are written so, and none with a point: 0 and 1E-05 need neither."""
    commas = sum(DECIMAL_COMMA.fullmatch(number) is not None for number in numbers)
    return 2 * commas > len(numbers) and not any(map(DECIMAL.fullmatch, numbers))


def _share(fields: list[bytes]) -> float:
    """How many of them are numbers."""
    return sum(NUMBER.fullmatch(field) is not None for field in fields) / len(fields)


def _count_up(fields: list[bytes]) -> bool:
    numbers = [int(field) for field in fields if field.isdigit() and len(field) < 12]
    return len(numbers) == len(fields) and numbers == list(range(numbers[0], numbers[0] + len(numbers)))


# --- reading ---


class Line(NamedTuple):
    """A line that is to be a row: number of the row from 0, of the line from 1, byte, and what it holds."""

    row: int
    number: int
    byte: int
    text: bytes


def batches(layout: Layout, read: Callable[[int], bytes], skipped: int = 0) -> Iterator[list[Line]]:
    """The lines behind the heading, some at a time; blank ones at the end are left out. A line beyond any measure is
    cut."""
    pending, drop, ended = b"", layout.start, False
    row, number, byte = 0, layout.lines + 1, layout.start + skipped
    blank: list[Line] = []
    while not ended:
        block = read(BLOCK)
        ended = not block
        block, drop = block[drop:], max(0, drop - len(block))
        *texts, pending = (pending + block).split(b"\n")
        if (ended and pending) or len(pending) > LINE_LIMIT:
            texts.append(pending)
            pending = b""
        some: list[Line] = []
        for text in texts:
            blank.append(Line(row, number, byte, text))
            row, number, byte = row + 1, number + 1, byte + len(text) + 1
            if text.strip():
                some += blank
                blank = []
        if some:
            yield some


def take(
    layout: Layout, collector: Collector, lines: list[Line], bad: Callable[[Line, BadRow], None]
) -> tuple[list[int], list[bytes]]:
    """Put the numbers of lines into a collector; (rows, words) of those that are good. `bad` is called for others."""
    good: list[tuple[Line, bytes]] = []
    texts: list[bytes] = []
    for line in lines:
        word, numbers = layout.split(line.text)
        if word and len(word) <= WORD_LIMIT:
            good.append((line, word))
            texts.append(b"w " + b" ".join(numbers) + b"\n")
        else:
            bad(line, BadRow("long word" if word else "empty word", line.row, line.byte))
    data, at = memoryview(b"".join(texts)), 0
    rows: list[int] = []
    words: list[bytes] = []
    first = 0
    while first < len(good):
        before, wrong = collector.count, None
        try:
            collector.feed(data[at:], 0, MOST, True)
        except BadRow as caught:
            wrong = caught
        after = first + collector.count - before
        rows += [line.row for line, _ in good[first:after]]
        words += [word for _, word in good[first:after]]
        if wrong is not None:
            bad(good[after][0], wrong)
        at += sum(map(len, texts[first : after + 1]))
        first = after + 1
    return rows, words


def recognise(_name: str, head: bytes) -> bool:
    return layout_of(head) is not None


def known_layout(source: Source) -> Layout:
    layout = layout_of(source.start())
    if layout is None:
        raise VectorsError(
            f"{source.name}: row 1 (byte 0): not a word and its numbers on each line, between tabs, commas or the like"
        )
    return layout


def shape(source: Source) -> Shape:
    layout = known_layout(source)
    return Shape(layout.rows, layout.dim, "text")


def load(source: Source, options: LoadOptions) -> Rows:
    import numpy as np

    layout = known_layout(source)
    collector = Collector(layout.dim, text=True)
    promised = MOST if layout.rows is None else layout.rows
    wanted = min(promised, options.limit or MOST)
    tables: list[WordTable] = []

    def refuse(line: Line, bad: BadRow) -> None:
        placed = BadRow(bad.what, line.row, line.byte, bad.column)
        raise row_error(source.name, placed, None, line.text, layout.dim, line.number)

    for lines in batches(layout, source.read):
        some = lines[: wanted - collector.count]
        tables.append(WordTable(take(layout, collector, some, refuse)[1]))
        if len(some) < len(lines):
            if wanted == promised and not options.lenient:
                raise trailing_error(source.name, promised, lines[len(some)].byte, None)
            break
    if collector.count < wanted and layout.rows is not None and not options.lenient:
        raise row_error(source.name, BadRow("truncated", collector.count, 0, True), promised)
    words = WordTable(table[row] for table in tables for row in range(len(table)))
    _, values = collector.finish()
    return Rows(words, np.frombuffer(values, np.float32).reshape(len(words), layout.dim))


def salvage(damaged: Salvage) -> Iterator[Block]:
    from w2v.vectors.formats.text_salvage import table_blocks

    return table_blocks(damaged, known_layout(damaged.source))


TABLE = Format(
    name="table",
    title="text table",
    suffixes=(),
    holds="a word and its numbers between tabs, commas or semicolons (read, not written)",
    recognise=recognise,
    begins=recognise,
    load=load,
    shape=shape,
    salvage=salvage,
)
