"""What ends a training on a cluster before its time, without a cluster."""

from __future__ import annotations

import asyncio
import socket
from types import SimpleNamespace

import pytest

from w2v.cluster import session
from w2v.cluster.coordinator import Coordinator
from w2v.cluster.leases import Leases, Ledger
from w2v.cluster.node_manager import NodeManager
from w2v.cluster.session import Head, HeadLost
from w2v.cluster.synced_rows import Schedule
from w2v.errors import TrainingError
from w2v.training.config import TrainConfig
from w2v.training.progress import TrainingStopped


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
