"""What ends a training on a cluster before its time, without a cluster."""

from __future__ import annotations

import asyncio
import socket
import time
from types import SimpleNamespace

import pytest

from w2v.cluster import session
from w2v.cluster.coordinator import Coordinator, NodeRate, lr_scale
from w2v.cluster.leases import Leases, Ledger
from w2v.cluster.node_manager import NodeManager
from w2v.cluster.session import Head, HeadLost
from w2v.cluster.synced_rows import Schedule
from w2v.errors import TrainingError
from w2v.training.config import TrainConfig
from w2v.training.progress import TrainingStopped
from w2v.training.state import Totals


def ray_at(address):
    """As much of Ray as a coordinator without nodes asks for."""
    return SimpleNamespace(
        get_runtime_context=lambda: SimpleNamespace(gcs_address=address),
        nodes=list,
        put=lambda value: value,
        remote=lambda kind: kind,
    )


@pytest.fixture
def head():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def address_of(server):
    return f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def train(head):
    """Runs a coordinator on the cluster at this address."""
    address = address_of(head)

    def run(should_stop=lambda: False):
        async def coordinate():
            setup = SimpleNamespace(
                vocab=["a", "b"], kept=10, tokens=[10], combine="settling", config=TrainConfig(dim=4).resolved()
            )
            coordinator = Coordinator(ray_at(address), setup, Leases(1, 1), Ledger(), Schedule(2, 2, 2), sync_every_s=1)
            try:
                await coordinator.run(lambda: None, should_stop)
            finally:
                await coordinator.close()

        asyncio.run(asyncio.wait_for(coordinate(), 20))

    return run


def test_a_training_is_stopped_while_its_nodes_are_being_built(train, monkeypatch):
    ended = []

    async def begin(self):
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    monkeypatch.setattr(NodeManager, "begin", begin)
    asked = iter([False, True])
    with pytest.raises(TrainingStopped):
        train(lambda: next(asked))
    assert ended


def test_a_cluster_without_a_free_cpu_is_an_error(train):
    with pytest.raises(TrainingError, match="cluster: no node has a CPU that is free"):
        train()


def test_a_head_node_that_is_gone_ends_the_training(train, head, monkeypatch):
    monkeypatch.setattr(session, "HEAD_S", 0.2)
    monkeypatch.setattr(session, "LOOK_S", 0.01)
    address = address_of(head)
    head.close()
    with pytest.raises(HeadLost, match=rf"the head node at {address} has not answered for 0\.2 s"):
        train()


def test_a_head_node_that_answers_again_is_not_lost(head, monkeypatch):
    monkeypatch.setattr(session, "HEAD_S", 0.0)
    lost = Head(ray_at("127.0.0.1:1"))
    with pytest.raises(HeadLost):
        lost.answers()
    monkeypatch.setattr(session, "HEAD_S", 60)
    lost = Head(ray_at("127.0.0.1:1"))
    assert not lost.answers()
    lost.address = address_of(head)
    assert lost.answers()
    monkeypatch.setattr(session, "HEAD_S", 0.01)
    lost.address = "127.0.0.1:1"
    assert not lost.answers()  # its time begins anew


def test_a_head_node_is_looked_at_once_in_a_while(head, monkeypatch):
    monkeypatch.setattr(session, "LOOK_S", 1e9)
    found = Head(ray_at(address_of(head)))
    found.answers()
    for _ in range(5):
        found.check()
    head.accept()[0].close()
    head.setblocking(False)
    with pytest.raises(BlockingIOError):
        head.accept()


def coordinator_of(head, tokens, epochs=1, **settings):
    """One that is not run, with so many tokens in each chunk."""
    config = TrainConfig(dim=4, threads=1, epochs=epochs, **settings).resolved()
    setup = SimpleNamespace(vocab=["a", "b"], kept=sum(tokens), tokens=tokens, combine="touched", config=config)
    leases = Leases(len(tokens), epochs)
    return Coordinator(ray_at(address_of(head)), setup, leases, Ledger(), Schedule(2, 2, 2), sync_every_s=1)


def member(number, **fields):
    return SimpleNamespace(
        **{"number": number, "name": f"host/{number}", "rate": 0.0, "ahead": 0, "tokens": 0, "done_tokens": 0, **fields}
    )


@pytest.mark.parametrize(
    ("nodes", "combine", "scale"),
    [
        (0, "settling", 1),
        (1, "settling", 1),
        (4, "settling", 2),
        (16, "settling", 4),
        (100, "settling", 4),
        (3, "touched", 3),
        (5, "mean", 4),
        (5, "another", 1),
    ],
)
def test_the_learning_rate_grows_with_the_nodes_up_to_four_times(nodes, combine, scale):
    assert lr_scale(nodes, combine) == scale


@pytest.mark.parametrize(
    ("tokens", "rate", "ahead", "given"),
    [
        (100, 0.0, 0, 2),  # the one that it trains and the one that it reads
        (100, 1000.0, 0, 6),  # 0.6 s of work
        (100, 1000.0, 450, 2),
        (100, 1000.0, 600, 2),
        (100, 1e9, 0, 64),
    ],
)
def test_a_node_holds_more_than_half_a_second_of_work_and_at_least_two_chunks(head, tokens, rate, ahead, given):
    coordinator, one = coordinator_of(head, [tokens] * 70), member(1, rate=rate, ahead=ahead)
    first = coordinator.leases_for(one)
    assert [lease.chunk for lease in first] == list(range(given))
    one.ahead += tokens * given
    assert coordinator.leases_for(one) == []  # it has enough
    if given == 2:
        coordinator.leases.finish(1, first[0])
        assert [lease.chunk for lease in coordinator.leases_for(one)] == [2]


def test_what_was_trained_on_lost_nodes_in_finished_chunks_counts(head):
    coordinator = coordinator_of(head, [100, 300], epochs=2)
    coordinator.tokens_before = 50
    coordinator.members += [member(1, tokens=70), member(2, tokens=30)]
    coordinator.nodes.lost.append(member(3, tokens=999, done_tokens=10))
    assert coordinator.tokens == 160
    assert coordinator.share == 160 / 800
    assert coordinator.lr_scale == 2
    coordinator.tokens_before = 5000
    assert coordinator.share == 1


def test_progress_is_of_all_nodes_and_the_loss_of_what_was_finished_since_the_last_look(head, monkeypatch):
    coordinator = coordinator_of(head, [100, 300], epochs=2, lr=0.1, min_lr=0.0)
    monkeypatch.setattr(time, "perf_counter", lambda: coordinator.started + 4)
    coordinator.tokens_before = 40
    coordinator.members += [member(1, tokens=120, rate=30.0), member(2, tokens=40, rate=10.0)]
    coordinator.exchange.bytes = 77
    coordinator.ledger.totals = Totals(trained=80, examples=10, loss=5.0)
    first = coordinator.progress()
    assert (first.epoch, first.epochs) == (1, 2)
    assert (first.tokens_done, first.tokens_total) == (200, 800)
    assert (first.examples, first.loss) == (10, 0.5)
    assert first.words_per_s == 40
    assert first.lr == pytest.approx(0.1 * (1 - 200 / 800) * 2)
    assert first.seconds == 4
    assert first.nodes == (NodeRate("host/1", 30.0), NodeRate("host/2", 10.0))
    assert first.bytes_exchanged == 77
    assert coordinator.progress().loss == 0.5  # nothing was finished: as before
    coordinator.ledger.totals = Totals(trained=160, examples=14, loss=6.0)
    assert coordinator.progress().loss == 0.25  # of the four new ones
    while coordinator.leases.take(1):
        pass
    for lease in list(coordinator.leases.held_by(1)):
        coordinator.leases.finish(1, lease)
    assert coordinator.progress().epoch == 2  # not beyond the last one


def test_the_speed_of_a_run_that_has_just_begun_is_no_error(head, monkeypatch):
    coordinator = coordinator_of(head, [100])
    monkeypatch.setattr(time, "perf_counter", lambda: coordinator.started)
    assert coordinator.progress().words_per_s == 0
