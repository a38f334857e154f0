"""A run of the library has what a run of the command has: checkpoints, a graceful stop, outputs."""

from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pytest

import w2v
from w2v.corpus.vocab import Vocab
from w2v.errors import CheckpointError, SettingsError, W2VError
from w2v.training.checkpoint import Checkpoint

from .runs import sentences

FEW = {"dim": 12, "min_count": 1, "threads": 1, "epochs": 40, "sample": 0.05, "whitespace": "ascii"}
TEXT = sentences(3000)


@pytest.fixture(scope="module")
def whole() -> w2v.Vectors:
    return w2v.train(TEXT, **FEW)


def same(a: w2v.Vectors, b: w2v.Vectors) -> bool:
    return a.words == b.words and a.matrix.tobytes() == b.matrix.tobytes()


def interrupt(progress) -> None:
    signal.raise_signal(signal.SIGINT)


def test_ctrl_c_leaves_a_checkpoint_and_says_so_and_resume_gives_the_same_bytes(tmp_path, whole):
    path = tmp_path / "run.ckpt"
    message = r"stopped after \d+ %; .*run.ckpt holds the run; .*resume=True"
    with pytest.raises(w2v.TrainingStopped, match=message) as caught:
        w2v.train(TEXT, checkpoint=path, on_progress=interrupt, **FEW)
    assert isinstance(caught.value, KeyboardInterrupt)
    assert (caught.value.checkpoint, caught.value.signal) == (str(path), signal.SIGINT)
    assert 0 < caught.value.share < 1
    with Checkpoint(path) as checkpoint:
        assert not checkpoint.finished
        assert checkpoint.share == caught.value.share
    assert same(w2v.train(TEXT, checkpoint=path, resume=True, **FEW), whole)


def test_ctrl_c_without_a_checkpoint_stops_too_and_says_that_nothing_is_kept():
    with pytest.raises(KeyboardInterrupt, match="nothing of it is kept"):
        w2v.train(TEXT, on_progress=interrupt, **FEW)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("w2v-")]


def test_a_second_ctrl_c_does_not_wait_for_the_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setattr("w2v.training.checkpointing.write_checkpoint", lambda *args: interrupt(None))
    with pytest.raises(KeyboardInterrupt) as caught:
        w2v.train(TEXT, checkpoint=tmp_path / "c", on_progress=interrupt, **FEW)
    assert type(caught.value) is KeyboardInterrupt


def test_a_handler_of_the_program_is_left_alone():
    seen = []
    before = signal.signal(signal.SIGINT, lambda *args: seen.append(args))
    try:
        w2v.train(TEXT, on_progress=interrupt, **FEW)
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen


def test_a_training_in_another_thread_takes_no_signals(whole):
    found = []

    def work() -> None:
        handlers = []
        vectors = w2v.train(TEXT, on_progress=lambda _: handlers.append(signal.getsignal(signal.SIGINT)), **FEW)
        found.extend([vectors, set(handlers)])

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert same(found[0], whole)
    assert found[1] <= {signal.default_int_handler}


def test_a_run_that_has_ended_is_kept_and_resumed_at_once(tmp_path, whole):
    path = tmp_path / "run.ckpt"
    first = w2v.train(TEXT, checkpoint=path, resume=True, **FEW)  # nothing is there yet
    assert same(first, whole)
    seen = []
    assert same(w2v.train(TEXT, checkpoint=path, resume=True, on_progress=seen.append, **FEW), whole)
    assert seen == []
    other = w2v.train(TEXT, checkpoint=path, **{**FEW, "epochs": 1})  # the run there has ended, and is replaced
    assert not same(other, whole)
    with pytest.raises(CheckpointError, match="epochs was 1, is 40"):
        w2v.train(TEXT, checkpoint=path, resume=True, **FEW)


def test_a_run_that_did_not_end_is_not_overwritten(tmp_path):
    path = tmp_path / "c"
    with pytest.raises(KeyboardInterrupt):
        w2v.train(TEXT, checkpoint=path, on_progress=interrupt, **FEW)
    before = path.read_bytes()
    with pytest.raises(W2VError, match="a run that did not end has left this"):
        w2v.train(TEXT, checkpoint=path, **FEW)
    assert path.read_bytes() == before


@pytest.mark.parametrize("every", ["0.01s", 0.01])
def test_checkpoints_are_written_on_the_way(tmp_path, monkeypatch, every):
    from w2v.training import checkpointing

    written, write = [], checkpointing.write_checkpoint
    monkeypatch.setattr("w2v.training.trainer.PROGRESS_EVERY_S", 0.005)
    monkeypatch.setattr(checkpointing, "write_checkpoint", lambda *args: written.append(write(*args)))
    w2v.train(TEXT, checkpoint=tmp_path / "c", checkpoint_every=every, **FEW)
    assert len(written) > 2


@pytest.mark.parametrize("every", ["soon", "", -1, float("nan"), float("inf"), "5"])
def test_another_way_to_write_a_length_of_time_is_refused(tmp_path, every):
    with pytest.raises(SettingsError, match=r"checkpoint_every: .* is not a length of time; write 30s"):
        w2v.train(TEXT, checkpoint=tmp_path / "c", checkpoint_every=every)


def test_resume_needs_a_place():
    with pytest.raises(SettingsError, match="resume: give the checkpoint"):
        w2v.train(TEXT, resume=True)


def test_a_checkpoint_that_cannot_be_written_is_a_warning_and_the_vectors_are_returned(tmp_path, monkeypatch, whole):
    def fail(*_args) -> None:
        raise OSError(28, "No space left on device", "c")

    monkeypatch.setattr("w2v.training.checkpointing.write_checkpoint", fail)
    with pytest.warns(RuntimeWarning) as caught:
        assert same(w2v.train(TEXT, checkpoint=tmp_path / "c", checkpoint_every=0.01, **FEW), whole)
    texts = [str(warning.message) for warning in caught]
    assert texts[0] == "the checkpoint could not be written; the training continues: c: No space left on device"
    assert texts[-1] == "the checkpoint could not be kept: c: No space left on device"
    assert os.listdir(tmp_path) == []


def test_the_context_vectors_are_vectors_of_the_same_words(whole):
    assert isinstance(whole.context, w2v.Vectors)
    assert whole.context.words == whole.words
    assert whole.context.matrix.shape == whole.matrix.shape
    assert not np.array_equal(whole.context.matrix, whole.matrix)
    added = w2v.train(TEXT, combine="add", **FEW)
    assert np.array_equal(added.matrix, whole.matrix + added.context.matrix)
    assert w2v.train(TEXT, loss="hs", **{**FEW, "epochs": 1}).context is None


def test_output_and_vocabulary_are_written_and_read_again(tmp_path, whole):
    vectors = w2v.train(TEXT, output=tmp_path / "v.npy", save_vocab=tmp_path / "vocab.tsv", **FEW)
    assert sorted(os.listdir(tmp_path)) == ["v.npy", "v.words.txt", "vocab.tsv"]
    assert same(w2v.load(tmp_path / "v.npy"), vectors)
    for vocab in (tmp_path / "vocab.tsv", Vocab.load(tmp_path / "vocab.tsv")):
        assert same(w2v.train(TEXT, read_vocab=vocab, **FEW), whole)


def test_an_output_is_checked_before_the_corpus_is_read(tmp_path):
    def never():
        raise AssertionError("the corpus was read")
        yield

    with pytest.raises(W2VError, match="does not exist; make it first"):
        w2v.train(never(), output=tmp_path / "missing" / "v.bin")
    with pytest.raises(SettingsError, match="given twice"):
        w2v.train(never(), output=tmp_path / "v.bin", log=tmp_path / "v.bin")
    for name in ("output", "resume", "eval", "phrase_connectors"):
        with pytest.raises(SettingsError, match=f"{name}: the name is empty; give a file"):
            w2v.train(never(), **{"checkpoint": tmp_path / "c", "phrases": 1, name: [""] if name == "eval" else ""})


def test_a_run_that_is_short_of_memory_is_saved_with_a_warning(tmp_path, monkeypatch, whole):
    from w2v.machine import Room
    from w2v.training import checkpointing

    written, write = [], checkpointing.write_checkpoint
    monkeypatch.setattr(checkpointing, "LOOK_S", 0.0)
    monkeypatch.setattr(checkpointing, "room", lambda: Room(5, "left for this test"))
    monkeypatch.setattr(checkpointing, "write_checkpoint", lambda *args: written.append(write(*args)))
    with pytest.warns(RuntimeWarning, match="memory is running out, the run is saved now: 5 B are left for this test"):
        assert same(w2v.train(TEXT, checkpoint=tmp_path / "c", **FEW), whole)
    assert len(written) == 2  # and at the end
