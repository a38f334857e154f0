"""Output files that are whole or not there: written beside their place and moved into it at the end, as `sort -o`."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO

from w2v.errors import SettingsError, W2VError
from w2v.threads import Background

__all__ = ["PART_SUFFIX", "AtomicOutput", "check_output", "check_outputs"]

PART_SUFFIX = ".w2v-part"
FLUSH_STEP = 64 << 20  # bytes written between two flushes to the disk
NAME_LIMIT = 200  # bytes of a file's name that leave room for a prefix and suffix (NAME_MAX is 255)


def check_output(path: str | os.PathLike[str], no_clobber: bool = False) -> None:
    """Raise W2VError now for an output that could not be written at the end, touching nothing. "-" is always fine."""
    name = os.fspath(path)
    if name == "-":
        return
    if not name:
        raise W2VError("the output has an empty name; give a file, or - for standard output")
    target = os.path.realpath(name)
    folder = os.path.dirname(target)
    if os.path.isdir(target) or name.endswith(os.sep):
        raise W2VError(f"{name}: is a directory; give the name of a file")
    if not os.path.isdir(folder):
        raise W2VError(f"{name}: the folder {folder} does not exist; make it first")
    try:
        mode = os.stat(target).st_mode
    except FileNotFoundError:
        mode = None
    except OSError as error:
        raise W2VError(f"{name}: {error.strerror}; choose another name") from error
    if mode is not None and no_clobber:
        raise W2VError(f"{name}: exists already; remove it or leave out --no-clobber")
    if mode is not None and not stat.S_ISREG(mode):  # /dev/stdout, a named pipe: written directly
        if not os.access(target, os.W_OK):
            raise W2VError(f"{name}: may not be written; choose another output")
        return
    if not os.access(folder, os.W_OK | os.X_OK):
        raise W2VError(f"{name}: the folder {folder} may not be written; choose another place")


def check_outputs(outputs: Sequence[str], inputs: Sequence[str] = (), no_clobber: bool = False) -> None:
    """Raise for the first output that could not be written at the end. Nothing is created or touched."""
    sources = {os.path.realpath(path) for path in inputs if path != "-"}
    seen: set[str] = set()
    for path in outputs:
        real = "-" if path == "-" else os.path.realpath(path)
        if real in seen:
            raise SettingsError(f"{path}: given twice as an output")
        if real in sources or any(is_read(path, source) for source in sources):
            raise SettingsError(f"{path}: is an input too; choose another name for the output")
        seen.add(real)
        check_output(path, no_clobber)


def is_read(output: str, source: str) -> bool:
    """Whether an output that exists is the input file `source`, by whatever name, or lies in the input folder."""
    try:
        if os.path.isdir(source):
            return os.path.isfile(output) and os.path.realpath(output).startswith(source.rstrip(os.sep) + os.sep)
        return os.path.samefile(output, source)
    except OSError:  # one of them does not exist
        return False


class AtomicOutput:
    """A file being written: `with AtomicOutput(path) as out: out.write(data)`.

    What is at `path` stays as it was until the block ends without an exception. `size`, if known, takes that much disk
    space at once, so that a full disk is found before the work and not after it. A name that ends in `.gz` (or
    `compress=True`) is compressed on the way. A second process that writes to the same path is refused meanwhile.
    `digest=True` takes the SHA-256 of the file's bytes as they are written. Several outputs that belong together are
    settled first, each in turn, and then moved into their places. Raises W2VError for what is found at the start,
    OSError for what fails later.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, size: int | None = None, no_clobber: bool = False,
        compress: bool | None = None, digest: bool = False,
    ):
        self.name = os.fspath(path)
        self.size = size
        self.no_clobber = no_clobber
        self.compress = self.name.lower().endswith(".gz") if compress is None else compress
        self.written = 0  # bytes given to write()
        self.file_size = 0  # bytes in the file, compressed or not
        self.settled = False
        self._hash = hashlib.sha256() if digest else None
        self._temporary: str | None = None
        self._target = ""
        self._fd = -1
        self._sink: BinaryIO | None = None
        self._zip: Any = None
        self._flusher: _Flusher | None = None

    def __enter__(self) -> AtomicOutput:
        check_output(self.name, self.no_clobber)
        try:
            with self._named():
                self._open()
        except BaseException:
            self._discard()
            raise
        return self

    def _open(self) -> None:
        if self.name == "-":
            self._sink = sys.stdout.buffer
        else:
            self._target = os.path.realpath(self.name)
            if os.path.exists(self._target) and not os.path.isfile(self._target):
                self._fd = os.open(self._target, os.O_WRONLY | os.O_CLOEXEC)
            else:
                self._open_temporary()
                self.reserve(self.size or 0)
        if self.compress:
            import gzip

            # No name and no time in the header: the same vectors give the same bytes.
            self._zip = gzip.GzipFile(filename="", mode="wb", fileobj=_Writer(self._put), mtime=0, compresslevel=6)

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Write all of `data`."""
        with self._named():
            if self._zip is not None:
                self._zip.write(data)
            else:
                self._put(data)
        self.written += len(data)
        return len(data)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if kind is not None:
            self._discard()
            return
        try:
            self.settle()
            with self._named():
                self._move()
        except BaseException:
            self._discard()
            raise

    @property
    def sha256(self) -> str | None:
        """Hex digest of what is in the file, once it is settled; None unless `digest` was asked for."""
        return self._hash.hexdigest() if self._hash is not None and self.settled else None

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        """A failed call names the output: for a file descriptor the system names nothing, else the temporary file."""
        try:
            yield
        except OSError as error:
            error.filename = "standard output" if self.name == "-" else self.name
            error.filename2 = None
            raise

    def _put(self, data: bytes | bytearray | memoryview) -> int:
        if self._hash is not None:
            self._hash.update(data)
        view = memoryview(data).cast("B")
        before = self.file_size // FLUSH_STEP
        self.file_size += view.nbytes
        while view:  # also standard output writes less than it was given where Python does not buffer it (python -u)
            view = view[self._sink.write(view) if self._sink is not None else os.write(self._fd, view):]
        if self._temporary is not None and self.file_size // FLUSH_STEP > before:
            self._flusher = self._flusher or _Flusher(self._fd)
            self._flusher.flush()
        return len(data)

    def _open_temporary(self) -> None:
        folder, name = os.path.split(self._target)
        if len(os.fsencode(name)) > NAME_LIMIT:
            name = hashlib.blake2b(os.fsencode(name), digest_size=16).hexdigest()
        # One name for each output: what a killed run left behind is taken over by the next, and two runs at once meet.
        temporary = os.path.join(folder, f".{name}{PART_SUFFIX}")
        while True:
            fd = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0), 0o666)
            if not _lock(fd):
                os.close(fd)
                raise W2VError(f"{self.name}: another process is writing it (it holds {temporary}); wait for it to end")
            try:
                same = os.path.samestat(os.fstat(fd), os.stat(temporary))
            except FileNotFoundError:
                same = False
            if same:
                break
            os.close(fd)  # the other process ended and moved the file away between our open and our lock
        self._fd, self._temporary = fd, temporary
        os.ftruncate(fd, 0)
        with contextlib.suppress(OSError):  # what only its owner may read stays so
            os.fchmod(fd, stat.S_IMODE(os.stat(self._target).st_mode))

    def reserve(self, size: int) -> None:
        """Take so much disk space now; W2VError where it is not there. Nothing for a pipe or a device."""
        if size <= 0 or self._temporary is None or not hasattr(os, "posix_fallocate"):
            return
        try:
            os.posix_fallocate(self._fd, 0, size)
        except OSError as error:
            if error.errno in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
                return  # this file system cannot; every write is checked in any case
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                error.filename = self.name
                raise
            free = os.fstatvfs(self._fd)
            raise W2VError(
                f"{self.name}: {error.strerror}: {size:,} bytes are needed, "
                f"{free.f_bavail * free.f_frsize:,} are free; free some space or choose another place"
            ) from error

    def settle(self) -> None:
        """Everything written is on the disk, though not in its place yet; nothing more can be written."""
        if self.settled:
            return
        with self._named():
            if self._zip is not None:
                self._zip.close()
            if self._sink is not None:
                self._sink.flush()
            elif self._temporary is not None:
                if self._flusher is not None:
                    self._flusher.end()
                os.ftruncate(self._fd, os.lseek(self._fd, 0, os.SEEK_CUR))
                os.fsync(self._fd)
        self.settled = True

    def _move(self) -> None:
        """Into its place what is settled."""
        if self._sink is not None:
            return
        moved = self._temporary is not None
        if self._temporary is not None:
            os.rename(self._temporary, self._target)  # still locked: the next run opens a new temporary file
            self._temporary = None
        fd, self._fd = self._fd, -1
        try:
            os.close(fd)
        except OSError:
            if not moved:  # what was flushed and moved is whole, whatever close says
                raise
        if moved:
            _sync_folder(os.path.dirname(self._target))

    def _discard(self) -> None:
        if self._temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._temporary)
            self._temporary = None
        if self._flusher is not None:
            with contextlib.suppress(OSError):
                self._flusher.end()
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            with contextlib.suppress(OSError):
                os.close(fd)


class _Flusher:
    """Brings what has been written of a large file to the disk while the rest is written.

    The flush at the end is shorter by that time. An error is told to one caller only, by the system: it is kept here
    and raised by the next flush or by the end.
    """

    def __init__(self, fd: int):
        self.fd = fd
        self.error: OSError | None = None
        self.ended = False
        self._wanted = threading.Event()
        self._thread = Background(self._run)
        self.ended = not self._thread.started  # no thread to be had: all is flushed at the end

    def _run(self) -> None:
        flush = getattr(os, "fdatasync", os.fsync)
        while self._wanted.wait() and not self.ended:
            self._wanted.clear()
            try:
                flush(self.fd)
            except OSError as error:
                self.error = error
                return

    def flush(self) -> None:
        """What is written by now goes to the disk, without waiting for it."""
        if self.error is not None:
            raise self.error
        self._wanted.set()

    def end(self) -> None:
        """No flush is under way any more; raises what one of them met."""
        if not self.ended:
            self.ended = True
            self._wanted.set()
            self._thread.result()
        if self.error is not None:
            raise self.error


class _Writer:
    """As much of a file as gzip needs."""

    def __init__(self, put: Callable[[bytes], int]):
        self.write = put

    def flush(self) -> None:
        pass


def _lock(fd: int) -> bool:
    """False if another process holds the lock; True where locks are not to be had."""
    try:
        import fcntl

        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:
        return True
    except OSError as error:
        return error.errno not in (errno.EWOULDBLOCK, errno.EACCES)
    return True


def _sync_folder(folder: str) -> None:
    """Make the rename last; not every file system can do it, and the file is already whole."""
    try:
        fd = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    for step in (os.fsync, os.close):
        with contextlib.suppress(OSError):
            step(fd)
