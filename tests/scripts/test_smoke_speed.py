"""A path that has become slower than the others is found, however fast the machine is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
KEPT = {"skip-gram": 0.3, "CBOW": 0.2, "reading": 0.1, "asking": 0.01}


@pytest.fixture
def smoke(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    import smoke_speed

    monkeypatch.setattr(smoke_speed, "PAUSE_S", 0)
    yield smoke_speed
    for name in [name for name in sys.modules if name.split(".")[0] in ("smoke_speed", "bench")]:
        sys.modules.pop(name)


@pytest.mark.parametrize("slow", KEPT)
@pytest.mark.parametrize("machine", [0.3, 1, 4])
def test_a_path_that_lost_a_fifth_is_told_from_a_slow_machine(smoke, monkeypatch, tmp_path, slow, machine):
    times = {name: seconds * machine * (1.3 if name == slow else 1) for name, seconds in KEPT.items()}
    monkeypatch.setattr(smoke, "KEPT", tmp_path / "smoke.json")
    monkeypatch.setattr(sys, "argv", ["smoke_speed", "--write"])
    monkeypatch.setattr(smoke, "measure", lambda _runs: KEPT)
    smoke.main()
    monkeypatch.setattr(sys, "argv", ["smoke_speed"])
    smoke.main()
    monkeypatch.setattr(smoke, "measure", lambda _runs: times)
    with pytest.raises(SystemExit, match=f"more than a fifth: {slow}$"):
        smoke.main()


def test_a_path_that_is_slow_for_a_moment_is_not_called_slow(smoke, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(smoke, "KEPT", tmp_path / "smoke.json")
    monkeypatch.setattr(smoke, "measure", lambda _runs: KEPT)
    monkeypatch.setattr(sys, "argv", ["smoke_speed", "--write"])
    smoke.main()
    times = iter([{**KEPT, "CBOW": 1.0}, {**KEPT, "reading": 1.0}])
    monkeypatch.setattr(smoke, "measure", lambda _runs: next(times))
    monkeypatch.setattr(sys, "argv", ["smoke_speed"])
    smoke.main()
    assert "CBOW" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("factors", "told"), [({"skip-gram": 1.3, "CBOW": 1.3}, ["skip-gram", "CBOW"]), ({"CBOW": 0.5}, [])]
)
def test_paths_that_share_a_kernel_are_slow_together_and_a_faster_one_makes_no_other_slow(smoke, factors, told):
    shares = smoke.compare({name: seconds * factors.get(name, 1) for name, seconds in KEPT.items()}, KEPT)
    assert [name for name, share in shares.items() if share > smoke.SLOWER] == told
