"""What scripts/fuzz.py runs, on its seeds and on every finding: tests/findings/TARGET/NAME, fixed ever since."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FINDINGS = sorted(path for path in (ROOT / "tests" / "findings").glob("*/*") if path.is_file())
TARGETS = ("text", "binary", "safetensors", "fasttext", "checkpoint", "encoder")


@pytest.fixture(scope="module")
def targets():
    """scripts/fuzzing/targets.py, whose imports stand beside it and below tests/."""
    before = list(sys.path), set(sys.modules)
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        from fuzzing.targets import TARGETS as found
    finally:
        sys.path[:] = before[0]
        for name in ("reference", "hostile", "runs"):  # other tests have files of these names
            if name not in before[1]:
                sys.modules.pop(name, None)
    return found


def test_every_target_is_listed(targets):
    assert tuple(targets) == TARGETS
    assert f"NAMES = {TARGETS!r}".replace("'", '"') in (ROOT / "scripts" / "fuzz.py").read_text("utf-8")


@pytest.mark.parametrize("path", FINDINGS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_a_fuzzer_found_is_read_or_refused(targets, path):
    targets[path.parent.name][0](path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_and_their_cut_and_changed_forms_are_read_or_refused(targets, name):
    function, seeds = targets[name]
    for seed in seeds():
        function(seed)
        step = max(1, len(seed) // 40)
        for at in range(0, len(seed), step):
            function(seed[:at])
            function(seed[:at] + b"\xff\0" + seed[at + 1 :])


def test_a_target_notices_what_is_wrong(targets, monkeypatch):
    """A reader that loses the last row would be found."""
    module = sys.modules[targets["text"][0].__module__]
    right = module.outcome
    monkeypatch.setattr(module, "outcome", lambda source: right(source)[:-1])
    with pytest.raises(AssertionError):
        targets["text"][0](targets["text"][1]()[0])
    assert os.path.isdir(ROOT / "tests" / "findings")
