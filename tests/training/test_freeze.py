"""Rows that keep their values."""

from __future__ import annotations

import numpy as np
import pytest

import w2v
from w2v.errors import SettingsError
from w2v.kernel import kernels

SETTINGS = {"dim": 16, "min_count": 1, "sample": 0, "threads": 1, "seed": 3, "lr": 0.1}


def sentences(swap: bool) -> list[list[str]]:
    """Two topics of ten words each; with `swap`, one word of the first stands among those of the second."""
    random = np.random.default_rng(1)
    lines = []
    for _ in range(1500):
        topic = int(random.integers(2))
        words = [f"{'ab'[topic]}{i}" for i in random.permutation(10)[:6]]
        lines.append(["b0" if word == "a0" and swap else "a0" if word == "b0" and swap else word for word in words])
    return lines


@pytest.fixture(scope="module")
def compass(tmp_path_factory):
    """(vectors of both texts, the checkpoint of that run)."""
    path = tmp_path_factory.mktemp("compass") / "run.ckpt"
    vectors = w2v.train([*sentences(False), *sentences(True)], epochs=5, checkpoint=path, **SETTINGS)
    return vectors, path


@pytest.mark.parametrize("kernel", kernels.available())
@pytest.mark.parametrize(
    ("model", "settings"),
    [
        ("skipgram", {}),
        ("skipgram", {"share_negatives": False, "negative": 7}),
        ("cbow", {"negative": 12}),
        ("skipgram", {"reproducible": True, "threads": 3}),
    ],
)
@pytest.mark.parametrize("side", ["context", "vectors"])
def test_the_frozen_side_keeps_every_bit_and_the_other_learns(compass, monkeypatch, kernel, model, settings, side):
    monkeypatch.setenv("W2V_KERNEL", kernel)
    before, path = compass
    after = w2v.train(
        sentences(True), continue_from=path, freeze=side, model=model, epochs=1, **{**SETTINGS, **settings}
    )
    order = [before.index(word) for word in after.words]
    same = {"vectors": after.matrix, "context": after.context.matrix}
    old = {"vectors": before.matrix[order], "context": before.context.matrix[order]}
    other = "vectors" if side == "context" else "context"
    assert np.array_equal(same[side], old[side])
    assert np.abs(same[other] - old[other]).max(axis=1).min() > 0


def test_a_compass_finds_the_word_that_changed(compass):
    _, path = compass
    first, second = (
        w2v.train(sentences(swap), continue_from=path, freeze="context", epochs=5, **SETTINGS) for swap in (False, True)
    )
    moved = {word: float(first.units([first.index(word)])[0] @ second.units([second.index(word)])[0]) for word in first}
    assert sorted(sorted(moved, key=moved.__getitem__)[:2]) == ["a0", "b0"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"freeze": "context"}, "give continue_from"),
        ({"freeze": "vectors"}, "give continue_from or init"),
        ({"freeze": "rows"}, "is not one of"),
    ],
)
def test_what_has_no_rows_cannot_be_frozen(settings, message):
    with pytest.raises(SettingsError, match=message):
        w2v.train([["a", "b"]] * 9, **SETTINGS, **settings)
