"""Files opened by what is in them: plain, gzip, bzip2, xz, zstd, each with several members one after the other.

Neutral ground: corpus, vectors and cli may import it. The kind is recognised by the first bytes, never by the name.
"""

from __future__ import annotations

import io
import os
import re
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any, TextIO

from w2v.decoders import Decoder, decoders_for
from w2v.errors import W2VError
from w2v.safetensors import is_safetensors

__all__ = [
    "HEAD_BYTES",
    "LONGEST_LINE",
    "MAGIC_BYTES",
    "UTF8_BOM",
    "Decompressor",
    "check_supported",
    "compression_of",
    "encoding_by_mark",
    "foreign_format",
    "lines_of",
    "open_by_content",
    "refuse_endless",
    "standard_input",
    "unpacked",
    "without_mark",
]

UTF8_BOM = b"\xef\xbb\xbf"
WIDE_MARKS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
MARK_BYTES = 4
MARK_STARTS = {mark[:1] for mark in (UTF8_BOM, *(mark for mark, _ in WIDE_MARKS))}
HEAD_BYTES = 4096  # what telling a format needs at most
RAW_BYTES = 1 << 18
FIRST_BYTES = 1 << 9  # of a member, given to its decoder; what is behind a short one is copied by the decoder
ZEROS = re.compile(b"\0*")
LONGEST_LINE = 1 << 17  # bytes; the longest word of a vector file is half of that
# Text that unpacks to so many bytes, and to so many times its size, is no list that somebody wrote: questions-words.txt
# takes a 24th of its size in .xz.
UNPACKED_BYTES, UNPACKED_TIMES = 8 << 20, 50

ENDLESS = {(1, 5), (1, 7), (1, 8), (1, 9)} if sys.platform == "linux" else set()  # zero, full, random, urandom

MAGIC = ((b"\x1f\x8b", "gzip"), (b"\xfd7zXZ\x00", "xz"), (b"\x28\xb5\x2f\xfd", "zstd"))
BZIP2 = re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)")  # the second: an empty file
MAGIC_BYTES = 10

# What is recognised by its first bytes and not read here: (first bytes, what it is, what to do)
FOREIGN = (
    (b"version https://git-lfs", "a pointer of Git LFS, not the file", "fetch the file itself: git lfs pull"),
    (b"%PDF-", "a PDF document", "turn it into text first (pdftotext)"),
    (b"\xba\x16\x4f\x2f", "a fastText model", "save its vectors as text (.vec) first"),
    (b"FiFu\0\0\0\0", "a finalfusion embedding file", "convert it with finalfusion-utils"),
    (b"\x93NUMPY", "a NumPy array", "write it as text first"),
    (b"\x89HDF", "an HDF5 file", "write it as text first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it first"),
    (b"Rar!\x1a\x07", "a RAR archive", "unpack it first"),
    (b"PAR1\x15", "a Parquet file", "write its text column as lines first"),
    (b"ARROW1\0\0", "an Arrow file", "write its text column as lines first"),
    (b"{\\rtf", "an RTF document", "save it as plain text first"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a document of an old Office (.doc, .xls)", "save it as plain text first"),
    (b"\x04\x22\x4d\x18", "an lz4 file", "pipe it in: lz4 -dc FILE | w2v ... -"),
    (b"\x1f\x9d", "a file of the old `compress`", "pipe it in: zcat FILE | w2v ... -"),
    (b"LZIP\x01", "an lzip file", "pipe it in: lzip -dc FILE | w2v ... -"),
    (b"SQLite format 3\0", "an SQLite database", "write its text as lines first"),
    (b"\x7fELF", "a program", "give another file"),
    (b"\x89PNG", "a picture", "give another file"),
    (b"\xff\xd8\xff", "a picture", "give another file"),
)


# What a zip archive is, by the name of its first file, which is in its first bytes.
ARCHIVES = (
    (
        rb"[^\0]*/(data\.pkl|byteorder|version|\.format_version)",
        "a PyTorch file (.pt, .pth)",
        "in Python: torch.load(..., weights_only=True), then w2v.Vectors(words, matrix.numpy()).save('vectors.bin')",
    ),
    (rb"[^\0]*\.npy", "a NumPy archive (.npz)", "in Python: numpy.save('vectors.npy', numpy.load('FILE')['NAME'])"),
    (
        rb"\[Content_Types\]\.xml|_rels/|word/|xl/|docProps/|mimetype",
        "a document (.docx, .xlsx, .odt, .epub)",
        "save it as plain text first",
    ),
    (rb"", "a zip archive", "unpack it first"),
)


def compression_of(head: bytes) -> str | None:
    """gzip, bzip2, xz or zstd by the first bytes, else None."""
    for magic, kind in MAGIC:
        if head.startswith(magic):
            return kind
    if BZIP2.match(head):
        return "bzip2"
    if head[1:4] == b"\x2a\x4d\x18" and 0x50 <= head[0] <= 0x5F:  # a skippable frame, as pzstd writes first
        return "zstd"
    return None


def foreign_format(head: bytes) -> tuple[str, str] | None:
    """(what it is, what to do) for a format that is known by its first bytes and not read here, else None."""
    for magic, what, hint in FOREIGN:
        if head.startswith(magic):
            return what, hint
    if head.startswith(b"PK\x03\x04"):
        return next((what, hint) for name, what, hint in ARCHIVES if re.match(name, head[30:]))
    if len(head) > 1 and head[0] == 0x80 and 2 <= head[1] <= 5:
        return "a Python pickle", "write its contents as text first; pickles are never loaded"
    damaged = head[3:8].count(0) > 3 and b'"data_offsets"' in head  # in its first bytes, the length of its header
    if is_safetensors(head) or damaged:
        hint = "it holds vectors, a checkpoint or a damaged encoded corpus; give a text file or encode it again"
        return "a safetensors file", hint
    if head[257:262] == b"ustar":
        return "a tar archive", "unpack it first, or pipe its files in: tar -xOf FILE | w2v ... -"
    return None


def check_supported(kind: str | None, name: str, error: type[W2VError]) -> None:
    """Raise `error` if this Python has no decoder for the kind."""
    if kind is not None:
        decoders_for(kind, name, error)


def refuse_endless(status: os.stat_result, name: str, error: type[W2VError] = W2VError) -> None:
    """Raise `error` for a device that never ends."""
    if stat.S_ISCHR(status.st_mode) and (os.major(status.st_rdev), os.minor(status.st_rdev)) in ENDLESS:
        raise error(f"{name}: is a device that never ends; give another file")


class Decompressor:
    """The text of a compressed stream, piece by piece; damage raises `error` with the name and the byte.

    `read_raw(n)` returns up to n bytes of the stream, b"" at its end. Members follow one another, with zero bytes
    between them if need be; anything else behind a member is an error.
    """

    def __init__(self, kind: str, read_raw: Callable[[int], bytes], name: str, error: type[W2VError] = W2VError):
        self.kind, self.name, self.error = kind, name, error
        self.read_raw = read_raw
        self.raw_bytes = 0
        self.members = 0
        self._input = b""
        self._at = 0  # up to here the input was given to decoders
        self._step = FIRST_BYTES
        self._new_decoder: Callable[[], Decoder] | None = None
        self._decoder: Decoder | None = None

    @property
    def place(self) -> int:
        """The byte of the stream that no decoder has taken yet."""
        return self.raw_bytes - len(self._input) + self._at

    def read(self, size: int) -> bytes:
        """About `size` bytes at most, b"" at the end."""
        while True:
            if self._decoder is None and not self._next_member():
                return b""
            assert self._decoder is not None
            data = self._decode(self._decoder, size)
            if self._decoder.eof:
                self._at -= len(self._decoder.unused_data)
                self._decoder = None
            if data:
                return data

    def _next_member(self) -> bool:
        while True:
            if self.members and (zeros := ZEROS.match(self._input, self._at)):
                self._at = zeros.end()
            if self._at < len(self._input):
                break
            if not self._fill():
                return False
        while len(self._input) - self._at < MAGIC_BYTES and self._fill():
            pass
        if compression_of(self._input[self._at : self._at + MAGIC_BYTES]) != self.kind:
            if self.members == 0:
                raise self.error(f"{self.name}: the {self.kind} data is cut off at byte {self.raw_bytes}")
            raise self._damaged("what follows the compressed data is neither another member nor zero bytes")
        if self._new_decoder is None:
            self._new_decoder = decoders_for(self.kind, self.name, self.error)
        self._decoder = self._new_decoder()
        self._step = FIRST_BYTES
        self.members += 1
        return True

    def _fill(self) -> bool:
        data = self.read_raw(RAW_BYTES)
        self.raw_bytes += len(data)
        self._input = self._input[self._at :] + data
        self._at = 0
        return bool(data)

    def _decode(self, decoder: Decoder, size: int) -> bytes:
        ended = False
        piece = b""
        if decoder.needs_input:
            if self._at == len(self._input):
                ended = not self._fill()
            piece = self._input[self._at : self._at + self._step]
            self._at += len(piece)
            self._step = min(8 * self._step, RAW_BYTES)
        try:
            data = decoder.decompress(piece, size)
        except Exception as e:  # each library has its own kinds; all of them mean damage
            if isinstance(e, MemoryError):
                raise
            raise self._damaged(str(e)) from e
        if ended and not data and not decoder.eof:
            raise self.error(
                f"{self.name}: the {self.kind} data is cut off at byte {self.raw_bytes}; "
                "the file was not copied or written to its end"
            )
        return data

    def _damaged(self, why: str) -> W2VError:
        return self.error(
            f"{self.name}: the {self.kind} data is damaged near byte {self.place} ({why}); get the file again"
        )


class _RawStream(io.RawIOBase):
    """What `unpacked` reads as a raw stream, for io.BufferedReader."""

    def __init__(self, read: Callable[[int], bytes], file: io.FileIO):
        self._read, self._file = read, file
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            self._rest = memoryview(self._read(max(len(buffer), 1 << 16)))
        n = min(len(buffer), len(self._rest))
        buffer[:n] = self._rest[:n]
        self._rest = self._rest[n:]
        return n

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def open_by_content(path: str | os.PathLike[str], error: type[W2VError] = W2VError) -> io.BufferedReader:
    """Open a text for reading, decompressed if its first bytes say so, without a byte order mark; damage, and another
    encoding, raise `error` while reading."""
    file = open(path, "rb", buffering=0)  # noqa: SIM115  the caller closes it
    try:
        read, _ = unpacked(file.read, os.fspath(path), error)
        return io.BufferedReader(_RawStream(without_mark(read, os.fspath(path), error), file), 1 << 16)
    except BaseException:
        file.close()
        raise


def unpacked(
    read_raw: Callable[[int], bytes], name: str, error: type[W2VError]
) -> tuple[Callable[[int], bytes], Decompressor | None]:
    """(what reads the text of a stream, its decompressor if the first bytes say that it is compressed)."""
    start = b""
    # Fewer bytes that end a line are one that was typed, or sent by a program that waits for the answer.
    while len(start) < MAGIC_BYTES and not start.endswith(b"\n") and (data := read_raw(RAW_BYTES)):
        start += data

    def read_on(size: int) -> bytes:
        nonlocal start
        if start:
            data, start = start[:size], start[size:]
            return data
        return read_raw(size)

    kind = compression_of(start)
    packed = Decompressor(kind, read_on, name, error) if kind else None
    return (packed.read if packed else read_on), packed


def standard_input() -> TextIO:
    """`sys.stdin`; W2VError where it is closed: its descriptor may then be any other file's."""
    if sys.stdin is None:
        raise W2VError("standard input is closed; give a file")
    return sys.stdin


def encoding_by_mark(head: bytes) -> str | None:
    """UTF-16 or UTF-32 by the byte order mark."""
    return next((encoding for mark, encoding in WIDE_MARKS if head.startswith(mark)), None)


def without_mark(read: Callable[[int], bytes], name: str, error: type[W2VError]) -> Callable[[int], bytes]:
    """What reads a text without the byte order mark that it may begin with, in whatever pieces that comes.

    `error` for UTF-16 and UTF-32, as Windows' PowerShell writes them: a mark, and zero bytes as in no other text.
    """
    begun = False

    def read_on(size: int) -> bytes:
        nonlocal begun
        data = read(size)
        if begun:
            return data
        begun = True
        while len(data) < MARK_BYTES and data[:1] in MARK_STARTS and data[-1:] != b"\n" and (more := read(size)):
            data += more
        encoding = encoding_by_mark(data)
        if encoding and b"\0" in data:
            raise error(
                f"{name}: the text is {encoding}, not UTF-8; convert it: iconv -f {encoding} -t UTF-8 FILE > NEW"
            )
        return data.removeprefix(UTF8_BOM) or read(size)

    return read_on


def lines_of(
    path: str | os.PathLike[str],
    error: type[W2VError] = W2VError,
    longest: int = LONGEST_LINE,
    times: int = UNPACKED_TIMES,
    least: int = UNPACKED_BYTES,
) -> Iterator[tuple[int, bytes]]:
    """(number from 1, bytes) of each line of a file, plain or compressed, or of standard input ("-"): without its end,
    the first without a byte order mark. Memory does not grow with the file.

    `error` for a line of more than `longest` bytes, and for what unpacks to more than `least` bytes and `times` its
    size: callers keep what they read.
    """
    name = "<stdin>" if os.fspath(path) == "-" else os.fspath(path)
    with nullcontext(standard_input().buffer) if name == "<stdin>" else open(path, "rb", buffering=0) as file:
        if name != "<stdin>":
            refuse_endless(os.fstat(file.fileno()), name, error)
        packed_read, packed = unpacked(file.read, name, error)
        read = without_mark(packed_read, name, error)
        number, total, pending = 0, 0, b""
        while block := read(RAW_BYTES):
            total += len(block)
            *whole, pending = (pending + block).split(b"\n")
            for line in whole:
                number += 1
                if len(line) > longest:
                    raise error(f"{name}:{number}: the line is longer than {longest} bytes")
                yield number, line.removesuffix(b"\r")
            if len(pending) > longest:
                raise error(f"{name}:{number + 1}: the line is longer than {longest} bytes")
            if packed is not None and total > max(least, times * packed.raw_bytes):
                raise error(
                    f"{name}:{number + 1}: {packed.raw_bytes:,} bytes unpack to more than {total:,}; is it the right "
                    "file? If so, unpack it first"
                )
        if pending:
            yield number + 1, pending.removesuffix(b"\r")
