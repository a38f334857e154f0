"""Models are compared by shared neighbours and after the best rotation, as slow and obvious code compares them."""

from __future__ import annotations

import numpy as np
import pytest

from w2v.errors import SettingsError, VectorsError
from w2v.vectors.compare import aligned_cosines, compare, neighbour_rows, overlaps
from w2v.vectors.vectors import Vectors


def make(seed: int = 1, rows: int = 700, dim: int = 12) -> Vectors:
    matrix = np.random.default_rng(seed).standard_normal((rows, dim), dtype=np.float32)
    return Vectors([f"w{i}" for i in range(rows)], matrix)


def rotation(dim: int = 12, seed: int = 9) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((dim, dim)))[0]


def test_neighbours_are_those_of_most_similar():
    vectors = make()
    near = neighbour_rows(vectors.unit().matrix, 7)
    for row in (0, 1, 511, 512, 699):
        assert {f"w{i}" for i in near[row]} == {word for word, _ in vectors.most_similar(f"w{row}", topn=7)}


def test_overlap_is_the_share_of_neighbours_in_both():
    first, second = np.array([[1, 2, 3, 4], [5, 6, 7, 8]], np.int32), np.array([[4, 3, 9, 0], [1, 2, 3, 4]], np.int32)
    assert overlaps(first, second).tolist() == [0.5, 0.0]
    rng = np.random.default_rng(2)
    a, b = (np.array([rng.choice(30, 10, replace=False) for _ in range(200)], np.int32) for _ in range(2))
    assert overlaps(a, b).tolist() == [len({*x} & {*y}) / 10 for x, y in zip(a.tolist(), b.tolist(), strict=True)]


def test_a_rotated_and_scaled_model_is_the_same_model():
    vectors = make()
    other = Vectors(vectors.words, vectors.matrix @ rotation() * 3)
    found = compare([vectors, other], k=10)
    assert found.overlap.tolist() == [1.0] * 700
    assert np.allclose(found.cosine, 1, atol=1e-5)
    assert found.pairs[0].least_cosine == pytest.approx(1, abs=1e-5)


def test_alignment_is_scipys_procrustes_and_helps():
    linalg = pytest.importorskip("scipy.linalg")
    first, second = make(1).unit().matrix, make(2).unit().matrix
    turned = first @ linalg.orthogonal_procrustes(first, second)[0]
    assert np.allclose(aligned_cosines(first, second), np.einsum("ij,ij->i", turned, second), atol=1e-5)
    assert aligned_cosines(first, second).mean() > np.einsum("ij,ij->i", first, second).mean()


@pytest.mark.parametrize(("a", "b"), [(8, 12), (12, 8)])
def test_dimensions_may_differ(a, b):
    wide = make(dim=max(a, b))
    narrow = Vectors(wide.words, wide.matrix[:, : min(a, b)])
    models = [wide, narrow] if a > b else [narrow, wide]
    found = compare(models, k=5)
    kept = np.linalg.norm(wide.unit().matrix[:, : min(a, b)], axis=1)  # a third of the numbers is gone
    assert found.pairs[0].cosine == pytest.approx(kept.mean(), abs=0.02)
    assert np.isfinite(found.cosine).all()


def test_the_word_that_moved_comes_first():
    vectors = make()
    matrix = vectors.matrix @ rotation()
    matrix[[3, 70]] = matrix[[70, 3]]
    found = compare([vectors, Vectors(vectors.words, matrix)], k=10)
    assert {found.words[place] for place in found.order()[:2]} == {"w3", "w70"}


def test_of_several_models_the_least_stable_word_comes_first_and_means_are_over_all_pairs():
    base = make(3)
    models = []
    for seed in range(3):
        matrix = base.matrix @ rotation(seed=seed)
        matrix[5] = np.random.default_rng(seed).standard_normal(12)
        models.append(Vectors(base.words, matrix))
    found = compare(models, k=10)
    assert found.words[found.order()[0]] == "w5"
    assert [(pair.first, pair.second) for pair in found.pairs] == [(0, 1), (0, 2), (1, 2)]
    singly = [compare([models[a], models[b]], k=10) for a, b in ((0, 1), (0, 2), (1, 2))]
    assert np.allclose(found.overlap, np.mean([one.overlap for one in singly], axis=0))
    assert np.allclose(found.cosine, np.mean([one.cosine for one in singly], axis=0), atol=1e-6)
    assert found.pairs[1].overlap == pytest.approx(singly[1].overlap.mean())


def test_only_shared_words_are_compared_the_most_frequent_of_the_first_model():
    first, second = make(1, 100), make(2, 80)
    mixed = Vectors(["x", *reversed(second.words)], np.vstack([second.matrix[:1], second.matrix[::-1]]))
    found = compare([first, mixed], k=5, top=50)
    assert (found.words, found.shared, found.sizes) == ([f"w{i}" for i in range(50)], 80, [100, 81])
    assert found.rows.tolist() == list(range(50))
    assert np.allclose(found.overlap, compare([first.top(50), second.top(50)], k=5).overlap)


def test_zero_rows_have_cosine_zero():
    vectors = make()
    matrix = vectors.matrix.copy()
    matrix[4] = 0
    found = compare([vectors, Vectors(vectors.words, matrix)], k=3)
    assert found.cosine[4] == 0


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(SettingsError, match="two models"):
        compare([make()])
    with pytest.raises(SettingsError, match="k: 0"):
        compare([make(), make()], k=0)
    with pytest.raises(VectorsError, match="share 0 words"):
        compare([make(), Vectors(["other"], np.ones((1, 12)))])
    with pytest.raises(VectorsError, match="overlap at 10 needs 11"):
        compare([make(rows=10), make(rows=10)])


def test_a_word_is_shared_if_every_model_has_it():
    models = [Vectors(words.split(), np.eye(7, dtype=np.float32)[: len(words.split())]) for words in FOUR_MODELS]
    found = compare(models, k=2)
    assert (found.words, found.shared) == (["c", "d", "e"], 3)


FOUR_MODELS = ["a b c d e", "c d e a", "e d c b x", "b a c e d"]
