"""A run that is stopped and goes on ends as if it had never been stopped."""

from __future__ import annotations

import os

import numpy as np
import pytest

from w2v.corpus.config import CorpusConfig
from w2v.errors import CheckpointError, TrainingError
from w2v.machine import Room
from w2v.training.checkpoint import Checkpoint
from w2v.training.checkpointing import Checkpointer
from w2v.training.trainer import Trainer

from .runs import config, corpus, outcome, rest_after

VARIANTS = {
    "skip-gram": {},
    "exact": {"exact": True},
    "no pool": {"negative_pool": 0},
    "no private rows": {"hot_rows": 0},
    "no subsampling": {"sample": 0.0},
    "cbow": {"model": "cbow"},
    "cbow exact gradient": {"model": "cbow", "cbow_gradient": "exact"},
    "hierarchical softmax": {"loss": "hs"},
    "padded rows": {"dim": 37},
    "one epoch": {"epochs": 1},
}


def resumed(path, **settings) -> Trainer:
    with Checkpoint(path) as checkpoint:
        return Trainer(corpus(), config(**settings), checkpoint)


@pytest.mark.parametrize("settings", VARIANTS.values(), ids=VARIANTS.keys())
@pytest.mark.parametrize("spans", [1, 40, 170])
def test_with_one_thread_a_resumed_run_gives_the_same_bytes_as_an_uninterrupted_one(tmp_path, settings, spans):
    whole = Trainer(corpus(), config(**settings)).run()
    checkpointer = Checkpointer(tmp_path / "c")
    first = rest_after(Trainer(corpus(), config(**settings)), spans, checkpointer)
    if first is not None:  # a run of one epoch had ended by then
        assert outcome(first) == outcome(whole)
        return
    assert outcome(resumed(checkpointer.path, **settings).run()) == outcome(whole)


def test_a_run_that_is_stopped_again_and_again_gives_the_same_bytes(tmp_path):
    checkpointer = Checkpointer(tmp_path / "c")
    result = rest_after(Trainer(corpus(), config()), 7, checkpointer)
    stops = 0
    while result is None:
        stops += 1
        result = rest_after(resumed(checkpointer.path), 7, checkpointer)
    assert stops > 20
    assert outcome(result) == outcome(Trainer(corpus(), config()).run())


def test_checkpoints_on_the_way_change_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("w2v.training.trainer.PROGRESS_EVERY_S", 0.0005)
    written = []

    class Eager(Checkpointer):
        def due(self):
            return True

        def write(self, *args):
            written.append(super().write(*args))
            return written[-1]

    big = corpus(6000)
    result = Trainer(big, config()).run(checkpointer=Eager(tmp_path / "c"))
    assert len(written) > 3
    assert all(written)
    assert outcome(result) == outcome(Trainer(big, config()).run())


@pytest.mark.parametrize(("before", "after"), [(3, 1), (1, 3), (4, 2), (2, 4), (3, 3)])
def test_a_run_goes_on_with_another_number_of_threads_and_its_token_counts_add_up(tmp_path, before, after):
    checkpointer = Checkpointer(tmp_path / "c")
    assert rest_after(Trainer(corpus(), config(threads=before)), 30, checkpointer) is None
    trainer = resumed(checkpointer.path, threads=after)
    result = trainer.run()
    summary = result.summary
    assert summary.tokens_total == 3 * corpus().token_counts.kept
    assert summary.tokens_total == summary.trained + summary.subsampled + summary.alone
    assert len(summary.epoch_losses) == 3
    assert np.isfinite(result.vectors.matrix).all()
    assert 0 < summary.loss < 1


def test_dropped_workers_keep_their_share_of_the_loss(tmp_path):
    checkpointer = Checkpointer(tmp_path / "c")
    trainer = Trainer(corpus(), config(threads=3))
    assert rest_after(trainer, 30, checkpointer) is None
    assert min(worker.trained for worker in trainer.state.workers) > 0
    again = resumed(checkpointer.path, threads=1)
    before, after = trainer.state.totals(), again.state.totals()
    assert (after.trained, after.examples) == (before.trained, before.examples)
    assert after.loss == pytest.approx(before.loss, rel=1e-12)


@pytest.mark.parametrize(("before", "after"), [(3, 1), (1, 3), (3, 2)])
def test_the_learning_rate_goes_on_where_it_was_with_another_number_of_threads(tmp_path, before, after):
    checkpointer = Checkpointer(tmp_path / "c")
    trainer = Trainer(corpus(), config(threads=before))
    assert rest_after(trainer, 60, checkpointer) is None
    assert min(worker.trained for worker in trainer.state.workers) > 0
    with Checkpoint(checkpointer.path) as checkpoint:
        kept = checkpoint.state["lr"]
    again, rates = resumed(checkpointer.path, threads=after), []
    real = again.kernel

    class Watched:
        NAME, flush = real.NAME, staticmethod(real.flush)

        @staticmethod
        def train(worker, ids, start, stop, lr):
            rates.append(lr)
            real.train(worker, ids, start, stop, lr)

    again.kernel = Watched
    again.run()
    assert max(rates) == kept == trainer.state.lr_at(trainer.state.totals().tokens)
    assert 0.015 < kept < 0.024


def test_the_seconds_of_all_runs_add_up(tmp_path, monkeypatch):
    """On a clock that goes one second a span."""
    now = [0.0]
    monkeypatch.setattr("w2v.training.progress.time.perf_counter", lambda: now[0])

    def timed(trainer: Trainer) -> Trainer:
        real = trainer.kernel

        class Timed:
            NAME, flush = real.NAME, staticmethod(real.flush)

            @staticmethod
            def train(*call):
                real.train(*call)
                now[0] += 1

        trainer.kernel = Timed
        return trainer

    checkpointer = Checkpointer(tmp_path / "c")
    assert rest_after(timed(Trainer(corpus(), config())), 5, checkpointer) is None
    done = []
    for spans in (7, 11):
        now[0] += 1000  # between two runs
        trainer = timed(resumed(checkpointer.path))
        done.append(trainer.state.seconds)
        assert rest_after(trainer, spans, checkpointer) is None
    assert done == [5, 12]
    last = timed(resumed(checkpointer.path))
    before = now[0]
    assert last.run().summary.seconds == 23 + now[0] - before


def test_a_finished_run_is_resumed_to_its_end_without_training(tmp_path):
    checkpointer = Checkpointer(tmp_path / "c")
    trainer = Trainer(corpus(), config())
    whole = trainer.run()
    assert checkpointer.write(trainer.state)
    assert outcome(resumed(checkpointer.path).run()) == outcome(whole)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"dim": 13}, "dim was 12, is 13"),
        ({"epochs": 4}, "epochs was 3, is 4"),
        ({"lr": 0.1}, "lr was 0.025, is 0.1"),
        ({"seed": 2}, "seed was 1, is 2"),
        ({"model": "cbow"}, "model was skipgram, is cbow"),
        ({"exact": True}, "exact was False, is True"),
    ],
)
def test_resume_with_other_settings_is_refused_naming_what_differs(tmp_path, settings, named):
    checkpointer = Checkpointer(tmp_path / "c")
    rest_after(Trainer(corpus(), config()), 5, checkpointer)
    with pytest.raises(CheckpointError) as caught:
        resumed(checkpointer.path, **settings)
    assert named in str(caught.value)


def test_resume_with_other_corpus_settings_is_refused_naming_what_differs(tmp_path):
    checkpointer = Checkpointer(tmp_path / "c", corpus_config=CorpusConfig(min_count=1))
    rest_after(Trainer(corpus(), config()), 5, checkpointer)
    with Checkpoint(checkpointer.path) as checkpoint:
        checkpoint.check_settings(config(), CorpusConfig(min_count=1))
        with pytest.raises(CheckpointError, match="lower was False, is True"):
            checkpoint.check_settings(config(), CorpusConfig(min_count=1, lower=True))


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (lambda: corpus(700, 2), "the vocabulary holds other words now|times and occurs"),
        (lambda: corpus(5), "the vocabulary had 49 words and has"),
    ],
)
def test_resume_with_another_corpus_is_refused_naming_what_differs(tmp_path, other, named):
    checkpointer = Checkpointer(tmp_path / "c")
    rest_after(Trainer(corpus(), config()), 5, checkpointer)
    with Checkpoint(checkpointer.path) as checkpoint, pytest.raises(CheckpointError, match=named):
        Trainer(other(), config(), checkpoint)


def test_resume_with_the_same_words_in_another_order_is_refused(tmp_path):
    from w2v.corpus.sequences import encode_sequences

    from .runs import sentences

    checkpointer = Checkpointer(tmp_path / "c")
    rest_after(Trainer(corpus(), config()), 5, checkpointer)
    turned = encode_sequences(sentences()[::-1], CorpusConfig(min_count=1, whitespace="ascii"))
    with Checkpoint(checkpointer.path) as checkpoint, pytest.raises(CheckpointError, match="in another order now"):
        Trainer(turned, config(), checkpoint)


def test_divergence_ends_the_run_and_the_last_good_checkpoint_stays(tmp_path):
    checkpointer = Checkpointer(tmp_path / "c")
    trainer = Trainer(corpus(), config())
    assert rest_after(trainer, 5, checkpointer) is None
    good = (tmp_path / "c").read_bytes()
    trainer.model.inputs[3, 2] = np.nan
    with pytest.raises(TrainingError, match=r"diverged .* learning rate 0\.02.*try lr=0\.013"):
        checkpointer.write(trainer.state)
    assert (tmp_path / "c").read_bytes() == good
    assert os.listdir(tmp_path) == ["c"]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["inputs", "outputs"])
def test_a_value_that_is_not_finite_ends_the_training(value, name):
    trainer = Trainer(corpus(), config(threads=2))
    getattr(trainer.model, name)[:5, :] = value
    with pytest.raises(TrainingError, match=r"diverged .* at learning rate .* in epoch"):
        trainer.run()


def test_divergence_is_seen_within_the_first_epoch_and_not_at_the_end():
    trainer = Trainer(corpus(), config(epochs=1_000_000))
    trainer.model.inputs[:, :] = np.nan
    with pytest.raises(TrainingError, match="in epoch 1;"):
        trainer.run()


def test_an_error_in_a_worker_thread_ends_the_whole_run_with_that_error():
    trainer = Trainer(corpus(), config(threads=3, epochs=1_000_000))

    class Broken:
        calls = 0
        NAME = trainer.kernel.NAME
        flush = staticmethod(trainer.kernel.flush)

        @classmethod
        def train(cls, *args):
            cls.calls += 1
            if cls.calls > 20:
                raise ZeroDivisionError("broken worker")

    trainer.kernel = Broken
    with pytest.raises(ZeroDivisionError, match="broken worker"):
        trainer.run()


def test_a_checkpoint_that_cannot_be_written_is_told_and_the_run_goes_on(tmp_path):
    failures = []
    checkpointer = Checkpointer(tmp_path / "missing" / "c", every_s=1e-9, on_failure=failures.append)
    result = Trainer(corpus(), config()).run(checkpointer=checkpointer)
    assert failures
    assert "does not exist" in str(failures[0])
    assert outcome(result) == outcome(Trainer(corpus(), config()).run())


def test_keeper_is_due_every_so_often_and_never_when_told_so(tmp_path):
    now = [0.0]
    checkpointer = Checkpointer(tmp_path / "c", 600, clock=lambda: now[0])
    never = Checkpointer(tmp_path / "n", 0, clock=lambda: now[0])
    due = []
    for now[0] in (1.0, 599.0, 600.0, 700.0):
        due.append(checkpointer.due())
        assert not never.due()
    assert due == [False, False, True, True]
    checkpointer.write(Trainer(corpus(), config()).state)
    assert not checkpointer.due()
    now[0] = 1300.0
    assert checkpointer.due()


def test_a_run_is_saved_at_once_when_memory_runs_out_and_once_until_it_recovers(tmp_path, monkeypatch):
    now, free, told = [0.0], [1000], []
    monkeypatch.setattr("w2v.training.checkpointing.room", lambda: Room(free[0], "left for this test"))
    checkpointer = Checkpointer(tmp_path / "c", 600, on_low_memory=told.append, low_memory=100, clock=lambda: now[0])
    state = Trainer(corpus(), config()).state
    due = []
    for now[0], free[0] in ((1, 1000), (2, 100), (3, 99), (3.1, 99), (4, 10), (5, 150), (6, 99), (7, 250), (8, 99)):
        due.append(checkpointer.due())
        if due[-1]:
            assert checkpointer.due(), "also when the threads have come to rest"
            assert checkpointer.write(state)
            assert not checkpointer.due()
    assert due == [False, False, True, False, False, False, False, False, True]
    assert told == [Room(99, "left for this test")] * 2
    assert (tmp_path / "c").exists()
    never = Checkpointer(tmp_path / "n", 0, low_memory=100, clock=lambda: now[0])
    now[0] = 20.0
    assert not never.due(), "only when the run is stopped"
