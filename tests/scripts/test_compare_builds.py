"""scripts/compare_builds.py: two builds in turn."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import w2v

ROOT = Path(__file__).resolve().parents[2]
INSTALLED = Path(w2v.__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("builds") / "world.ids"
    w2v.encode(ROOT / "data" / "world.txt.gz").save(path)
    return path


def compare(*words: object) -> subprocess.CompletedProcess[str]:
    script = [sys.executable, str(ROOT / "scripts" / "compare_builds.py"), *map(str, words)]
    return subprocess.run(script, capture_output=True, text=True, timeout=120)


def test_a_build_is_as_fast_as_itself_and_gives_the_same_vectors(corpus: Path) -> None:
    settings = ("--rounds", 3, "--tokens", 20_000, "--set", "threads=1", "--set", "dim=16")
    done = compare(corpus, INSTALLED, INSTALLED, *settings)
    assert done.returncode == 0, done.stderr
    before, after, told = done.stdout.splitlines()
    for line, name in ((before, "before"), (after, "after")):
        assert re.fullmatch(rf"{name} +[\d.]+ \([\d.]+ to [\d.]+\) ns a centre word", line)
    ratio = r"[\d.]+ times as fast \(half of the pairs: [\d.]+ to [\d.]+\)"
    assert re.fullmatch(rf"after is {ratio}; the same vectors", told)


def test_other_vectors_are_told(corpus: Path, tmp_path: Path) -> None:
    shutil.copytree(INSTALLED / "w2v", tmp_path / "w2v")
    with (tmp_path / "w2v" / "kernel" / "tables.py").open("a") as tables:
        tables.write("\n_as_it_was = sigmoid_table\n\n\ndef sigmoid_table():\n    return _as_it_was() / 2\n")
    done = compare(corpus, INSTALLED, tmp_path, "--rounds", 1, "--tokens", 5_000, "--set", "threads=1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("; other vectors\n")


def test_a_folder_without_a_build_is_an_error(corpus: Path, tmp_path: Path) -> None:
    done = compare(corpus, INSTALLED, tmp_path, "--rounds", 1)
    assert done.returncode != 0
    assert f"{tmp_path}: holds no w2v" in done.stderr


@pytest.mark.parametrize(
    ("text", "told"), [("dim=0", "dim: must be between 1 and 65536 (got 0)"), ("dims=3", "'dims'")]
)
def test_a_wrong_setting_is_told_without_a_traceback(corpus: Path, text: str, told: str) -> None:
    done = compare(corpus, INSTALLED, INSTALLED, "--rounds", 1, "--set", text)
    assert done.returncode != 0
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_no_rounds_are_refused(corpus: Path) -> None:
    done = compare(corpus, INSTALLED, INSTALLED, "--rounds", 0)
    assert done.returncode == 2
    assert "--rounds: 0 pairs tell nothing" in done.stderr
