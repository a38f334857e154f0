from __future__ import annotations

import random
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from w2v.cluster.coordinator import AHEAD_S, MOST_HELD, Coordinator
from w2v.cluster.leases import Lease, Leases


def test_one_node_trains_in_the_order_of_the_corpus():
    leases = Leases(3, 2)
    taken = []
    while (lease := leases.take("a")) is not None:
        taken.append(lease)
        leases.finish("a", lease)
    assert taken == [Lease(e, c) for e in range(2) for c in range(3)]
    assert leases.over


def test_a_node_gets_the_chunks_that_it_has_read_again():
    leases = Leases(4, 2)
    first = {node: [leases.take(node), leases.take(node)] for node in ("a", "b")}
    again = {node: [leases.take(node), leases.take(node)] for node in ("b", "a")}
    for node in ("a", "b"):
        assert [lease.chunk for lease in again[node]] == [lease.chunk for lease in first[node]]


def test_a_lease_of_a_dead_node_goes_back_and_its_late_report_counts_nothing():
    leases = Leases(2, 1)
    lost, kept = leases.take("a"), leases.take("b")
    assert leases.lose("a") == [lost]
    assert not leases.finish("a", lost)
    assert leases.finish("b", kept)
    assert leases.take("b") == lost
    assert leases.finish("b", lost)
    assert leases.over
    assert leases.lost == 1


def test_finished_leases_of_a_former_run_are_not_given_out():
    leases = Leases(2, 1, [Lease(0, 0)])
    assert leases.take("a") == Lease(0, 1)
    assert leases.take("a") is None


@pytest.mark.parametrize(("rate", "tokens", "given_out"), [
    (0.0, 10, 2),  # a node that has said nothing yet: one to train and one to read
    (49.9 / AHEAD_S, 10, 5), (50.1 / AHEAD_S, 10, 6),  # chunks of less than it trains meanwhile: as many as that takes
    (50 / AHEAD_S, 1000, 2), (1e9, 10, MOST_HELD),
])  # fmt: skip
def test_a_node_is_given_chunks_for_as_long_as_it_may_not_be_heard(rate, tokens, given_out):
    coordinator = SimpleNamespace(leases=Leases(100, 1), setup=SimpleNamespace(tokens=[tokens] * 100))
    member = SimpleNamespace(number=0, ahead=0, rate=rate)
    assert len(Coordinator.leases_for(coordinator, member)) == given_out == len(coordinator.leases.held_by(0))
    member.ahead = tokens * given_out
    assert Coordinator.leases_for(coordinator, member) == [], "it holds enough"


def test_a_node_is_given_no_more_than_there_is():
    coordinator = SimpleNamespace(leases=Leases(1, 1), setup=SimpleNamespace(tokens=[10]))
    assert len(Coordinator.leases_for(coordinator, SimpleNamespace(number=0, ahead=0, rate=0.0))) == 1


@given(st.integers(1, 12), st.integers(1, 4), st.integers(0, 2**32))
def test_whoever_dies_every_chunk_is_trained_once_in_each_epoch(chunks, epochs, seed):
    draw = random.Random(seed)
    leases, done, fresh = Leases(chunks, epochs), [], 3
    nodes = [0, 1, 2]
    while not leases.over:
        node = draw.choice(nodes)
        held = sorted(leases.held_by(node))
        act = draw.random()
        if act < 0.1:
            leases.lose(node)
            nodes[nodes.index(node)] = fresh
            fresh += 1
        elif act < 0.5 and held:
            lease = draw.choice(held)
            assert leases.finish(node, lease)
            done.append(lease)
        else:
            leases.take(node)
    assert sorted(done) == [Lease(e, c) for e in range(epochs) for c in range(chunks)]
