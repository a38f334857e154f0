"""How much memory this process may still take: what the machine has free, cut by its cgroup's limits."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["available_memory"]

CGROUP = Path("/sys/fs/cgroup")
UNKNOWN = 4 << 30  # where the system tells nothing


def available_memory(cgroup: Path = CGROUP) -> int:
    """Bytes that can be taken without swapping, as far as the system tells."""
    return max(0, min([_machine_memory(), *_cgroup_memory(cgroup)]))


def _machine_memory() -> int:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (ValueError, OSError):
        return UNKNOWN


def _cgroup_memory(root: Path) -> list[int]:
    """What is left below each limit, from this process's group upwards (version 2), and version 1's."""
    group = ""
    try:
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            if line.startswith("0::"):
                group = line[3:].strip().lstrip("/")
    except OSError:
        pass
    pairs = [(folder / "memory.max", folder / "memory.current")
             for folder in ((root / group, *(root / group).parents) if group else (root,))]
    pairs.append((root / "memory/memory.limit_in_bytes", root / "memory/memory.usage_in_bytes"))
    left = []
    for limit, used in pairs:
        try:
            left.append(int(limit.read_text()) - int(used.read_text()))
        except (OSError, ValueError):  # "max", or no such group
            continue
    return left
