"""Threads that work together on one thing: the first error ends all of them, and so does Ctrl-C."""

from __future__ import annotations

import threading
from collections.abc import Callable

__all__ = ["Crew"]

TICK_S = 0.1


class Crew:
    """Runs functions in threads while the calling thread waits, reports progress and sees Ctrl-C."""

    def __init__(self, on_tick: Callable[[], None] | None = None, on_stop: Callable[[], None] | None = None):
        self.stopped = threading.Event()
        self._on_tick = on_tick
        self._on_stop = on_stop
        self._error: BaseException | None = None
        self._lock = threading.Lock()

    def run(self, *works: Callable[[], None]) -> None:
        """Run all, each in its thread; returns when all have ended. Raises the first error of any of them.

        Each function looks at `stopped` now and then, a few times a second or more.
        """
        threads = [threading.Thread(target=self._work, args=(w,), name=f"w2v-{i}", daemon=True)
                   for i, w in enumerate(works)]
        try:
            for t in threads:
                t.start()
            for t in threads:
                while t.is_alive():
                    t.join(TICK_S)
                    if self._on_tick and t.is_alive():
                        self._on_tick()
        except BaseException:
            self.stop()
            for t in threads:
                if t.ident is not None:
                    t.join()
            raise
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """Ask all to end."""
        self.stopped.set()
        if self._on_stop:
            self._on_stop()

    def _work(self, function: Callable[[], None]) -> None:
        try:
            function()
        except BaseException as e:
            with self._lock:
                self._error = self._error or e
            self.stop()
