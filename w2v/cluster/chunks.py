"""The corpus in parts that one node trains at a time: lines of a file, or a whole compressed file that cannot be cut.

Where a part begins follows from the file alone: every process that looks at the same place finds the same line.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from w2v.cluster.files import is_plain, open_source
from w2v.cluster.packed import PackedSource, parts_of
from w2v.corpus.sources import STREAM, TEXT, Source
from w2v.threads import in_order

__all__ = ["Chunk", "align", "begins", "cut", "cut_size", "line_start"]

SMALLEST, USUAL, LARGEST = 1 << 20, 64 << 20, 256 << 20  # bytes of text
FEW, MANY = 64, 16384  # a small corpus is cut into as many parts at least, a huge one into as many at most
PACKED = 3  # bytes of text for a byte of a compressed one, about
MOST_LOOKED_INTO = 512  # compressed files; more than that are parts enough
LOOKERS = 8
LONGEST_LINE = 64 << 20  # a longer line is cut at a space
STEP = 1 << 20
SPACE = re.compile(rb"[ \t]")


@dataclass(frozen=True)
class Chunk:
    """One part of the corpus; `number` is its place in it, `digest` that of its text, once it is counted."""

    number: int
    source: Source
    digest: str = ""

    @property
    def name(self) -> str:
        source = self.source
        return source.path if source.stop is None else f"{source.path}[{source.origin}:{source.stop}]"

    @property
    def bytes(self) -> int:
        """In the file, compressed or not."""
        source = self.source
        return (source.size or 0) if source.stop is None else source.stop - source.origin


def cut_size(total: int) -> int:
    """Bytes of a part, of a corpus of `total`: 64 MiB to 256 MiB, less where there would be too few parts to share."""
    return max(SMALLEST, min(total // FEW, USUAL), min(total // MANY, LARGEST))


def cut(sources: Iterable[Source], size: int | None = None) -> list[Chunk]:
    """The parts of all files, in order, nowhere aligned yet: looking for lines is the nodes' work. Raises OSError."""
    sources = list(sources)
    size = size or cut_size(sum(source.size or 0 for source in sources))
    packed = [source for source in sources if not is_plain(source)]
    parts: dict[Source, list[Source]] = {source: [source] for source in packed}
    if len(packed) <= MOST_LOOKED_INTO:
        found = in_order(lambda source: parts_of(source, max(1, size // PACKED)), packed, LOOKERS)
        parts = dict(zip(packed, found, strict=True))
    cuts = (parts[source] if source in parts else plain_parts(source, size) for source in sources)
    return [Chunk(number, part) for number, part in enumerate(itertools.chain.from_iterable(cuts))]


def plain_parts(source: Source, size: int) -> list[Source]:
    """Parts of about `size` bytes; only the first one is looked at as the beginning of a file."""
    text = (source.size or 0) - source.origin
    count = max(1, round(text / size))
    ends = [source.origin + text * i // count for i in range(count + 1)]
    parts = [dataclasses.replace(source, origin=start, stop=stop) for start, stop in itertools.pairwise(ends)]
    if source.kind == STREAM:
        parts[1:] = [dataclasses.replace(part, kind=TEXT) for part in parts[1:]]
    return parts


def begins(chunks: Sequence[Chunk], number: int) -> bool:
    """Whether a chunk is the first one of its file, which may be given several times."""
    here, before = chunks[number].source, chunks[number - 1].source
    return number == 0 or before.path != here.path or before.stop != here.origin


def align(chunk: Chunk, begins: bool) -> Chunk:
    """The chunk from the first line that begins in it to the first one that begins behind it.

    `begins`: it is the first of its file. Raises OSError, CorpusError.
    """
    source = chunk.source
    if isinstance(source, PackedSource):
        skip = 0 if begins else line_end(source)
        extra = 0 if source.stop is None else line_end(dataclasses.replace(source, origin=source.stop, stop=None))
        return Chunk(chunk.number, dataclasses.replace(source, skip=skip, extra=extra))
    if source.stop is None:
        return chunk
    with open_source(source) as file:
        start = source.origin if begins else line_start(file, source.origin)
        stop = line_start(file, source.stop)
    return Chunk(chunk.number, dataclasses.replace(source, origin=start, stop=max(start, stop), size=stop - start))


def line_end(source: PackedSource, longest: int | None = None) -> int:
    """Bytes of its text before its first whole line; as `line_start` has it."""
    longest = longest or LONGEST_LINE
    at, space = 0, -1
    for data, _ in source.unpacked():
        data = data[: longest - at]
        end = data.find(b"\n")
        if end >= 0:
            return at + end + 1
        if space < 0 and (found := SPACE.search(data)):
            space = at + found.start()
        at += len(data)
        if at >= longest:
            return at if space < 0 else space
    return at


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
