"""The good rows of text files: word2vec text, GloVe, the embedding projector's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from w2v.vectors._collect import Collector
from w2v.vectors._scan import BadRow
from w2v.vectors.salvage import BLOCK, Block, Tape, flush, header_size

if TYPE_CHECKING:
    from w2v.vectors.salvage import Salvage

__all__ = ["text_blocks"]

STAND_IN = b"w "  # a word before each row of the projector's file, so that the reader of text rows can read it
LONGEST_LINE = 16 << 20  # bytes that are kept of it
KINDS = {"not finite": "not finite", "empty word": "no word"}  # else the row has the wrong length


def text_blocks(salvage: Salvage, tape: Tape) -> Iterator[Block]:
    """Lines that are rows. A word may hold spaces: the last `dim` fields are its numbers."""
    if salvage.kind == "projector":
        from w2v.vectors.salvage_arrays import with_words

        return with_words(salvage, _lines(salvage, _with_words_put_in(salvage, tape), False))
    tape.fill(header_size(salvage.header))
    tape.skip(header_size(salvage.header))
    return _lines(salvage, tape, True)


def _with_words_put_in(salvage: Salvage, tape: Tape) -> Tape:
    """The projector's numbers as rows of text."""
    begun = False

    def read(_size: int) -> bytes:
        nonlocal begun
        if not tape.fill(1):
            return b""
        block = bytes(tape.view())
        tape.skip(len(block))
        start, begun = b"" if begun else STAND_IN, True
        return start + block.replace(b"\t", b" ").replace(b"\n", b"\n" + STAND_IN)

    return Tape(read, lambda what: salvage.tally("packing", what))


def _lines(salvage: Salvage, tape: Tape, own_words: bool) -> Iterator[Block]:
    assert salvage.dim is not None
    collector = Collector(salvage.dim, text=True, spaced=own_words)
    row, blank, held = 0, 0, None  # `held`: the last block, whose last row may be cut
    first_line = 1 + (salvage.header is not None)

    def place(number: int, back: int = 0) -> str:
        byte = f", byte {tape.offset - back}" if own_words else ""  # the stand-ins are not in the file
        return f"row {number + 1} (line {number + first_line}{byte})"

    while tape.fill(1):
        tape.fill(BLOCK)
        bad = None
        try:
            used = collector.feed(tape.view(), tape.offset, 1 << 62, tape.ended)
            if not used and not tape.ended:
                tape.fill(tape.left + BLOCK)
        except BadRow as caught:
            bad, used = caught, caught.offset - tape.offset
        if used and tape.ended and used == tape.left:
            salvage.last_newline = tape.data.endswith(b"\n")
        tape.skip(used)
        block = flush(collector, row)
        if block is not None:
            if blank:  # lines without anything between rows
                salvage.tally("no word", f"line {row - blank + first_line}", blank)
                blank = 0
            if held is not None:
                yield held
            held = block
            row += len(block.words)
        if bad is not None:
            line = _take_line(tape)
            if not line.strip(b" \r\n") or (not own_words and line.strip() == STAND_IN.strip()):
                blank += 1
            else:
                cut = not line.endswith(b"\n")
                salvage.tally("cut short" if cut else KINDS.get(bad.what, "wrong length"), place(row, len(line)))
                salvage.last_newline = not cut
            row += 1
        elif not used and tape.ended:
            break
    salvage.rows = row - blank
    if salvage.promised is not None and salvage.rows < salvage.promised:
        if "cut short" not in salvage.damage:
            salvage.tally("cut short", f"row {salvage.rows + 1} (byte {tape.offset})")
        if not salvage.last_newline and held is not None and int(held.rows[-1]) == salvage.rows - 1:
            # All of its numbers are there, but the last of them may have been longer.
            held = Block(held.rows[:-1], held.words[:-1], held.values[:-1])
    elif salvage.promised is not None and salvage.rows > salvage.promised:
        salvage.tally("rows past the header", f"row {salvage.promised + 1}", salvage.rows - salvage.promised)
    if held is not None and len(held.words):
        yield held


def _take_line(tape: Tape) -> bytes:
    """Go past a line; returns it with its newline (of a line beyond any sense, only the end)."""
    size = 0
    while (end := tape.data.find(b"\n", tape.position + size)) < 0:
        size = tape.left
        if size > LONGEST_LINE:
            tape.skip(size)
            size = 0
        if not tape.fill(size + 1):
            break
    stop = end + 1 if end >= 0 else len(tape.data)
    line = tape.data[tape.position : stop]
    tape.skip(len(line))
    return line
