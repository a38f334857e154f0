"""`reproducible`: the same bytes with any number of threads, from any source, after any stop."""

from __future__ import annotations

import dataclasses
import io
import os
import subprocess
import sys

import numpy as np
import pytest

import w2v
from w2v.corpus.config import CorpusConfig
from w2v.corpus.encoded import EncodedCorpus
from w2v.corpus.sequences import encode_sequences
from w2v.errors import CheckpointError, SettingsError, TrainingError
from w2v.kernel import kernels
from w2v.training.checkpoint import Checkpoint
from w2v.training.checkpointing import Checkpointer
from w2v.training.config import TrainConfig
from w2v.training.evaluation import Evaluator
from w2v.training.lanes import LANES, MOST_CENTRES, PATH_NODES, _centre, rounds_for
from w2v.training.trainer import Trainer
from w2v.vectors.questions import read_questions

from .runs import config, corpus, outcome, sentences

THREADS = [1, 2, 3, 7]
VARIANTS = {
    "skip-gram": {},
    "cbow": {"model": "cbow"},
    "cbow exact gradient": {"model": "cbow", "cbow_gradient": "exact"},
    "hierarchical softmax": {"loss": "hs"},
    "cbow hs": {"model": "cbow", "loss": "hs"},
    "exact": {"exact": True},
    "subwords": {"subwords": "3-5", "buckets": 100},
    "cbow hs subwords": {"model": "cbow", "loss": "hs", "subwords": "1-6", "buckets": 300},
    "no pool": {"negative_pool": 0},
    "negatives of each pair": {"share_negatives": False},
    "no subsampling": {"sample": 0.0},
    "held out": {"held_out": 0.1, "stop_early": 1, "epochs": 6},
    "extremes": {"lr": 0.1, "window": 20, "negative": 20, "dim": 25},
    "wide": {"dim": 500, "fixed_window": True},
}


@pytest.fixture
def many_lanes(monkeypatch):
    """Eight lanes and short rounds, though the corpus is small."""
    monkeypatch.setattr("w2v.training.lanes.FEWEST_CENTRES", 1)


def trainer(threads: int = 1, resume: Checkpoint | None = None, **settings) -> Trainer:
    made = Trainer(corpus(), config(threads=threads, reproducible=True, **settings), resume)
    assert made.lanes is not None
    made.lanes.jitter(100)
    return made


@pytest.mark.parametrize("settings", VARIANTS.values(), ids=VARIANTS.keys())
def test_the_number_of_threads_changes_no_byte(many_lanes, settings):
    results = [trainer(threads, **settings).run() for threads in THREADS]
    lanes = results[0].summary.reproducible.lanes
    assert lanes == (2 if "lr" in settings else LANES)
    assert [each.summary.threads for each in results] == [min(lanes, threads) for threads in THREADS]
    assert len({outcome(each) for each in results}) == 1
    assert len({each.summary.held_out_losses for each in results}) == 1
    if not settings:
        assert len({outcome(trainer(seed=seed).run()) for seed in (1, 2)}) == 2


def stopping_after(looks: int):
    """What `should_stop` is, to stop after so many looks of the main thread."""
    left = iter(range(looks))
    return lambda: next(left, None) is None


@pytest.mark.parametrize("settings", list(VARIANTS.values())[:9], ids=list(VARIANTS)[:9])
@pytest.mark.parametrize("looks", [1, 5, 30])
def test_a_run_that_is_stopped_goes_on_with_another_number_of_threads_to_the_same_bytes(
    tmp_path, monkeypatch, many_lanes, settings, looks
):
    monkeypatch.setattr("w2v.training.trainer.PROGRESS_EVERY_S", 0.001)
    monkeypatch.setattr("w2v.training.lanes.BATCH_FLOPS", 1)  # a look after each round
    whole = trainer(2, **settings).run()
    checkpointer = Checkpointer(tmp_path / "c")
    try:
        first = trainer(3, **settings).run(should_stop=stopping_after(looks), checkpointer=checkpointer)
    except KeyboardInterrupt:
        with Checkpoint(checkpointer.path) as checkpoint:
            first = trainer(1, checkpoint, **settings).run()
    assert outcome(first) == outcome(whole)


def test_a_run_that_is_stopped_again_and_again_gives_the_same_bytes(tmp_path, monkeypatch, many_lanes):
    monkeypatch.setattr("w2v.training.trainer.PROGRESS_EVERY_S", 0.001)
    monkeypatch.setattr("w2v.training.lanes.BATCH_FLOPS", 1)
    checkpointer = Checkpointer(tmp_path / "c")
    result, resume, stops, in_hand = None, None, 0, 0
    while result is None:
        present = trainer(THREADS[stops % 4], resume)
        try:
            result = present.run(should_stop=stopping_after(3), checkpointer=checkpointer)
        except KeyboardInterrupt:
            stops += 1
            in_hand += present.state.spans.in_hand
        if resume is not None:
            resume.close()
        resume = Checkpoint(checkpointer.path) if result is None else None
    assert stops > 2
    assert in_hand, "lanes stop within sentences"
    assert outcome(result) == outcome(trainer().run())


@pytest.fixture
def stopped(tmp_path, monkeypatch, many_lanes) -> str:
    """The checkpoint of a run that was stopped at once."""
    monkeypatch.setattr("w2v.training.lanes.BATCH_FLOPS", 1)
    checkpointer = Checkpointer(tmp_path / "c")
    with pytest.raises(KeyboardInterrupt):
        trainer(2).run(should_stop=lambda: True, checkpointer=checkpointer)
    return checkpointer.path


def test_a_checkpoint_of_another_kernel_is_refused(stopped, monkeypatch):
    with Checkpoint(stopped) as checkpoint:
        checkpoint.state["kernel"] = "other"
        with pytest.raises(CheckpointError, match=r"it is of other, here is .*; set W2V_KERNEL=other"):
            trainer(1, checkpoint)


def test_a_checkpoint_with_another_number_of_lanes_is_refused(stopped, monkeypatch):
    monkeypatch.setattr("w2v.training.lanes.LANES", 4)
    with Checkpoint(stopped) as checkpoint, pytest.raises(CheckpointError, match="8 lanes, and this version has 4"):
        trainer(1, checkpoint)


def test_a_checkpoint_of_a_run_that_is_not_reproducible_is_refused(stopped):
    with Checkpoint(stopped) as checkpoint, pytest.raises(CheckpointError, match="reproducible was True, is False"):
        Trainer(corpus(), config(), checkpoint)


def test_scores_on_the_way_are_taken_at_the_same_places(tmp_path, many_lanes, monkeypatch):
    monkeypatch.setattr("w2v.training.lanes.BATCH_FLOPS", 1)
    (tmp_path / "pairs").write_text("the\tking\t1\nqueen\tw1\t2\nw2\tw3\t3\n")
    pairs = read_questions(tmp_path / "pairs")

    def reports(threads: int) -> list[tuple[int, dict[str, float]]]:
        found = []
        evaluator = Evaluator({"pairs": pairs}, "10%", on_report=lambda r: found.append((r.tokens_done, r.scores)))
        trainer(threads).run(evaluator=evaluator)
        return found

    wanted = reports(1)
    assert len(wanted) > 8
    assert all(reports(threads) == wanted for threads in (2, 7))


def test_token_counts_add_up_and_progress_is_reported(many_lanes, monkeypatch):
    monkeypatch.setattr("w2v.training.trainer.PROGRESS_EVERY_S", 0.001)
    monkeypatch.setattr("w2v.training.lanes.BATCH_FLOPS", 1)
    seen = []
    summary = trainer(2).run(on_progress=seen.append).summary
    assert summary.tokens_total == 3 * corpus().token_counts.kept
    assert summary.tokens_total == summary.trained + summary.subsampled + summary.alone
    assert len(seen) > 3
    assert [each.tokens_done for each in seen] == sorted({each.tokens_done for each in seen})
    assert seen[-1].lr < seen[0].lr
    assert summary.reproducible.kernel == kernels.choose().NAME


def test_a_training_that_diverges_says_so(many_lanes):
    made = trainer(3)
    made.model.inputs[3, 2] = np.nan
    with pytest.raises(TrainingError, match="training diverged"):
        made.run()


@pytest.mark.parametrize("many", ["2 threads, no room for a third", "an error in a look"])
def test_an_error_ends_all_threads(many_lanes, monkeypatch, many):
    made = trainer(3)
    if many.startswith("2"):
        monkeypatch.setattr("threading.Thread.start", failing_after(2, RuntimeError("can't start new thread")))
        with pytest.raises(w2v.W2VError, match="refused to start thread 3"):
            made.run()
    else:
        monkeypatch.setattr(made, "_look_at_lanes", failing_after(0, MemoryError("no room")))
        with pytest.raises(MemoryError, match="no room"):
            made.run()


def failing_after(calls: int, error: Exception):
    import threading

    start, left = threading.Thread.start, iter(range(calls))

    def call(*args):
        if next(left, None) is None:
            raise error
        return start(*args)

    return call


def test_text_a_pipe_and_an_encoded_corpus_give_the_same_bytes(tmp_path, monkeypatch):
    text = b"".join(b" ".join(w if isinstance(w, bytes) else w.encode() for w in s) + b"\n" for s in sentences())
    (tmp_path / "text").write_bytes(text)
    reading = {"min_count": 1, "whitespace": "ascii"}
    settings = {"reproducible": True, "dim": 12, "epochs": 2}
    w2v.encode(tmp_path / "text", **reading).save(tmp_path / "ids")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))
    found = [
        w2v.train(tmp_path / "text", threads=2, **reading, **settings),
        w2v.train(EncodedCorpus.load(tmp_path / "ids"), threads=1, **settings),
        w2v.train(sentences(), threads=3, **reading, **settings),
    ]
    assert len({each.matrix.tobytes() for each in found}) == 1


def test_first_values_and_runs_that_go_on_keep_the_bytes_with_any_number_of_threads(tmp_path, many_lanes):
    known = w2v.train(corpus(), dim=12, epochs=1, threads=1)
    settings = {"reproducible": True, "dim": 12, "epochs": 2, "min_count": 1, "whitespace": "ascii"}
    found = []
    for threads in (1, 3):
        place, more = tmp_path / f"{threads}", {"threads": threads, "checkpoint_every": 0}
        first = w2v.train(sentences(), init=known, checkpoint=place, **settings, **more)
        again = w2v.train([*sentences(300, 2), ["new", "words"] * 9], continue_from=place, threads=threads)
        assert "new" in again.words
        found.append([first.matrix.tobytes(), again.matrix.tobytes()])
    assert found[0] == found[1]
    assert found[0][0] != w2v.train(sentences(), **settings).matrix.tobytes()


def test_runs_of_a_sweep_are_those_of_single_trainings_with_any_number_of_threads(tmp_path, many_lanes):
    settings = {"reproducible": True, "dim": 12, "epochs": 2}
    runs = list(w2v.sweep(corpus(), window=[2, 5], threads=3, folder=tmp_path / "runs", **settings))
    assert len(runs) == 2
    for run, window in zip(runs, (2, 5), strict=True):
        alone = w2v.train(corpus(), window=window, threads=1, **settings)
        assert w2v.load(run.vectors).matrix.tobytes() == alone.matrix.tobytes()


PROGRAM = """
import hashlib, sys, w2v
found = w2v.train("{path}", reproducible=True, threads=2, dim=20, epochs=2, min_count=1)
print(hashlib.sha256(found.matrix.tobytes()).hexdigest())
"""


def test_the_instructions_that_numpy_picks_change_no_byte(tmp_path):
    lines = [b" ".join(b"%d" % (i * i * j % 97) for i in range(9)) for j in range(999)]
    (tmp_path / "text").write_bytes(b"\n".join(lines))
    found = set()
    for disabled in ("", "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR", "AVX2 FMA3"):
        env = {**os.environ, "NPY_DISABLE_CPU_FEATURES": disabled}
        program = [sys.executable, "-P", "-W", "ignore", "-c", PROGRAM.format(path=tmp_path / "text")]
        found.add(subprocess.run(program, env=env, capture_output=True, check=True).stdout)
    assert len(found) == 1


def test_the_full_softmax_is_refused():
    with pytest.raises(SettingsError, match="reproducible: is for loss='ns' or hs"):
        config(reproducible=True, loss="softmax").resolved()


def test_a_cluster_is_refused_with_the_reason(tmp_path):
    from w2v.cluster.run import ClusterOptions, ClusterTrainer

    with pytest.raises(SettingsError, match="reproducible: is not for a cluster, whose nodes exchange"):
        ClusterTrainer([tmp_path], CorpusConfig(), config(reproducible=True), ClusterOptions())


STABLE = {
    "skip-gram": {},
    "cbow": {"model": "cbow"},
    "hs": {"loss": "hs"},
    "cbow hs": {"model": "cbow", "loss": "hs"},
    "lr 0.1": {"lr": 0.1},
    "lr 0.1 hs": {"lr": 0.1, "loss": "hs"},
    "wide": {"window": 20, "negative": 20},
    "subwords lr 0.1": {"subwords": "1-4", "buckets": 100, "lr": 0.1},
    "subwords cbow hs": {"subwords": "1-4", "buckets": 100, "model": "cbow", "loss": "hs"},
}


@pytest.mark.parametrize("settings", STABLE.values(), ids=STABLE.keys())
def test_a_small_vocabulary_is_learned_as_well_as_in_one_thread(settings):
    # A few frequent words and many epochs: sums of what several lanes do to a row at once would grow without bound.
    big = corpus(6000)
    losses = [
        Trainer(big, config(reproducible=on, sample=0.0, epochs=20, dim=30, threads=2 if on else 1, **settings))
        .run()
        .summary.epoch_losses[-1]
        for on in (False, True)
    ]
    assert losses[1] == pytest.approx(losses[0], rel=0.02)


# --- the rule --------------------------------------------------------------------------------------------------------


def zipf(words: int, tokens: float) -> np.ndarray:
    return np.maximum(1, tokens / np.arange(1, words + 1) / np.log(words)).astype(np.int64)


EXTREMES = {
    "default": ({}, 70_000, 2e7),
    "lr 0.1": ({"lr": 0.1}, 70_000, 2e7),
    "lr 10": ({"lr": 10.0}, 70_000, 2e7),
    "lr 1e-6": ({"lr": 1e-6, "min_lr": 1e-7}, 70_000, 2e7),
    "window 20": ({"window": 20}, 70_000, 2e7),
    "negative 20": ({"negative": 20}, 70_000, 2e7),
    "100 words": ({}, 100, 2e7),
    "a million words": ({}, 1_000_000, 1e9),
    "dim 25": ({"dim": 25}, 70_000, 2e7),
    "dim 500": ({"dim": 500}, 70_000, 2e7),
    "200 sentences": ({}, 500, 4000),
    "two words": ({"sample": 0.0}, 2, 50),
    "widest": ({"window": 1000, "negative": 1000, "exact": True, "dim": 65536}, 70_000, 2e7),
}


EXACT = {("default", "skipgram", "ns"): (8, 39, 953, 16), ("200 sentences", "cbow", "hs"): (2, 31, 3, 1)}


@pytest.mark.parametrize("model", ["skipgram", "cbow"])
@pytest.mark.parametrize("loss", ["ns", "hs"])
@pytest.mark.parametrize("name", EXTREMES)
def test_lanes_and_rounds_follow_from_settings_and_vocabulary_and_never_from_threads(name, model, loss):
    settings, words, tokens = EXTREMES[name]
    counts = zipf(words, tokens)
    found = {
        rounds_for(config(model=model, loss=loss, threads=threads, **settings).resolved(), counts, int(counts.sum()))
        for threads in (1, 2, 64)
    }
    assert len(found) == 1
    (rounds,) = found
    if (name, model, loss) in EXACT:
        assert dataclasses.astuple(rounds) == EXACT[name, model, loss]
    assert 1 <= rounds.lanes <= LANES
    assert 1 <= rounds.centres <= MOST_CENTRES
    assert rounds.batch >= 1
    if name in ("default", "a million words"):
        assert rounds.lanes == LANES or (model, loss) == ("cbow", "hs")
    if name in ("two words", "lr 10", "widest"):
        assert rounds.lanes == 1


FEW = [[["a", "b", "c", "d"] * 2500], [["a", "b"]], [[f"w{i * j % 31}" for i in range(20)] for j in range(200)]]


@pytest.mark.parametrize("text", FEW, ids=["one long sentence", "two words", "200 sentences"])
def test_corpora_of_few_sentences_are_trained_on(text):
    small = encode_sequences(text, CorpusConfig(min_count=1))
    found = [Trainer(small, config(threads=threads, reproducible=True, sample=0.0)).run() for threads in THREADS]
    assert len({outcome(each) for each in found}) == 1
    assert found[0].summary.trained == 3 * small.token_counts.kept - found[0].summary.alone


@pytest.mark.parametrize(
    ("settings", "tokens", "rounds"),
    [
        ({}, 20_000, (8, 25, 3, 1)),
        ({}, 5_000_000, (8, 95, 94, 16)),
        ({"loss": "hs"}, 20_000, (8, 25, 3, 1)),
        ({"model": "cbow"}, 5_000_000, (8, 156, 132, 16)),
        ({"window": 20, "dim": 300}, 5_000_000, (8, 27, 30, 16)),
        ({"lr": 0.5}, 20_000, (2, 19, 17, 5)),
        ({"lr": 0.5}, 5_000_000, (2, 19, 1890, 16)),
        ({"share_negatives": False}, 5_000_000, (8, 95, 94, 16)),
    ],
)
def test_how_a_training_is_cut_into_lanes_and_rounds(settings, tokens, rounds):
    """The bytes depend on it."""
    counts = (1e6 / np.arange(1, 3001)).astype(np.int64)
    found = rounds_for(TrainConfig(threads=1, reproducible=True, **settings).resolved(), counts, tokens)
    assert (found.lanes, found.centres, found.batch, found.sections) == rounds


@pytest.mark.parametrize(
    ("settings", "blocks", "rows", "pairs"),
    [
        ({}, 1, 6, 60),
        ({"share_negatives": False}, 10, 6, 60),
        ({"model": "cbow"}, 1, 6, 18),
        ({"model": "cbow", "share_negatives": False}, 1, 6, 18),
        ({"loss": "hs", "window": 3}, 1, PATH_NODES, 6 * PATH_NODES),
        ({"negative": 2, "window": 1}, 1, 3, 6),
    ],
)
def test_what_a_centre_takes(settings, blocks, rows, pairs):
    found = _centre(TrainConfig(threads=1, reproducible=True, dim=50, **settings).resolved())
    assert found == (blocks, rows, 6.0 * pairs * 66)
