"""Hands blocks of the corpus to the threads that encode them.

A plain file is cut into segments that each thread reads for itself. What can only be read from beginning to end (pipes,
compressed files) is read by a thread of its own for each file and comes through a bounded queue. Blocks are handed
out in any order; their key (file, number) says where they belong.
"""

from __future__ import annotations

import os
import select
import stat
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from w2v.corpus._encode import CONTEXT_BYTES, LONGEST_TOKEN, LOOKAHEAD, Encoder
from w2v.corpus.sample import SAMPLE_BYTES
from w2v.corpus.sources import PLAIN, STREAM, TEXT, Source, check_text
from w2v.errors import CorpusError
from w2v.files import HEAD_BYTES, MAGIC_BYTES, Decompressor, check_supported, compression_of, refuse_endless

if TYPE_CHECKING:
    from w2v.corpus._blocks import Block

__all__ = ["Feed", "Job"]

PIPE_WAIT_MS = 100
QUEUE_STEP = 2  # blocks that wait in the queue for each encoder that works
MOST_WITHOUT_WORDS = 1 << 30  # bytes of streams on end; /dev/zero, or a text without any white space, never ends
PIPE_BYTES = 1 << 20  # asked of the system for a pipe's buffer; 64 KiB otherwise


class OpenFile:
    """A plain file, closed when its last segment is done, or when nobody has it any more."""

    fd = -1

    def __init__(self, source: Source):
        self.source = source
        self.fd = source.open()
        end = os.fstat(self.fd).st_size
        self.size = max(source.origin, end if source.stop is None else source.stop)
        self.pending = 0
        self.all_given = False

    def close_if_done(self) -> None:
        if self.all_given and self.pending == 0:
            self.__del__()

    def __del__(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


@dataclass
class Job:
    """One piece of work for an encoder: a segment of a plain file, or bytes that a reader has brought."""

    key: tuple[int, int]
    file: OpenFile | None = None
    offset: int = 0
    length: int = 0
    before: bytes = b""
    data: bytes = b""
    ahead: bytes = b""
    last: bool = False

    def encode(self, encoder: Encoder) -> list[Block]:
        """The blocks of ids; raises OSError or CorpusError with the file's name."""
        if self.file is None:
            return encoder.encode_bytes(self.before, self.data, self.ahead, self.last)
        source = self.file.source
        try:
            return [encoder.encode_segment(self.file.fd, source.origin, self.offset, self.length, self.file.size)]
        except EOFError as e:
            raise CorpusError(
                f"{source.name}: ended at byte {e} while it was read; it had {self.file.size} bytes before"
            ) from None
        except OSError as e:
            raise OSError(e.errno, e.strerror, source.name) from None


class Feed:
    """The queue between files and encoders; `next`, `done` and `read_stream` are called from many threads."""

    def __init__(self, sources: list[Source], block_size: int, threads: int):
        self.sources = sources
        self.block_size = block_size
        self.bytes_read = 0  # of the files, compressed or not
        self.text_bytes = 0
        self._without_words = 0  # bytes of streams since the last word
        self._lock = threading.Lock()
        self._ready: deque[Job] = deque()
        self._room = QUEUE_STEP * (threads + 1)
        self._has_room = threading.Condition(self._lock)
        self._has_work = [threading.Condition(self._lock) for _ in range(threads)]
        self._streams = deque((i, s) for i, s in enumerate(sources) if s.kind != PLAIN)
        self._unread = len(self._streams)
        self._segments = self._cut_plain_files()
        self._stopped = False
        self.sample, self._sampled = b"", len(sources)  # the beginning of the first file that is not empty, its number

    @property
    def stream_count(self) -> int:
        return len(self._streams)

    @property
    def total_bytes(self) -> int | None:
        """Bytes of all files, None if a pipe is among them."""
        sizes = [s.size for s in self.sources]
        return None if None in sizes else sum(s for s in sizes if s is not None)

    def stop(self) -> None:
        """Wakes and ends everyone who waits."""
        with self._lock:
            self._stopped = True
            self._wake_all()

    def _wake_all(self) -> None:
        for condition in (self._has_room, *self._has_work):
            condition.notify_all()

    def next(self, number: int) -> Job | None:
        """The next piece of work for encoder `number`, None when there is no more; waits for readers if need be.

        Encoder n leaves the first QUEUE_STEP * n blocks in the queue to those before it. So no more of them work than
        the readers can feed, and fewer tables are to be joined.
        """
        with self._lock:
            while not self._stopped:
                if len(self._ready) > QUEUE_STEP * number or (self._ready and self._unread == 0):
                    self._has_room.notify()
                    return self._ready.popleft()
                segment = next(self._segments, None)
                if segment is not None:
                    return segment
                if self._unread == 0:
                    return None
                self._has_work[number].wait()
            return None

    def done(self, job: Job, has_words: bool) -> None:
        """To be called when a job is encoded. CorpusError for a stream that goes on and on without a word."""
        with self._lock:
            if job.file is None:
                self.text_bytes += len(job.data)
                self._without_words = 0 if has_words else self._without_words + len(job.data)
                if self._without_words > MOST_WITHOUT_WORDS:
                    raise CorpusError(
                        f"{self.sources[job.key[0]].name}: {MOST_WITHOUT_WORDS:,} bytes on end hold no word of up to"
                        f" {LONGEST_TOKEN:,} bytes; this is no text, or it has no spaces and line ends"
                    )
                return
            self.text_bytes += job.length
            self.bytes_read += job.length
            job.file.pending -= 1
            job.file.close_if_done()

    def _cut_plain_files(self) -> Iterator[Job]:
        for number, source in enumerate(self.sources):
            if source.kind != PLAIN:
                continue
            file = OpenFile(source)
            self._keep_sample(number, os.pread(file.fd, min(SAMPLE_BYTES, file.size - source.origin), source.origin))
            for block, offset in enumerate(range(source.origin, file.size, self.block_size)):
                file.pending += 1
                length = min(self.block_size, file.size - offset)
                file.all_given = offset + length == file.size
                yield Job((number, block), file, offset, length)
            file.all_given = True
            file.close_if_done()

    def _keep_sample(self, number: int, text: bytes) -> None:
        if text and number < self._sampled:
            self.sample, self._sampled = text[:SAMPLE_BYTES], number

    # Streams

    def read_streams(self) -> None:
        """The body of a reader's thread: reads one stream after the other until none is left."""
        while True:
            with self._lock:
                if self._stopped or not self._streams:
                    return
                number, source = self._streams.popleft()
            fd = source.open()
            try:
                self._read_stream(number, source, fd)
            finally:
                os.close(fd)
            with self._lock:
                self._unread -= 1
                self._wake_all()

    def _read_stream(self, number: int, source: Source, fd: int) -> None:
        stream = _Stream(source, fd, self)
        before, block = b"", 0
        data = stream.read_at_least(HEAD_BYTES)
        if source.kind != TEXT:
            data = data[check_text(data[:HEAD_BYTES], source.name) :]
        with self._lock:
            self._keep_sample(number, data)
        while data and not self._stopped:
            following = stream.read_at_least(LOOKAHEAD)
            self._put(Job((number, block), None, 0, 0, before, data, following[:LOOKAHEAD], not following))
            before = (before + data[-CONTEXT_BYTES:])[-CONTEXT_BYTES:]
            data = following
            block += 1

    def _put(self, job: Job) -> None:
        with self._lock:
            while len(self._ready) >= self._room and not self._stopped:
                self._has_room.wait()
            self._ready.append(job)
            number, rest = divmod(len(self._ready) - 1, QUEUE_STEP)
            if rest == 0 and number < len(self._has_work):
                self._has_work[number].notify()


class _Stream:
    """The text of a pipe or of a compressed file."""

    def __init__(self, source: Source, fd: int, feed: Feed):
        self.source, self.fd, self.feed = source, fd, feed
        status = os.fstat(fd)
        refuse_endless(status, source.name, CorpusError)
        self.waits = not stat.S_ISREG(status.st_mode)
        self.ended = False
        self.head = b""
        if self.waits:
            _enlarge_pipe(fd)
            self._poll = select.poll()
            self._poll.register(fd, select.POLLIN)
        kind: str | None = source.kind if source.kind != TEXT else None
        if kind == STREAM:
            while len(self.head) < MAGIC_BYTES and (more := self._read_fd(HEAD_BYTES)):
                self.head += more
            kind = compression_of(self.head)
            check_supported(kind, source.name, CorpusError)
        self.decoder = Decompressor(kind, self.read_raw, source.name, CorpusError) if kind else None

    def read_raw(self, size: int) -> bytes:
        """Up to `size` bytes as they are in the file."""
        if self.head:
            head, self.head = self.head, b""
            return head
        return self._read_fd(size)

    def _read_fd(self, size: int) -> bytes:
        while True:
            while self.waits and not self._poll.poll(PIPE_WAIT_MS):
                if self.feed._stopped:
                    return b""
            try:
                data = os.read(self.fd, size)
                break
            except BlockingIOError:  # another process has read what there was
                continue
            except OSError as e:
                raise OSError(e.errno, e.strerror, self.source.name) from None
        if not data:
            self.source.check_end(self.fd)
        with self.feed._lock:
            self.feed.bytes_read += len(data)
        return data

    def read_at_least(self, least: int) -> bytes:
        """About a block of text, at least `least` bytes unless it ends."""
        size = max(least, self.feed.block_size)
        if self.decoder is None:
            least = size  # many small reads of a pipe make one block
        pieces: list[bytes] = []
        have = 0
        while have < least and not self.ended and not self.feed._stopped:
            piece = self.decoder.read(size) if self.decoder else self.read_raw(size - have)
            self.ended = not piece
            if piece:
                pieces.append(piece)
                have += len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _enlarge_pipe(fd: int) -> None:
    try:
        import fcntl

        fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, PIPE_BYTES)  # Linux, Python 3.10
    except (ImportError, AttributeError, OSError):
        pass
