"""Output files: what is wrong with a place is said before any work, not after hours of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from w2v.cli.streams import is_terminal
from w2v.errors import SettingsError, W2VError

__all__ = ["FORMATS", "check_outputs", "format_for"]

SUFFIXES = {".bin": "bin", ".txt": "text", ".vec": "text"}
FORMATS = ("bin", "text")
STDOUT = "-"


def format_for(path: str, given: str | None) -> str:
    """The vector format for an output path: the one asked for, else told by the suffix."""
    if given is not None:
        return given
    if path == STDOUT:
        return "bin"
    name = Path(path).name.lower().removesuffix(".gz")
    found = SUFFIXES.get(Path(name).suffix)
    if found is None:
        raise SettingsError(
            f"{path}: the suffix does not tell the format; name it .bin, .txt or .vec (.gz may follow), "
            f"or give --format {'|'.join(FORMATS)}"
        )
    return found


def check_outputs(outputs: list[str], inputs: list[str], no_clobber: bool = False) -> None:
    """Raise for the first output that could not be written at the end. Nothing is created or touched."""
    seen: dict[str, str] = {}
    sources = {os.path.realpath(path) for path in inputs if path != STDOUT}
    for path in outputs:
        real = STDOUT if path == STDOUT else os.path.realpath(path)
        if real in seen:
            raise SettingsError(f"{path}: given twice as an output")
        seen[real] = path
        if real in sources:
            raise SettingsError(f"{path}: is an input too; choose another name for the output")
        if path == STDOUT:
            check_stdout()
        else:
            check_place(path, no_clobber)


def check_stdout() -> None:
    if sys.stdout is None:
        raise W2VError("standard output is closed")
    if is_terminal(sys.stdout):
        raise SettingsError("standard output is a terminal; redirect it (> vectors.bin) or give -o FILE")


def check_place(path: str, no_clobber: bool) -> None:
    place = Path(path)
    folder = place.parent
    if not path or path.endswith(os.sep) or place.is_dir():
        raise W2VError(f"{path or repr(path)}: is a folder; give a file name in it")
    if not folder.exists():
        raise W2VError(f"{path}: the folder {folder} does not exist; make it first (mkdir -p)")
    if not folder.is_dir():
        raise W2VError(f"{path}: {folder} is not a folder")
    if no_clobber and os.path.lexists(path):
        raise W2VError(f"{path}: exists already, and --no-clobber was given")
    if place.exists() and not place.is_file():
        if not os.access(path, os.W_OK):  # a device or a named pipe is written in place
            raise W2VError(f"{path}: no permission to write")
    elif not os.access(os.path.realpath(folder), os.W_OK | os.X_OK):
        raise W2VError(f"{path}: no permission to write in the folder {folder}")
    elif place.exists() and not os.access(path, os.W_OK):
        raise W2VError(f"{path}: no permission to replace the file")
