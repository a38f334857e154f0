"""How much memory may be taken: the machine's, cut by the limits of every cgroup above; a training measured by it."""

from __future__ import annotations

import dataclasses
import re

import pytest

from w2v.errors import TrainingError
from w2v.machine import Room, available_memory, reserve, room
from w2v.training.config import TrainConfig
from w2v.training.memory import check_memory, memory_needed

GB = 1 << 30


@pytest.fixture
def system(tmp_path):
    """A made-up /proc and /sys/fs/cgroup: 8 GB free, no limits."""
    proc, cgroup = tmp_path / "proc", tmp_path / "cgroup"
    write(proc / "meminfo", f"MemTotal: {16 * GB // 1024} kB\nMemAvailable: {8 * GB // 1024} kB\n")
    write(proc / "self/cgroup", "0::/job/step\n")
    write(cgroup / "job/step/memory.max", "max\n")
    return proc, cgroup


def write(path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def limit(folder, most: int, used: int, cache: int = 0) -> None:
    write(folder / "memory.max", f"{most}\n")
    write(folder / "memory.current", f"{used}\n")
    write(folder / "memory.stat", f"anon 5\ninactive_file {cache}\n")


def test_without_limits_it_is_what_the_machine_has_free(system):
    proc, cgroup = system
    assert room(cgroup, proc) == Room(8 * GB, "free on this machine")


def test_the_tightest_cgroup_above_counts(system):
    proc, cgroup = system
    limit(cgroup / "job/step", 4 * GB, 1 * GB)
    limit(cgroup / "job", 3 * GB, 2 * GB)
    assert room(cgroup, proc) == Room(1 * GB, f"left of this cgroup's {3 * GB:,} bytes")


def test_pages_of_files_are_given_back(system):
    proc, cgroup = system
    limit(cgroup / "job/step", 4 * GB, 4 * GB, cache=3 * GB)
    assert room(cgroup, proc).size == 3 * GB


def test_a_full_cgroup_has_nothing_left(system):
    proc, cgroup = system
    limit(cgroup / "job/step", 4 * GB, 5 * GB)
    assert room(cgroup, proc).size == 0


def test_cgroups_of_version_1_count_too(system):
    proc, cgroup = system
    write(proc / "self/cgroup", "3:cpu,cpuacct:/x\n9:memory:/job\n")
    write(cgroup / "memory/job/memory.limit_in_bytes", f"{2 * GB}\n")
    write(cgroup / "memory/job/memory.usage_in_bytes", f"{GB}\n")
    assert room(cgroup, proc).size == GB


def test_a_group_outside_the_tree_is_not_followed(system):
    proc, cgroup = system
    write(proc / "self/cgroup", "0::/../../elsewhere\n")
    assert room(cgroup, proc).size == 8 * GB


def test_this_machine_has_some():
    assert available_memory() > 1 << 20


def test_a_training_that_a_cgroup_has_no_room_for_is_refused_with_settings_that_fit(system):
    proc, cgroup = system
    config, words = TrainConfig(dim=300, threads=4), 1_000_000
    limit(cgroup / "job/step", 2 * GB, GB // 2)
    with pytest.raises(TrainingError) as caught:
        check_memory(config, words, 8 * words, available=room(cgroup, proc))
    text = str(caught.value)
    assert "\n" not in text
    assert "1,000,000 words x 300 take 2.58 GB" in text
    assert f"1.61 GB are left of this cgroup's {2 * GB:,} bytes" in text
    dim = int(text.split("try dim=")[1].split()[0])
    most = int(text.split("max_vocab=")[1])
    there = room(cgroup, proc)
    check_memory(TrainConfig(dim=dim, threads=4), words, 8 * words, available=there)
    check_memory(config, most, 8 * most, available=there)


@pytest.mark.parametrize(
    "settings",
    [
        {"subwords": "3-6", "threads": 1},
        {"subwords": "3-6", "threads": 7, "reproducible": True},
        {"loss": "softmax", "threads": 2},
        {"loss": "hs", "threads": 1, "held_out": 0.1, "stop_early": 1},
        {"threads": 7, "hot_rows": 1_000_000},
    ],
    ids=str,
)
def test_each_setting_that_is_advised_fits_alone_and_a_larger_one_does_not(settings):
    config, words = TrainConfig(dim=300, **settings), 400_000
    there = Room(sum(memory_needed(config.resolved(), words, 8 * words).values()) * 9 // 10, "there")
    copies = {"combine": 4 * 300 * words}
    with pytest.raises(TrainingError) as caught:
        check_memory(config, words, 8 * words, copies, available=there)
    found = {
        name: int(value) for name, value in re.findall(r"(dim|buckets|max_vocab|hot_rows)=(\d+)", str(caught.value))
    }
    assert found
    assert ("buckets" in found) == ("subwords" in settings)
    for name, value in found.items():

        def check(value, name=name):
            then = value if name == "max_vocab" else words
            changed = config if name == "max_vocab" else dataclasses.replace(config, **{name: value})
            check_memory(changed, then, 8 * then, copies, available=there)

        check(value)
        with pytest.raises(TrainingError):
            check(value + 100 if name != "hot_rows" else 1_000_000)


def test_the_estimate_is_the_limit_to_the_byte():
    config = TrainConfig(dim=100, threads=2).resolved()
    needed = sum(memory_needed(config, 50_000, 400_000).values())
    there = next(size for size in range(needed, 2 * needed) if size - reserve(size) == needed)
    check_memory(config, 50_000, 400_000, available=Room(there, "there"))
    with pytest.raises(TrainingError, match="not enough memory"):
        check_memory(config, 50_000, 400_000, available=Room(there - 1, "there"))


def test_a_run_that_would_take_nearly_all_memory_is_refused_and_leaves_a_reserve():
    config = TrainConfig(dim=60_000, threads=1)
    there = Room(24 * 10**9, "free on this machine")
    with pytest.raises(TrainingError, match=r"take 22\.9 GB .* 24\.0 GB are free on this machine, of which 1\.50 GB"):
        check_memory(config, 47_700, available=there)
    check_memory(config, 46_000, available=there)
    assert reserve(10**12) == 2 << 30


FLAT = {
    "vectors": 128_000,
    "context": 128_000,
    "private rows": 0,
    "tables": 62_000,
}  # 1,000 words x 20, 128 bytes a row


@pytest.mark.parametrize(
    ("settings", "rows", "expected"),
    [
        ({}, None, FLAT),
        ({"dim": 16}, None, {**FLAT, "vectors": 64_000, "context": 64_000}),
        ({"threads": 3, "hot_rows": 100}, None, {**FLAT, "private rows": 3 * 4 * 100 * 128}),
        ({"threads": 2, "hot_rows": 5000}, None, {**FLAT, "private rows": 2 * 4 * 1000 * 128}),
        ({"threads": 3, "reproducible": True}, None, {**FLAT, "private rows": 2 * 8000 * 128 + 8000}),
        ({"loss": "hs"}, None, {**FLAT, "tables": 62_000 + 5 * 1000 * 10}),
        ({"loss": "softmax"}, None, {**FLAT, "scores": 2 * 4 * 32 * 1000}),
        ({"stop_early": 1, "held_out": 0.1}, None, {**FLAT, "the best epoch": 256_000}),
        ({"subwords": "3-6", "buckets": 2000}, None, {**FLAT, "n-grams": 4000 * 128 + 480_000}),
        ({"subwords": "3-6"}, None, {**FLAT, "n-grams": 6000 * 128 + 480_000}),
        ({"subwords": "3-6"}, 1500, {**FLAT, "n-grams": 2500 * 128 + 480_000}),
    ],
    ids=str,
)
def test_a_training_takes_what_its_settings_ask_for(settings, rows, expected):
    config = TrainConfig(**{"dim": 20, "threads": 1, **settings}).resolved()
    assert memory_needed(config, 1000, 7000, rows) == expected


def test_the_way_out_of_too_little_memory_is_the_mildest_that_is_enough():
    config = TrainConfig(dim=100, threads=8, hot_rows=1000)
    needed = memory_needed(config.resolved(), 2000)
    enough = sum(needed.values()) - needed["private rows"]
    there = next(size for size in range(enough, 2 * enough) if size - reserve(size) == enough)
    with pytest.raises(TrainingError, match="; try hot_rows=0, or fewer threads"):
        check_memory(config, 2000, available=Room(there, "there"))
    with pytest.raises(TrainingError, match="; a smaller dim or max_vocab needs less"):
        check_memory(config, 2000, available=Room(1000, "there"))
    needed = sum(memory_needed(TrainConfig(dim=48, threads=1).resolved(), 2000).values())
    there = next(size for size in range(needed, 2 * needed) if size - reserve(size) == needed)
    with pytest.raises(TrainingError, match=f"; try dim=48 or max_vocab={2000 * needed // (needed + 256_000)}$"):
        check_memory(TrainConfig(dim=64, threads=1), 2000, available=Room(there, "there"))
