"""The good rows of text files: word2vec text, GloVe, the embedding projector's."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np

from w2v.errors import VectorsError
from w2v.files import lines_of
from w2v.vectors._collect import Collector
from w2v.vectors._scan import BadRow
from w2v.vectors.formats.array_salvage import with_words
from w2v.vectors.formats.projector import STAND_IN, words_beside
from w2v.vectors.formats.salvage import BLOCK, Block, ByteReader, Salvage, flush
from w2v.vectors.formats.source import Header, read_header
from w2v.vectors.formats.table import Layout, Line, batches, take
from w2v.vectors.formats.words_file import place_of

__all__ = ["projector_blocks", "table_blocks", "text_blocks"]

LONGEST_LINE = 16 << 20  # bytes that are kept of it
KINDS = {"not finite": "not finite", "empty word": "no word"}  # else the row has the wrong length


def text_blocks(salvage: Salvage) -> Iterator[Block]:
    """Lines that are rows. A word may hold spaces: the last `dim` fields are its numbers."""
    salvage.spaces = "spaces in text"
    header = read_header(salvage.name, salvage.source.head) if salvage.promised is not None else None
    reader = salvage.reader()
    if header is not None:
        reader.fill(header.size)
        reader.skip(header.size)
        if header.dim != salvage.dim:
            salvage.tally("numbers a row", f"header: {header.dim}, rows: {salvage.dim}")
    return _LineRows(salvage, reader, header, True).blocks()


def projector_blocks(salvage: Salvage) -> Iterator[Block]:
    """Lines of numbers, with the words from the file beside them."""

    def total() -> int:
        """Lines of the file, read on their own; of a stream one cannot know, and a heading is taken for one."""
        if salvage.source.path is None or not os.path.isfile(salvage.source.path):
            return sum(1 for _ in lines_of(place, VectorsError)) - 1
        return sum(1 for _, line in lines_of(salvage.source.path, VectorsError, LONGEST_LINE) if line.strip())

    place = place_of(salvage.source, words_beside, salvage.words_path)
    rows = _LineRows(salvage, _with_words_put_in(salvage), None, False)
    return with_words(salvage, rows.blocks(), total, labels=True)


def table_blocks(salvage: Salvage, layout: Layout) -> Iterator[Block]:
    """Lines of a text table that are rows."""
    reader = salvage.reader()

    def read(_size: int) -> bytes:
        if not reader.fill(1):
            return b""
        block = bytes(reader.view())
        reader.skip(len(block))
        salvage.last_newline = block.endswith(b"\n")
        return block

    def tally(line: Line, bad: BadRow) -> None:
        place = f"row {line.row + 1} (line {line.number}, byte {line.byte})"
        salvage.tally(KINDS.get(bad.what, "wrong length"), place)

    for lines in batches(layout, read, salvage.source.skipped):
        collector = Collector(layout.dim, text=True)
        rows, words = take(layout, collector, lines, tally)
        salvage.rows += len(lines)
        if rows:
            _, values = collector.finish()
            yield Block(np.array(rows), words, np.frombuffer(values, np.float32).reshape(len(rows), layout.dim))
    if layout.rows is not None and salvage.rows < layout.rows:
        salvage.tally("cut short", f"row {salvage.rows + 1} (byte {reader.offset})")
    elif layout.rows is not None and salvage.rows > layout.rows:
        salvage.tally("rows past the header", f"row {layout.rows + 1}", salvage.rows - layout.rows)


def _with_words_put_in(salvage: Salvage) -> ByteReader:
    """The projector's numbers as rows of text."""
    reader, begun = salvage.reader(), False

    def read(_size: int) -> bytes:
        nonlocal begun
        if not reader.fill(1):
            return b""
        block = bytes(reader.view())
        reader.skip(len(block))
        start, begun = b"" if begun else STAND_IN, True
        return start + block.replace(b"\t", b" ").replace(b"\n", b"\n" + STAND_IN)

    return ByteReader(read, lambda what: salvage.tally("packing", what))


class _LineRows:
    """The lines of a text file that are rows; what is no row is counted with the damage."""

    def __init__(self, salvage: Salvage, reader: ByteReader, header: Header | None, own_words: bool):
        assert salvage.dim is not None
        self.salvage, self.reader, self.own_words = salvage, reader, own_words
        self.collector = Collector(salvage.dim, text=True, spaced=own_words)
        self.row, self.blank = 0, 0
        self.first_line = 1 + (header is not None)

    def blocks(self) -> Iterator[Block]:
        held = None  # the last block, whose last row may be cut
        for block in self._found():
            if held is not None:
                yield held
            held = block
        held = self._compared_with_header(held)
        if held is not None and len(held.words):
            yield held

    def _found(self) -> Iterator[Block]:
        while self.reader.fill(1):
            self.reader.fill(BLOCK)
            used, bad = self._feed()
            block = flush(self.collector, self.row)
            if block is not None:
                if self.blank:  # lines without anything between rows
                    self.salvage.tally("no word", f"line {self.row - self.blank + self.first_line}", self.blank)
                    self.blank = 0
                self.row += len(block.words)
                yield block
            if bad is not None:
                self._pass_over(bad)
            elif not used and self.reader.ended:
                break

    def _feed(self) -> tuple[int, BadRow | None]:
        """(bytes that hold rows, the row behind them that is none)."""
        reader, bad = self.reader, None
        try:
            used = self.collector.feed(reader.view(), reader.offset, 1 << 62, reader.ended)
            if not used and not reader.ended:
                reader.fill(reader.left + BLOCK)
        except BadRow as caught:
            bad, used = caught, caught.offset - reader.offset
        if used and reader.ended and used == reader.left:
            self.salvage.last_newline = reader.data.endswith(b"\n")
        reader.skip(used)
        return used, bad

    def _pass_over(self, bad: BadRow) -> None:
        line = _take_line(self.reader)
        if not line.strip(b" \r\n") or (not self.own_words and line.strip() == STAND_IN.strip()):
            self.blank += 1
        else:
            cut = not line.endswith(b"\n")
            # The stand-ins for words are not in the file, so bytes are not counted there.
            byte = f", byte {self.reader.offset - len(line)}" if self.own_words else ""
            what = "cut short" if cut else KINDS.get(bad.what, "wrong length")
            self.salvage.tally(what, f"row {self.row + 1} (line {self.row + self.first_line}{byte})")
            self.salvage.last_newline = not cut
        self.row += 1

    def _compared_with_header(self, held: Block | None) -> Block | None:
        """Says how many rows are missing or too many; the last block without a last row that may have been cut."""
        salvage = self.salvage
        salvage.rows = self.row - self.blank
        if salvage.promised is not None and salvage.rows < salvage.promised:
            if "cut short" not in salvage.damage:
                salvage.tally("cut short", f"row {salvage.rows + 1} (byte {self.reader.offset})")
            if not salvage.last_newline and held is not None and int(held.rows[-1]) == salvage.rows - 1:
                # All of its numbers are there, but the last of them may have been longer.
                return Block(held.rows[:-1], held.words[:-1], held.values[:-1])
        elif salvage.promised is not None and salvage.rows > salvage.promised:
            salvage.tally("rows past the header", f"row {salvage.promised + 1}", salvage.rows - salvage.promised)
        return held


def _take_line(reader: ByteReader) -> bytes:
    """Go past a line; returns it with its newline (of a line beyond any sense, only the end)."""
    size = 0
    while (end := reader.data.find(b"\n", reader.position + size)) < 0:
        size = reader.left
        if size > LONGEST_LINE:
            reader.skip(size)
            size = 0
        if not reader.fill(size + 1):
            break
    stop = end + 1 if end >= 0 else len(reader.data)
    line = reader.data[reader.position : stop]
    reader.skip(len(line))
    return line
