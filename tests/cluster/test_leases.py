from __future__ import annotations

import random
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from w2v.cluster.coordinator import AHEAD_S, MOST_HELD, Coordinator
from w2v.cluster.leases import Done, Lease, Leases, Ledger
from w2v.corpus.vocab import TokenCounts
from w2v.training.state import Totals


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


def test_a_node_without_chunks_of_its_own_helps_the_one_that_keeps_most_from_its_end():
    leases = Leases(5, 2)
    for node in ("a", "b", "b", "b", "a"):
        leases.finish(node, leases.take(node))
    assert leases.waiting == 5
    assert [leases.take("c").chunk for _ in range(3)] == [3, 4, 2]
    assert (leases.waiting, leases.epoch, leases.over) == (2, 1, False)
    assert leases.take("b") == Lease(1, 1), "its own, of which one is left"
    leases.lose("b")
    assert (leases.lost, leases.waiting, leases.held_by("b")) == (1, 2, set())
    assert leases.take("a") == Lease(1, 0), "its own"
    assert leases.take("a") == Lease(1, 1), "nobody's"
    assert leases.take("a") is None


def test_the_first_epoch_that_is_not_done_is_that_of_what_is_held_or_waits():
    leases = Leases(2, 2)
    first = leases.take("a")
    for _ in range(3):
        leases.take("b")
    assert leases.epoch == 0
    assert leases.finish("b", Lease(0, 1))
    assert leases.finish("a", first)
    assert leases.epoch == 1
    for lease in (Lease(1, 0), Lease(1, 1)):
        leases.finish("b", lease)
    assert (leases.epoch, leases.over) == (2, True)


def test_a_ledger_adds_up_by_epoch_and_keeps_the_first_counts_of_a_chunk():
    ledger = Ledger()
    for epoch, tokens, loss, examples in ((1, 5, 3.0, 4), (0, 7, 0.0, 0), (1, 11, 2.0, 4)):
        totals = Totals(trained=tokens, loss=loss, examples=examples)
        ledger.enter(Done(Lease(epoch, 3), totals, TokenCounts(read=tokens) if epoch else None))
    assert ledger.totals == Totals(trained=23, loss=5.0, examples=8)
    assert ledger.epochs == {1: Totals(trained=16, loss=5.0, examples=8), 0: Totals(trained=7)}
    assert ledger.chunks == {3: TokenCounts(read=5)}
    assert ledger.losses() == [None, 0.625]
    copied = ledger.copy()
    copied.enter(Done(Lease(2, 4), Totals(trained=1), TokenCounts(read=1)))
    assert (ledger.totals.tokens, sorted(ledger.epochs), sorted(ledger.chunks)) == (23, [0, 1], [3])


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
