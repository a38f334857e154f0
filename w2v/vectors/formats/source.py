"""Vector files opened by content: a plain file by its descriptor, anything else as a stream of decompressed bytes."""

from __future__ import annotations

import os
import stat
import sys
from typing import Any, BinaryIO

from w2v.errors import VectorsError

__all__ = ["PEEK", "Source", "open_source"]

PEEK = 64 * 1024  # bytes looked at to tell a format
BLOCK = 1 << 20

COMPRESSED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd"}


class Source:
    """An open vector file.

    `head` holds its first bytes (after decompression), PEEK of them unless it is shorter. A plain file has `fd` and
    `size`; otherwise `fd` is None and `read` gives the bytes from the start, those of the head included.
    """

    def __init__(self, name: str, fd: int | None, size: int | None, stream: Any, compression: str | None):
        self.name = name
        self.fd = fd
        self.size = size
        self.compression = compression
        self._stream = stream
        self._pending = b""
        self._position = 0
        self.head = self._peek()

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: object) -> None:
        if self._stream is not None and self._stream is not sys.stdin.buffer:
            self._stream.close()

    def read(self, size: int = BLOCK) -> bytes:
        """Up to `size` bytes, b"" at the end."""
        if self._pending:
            data, self._pending = self._pending[:size], self._pending[size:]
        else:
            data = self._read(size)
        self._position += len(data)
        return data

    def _peek(self) -> bytes:
        if self.fd is not None:
            return os.pread(self.fd, PEEK, 0)
        while len(self._pending) < PEEK:
            data = self._read(PEEK - len(self._pending))
            if not data:
                break
            self._pending += data
        return self._pending

    def _read(self, size: int) -> bytes:
        try:
            return self._stream.read(size)
        except Exception as error:
            if not _is_decoder_error(error) or not self.compression:
                raise
            place = self._position + len(self._pending)
            raise VectorsError(
                f"{self.name}: the {self.compression} data is cut short or damaged after {place:,} unpacked bytes "
                f"({error}); fetch or write the file again"
            ) from error


def open_source(path: str | os.PathLike[str] | BinaryIO) -> Source:
    """Open a path, "-" (standard input) or an open binary file. OSError as `open`."""
    if hasattr(path, "read"):
        return _from_stream(str(getattr(path, "name", "<stream>")), path)
    name = os.fspath(path)
    if name == "-":
        return _from_stream("<stdin>", sys.stdin.buffer)
    file = open(name, "rb", buffering=0)  # noqa: SIM115 - the Source closes it
    try:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            return _from_stream(name, os.fdopen(os.dup(file.fileno()), "rb"), close=file)
        kind = compression_of(os.pread(file.fileno(), 8, 0))
        if kind:
            return Source(name, None, None, _unpacker(name, kind, file), kind)
        return Source(name, file.fileno(), status.st_size, file, None)
    except BaseException:
        file.close()
        raise


def compression_of(head: bytes) -> str | None:
    return next((kind for magic, kind in COMPRESSED.items() if head.startswith(magic)), None)


def _from_stream(name: str, stream: Any, close: Any = None) -> Source:
    if close is not None:
        close.close()
    if hasattr(stream, "peek"):
        head = stream.peek(8)
    else:
        import io

        stream = io.BufferedReader(_Raw(stream), BLOCK)
        head = stream.peek(8)
    kind = compression_of(head)
    return Source(name, None, None, _unpacker(name, kind, stream) if kind else stream, kind)


def _unpacker(name: str, kind: str, file: Any) -> Any:
    if kind == "gzip":
        import gzip

        return gzip.GzipFile(fileobj=file, mode="rb")
    if kind == "bzip2":
        import bz2

        return bz2.BZ2File(file, "rb")
    if kind == "xz":
        import lzma

        return lzma.LZMAFile(file, "rb")
    try:
        import zstandard
    except ImportError:
        raise VectorsError(
            f"{name}: is compressed with zstd, which needs a package: pip install 'w2v[zstd]' (or unpack it: zstd -d)"
        ) from None
    return zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)


def _is_decoder_error(error: Exception) -> bool:
    if isinstance(error, EOFError) or type(error).__module__.split(".")[0] in ("zlib", "lzma", "_lzma", "zstd", "gzip"):
        return True
    if type(error).__name__ in ("ZstdError", "LZMAError", "BadGzipFile"):
        return True
    return isinstance(error, OSError) and error.errno is None  # how bz2 says it


class _Raw:
    """A raw stream over any object with read(n), for io.BufferedReader."""

    def __init__(self, stream: Any):
        self._stream = stream
        self.closed = False

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self.closed = True

    def flush(self) -> None:
        pass
