"""Vectors carry signal: words that occur in the same company end up near each other, whatever the settings."""

from __future__ import annotations

import numpy as np
import pytest

from .corpora import class_corpus, trained

EVERY = {
    f"{model}-{loss}": {"model": model, "loss": loss, "lr": lr}
    for model, lr in (("skipgram", 0.025), ("cbow", 0.05))
    for loss in ("ns", "hs")
}
SWITCHES = {
    "exact": {"exact": True},
    "each-its-negatives": {"share_negatives": False},
    "no-pool": {"negative_pool": 0},
    "fixed-window": {"fixed_window": True},
    "wide": {"window": 20},
    "many-negatives": {"negative": 20},
    "two-threads": {"threads": 2},
    "eight-threads": {"threads": 8},
    "private-rows": {"threads": 4, "hot_rows": 1000},
    "cbow-exact-gradient": {"model": "cbow", "cbow_gradient": "exact", "lr": 0.2},
    "cbow-exact": {"model": "cbow", "exact": True, "lr": 0.05},
    "hs-exact": {"loss": "hs", "exact": True},
}


def purity(words: list[bytes], matrix: np.ndarray) -> tuple[float, float]:
    """How many of a class word's 7 nearest class words are of its class; how much nearer its class is than the rest."""
    chosen = [i for i, word in enumerate(words) if word != b"any"]
    labels = np.array([words[i] for i in chosen])
    rows = matrix[chosen] / np.linalg.norm(matrix[chosen], axis=1, keepdims=True)
    cosine = rows @ rows.T
    same = labels[:, None] == labels[None, :]
    other = ~np.eye(len(labels), dtype=bool)
    margin = cosine[same & other].mean() - cosine[~same].mean()
    nearest = np.argsort(-np.where(other, cosine, -np.inf), axis=1)[:, :7]
    return float(np.take_along_axis(same, nearest, axis=1).mean()), float(margin)


@pytest.mark.parametrize("settings", [*EVERY.values(), *SWITCHES.values()], ids=[*EVERY, *SWITCHES])
def test_words_of_one_class_end_up_near_each_other(settings: dict) -> None:
    corpus = class_corpus()
    result = trained(corpus, **{"epochs": 6, "lr": 0.025, "sample": 0.1, "seed": 3, **settings})
    nearest, margin = purity(corpus.vocab.words, result.vectors.matrix)
    assert nearest > 0.95
    assert margin > 0.3


def test_vectors_before_training_carry_no_signal() -> None:
    # The measure itself: by chance a seventh of the nearest words is of the same class.
    corpus = class_corpus()
    matrix = np.random.default_rng(1).uniform(-0.5, 0.5, (len(corpus.vocab.words), 20))
    nearest, margin = purity(corpus.vocab.words, matrix)
    assert nearest < 0.3
    assert abs(margin) < 0.1
