"""A node of the cluster, called as the coordinator calls it, in this process."""

from __future__ import annotations

import dataclasses
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import w2v
from w2v.cluster import node as node_module
from w2v.cluster.chunks import align, cut
from w2v.cluster.files import find_files
from w2v.cluster.leases import Done, Lease
from w2v.cluster.node import Node, Setup
from w2v.corpus.config import CorpusConfig
from w2v.corpus.encoded import EncodedCorpus
from w2v.corpus.reader import read_corpus
from w2v.errors import CorpusError, TrainingError
from w2v.training.config import TrainConfig
from w2v.training.trainer import Trainer

CONFIG = TrainConfig(threads=1, dim=8, epochs=2)


@pytest.fixture(scope="module")
def corpus(text: Path) -> EncodedCorpus:
    return read_corpus([text], CorpusConfig())


@pytest.fixture
def setup(text: Path, corpus: EncodedCorpus) -> Setup:
    chunks = [align(chunk, i == 0) for i, chunk in enumerate(cut(find_files([text]), 150_000))]
    tokens = [read_corpus(c.source, CorpusConfig(), vocab=corpus.vocab, part=True).token_counts.read for c in chunks]
    assert len(chunks) > 2
    return Setup(w2v.__version__, corpus.vocab, corpus.token_counts.kept, chunks, tokens, CorpusConfig(),
                 CONFIG.resolved(), "mean")  # fmt: skip


@pytest.fixture
def node() -> Iterator[Node]:
    made = Node()
    yield made
    if hasattr(made, "replica"):
        made.halt()


def finished(node: Node, leases: list[Lease], **settings: float) -> list[Done]:
    """What the node says of these leases, once it has trained them all."""
    report = node.work(0, 1.0, leases, 10)
    done = list(report.done)
    while len(done) < len(leases) and report.error is None:
        report = node.work(0, 1.0, [], 10)
        done += report.done
    assert report.error is None
    assert report.ahead == 0
    return done


def test_a_node_trains_what_it_is_leased_and_counts_each_chunk_when_it_reads_it(node, setup, corpus, text, monkeypatch):
    read = []
    monkeypatch.setattr(
        node_module, "read_corpus", lambda *args, **kw: read.append(args[0]) or read_corpus(*args, **kw)
    )
    assert node.load(setup, 1, 0) == node.greet()
    greeting = node.greet()
    assert (greeting.host, greeting.pid, greeting.threads) == (socket.gethostname(), os.getpid(), 1)
    node.start(share=False)
    assert node.synced is None
    numbers = range(len(setup.chunks))
    first = finished(node, [Lease(0, chunk) for chunk in numbers])
    assert [done.lease for done in first] == [Lease(0, chunk) for chunk in numbers]
    assert [done.token_counts.read for done in first] == setup.tokens
    second = finished(node, [Lease(1, chunk) for chunk in numbers])
    assert [done.token_counts for done in second] == [None] * len(setup.chunks)
    assert read == [chunk.source for chunk in setup.chunks]
    assert node.work(0, 1.0, [], 0).tokens == 2 * corpus.token_counts.kept
    whole = Trainer(corpus, CONFIG).run().vectors.matrix
    assert np.array_equal(node.rows(0, 0, len(whole)), whole)
    assert np.array_equal(node.rows(0, 3, 5), whole[3:5])


def test_learning_rates_go_down_with_what_others_have_trained_and_up_with_their_number(node, setup, corpus):
    node.load(setup, 1, 0)
    node.start(share=False)
    halfway = corpus.token_counts.kept  # of two epochs
    node.work(halfway, 3.0, [Lease(1, 0)], 10)
    spent = node.replica.spent / setup.tokens[0]
    half = CONFIG.resolved().lr_at(halfway, 2 * halfway)
    assert 0.8 * 3 * half < spent <= 3 * half


def test_ids_that_take_too_much_memory_are_in_an_unnamed_file(node, setup, monkeypatch):
    monkeypatch.setattr(node_module, "available_memory", lambda: 4 * 200_000)
    limits, spooled = [], []

    def reading(*args, **settings):
        found = read_corpus(*args, **settings)
        limits.append(settings["memory_limit"])
        spooled.append(found.spooled)
        return found

    node.load(setup, 1, 0)
    assert node.memory_limit == 200_000
    monkeypatch.setattr(node_module, "read_corpus", reading)
    node.start(share=False)
    finished(node, [Lease(0, chunk) for chunk in range(len(setup.chunks))])
    sizes = [4 * (tokens + tokens // 10) for tokens in setup.tokens]  # ids, and an end for each line of ten
    assert spooled == [False, *[True] * (len(sizes) - 1)]
    assert limits == [200_000, *[200_000 - sizes[0]] * (len(sizes) - 1)]


def test_text_that_has_changed_since_it_was_counted_is_an_error_of_the_node(node, setup):
    node.load(dataclasses.replace(setup, tokens=[setup.tokens[0], *(n - 1 for n in setup.tokens[1:])]), 1, 0)
    node.start(share=False)
    assert node.work(0, 1.0, [Lease(0, 0)], 10).error is None
    node.work(0, 1.0, [Lease(0, 1)], 0)
    report = node.work(0, 1.0, [], 1)
    while report.error is None:
        report = node.work(0, 1.0, [], 1)
    assert isinstance(report.error, CorpusError)
    assert f"has changed: {setup.tokens[1] - 1:,} tokens when it was counted, now {setup.tokens[1]:,};" in str(
        report.error
    )
    assert report.ahead == setup.tokens[1] - 1


def test_a_thread_that_fails_is_an_error_that_names_the_host(node, setup, monkeypatch):
    def fail(*args: object, **kw: object) -> None:
        raise KeyError("a fault")

    node.load(setup, 1, 0)
    monkeypatch.setattr(node_module, "read_corpus", fail)
    node.start(share=False)
    report = node.work(0, 1.0, [Lease(0, 0)], 0)
    while report.error is None:
        report = node.work(0, 1.0, [], 1)
    assert isinstance(report.error, TrainingError)
    assert str(report.error) == f"{socket.gethostname()}: KeyError: 'a fault'"
    for known in (CorpusError("known"), OSError(5, "known"), None):
        node.replica.error = known
        assert node._failure() is known
    node.replica.error = ValueError("odd")
    assert str(node._failure()) == f"{socket.gethostname()}: a thread failed, ValueError: odd"


def test_a_node_with_another_version_is_refused(node, setup):
    with pytest.raises(TrainingError, match=rf"w2v {w2v.__version__} is installed here and 0\.0\.0 where"):
        node.load(dataclasses.replace(setup, version="0.0.0"), 1, 0)


def test_rows_are_the_common_ones_once_there_are_others(node, setup):
    node.load(setup, 1, 0)
    node.start(share=True)
    before = node.rows(0, 0, 4).copy()
    node.replica.model.inputs[:4] += 1
    assert np.array_equal(node.rows(0, 0, 4), before)
    assert np.array_equal(node.rows(0, 0, 4, alone=True), before + 1)
    taken = np.full((2, 8), 5, np.float32)
    assert node.adopt(3, 0, 1, taken)
    assert np.array_equal(node.rows(0, 1, 3), taken)
    assert not node.adopt(2, 0, 0, taken)  # a late call
    assert node.close(4) == 0
    assert not node.adopt(3, 0, 0, taken)
    given, rows = node.give(1, 0, 3)
    assert given
    assert np.array_equal(rows, node.rows(1, 0, 3))
