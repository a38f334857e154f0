"""How many CPUs this process may use: affinity mask and cgroup quota, not what the machine has."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["available_cpus", "thread_count"]

CGROUP = Path("/sys/fs/cgroup")


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
