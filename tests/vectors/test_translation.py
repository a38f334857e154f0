"""Answers from another space: by cosine, and by CSLS, where hubs are no longer the answer to everything."""

from __future__ import annotations

import numpy as np
import pytest

from w2v import Vectors
from w2v.errors import SettingsError, VectorsError
from w2v.vectors import neighbours
from w2v.vectors.expressions import parse_query
from w2v.vectors.translation import CslsScope


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def spaces() -> tuple[Vectors, Vectors]:
    """Two made languages in one space: word i of one means word i of the other, and all words of the first point also
    the way of `hub`, a word of the second."""
    own = np.eye(40)[:, :39]
    towards = np.zeros((40, 39))
    towards[:, 38] = 1
    ours = unit(own[:38] + towards[:38])
    theirs = unit(np.vstack([0.8 * own[:38] + 0.2 * np.roll(own[:38], 1, axis=0), towards[:1]]))
    return (
        Vectors([f"a{i}" for i in range(38)], ours.astype(np.float32)),
        Vectors([*(f"b{i}" for i in range(38)), "hub"], theirs.astype(np.float32)),
    )


def test_csls_translates_what_cosine_answers_with_a_hub(spaces):
    ours, theirs = spaces
    words = np.array(list(theirs.words), object)
    by_cosine = words[ours.neighbours(topn=1, to=theirs)[0][:, 0]]
    by_csls = words[ours.neighbours(topn=1, to=theirs, csls=True)[0][:, 0]]
    assert (by_cosine == "hub").all()
    assert by_csls.tolist() == [f"b{i}" for i in range(38)]


@pytest.mark.parametrize("limits", [{}, {"restrict_vocab": 50}, {"exclude": ["b3", "b9"]}, {"min_cosine": 0.3},
                                    {"among": ["b70", "b2", "b51", "b8"], "restrict_vocab": 60}])  # fmt: skip
def test_csls_is_that_of_the_paper(monkeypatch, limits):
    monkeypatch.setattr(neighbours, "CELLS", 1 << 10)  # several blocks
    random = np.random.default_rng(4)
    ours = Vectors([f"a{i}" for i in range(90)], random.normal(size=(90, 7)) * random.uniform(0.1, 9, (90, 1)))
    theirs = Vectors([f"b{i}" for i in range(1100)], random.normal(size=(1100, 7)) * 3)
    kept = limits.get("restrict_vocab")
    cosines = unit(ours.matrix.astype(np.float64)) @ unit(theirs.matrix.astype(np.float64)).T
    around_ours = np.sort(cosines[:, :kept], axis=1)[:, -10:].mean(axis=1)
    around_theirs = np.sort(cosines[:kept], axis=0)[-10:].mean(axis=0)
    scores = 2 * cosines - around_ours[:, None] - around_theirs
    allowed = np.arange(len(theirs)) < (kept or len(theirs))
    if "among" in limits:
        allowed &= np.isin(list(theirs.words), limits["among"])
    if "exclude" in limits:
        allowed &= ~np.isin(list(theirs.words), limits["exclude"])
    scores[:, ~allowed] = -np.inf
    scores[cosines < limits.get("min_cosine", -2)] = -np.inf
    rows, found = ours.neighbours(topn=5, to=theirs, csls=True, **limits)
    wanted = np.argsort(-scores, axis=1)[:, :5]
    best = np.take_along_axis(scores, wanted, 1)
    wanted[np.isinf(best)], best[np.isinf(best)] = -1, 0
    assert np.array_equal(rows, wanted)
    np.testing.assert_allclose(found, best, atol=1e-6)


def test_an_expression_is_asked_in_one_space_and_answered_in_the_other(spaces):
    ours, theirs = spaces
    scope = CslsScope(ours, theirs, exclude=["hub"])
    answers = ours.nearest([parse_query("a1 + a7"), parse_query("nothing")], topn=2, scope=scope)
    assert sorted(word for word, _ in answers[0]) == ["b1", "b7"]
    assert "nothing" in str(answers[1])
    with pytest.raises(SettingsError, match="method"):
        ours.nearest([parse_query("a1")], method="mul", scope=scope)


def test_a_word_of_both_is_an_answer_to_itself(spaces):
    _, theirs = spaces
    rows, cosines = theirs.neighbours(["b5"], topn=1, to=Vectors(theirs.words, theirs.matrix))
    assert (rows.tolist(), cosines.round(6).tolist()) == ([[5]], [[1]])


def test_spaces_that_differ_and_settings_that_do_not_go_together_are_refused(spaces):
    ours, theirs = spaces
    with pytest.raises(SettingsError, match="csls: ranks answers from other vectors; give to too"):
        ours.neighbours(csls=True)
    with pytest.raises(SettingsError, match="approx: finds the nearest by cosine"):
        ours.neighbours(to=theirs, csls=True, approx=True)
    short = Vectors(theirs.words, theirs.matrix[:, :5])
    for csls in (False, True):
        with pytest.raises(VectorsError, match="ask have 39 numbers, those that answer 5; bring them into one space"):
            ours.neighbours(to=short, csls=csls)
