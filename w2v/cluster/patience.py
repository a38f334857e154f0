"""How long the coordinator waits for a node before it goes on without it.

Ray takes 10 s and more to declare a node dead, and a node that hangs is never dead to it. So every wait has a limit of
our own: several times what such a wait usually takes, some seconds at least. Time in which nothing at all answers does
not count: it is the coordinator, or the network, that stood still then.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from w2v.errors import W2VError

__all__ = ["Gone", "Patience", "answer", "expect", "limit_s"]

LEAST_S = 5.0
TIMES = 5  # as long as usual
SLOWEST = 25 << 20  # bytes/s between two nodes: a quarter of a network of 1 Gb/s
TICKS = 5  # parts of the limit that are counted one by one


class Gone(Exception):
    """The node has died, or something that it held has, or it does not answer."""


def limit_s(usual_s: float = 0.0, size: int = 0) -> float:
    """Seconds for a call that usually takes `usual_s`, and sends `size` bytes."""
    return LEAST_S + TIMES * usual_s + size / SLOWEST


class Patience:
    """The time that is left for something; `alive(since)` says whether anything else has answered since then."""

    def __init__(self, limit_s: float, alive: Callable[[float], bool] = lambda since: True):
        self.limit_s, self.alive = limit_s, alive
        self.left = TICKS

    async def wait(self, calls: Iterable[asyncio.Future[Any]]) -> set[asyncio.Future[Any]]:
        """Those that are done, as soon as there is one; none after each part of the limit.

        The coordinator may be stopped, or write a checkpoint for a minute: that is one part.
        """
        since = time.monotonic()
        tick = self.limit_s / TICKS if math.isfinite(self.limit_s) else None
        done, _ = await asyncio.wait(calls, timeout=tick, return_when=asyncio.FIRST_COMPLETED)
        if not done and self.alive(since):
            self.left -= 1
        return done

    @property
    def over(self) -> bool:
        return self.left <= 0


def expect(reference: Awaitable[Any]) -> asyncio.Task[Any]:
    """The answer to a call, as a task that may be left alone: nobody need ask what became of it."""
    task = asyncio.ensure_future(answer(reference))
    task.add_done_callback(lambda task: task.cancelled() or task.exception())
    return task


async def answer(reference: Awaitable[Any]) -> Any:
    """What a call returns. Gone if a node or an object was lost; what the node itself raised goes up as it is."""
    try:
        return await reference
    except (Gone, asyncio.CancelledError):
        raise
    except Exception as error:
        from ray.exceptions import RayActorError, RayError, RayTaskError

        if isinstance(error, RayTaskError):
            cause = error.cause
            if isinstance(cause, RayError):  # what it was to work on
                raise Gone(str(cause).splitlines()[0]) from None
            if isinstance(cause, (W2VError, OSError)):
                raise cause from None
        elif isinstance(error, RayActorError):  # Ray tells of it in several lines of numbers
            raise Gone("its process is gone") from None
        elif isinstance(error, RayError):
            lines = str(error).splitlines() or [""]
            raise Gone(f"{type(error).__name__}: {lines[0]}") from None
        raise
