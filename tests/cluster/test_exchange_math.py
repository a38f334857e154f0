"""What is exchanged when, how changes are put together, and that all nodes end up with the same rows."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from w2v.cluster._rows import PACKED_EXTRA, pack, unpack
from w2v.cluster.node import Node
from w2v.cluster.synced_rows import (
    COMBINERS,
    Part,
    Schedule,
    SyncedRows,
    bytes_exchanged,
    combine_packed,
    gradient,
    mean,
    plain_sum,
    settling,
    shares,
    touched,
)
from w2v.kernel._state import Model, Worker
from w2v.kernel.kernels import choose
from w2v.training.config import TrainConfig
from w2v.training.lanes import pairs_per_token


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
    assert list(schedule.parts(0)) == []


def test_parts_cover_all_rows_once_and_are_bounded():
    parts = list(Schedule(rows=1000, top=30, most=64).parts(99))
    assert [part.first for part in parts] == [0, *(part.stop for part in parts[:-1])]
    assert parts[-1].stop == 1000
    assert max(part.stop - part.first for part in parts) == 64
    assert shares(Part(10, 20), 3) == [(10, 13), (13, 16), (16, 20)]


def changes():
    return [
        np.array(rows, np.float32)
        for rows in ([[2, 0], [4, 0], [0, 0]], [[0, 2], [2, 0], [0, 0]], [[0, 0], [3, 0], [0, 0]])
    ]


NO_EFFORT = [np.zeros(3, np.float32)] * 3


def test_combiners_divide_as_they_say():
    np.testing.assert_array_equal(plain_sum(changes(), NO_EFFORT), [[2, 2], [9, 0], [0, 0]])
    np.testing.assert_array_equal(mean(changes(), NO_EFFORT), np.float32([[2 / 3, 2 / 3], [3, 0], [0, 0]]))
    np.testing.assert_array_equal(touched(changes(), NO_EFFORT), [[1, 1], [3, 0], [0, 0]])
    # Orthogonal steps are added, parallel ones are taken once.
    np.testing.assert_array_equal(gradient(changes(), NO_EFFORT), [[2, 2], [4, 0], [0, 0]])


@pytest.mark.parametrize("name", COMBINERS)
def test_combining_leaves_its_arguments_alone_and_one_node_unchanged(name):
    given, efforts = changes(), [np.float32([0, 1, 9])] * 3
    COMBINERS[name](given, efforts)
    for before, after in zip(changes(), given, strict=True):
        np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(COMBINERS[name](given[:1], efforts[:1]), given[0])


def test_settling_adds_rare_rows_averages_frequent_ones_and_lies_between_otherwise():
    given = [np.ones((3, 1), np.float32)] * 4
    rare, middle, frequent = 1e-6, 0.5, 50.0
    total = settling(given, [np.float32([rare, middle, frequent])] * 4)[:, 0]
    np.testing.assert_allclose(total, [4, 4 * (1 - math.exp(-2)) / (4 * (1 - math.exp(-0.5))), 1], rtol=1e-4)
    # Where the loss is a parabola, the nodes' steps come to what one node's come to that takes them all.
    rest, lr = 3.0, 0.01
    steps = [10, 200, 0, 40]
    alone = [np.float32([[rest * (1 - (1 - lr) ** k)]]) for k in steps]
    efforts = [np.float32([-k * math.log(1 - lr)]) for k in steps]
    np.testing.assert_allclose(settling(alone, efforts), [[rest * (1 - (1 - lr) ** sum(steps))]], rtol=1e-5)


@pytest.mark.parametrize("kind", [{}, {"fixed_window": True}, {"model": "cbow"}, {"loss": "hs"}, {"sample": 0}])
def test_pairs_of_a_row_are_counted_from_the_vocabulary(kind):
    """Against what the loop trains: a corpus of one long sentence, so that ends of sentences count for nothing."""
    draw = np.random.default_rng(3)
    shares = 1 / np.arange(20, 620)
    ids = draw.choice(600, 30000, p=shares / shares.sum())
    counts = np.bincount(ids, minlength=600)
    order = np.argsort(-counts, kind="stable")
    ids, counts = np.argsort(order).astype(np.int32)[ids], counts[order]
    config = TrainConfig(dim=8, window=3, threads=1, **{"sample": 0.002, **kind}).resolved()
    inputs, outputs = pairs_per_token(counts, config)
    worker = Worker(Model(counts, config), 0)
    lines = np.append(ids, -1).astype(np.int32)
    choose().train(worker, lines, 0, len(lines), 0.0)
    pairs = worker.examples / len(ids)
    np.testing.assert_allclose(outputs.sum(), pairs, rtol=0.03)
    if config.model == "skipgram":
        np.testing.assert_allclose(inputs.sum(), pairs, rtol=0.03)
    else:
        np.testing.assert_allclose(inputs.sum(), pairs * 4, rtol=0.03)  # each example moves a window's four rows
    if not config.sample:
        np.testing.assert_allclose(inputs / inputs.sum(), counts / counts.sum(), rtol=1e-5)


def test_packed_rows_are_a_127th_of_their_largest_number_from_the_rows():
    draw = np.random.default_rng(5)
    rows = (draw.normal(size=(40, 17)) * 10.0 ** draw.integers(-20, 20, (40, 1))).astype(np.float32)
    rows[7], rows[8, 3], rows[9, 3], rows[10] = 0, np.nan, -np.inf, 1e-44
    packed = np.empty((40, 17 + PACKED_EXTRA), np.uint8)
    pack(rows, packed)
    back, numbers = np.empty_like(rows), np.empty(40, np.float32)
    unpack(packed, back, numbers)
    good = np.r_[0:8, 11:40]
    assert np.all(np.abs(back - rows)[good] <= np.abs(rows[good]).max(axis=1, keepdims=True) * 0.501 / 127)
    assert np.isnan(back[8:10]).all()  # what diverged is not made to look well
    assert not back[10].any()
    assert not numbers.any()


def synced(loss="ns", count=3, words=50):
    counts = np.arange(words, 0, -1)
    config = TrainConfig(dim=10, loss=loss, threads=1).resolved()
    made = [Model(counts, config) for _ in range(count)]
    for model in made:
        model.fill_inputs(0, words)
    return [SyncedRows(model, counts) for model in made]


def step(rows):
    """The largest error of packing."""
    return np.abs(rows).max() / 127


@pytest.mark.parametrize("loss", ["ns", "hs"])
def test_after_an_exchange_all_nodes_hold_the_same_bits(loss):
    draw = np.random.default_rng(1)
    nodes = synced(loss)
    before = [matrix.copy() for matrix in nodes[0].base]
    for number, node in enumerate(nodes):
        for matrix in node.model:
            rows = slice(10 * number, 10 * number + 20)
            matrix[rows] += draw.normal(size=matrix[rows].shape).astype(np.float32)
    expected = [plain_sum([n.model[m] - before[m] for n in nodes], ()) for m in (0, 1)]
    for part in Schedule(50, 8, 16).parts(99):
        given = [node.collect(part, 3, 0.0) for node in nodes]
        combined = [combine_packed("settling", [changes[share] for changes in given]) for share in range(3)]
        for node in nodes:
            node.apply(part, combined)
    for m in (0, 1):
        for node in nodes:
            np.testing.assert_array_equal(node.base[m], nodes[0].base[m])
            np.testing.assert_allclose(node.model[m], node.base[m], atol=step(expected[m]))  # nothing was trained since
        np.testing.assert_allclose(nodes[0].base[m], before[m] + expected[m], atol=2 * step(expected[m]))


def test_what_is_trained_during_an_exchange_stays():
    first, second = synced(count=2)
    part = Part(0, 50)
    first.model[0][3] += 1
    given = [node.collect(part, 1, 0.0)[0] for node in (first, second)]
    first.model[0][4] += 2
    total = combine_packed("settling", given)
    for node in (first, second):
        node.apply(part, [total])
    np.testing.assert_allclose(first.model[0][4] - second.model[0][4], 2, atol=1e-6)
    np.testing.assert_allclose(first.model[0][3], second.model[0][3], atol=1e-6)
    left = first.collect(part, 1, 0.0)[0]
    assert {4} <= set(np.flatnonzero(left[:, :-4].any(axis=1))) <= {3, 4}  # rows that rest leave no trace of rounding


@pytest.mark.parametrize("loss", ["ns", "hs"])
def test_a_node_that_missed_an_exchange_gets_its_rows_and_keeps_only_what_is_new(loss):
    first, second = synced(loss, count=2)
    part = Part(0, 50)
    for matrix in (0, 1):
        second.model[matrix][7] += 1
    given = [node.collect(part, 1, 0.0)[0] for node in (first, second)]
    for matrix in (0, 1):
        second.model[matrix][8] += 3
    first.apply(part, [combine_packed("settling", given)])
    for matrix in (0, 1):
        second.adopt(matrix, 0, first.base[matrix])
        np.testing.assert_array_equal(second.base[matrix], first.base[matrix])
        np.testing.assert_allclose(second.model[matrix][7], first.base[matrix][7], atol=1e-6)
        np.testing.assert_allclose(second.model[matrix][8] - first.base[matrix][8], 3, atol=1e-6)


def test_what_rounding_takes_goes_with_the_next_exchange():
    nodes = synced(count=2)
    part, draw = Part(0, 50), np.random.default_rng(2)
    before, change = nodes[0].base[0].copy(), draw.normal(size=(50, 10)).astype(np.float32)
    nodes[0].model[0] += change
    errors = []
    for _ in range(3):
        given = [node.collect(part, 1, 0.0)[0] for node in nodes]
        for node in nodes:
            node.apply(part, [combine_packed("settling", given)])
        errors.append(np.abs(nodes[1].base[0] - before - change).max())
    assert errors[0] > 1e-3
    assert errors[2] < 1e-6


def test_an_exchange_that_failed_leaves_the_changes_with_their_node():
    node = synced(count=1)[0]
    node.model[0][5] += 1
    part = Part(0, 50)
    before = node.collect(part, 1, 0.0)[0].copy()
    node.drop()
    np.testing.assert_array_equal(node.collect(part, 1, 0.0)[0], before)
    with pytest.raises(ValueError, match="not begun"):
        node.apply(Part(0, 10), [before])


def alone():
    """What a node keeps of its replica and of the run, here of one that has trained for a while."""
    counts = np.arange(50, 0, -1)
    model = Model(counts, TrainConfig(dim=10, threads=1).resolved())
    return SimpleNamespace(model=model, spent=9.0), SimpleNamespace(vocab=SimpleNamespace(counts=counts))


def test_the_last_node_that_is_left_gives_what_it_trained_alone():
    node = Node()
    node.replica, node.setup = alone()
    node.share()
    node.synced.model[0][3] += 1
    before = node.rows(0, 0, 5).copy()
    np.testing.assert_array_equal(node.rows(0, 0, 5, alone=True)[3], before[3] + np.float32(1))
    assert node.settle(7)  # another one joins: it gets all of that, and nothing is left to be averaged with its changes
    np.testing.assert_array_equal(node.rows(0, 3, 4)[0], before[3] + np.float32(1))
    assert not node.collect(8, Part(0, 50), 1)[1].any()  # neither changes nor effort


def test_a_node_refuses_calls_that_come_too_late():
    node = Node()
    node.replica, node.setup = alone()
    node.share()
    part, zeros = Part(0, 50), np.zeros((100, 18), np.uint8)
    assert node.collect(3, part, 1)[0]
    assert not node.apply(2, part, zeros)
    assert node.close(4) == 0
    assert not node.apply(3, part, zeros + 1)
    assert not node.adopt(3, 0, 0, np.ones((50, 10), np.float32))
    assert node.collect(3, part, 1) == [False, False]
    assert not node.settle(3)
    assert node.collect(5, part, 1)[0]
    assert node.apply(5, part, zeros)
    assert node.close(6) == 5


def test_bytes_of_an_exchange():
    # 3 nodes, 6 rows of two matrices, 4 floats: each node gets 2/3 from others and sends 2/3 of the result, and back.
    assert bytes_exchanged(3, 6, 4) == 3 * 2 * (6 * 2 * (4 + 8)) * 2 // 3
    assert bytes_exchanged(1, 6, 4) == 0
