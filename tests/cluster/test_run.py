"""What a run on a cluster adds up at its end; the coordinator, which trains, is a stand-in."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from w2v.cluster.leases import Done, Lease, Ledger
from w2v.cluster.node import Greeting
from w2v.cluster.run import ClusterOptions, ClusterTrainer
from w2v.corpus.config import CorpusConfig
from w2v.corpus.vocab import TokenCounts
from w2v.errors import TrainingError
from w2v.training.config import TrainConfig
from w2v.training.progress import TrainingStopped
from w2v.training.state import Totals

MATRICES = [np.full((2, 4), 0.5, np.float32), np.full((2, 4), 0.25, np.float32)]


class Coordinator:
    """Two nodes that have trained 60 of 80 tokens, two times over, in 4 seconds."""

    seconds = 4.0

    def __init__(self, matrices):
        self.ledger, self.closed = Ledger(), False
        for epoch, loss in ((0, 6.0), (1, 2.0)):
            totals = Totals(trained=60, subsampled=15, alone=5, examples=8, loss=loss)
            found = TokenCounts(sentences=3 + epoch, cut_sentences=1)
            self.ledger.enter(Done(Lease(epoch, 0), totals, found))
        self.members = [SimpleNamespace(greeting=Greeting("host", 1, threads, "avx2")) for threads in (2, 3)]
        self.exchange = SimpleNamespace(rounds=7, bytes=99)
        self.nodes = SimpleNamespace(lost=[1, 2, 3], fetch=self.fetch)
        self.leases = SimpleNamespace(lost=11)
        self.matrices = matrices

    async def run(self, look, should_stop):
        look()

    async def fetch(self):
        return self.matrices

    async def close(self):
        self.closed = True

    def progress(self):
        return "progress"


@pytest.fixture
def trainer(monkeypatch):
    trainer = ClusterTrainer([], CorpusConfig(), TrainConfig(dim=4, threads=1, epochs=2), ClusterOptions())
    trainer.setup = SimpleNamespace(vocab=SimpleNamespace(words=[b"a", b"b"]), kept=80)
    made = Coordinator([matrix.copy() for matrix in MATRICES])
    monkeypatch.setattr(trainer, "new_coordinator", lambda before, tell: made)
    trainer.made = made
    return trainer


@pytest.mark.parametrize(("before", "seconds"), [(None, 4.0), (SimpleNamespace(seconds=6.0), 10.0)])
def test_the_summary_is_of_all_nodes_and_of_the_seconds_before_a_resume_too(trainer, before, seconds):
    seen = []
    result = trainer.train(seen.append, before=before)
    found = result.summary
    assert seen == ["progress"]
    assert trainer.made.closed
    assert (found.seconds, found.words_per_s) == (seconds, 160 / seconds)
    assert (found.tokens_total, found.trained, found.subsampled, found.alone) == (160, 120, 30, 10)
    assert (found.examples, found.loss, found.epoch_losses, found.epochs) == (16, 0.5, (0.75, 0.25), 2)
    assert (found.threads, found.kernel, found.nodes, found.nodes_lost, found.chunks_lost) == (5, "avx2", 2, 3, 11)
    assert (found.exchanges, found.bytes_exchanged) == (7, 99)
    assert (trainer.token_counts.sentences, trainer.token_counts.cut_sentences) == (3, 1)  # each chunk once
    assert result.vectors.matrix.tolist() == MATRICES[0].tolist()
    assert result.context.matrix.tolist() == MATRICES[1].tolist()


def test_tokens_that_were_not_trained_are_noticed(trainer):
    trainer.setup.kept = 81
    with pytest.raises(ValueError, match="160 tokens trained, of 81 x 2"):
        trainer.train()


@pytest.mark.parametrize(("matrix", "row"), [(0, 1), (1, 1), (1, 0)])
def test_a_model_that_is_not_finite_is_an_error(trainer, matrix, row):
    trainer.made.matrices[matrix][row, 3] = np.nan
    with pytest.raises(TrainingError, match=r"training diverged.*lr=0\.01\d* or a shorter sync_every"):
        trainer.train()


@pytest.mark.parametrize("members", [0, 2])
def test_a_run_that_is_stopped_keeps_what_there_is_or_says_that_no_node_was_ready(trainer, monkeypatch, members):
    async def run(look, should_stop):
        raise TrainingStopped

    written = []
    checkpointer = SimpleNamespace(
        failure=None, write_cluster=lambda state, stopping: written.append((state, stopping)), due=lambda: False
    )
    monkeypatch.setattr(trainer.made, "run", run)
    monkeypatch.setattr(trainer, "state", lambda matrices, done=None: matrices)
    del trainer.made.members[members:]
    with pytest.raises(TrainingStopped):
        trainer.train(checkpointer=checkpointer)
    assert trainer.made.closed
    if members:
        assert written == [(trainer.made.matrices, True)]
        assert checkpointer.failure is None
    else:
        assert written == []
        assert str(checkpointer.failure) == "no node was ready yet"
