"""Output files: what is wrong with a place is said before any work, not after hours of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from w2v.cli.streams import is_terminal
from w2v.errors import SettingsError, W2VError

__all__ = ["STDOUT", "check_folder", "check_outputs"]

STDOUT = "-"


def check_outputs(outputs: Sequence[str], inputs: Sequence[str] = (), no_clobber: bool = False) -> None:
    """Raise for the first output that could not be written at the end. Nothing is created or touched."""
    from w2v import output

    if STDOUT in outputs:
        check_stdout()
    output.check_outputs(outputs, inputs, no_clobber)


def check_folder(path: str) -> None:
    """Raise for a folder for outputs that could not be made or written into."""
    folder = os.path.realpath(path)
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise SettingsError(f"{path}: is a file; give a folder")
    while not os.path.isdir(folder):  # those that are missing are made
        folder = os.path.dirname(folder)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise W2VError(f"{path}: the folder {folder} may not be written; choose another place")


def check_stdout() -> None:
    if sys.stdout is None:
        raise W2VError("standard output is closed")
    if is_terminal(sys.stdout):
        raise SettingsError("standard output is a terminal; redirect it (> vectors.bin) or give -o FILE")
