"""Decoders of gzip, bzip2, xz and zstd with the manners of bz2.BZ2Decompressor, each for one member of a file.

decompress(data, size) gives about `size` bytes at most; `needs_input` says whether it wants more data for that, `eof`
that the member has ended, `unused_data` what followed it. So no file decides how much memory is taken.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from w2v.errors import W2VError

__all__ = ["Decoder", "decoders_for"]

XZ_MEMORY = 1 << 30  # bytes; for the dictionary of a hostile .xz (xz -9 takes 65 MB)
ZSTD_BLOCK = 1 << 17  # bytes; the most that a block stands for (RFC 8878, 3.1.1.2.4)


class Decoder(Protocol):
    """What decodes one member."""

    @property
    def needs_input(self) -> bool: ...
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, size: int, /) -> bytes: ...


def decoders_for(kind: str, name: str, error: type[W2VError]) -> Callable[[], Decoder]:
    """What makes a decoder for each member of a file; raises `error` with the file's name if this Python has none."""
    try:
        if kind == "gzip":
            try:
                from isal import isal_zlib as zlib  # two to three times as fast; used where it is installed
            except ImportError:
                import zlib
            return partial(_Gzip, zlib)
        if kind == "bzip2":
            import bz2

            return bz2.BZ2Decompressor
        if kind == "xz":
            import lzma

            return partial(lzma.LZMADecompressor, lzma.FORMAT_XZ, memlimit=XZ_MEMORY)
    except ImportError as e:  # a Python built without the library
        raise error(f"{name}: this Python cannot read {kind} ({e}); unpack the file first") from None
    try:
        from compression.zstd import ZstdDecompressor  # Python 3.14

        decoder: type[Decoder] = ZstdDecompressor
        return decoder
    except ImportError:
        pass
    try:
        import zstandard
    except ImportError:
        raise error(f"{name}: zstd is read with the `zstandard` package: pip install 'w2v[zstd]'") from None
    return partial(_Zstandard, zstandard.ZstdDecompressor())  # one after the other, the frames can share it


class _Inflater(Protocol):
    """The objects of zlib and isal."""

    eof: bool
    unused_data: bytes
    unconsumed_tail: bytes

    def decompress(self, data: bytes, size: int, /) -> bytes: ...


class _Gzip:
    """Header, length and CRC are checked by zlib."""

    def __init__(self, zlib: Any) -> None:
        self._zlib: _Inflater = zlib.decompressobj(31)
        self._tail = b""
        self._full = False

    @property
    def needs_input(self) -> bool:
        return not self._tail and not self._full

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, size: int) -> bytes:
        out = self._zlib.decompress(self._tail + data if self._tail else data, size)
        self._tail = self._zlib.unconsumed_tail
        self._full = len(out) >= size  # more may wait inside
        return out


class _Unbounded(Protocol):
    """The objects of zstandard."""

    eof: bool
    unused_data: bytes

    def decompress(self, data: bytes, /) -> bytes: ...


class _Zstandard:
    """The zstandard package has no bound on what one call returns, so it gets a bounded number of blocks."""

    def __init__(self, decompressor: Any) -> None:
        self._decoder: _Unbounded = decompressor.decompressobj()
        self._blocks = _ZstdBlocks()
        self._input = b""

    @property
    def needs_input(self) -> bool:
        return not self._input

    @property
    def eof(self) -> bool:
        return self._decoder.eof

    @property
    def unused_data(self) -> bytes:
        return self._decoder.unused_data + self._input

    def decompress(self, data: bytes, size: int) -> bytes:
        data = self._input + data if self._input else data
        end = self._blocks.cut(data, max(1, size // ZSTD_BLOCK))
        self._input = data[end:]
        return self._decoder.decompress(data[:end] if self._input else data)


class _ZstdBlocks:
    """Finds where the blocks of one zstd frame end (RFC 8878, 3.1.1)."""

    def __init__(self) -> None:
        self._header = b""
        self._wanted = 4  # bytes of the header that comes next
        self._parse = self._magic
        self._left = 0  # bytes until then
        self._checksum = 0
        self._ended = False
        self._count = 0

    def cut(self, data: bytes, most: int) -> int:
        """How many bytes of `data`, which follows what was seen before, hold no more than `most` blocks."""
        at = 0
        self._count = 0
        while at < len(data):
            if self._left:
                step = min(self._left, len(data) - at)
                self._left -= step
                at += step
            elif self._ended or self._count == most:
                break
            else:
                more = data[at : at + self._wanted - len(self._header)]
                at += len(more)
                self._header += more
                if len(self._header) == self._wanted:
                    header, self._header = self._header, b""
                    self._parse(header)
        return max(at, 1)  # garbage goes to the decoder too, which says so

    def _magic(self, header: bytes) -> None:
        if header == b"\x28\xb5\x2f\xfd":
            self._wanted, self._parse = 1, self._descriptor
        else:  # a frame to skip
            self._parse = self._skipped

    def _skipped(self, header: bytes) -> None:
        self._left = int.from_bytes(header, "little")
        self._ended = True

    def _descriptor(self, header: bytes) -> None:
        single, content_size = header[0] >> 5 & 1, header[0] >> 6
        self._checksum = 4 * (header[0] >> 2 & 1)
        window, dictionary = 1 - single, (0, 1, 2, 4)[header[0] & 3]
        self._left = window + dictionary + (single, 2, 4, 8)[content_size]
        self._wanted, self._parse = 3, self._block

    def _block(self, header: bytes) -> None:
        value = int.from_bytes(header, "little")
        last, kind, size = value & 1, value >> 1 & 3, value >> 3
        self._left = 1 if kind == 1 else size  # kind 1: one byte, many times
        self._count += 1
        if last:
            self._left += self._checksum
            self._ended = True
