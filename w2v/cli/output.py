"""Output files: what is wrong with a place is said before any work, not after hours of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from w2v.cli.streams import is_terminal
from w2v.errors import SettingsError, W2VError

__all__ = ["FORMATS", "STDOUT", "check_folder", "check_outputs"]

# As in w2v/vectors/formats/write.py, which is not loaded for --help.
FORMATS = ("bin", "text", "glove", "npy", "safetensors", "projector")
STDOUT = "-"


def check_outputs(outputs: Sequence[str], inputs: Sequence[str] = (), no_clobber: bool = False) -> None:
    """Raise for the first output that could not be written at the end. Nothing is created or touched."""
    from w2v.output import check_output

    sources = {os.path.realpath(path) for path in inputs if path != STDOUT}
    seen: set[str] = set()
    for path in outputs:
        real = STDOUT if path == STDOUT else os.path.realpath(path)
        if real in seen:
            raise SettingsError(f"{path}: given twice as an output")
        if real in sources or any(is_read(path, source) for source in sources):
            raise SettingsError(f"{path}: is an input too; choose another name for the output")
        seen.add(real)
        if path == STDOUT:
            check_stdout()
        else:
            check_output(path, no_clobber)


def check_folder(path: str) -> None:
    """Raise for a folder for outputs that could not be made or written into."""
    folder = os.path.realpath(path)
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise SettingsError(f"{path}: is a file; give a folder")
    while not os.path.isdir(folder):  # those that are missing are made
        folder = os.path.dirname(folder)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise W2VError(f"{path}: the folder {folder} may not be written; choose another place")


def is_read(output: str, source: str) -> bool:
    """Whether an output that exists is the input file `source`, by whatever name, or lies in the input folder."""
    try:
        if os.path.isdir(source):
            return os.path.isfile(output) and os.path.realpath(output).startswith(source.rstrip(os.sep) + os.sep)
        return os.path.samefile(output, source)
    except OSError:  # one of them does not exist
        return False


def check_stdout() -> None:
    if sys.stdout is None:
        raise W2VError("standard output is closed")
    if is_terminal(sys.stdout):
        raise SettingsError("standard output is a terminal; redirect it (> vectors.bin) or give -o FILE")
