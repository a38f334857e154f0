"""Where outputs go: what is wrong with a place is found before any work, and nothing is touched by looking."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Iterable

from w2v.errors import LONGEST_PATH, SettingsError, W2VError, setting, short_path

__all__ = [
    "check_folder",
    "check_output",
    "check_outputs",
    "descriptor_of",
    "exists_already",
    "is_replaced",
    "open_in_place",
]

MOST_LINKS = 40  # symbolic links that are followed, as in Linux

Path = str | os.PathLike[str]


def check_outputs(outputs: Iterable[Path], inputs: Iterable[Path] = (), no_clobber: bool = False) -> None:
    """Raise for the first output that could not be written at the end, or that would be read as an input.

    `inputs` are files and folders; "-" is standard input, or output. An output beside an input file is fine; one
    anywhere below an input folder is not, since the next reading of the folder would take it for text.
    """
    sources = [os.fspath(path) for path in inputs if os.fspath(path) != "-"]
    seen: set[object] = set()
    for path in [os.fspath(path) for path in outputs]:
        number = descriptor_of(path)
        place = 1 if path == "-" else os.path.realpath(path) if number is None else number
        if place in seen and path:
            raise SettingsError(f"{path}: given twice as an output")
        seen.add(place)
        check_output(path, no_clobber)
        if isinstance(place, str) and is_replaced(path):
            for source in sources:
                _check_apart(path, source)


def check_output(path: Path, no_clobber: bool = False) -> None:
    """Raise W2VError for an output that could not be written at the end. "-" is always fine."""
    name = os.fspath(path)
    if name == "-":
        return
    if not name:
        raise SettingsError("the output has an empty name; give a file, or - for standard output")
    number = descriptor_of(name)
    if number is not None:
        _check_descriptor(name, number)
        return
    target = os.path.realpath(name)
    folder = os.path.dirname(target)
    if os.path.isdir(target) or name.endswith(os.sep):
        raise W2VError(f"{name}: is a directory; give the name of a file")
    if not os.path.isdir(folder):
        if len(os.fsencode(folder)) >= LONGEST_PATH:
            raise W2VError(f"{short_path(name)}: a path of {len(os.fsencode(target)):,} bytes is too long")
        _check_no_file(name, folder)
        raise W2VError(f"{name}: the folder {folder} does not exist; make it first")
    _check_target(name, target, no_clobber)


def _check_no_file(name: str, folder: str) -> None:
    """Raise W2VError where what should be a folder on the way to an output is something else."""
    while not os.path.lexists(folder):
        folder = os.path.dirname(folder)
    if not os.path.isdir(folder):
        raise W2VError(f"{name}: {folder} is no folder; choose another place")


def _check_target(name: str, target: str, no_clobber: bool) -> None:
    """Raise W2VError where what is at the place, or its folder, may not be written."""
    folder = os.path.dirname(target)
    try:
        status = os.stat(target)
    except FileNotFoundError:
        status = None
    except OSError as error:
        raise W2VError(f"{name}: {error.strerror}; choose another name") from error
    if status is not None and not stat.S_ISREG(status.st_mode):  # a named pipe, a device: written directly
        if not os.access(target, os.W_OK):
            raise W2VError(f"{name}: may not be written; choose another output")
        return
    if status is not None and no_clobber:
        raise exists_already(name)
    if status is not None and not (status.st_mode & 0o222 and os.access(target, os.W_OK)):  # root may, but should not
        mode = stat.S_IMODE(status.st_mode)
        raise W2VError(f"{name}: is read-only (mode {mode:03o}); make it writable (chmod u+w) or choose another name")
    if not os.access(folder, os.W_OK | os.X_OK) or (status is not None and _is_sticky(os.stat(folder), status)):
        raise W2VError(f"{name}: the folder {folder} may not be written; choose another place")


def check_folder(path: Path, inputs: Iterable[Path] = ()) -> None:
    """Raise for a folder for outputs that could not be made or written into, or that is below an input folder."""
    name = os.fspath(path)
    if not name:
        raise SettingsError("the folder for the outputs has an empty name; give a folder")
    folder = os.path.realpath(name)
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise SettingsError(f"{name}: is a file; give a folder")
    for source in [os.fspath(path) for path in inputs]:
        if source != "-" and os.path.isdir(source) and _is_below(os.path.join(folder, "x"), source):
            raise _inside(name, source)
    _check_no_file(name, folder)
    while not os.path.isdir(folder):  # those that are missing are made
        folder = os.path.dirname(folder)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise W2VError(f"{name}: the folder {folder} may not be written; choose another place")


def is_replaced(path: Path) -> bool:
    """Whether an output is a regular file or will be one, so that it is replaced in one step and has a place beside it.

    Others (standard output, an open descriptor such as /dev/fd/63, a named pipe, a device) are written directly.
    """
    name = os.fspath(path)
    return name != "-" and descriptor_of(name) is None and (not os.path.exists(name) or os.path.isfile(name))


def open_in_place(name: str) -> int:
    """A descriptor of an output that is not replaced. One that is open already is not opened anew: it keeps its place
    in the file, and `>>` appends."""
    number = descriptor_of(name)
    return os.open(name, os.O_WRONLY | os.O_CLOEXEC | os.O_NOCTTY) if number is None else os.dup(number)


def descriptor_of(path: Path) -> int | None:
    """The open file descriptor that a path names (/dev/stdout, /dev/fd/63, /proc/self/fd/1), None for other paths.

    Opened by its name it would lose its place in the file, and `>>`; what it leads to may have no name at all.
    """
    name = os.fspath(path)
    own = re.compile(rf"/dev/fd|/proc/{os.getpid()}(/task/\d+)?/fd")
    for _ in range(MOST_LINKS):
        folder, last = os.path.split(name)
        if last.isascii() and last.isdigit() and own.fullmatch(os.path.realpath(folder)):
            return int(last)
        try:
            name = os.path.join(folder, os.readlink(name))
        except (OSError, ValueError):  # no symbolic link
            return None
    return None


def _check_descriptor(name: str, number: int) -> None:
    try:
        os.fstat(number)
    except OSError as error:
        raise W2VError(f"{name}: {error.strerror}; choose another output") from error
    with contextlib.suppress(ImportError):
        import fcntl

        if fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise W2VError(f"{name}: is open for reading only; choose another output")


def _check_apart(output: str, source: str) -> None:
    """Raise where an output is the input `source`, under any name, or would be read with it."""
    if not os.path.isdir(source):
        if os.path.realpath(output) == os.path.realpath(source) or _is_same(output, source):
            raise SettingsError(f"{output}: is an input too; choose another name for the output")
        return
    # By its name, which may be a link in the folder to a file elsewhere, and by the file itself.
    if _is_below(os.path.join(os.path.realpath(os.path.dirname(output) or "."), os.path.basename(output)), source):
        raise _inside(output, source)
    if _is_below(os.path.realpath(output), source):
        raise _inside(output, source)
    if os.path.exists(output):
        for parent, _, files in os.walk(source):
            if any(_is_same(output, os.path.join(parent, file)) for file in files):  # a link to it is in the folder
                raise SettingsError(f"{output}: is an input too, in {parent}; choose another name for the output")


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(os.path.realpath(folder).rstrip(os.sep) + os.sep)


def _is_same(output: str, source: str) -> bool:
    try:
        return os.path.samefile(output, source)
    except OSError:  # one of them does not exist
        return False


def _inside(name: str, source: str) -> SettingsError:
    return SettingsError(
        f"{name}: is inside {source}, which is an input, and would be read with it next time; choose a place outside"
    )


def exists_already(name: str) -> W2VError:
    """The error of an output that must not be replaced."""
    return W2VError(f"{name}: exists already; remove it or leave out {setting('no_clobber')}")


def _is_sticky(folder: os.stat_result, file: os.stat_result) -> bool:
    """Whether another user's file is in a folder such as /tmp, where only its owner may replace it."""
    me = os.geteuid()
    return bool(folder.st_mode & stat.S_ISVTX) and me not in (0, file.st_uid, folder.st_uid)
