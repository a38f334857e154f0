"""Signals, from the first moment of the process to its last: what is imported here is imported without protection."""

from __future__ import annotations

import contextlib
import os
import signal
import sys

TYPE_CHECKING = False  # as in w2v/__init__.py
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType
    from typing import Any

__all__ = ["NUMBERS", "Terminated", "end_early", "handle_early", "quit_at_once", "raised_signals"]

NUMBERS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP; whatever cleans up after Ctrl-C cleans up after these too."""

    def __init__(self, number: int):
        super().__init__(number)
        self.exit_code = 128 + number


def quit_at_once(number: int, _frame: FrameType | None) -> None:
    """What a second signal does: nothing is waited for; of outputs that are being written nothing is left."""
    output = sys.modules.get("w2v.output")
    for temporary in list(output.UNFINISHED) if output is not None else ():
        with contextlib.suppress(OSError):
            os.unlink(temporary)
    os._exit(128 + number)


def end_early(number: int, _frame: FrameType | None) -> None:
    """What a signal does before the command has begun, while modules are imported, and after it has ended."""
    with contextlib.suppress(OSError):
        os.write(2, b"w2v: interrupted\n" if number == signal.SIGINT else b"w2v: stopped by a signal\n")
    os._exit(128 + number)


def handle_early() -> None:
    """Handle signals from now on. One that the parent ignores (nohup, a background job) stays ignored."""
    for number in NUMBERS:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, end_early)


@contextlib.contextmanager
def raised_signals() -> Iterator[None]:
    """Within, a signal raises KeyboardInterrupt or Terminated in the main thread; a second one ends the process."""
    previous: dict[int, Callable[[int, FrameType | None], Any] | int | None] = {}

    def stop(number: int, _frame: FrameType | None) -> None:
        for other in previous:
            signal.signal(other, quit_at_once)
        raise KeyboardInterrupt if number == signal.SIGINT else Terminated(number)

    for number in NUMBERS:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler, end_early):
            with contextlib.suppress(ValueError):  # not in the main thread: a test that calls main()
                previous[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in previous.items():
            if signal.getsignal(number) is stop:
                signal.signal(number, handler)
