"""Trainings with subwords: the rows they train, and everything that a training can do."""

from __future__ import annotations

import numpy as np
import pytest

import w2v
from w2v.corpus._words import WordTable
from w2v.errors import SettingsError
from w2v.training.config import TrainConfig
from w2v.training.subwords import find_parts
from w2v.training.trainer import Trainer, TrainingStopped
from w2v.vectors._ngrams import fnv, ngrams

SETTINGS = {"subwords": "3-5", "buckets": 500, "dim": 12, "min_count": 1, "threads": 1, "sample": 0, "epochs": 2}
STEMS = ["walk", "talk", "kick", "jump", "größ", "прив", "東京"]
ENDINGS = ["", "s", "ed", "ing", "er"]


def sentences(seed: int = 1, count: int = 300, stems=STEMS) -> list[list[str]]:
    random = np.random.default_rng(seed)
    words = [stem + ending for stem in stems for ending in ENDINGS]
    return [[words[i] for i in random.integers(0, len(words), 9)] for _ in range(count)]


@pytest.fixture(scope="module")
def corpus():
    return w2v.encode(sentences(), min_count=1)


def config(**change):
    settings = {name: value for name, value in {**SETTINGS, **change}.items() if name != "min_count"}
    return TrainConfig(**settings).resolved()


def test_the_parts_of_a_word_are_its_row_and_its_ngrams(corpus):
    parts = find_parts(corpus.vocab.words, config())
    row_of = dict(zip(parts.buckets.tolist(), parts.bucket_rows.tolist(), strict=True))
    for i, word in enumerate(corpus.vocab.words):
        mine = [parts.own[i], *(row_of[fnv(n) % 500] for n in ngrams(word, 3, 5))]
        some = slice(parts.starts[i], parts.starts[i + 1])
        found = np.zeros(len(parts.sizes))
        np.add.at(found, parts.rows[some], parts.weights[some])
        np.testing.assert_allclose(found * len(mine), np.bincount(mine, minlength=len(found)), atol=1e-5)
        assert parts.rows[some][0] == parts.own[i]


def test_a_row_is_as_often_there_as_each_of_those_that_it_stands_for(corpus):
    """A change goes to each entry of a word's list once: an n-gram that occurs twice gets it twice."""
    words = [b"abcabcabc", b"xyz", b"abc"]
    parts = find_parts(WordTable(words), config(subwords="3-3"))
    row_of = dict(zip(parts.buckets.tolist(), parts.bucket_rows.tolist(), strict=True))
    first = parts.rows[parts.starts[0] : parts.starts[1]].tolist()
    assert first.count(row_of[fnv(b"abc") % 500]) == 3
    assert first.count(row_of[fnv(b"bca") % 500]) == 2
    assert parts.sizes.sum() == len(words) + len(parts.buckets)


def test_rows_that_stand_for_the_same_words_are_one():
    parts = find_parts(WordTable([b"unique", b"other"]), config())
    assert len(parts.sizes) == 2  # no n-gram is in both
    assert parts.sizes.tolist() == [1 + 15, 1 + 12]
    assert parts.weights.tolist() == [1, 1]


def test_rows_come_as_the_words_need_them(corpus):
    """The rows of a word lie side by side, where no more frequent word has them."""
    parts = find_parts(corpus.vocab.words, config())
    _, first = np.unique(parts.rows, return_index=True)
    words = np.searchsorted(parts.starts, first, side="right") - 1
    assert (np.diff(words) >= 0).all()


def test_the_vectors_are_made_of_the_rows(corpus):
    result = Trainer(corpus, config()).run()
    vectors = result.vectors
    table = vectors.words.table
    made, _ = vectors.subwords.vectors(table, vectors.subwords.own_rows(table, vectors.matrix))
    np.testing.assert_allclose(made, vectors.matrix, atol=1e-6)
    assert np.isfinite(vectors["walkings"]).all()
    assert vectors["walkings"].any()


@pytest.mark.parametrize("model", ["skipgram", "cbow"])
@pytest.mark.parametrize("loss", ["ns", "hs"])
def test_one_thread_and_a_seed_give_the_same_bytes(corpus, model, loss):
    first, second = (w2v.train(corpus, **{**SETTINGS, "model": model, "loss": loss}) for _ in range(2))
    assert first.matrix.tobytes() == second.matrix.tobytes()
    assert first["jumpings"].tobytes() == second["jumpings"].tobytes()
    assert first.matrix.any()


def test_the_loss_falls(corpus):
    losses = Trainer(corpus, config(epochs=6, lr=0.1)).run().summary.epoch_losses
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("threads", [1, 3])
def test_a_checkpoint_goes_on_to_the_same_vectors(corpus, tmp_path, threads):
    from w2v.training.checkpoint import Checkpoint, write_checkpoint

    settings = config(threads=threads, epochs=4)
    trainer = Trainer(corpus, settings)
    write_checkpoint(tmp_path / "c", trainer.state, None)
    with Checkpoint(tmp_path / "c") as saved:
        resumed = Trainer(corpus, settings, saved)
        vectors = saved.vectors()
    np.testing.assert_array_equal(resumed.model.inputs, trainer.model.inputs)
    assert vectors["walkings"].any()
    if threads == 1:
        assert resumed.run().vectors.matrix.tobytes() == trainer.run().vectors.matrix.tobytes()


def test_a_run_that_was_stopped_goes_on_with_the_rows_of_frequent_words(corpus, tmp_path, monkeypatch):
    from w2v.training.checkpoint import Checkpoint, write_checkpoint

    monkeypatch.setattr("w2v.training.subwords.WHOLE_OCCURRENCES", 1)
    settings = config(epochs=3)
    whole = Trainer(corpus, settings)
    right = whole.run().vectors
    trainer = Trainer(corpus, settings)
    with pytest.raises(TrainingStopped):
        trainer.run(should_stop=lambda: True)
    write_checkpoint(tmp_path / "c", trainer.state, None)
    with Checkpoint(tmp_path / "c") as saved:
        resumed = Trainer(corpus, settings, saved)
    assert resumed.run().vectors.matrix.tobytes() == right.matrix.tobytes()
    rows = whole.model.inputs[len(whole.model.parts.sizes) :].reshape(2, len(corpus.vocab), -1)
    np.testing.assert_array_equal(*rows)  # nothing is left that the n-grams have not got
    assert right["walkings"].any()


def test_a_loss_that_is_only_measured_changes_no_row(corpus, monkeypatch):
    monkeypatch.setattr("w2v.training.subwords.WHOLE_OCCURRENCES", 1)
    trainer = Trainer(corpus, config())
    trainer.model.inputs[: len(trainer.model.parts.sizes)] += 1  # the rows of vectors have not taken that up
    before = trainer.model.inputs.copy()
    trainer.kernel.train(trainer.state.workers[0], corpus.ids, 0, len(corpus.ids), 0.0)
    np.testing.assert_array_equal(trainer.model.inputs, before)


def test_new_words_of_a_continued_run_know_what_their_ngrams_know(tmp_path):
    w2v.train(sentences(), checkpoint=tmp_path / "c", **{**SETTINGS, "epochs": 5, "lr": 0.1})
    from w2v.training.checkpoint import Checkpoint

    with Checkpoint(tmp_path / "c") as saved:
        before = saved.vectors()
    again = w2v.train(
        sentences(2, stems=[*STEMS, "walkw"]),
        continue_from=tmp_path / "c",
        epochs=1,
        lr=1e-9,
        min_lr=1e-9,
        threads=1,
    )
    assert len(again) == len(before) + len(ENDINGS)
    for word in before:
        np.testing.assert_allclose(again[word], before[word], atol=1e-5)
    near = [word for word, _ in again.most_similar("walkwing", topn=3)]
    assert any(word.startswith("walk") for word in near)


def test_a_continued_run_keeps_its_ngrams(tmp_path):
    w2v.train(sentences(), checkpoint=tmp_path / "c", **SETTINGS)
    with pytest.raises(SettingsError, match="was trained with"):
        w2v.train(sentences(), continue_from=tmp_path / "c", subwords="2-4")


@pytest.mark.parametrize("source", ["plain", "subwords"])
def test_words_begin_with_given_vectors(corpus, source):
    words = [word.decode() for word in corpus.vocab.words]
    if source == "plain":
        given = w2v.Vectors(words, np.random.default_rng(3).normal(size=(len(words), 12)))
    else:
        given = w2v.train(corpus, **{**SETTINGS, "epochs": 3, "lr": 0.1})
    vectors = w2v.train(corpus, init=given, **{**SETTINGS, "epochs": 1, "lr": 1e-9, "min_lr": 1e-9})
    for word in words:
        np.testing.assert_allclose(vectors[word], given[word], atol=1e-5)
    if source == "subwords":
        unseen = vectors["walkings"], given["walkings"]
        assert float(unseen[0] @ unseen[1] / np.linalg.norm(unseen[0]) / np.linalg.norm(unseen[1])) > 0.9


def test_files_of_every_format_answer_alike(corpus, tmp_path):
    vectors = w2v.train(corpus, **SETTINGS)
    for name in ("m.ftbin", "m.safetensors"):
        vectors.save(tmp_path / name)
        again = w2v.load(tmp_path / name)
        np.testing.assert_allclose(again["jumpings"], vectors["jumpings"], atol=1e-6)
        np.testing.assert_allclose(again.matrix, vectors.matrix, atol=1e-6)
    vectors.save(tmp_path / "m.bin")
    assert "jumpings" not in w2v.load(tmp_path / "m.bin")


def test_held_out_loss_and_scores_on_the_way(corpus, tmp_path):
    (tmp_path / "q.txt").write_text(": verbs\nwalk walking talk talking\njump jumps kick kicks\n")
    reports = []
    w2v.train(
        corpus,
        held_out=0.2,
        eval=tmp_path / "q.txt",
        on_epoch=reports.append,
        stop_early=1,
        **{**SETTINGS, "epochs": 3},
    )
    assert all(report.held_out_loss > 0 and report.scores for report in reports)


def test_settings_that_do_not_go_together_are_refused(corpus):
    with pytest.raises(SettingsError, match="softmax"):
        w2v.train(corpus, **{**SETTINGS, "loss": "softmax"})
    with pytest.raises(SettingsError, match="leave it out with subwords"):
        w2v.train(corpus, combine="add", **SETTINGS)
