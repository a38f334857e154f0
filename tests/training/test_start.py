"""Trainings that begin with rows that exist."""

from __future__ import annotations

import numpy as np
import pytest

import w2v
from w2v.errors import CorpusError, SettingsError, VectorsError
from w2v.training import start as module
from w2v.training.checkpoint import Checkpoint, write_checkpoint
from w2v.training.start import Continuation, Initial, continued_settings
from w2v.training.trainer import Trainer
from w2v.vectors.vectors import Vectors

from .runs import config, corpus, sentences

FEW = {"dim": 12, "min_count": 1, "threads": 1, "epochs": 2, "sample": 0.05, "whitespace": "ascii"}
NEW = [["king", "zebra", "queen"], ["unicorn", "zebra", "the"]] * 30


def fresh(start=None) -> Trainer:
    return Trainer(corpus(), config(), start=start)


def test_rows_of_known_words_are_those_of_the_vectors_and_others_are_fresh():
    known = Vectors(["king", "nobody", "the"], np.arange(36).reshape(3, 12))
    start = Initial(known, 12)
    trainer, plain = fresh(start), fresh()
    words = corpus().vocab.words
    for row, word in enumerate(words):
        expected = known[word] if word in (b"king", b"the") else plain.model.inputs[row, :12]
        assert np.array_equal(trainer.model.inputs[row, :12], expected)
    assert not trainer.model.outputs.any()
    assert (start.found, start.words) == (2, len(words))


def test_vectors_of_other_dimensions_or_other_words_are_refused():
    with pytest.raises(SettingsError, match="its vectors have 3 dimensions; train with dim=3, not 12"):
        Initial(Vectors(["the"], np.zeros((1, 3))), 12)
    with pytest.raises(VectorsError, match="none of the corpus's 49 words is in it"):
        fresh(Initial(Vectors(["nobody"], np.zeros((1, 12))), 12))


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A run that has ended, and its checkpoint."""
    path = tmp_path_factory.mktemp("kept") / "c"
    vectors = w2v.train(sentences(200), checkpoint=path, **FEW)
    return vectors, path


def test_a_continued_run_begins_with_both_matrices_of_the_one_before(kept):
    _, path = kept
    with Checkpoint(path) as checkpoint:
        start = Continuation(checkpoint, *continued_settings(checkpoint, {}))
        known = start.known
        grown = start.extend_vocab(w2v.corpus.open.read(NEW, start.reading_config))
        trainer = Trainer(grown, start.config, start=start)
    with Checkpoint(path) as checkpoint:
        inputs, outputs = (np.empty((len(known), 12), np.float32) for _ in range(2))
        checkpoint._file.read_rows("vectors", inputs)
        checkpoint._file.read_rows("outputs", outputs)
    plain = Trainer(grown, start.config)
    assert len(grown.vocab) == len(known) + 2
    for row, word in enumerate(grown.vocab.words):
        place = known.index(word)
        expected = (plain.model.inputs[row, :12], np.zeros(12)) if place is None else (inputs[place], outputs[place])
        assert np.array_equal(trainer.model.inputs[row, :12], expected[0])
        assert np.array_equal(trainer.model.outputs[row, :12], expected[1])


def test_a_continued_run_moves_what_it_sees_and_keeps_the_input_rows_of_the_rest(kept):
    before, path = kept
    after = w2v.train(NEW, continue_from=path)
    assert {"zebra", "unicorn"} <= set(after.words)
    assert set(before.words) < set(after.words)
    assert after.dim == 12
    seen = {"king", "queen", "the"}
    for word in before.words:
        assert np.array_equal(before[word], after[word]) != (word in seen), word


def test_settings_that_are_not_given_are_those_of_the_run(kept):
    with Checkpoint(kept[1]) as checkpoint:
        corpus_config, train_config = continued_settings(checkpoint, {"epochs": 7})
        assert (corpus_config.whitespace, train_config.dim, train_config.epochs) == ("ascii", 12, 7)
        assert (train_config.lr, train_config.threads) == (0.025, None)
        again = continued_settings(checkpoint, {"lr": 0.5})[1].resolved()
        assert (again.lr, again.min_lr) == (0.5, 0.5e-4)
        assert continued_settings(checkpoint, {"model": "cbow"})[1].resolved().lr == 0.06


@pytest.mark.parametrize(
    ("settings", "named"),
    [({"dim": 13}, "its vectors have 12 dimensions; leave dim out"), ({"loss": "hs"}, "its nodes cannot be kept")],
)
def test_a_run_of_another_shape_cannot_be_continued(kept, settings, named):
    with pytest.raises(SettingsError, match=named):
        w2v.train(NEW, continue_from=kept[1], **settings)
    with pytest.raises(SettingsError, match="leave out init"):
        w2v.train(NEW, continue_from=kept[1], init=kept[0])


def test_a_continued_run_begins_with_the_best_epoch_where_one_was_kept(tmp_path):
    trainer = Trainer(corpus(), config(held_out=0.2, stop_early=1))
    trainer.run()
    trainer.state.best.inputs[:, :12] = 7
    write_checkpoint(tmp_path / "c", trainer.state, None)
    checkpoint = Checkpoint(tmp_path / "c")
    start = Continuation(checkpoint, *continued_settings(checkpoint, {}))
    again = Trainer(start.extend_vocab(corpus()), start.config, start=start)
    assert (again.model.inputs[:, :12] == 7).all()


def test_a_checkpoint_is_closed_where_the_text_cannot_be_read(kept, tmp_path, monkeypatch):
    closed = []
    monkeypatch.setattr(Continuation, "close", lambda start: closed.append(start.checkpoint.close()))
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(CorpusError):
        w2v.train(tmp_path / "empty", continue_from=kept[1])
    assert closed == [None]


def test_a_corpus_that_is_continued_with_is_spooled_where_it_is_said(tmp_path, monkeypatch):
    seen, extend = [], module.extend_vocab

    def noted(*given, **options):
        seen.append(options)
        return extend(*given, **options)

    monkeypatch.setattr(module, "extend_vocab", noted)
    path = tmp_path / "v.checkpoint"
    trainer = fresh()
    trainer.run()
    write_checkpoint(path, trainer.state, None)
    w2v.train(NEW, continue_from=path, tmp_dir=tmp_path, **{**FEW, "threads": 2})
    assert seen == [{"threads": 2, "tmp_dir": tmp_path}]
