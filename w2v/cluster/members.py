"""The nodes that take part, as the coordinator sees them."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from w2v.cluster.node import Greeting, Report

__all__ = ["Member"]

RATE_S = 1.0  # words/s of a node are a mean over about so long
FORGET = 0.98  # of the longest answer, at each answer


def a_future() -> asyncio.Future[None]:
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
    usual_s: float = 0.0  # its slowest answers of late
    joined: float = field(default_factory=time.perf_counter)
    end: asyncio.Future[None] = field(default_factory=a_future)
    _mark: tuple[float, int] | None = None

    @property
    def name(self) -> str:
        return f"{self.greeting.host}/{self.number}"

    def take(self, report: Report, took_s: float) -> None:
        """Its report, which it took so long to give."""
        now = time.perf_counter()
        self.heard = time.monotonic()
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
