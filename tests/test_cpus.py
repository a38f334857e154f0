"""The CPUs that this process may use: affinity mask and cgroup quotas, with faked files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from w2v import machine as module


def group(root: Path, name: str, quota: str | None) -> None:
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    if quota is not None:
        (folder / "cpu.max").write_text(quota + "\n")


@pytest.fixture
def own_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_own_group", lambda: "pods/mine")


@pytest.mark.usefixtures("own_group")
@pytest.mark.parametrize(
    ("quotas", "cpus"),
    [
        ({"pods/mine": "200000 100000"}, 2),
        ({"pods/mine": "150000 100000"}, 1.5),
        ({"pods/mine": "max 100000"}, None),
        ({"pods/mine": "max 100000", "pods": "300000 100000"}, 3),
        ({"pods/mine": "800000 100000", "pods": "300000 100000"}, 3),  # the tightest counts
        ({"pods/mine": "100000 100000", "pods": "300000 100000", "": "max 100000"}, 1),
        ({"": "400000 100000"}, 4),
        ({"pods/mine": "rubbish"}, None),
        ({"pods/mine": "100000"}, None),
        ({"pods/mine": "0 0", "pods": "100000 50000"}, 2),
        ({}, None),
    ],
)
def test_quota_is_the_tightest_from_the_own_group_upwards(tmp_path: Path, quotas: dict, cpus: float | None) -> None:
    for name, quota in quotas.items():
        group(tmp_path, name, quota)
    (tmp_path.parent / "cpu.max").unlink(missing_ok=True)
    assert module.cgroup_quota(tmp_path) == cpus


@pytest.mark.usefixtures("own_group")
@pytest.mark.parametrize(("quota", "cpus"), [("250000", 2.5), ("-1", None), ("x", None)])
def test_quota_of_cgroup_version_1_is_read(tmp_path: Path, quota: str, cpus: float | None) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu/cpu.cfs_quota_us").write_text(quota)
    (tmp_path / "cpu/cpu.cfs_period_us").write_text("100000")
    assert module.cgroup_quota(tmp_path) == cpus


@pytest.mark.parametrize(
    ("affinity", "quota", "cpus"),
    [(8, None, 8), (8, 2.0, 2), (8, 1.5, 2), (8, 0.3, 1), (2, 16.0, 2), (1, 0.01, 1), (64, 2.4, 2)],
)
def test_cpus_are_those_of_the_mask_cut_by_the_quota(
    monkeypatch: pytest.MonkeyPatch, affinity: int, quota: float | None, cpus: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(affinity)), raising=False)
    monkeypatch.setattr(module, "cgroup_quota", lambda: quota)
    assert module.available_cpus() == cpus


def test_system_without_affinity_gives_its_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    monkeypatch.setattr(module, "cgroup_quota", lambda: None)
    assert module.available_cpus() == 1


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity mask")
def test_affinity_mask_of_this_process_is_heard() -> None:
    mask = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(mask)})
        assert module.available_cpus() == 1
    finally:
        os.sched_setaffinity(0, mask)
