"""The corpus in parts that one node trains at a time: lines of a plain file, or a whole compressed file.

Where a part begins is told from the file alone: every process that looks at the same place finds the same line.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

from w2v.cluster.files import is_plain, open_source
from w2v.corpus.sources import Source

__all__ = ["Chunk", "align", "cut", "cut_size", "line_start"]

SMALLEST, USUAL, LARGEST = 1 << 20, 64 << 20, 256 << 20  # bytes of text
FEW, MANY = 64, 16384  # a small corpus is cut into as many parts at least, a huge one into as many at most
LONGEST_LINE = 64 << 20  # a longer line is cut at a space
STEP = 1 << 20
SPACE = re.compile(rb"[ \t]")


@dataclass(frozen=True)
class Chunk:
    """One part of the corpus; `number` is its place in it."""

    number: int
    source: Source

    @property
    def name(self) -> str:
        source = self.source
        return source.path if source.stop is None else f"{source.path}[{source.origin}:{source.stop}]"


def cut_size(total: int) -> int:
    """Bytes of a part of a corpus of so many: 64 MiB to 256 MiB, less where there would be too few parts to share."""
    return max(SMALLEST, min(total // FEW, USUAL), min(total // MANY, LARGEST))


def cut(sources: Iterable[Source], size: int | None = None) -> list[Chunk]:
    """The parts of all files, in order, nowhere aligned yet: looking into the files is the nodes' work."""
    sources = list(sources)
    size = size or cut_size(sum(source.size or 0 for source in sources))
    chunks: list[Chunk] = []
    for source in sources:
        if not is_plain(source):
            chunks.append(Chunk(len(chunks), source))
            continue
        text = (source.size or 0) - source.origin
        parts = max(1, round(text / size))
        ends = [source.origin + text * i // parts for i in range(parts + 1)]
        for start, stop in itertools.pairwise(ends):
            chunks.append(Chunk(len(chunks), dataclasses.replace(source, origin=start, stop=stop)))
    return chunks


def align(chunk: Chunk, begins: bool) -> Chunk:
    """The chunk from the first line that begins in it to the first one that begins behind it.

    `begins`: it is the first of its file. Raises OSError.
    """
    source = chunk.source
    if source.stop is None:
        return chunk
    with open_source(source) as file:
        start = source.origin if begins else line_start(file, source.origin)
        stop = line_start(file, source.stop)
    return Chunk(chunk.number, dataclasses.replace(source, origin=start, stop=max(start, stop), size=stop - start))


def line_start(file: BinaryIO, place: int, longest: int = LONGEST_LINE) -> int:
    """Where the first line at or after `place` begins; within a very long line a space, at the end of the file that."""
    file.seek(place - 1)
    at, space = place - 1, -1
    while data := file.read(min(STEP, place - 1 + longest - at)):
        end = data.find(b"\n")
        if end >= 0:
            return at + end + 1
        if space < 0 and (found := SPACE.search(data, 1 if at < place else 0)):
            space = at + found.start()
        at += len(data)
    if at < place - 1 + longest or space < 0:  # the file ends, or this is no text
        return max(at, place)
    return space
