"""A recorded training: the numbers of the trainer, complete enough to be played forward and back."""

from __future__ import annotations

import json

import numpy as np
import pytest

import w2v
from w2v.training.config import TrainConfig
from w2v.training.lesson import MOST_NUMBERS, epochs_kept, record

FOX = [["the", "quick", "brown", "fox", "jumps", "over", "the", "lazy", "dog"], ["a", "fox", "and", "a", "dog"]]
SETTINGS = {"dim": 5, "window": 2, "negative": 2, "epochs": 12, "lr": 0.1, "sample": 0}


@pytest.fixture(scope="module")
def corpus() -> w2v.EncodedCorpus:
    return w2v.encode(FOX, min_count=1)


@pytest.mark.parametrize(
    "more", [{}, {"loss": "hs"}, {"model": "cbow"}, {"model": "cbow", "loss": "hs"}, {"exact": True}]
)
def test_playing_the_steps_of_an_epoch_leads_to_the_next_one(corpus, more):
    lesson = record(corpus, TrainConfig(**SETTINGS, **more))
    assert sorted(lesson.begins) == list(range(1, 14))
    for epoch in range(1, 13):
        matrices = [matrix.copy() for matrix in lesson.begins[epoch]]
        steps = [step for step in lesson.steps if step.epoch == epoch]
        assert len(steps) == sum(map(len, FOX))
        for step in steps:
            for matrix, rows in zip(matrices, step.changed, strict=True):
                for row, values in rows.items():
                    matrix[row] = values
        for played, recorded in zip(matrices, lesson.begins[epoch + 1], strict=True):
            assert played.tobytes() == recorded.tobytes()


def test_the_end_is_what_one_thread_writes(corpus, monkeypatch):
    monkeypatch.setenv("W2V_KERNEL", "baseline")
    lesson = record(corpus, TrainConfig(**SETTINGS))
    assert lesson.begins[13][0].tobytes() == w2v.train(corpus, threads=1, **SETTINGS).matrix.tobytes()


def test_samples_name_rows_and_agree_with_their_numbers(corpus):
    lesson = record(corpus, TrainConfig(**SETTINGS))
    for step in lesson.steps:
        centre = step.sentence[step.kept[step.place]]
        assert {output for _, output, label, *_ in step.samples if label} == {centre}
        assert {given for given, *_ in step.samples} == set(step.inputs)
        for _, _, label, dot, sigmoid, error in step.samples:
            assert error == pytest.approx(label - sigmoid, abs=1e-6)
            assert sigmoid == pytest.approx(1 / (1 + np.exp(-dot)), abs=2e-3)


def test_a_long_training_keeps_the_first_epochs_the_last_and_some_between():
    config = TrainConfig(**{**SETTINGS, "epochs": 1000})
    kept = epochs_kept(config, 500)
    assert {1, 2, 3, 1000} <= kept
    assert 5 < len(kept) < 60
    assert kept == epochs_kept(config, 500)
    assert epochs_kept(config, MOST_NUMBERS) == {1}
    assert epochs_kept(TrainConfig(**{**SETTINGS, "epochs": 400}), 9) == set(range(1, 401))


def test_the_map_is_one_for_all_epochs_and_json_holds_all(corpus):
    lesson = record(corpus, TrainConfig(**SETTINGS))
    assert lesson.places.shape == (13, len(corpus.vocab), 2)
    assert np.abs(lesson.places).max() == pytest.approx(1)
    assert np.ptp(lesson.places[0], axis=0).max() < np.ptp(lesson.places[-1], axis=0).max()
    read = json.loads(json.dumps(lesson.as_dict()))
    assert read["words"] == lesson.words
    assert len(read["steps"]) == len(lesson.steps)
    assert read["begins"]["13"][0][0] == pytest.approx(lesson.begins[13][0][0].tolist(), abs=1e-4)
    assert record(corpus, TrainConfig(**{**SETTINGS, "dim": 1})).places.shape == (13, len(corpus.vocab), 2)


def test_a_training_of_which_few_epochs_fit_into_the_page_is_json_too(corpus, monkeypatch):
    monkeypatch.setattr("w2v.training.lesson.MOST_NUMBERS", 1)
    read = json.loads(json.dumps(record(corpus, TrainConfig(**SETTINGS)).as_dict()))
    assert {step["epoch"] for step in read["steps"]} == {1}
    assert (read["mapped"], len(read["places"])) == (list(range(13)), 13)
