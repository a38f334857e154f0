"""Sigmoid, keep probabilities and the alias table: exact values, and seeded draws from them."""

from __future__ import annotations

import numpy as np
import pytest

from w2v.kernel import _tables, tables
from w2v.kernel.tables import alias_probabilities, alias_table, keep_probability, keep_thresholds, sigmoid_table

from . import reference

RARE = 1e-6


def zipf(size: int) -> np.ndarray:
    return np.maximum(1, 3_000_000 / np.arange(1, size + 1)).astype(np.int64)


def table_tail(x: np.ndarray) -> np.ndarray:
    """sigmoid(-x) from the table, in float64."""
    table = sigmoid_table().astype(np.float64)
    step = np.minimum(x.astype(int), tables.SIGMOID_SIZE - 1)
    return table[0][step] + (x - 8) * (table[1][step] + (x - 8) * table[2][step])


def test_sigmoid_table_is_within_0_001_of_the_sigmoid() -> None:
    x = np.linspace(0, 8, 1_000_001)
    # A parabola through t = 0, 1/2 and 1 of a step is off by max |t (t - 1/2) (t - 1)| / 6 = 0.00802 times the largest
    # third derivative, 0.125 for the sigmoid.
    assert abs(table_tail(x) - 1 / (1 + np.exp(x))).max() <= 0.00802 * 0.125
    np.testing.assert_allclose(table_tail(x[::1000]), [reference.table_sigmoid(-v) for v in x[::1000]], atol=1e-6)


def test_sigmoid_beyond_the_table_is_its_last_value() -> None:
    assert sigmoid_table().shape == (3, tables.SIGMOID_SIZE)
    last = reference.table_sigmoid(8)
    assert reference.table_sigmoid(50) == last == pytest.approx(1 / (1 + np.exp(-8)), rel=1e-7)
    assert reference.table_sigmoid(-50) == pytest.approx(1 - last, rel=1e-7)
    assert 0 < 1 - last < 4e-4  # never 0 or 1: a logarithm of it is finite, and a gradient never vanishes


def test_sigmoid_parabolas_meet_and_fall() -> None:
    edges = np.arange(1.0, tables.SIGMOID_SIZE)
    np.testing.assert_allclose(table_tail(np.nextafter(edges, 0)), table_tail(edges), atol=2e-7)
    assert table_tail(np.zeros(1)) == pytest.approx(0.5, rel=1e-6)
    assert (np.diff(table_tail(np.linspace(0, 8, 10_001))) < 0).all()


def test_keep_probability_is_the_formula_of_the_original() -> None:
    counts = np.array([500, 300, 150, 49, 1])
    found = keep_probability(counts, 0.05)
    for count, probability in zip(counts, found, strict=True):
        # word2vec.c: (sqrt(cn / (sample * train_words)) + 1) * (sample * train_words) / cn
        original = (np.sqrt(count / (0.05 * 1000)) + 1) * (0.05 * 1000) / count
        assert probability == pytest.approx(min(1, original), rel=1e-12)
    assert found[0] < found[1] < found[2] < found[3] == found[4] == 1


def test_word_of_a_given_vocabulary_that_never_occurs_is_kept() -> None:
    assert keep_probability(np.array([10, 0]), 0.01)[1] == 1
    assert keep_thresholds(np.array([10, 0]), 0.01)[1] == 2**32 - 1


@pytest.mark.parametrize("sample", [1e-9, 1e-5, 1e-3, 0.3, 1.0])
def test_keep_thresholds_hold_the_probability_to_32_bits(sample: float) -> None:
    counts = zipf(10_000)
    thresholds = keep_thresholds(counts, sample)
    found = (thresholds.astype(np.float64) + 1) / 2**32
    np.testing.assert_allclose(found, np.maximum(keep_probability(counts, sample), 2.0**-32), atol=2.0**-32)
    total = int(counts.sum())
    assert thresholds[:50].tolist() == [reference.keep_threshold(int(n), total, sample) for n in counts[:50]]


def test_sample_zero_has_no_thresholds() -> None:
    assert keep_thresholds(zipf(10), 0) is None


def test_nodes_of_a_huffman_tree_are_kept_by_their_share_of_the_centres() -> None:
    starts, path = tables.huffman_paths(np.array([5, 3, 1, 1]))
    centres = 1e6 * np.array([5.0, 3, 1, 1])
    for sample, t in ((0.1, 0.1), (1e-9, tables.NODE_VISITS / 1e7)):
        expected = [min(1.0, (t / f) ** 0.5 + t / f) for f in (1.0, 0.5, 0.2)]
        found = tables.node_keep_probability(starts, path, centres, sample)
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert (tables.node_keep_probability(starts, path, centres / 500, 1e-9) == 1).all()
    assert tables.node_thresholds(np.array([1, 0.25, 1e-9, 1, 1])).tolist() == [65536, 16384, 0]
    assert len(tables.node_thresholds(np.ones(3))) == 0


EXPONENTS = [0.75, 0, 1, 0.5, -0.5, -10, 10]


@pytest.mark.parametrize("exponent", EXPONENTS)
@pytest.mark.parametrize("size", [1, 2, 3, 1000, 50_000])
def test_alias_table_holds_the_probabilities_to_1e_9(size: int, exponent: float) -> None:
    counts = zipf(size)
    share, other = alias_table(counts, exponent)
    assert share.dtype == np.uint32
    assert other.min() >= 0
    assert other.max() < size
    logs = exponent * np.log(counts.astype(np.longdouble))
    weights = np.exp(logs - logs.max())
    np.testing.assert_allclose(alias_probabilities(share, other), weights / weights.sum(), rtol=0, atol=1e-9)
    assert alias_probabilities(share, other).sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("exponent", [0.75, 0, 1, -1])
def test_alias_table_of_a_million_words_holds_the_probabilities(exponent: float) -> None:
    counts = zipf(1_000_000)
    share, other = alias_table(counts, exponent)
    weights = counts.astype(np.float64) ** exponent
    found, right = alias_probabilities(share, other), weights / weights.sum()
    np.testing.assert_allclose(found, right, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found, right, rtol=1e-6, atol=1e-15)  # rare words too: 1e-9 may be all of their share


@pytest.mark.parametrize("counts", [[7] * 33, [10**12, 1], [1, 0, 0], [5, 5, 1, 1, 1], [2**62, 2**62]])
def test_alias_table_of_odd_counts_holds_the_probabilities(counts: list[int]) -> None:
    weights = np.maximum(np.array(counts, np.float64), 1) ** 0.75
    found = alias_probabilities(*alias_table(np.array(counts), 0.75))
    np.testing.assert_allclose(found, weights / weights.sum(), rtol=0, atol=1e-9)


def test_alias_probabilities_are_those_of_the_draws() -> None:
    # What a kernel draws, for every column and coin at the edges, against the reference's draw.
    model = reference.Model([9, 4, 2, 1, 1], reference.TrainConfig(threads=1).resolved())
    random = reference.Random(1)
    drawn = [model.draw_negative(random.bits()) for _ in range(5000)]
    columns = tables.alias_columns(np.array([9, 4, 2, 1, 1]), 0.75)
    assert np.bincount(drawn, minlength=5).tolist() == _tables.py_draw(columns, 1, 5000).tolist()


@pytest.mark.parametrize(("size", "exponent"), [(1000, 0.75), (50, 0), (200, 1.0), (2, 0.75), (100_000, 0.75)])
def test_ten_million_draws_have_the_shares_of_the_counts(size: int, exponent: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    counts = zipf(size)
    draws = 10_000_000
    hits = _tables.py_draw(tables.alias_columns(counts, exponent), 99, draws)
    weights = counts.astype(np.float64) ** exponent
    assert hits.sum() == draws
    assert stats.chisquare(hits, draws * weights / weights.sum()).pvalue > RARE
