from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

import w2v

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def study(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import study_sessions

    yield study_sessions
    sys.modules.pop("study_sessions")


def test_sessions_are_the_same_for_the_same_seed(study):
    sessions = study.make_sessions(1, 200)
    assert sessions == study.make_sessions(1, 200)
    assert sessions != study.make_sessions(2, 200)
    assert all(len(set(session)) == len(session) for session in sessions)


def test_scores_are_those_of_the_rank_of_the_last_song(study):
    angles = np.linspace(0, 1.5, 20)
    vectors = w2v.Vectors([f"s{i}" for i in range(20)], np.stack([np.cos(angles), np.sin(angles)], axis=1))
    assert study.score(vectors, [["x", "s0", "s1"]]) == (1.0, 1.0)
    assert study.score(vectors, [["s0", "s2"], ["s0", "s15"], ["s0", "unknown"]]) == (
        0.5,
        pytest.approx(0.5 / np.log2(3)),
    )
    songs = [f"s{i}" for i in range(20)]
    assert study.score_of_popularity(songs, [["s5", "s0"], ["s0", "s10"]])[0] == 1.0
    assert study.score_of_popularity(songs, [["s15", "s10"], ["s0", "s9"]])[0] == 0.5


def test_the_page_has_a_row_for_each_setting_of_the_script(study):
    page = (ROOT / "docs" / "sessions.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+) \| [.\d]+ \| [.\d]+ \| [.\d]+ \|$", page, re.MULTILINE)
    assert rows == [name for name, _ in study.SETTINGS]
