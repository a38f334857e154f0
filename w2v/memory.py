"""How much memory this process may still take: what the machine has free, cut by its cgroup's limits and its own."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["Room", "available_memory", "reserve", "room"]

CGROUP = Path("/sys/fs/cgroup")
PROC = Path("/proc")
UNKNOWN = 4 << 30  # where the system says nothing
RESERVE_SHARE, MOST_RESERVE = 16, 2 << 30
CACHE = re.compile(r"^(?:total_)?inactive_file (\d+)$", re.MULTILINE)  # given back when somebody needs it


class Room(NamedTuple):
    """Bytes that can be taken, and what sets the limit."""

    size: int
    limit: str


def available_memory(cgroup: Path = CGROUP) -> int:
    """Bytes that can be taken without swapping, as far as the system says."""
    return room(cgroup).size


def room(cgroup: Path = CGROUP, proc: Path = PROC) -> Room:
    """The least that is left below any limit."""
    return min([_machine(proc), *_groups(cgroup, proc), *_own_limits(proc)])


def reserve(size: int) -> int:
    """Bytes of `size` free ones that a long run leaves to others.

    A run that was planned with 22.9 GB of 24 was killed by the system a quarter of the way: the page cache, buffers and
    other processes take their part.
    """
    return min(size // RESERVE_SHARE, MOST_RESERVE)


def _machine(proc: Path) -> Room:
    found = re.search(r"^MemAvailable:\s+(\d+) kB$", _text(proc / "meminfo"), re.MULTILINE)
    if found:
        return Room(int(found[1]) * 1024, "free on this machine")
    try:
        return Room(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2, "half of this machine's memory")
    except (ValueError, OSError):
        return Room(UNKNOWN, "assumed to be free")


def _groups(root: Path, proc: Path) -> Iterator[Room]:
    """What is left below each limit of the cgroups, from this process's own upwards; version 2, then version 1."""
    own = _text(proc / "self/cgroup")
    for pattern, top, limit, used in (
        (r"^0::/?(.*)$", root, "memory.max", "memory.current"),
        (
            r"^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:/?(.*)$",
            root / "memory",
            "memory.limit_in_bytes",
            "memory.usage_in_bytes",
        ),
    ):
        found = re.search(pattern, own, re.MULTILINE)
        group = top / found[1] if found else top
        for folder in dict.fromkeys((group, *group.parents, top)):
            if top not in (folder, *folder.parents):
                continue
            most, taken = _text(folder / limit), _text(folder / used)
            if most.strip().isdigit() and taken.strip().isdigit():  # not "max"
                cache = CACHE.findall(_text(folder / "memory.stat"))
                left = int(most) - int(taken) + max(map(int, cache), default=0)
                yield Room(max(0, left), f"left of this cgroup's {int(most):,} bytes")


def _own_limits(proc: Path) -> Iterator[Room]:
    """What `ulimit -v` and `ulimit -d` leave."""
    try:
        import resource
    except ImportError:
        return
    status = _text(proc / "self/status")
    for name, number, flag in (("VmSize", resource.RLIMIT_AS, "-v"), ("VmData", resource.RLIMIT_DATA, "-d")):
        most = resource.getrlimit(number)[0]
        taken = re.search(rf"^{name}:\s+(\d+) kB$", status, re.MULTILINE)
        if most != resource.RLIM_INFINITY and taken:
            yield Room(max(0, most - int(taken[1]) * 1024), f"left of the limit of {most:,} bytes (ulimit {flag})")


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, ValueError):
        return ""
