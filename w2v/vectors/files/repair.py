"""A damaged vector file made whole: good rows are kept as they are, the others left out, nothing is made up."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import BinaryIO

import numpy as np

from w2v.errors import VectorsError
from w2v.findings import Tally
from w2v.vectors._scan import row_norms
from w2v.vectors.files.check import FAULTS, DamagedFile, oddities_of, plain_spelling
from w2v.vectors.formats.rows import show_word
from w2v.vectors.formats.salvage import Block
from w2v.vectors.vectors import Vectors

__all__ = ["REPAIRS", "Repairs", "repair"]

ROWS = 8192  # moved at once
Repairs = dict[str, Tally]  # kind -> how many, and the first places

# kind -> what was done, for one and for many of them; {} is the count
REPAIRS = {
    "packing": "the compressed data is damaged: what came before it is kept",
    "cut short": "the file was cut short: its whole rows are kept",
    "numbers a row": "the header's number of numbers a row was wrong",
    "rows past the header": "{} rows past the header's number kept",
    "bytes after the end": "{} bytes after the last row left out",
    "lost bytes": "{} gaps: bytes that are no rows left out, and the rows beside them",
    "not finite": "{} rows left out, with NaN or infinite numbers",
    "wrong length": "{} rows left out, with too few or too many numbers, or with something else among them",
    "no word": "{} rows left out, without a word",
    "words missing": "{} rows left out, for which there is no word",
    "byte order mark": "the byte order mark left out",
    "zero rows": "{} rows left out, of zeros",
    "duplicates": "{} rows left out, whose word is in an earlier row",
    "spaces in text": "{} rows read with spaces in the word: of each line the last fields are taken for its numbers",
    "spaces in binary": "{} rows read with spaces in the word: it ends where numbers of the usual size begin",
    "renamed": "{} words renamed: _ for white space, U+FFFD for bytes that are not UTF-8, no control characters",
    "zero bytes": "{} rows left out, in whose word bytes are zero: what they were is lost",
    "nothing left": "{} rows left out, whose word is nothing but white space or control characters",
    "taken": "{} rows left out, whose word would be that of another row once renamed",
}


def repair(
    path: str | os.PathLike[str] | BinaryIO, *, format: str | None = None, words: str | os.PathLike[str] | None = None
) -> tuple[Vectors, Repairs]:
    """(the good rows of a file, what had to be repaired). VectorsError if it has none."""
    blocks: list[Block] = []  # their numbers go into `table`
    repairs: Repairs = {}
    table = _Table()
    with DamagedFile(path, format, words) as salvage:
        for block in salvage:
            zero = np.frombuffer(row_norms(block.values), np.float64) == 0
            for place in np.flatnonzero(zero).tolist():
                _tally(repairs, "zero rows", block, place)
            block = _kept(block, ~zero)
            if salvage.spaces:
                for place in [place for place, word in enumerate(block.words) if b" " in word]:
                    _tally(repairs, salvage.spaces, block, place)
            table.add(block.values)
            blocks.append(block._replace(values=block.values[:0].copy()))
        if more := salvage.damage.get("words too many"):
            raise VectorsError(
                f"{more.where}: more words than the {salvage.rows:,} rows of numbers, so it is unclear which word "
                f"belongs to which row; is it the words of another file, or a line that is no word?"
            )
        repairs = {**salvage.damage, **repairs}
        names = [name for some in _names(blocks, repairs) for name in some]
        spellings = [name for name in names if name is not None]
        if not spellings:
            raise VectorsError(f"{salvage.name}: no row of the file can be used; there is nothing to write")
        repaired = Vectors(spellings, table.rows(np.array([name is not None for name in names], bool)))
        repaired.metadata.update(salvage.metadata)
        if salvage.subwords is not None:  # the words' own rows follow from their vectors
            repaired.subwords = replace(salvage.subwords, own=None)
    return repaired, {kind: repairs[kind] for kind in REPAIRS if kind in repairs}


class _Table:
    """Rows of numbers, added block by block to one array that grows in its place."""

    def __init__(self) -> None:
        self.matrix = np.empty((0, 0), np.float32)
        self.count = 0

    def add(self, values: np.ndarray) -> None:
        end = self.count + len(values)
        if not self.count:
            self.matrix = np.empty((max(end, 1024), values.shape[1]), np.float32)
        elif end > len(self.matrix):
            # realloc moves pages of a large array, not bytes.
            self.matrix.resize((end + end // 4, self.matrix.shape[1]), refcheck=False)
        self.matrix[self.count : end] = values
        self.count = end

    def rows(self, keep: np.ndarray) -> np.ndarray:
        """The rows that are kept (bool [count]), moved together in their place."""
        at = 0
        for low in range(0, self.count, ROWS):
            kept = self.matrix[low : min(low + ROWS, self.count)][keep[low : low + ROWS]]
            self.matrix[at : at + len(kept)] = kept
            at += len(kept)
        return self.matrix[:at]


def _kept(block: Block, keep: np.ndarray) -> Block:
    if keep.all():
        return block
    words = [word for word, kept in zip(block.words, keep.tolist(), strict=True) if kept]
    return Block(block.rows[keep], words, block.values[keep])


def _names(blocks: list[Block], repairs: Repairs) -> list[list[bytes | None]]:
    """For each block the words that its rows will have; None for a row that is left out.

    A word that needs no new spelling comes before one that does, wherever it stands.
    """
    taken: set[bytes] = set()
    names: list[list[bytes | None]] = []
    odd: list[dict[int, bytes]] = []
    for block in blocks:
        places = [place for place, kind in oddities_of(block.words) if kind in FAULTS]
        found = {place: plain_spelling(block.words[place]) for place in places}
        odd.append(found)
        some: list[bytes | None] = list(block.words)
        for place, word in enumerate(block.words):
            if place in found:
                continue
            if word in taken:
                some[place] = None
                _tally(repairs, "duplicates", block, place)
            taken.add(word)
        names.append(some)
    seen: set[bytes] = set()
    for block, some, found in zip(blocks, names, odd, strict=True):
        for place, spelling in found.items():
            kind = "renamed"
            if block.words[place] in seen:
                kind = "duplicates"
            elif b"\0" in block.words[place]:
                kind = "zero bytes"
            elif not spelling:
                kind = "nothing left"
            elif spelling in taken:
                kind = "taken"
            some[place] = spelling if kind == "renamed" else None
            seen.add(block.words[place])
            if kind == "renamed":
                taken.add(spelling)
            _tally(repairs, kind, block, place)
    return names


def _tally(repairs: Repairs, kind: str, block: Block, place: int) -> None:
    tally = repairs.setdefault(kind, Tally())
    tally.add(f"row {int(block.rows[place]) + 1} {show_word(block.words[place])}" if len(tally.places) < 3 else "")
