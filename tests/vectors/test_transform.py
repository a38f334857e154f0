"""Spaces moved, shortened and turned."""

from __future__ import annotations

import numpy as np
import pytest

from w2v import Vectors
from w2v.errors import SettingsError, VectorsError
from w2v.vectors import derive
from w2v.vectors.derive import align, all_but_the_top, principal_components


@pytest.fixture(params=[1 << 20, 50])
def vectors(request, monkeypatch) -> Vectors:
    monkeypatch.setattr(derive, "MAP_BLOCK", request.param)
    random = np.random.default_rng(2)
    matrix = (random.normal(size=(60, 6)) * [5, 4, 3, 2, 1, 0.5] + 3).astype(np.float32)
    return Vectors([f"w{i}" for i in range(60)], matrix)


@pytest.mark.parametrize("drop", [0, 2])
def test_all_but_the_top_is_that_of_the_paper(vectors, drop):
    centred = vectors.matrix - vectors.matrix.mean(axis=0, dtype=np.float64)
    top = np.linalg.svd(centred)[2][:drop]
    np.testing.assert_allclose(all_but_the_top(vectors, drop).matrix, centred - centred @ top.T @ top, atol=1e-5)


def test_principal_components_keep_most_of_the_variance(vectors):
    centred = vectors.matrix - vectors.matrix.mean(axis=0, dtype=np.float64)
    values = np.linalg.svd(centred, compute_uv=False)
    made = principal_components(vectors, 3).matrix.astype(np.float64)
    np.testing.assert_allclose(np.linalg.norm(made, axis=0), values[:3], rtol=1e-5)
    whole = principal_components(vectors, 6).matrix
    np.testing.assert_allclose(whole @ whole.T, centred @ centred.T, atol=1e-3)


@pytest.mark.parametrize("by", ["words", "pairs"])
def test_a_space_that_was_turned_is_turned_back(vectors, by):
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 6)))[0]
    names = vectors.words if by == "words" else [f"m{i}" for i in range(60)]
    turned = Vectors([*names, "other"], np.vstack([vectors.matrix @ turn, np.ones(6)]))
    pairs = [(f"m{i}".encode(), f"w{i}".encode()) for i in range(20)] + [(b"m1", b"unknown")]
    made, words, cosine = align(turned, vectors, None if by == "words" else pairs)
    np.testing.assert_allclose(made.matrix[:60], vectors.matrix, atol=1e-5)
    np.testing.assert_allclose(made.norms, turned.norms, rtol=1e-6)
    assert (words, round(cosine, 6)) == (60 if by == "words" else 20, 1)


def test_too_few_words_and_directions_that_cannot_be_are_refused(vectors):
    with pytest.raises(VectorsError, match="only 0 words in both; to align 6 dimensions takes 6"):
        align(Vectors(["x"], np.ones((1, 6))), vectors)
    with pytest.raises(VectorsError, match="only 1 pair known"):
        align(vectors, vectors, [(b"w1", b"w2")])
    with pytest.raises(SettingsError, match="between 0 and 5"):
        all_but_the_top(vectors, 6)
    with pytest.raises(SettingsError, match="between 1 and 6"):
        principal_components(vectors, 7)
