"""The checkpoint of a training on a cluster, without one."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from w2v.cluster.checkpoint import ClusterCheckpoint, ClusterState, write_cluster_checkpoint
from w2v.cluster.leases import Done, Lease, Ledger
from w2v.corpus.config import CorpusConfig
from w2v.corpus.vocab import TokenCounts
from w2v.errors import CheckpointError
from w2v.output import HeldOutput
from w2v.training.config import TrainConfig
from w2v.training.state import Totals

WORDS, CHUNKS = 3, 2


def a_state():
    """A run of which both chunks of the first epoch and one of the second are done."""
    ledger, kept = Ledger(), (70, 30)
    done = [Lease(0, 0), Lease(0, 1), Lease(1, 1)]
    for lease in done:
        tokens = kept[lease.chunk]
        totals = Totals(trained=tokens - 9, subsampled=6, alone=3, examples=5 * tokens, loss=2.5 * tokens)
        counts = TokenCounts(read=tokens, kept=tokens, sentences=7) if lease.epoch == 0 else None
        ledger.enter(Done(lease, totals, counts))
    matrices = [np.arange(WORDS * 4, dtype=np.float32).reshape(WORDS, 4), np.ones((WORDS, 4), np.float32)]
    return ClusterState(
        config=TrainConfig(dim=4, epochs=3, threads=1).resolved(),
        corpus_config=CorpusConfig(),
        digest="d" * 64,
        chunks=CHUNKS,
        kept=100,
        workers=4,
        seconds=1.5,
        done=done,
        ledger=ledger,
        matrices=matrices,
    )


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "run.checkpoint"
    write_cluster_checkpoint(HeldOutput(path), a_state())
    return path


def everything(path):
    """All that is read of it when a run goes on."""
    with ClusterCheckpoint(path) as checkpoint:
        checkpoint.check_settings(a_state().config, CorpusConfig())
        checkpoint.check_corpus("d" * 64)
        return checkpoint.done(), checkpoint.ledger(), checkpoint.model(WORDS), checkpoint.workers, checkpoint.seconds


def test_what_is_written_is_read(path):
    state = a_state()
    done, ledger, matrices, workers, seconds = everything(path)
    assert (done, ledger, workers, seconds) == (state.done, state.ledger, 4, 1.5)
    for matrix, expected in zip(matrices, state.matrices, strict=True):
        np.testing.assert_array_equal(matrix, expected)


def test_every_flipped_bit_is_found_before_the_training(path, tmp_path):
    data, other = bytearray(path.read_bytes()), tmp_path / "other"
    for place in range(len(data)):
        data[place] ^= 1 << place % 8
        other.write_bytes(data)
        data[place] ^= 1 << place % 8
        with pytest.raises(CheckpointError, match="other: "):
            everything(other)


@pytest.mark.parametrize("place", [10, 200, 2000])
def test_a_file_of_something_else_is_an_error_with_its_name(tmp_path, place):
    path = tmp_path / "run.checkpoint"
    path.write_bytes(bytes(range(256)) * (place // 10))
    with pytest.raises(CheckpointError, match=r"run\.checkpoint"):
        ClusterCheckpoint(path)


def miscounted(state):
    state.ledger.epochs[1].alone += 1


def unread(state):
    del state.ledger.chunks[0]


def undone(state):
    state.done.pop()


def twice(state):
    state.done[1] = state.done[0]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (miscounted, "those of epoch 2 do not add up to its chunks"),
        (unread, "those of chunk 1, which is done, are missing"),
        (undone, "those of epoch 2 do not add up to its chunks"),
        (twice, "the leases: one occurs twice"),
    ],
)
def test_counts_that_do_not_add_up_are_found_before_the_training(path, spoil, said):
    state = a_state()
    spoil(state)
    write_cluster_checkpoint(HeldOutput(path), state)
    with pytest.raises(CheckpointError, match=said):
        everything(path)


def test_another_corpus_and_other_settings_are_refused(path):
    with ClusterCheckpoint(path) as checkpoint:
        with pytest.raises(CheckpointError, match="another corpus"):
            checkpoint.check_corpus("e" * 64)
        with pytest.raises(CheckpointError, match="dim was 4, is 5"):
            checkpoint.check_settings(dataclasses.replace(a_state().config, dim=5), CorpusConfig())
