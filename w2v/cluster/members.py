"""The nodes that take part, as the coordinator sees them, and calls to them that may fail because they die."""

from __future__ import annotations

import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any

from w2v.cluster.node import Greeting, Report
from w2v.errors import W2VError

__all__ = ["Gone", "Member", "answer"]

RATE_S = 1.0  # words/s of a node are a mean over about so long


class Gone(Exception):
    """The node has died, or something that it held has."""


@dataclass(eq=False)
class Member:
    """One actor. `tokens` and `ahead` are as of its last report."""

    number: int
    node_id: str
    actor: Any
    greeting: Greeting
    alive: bool = True
    tokens: int = 0  # trained there
    done_tokens: int = 0  # of finished chunks
    ahead: int = 0  # tokens that it still has to train
    rate: float = 0.0  # words/s
    joined: float = field(default_factory=time.perf_counter)
    _mark: tuple[float, int] | None = None

    @property
    def name(self) -> str:
        return f"{self.greeting.host}/{self.number}"

    def take(self, report: Report) -> None:
        now = time.perf_counter()
        self.tokens, self.ahead = report.tokens, report.ahead
        if self._mark is None:
            self._mark = (now, 0)
        seconds = now - self._mark[0]
        if seconds >= RATE_S / 4:
            new = (self.tokens - self._mark[1]) / seconds
            weight = min(1.0, seconds / RATE_S) if self.rate else 1.0
            self.rate += weight * (new - self.rate)
            self._mark = (now, self.tokens)


async def answer(reference: Awaitable[Any]) -> Any:
    """What a call returns. Gone if a node or an object was lost; what the node itself raised goes up as it is."""
    from ray.exceptions import RayError, RayTaskError

    try:
        return await reference
    except RayTaskError as error:
        cause = error.cause
        if isinstance(cause, RayError):
            raise Gone(str(cause).splitlines()[0]) from None
        if isinstance(cause, (W2VError, OSError)):
            raise cause from None
        raise
    except RayError as error:
        lines = str(error).splitlines() or [""]
        raise Gone(f"{type(error).__name__}: {lines[0]}") from None
