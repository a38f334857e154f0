"""Output files that are complete or not there: written beside their place, moved into it at the end, as `sort -o`."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import signal
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, BinaryIO, Protocol

from w2v.errors import W2VError, reason
from w2v.places import Path, check_output, exists_already, is_replaced, open_in_place
from w2v.threads import Background

__all__ = [
    "OLD_SUFFIX",
    "PART_SUFFIX",
    "UNFINISHED",
    "AtomicOutput",
    "HeldOutput",
    "OutputSet",
    "Sink",
    "is_being_written",
]

PART_SUFFIX = ".w2v-part"
OLD_SUFFIX = ".w2v-old"
FLUSH_STEP = 8 << 20  # bytes written between two flushes to the disk
NAME_LIMIT = 200  # bytes of a file's name that leave room for a prefix and suffix (NAME_MAX is 255)
UNFINISHED: set[str] = set()  # temporary files of this process, for a signal that ends it at once

Data = bytes | bytearray | memoryview


class Sink(Protocol):
    """What text and numbers are written to: an AtomicOutput, or anything else with its `write`."""

    def write(self, data: Data, /) -> int: ...


class AtomicOutput:
    """A file being written: `with AtomicOutput(path) as out: out.write(data)`.

    What is at `path` stays as it was until the block ends without an exception. `size`, if known, takes that much disk
    space at once, so that a full disk is found before the work and not after it. A name that ends in `.gz` (or
    `compress=True`) is compressed on the way. A second process that writes to the same path is refused meanwhile.
    With `no_clobber` a file that has appeared in the meantime is not replaced either. `digest=True` takes the SHA-256
    of the file's bytes as they are written. Several outputs that belong together are opened by an OutputSet. What is no
    regular file (see `is_replaced`) is written directly. Raises W2VError for what is found at the start, OSError for
    what fails later.
    """

    def __init__(
        self,
        path: Path,
        *,
        size: int | None = None,
        no_clobber: bool = False,
        compress: bool | None = None,
        digest: bool = False,
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
        self._old: str | None = None  # where what was at the target is kept while a set is moved
        self._moved = False

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
        elif not is_replaced(self.name):
            self._fd = open_in_place(self.name)
        else:
            self._target = os.path.realpath(self.name)
            self._open_temporary()
            self.reserve(self.size or 0)
        if self.compress:
            import gzip

            # No name and no time in the header: the same vectors give the same bytes.
            self._zip = gzip.GzipFile(filename="", mode="wb", fileobj=_Writer(self._put), mtime=0, compresslevel=6)

    def write(self, data: Data) -> int:
        """Write all of `data`."""
        with self._named():
            if self._zip is not None:
                self._zip.write(data)
            else:
                self._put(data)
        self.written += len(data)
        return len(data)

    def write_start(self, data: Data) -> None:
        """Write over the first bytes, of a plain file that begins with what is known at the end; not with `digest`."""
        if self._temporary is None or self.compress or self._hash is not None:
            raise W2VError(f"{self.name}: its beginning is written at the end, which only a plain file allows")
        with self._named():
            os.pwrite(self._fd, data, 0)

    def flush(self) -> None:
        """Let what was written to standard output be seen by who reads it."""
        if self._sink is not None:
            with self._named():
                self._sink.flush()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._discard()
            return
        try:
            self.settle()
            with signals_held():
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
            del error.filename2  # None would be shown as a second name
            raise

    def _put(self, data: Data) -> int:
        if self._hash is not None:
            self._hash.update(data)
        view = memoryview(data).cast("B")
        before = self.file_size // FLUSH_STEP
        self.file_size += view.nbytes
        while view:  # also standard output writes less than it was given where Python does not buffer it (python -u)
            view = view[self._sink.write(view) if self._sink is not None else os.write(self._fd, view) :]
        if self._temporary is not None and self.file_size // FLUSH_STEP > before:
            self._flusher = self._flusher or _Flusher(self._fd)
            self._flusher.flush()
        return len(data)

    def _open_temporary(self) -> None:
        temporary = _beside(self._target, PART_SUFFIX)
        mode = _mode_of(self._target)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC  # always a file that we made, never a link
        with signals_held():
            while True:
                try:
                    fd = os.open(temporary, flags, 0o666 if mode is None else 0o600)
                except FileExistsError:
                    _remove_left(self.name, temporary)
                    continue
                if _lock(fd) and _is_at(fd, temporary):
                    break
                os.close(fd)  # another process took it for what a killed run had left
            self._fd, self._temporary = fd, temporary
            UNFINISHED.add(temporary)
        if mode is not None:  # what only its owner may read stays so
            os.fchmod(fd, mode)

    def reserve(self, size: int) -> None:
        """Take `size` bytes of disk space now; W2VError where they are not there.

        Does nothing for what is compressed, whose size is not known, and for a pipe or a device."""
        if size <= 0 or self.compress or self._temporary is None or not hasattr(os, "posix_fallocate"):
            return
        try:
            os.posix_fallocate(self._fd, 0, size)
        except OSError as error:
            if error.errno in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
                return  # this file system cannot; every write is checked in any case
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                error.filename = self.name
                raise
            if error.errno == errno.EFBIG:
                raise W2VError(
                    f"{self.name}: {error.strerror}: {size:,} bytes are needed, and a limit (ulimit -f, or of the file "
                    "system) is below; raise it or choose another place"
                ) from error
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
        with self._named():
            if self._temporary is not None:
                if not _is_at(self._fd, self._temporary):
                    raise W2VError(f"{self.name}: {self._temporary} was moved or removed by another process; try again")
                self._rename(self._temporary)  # still locked: the next run opens a new temporary file
                UNFINISHED.discard(self._temporary)
                self._temporary, self._moved = None, True
            fd, self._fd = self._fd, -1
            try:
                os.close(fd)
            except OSError:
                if not self._moved:  # what was flushed and moved is complete, even if close fails
                    raise
            if self._moved:
                _sync_folder(os.path.dirname(self._target))

    def _rename(self, temporary: str) -> None:
        if not self.no_clobber:
            os.rename(temporary, self._target)
            return
        try:
            os.link(temporary, self._target)  # the only step that checks and moves at once
        except FileExistsError:
            raise exists_already(self.name) from None
        except OSError:  # a file system without hard links: take the name first
            try:
                os.close(os.open(self._target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC))
            except FileExistsError:
                raise exists_already(self.name) from None
            os.rename(temporary, self._target)
        else:
            with contextlib.suppress(OSError):
                os.unlink(temporary)

    def _keep_old(self, in_place: bool) -> None:
        """Keep what is at the target beside it, so that it can come back; `in_place`: it is seen there meanwhile."""
        if self._temporary is None or self.no_clobber:
            return
        old = _beside(self._target, OLD_SUFFIX)
        with self._named():
            with contextlib.suppress(FileNotFoundError):
                os.unlink(old)  # of a process that was killed between its moves
            if not os.path.exists(self._target):
                return
            try:
                (os.link if in_place else os.rename)(self._target, old)
                self._old = old
            except OSError:
                if not in_place:
                    raise
                self._old = ""  # a file system without hard links: it cannot come back

    def _withdraw(self) -> None:
        """The new file is gone from its place, without an old one in its stead."""
        if self._moved:
            with contextlib.suppress(OSError):
                os.unlink(self._target)
            self._moved = False

    def _put_back(self) -> None:
        """What was at the target before is there again."""
        if not self._old:
            return self._withdraw()
        with contextlib.suppress(OSError):
            os.rename(self._old, self._target)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._old)  # still there where both names are one file: then rename does nothing
            self._old = None

    def _forget_old(self) -> None:
        if self._old:
            with contextlib.suppress(OSError):
                os.unlink(self._old)

    def _discard(self) -> None:
        if self._temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._temporary)
            UNFINISHED.discard(self._temporary)
            self._temporary = None
        if self._flusher is not None:
            with contextlib.suppress(OSError):
                self._flusher.end()
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            with contextlib.suppress(OSError):
                os.close(fd)


class OutputSet:
    """Outputs that belong together: `with OutputSet() as outputs: numbers = outputs.open(path); ...`.

    All are brought to the disk before the first is moved into its place. While they are moved, no new file is beside an
    old one: of those that are replaced all but the first opened step aside before, and come back if a move fails. After
    a kill at this moment some are missing (the old ones are kept as `.NAME.w2v-old`), so that no reader takes parts of
    two runs for one. Each is an AtomicOutput, and with `no_clobber` none replaces a file.
    """

    def __init__(self, no_clobber: bool = False) -> None:
        self.no_clobber = no_clobber
        self._outputs: list[AtomicOutput] = []

    def open(self, path: Path, *, size: int | None = None, digest: bool = False) -> AtomicOutput:
        """An output that is written until the set ends; the first is the one that is always there."""
        out = AtomicOutput(path, size=size, no_clobber=self.no_clobber, digest=digest)
        self._outputs.append(out)
        return out.__enter__()

    def __enter__(self) -> OutputSet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                for out in self._outputs:
                    out.settle()
                with signals_held():
                    self._move()
        finally:
            for out in self._outputs:
                out._discard()

    def _move(self) -> None:
        try:
            if len(self._outputs) > 1:
                for out in self._outputs[1:]:
                    out._keep_old(in_place=False)
                self._outputs[0]._keep_old(in_place=True)
            for out in self._outputs:
                out._move()
        except BaseException as error:
            self._put_back()
            if kept := [out._old for out in self._outputs if out._old]:
                raise W2VError(f"{reason(error)}; what was there before is kept as {', '.join(kept)}") from error
            raise
        for out in self._outputs:
            out._forget_old()

    def _put_back(self) -> None:
        first = self._outputs[0]
        if first._moved and first._old == "":
            return  # what cannot come back must not be seen beside old files
        for out in self._outputs[1:]:
            out._withdraw()
        for out in self._outputs:
            out._put_back()


@contextlib.contextmanager
def signals_held() -> Iterator[None]:
    """Within, signals wait that Python would raise as exceptions: what was opened is known to be ours, and of files
    that belong together all are moved."""
    came: list[int] = []
    previous: dict[int, Any] = {}
    try:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                if callable(signal.getsignal(number)):
                    previous[number] = signal.signal(number, lambda number, _frame: came.append(number))
        yield
    finally:
        for held, handler in previous.items():
            signal.signal(held, handler)
        for held in came:
            signal.raise_signal(held)


class HeldOutput:
    """A file that is written again and again, each time in one step, while no other process may write it.

    A context manager; W2VError at its beginning if another process holds the file. `replace` also works outside of it,
    and holds the file only as long as it writes.
    """

    def __init__(self, path: Path):
        self.path = os.fspath(path)
        self._held = False
        self._next: AtomicOutput | None = None

    def __enter__(self) -> HeldOutput:
        self._next, self._held = AtomicOutput(self.path, compress=False).__enter__(), True
        if _is_locked(os.path.realpath(self.path)):  # its holder has just moved it there
            self.__exit__()
            raise W2VError(f"{self.path}: another process is writing it; wait for it to end")
        return self

    def __exit__(self, *_: object) -> None:
        self._held = False
        if self._next is not None:
            self._next._discard()
            self._next = None

    @contextlib.contextmanager
    def replace(self, size: int = 0) -> Iterator[AtomicOutput]:
        """What is written to it takes the file's place when the block has ended well; `size` bytes are needed."""
        out, self._next = self._next, None
        out = out or AtomicOutput(self.path, compress=False).__enter__()
        lock = os.dup(out._fd)  # goes with the file to its place, until the next unfinished one is locked
        try:
            try:
                out.reserve(size)
                yield out
            except BaseException:
                out.__exit__(*sys.exc_info())
                raise
            out.__exit__(None, None, None)
        finally:
            if self._held:
                with contextlib.suppress(OSError, W2VError):  # then the next `replace` says so
                    self._next = AtomicOutput(self.path, compress=False).__enter__()
            os.close(lock)

    def remove(self) -> None:
        """Remove the file, if it is there; a link to it stays."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.realpath(self.path))


def is_being_written(path: Path) -> bool:
    """Whether another process, or another part of this one, holds an output at this place."""
    target = os.path.realpath(path)
    places = (_beside(target, PART_SUFFIX), target)
    return any(map(_is_locked, places * 3))  # what is held again and again may move on between two looks


class _Flusher:
    """Brings what has been written of a large file to the disk while the rest is written.

    The flush at the end is shorter by that time. The system reports an error to one caller only: it is kept here
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


def _beside(target: str, suffix: str) -> str:
    """A hidden name in the target's folder, the same each time: two runs at once meet there."""
    folder, name = os.path.split(target)
    if len(os.fsencode(name)) > NAME_LIMIT:
        name = hashlib.blake2b(os.fsencode(name), digest_size=16).hexdigest()
    return os.path.join(folder, f".{name}{suffix}")


def _remove_left(name: str, temporary: str) -> None:
    """Remove the unfinished file of a process that was killed; W2VError if it is being written, or not ours."""
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW
    try:
        status = os.lstat(temporary)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            what = "another user's" if status.st_uid != os.geteuid() else "not a file"
            raise W2VError(f"{name}: {temporary} is in the way ({what}); remove it or choose another name")
        fd = os.open(temporary, flags)
    except FileNotFoundError:
        return
    try:
        if not _lock(fd):
            raise W2VError(f"{name}: another process is writing it (it holds {temporary}); wait for it to end")
        if _is_at(fd, temporary):
            os.unlink(temporary)
    finally:
        os.close(fd)


def _is_at(fd: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path, follow_symlinks=False))
    except FileNotFoundError:
        return False


def _mode_of(path: str) -> int | None:
    """The permissions of a file, None where there is none."""
    try:
        return stat.S_IMODE(os.stat(path).st_mode)
    except OSError:
        return None


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


def _is_locked(path: str) -> bool:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        return not _lock(fd)
    finally:
        os.close(fd)


def _sync_folder(folder: str) -> None:
    """Make the rename last; not every file system can do it, and the file is already whole."""
    try:
        fd = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    for step in (os.fsync, os.close):
        with contextlib.suppress(OSError):
            step(fd)
