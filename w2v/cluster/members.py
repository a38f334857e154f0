"""The nodes that take part, as the coordinator sees them, and how long it waits for one before it goes on without it.

Ray takes 10 s and more to declare a node dead, and a node that hangs is never dead to it. So every wait has a limit of
our own: several times what such a wait usually takes, some seconds at least. Time in which nothing at all answers does
not count: it is the coordinator, or the network, that stood still then.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from w2v.errors import W2VError

if TYPE_CHECKING:
    from w2v.cluster.node import Greeting, Report

__all__ = ["Deadline", "Member", "NodeLost", "expect", "limit_s"]

RATE_S = 1.0  # words/s of a node are a mean over about so long
FORGET = 0.98  # of the longest answer, at each answer
LEAST_S = 5.0
TIMES = 5  # as long as usual
SLOWEST = 25 << 20  # bytes/s between two nodes: a quarter of a network of 1 Gb/s
TICKS = 5  # parts of the limit that are counted one by one


def new_future() -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()


@dataclass(eq=False)
class Member:
    """One actor. `tokens` and `ahead` are as of its last report, at `heard`; `end` is done when it is lost."""

    number: int
    node_id: str
    actor: Any
    greeting: Greeting
    alive: bool = True
    tokens: int = 0  # trained there
    done_tokens: int = 0  # of finished chunks
    ahead: int = 0  # tokens that it still has to train
    rate: float = 0.0  # words/s
    heard: float = 0.0  # time.monotonic()
    usual_s: float = 0.0  # the longest of its recent answers
    end: asyncio.Future[None] = field(default_factory=new_future)
    _mark: tuple[float, int] | None = None

    @property
    def name(self) -> str:
        return f"{self.greeting.host}/{self.number}"

    def take(self, report: Report, took_s: float) -> None:
        """Its report, which took so long."""
        now = time.monotonic()
        self.heard = now
        self.usual_s = max(took_s, self.usual_s * FORGET)
        self.tokens, self.ahead = report.tokens, report.ahead
        if self._mark is None:
            self._mark = (now, 0)
        seconds = now - self._mark[0]
        if seconds >= RATE_S / 4:
            new = (self.tokens - self._mark[1]) / seconds
            weight = min(1.0, seconds / RATE_S) if self.rate else 1.0
            self.rate += weight * (new - self.rate)
            self._mark = (now, self.tokens)


class NodeLost(Exception):
    """A node has died, or something that it held is gone, or it does not answer."""


def limit_s(usual_s: float = 0.0, size: int = 0) -> float:
    """Seconds for a call that usually takes `usual_s`, and sends `size` bytes."""
    return LEAST_S + TIMES * usual_s + size / SLOWEST


class Deadline:
    """The time that is left for something.

    `others_answer(since)` says whether anything else has answered since then: only such time counts.
    """

    def __init__(self, limit_s: float, others_answer: Callable[[float], bool] = lambda _: True):
        self.limit_s, self.others_answer = limit_s, others_answer
        self.left = TICKS

    async def wait(self, calls: Iterable[asyncio.Future[Any]]) -> set[asyncio.Future[Any]]:
        """Those that are done, as soon as there is one; none after each part of the limit.

        The coordinator may be stopped, or write a checkpoint for a minute: that is one part.
        """
        since = time.monotonic()
        tick = self.limit_s / TICKS if math.isfinite(self.limit_s) else None
        done, _ = await asyncio.wait(calls, timeout=tick, return_when=asyncio.FIRST_COMPLETED)
        if not done and self.others_answer(since):
            self.left -= 1
        return done

    @property
    def passed(self) -> bool:
        return self.left <= 0


def expect(reference: Awaitable[Any]) -> asyncio.Future[Any]:
    """The answer to a call, as a task that may be left alone: nobody has to look at its outcome."""
    task = asyncio.ensure_future(answer(reference))
    task.add_done_callback(lambda task: None if task.cancelled() else task.exception())
    return task


async def answer(reference: Awaitable[Any]) -> Any:
    """What a call returns. NodeLost if a node or an object is gone; what the node itself raised is raised here."""
    try:
        return await reference
    except (NodeLost, asyncio.CancelledError):
        raise
    except Exception as error:
        from ray.exceptions import RayActorError, RayError, RayTaskError

        if isinstance(error, RayTaskError):
            cause = error.cause
            if isinstance(cause, RayError):  # what it was to work on
                raise NodeLost(first_line(cause)) from None
            if isinstance(cause, (W2VError, OSError)):
                raise cause from None
        elif isinstance(error, RayActorError):  # Ray says so in several lines of numbers
            raise NodeLost("its process has ended") from None
        elif isinstance(error, RayError):
            raise NodeLost(f"{type(error).__name__}: {first_line(error)}") from None
        raise


def first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0]
