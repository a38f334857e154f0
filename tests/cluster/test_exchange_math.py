"""What is exchanged when, how changes are put together, and that all nodes end up with the same rows."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from w2v.cluster.combine import COMBINERS, gradient, mean, plain_sum, touched
from w2v.cluster.node import Node
from w2v.cluster.schedule import Part, Schedule, bytes_exchanged
from w2v.cluster.shadow import Shadow, shares
from w2v.training._state import Model
from w2v.training.config import TrainConfig


def test_each_doubling_of_rank_is_exchanged_half_as_often():
    schedule = Schedule(rows=100, top=10, most=1000)
    assert schedule.ends == [10, 20, 40, 80, 100]
    assert [schedule.due(k) for k in range(1, 9)] == [1, 2, 1, 3, 1, 2, 1, 4]
    assert schedule.due(16) == 5
    times = np.zeros(100, int)
    for k in range(1, 17):
        for part in schedule.parts(schedule.due(k)):
            times[part.first : part.stop] += 1
    assert times[[0, 9, 10, 19, 20, 40, 99]].tolist() == [16, 16, 8, 8, 4, 2, 1]
    assert schedule.rows_in(16) == times.sum() + 100


def test_parts_cover_all_rows_once_and_are_bounded():
    parts = list(Schedule(rows=1000, top=30, most=64).parts(99))
    assert [part.first for part in parts] == [0, *(part.stop for part in parts[:-1])]
    assert parts[-1].stop == 1000
    assert max(part.stop - part.first for part in parts) == 64
    assert shares(Part(0, 10, 20), 3) == [(10, 13), (13, 16), (16, 20)]


def changes():
    return [np.array(rows, np.float32) for rows in ([[2, 0], [4, 0], [0, 0]], [[0, 2], [2, 0], [0, 0]],
                                                   [[0, 0], [3, 0], [0, 0]])]


def test_combiners_divide_as_they_say():
    np.testing.assert_array_equal(plain_sum(changes()), [[2, 2], [9, 0], [0, 0]])
    np.testing.assert_array_equal(mean(changes()), np.float32([[2 / 3, 2 / 3], [3, 0], [0, 0]]))
    np.testing.assert_array_equal(touched(changes()), [[1, 1], [3, 0], [0, 0]])
    # Orthogonal steps are added, parallel ones are taken once.
    np.testing.assert_array_equal(gradient(changes()), [[2, 2], [4, 0], [0, 0]])


@pytest.mark.parametrize("name", COMBINERS)
def test_combining_leaves_its_arguments_alone_and_one_node_unchanged(name):
    given = changes()
    COMBINERS[name](given)
    for before, after in zip(changes(), given, strict=True):
        np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(COMBINERS[name](given[:1]), given[0])


def models(loss="ns", count=3, words=50):
    config = TrainConfig(dim=10, loss=loss, threads=1).resolved()
    made = [Model(np.arange(words, 0, -1), config) for _ in range(count)]
    for model in made:
        model.fill_inputs(0, words)
    return made


@pytest.mark.parametrize("loss", ["ns", "hs"])
def test_after_an_exchange_all_nodes_hold_the_same_bits(loss):
    draw = np.random.default_rng(1)
    nodes = [Shadow(model) for model in models(loss)]
    before = [matrix.copy() for matrix in nodes[0].base]
    for number, node in enumerate(nodes):
        for matrix in node.model:
            rows = slice(10 * number, 10 * number + 20)
            matrix[rows] += draw.normal(size=matrix[rows].shape).astype(np.float32)
    expected = [touched([n.model[m] - before[m] for n in nodes]) for m in (0, 1)]
    for part in Schedule(50, 8, 16).parts(99):
        given = [node.collect(part, 3) for node in nodes]
        combined = [touched([changes[share] for changes in given]) for share in range(3)]
        for node in nodes:
            node.apply(part, combined)
    for m in (0, 1):
        for node in nodes:
            np.testing.assert_array_equal(node.base[m], nodes[0].base[m])
            np.testing.assert_array_equal(node.model[m], node.base[m])  # nothing was trained since
        np.testing.assert_allclose(nodes[0].base[m], before[m] + expected[m], atol=1e-6)


def test_what_is_trained_during_an_exchange_stays():
    first, second = (Shadow(model) for model in models(count=2))
    part = Part(0, 0, 50)
    first.model[0][3] += 1
    given = [node.collect(part, 1)[0] for node in (first, second)]
    first.model[0][4] += 2
    total = touched(given)
    for node in (first, second):
        node.apply(part, [total])
    np.testing.assert_allclose(first.model[0][4] - second.model[0][4], 2, atol=1e-6)
    np.testing.assert_array_equal(first.model[0][3], second.model[0][3])
    left = first.collect(part, 1)[0]
    assert np.flatnonzero(left.any(axis=1)).tolist() == [4]  # rows that rest leave no trace of rounding


def test_a_node_that_missed_an_exchange_gets_its_rows_and_keeps_only_what_is_new():
    first, second = (Shadow(model) for model in models(count=2))
    part = Part(0, 0, 50)
    for matrix in (0, 1):
        second.model[matrix][7] += 1
    given = [node.collect(part, 1)[0] for node in (first, second)]
    for matrix in (0, 1):
        second.model[matrix][8] += 3
    first.apply(part, [touched(given)])
    for matrix in (0, 1):
        second.adopt(matrix, 0, first.base[matrix])
        np.testing.assert_array_equal(second.base[matrix], first.base[matrix])
        np.testing.assert_allclose(second.model[matrix][7], first.base[matrix][7], atol=1e-6)
        np.testing.assert_allclose(second.model[matrix][8] - first.base[matrix][8], 3, atol=1e-6)


def test_an_exchange_that_failed_leaves_the_changes_with_their_node():
    node = Shadow(models(count=1)[0])
    node.model[0][5] += 1
    part = Part(0, 0, 50)
    before = node.collect(part, 1)[0].copy()
    node.drop()
    np.testing.assert_array_equal(node.collect(part, 1)[0], before)
    with pytest.raises(ValueError, match="not begun"):
        node.apply(Part(0, 0, 10), [before])


def test_the_last_node_that_is_left_gives_what_it_trained_alone():
    node = Node()
    node.replica = SimpleNamespace(model=models(count=1)[0])
    node.share()
    node.shadow.model[0][3] += 1
    before = node.rows(0, 0, 5).copy()
    np.testing.assert_array_equal(node.rows(0, 0, 5, alone=True)[3], before[3] + np.float32(1))
    assert node.settle(7)  # another one joins: it gets all of that, and nothing is left to be averaged with its changes
    np.testing.assert_array_equal(node.rows(0, 3, 4)[0], before[3] + np.float32(1))
    assert not node.collect(8, Part(0, 0, 50), 1)[1].any()


def test_a_node_refuses_calls_that_come_too_late():
    node = Node()
    node.replica = SimpleNamespace(model=models(count=1)[0])
    node.share()
    part, zeros = Part(0, 0, 50), np.zeros((100, 10), np.float32)
    assert node.collect(3, part, 1)[0]
    assert not node.apply(2, part, zeros)
    assert node.close(4) == 0
    assert not node.apply(3, part, zeros + 1)
    assert not node.adopt(3, 0, 0, zeros + 1)
    assert node.collect(3, part, 1) == [False, False]
    assert not node.settle(3)
    assert node.collect(5, part, 1)[0]
    assert node.apply(5, part, zeros)
    assert node.close(6) == 5


def test_bytes_of_an_exchange():
    # 3 nodes, 6 rows of two matrices, 4 floats: each node gets 2/3 from others and sends 2/3 of the result, and back.
    assert bytes_exchanged(3, 6, 4) == 3 * 2 * (6 * 2 * 4 * 2) * 2 // 3
    assert bytes_exchanged(1, 6, 4) == 0
