"""Compressed files cut where their members begin: gzip members, bzip2 streams, zstd frames, blocks of xz.

A part holds the lines that begin in its members, as for plain files: from behind the first line feed of its first
member to behind the first one of the next part's first member. So it needs a little of what follows it, and all parts
together are the text, byte for byte. Where a member begins is found without unpacking what is before it: xz has an
index at its end; in the other formats a signature is searched for behind each place where a cut is wanted, and what
follows is verified. Where nothing is found the file is one part.
"""

from __future__ import annotations

import itertools
import re
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from w2v.cluster.files import PipedSource, open_source
from w2v.corpus.sources import TEXT, Source, check_text
from w2v.decoders import decoders_for
from w2v.errors import CorpusError
from w2v.files import BZIP2, HEAD_BYTES, MAGIC_BYTES, RAW_BYTES, Decompressor, compression_of

__all__ = ["PackedSource", "member_starts", "parts_of"]

WINDOW = {"gzip": 2 << 20, "bzip2": 2 << 20, "zstd": 16 << 20}  # bytes in which a member must begin, and end
SIGNATURE = {"gzip": re.compile(rb"\x1f\x8b\x08[\0-\x1f]"), "bzip2": BZIP2, "zstd": re.compile(rb"\x28\xb5\x2f\xfd")}
MOST_TEXT = 256 << 20  # of a member that is unpacked to see whether it is one
ZSTD_BLOCK = 1 << 17  # RFC 8878, 3.1.1.2.4
XZ_ENDS = 12  # bytes of an xz stream's header, and of its footer
XZ_INDEX = 64 << 20  # bytes; a longer index is not read
XZ_MAGIC = b"\xfd7zXZ\0"
XZ_SMALLEST = 5  # bytes of a block without its padding
STEP = 1 << 20


@dataclass(frozen=True)
class PackedSource(PipedSource):
    """Some members of a compressed file, from byte `origin` up to byte `stop`, `size` bytes.

    The text begins `skip` bytes behind that of the first member, and ends `extra` bytes behind that of the last.
    """

    packed: str = ""  # the compression
    skip: int = 0
    extra: int = 0

    def pieces(self) -> Iterator[bytes]:
        """The text; the file's beginning is looked at as that of any other."""
        text = self._lines()
        if self.origin == 0:
            head = b""
            while len(head) < HEAD_BYTES and (piece := next(text, b"")):
                head += piece
            yield head[check_text(head[:HEAD_BYTES], self.path) if head else 0 :]
        yield from text

    def _lines(self) -> Iterator[bytes]:
        at, end = 0, None
        for data, beyond in self.unpacked():
            if beyond and end is None:
                end = at + self.extra
            yield data[max(0, self.skip - at) : None if end is None else end - at]
            at += len(data)
            if end is not None and at >= end:
                return

    def unpacked(self) -> Iterator[tuple[bytes, bool]]:
        """The text of the members from `origin` to the end of the file, and whether `stop` is reached."""
        with open_source(self) as file:
            members = Members(self, file)
            while data := members.read(STEP):
                yield data, members.beyond


class Members(Decompressor):
    """The text of a file from one of its members on; `beyond` when the one that begins at `stop` is reached."""

    def __init__(self, source: PackedSource, file: BinaryIO):
        self.stop, self.beyond = source.stop, False
        self.blocks = None
        if source.packed == "xz":
            index = xz_blocks(file)
            self.blocks = XzBlocks(file, index, bisect_left(index.places, source.origin))
        else:
            file.seek(source.origin)
        super().__init__(source.packed, self.blocks.read if self.blocks else file.read, source.path, CorpusError)
        self.raw_bytes = 0 if self.blocks else source.origin

    def _next_member(self) -> bool:
        found = super()._next_member()
        if self.stop is None or self.beyond:
            return found
        if self.blocks and found:
            place = self.blocks.index.places[self.blocks.first + self.members - 1]
        else:
            place = self.place
        if not found or place >= self.stop:
            if not found or place != self.stop:
                raise CorpusError(f"{self.name}: no {self.kind} data begin at byte {self.stop}; unpack it first")
            self.beyond = True
        return found


def parts_of(source: Source, step: int) -> list[Source]:
    """A compressed file in parts of about `step` bytes; the file itself where it cannot be cut. Raises OSError."""
    starts = member_starts(source, step)
    if len(starts) == 1:
        return [source]
    ends = [*starts[1:], None]
    return [
        PackedSource(source.path, TEXT, (stop or source.size or 0) - start, start, stop, packed=source.kind)
        for start, stop in zip(starts, ends, strict=True)
    ]


def member_starts(source: Source, step: int) -> list[int]:
    """Where members begin that are about `step` bytes apart, from 0 on."""
    size = source.size or 0
    if size < step * 3 // 2:
        return [0]
    with open_source(source) as file:
        if source.kind == "xz":
            starts = [0]
            for place in xz_blocks(file).places[1:]:
                if place - starts[-1] >= step and size - place >= step // 2:
                    starts.append(place)
            return starts
        window = WINDOW[source.kind]
        if find_member(file, source.kind, 1, min(size, window)) is None:
            return [0]  # one member, or few long ones
        starts = [0]
        for place in range(step, size - step // 2, step):
            found = find_member(file, source.kind, place, min(size, place + min(step, window)))
            if found is not None:
                starts.append(found)
        return starts


def find_member(file: BinaryIO, kind: str, first: int, stop: int) -> int | None:
    """Where the first member begins among these bytes."""
    file.seek(first)
    data = file.read(stop - first + MAGIC_BYTES - 1)
    for match in SIGNATURE[kind].finditer(data):
        place = first + match.start()
        if place >= stop:
            return None
        if kind == "bzip2" or (is_gzip_member if kind == "gzip" else is_zstd_frame)(file, place):
            return place  # 80 bits of a signature are enough
    return None


def is_gzip_member(file: BinaryIO, place: int) -> bool:
    """Whether a member begins there: its checksum is right, and another one follows it, or the end."""
    decoder, text = decoders_for("gzip", "", CorpusError)(), 0
    file.seek(place)
    left, data = WINDOW["gzip"], b""
    try:
        while not decoder.eof:
            if decoder.needs_input:
                data = file.read(min(RAW_BYTES, left))
                left -= len(data)
                if not data:
                    return False
            text += len(decoder.decompress(data, STEP))
            data = b""
            if text > MOST_TEXT:
                return False
    except Exception:  # each library has its own kinds: this was no member
        return False
    return ends_well("gzip", decoder.unused_data + file.read(HEAD_BYTES))


def is_zstd_frame(file: BinaryIO, place: int) -> bool:
    """Whether a frame begins there: its blocks follow one another to another frame, or to the end (RFC 8878, 3.1.1)."""
    file.seek(place + 4)
    head = file.read(1)
    if not head or head[0] & 8:  # a reserved bit
        return False
    single = head[0] >> 5 & 1
    at = place + 5 + (1 - single) + (0, 1, 2, 4)[head[0] & 3] + (single, 2, 4, 8)[head[0] >> 6]
    while at - place < WINDOW["zstd"]:
        file.seek(at)
        header = int.from_bytes(block := file.read(3), "little")
        kind, size = header >> 1 & 3, header >> 3
        if len(block) < 3 or kind == 3 or size > ZSTD_BLOCK:
            return False
        at += 3 + (1 if kind == 1 else size)
        if header & 1:
            file.seek(at + 4 * (head[0] >> 2 & 1))
            return ends_well("zstd", file.read(HEAD_BYTES))
    return False


def ends_well(kind: str, following: bytes) -> bool:
    """Whether these bytes behind a member are those of another one, or none."""
    following = following.lstrip(b"\0")
    return not following or compression_of(following) == kind


# xz: https://tukaani.org/xz/xz-file-format.txt


class XzIndex:
    """The blocks of an xz file, in order: where each is, its size without padding, the size of its text, and the flags
    of its stream. 25 bytes each, of which there may be one for ten bytes of the file."""

    def __init__(self) -> None:
        self.places, self.unpadded, self.texts, self.flags = array("q"), array("q"), array("q"), bytearray()

    def __len__(self) -> int:
        return len(self.places)


def xz_blocks(file: BinaryIO) -> XzIndex:
    """All blocks, by the indexes at the ends of the file's streams; none if anything is odd about these."""
    found = XzIndex()
    end = file.seek(0, 2)
    window = 4
    while end > 0:
        file.seek(max(0, end - window))
        tail = file.read(min(window, end))
        padding = (len(tail) - len(tail.rstrip(b"\0"))) // 4 * 4  # between streams
        if padding:
            end -= padding
            window = min(2 * window, RAW_BYTES)
            continue
        window = 4
        try:
            end = add_xz_stream(found, file, end)
        except ValueError:
            return XzIndex()
    for column in (found.places, found.unpadded, found.texts, found.flags):
        column.reverse()
    return found


def add_xz_stream(found: XzIndex, file: BinaryIO, end: int) -> int:
    """Append the blocks of the stream that ends there, the last one first; returns where it begins.

    Raises ValueError if there is none, or an odd one.
    """
    file.seek(max(0, end - XZ_ENDS))
    footer = file.read(XZ_ENDS)
    if len(footer) < XZ_ENDS or footer[10:] != b"YZ" or zlib.crc32(footer[4:10]).to_bytes(4, "little") != footer[:4]:
        raise ValueError("no footer")
    length = (int.from_bytes(footer[4:8], "little") + 1) * 4
    if length > min(XZ_INDEX, end - 2 * XZ_ENDS):
        raise ValueError("an index that is too long")
    file.seek(end - XZ_ENDS - length)
    index = file.read(length)
    if zlib.crc32(index[:-4]).to_bytes(4, "little") != index[-4:]:
        raise ValueError("a wrong checksum")
    numbers = varints(index[1:-4])
    count = next(numbers, 0)
    sizes = array("q", itertools.islice(numbers, 2 * count))
    unpadded, texts = sizes[::2], sizes[1::2]
    if len(sizes) != 2 * count or min(unpadded, default=XZ_SMALLEST) < XZ_SMALLEST:
        raise ValueError("blocks that cannot be")
    place = end - XZ_ENDS - length
    for size in reversed(unpadded):
        place -= -(-size // 4) * 4
        if place < XZ_ENDS:
            raise ValueError("blocks that are not in the file")
        found.places.append(place)
    start = place - XZ_ENDS
    file.seek(start)
    header = file.read(XZ_ENDS)
    if compression_of(header) != "xz" or header[6:8] != footer[8:10]:
        raise ValueError("no header")
    found.unpadded.extend(reversed(unpadded))
    found.texts.extend(reversed(texts))
    found.flags += header[7:8] * count
    return start


def varints(data: bytes) -> Iterator[int]:
    """ValueError for one of more than nine bytes."""
    value, shift = 0, 0
    for byte in data:
        if shift > 56:
            raise ValueError("a number that is too long")
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield value
            value = shift = 0


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


class XzBlocks:
    """Blocks, from number `first` on, as a file in which each is a stream of its own, which any decoder unpacks."""

    def __init__(self, file: BinaryIO, index: XzIndex, first: int = 0):
        self.file, self.index, self.first = file, index, first
        self._pieces = self._streams()

    def read(self, _size: int) -> bytes:
        return next(self._pieces, b"")

    def _streams(self) -> Iterator[bytes]:
        for number in range(self.first, len(self.index)):
            unpadded, flags = self.index.unpadded[number], bytes([0, self.index.flags[number]])
            yield XZ_MAGIC + flags + zlib.crc32(flags).to_bytes(4, "little")
            self.file.seek(self.index.places[number])
            left = -(-unpadded // 4) * 4
            while left:
                data = self.file.read(min(left, RAW_BYTES))
                if not data:
                    return
                left -= len(data)
                yield data
            index = b"\0\1" + varint(unpadded) + varint(self.index.texts[number])
            index += bytes(-len(index) % 4)
            index += zlib.crc32(index).to_bytes(4, "little")
            tail = (len(index) // 4 - 1).to_bytes(4, "little") + flags
            yield index + zlib.crc32(tail).to_bytes(4, "little") + tail + b"YZ"
