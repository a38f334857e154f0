"""Scores of recommendation on sessions that were kept apart."""

from __future__ import annotations

import math

import numpy as np
import pytest

from w2v.errors import SettingsError, VectorsError
from w2v.training.evaluation import read_tests, score
from w2v.vectors.evaluate import read_sessions
from w2v.vectors.vectors import Vectors

ROWS, TOPN = 60, 5


@pytest.fixture(scope="module")
def vectors() -> Vectors:
    matrix = np.random.default_rng(2).standard_normal((ROWS, 6), dtype=np.float32)
    return Vectors([str(row) for row in range(ROWS)], matrix)


def test_scores_are_those_of_each_session_asked_alone(vectors):
    draw = np.random.default_rng(3)
    sessions = [[int(row) for row in draw.permutation(ROWS)[: draw.integers(2, 6)]] for _ in range(1500)]
    ranks, shown = [], set()
    for *before, last in sessions:
        found = [int(word) for word, _ in vectors.most_similar(before, topn=TOPN)]
        shown |= set(found)
        ranks += [found.index(last) + 1] if last in found else []
    scores = vectors.evaluate_sessions(sessions, TOPN)
    assert (scores.asked, scores.skipped, scores.coverage) == (1500, 0, 1)
    assert scores.hits == len(ranks)
    assert scores.hr == len(ranks) / 1500
    assert scores.ndcg == pytest.approx(sum(1 / math.log2(rank + 1) for rank in ranks) / 1500)
    assert scores.mrr == pytest.approx(sum(1 / rank for rank in ranks) / 1500)
    assert scores.catalogue == len(shown) / ROWS


def test_sessions_that_cannot_be_asked_are_counted(vectors, tmp_path):
    path = tmp_path / "heldout.txt"
    path.write_text("1 2 3\n1 2 nowhere\nnowhere 2\n4 5 4\n6\n\nnowhere 1 2\n")
    scores = vectors.evaluate_sessions(path)
    assert (scores.asked, scores.skipped) == (2, 4)
    path.write_text("nowhere 2\n4 4\n")
    with pytest.raises(VectorsError, match="none of its 2 sessions can be asked"):
        vectors.evaluate_sessions(path)
    with pytest.raises(VectorsError, match="none of its 2 sessions can be asked"):
        read_sessions(path).check_askable(vectors.words)
    path.write_text(": capitals\nathens greece oslo norway\n")
    with pytest.raises(VectorsError, match=r"heldout.txt:1: these are analogy questions, not sessions"):
        vectors.evaluate_sessions(path)
    for settings in ({"topn": 0}, {"decay": 1.5}):
        with pytest.raises(SettingsError, match=next(iter(settings))):
            vectors.evaluate_sessions([[1, 2]], **settings)


def test_a_file_of_sessions_is_named_as_such_while_training(vectors, tmp_path):
    path = tmp_path / "heldout.txt"
    path.write_text("1 2 3\n4 5 6\n")
    tests = read_tests([f"sessions:{path}"])
    assert list(tests) == ["heldout.txt"]
    tests["heldout.txt"].check_askable(vectors.words)
    assert score(vectors, tests["heldout.txt"]) == vectors.evaluate_sessions(path).hr
