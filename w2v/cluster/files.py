"""The files of a corpus as every node can open them: absolute paths, or addresses that fsspec knows (s3://...)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO

from w2v.corpus.ids_file import is_encoded, is_encoded_head
from w2v.corpus.sources import PLAIN, STREAM, Path, Source, check_text, expand
from w2v.errors import CorpusError, ThreadError, W2VError, setting
from w2v.files import HEAD_BYTES, check_supported, compression_of
from w2v.threads import Group

__all__ = ["PipedSource", "RemoteSource", "find_files", "open_source"]

PIPE_STEP = 1 << 20
ENCODED = f"an encoded corpus is not trained on with {setting('cluster')}; give the text that it was made of"


class PipeEnd(int):
    """A file descriptor to read from; `failure` is what ended the thread that writes."""

    failure: Exception | None = None


@dataclass(frozen=True)
class PipedSource(Source):
    """A source whose bytes come through a pipe, as those of a stream do: `pieces`, written by a thread."""

    def open(self) -> int:
        """The read end of a pipe that a thread fills; ThreadError where the system refuses one."""
        reader, writer = os.pipe()
        end = PipeEnd(reader)
        if not Group().start(partial(self._fill, end, writer)):
            os.close(reader)
            os.close(writer)
            raise ThreadError(
                f"{self.path}: the system refused to start a thread that reads it; raise the limit on processes"
            )
        return end

    def pieces(self) -> Iterator[bytes]:
        raise NotImplementedError

    def _fill(self, end: PipeEnd, writer: int) -> None:
        # A broken pipe: the reader has gone; it has failed, or has been stopped.
        with os.fdopen(writer, "wb", buffering=0) as pipe, suppress(BrokenPipeError):
            try:
                for data in self.pieces():
                    left = memoryview(data)
                    while left:
                        left = left[pipe.write(left) :]
            except BrokenPipeError:
                raise
            except (OSError, W2VError) as error:
                end.failure = error
            except Exception as error:  # fsspec's file systems have their own
                end.failure = CorpusError(f"{self.path}: {type(error).__name__}: {error}")

    def check_end(self, fd: int) -> None:
        if isinstance(fd, PipeEnd) and fd.failure is not None:
            raise fd.failure


@dataclass(frozen=True)
class RemoteSource(PipedSource):
    """A file, or a part of one, that fsspec opens."""

    def pieces(self) -> Iterator[bytes]:
        place = self.origin
        with open_remote(self.path) as file:
            file.seek(place)
            while data := file.read(PIPE_STEP if self.stop is None else min(PIPE_STEP, self.stop - place)):
                place += len(data)
                yield data


def find_files(corpus: Sequence[Path]) -> list[Source]:
    """The files that the arguments name, in order. Raises OSError and CorpusError as `sources.expand` does."""
    found: list[Source] = []
    for given in corpus:
        path = os.fspath(given)
        if path == "-":
            raise CorpusError("standard input (-) cannot be read by other nodes; give files that all of them can open")
        if "://" in path:
            found += remote_files(path)
            continue
        for source in expand(readable(os.path.abspath(path))):
            if source.kind == STREAM and source.size is None:
                raise CorpusError(f"{source.path}: is not a file; other nodes cannot read it")
            found.append(source)
    return found


def readable(path: str) -> str:
    """The path; CorpusError if it is an encoded corpus."""
    if is_encoded(path):
        raise CorpusError(f"{path}: {ENCODED}")
    return path


def remote_files(address: str) -> list[Source]:
    """A remote file, the files of a remote folder, or all that match a pattern, sorted."""
    fsspec = load_fsspec(address)
    try:
        system, root = fsspec.core.url_to_fs(address)
        paths = system.glob(root) if any(c in root for c in "*?[") else system.find(root)
        sources: list[Source] = [
            look_at_remote(system.unstrip_protocol(path), int(system.size(path))) for path in sorted(paths)
        ]
    except (OSError, W2VError):
        raise
    except Exception as error:  # each file system has its own kinds
        raise CorpusError(f"{address}: {type(error).__name__}: {error}") from error
    if not sources:
        raise CorpusError(f"{address}: no files there")
    return sources


def look_at_remote(address: str, size: int) -> RemoteSource:
    """What a remote file is, by its first bytes."""
    with open_remote(address) as file:
        head = file.read(HEAD_BYTES)
    kind = compression_of(head)
    if kind:
        check_supported(kind, address, CorpusError)
        return RemoteSource(address, kind, size)
    if is_encoded_head(head):
        raise CorpusError(f"{address}: {ENCODED}")
    return RemoteSource(address, STREAM, size, check_text(head, address) if head else 0)


def open_remote(address: str) -> Any:
    """A file of fsspec's, for reading."""
    fsspec = load_fsspec(address)
    try:
        return fsspec.open(address, "rb").open()
    except (OSError, W2VError):
        raise
    except Exception as error:
        raise CorpusError(f"{address}: {type(error).__name__}: {error}") from error


def load_fsspec(address: str) -> Any:
    try:
        import fsspec
    except ImportError:
        raise CorpusError(f"{address}: fsspec is not installed: pip install 'w2v[cluster]'") from None
    return fsspec


def open_source(source: Source) -> BinaryIO:
    """The whole file of a source, as it is, for reading."""
    return open_remote(source.path) if "://" in source.path else open(source.path, "rb")


def is_plain(source: Source) -> bool:
    """Whether it is text that may be cut at any line."""
    return source.kind == PLAIN or (isinstance(source, RemoteSource) and source.kind == STREAM)
