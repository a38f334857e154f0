"""Rows that change their core, counted by hand."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def simulation(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import simulate_threads

    yield simulate_threads
    for name in ("simulate_threads", "compare_builds", "bench_tasks"):
        sys.modules.pop(name, None)


def test_a_row_moves_when_another_thread_changes_it_and_a_private_one_only_at_its_merges(simulation):
    # Two threads change row 0 at every centre, and each a row of its own.
    centres = 80
    changes = [(thread, time, row) for thread in (0, 1) for time in range(centres) for row in (0, 5 + thread)]
    walk = tuple(np.array(column) for column in zip(*changes, strict=True))
    assert simulation.transfers(walk, 10, 0, 1, centres) == 1
    assert simulation.transfers(walk, 10, 4, 8, centres) == pytest.approx(1 / 8)
    alone = tuple(column[walk[0] == 0] for column in walk)
    assert simulation.transfers(alone, 10, 0, 1, centres) == 0
