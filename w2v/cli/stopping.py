"""Signals during a training: the first one asks it to stop where it can be gone on from, a second ends it at once."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

from w2v.cli.errors import SIGNALS, Terminated, quit_at_once

__all__ = ["Wish", "stop_softly"]


class Wish:
    """Whether somebody wishes the training to stop, and by which signal."""

    number = 0

    def __call__(self) -> bool:
        return self.number != 0

    def error(self) -> KeyboardInterrupt:
        """What to raise when the training has stopped."""
        return KeyboardInterrupt() if self.number in (0, signal.SIGINT) else Terminated(self.number)


@contextlib.contextmanager
def stop_softly() -> Iterator[Wish]:
    """Within, the first SIGINT, SIGTERM or SIGHUP only makes the wish true. Signals that are ignored stay so."""
    wish = Wish()
    before = {}

    def ask(number: int, _frame: object) -> None:
        wish.number = number
        for other in before:
            signal.signal(other, quit_at_once)

    for name in SIGNALS:
        number = getattr(signal, name, None)
        if number is not None and callable(signal.getsignal(number)):
            with contextlib.suppress(ValueError):  # not in the main thread
                before[number] = signal.signal(number, ask)
    try:
        yield wish
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is ask:
                signal.signal(number, handler)
