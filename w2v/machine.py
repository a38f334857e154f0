"""What this process may use of the machine: CPUs by its affinity mask and quota, memory by what is free and limits."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["Room", "available_cpus", "available_memory", "reserve", "room", "thread_count"]

CGROUP = Path("/sys/fs/cgroup")
PROC = Path("/proc")
UNKNOWN = 4 << 30  # where the system says nothing
RESERVE_SHARE, MOST_RESERVE = 16, 2 << 30
CACHE = re.compile(r"^(?:total_)?inactive_file (\d+)$", re.MULTILINE)  # given back when somebody needs it


def available_cpus() -> int:
    """CPUs that this process may run on, at least 1: the affinity mask, cut by a cgroup v2 or v1 CPU quota."""
    if hasattr(os, "sched_getaffinity"):
        cpus = len(os.sched_getaffinity(0))
    else:
        cpus = os.cpu_count() or 1
    quota = cgroup_quota()
    if quota is not None:
        cpus = min(cpus, max(1, int(quota + 0.5)))
    return max(1, cpus)


def thread_count(threads: int | None = None) -> int:
    """Threads to use: as given, or the CPUs that this process may run on."""
    return available_cpus() if threads is None else max(1, threads)


def cgroup_quota(root: Path = CGROUP) -> float | None:
    """CPU quota in CPUs, the tightest from the own group upwards; None where there is none (or no cgroups)."""
    quotas = [quota_us / period_us for quota_us, period_us in _quota_files(root) if quota_us > 0 and period_us > 0]
    return min(quotas, default=None)


def _quota_files(root: Path) -> Iterator[tuple[int, int]]:
    """(quota, period) in microseconds from this process's own group upwards, v2 first."""
    group = _own_group()
    for folder in (root / group, *(root / group).parents):
        try:
            quota, period = (folder / "cpu.max").read_text().split()
            if quota != "max":
                yield int(quota), int(period)
        except (OSError, ValueError):
            pass
        if folder == root:
            break
    try:
        yield (
            int((root / "cpu/cpu.cfs_quota_us").read_text()),
            int((root / "cpu/cpu.cfs_period_us").read_text()),
        )
    except (OSError, ValueError):
        return


def _own_group() -> str:
    try:
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            if line.startswith("0::"):
                return line[3:].strip().lstrip("/")
    except OSError:
        pass
    return ""


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
