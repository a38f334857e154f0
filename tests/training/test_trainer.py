"""The trainer: same bytes for the same seed, learning rate, token counts, threads, and what ends a run."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

from w2v.errors import ThreadError, TrainingError
from w2v.kernel import kernels
from w2v.training import trainer as trainer_module
from w2v.training.config import TrainConfig
from w2v.training.trainer import Trainer

from ..kernel.cases import span_of
from .corpora import Corpus, class_corpus, trained, trainer_of, zipf_corpus
from .runs import Turns

EVERY = [
    pytest.param({"model": model, "loss": loss}, id=f"{model}-{loss}")
    for model in ("skipgram", "cbow")
    for loss in ("ns", "hs")
]


def bytes_of(trainer: Trainer) -> bytes:
    return trainer.model.inputs.tobytes() + trainer.model.outputs.tobytes()


def run(corpus: Corpus, **settings) -> Trainer:
    trainer = trainer_of(corpus, **settings)
    trainer.run()
    return trainer


def with_kernel(trainer: Trainer, train, flush=None) -> Trainer:
    """Another train function in place of the kernel's; it is called with the arguments of the real one."""
    trainer.kernel = SimpleNamespace(train=train, flush=flush or trainer.kernel.flush, NAME="fake")
    return trainer


def slow(trainer: Trainer) -> Trainer:
    """Every span takes 30 ms more: a thread that is not waited for is still there afterwards."""
    real = trainer.kernel.train

    def train(*call) -> None:
        real(*call)
        time.sleep(0.03)

    return with_kernel(trainer, train)


def threads_left() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("w2v-")]


# --- determinism -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", EVERY)
def test_one_thread_and_a_seed_give_the_same_bytes(settings: dict) -> None:
    corpus = zipf_corpus(6000)
    first = bytes_of(run(corpus, seed=5, **settings))
    assert bytes_of(run(corpus, seed=5, **settings)) == first
    assert bytes_of(run(corpus, seed=6, **settings)) != first


@pytest.mark.parametrize("settings", [{}, {"exact": True}, {"share_negatives": False}, {"negative_pool": 0}])
def test_every_switch_has_an_effect_and_a_fixed_result(settings: dict) -> None:
    corpus = zipf_corpus(3000)
    plain = bytes_of(run(corpus))
    found = bytes_of(run(corpus, **settings))
    assert found == bytes_of(run(corpus, **settings))
    assert (found == plain) == (not settings)


@pytest.mark.parametrize("settings", EVERY)
def test_kernels_give_nearly_the_same_vectors(monkeypatch: pytest.MonkeyPatch, settings: dict) -> None:
    found = []
    for name in kernels.available():
        monkeypatch.setenv("W2V_KERNEL", name)
        result = trained(zipf_corpus(6000), dim=50, **settings)
        assert result.summary.kernel == name
        found.append((result.vectors.matrix, result.summary))
    for matrix, summary in found[1:]:
        # Rounding grows while training goes on, and moves a look-up in the sigmoid table now and then.
        assert abs(matrix - found[0][0]).max() < 1e-3 * abs(matrix).max()
        assert summary.examples == found[0][1].examples
        assert summary.loss == pytest.approx(found[0][1].loss, abs=1e-5)


def test_progress_and_stopping_do_not_change_the_vectors() -> None:
    corpus = zipf_corpus(6000)
    watched = trainer_of(corpus)
    watched.run(on_progress=lambda progress: None, should_stop=lambda: False)
    assert bytes_of(watched) == bytes_of(run(corpus))


def test_first_values_do_not_depend_on_the_number_of_threads() -> None:
    corpus = zipf_corpus(30_000)
    one, four = trainer_of(corpus, threads=1), trainer_of(corpus, threads=4)
    assert four.threads == 4
    assert bytes_of(one) == bytes_of(four)


# --- token counts and learning rate -----------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("settings", EVERY)
def test_every_token_is_accounted_for(settings: dict, threads: int) -> None:
    corpus = zipf_corpus(20_000, longest=4)
    result = trained(corpus, sample=0.01, epochs=3, threads=threads, **settings)
    summary = result.summary
    assert summary.tokens_total == summary.trained + summary.subsampled + summary.alone == 3 * corpus.token_counts.kept
    assert min(summary.trained, summary.subsampled, summary.alone) > 0
    assert summary.threads == threads
    assert summary.epochs == len(summary.epoch_losses) == 3
    assert summary.examples > summary.trained


def test_loss_is_the_mean_over_the_examples_and_falls() -> None:
    summary = trained(class_corpus(), epochs=6, lr=0.05).summary
    assert summary.loss == pytest.approx(np.mean(summary.epoch_losses), rel=0.02)
    # Before anything is learned every example costs log 2.
    assert summary.epoch_losses[0] < np.log(2)
    assert summary.epoch_losses[1] < summary.epoch_losses[0] - 0.01
    assert summary.epoch_losses[-1] == pytest.approx(summary.epoch_losses[-2], abs=0.01)


def test_learning_rate_falls_linearly_with_the_tokens_of_all_epochs() -> None:
    corpus = zipf_corpus(20_000)
    trainer = trainer_of(corpus, lr=0.05, min_lr=0.01, epochs=3)
    real, seen = trainer.kernel.train, []

    def train(worker, ids, start, stop, lr) -> None:
        done = worker.trained + worker.subsampled + worker.alone
        seen.append((done, lr))
        real(worker, ids, start, stop, lr)

    with_kernel(trainer, train).run()
    assert len(seen) >= 200
    for done, lr in seen:
        assert lr == pytest.approx(0.05 - 0.04 * done / (3 * corpus.token_counts.kept), rel=1e-9)
    assert seen[0] == (0, 0.05)
    assert seen[-1][1] == pytest.approx(0.01, abs=0.001)


def test_learning_rate_ends_at_its_smallest_value_and_never_below() -> None:
    trainer = trainer_of(zipf_corpus(1000), lr=0.025)
    total = trainer.state.tokens_total
    assert trainer.state.lr_at(0) == 0.025
    assert trainer.state.lr_at(total // 2) == pytest.approx(0.025 * 0.50005)
    assert trainer.state.lr_at(total) == trainer.state.lr_at(10 * total) == pytest.approx(2.5e-6)


def test_every_span_of_every_epoch_is_trained_once() -> None:
    corpus = zipf_corpus(30_000)
    trainer = trainer_of(corpus, threads=3, epochs=2)
    seen, real, lock = [], trainer.kernel.train, threading.Lock()

    def train(worker, ids, start, stop, lr) -> None:
        assert ids is corpus.ids
        with lock:
            seen.append((start, stop))
        real(worker, ids, start, stop, lr)

    with_kernel(trainer, train).run()
    places = np.zeros(len(corpus.ids), int)
    for start, stop in seen:
        places[start:stop] += 1
    assert (places == 2).all()


def test_progress_goes_forward_to_the_end() -> None:
    corpus, seen = zipf_corpus(20_000), []
    trainer = trainer_of(corpus, epochs=3, dim=8)
    real = trainer.kernel.train

    def train(*call) -> None:
        real(*call)
        time.sleep(0.002)

    with_kernel(trainer, train).run(on_progress=seen.append)
    assert len(seen) > 3
    tokens = [progress.tokens_done for progress in seen]
    assert tokens == sorted(tokens)
    assert tokens[-1] == seen[-1].tokens_total == 3 * corpus.token_counts.kept
    assert [progress.epoch for progress in seen] == sorted(progress.epoch for progress in seen)
    assert (seen[0].epoch, seen[-1].epoch, seen[-1].epochs) == (1, 3, 3)
    assert all(a.lr >= b.lr for a, b in itertools.pairwise(seen))
    assert seen[-1].lr == pytest.approx(2.5e-6)
    assert all(0 < progress.loss < 2 and progress.words_per_s > 0 for progress in seen)


@pytest.mark.parametrize("threads", [1, 3])
def test_every_reported_loss_is_of_the_examples_reported(monkeypatch: pytest.MonkeyPatch, threads: int) -> None:
    # With next to no learning every example costs log 2, whenever one looks.
    monkeypatch.setattr(trainer_module, "PROGRESS_EVERY_S", 0.001)
    seen = []
    trained(zipf_corpus(200_000), dim=100, negative=20, lr=1e-9, threads=threads, on_progress=seen.append)
    assert len(seen) > 20
    assert [progress.loss for progress in seen] == pytest.approx([np.log(2)] * len(seen), abs=1e-3)


# --- threads ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lengths", [[2], [2, 1], [1, 1, 2], [300], [5] * 12])
def test_more_threads_than_work_are_not_used(lengths: list[int]) -> None:
    corpus = Corpus(span_of(*(np.arange(n) % 3 for n in lengths)))
    trainer = trainer_of(corpus, threads=64, sample=0)
    result = trainer.run()
    assert trainer.threads == len(trainer.state.workers) <= 4
    assert result.summary.tokens_total == 2 * sum(lengths)
    if trainer.threads == 1:
        assert bytes_of(trainer) == bytes_of(run(corpus, threads=1, sample=0))


def test_a_run_that_trains_nothing_is_an_error_that_says_why() -> None:
    trainer = trainer_of(Corpus(span_of([0], [1], [2], [0])), sample=0)
    with pytest.raises(TrainingError, match="of 8 tokens 0 were left out by sample and 8 had no other word in their"):
        trainer.run()


@pytest.mark.parametrize(
    ("settings", "pairs"),
    [
        ({}, 6),
        ({"window": 2, "negative": 2}, 6),
        ({"window": 50}, 51),
        ({"window": 50, "fixed_window": True}, 100),
        ({"negative": 25}, 26),
        ({"window": 50, "model": "cbow"}, 8),
        ({"window": 50, "model": "cbow", "share_negatives": False}, 6),
        ({"model": "cbow", "loss": "hs"}, 6),
        ({"window": 50, "share_negatives": False}, 6),
        ({"loss": "hs", "negative": 25}, 6),
        ({"loss": "hs", "window": 11}, 12),
    ],
)
def test_private_rows_are_merged_sooner_where_an_update_sums_up_more_pairs(settings: dict, pairs: int) -> None:
    trainer = trainer_of(zipf_corpus(20_000), threads=4, **settings)
    usual = trainer_of(zipf_corpus(20_000), threads=4)
    for lr in (0.025, 0.1):
        assert trainer.merge_after_at(lr) == max(1, int(min(128, 3.2 / lr) * 6 / pairs / trainer.threads))
        assert trainer.merge_after_at(lr) <= usual.merge_after_at(lr)


# By how much less 32 threads in turns learn than one, as a share of what that learns: their private rows are old by up
# to 31 spans. It is the same every time, and with every kernel but for its rounding.
BEHIND = {"skipgram-ns": 0.0254, "skipgram-hs": 0.0720, "cbow-ns": 0.0036, "cbow-hs": 0.0324}


@pytest.mark.parametrize("settings", EVERY)
def test_many_threads_in_turns_learn_nearly_as_one_thread_does(settings: dict) -> None:
    one = trained(class_corpus(20_000), threads=1, epochs=3, lr=0.05, node_sample=0, **settings).summary.epoch_losses[
        -1
    ]
    trainer = trainer_of(class_corpus(20_000), threads=32, epochs=3, lr=0.05, node_sample=0, **settings)
    Turns(trainer)
    learned = np.log(2) - one
    behind = (trainer.run().summary.epoch_losses[-1] - one) / learned
    assert learned > 0.05
    assert behind == pytest.approx(BEHIND[f"{settings['model']}-{settings['loss']}"], abs=0.003)


@pytest.mark.parametrize("settings", EVERY)
def test_more_threads_than_cores_train_every_token_and_learn(settings: dict) -> None:
    corpus = class_corpus(20_000)
    result = trained(corpus, threads=32, epochs=3, lr=0.05, **settings)
    assert result.summary.threads == 32
    assert result.summary.tokens_total == 3 * corpus.token_counts.kept
    assert np.isfinite(result.vectors.matrix).all()
    assert result.summary.epoch_losses[-1] < 0.95 * np.log(2)


@pytest.mark.parametrize("settings", EVERY)
def test_private_rows_of_several_threads_lose_nothing(settings: dict) -> None:
    """With next to no learning rate each update is that of the first values, and their sum is that without private
    rows; a copy that is not merged once would be missing from it."""
    rows = []
    for hot_rows in (0, 20, 4096):
        trainer = trainer_of(class_corpus(20_000), threads=4, hot_rows=hot_rows, lr=1e-5, min_lr=1e-5, **settings)
        Turns(trainer)
        trainer.run()
        assert min(worker.trained for worker in trainer.state.workers) > 10_000
        rows.append(trainer.model.outputs.copy())
    for private in rows[1:]:
        assert np.linalg.norm(private - rows[0]) < 1e-4 * np.linalg.norm(rows[0])


def test_at_the_end_no_change_waits_in_a_private_row() -> None:
    trainer = trainer_of(class_corpus(20_000), threads=4, epochs=2)
    Turns(trainer)  # each of them trains
    assert trainer.private_rows() > 20
    trainer.run()
    before = bytes_of(trainer)
    for worker in trainer.state.workers:
        trainer.kernel.flush(worker)
    assert bytes_of(trainer) == before


# --- what ends a run -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 4])
def test_error_in_a_worker_ends_the_run_with_that_error(threads: int) -> None:
    trainer = trainer_of(zipf_corpus(30_000), threads=threads, epochs=1000)
    real, calls = trainer.kernel.train, itertools.count()

    def train(*call) -> None:
        if next(calls) == 17:
            raise RuntimeError("the seventeenth span")
        real(*call)

    with pytest.raises(RuntimeError, match="the seventeenth span"):
        with_kernel(trainer, train).run()
    assert not threads_left()
    assert next(calls) < 17 + 2 * threads + 2, "the other threads stop at the end of their span"


def test_of_two_errors_the_first_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = trainer_of(zipf_corpus(30_000), threads=2, epochs=1000)
    known, end, arrived = threading.Event(), trainer_module.Stretch.end, threading.Barrier(2)

    def ended(stretch) -> None:  # called when the first error has been kept
        end(stretch)
        known.set()

    monkeypatch.setattr(trainer_module.Stretch, "end", ended)

    def train(worker, *call) -> None:
        arrived.wait(60)
        if worker is trainer.state.workers[1]:
            assert known.wait(60)
            raise ValueError("the second")
        raise ValueError("the first")

    with pytest.raises(ValueError, match="the first"):
        with_kernel(trainer, train).run()


def test_thread_that_cannot_be_started_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = trainer_of(zipf_corpus(30_000), threads=4, epochs=1000)
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "w2v-2":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(ThreadError, match=r"refused to start thread 3 of 4; use at most 2 threads"):
        trainer.run()
    assert not threads_left()


@pytest.mark.parametrize("threads", [1, 4])
def test_wish_to_stop_ends_the_run_and_joins_its_threads(threads: int) -> None:
    trainer = trainer_of(zipf_corpus(30_000), threads=threads, epochs=1_000_000)
    with pytest.raises(KeyboardInterrupt):
        slow(trainer).run(should_stop=lambda: trainer.state.totals().tokens > 5000)
    assert not threads_left()
    assert np.isfinite(trainer.model.inputs).all()


@pytest.mark.parametrize("error", [KeyboardInterrupt, BrokenPipeError, ValueError])
def test_error_while_reporting_ends_the_run_and_joins_its_threads(error: type[BaseException]) -> None:
    def report(progress) -> None:
        raise error("from the call-back")

    trainer = trainer_of(zipf_corpus(30_000), threads=3, epochs=1_000_000)
    with pytest.raises(error, match="from the call-back"):
        slow(trainer).run(on_progress=report)
    assert not threads_left()


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("settings", EVERY)
def test_much_too_large_a_learning_rate_ends_in_an_error_that_names_it(settings: dict, threads: int) -> None:
    trainer = trainer_of(zipf_corpus(20_000), lr=10, threads=threads, **settings)
    with pytest.raises(TrainingError, match=r"diverged .* at learning rate \d+(\.\d+)? in epoch 1; try lr=5.0 "):
        trainer.run()
    assert not threads_left()


@pytest.mark.parametrize("lr", [0.1, 0.2, 0.4, 0.8, 1.6, 3.2])
def test_values_that_are_not_finite_are_never_returned(lr: float) -> None:
    # Near the limit; whether a value overflows is up to the corpus.
    for settings in ({}, {"model": "cbow"}, {"loss": "hs"}):
        trainer = trainer_of(zipf_corpus(6000), lr=lr, min_lr=lr, epochs=1, **settings)
        with contextlib.suppress(TrainingError):
            result = trainer.run()
            assert np.isfinite(result.vectors.matrix).all()
            assert result.context is None or np.isfinite(result.context.matrix).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("settings", EVERY)
def test_divergence_is_an_error_that_names_the_learning_rate(settings: dict, bad: float) -> None:
    trainer = trainer_of(zipf_corpus(6000), epochs=1000, **settings)
    trainer.model.inputs[3] = bad
    with pytest.raises(TrainingError, match=r"diverged .* at learning rate 0.0[256].* in epoch 1; try lr=0.0"):
        trainer.run()


@pytest.mark.parametrize("matrix", ["inputs", "outputs"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_value_that_is_not_finite_at_the_very_end_is_found(matrix: str, bad: float) -> None:
    trainer = trainer_of(zipf_corpus(3000), epochs=1)
    flush = trainer.kernel.flush

    def spoil(worker) -> None:
        flush(worker)
        getattr(trainer.model, matrix)[-1, 7] = bad

    with pytest.raises(TrainingError, match="diverged"):
        with_kernel(trainer, trainer.kernel.train, spoil).run()


# --- what is returned ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", EVERY)
def test_vectors_are_the_input_rows_in_the_order_of_the_vocabulary(settings: dict) -> None:
    corpus = zipf_corpus(3000)
    trainer = trainer_of(corpus, dim=20, **settings)
    result = trainer.run()
    assert list(result.vectors.words) == [word.decode() for word in corpus.vocab.words]
    assert result.vectors.matrix.shape == (len(corpus.vocab.words), 20)
    assert result.vectors.matrix.base is not None, "a view: the matrix is not copied"
    np.testing.assert_array_equal(result.vectors.matrix, trainer.model.inputs[:, :20])
    if settings["loss"] == "ns":
        np.testing.assert_array_equal(result.context.matrix, trainer.model.outputs[:, :20])
    else:
        assert result.context is None


@pytest.mark.parametrize("epochs", [1, 5, 1000])
@pytest.mark.parametrize(("tokens", "threads"), [(20_000, 1), (20_000, 4), (200_000, 2), (50_000, 32)])
def test_spans_give_all_threads_work_and_the_learning_rate_many_steps(tokens: int, threads: int, epochs: int) -> None:
    trainer = trainer_of(zipf_corpus(tokens), threads=threads, epochs=epochs)
    assert trainer.threads == threads
    assert len(trainer.corpus.ids) / trainer.span_size >= 4 * threads
    assert trainer.state.tokens_total / trainer.span_size >= min(150 * threads, trainer.state.tokens_total / 64)


@pytest.mark.parametrize(
    ("settings", "tokens", "size"),
    [
        ({"negative": 4, "window": 4}, 1e9, 26_666),  # 4e8 / (6 * 5 outputs * 5 inputs * 100)
        ({"negative": 4, "window": 4, "model": "cbow"}, 1e9, 44_444),
        ({"loss": "hs", "window": 4}, 1e9, 8333),
        ({"loss": "hs", "model": "cbow"}, 1e9, 13_888),
        ({"loss": "softmax", "window": 4}, 1e9, 666),
        ({"negative": 4, "window": 4, "epochs": 2}, 1e6, 10_000),  # 200 steps of the learning rate
        ({"negative": 4, "window": 4, "epochs": 2, "threads": 2}, 1e6, 5000),
        ({"negative": 4, "window": 4, "epochs": 1000, "threads": 4}, 1e5, 6250),  # a quarter of a thread's share
        ({"negative": 4, "window": 4}, 12_999, 64),
        ({"negative": 4, "window": 4}, 13_000, 65),
    ],
    ids=str,
)
def test_a_span_is_as_much_work_in_every_kind_of_training(settings: dict, tokens: float, size: int) -> None:
    config = TrainConfig(**{"dim": 84, "threads": 1, "epochs": 1, **settings}).resolved()
    given = SimpleNamespace(config=config, vocab=SimpleNamespace(counts=range(1000)), tokens_per_epoch=tokens)
    assert trainer_module.ThreadedModel._span_size(given) == size


def test_words_that_come_often_have_private_rows() -> None:
    often = trainer_module.PRIVATE_OCCURRENCES
    given = SimpleNamespace(vocab=SimpleNamespace(counts=[often, often // 2, often // 2 - 1, 1]))
    for epochs, most, rows in ((1, 9, 1), (2, 9, 2), (2, 1, 1), (often, 9, 4), (often, 3, 3), (often, 0, 0)):
        given.config = SimpleNamespace(epochs=epochs, hot_rows=most)
        assert trainer_module.ThreadedModel.private_rows(given) == rows
