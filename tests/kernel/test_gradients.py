"""The reference's updates are the gradient of its loss: central differences in float64, for each model and loss.

This is what makes the reference a judge: the kernels are right because they do what it does, and it is right because
its updates go downhill along the exact gradient.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from w2v.training.config import TrainConfig

from . import reference

COUNTS = [40, 30, 20, 10, 8, 6, 4]
STEP = 1e-5  # of the central differences: their error is about 1e-10
LR = 3e-9  # so small that what is updated twice in one centre does not see its first update, to 1e-7

SETTINGS = {
    "skipgram-ns": {"model": "skipgram", "loss": "ns"},
    "skipgram-ns-each": {"model": "skipgram", "loss": "ns", "share_negatives": False},
    "skipgram-hs": {"model": "skipgram", "loss": "hs"},
    "cbow-ns": {"model": "cbow", "loss": "ns", "cbow_gradient": "exact"},
    "cbow-hs": {"model": "cbow", "loss": "hs", "cbow_gradient": "exact"},
}
SENTENCES = {
    "all different": [0, 3, 1, 6, 2],
    "repeated contexts": [5, 5, 1, 5, 2],
    "centre among its contexts": [4, 4, 4, 2, 4],
    "more contexts than a block takes": [0, 1, 2, 3, 4, 5, 6] * 3,
}


def model_of(settings: dict[str, object]) -> reference.Model:
    config = TrainConfig(
        dim=6, window=12, fixed_window=True, negative=6, negative_pool=0, sample=0, threads=1, **settings
    )
    model = reference.Model(COUNTS, config.resolved(), exact=True)
    random = np.random.default_rng(5)
    model.inputs[:] = random.normal(0, 0.7, model.inputs.shape)
    model.outputs[:] = random.normal(0, 0.7, model.outputs.shape)
    return model


def loss_of(model: reference.Model, sentence: list[int], lr: float) -> float:
    """The loss of the middle word of a sentence; with lr 0 nothing is changed. Every call draws the same negatives."""
    worker = reference.Worker(model, 0)
    worker.train_centre(sentence, len(sentence) // 2, lr)
    return worker.loss_sum


def differences(model: reference.Model, sentence: list[int], matrix: np.ndarray) -> Iterator[tuple[tuple, float]]:
    """Slope of the loss along every element of a matrix."""
    for place in np.ndindex(matrix.shape):
        value = matrix[place]
        matrix[place] = value + STEP
        above = loss_of(model, sentence, 0)
        matrix[place] = value - STEP
        below = loss_of(model, sentence, 0)
        matrix[place] = value
        yield place, (above - below) / (2 * STEP)


@pytest.mark.parametrize("sentence", SENTENCES.values(), ids=SENTENCES)
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_update_is_the_gradient_of_the_loss(settings: dict[str, object], sentence: list[int]) -> None:
    model = model_of(settings)
    before = model.inputs.copy(), model.outputs.copy()
    slopes = [np.zeros_like(matrix) for matrix in before]
    for matrix, slope in zip((model.inputs, model.outputs), slopes, strict=True):
        for place, value in differences(model, sentence, matrix):
            slope[place] = value
    loss_of(model, sentence, LR)
    for matrix, old, slope in zip((model.inputs, model.outputs), before, slopes, strict=True):
        assert abs(slope).max() > 0.1
        np.testing.assert_allclose((old - matrix) / LR, slope, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("loss", ["ns", "hs"])
def test_classic_cbow_gives_each_context_the_whole_change_of_the_mean(loss: str) -> None:
    sentence = SENTENCES["all different"]
    changes = {}
    for gradient in ("exact", "classic"):
        model = model_of({"model": "cbow", "loss": loss, "cbow_gradient": gradient})
        inputs, outputs = model.inputs.copy(), model.outputs.copy()
        loss_of(model, sentence, LR)
        changes[gradient] = model.inputs - inputs, model.outputs - outputs
    np.testing.assert_allclose(changes["classic"][0], changes["exact"][0] * 4, rtol=1e-6)
    np.testing.assert_array_equal(changes["classic"][1], changes["exact"][1])


PARTS = 3


def model_of_parts(settings: dict[str, object]) -> reference.Model:
    """As model_of; each word is the mean of its own row and two that others have too."""
    words, ngrams = len(COUNTS), len(COUNTS) + 3
    model = model_of(settings)
    model.parts = [
        [(row, 1 / PARTS) for row in (word, words + word % 3, words + (word + word // 3) % 3)] for word in range(words)
    ]
    model.inputs = np.random.default_rng(6).normal(0, 0.7, (ngrams, model.config.dim))
    return model


def sentence_loss(model: reference.Model, sentence: list[int], lr: float) -> float:
    worker = reference.Worker(model, 0)
    worker.train_sentence(sentence, lr)
    return worker.loss_sum


@pytest.mark.parametrize("sentence", SENTENCES.values(), ids=SENTENCES)
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_update_of_a_part_is_the_gradient_of_its_word(settings: dict[str, object], sentence: list[int]) -> None:
    """A word's change goes to each of its parts in full, as in fastText; a part's gradient is its share of that."""
    model = model_of_parts(settings)
    before, slope = model.inputs.copy(), np.zeros_like(model.inputs)
    for place in np.ndindex(model.inputs.shape):
        losses = []
        for step in (STEP, -STEP):
            model.inputs[place] = before[place] + step
            losses.append(sentence_loss(model, sentence, 0))
        model.inputs[place] = before[place]
        slope[place] = (losses[0] - losses[1]) / (2 * STEP)
    sentence_loss(model, sentence, LR)
    assert abs(slope).max() > 0.1
    np.testing.assert_allclose((before - model.inputs) / LR, slope * PARTS, rtol=1e-5, atol=2e-4)


def test_large_step_along_the_update_lowers_the_loss() -> None:
    for settings in SETTINGS.values():
        model = model_of(settings)
        before = loss_of(model, SENTENCES["all different"], 0.1)
        assert loss_of(model, SENTENCES["all different"], 0) < before - 0.1
