"""The good rows of a word2vec binary file.

A row is found from the one before it, so that bytes which were lost shift all that follow. Where rows no longer look
like rows, the next place is sought from which several follow each other; the rows beside the gap are left out.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from functools import cached_property

import numpy as np

from w2v.errors import VectorsError
from w2v.vectors._collect import Collector
from w2v.vectors._scan import BadRow, BinaryRows
from w2v.vectors.formats.boundaries import (
    LONGEST,
    boundary_before,
    far_rows,
    is_large,
    is_text,
    lost_boundary,
    usual_size,
)
from w2v.vectors.formats.salvage import BLOCK, Block, ByteReader, Salvage, flush
from w2v.vectors.formats.source import CONTROL, may_be_text, read_header

__all__ = ["binary_blocks"]

SPACED = 4096  # rows at once, where words hold spaces
CHAIN = 4  # rows that must follow each other; their words are not empty and hold no control characters
WORD = re.compile(rb"[^\x00-\x20\x7f]{1,256} ")
ODD_WORD = re.compile(rb"[^\x00-\x08\x0e-\x20\x7f]{0,256} ")  # may also be empty, or hold a tab or newline
ANY_WORD = re.compile(rb"[^ ]{0,65536} ")
CANDIDATE = re.compile(rb"(?=[^\x00-\x20\x7f]{1,256} )")
UNKNOWN = 1 << 62  # how many rows are expected, once some are lost
NO_TEXT = b"\xff"  # for the next word, where bytes are lost
FEW = 50  # rows are enough to tell what is usual
FAR = 100  # rows past the header are rows only if their numbers are at most so many times larger than the others


class _Rows:
    """Walks along the file."""

    def __init__(self, salvage: Salvage, reader: ByteReader):
        header = read_header(salvage.name, salvage.source.head)
        assert header is not None
        self.salvage, self.reader, self.header = salvage, reader, header
        self.promised = min(header.rows, UNKNOWN - 1)
        self.dim = header.dim
        self.row_bytes = 4 * self.dim
        self.row = 0
        self.collector = Collector(self.dim)
        self.held: Block | None = None  # the block before: its last row may be spoilt by what comes next
        self.newlines: bool | None = None  # whether rows end in a newline, once it is known
        self.suspect = False  # whether the row before took bytes of the next one
        self.bytes_after = False  # whether few bytes are left behind the last row
        self.usual = 1.0  # size of the rows' largest numbers, until some are known
        self.wrong: set[int] = set()  # rows of which nothing is known
        reader.fill(header.size)
        reader.skip(header.size)

    @cached_property
    def found(self) -> BinaryRows | None:
        """The rows, if they are as many as promised, each found from the one before it, and end where the file does.

        Bytes are not lost then, even if the words look odd. None for what can be read only once.
        """
        source, header = self.salvage.source, self.header
        if source.fd is None or source.size is None or header.rows > source.size:
            return None
        try:
            found = BinaryRows(source.fd, source.size, source.skipped + header.size, header.rows, header.dim)
        except BadRow:
            return None
        return found if found.count == header.rows and found.end == source.size else None

    @property
    def whole(self) -> bool:
        return self.found is not None

    def raw_blocks(self, found: BinaryRows) -> Iterator[Block]:
        """All rows of a file that is whole, whatever their words and numbers."""
        for low in range(0, found.count, SPACED):
            rows = range(low, min(found.count, low + SPACED))
            matrix = np.array([np.asarray(found.vector(row, False), np.float32) for row in rows])
            yield Block(np.arange(low, low + len(rows)), [found.words[row] for row in rows], matrix)
        self.row = self.salvage.rows = found.count

    def blocks(self) -> Iterator[Block]:
        found = self.found
        if found is not None and lost_boundary(found.words, lambda row: found.vector(row, False)):
            yield from self.raw_blocks(found)
            self.reader.drain()
            return
        while self.row < self.promised and self.reader.fill(1):
            self.reader.fill(BLOCK)
            data, start = self.reader.data, self.reader.position
            bad, used = self.feed()
            block = flush(self.collector, self.row)
            if block is not None:
                block, doubtful = self.before_doubt(block, data, start)
                bad = bad or doubtful
                self.row += len(block.words)
                yield from self.hold(self.well_ended(block, data, start))
            if bad:
                yield from self.hold(self.pass_over())
                self.skip_newline()
            elif not used and self.reader.ended:
                self.salvage.tally("cut short", self.place())
                self.reader.drain()
            elif not used:
                self.reader.fill(self.reader.left + BLOCK)
        if self.row < self.promised < UNKNOWN and "cut short" not in self.salvage.damage:
            self.salvage.tally("cut short", self.place())
        yield from self.beyond()
        if self.held is not None:
            yield self.held
        self.salvage.rows = self.row

    def hold(self, block: Block | None) -> Iterator[Block]:
        if block is not None:
            if self.held is not None:
                yield self.held
            self.held = block
            if len(block.words) >= FEW:
                self.usual = usual_size(block.values)

    def feed(self) -> tuple[bool, int]:
        """Take rows; (whether something is wrong with the row at the position after them, bytes taken)."""
        start, bad = self.reader.offset, False
        try:
            wanted = self.promised - self.row
            self.reader.skip(self.collector.feed(self.reader.view(), start, wanted, self.reader.ended))
        except BadRow as caught:
            bad = True
            self.reader.skip(caught.offset - start)
        return bad, self.reader.offset - start

    def before_doubt(self, block: Block, data: bytes, start: int) -> tuple[Block, bool]:
        """(the block up to the first word with a control character, whether there is one). The position is then at it.

        Where bytes are lost, numbers are read as words; few of these go without such a character.
        """
        if not CONTROL.search(b"\n".join(block.words)) or self.whole:
            return block, False
        first = next(place for place, word in enumerate(block.words) if CONTROL.search(word))
        at = start + (data[start : start + 1] == b"\n")
        for word in block.words[:first]:
            at += len(word) + 1 + self.row_bytes
            at += data[at : at + 1] == b"\n"
        self.reader.skip(at - self.reader.position)
        return Block(block.rows[:first], block.words[:first], block.values[:first]), True

    def well_ended(self, block: Block, data: bytes, start: int) -> Block | None:
        """The block without rows that lack the newline which the others have, and without the rows after them.

        Where bytes are lost from a row's numbers, the row takes as many from the next one: first of all the newline.
        """
        if not block.words:
            return None
        start += data[start : start + 1] == b"\n"  # of the row before
        lengths = np.array([len(word) for word in block.words], np.int64) + 1 + self.row_bytes
        if self.newlines is None:
            after = start + int(lengths[0])
            self.newlines = data[after : after + 1] == b"\n"
        ends = start + np.cumsum(lengths + 1) - 1  # of the rows, where each has its newline
        text = np.frombuffer(data, np.uint8)
        if not self.newlines or (
            not self.suspect and ends[-1] <= len(data) and (text[ends[ends < len(data)]] == 10).all()
        ):
            return block
        good = np.ones(len(ends), bool)
        gaps, at = [], start
        for place, length in enumerate(lengths.tolist()):
            good[place], self.suspect = not self.suspect, False
            at += length
            if data[at : at + 1] == b"\n":
                at += 1
            elif at < len(data):
                good[place], self.suspect = False, True
                byte = self.reader.offset - self.reader.position + at - length
                where = f"row {int(block.rows[place]) + 1} (byte {byte})"
                gaps.append(f"{where}: it has no newline, and the row after")
        if len(gaps) > max(8, len(ends) // 2):  # only the first row had one
            self.newlines = self.suspect = False
            return block
        for where in gaps:
            self.salvage.tally("lost bytes", where)
        words = [word for word, kept in zip(block.words, good.tolist(), strict=True) if kept]
        return Block(block.rows[good], words, block.values[good]) if words else None

    def skip_newline(self) -> None:
        if self.reader.fill(1) and self.reader.data[self.reader.position] == 10:
            self.reader.skip(1)

    def place(self) -> str:
        return f"row {self.row + 1} (byte {self.reader.offset})"

    def pass_over(self) -> Block | None:
        """Go past a bad row; a row that is whole but for its word comes back."""
        reader = self.reader
        reader.fill(BLOCK)
        data = reader.data
        word = ANY_WORD.match(data, reader.position)
        end = word.end() + self.row_bytes if word else 0
        if word is None or end > len(data):
            self.find_rows()
            return None
        spelling = word[0][:-1]
        values = np.frombuffer(data, "<f4", self.dim, word.end())
        place, row, suspect = self.place(), self.row, self.suspect
        following = ANY_WORD.match(data, end)
        rest = following[0][:-1] if following else data[end:] + b"x" if reader.ended else NO_TEXT
        lost = boundary_before(row, spelling, values, rest, self.usual)
        if lost is not None and lost.following:  # the row goes on in what was taken for the next word
            spelling, values, end = lost.word, lost.numbers, end + len(rest) - len(lost.following)
        elif not (self.whole or self.rows_follow(end, CHAIN - 1, ODD_WORD)):
            self.find_rows()
            return None
        self.suspect = False
        reader.skip(end - reader.position)
        self.row += 1
        if not np.isfinite(values).all():
            self.judge(row, values)
            self.salvage.tally("not finite", place)
            return None
        if not spelling:
            self.judge(row, values)
            self.salvage.tally("no word", place)
            return None
        return None if suspect else Block(np.array([row]), [spelling], values[None].copy())

    def judge(self, row: int, values: np.ndarray) -> None:
        """A row that is not finite, or has no word, may be one that ended too early, if its numbers are out of
        proportion."""
        if far_rows(np.where(np.isfinite(values), values, 0)[None], self.usual):
            self.wrong.add(row)

    def rows_follow(self, at: int, hops: int, like: re.Pattern[bytes] = WORD, least: int = 0) -> bool:
        """Whether `hops` rows follow each other in the data from `at` on; at the end of the file `least` are enough,
        and one more if a part of a row comes after them."""
        data, ended = self.reader.data, self.reader.ended
        for hop in range(hops):
            if data[at : at + 1] == b"\n":
                at += 1
            if at >= len(data) and ended:
                return hop >= least
            word = like.match(data, at)
            if word is None:  # the start of a word may be all that is left
                return ended and hop > least and len(data) - at < 256 and b" " not in data[at:]
            at = word.end() + self.row_bytes
            if at > len(data):
                return ended and (hop > least or not least)
            if not np.isfinite(np.frombuffer(data, "<f4", self.dim, word.end())).all():
                return False
        return True

    def find_rows(self) -> None:
        """Bytes are lost: go on at the next place from which rows follow each other."""
        reader, start, place = self.reader, self.reader.offset, self.place()
        spoilt, self.suspect = 0, False
        if self.held is not None and int(self.held.rows[-1]) == self.row - 1:
            held = Block(self.held.rows[:-1], self.held.words[:-1], self.held.values[:-1])
            self.held = held if len(held.words) else None
            spoilt = 1
        found, needed = False, (CHAIN + 1) * (self.row_bytes + 257)
        while not found and reader.fill(1):
            reader.fill(BLOCK)
            for match in CANDIDATE.finditer(reader.data, reader.position):
                first = WORD.match(reader.data, match.start())
                # The first word may have been entered in its middle: rows are taken from the second on.
                second = first.end() + self.row_bytes if first else len(reader.data)
                if (
                    first is not None
                    and second < len(reader.data)
                    and self.rows_follow(second, CHAIN, least=1)
                    and not far_rows(np.frombuffer(reader.data, "<f4", self.dim, first.end())[None], self.usual)
                ):
                    reader.skip(second - reader.position)
                    found = True
                    break
            else:
                reader.skip(reader.left if reader.ended else max(1, reader.left - needed))
        lost = reader.offset - start
        self.salvage.tally("lost bytes", f"{place}: {lost:,} bytes" + (" and the row before" if spoilt else ""))
        self.row += max(1, round(lost / (self.row_bytes + 10)))  # about: from here on only the byte is exact
        self.promised = UNKNOWN

    def beyond(self) -> Iterator[Block]:
        """What follows the rows that the header promises: rows, if all of it is rows whose numbers are like the others;
        else just bytes."""
        if self.reader.data[self.reader.position - 1 : self.reader.position] != b"\n":  # taken with the last row
            self.skip_newline()
        if not self.reader.fill(1):
            return
        place, start, more = self.place(), self.reader.offset, Collector(self.dim)
        rest = self.reader.data[self.reader.position :] if not self.reader.fill(LONGEST) else b""
        if rest and self.held is not None and self.held.rows[-1] == self.row - 1:
            lost = boundary_before(self.row - 1, self.held.words[-1], self.held.values[-1], rest + b"x", self.usual)
            if lost is not None and lost.following == b"x":  # they are the end of the last row, whose word goes on
                self.held = writable(self.held)
                self.held.words[-1], self.held.values[-1] = lost.word, lost.numbers
                self.reader.drain()
                return
            if lost is not None:
                self.wrong.add(self.row - 1)
            self.bytes_after = True
        try:
            used = 1
            while self.reader.fill(1) and (used or not self.reader.ended):
                self.reader.fill(BLOCK if used else self.reader.left + BLOCK)
                used = more.feed(self.reader.view(), self.reader.offset, UNKNOWN, self.reader.ended)
                self.reader.skip(used)
        except BadRow:
            pass
        clean = not self.reader.fill(1)
        block = flush(more, self.row)
        largest = float(np.abs(self.held.values).max()) if self.held is not None else 0.0
        if clean and block is not None and np.abs(block.values).max() <= FAR * largest:
            self.salvage.tally("rows past the header", place, len(block.words))
            yield from self.hold(block)
            self.row += len(block.words)
            return
        self.reader.drain()
        self.salvage.tally("bytes after the end", f"byte {start}", self.reader.offset - start)


class _Boundaries:
    """Rows that ended too early, at a space in their word (see boundaries.py), and the words after them, put right.

    `wrong` are the numbers of rows of which nothing is known, to be asked for a block when it is given. A row out of
    proportion that nothing explains is one of them where other rows ended too early, or where the next row is.
    """

    def __init__(self, rows: _Rows):
        self.rows, self.usual, self.wrong = rows, 1.0, rows.wrong
        self.doubtful: dict[int, bool] = {}  # row -> whether a number is too large; else one is too small
        self.lost = False  # whether any row ended too early

    def blocks(self) -> Iterator[Block]:
        """A block is kept back until the next one is known."""
        blocks, first = self.rows.blocks(), list[Block]()
        while sum(len(block.words) for block in first) < FEW and (block := next(blocks, None)):
            first.append(block)
        self.usual = usual_size(np.concatenate([block.values for block in first])) if first else 1.0
        before: Block | None = None
        gap = Block(np.array([-1]), [NO_TEXT], np.zeros((1, self.rows.dim), np.float32))
        for block in itertools.chain(first, blocks):
            block = writable(block)
            if before is not None:
                self.join(before, len(before.words) - 1, block if before.rows[-1] == block.rows[0] - 1 else gap, 0)
            for row in self.suspects(block):
                follows = block.rows[row] == block.rows[row + 1] - 1
                self.join(block, row, block if follows else gap, row + 1 if follows else 0)
            if before is not None:
                yield before
                self.doubtful = {n: large for n, large in self.doubtful.items() if n >= block.rows[0]}
            before = block
        if before is not None:
            last = len(before.words) - 1
            if self.rows.bytes_after:
                self.join(before, last, gap, 0)
            elif far_rows(before.values[last:], self.usual) and (
                "cut short" in self.rows.salvage.damage or is_large(before.values[last], self.usual)
            ):
                self.wrong.add(int(before.rows[last]))  # it may have gone on in what is cut off
            yield before

    def suspects(self, block: Block) -> list[int]:
        """Places of rows but the last that are out of proportion, or, where rows have no newline, are before a word
        that is no text."""
        found = set(far_rows(block.values[:-1], self.usual))
        if not self.rows.newlines:
            found |= {place for place, word in enumerate(block.words[1:]) if not is_text(word)}
        return sorted(found)

    def join(self, one: Block, row: int, other: Block, following: int) -> None:
        """Put a row right, and the word of the following one, if the first ended too early."""
        number, values = int(one.rows[row]), one.values[row]
        found = boundary_before(number, one.words[row], values, other.words[following], self.usual)
        if found is None:
            if far_rows(values[None], self.usual):
                large = is_large(values, self.usual)
                if large and self.lost:
                    self.wrong.add(number)
                else:
                    self.doubtful[number] = large
            return
        if not self.lost:
            self.lost = True
            self.wrong |= {doubtful for doubtful, large in self.doubtful.items() if large}
        if number - 1 in self.doubtful:  # whose last bytes may be in this row's word
            self.wrong |= {number - 1, number}
        if not found.following:
            self.wrong |= {number, int(other.rows[following])}
        else:
            one.words[row], one.values[row], other.words[following] = found.word, found.numbers, found.following


def writable(block: Block) -> Block:
    """The block, whose numbers can be changed."""
    return block if block.values.flags.writeable else block._replace(values=block.values.copy())


def binary_blocks(salvage: Salvage) -> Iterator[Block]:
    rows = _Rows(salvage, salvage.reader())
    if not salvage.told and may_be_text(salvage.source.head[rows.header.size :]) and not rows.whole:
        raise VectorsError(
            f"{salvage.name}: is damaged, and may be text in which bytes were lost; say which it is:"
            " w2v convert --fix --from text, or bin"
        )
    salvage.spaces = "spaces in binary"
    boundaries, last, seen = _Boundaries(rows), -1, -1
    for block in boundaries.blocks():
        finite = np.isfinite(block.values).all(axis=1).tolist()
        kept = []
        for place, (row, word) in enumerate(zip(block.rows.tolist(), block.words, strict=True)):
            # Where rows have no newline, the word after one that is left out may begin with bytes of it.
            lost = not rows.wrong.isdisjoint(range(seen, row))
            seen = row
            torn = row != last + 1 and not rows.newlines and (lost or not is_text(word))
            if row in rows.wrong or torn or (row in boundaries.doubtful and row + 1 in rows.wrong):
                salvage.tally("lost bytes", f"row {row + 1}")
            elif not finite[place] or not word:
                rows.judge(row, block.values[place])
                salvage.tally("not finite" if word else "no word", f"row {row + 1}")
            else:
                kept.append(place)
                last = row
        if kept:
            yield Block(block.rows[kept], [block.words[place] for place in kept], block.values[kept])
