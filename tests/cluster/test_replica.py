from __future__ import annotations

import threading
from types import SimpleNamespace

import numpy as np
import pytest

from w2v.cluster.leases import Lease
from w2v.cluster.node import Node
from w2v.cluster.replica import Replica
from w2v.corpus.config import CorpusConfig
from w2v.corpus.reader import read_corpus
from w2v.errors import ThreadError
from w2v.kernel._tables import span_end
from w2v.training.config import TrainConfig
from w2v.training.trainer import Trainer


@pytest.fixture(scope="module")
def corpus(text):
    return read_corpus([text], CorpusConfig())


def trained(corpus, config, chunks):
    """A replica that has trained all epochs of the corpus, in chunks."""
    ids = corpus.ids
    cuts = [0, *(span_end(ids, len(ids) * i // chunks, 1) for i in range(1, chunks)), len(ids)]
    replica = Replica(corpus.vocab, corpus.token_counts.kept, config)
    replica.start()
    leases = [Lease(e, c) for e in range(config.epochs) for c in range(chunks)]
    for lease in leases:
        replica.add(lease, ids[cuts[lease.chunk] : cuts[lease.chunk + 1]])
    jobs = []
    while len(jobs) < len(leases):
        jobs += replica.wait(10)
        assert replica.error is None
    replica.stop()
    return replica, jobs


@pytest.mark.parametrize("chunks", [1, 3, 40, 400])
@pytest.mark.parametrize("settings", [{}, {"model": "cbow", "loss": "hs"}], ids=str)
def test_one_thread_trains_the_bytes_of_a_run_without_a_cluster(corpus, chunks, settings):
    config = TrainConfig(threads=1, dim=16, epochs=2, **settings)
    expected = Trainer(corpus, config).run()
    replica, jobs = trained(corpus, config, chunks)
    np.testing.assert_array_equal(replica.model.inputs[:, :16], expected.vectors.matrix)
    assert [job.lease for job in jobs] == sorted(job.lease for job in jobs)
    assert sum(job.totals.trained for job in jobs) == expected.summary.trained


def test_threads_train_every_token_of_every_chunk_once(corpus):
    replica, jobs = trained(corpus, TrainConfig(threads=3, dim=16, epochs=2), 7)
    assert sum(job.totals.tokens for job in jobs) == 2 * corpus.token_counts.kept == replica.own_tokens
    assert replica.ahead == 0


def test_a_chunk_without_words_is_finished_at_once(corpus):
    replica = Replica(corpus.vocab, corpus.token_counts.kept, TrainConfig(threads=1, dim=16))
    replica.start()
    replica.add(Lease(0, 0), np.empty(0, np.int32))
    assert [job.lease for job in replica.wait(10)] == [Lease(0, 0)]
    replica.stop()


def test_a_chunk_that_ends_as_the_threads_are_stopped_is_finished(corpus):
    replica = Replica(corpus.vocab, corpus.token_counts.kept, TrainConfig(threads=1, dim=16))
    train = replica.kernel.train

    def train_and_stop(*given):
        train(*given)
        replica._stop = True

    replica.kernel = SimpleNamespace(train=train_and_stop, flush=replica.kernel.flush)
    few = corpus.ids[: span_end(corpus.ids, 0, 1)]
    replica.add(Lease(0, 0), few)
    replica.start()
    assert [job.totals.tokens for job in replica.wait(10)] == [np.count_nonzero(few >= 0)]
    replica.stop()


def test_divergence_is_reported_and_ends_the_threads(corpus):
    replica = Replica(corpus.vocab, corpus.token_counts.kept, TrainConfig(threads=2, dim=16))
    replica.model.inputs[:] = np.nan
    replica.start()
    replica.add(Lease(0, 0), corpus.ids)
    replica.wait(10)
    replica.stop()
    assert "diverged" in str(replica.error)


def test_nodes_do_not_draw_the_same_random_numbers(corpus):
    config = TrainConfig(threads=2, dim=16)
    states = [
        worker.get_state()["random"]
        for first in (0, 2)
        for worker in Replica(corpus.vocab, corpus.token_counts.kept, config, first).workers
    ]
    assert len(set(states)) == 4


@pytest.mark.parametrize("refused", [1, 2, 3])
def test_a_thread_that_the_system_refuses_is_an_error_of_its_node(corpus, monkeypatch, refused):
    node = Node()
    node.replica = Replica(corpus.vocab, corpus.token_counts.kept, TrainConfig(threads=2, dim=16))
    start, started = threading.Thread.start, []

    def start_some(thread):
        started.append(thread)
        if len(started) == refused:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_some)
    with pytest.raises(ThreadError, match="the system refused to start thread"):
        node.start(share=False)
    node.halt()
    assert not any(thread.is_alive() for thread in started)
