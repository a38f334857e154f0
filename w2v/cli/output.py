"""Where a command's output goes: what is wrong with a place is reported before any work, not after hours of it."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from w2v.cli.streams import is_terminal
from w2v.errors import SettingsError, W2VError

__all__ = ["STDOUT", "check_outputs", "check_stdout"]

STDOUT = "-"


def check_outputs(outputs: Sequence[str], inputs: Sequence[str] = (), no_clobber: bool = False) -> None:
    """Raise for the first output that could not be written at the end, or that is binary and goes to a terminal.

    Nothing is created or touched.
    """
    from w2v import output

    check_stdout(*outputs)
    output.check_outputs(outputs, inputs, no_clobber)


def check_stdout(*outputs: str) -> None:
    """Raise where one of the outputs is standard output, by any name, and that is closed or a terminal."""
    from w2v.output import descriptor_of

    if any(path == STDOUT or descriptor_of(path) == 1 for path in outputs):
        if sys.stdout is None:
            raise W2VError("standard output is closed")
        if is_terminal(sys.stdout):
            raise SettingsError("standard output is a terminal; redirect it (> vectors.bin) or give -o FILE")
