"""Waiting for what is meant instead of for a time."""

from __future__ import annotations

import time
from collections.abc import Callable

LONGEST_S = 60


def wait_until(happened: Callable[[], object], what: str) -> None:
    """Return as soon as it has; fail with what was waited for after a minute."""
    end = time.monotonic() + LONGEST_S
    while not happened():
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.01)
