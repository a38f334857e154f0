"""Neighbours of many words at once, and which words may be answers, against a slow reference."""

from __future__ import annotations

import random

import numpy as np
import pytest

from w2v.errors import SettingsError, UnknownWordError, VectorsError
from w2v.vectors.neighbours import EPSILON, Scope
from w2v.vectors.vectors import Vectors

ROWS, DIM, TOPN = 2300, 12, 7  # more than two blocks of queries


@pytest.fixture(scope="module")
def vectors() -> Vectors:
    matrix = np.random.default_rng(7).standard_normal((ROWS, DIM), dtype=np.float32)
    matrix[5] = 0
    matrix[6] *= np.float32(1e20)
    matrix[900] = matrix[901] = matrix[902]  # ties
    return Vectors([str(100_000 + row) for row in range(ROWS)], matrix)


def expected(vectors, groups, allowed, decay=1.0, least=-2.0):
    """Rows and cosines by all cosines in float64, one group after the other."""
    matrix = vectors.matrix.astype(np.float64)
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    units = np.divide(matrix, lengths, out=np.zeros_like(matrix), where=lengths > 0)
    rows, cosines = np.full((len(groups), TOPN), -1), np.zeros((len(groups), TOPN))
    for number, group in enumerate(groups):
        mean = sum(units[row] * decay ** (len(group) - 1 - i) for i, row in enumerate(group))
        scores = units @ mean / (np.linalg.norm(mean) or 1)
        found = [row for row in allowed if row not in group and scores[row] >= least]
        best = sorted(found, key=lambda row: (-round(scores[row], 12), row))[:TOPN]
        rows[number, : len(best)], cosines[number, : len(best)] = best, scores[best]
    return rows, cosines


def agree(found, wanted):
    assert found[0].dtype == np.int64
    assert found[1].dtype == np.float32
    assert np.array_equal(found[0], wanted[0])
    assert np.allclose(found[1], wanted[1], atol=1e-6)


def test_the_neighbours_of_every_row_are_those_of_all_cosines(vectors):
    found = vectors.neighbours(topn=TOPN)
    some = [0, 1, 6, 900, 901, 1023, 1024, ROWS - 1]
    agree((found[0][some], found[1][some]), expected(vectors, [[row] for row in some], range(ROWS)))
    assert [str(100_000 + row) for row in found[0][3]] == [word for word, _ in vectors.most_similar(100_003, topn=TOPN)]


def test_answers_keep_to_the_words_that_may_be_answers(vectors):
    asked = [100_000, "100020", np.int64(100_900)]
    groups = [[0], [20], [900]]
    among = list(range(0, ROWS, 3))
    excluded = list(range(0, ROWS, 4))
    ids = {row: 100_000 + row for row in range(ROWS)}
    agree(
        vectors.neighbours(asked, TOPN, among=[ids[row] for row in among], exclude=[ids[row] for row in excluded]),
        expected(vectors, groups, [row for row in among if row not in excluded]),
    )
    agree(
        vectors.neighbours(asked, TOPN, restrict_vocab=50, exclude=[ids[1]], min_cosine=0.5),
        expected(vectors, groups, [row for row in range(50) if row != 1], least=0.5),
    )
    agree(
        vectors.neighbours([["100900"]], TOPN, among=["100901", "100902", "100900"]),
        expected(vectors, [[900]], [901, 902]),
    )


def test_a_session_is_asked_by_its_mean_and_what_it_holds_is_no_answer(vectors):
    sessions = [[100_001, 100_002, "nowhere", 100_700], ["100020"], ["nowhere"], []]
    for decay in (1.0, 0.5):
        rows, cosines = vectors.neighbours(sessions, TOPN, decay=decay)
        agree(
            (rows, cosines),
            expected(vectors, [[1, 2, 700], [20], list(range(ROWS)), list(range(ROWS))], range(ROWS), decay),
        )


def test_what_cannot_be_asked_is_refused(vectors):
    with pytest.raises(UnknownWordError, match='"7" is not in the vocabulary'):
        vectors.neighbours([7])
    with pytest.raises(VectorsError, match="none of its words may be an answer"):
        vectors.neighbours([100_000], among=["nowhere"])
    for wrong in ({"decay": 0}, {"min_cosine": 2}, {"restrict_vocab": -1}, {"topn": None}):
        with pytest.raises(SettingsError, match=next(iter(wrong))):
            vectors.neighbours([100_000], **wrong)
    assert vectors.neighbours([], TOPN)[0].shape == (0, TOPN)
    assert vectors.neighbours([100_000], 0)[0].shape == (1, 0)


def test_an_index_finds_nearly_all_neighbours_with_their_exact_cosines(vectors):
    pytest.importorskip("usearch")
    exact, cosines = vectors.neighbours(topn=TOPN, exclude=[100_000])
    rows, approximate = vectors.neighbours(topn=TOPN, exclude=[100_000], approx=True)
    assert np.array_equal(vectors.neighbours([100_003], TOPN, exclude=[100_000], approx=True)[0][0], rows[3])
    alike = rows[:, 0] == exact[:, 0]
    assert alike.mean() > 0.95
    assert np.array_equal(approximate[alike, 0], cosines[alike, 0])
    assert not (rows == 0).any()
    assert not (rows == np.arange(ROWS)[:, None]).any()


@pytest.mark.parametrize("among", [None, ["w9", "w2", "w30", "w4", "w41"]])
def test_rows_that_may_be_answers_are_given_in_parts_at_length_one(among):
    matrix = (
        np.random.default_rng(2).normal(size=(50, 6)).astype(np.float32) * np.arange(1, 51, dtype=np.float32)[:, None]
    )
    scope = Scope(Vectors([f"w{i}" for i in range(50)], matrix), restrict_vocab=40, among=among)
    rows = np.arange(40) if among is None else np.array([2, 4, 9, 30])
    unit = matrix[rows] / np.linalg.norm(matrix[rows], axis=1, keepdims=True)
    assert len(scope) == len(rows)
    for low, high in ((0, 4), (1, 3), (3, 4)):
        np.testing.assert_allclose(scope.units(low, high), unit[low:high], rtol=1e-5)
        comparable = scope.comparable(low, high) * scope.factors[low:high, None]
        np.testing.assert_allclose(comparable, unit[low:high], rtol=1e-5)


def test_any_choice_of_answers_is_kept_to():
    draw, refused = random.Random(3), 0
    matrix = np.random.default_rng(3).standard_normal((12, 3), dtype=np.float32)
    small = Vectors([f"w{row}" for row in range(12)], matrix)
    for _ in range(300):
        groups = [draw.sample(range(12), draw.randrange(1, 4)) for _ in range(3)]
        among = draw.sample(range(12), draw.randrange(1, 12)) if draw.random() < 0.6 else None
        excluded, last = draw.sample(range(12), draw.choice([0, 0, 1, 5])), draw.choice([None, 0, 1, 6, 11, 12, 99])
        least, decay = draw.choice([None, 0.3, -0.5]), draw.choice([1.0, 0.5])
        allowed = [row for row in sorted(range(12) if among is None else among) if row not in excluded]
        allowed = [row for row in allowed if last is None or row < last]
        options = {"exclude": [f"w{row}" for row in excluded], "restrict_vocab": last, "min_cosine": least}
        options |= {"decay": decay, "among": None if among is None else [f"w{row}" for row in among]}
        asked = [[f"w{row}" for row in group] for group in groups]
        if among is not None and not allowed:
            refused += 1
            with pytest.raises(VectorsError, match="none of its words may be an answer"):
                small.neighbours(asked, TOPN, **options)
        else:
            wanted = expected(small, groups, allowed, decay, -2 if least is None else least)
            agree(small.neighbours(asked, TOPN, **options), wanted)
    assert refused > 5


def test_the_products_of_an_analogy_are_those_of_all_cosines(vectors):
    """Levy and Goldberg 2014, 3CosMul, with cosines brought to 0..1."""
    units = vectors.matrix.astype(np.float64)
    units /= np.maximum(np.linalg.norm(units, axis=1, keepdims=True), 1e-30)
    shifted = (1 + units @ units.T) / 2
    for positive, negative, last in (
        ([3, 4], [7], None),
        ([900], [], 1500),
        ([1, 1030], [2, 2200], None),
        ([9], [9], 50),
    ):
        scores = np.prod(shifted[positive], axis=0) / (np.prod(shifted[negative], axis=0) + EPSILON * bool(negative))
        best = sorted(set(range(ROWS if last is None else last)) - {*positive, *negative}, key=lambda row: -scores[row])
        words = [[str(100_000 + row) for row in rows] for rows in (positive, negative)]
        found = vectors.most_similar(*words, topn=5, method="mul", restrict_vocab=last)
        assert [int(word) - 100_000 for word, _ in found] == best[:5]
        np.testing.assert_allclose([score for _, score in found], scores[best[:5]], rtol=1e-6)


def test_more_answers_than_there_are_rows_take_no_memory(vectors):
    """10^12 places for answers are more than any machine has."""
    most = 10**12
    few = vectors.top(30)
    assert len(few.most_similar(few.words[0], topn=most)) == 29
    assert len(few.most_similar(few.words[0], few.words[1], topn=most, method="mul")) == 28
    assert len(few.similar_by_vector(np.ones(DIM), topn=most)) == 30
    assert [found.shape for found in few.neighbours(topn=most)] == [(30, 30)] * 2
    assert len(few.nearest([], topn=most)) == 0
    rows, cosines = few.neighbours(topn=most, to=vectors)
    assert rows.shape == cosines.shape == (30, ROWS)
