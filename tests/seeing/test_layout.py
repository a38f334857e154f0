"""Where words are put, part by part: units, axes, neighbours, groups, and what other libraries are asked for."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from w2v.errors import SettingsError
from w2v.seeing import layout
from w2v.vectors.vectors import Vectors

ROWS = np.random.default_rng(4).normal(size=(23, 4)).astype(np.float32)
UNITS = layout.unit_rows(ROWS)


def test_rows_are_brought_to_length_1_and_zeros_stay():
    found = layout.unit_rows(np.array([[3, 4], [0, 0], [0, -1e-30], [2e30, 0]], np.float32))
    assert found.dtype == np.float32
    assert found.tolist() == [[np.float32(0.6), np.float32(0.8)], [0, 0], [0, -1], [1, 0]]


def test_the_first_axes_are_those_along_which_rows_differ_most():
    rows = np.array([[5, 1, 0], [-3, 1, 2], [5, 1, 2], [-3, 1, 0]], np.float32)
    assert np.abs(layout.pca(rows, 2)).round(6).tolist() == [[1, 0], [0, 0], [0, 1]]
    assert np.abs(layout.by_pca(rows, 1)).round(6).tolist() == [[4, 1]] * 4
    assert np.sign(layout.by_pca(rows, 1)).tolist() == [[1, -1], [-1, 1], [1, 1], [-1, -1]]
    assert layout.by_pca(rows[:, :1], 1).tolist() == [[4, 0], [-4, 0], [4, 0], [-4, 0]]


def nearest(count: int) -> list[list[int]]:
    cosines = UNITS.astype(np.float64) @ UNITS.T.astype(np.float64)
    np.fill_diagonal(cosines, -9)
    return np.argsort(-cosines, axis=1)[:, :count].tolist()


@pytest.mark.parametrize(("count", "block"), [(1, 4), (5, 23), (5, 7), (22, 8), (99, 1024)])
def test_nearest_rows_are_the_nearest_best_first_block_by_block(count, block):
    assert layout.nearest_rows(UNITS, count, block).tolist() == nearest(min(count, 22))


def test_neighbours_by_the_code_of_similar_are_the_same(monkeypatch):
    monkeypatch.setattr(layout, "QUERIES", 10)
    words = [f"w{row}" for row in range(len(ROWS))]
    done: list[int] = []
    assert layout.neighbour_rows(Vectors(words, ROWS), 6, done.append).tolist() == nearest(6)
    assert done == [10, 20, 23]
    assert layout.neighbour_rows(Vectors(words, ROWS), 99).tolist() == nearest(22)


def test_groups_are_of_similar_rows_the_largest_first():
    rows = layout.unit_rows(np.array([[9, n % 3] for n in range(4)] + [[n % 3, 9] for n in range(7)], np.float32))
    for seed in range(6):
        found = layout.groups_of(rows, 2, seed)
        assert (found.dtype, found.tolist()) == (np.uint8, [1] * 4 + [0] * 7)
    assert sorted(layout.groups_of(UNITS[:3], 9)) == [0, 1, 2]
    once = layout.groups_of(UNITS, 5, 3, rounds=1)
    centres = UNITS[np.random.default_rng(3).choice(len(UNITS), 5, replace=False)]
    plain = (UNITS @ centres.T).argmax(axis=1)
    sizes = np.bincount(plain, minlength=5)
    assert np.bincount(once, minlength=5).tolist() == sorted(sizes, reverse=True)
    assert len({*zip(once.tolist(), plain.tolist(), strict=True)}) == np.count_nonzero(sizes)


def test_a_group_that_nothing_is_in_keeps_its_centre():
    rows = np.array([[1, 0], [1, 0], [1, 0], [0, 1]], np.float32)
    assert [layout.groups_of(rows, 3, seed)[:3].tolist() for seed in range(3)] == [[0, 0, 0]] * 3


@pytest.fixture
def settled(monkeypatch):
    """What the neighbour map asks of the loop that pulls and pushes."""
    seen: list[tuple] = []
    monkeypatch.setattr(layout, "settle", lambda *given: seen.append(given))
    return seen


def test_words_are_pulled_by_their_neighbours_the_nearest_one_always(settled):
    places = layout.by_neighbours(UNITS, 7, np.array(nearest(17)))
    ((given, tails, heads, chances, *rest),) = settled
    assert given is places
    assert rest == [layout.EPOCHS, layout.PUSHES, 7]
    assert places.dtype == np.float32
    start = layout.by_pca(UNITS, 7)
    assert np.allclose(places, start / np.abs(start).max() * 10, rtol=1e-6)
    assert (tails.dtype, tails.tolist()) == (np.int32, np.repeat(np.arange(23), 15).tolist())
    assert (heads.dtype, heads.reshape(23, 15).tolist()) == (np.int32, nearest(15))
    far = 1 - (UNITS @ UNITS.T)[tails, heads].reshape(23, 15)
    beyond = far - far[:, :1]
    assert chances.dtype == np.float32
    expected = np.exp(-beyond / beyond.mean(axis=1, keepdims=True))
    assert np.allclose(chances.reshape(23, 15), expected, rtol=1e-4)
    assert (chances.reshape(23, 15)[:, 0] == 1).all()


def test_neighbours_are_looked_for_where_they_are_not_given(settled):
    layout.by_neighbours(UNITS, 1)
    layout.by_neighbours(UNITS, 1, np.array(nearest(15)))
    first, second = settled
    assert (first[2] == second[2]).all()
    settled.clear()
    places = layout.by_neighbours(UNITS, 1, np.zeros((23, 0), np.int64))
    assert (settled, places.shape) == ([], (23, 2))
    same = layout.by_neighbours(np.ones((6, 2), np.float32), 1)
    assert not same.any()
    assert (settled[0][3] == 1).all()  # all are as near


def test_a_few_words_are_laid_out_by_pca_and_a_wrong_name_is_refused(monkeypatch):
    monkeypatch.setitem(layout.LAYOUTS, "neighbours", lambda rows, seed: [[seed, len(rows)]])
    assert layout.lay_out(UNITS[:4], "neighbours", 3).tolist() == layout.by_pca(UNITS[:4], 3).tolist()
    found = layout.lay_out(UNITS[:5], "neighbours", 3)
    assert (found.dtype, found.tolist()) == (np.float64, [[3, 5]])
    with pytest.raises(SettingsError, match=r"^layout: 'grid' is not one of pca, neighbours, tsne, umap$"):
        layout.lay_out(UNITS, "grid")


@pytest.mark.parametrize(("count", "perplexity", "near", "init"), [
    (23, 22 / 3, 15, "spectral"), (9, 8 / 3, 8, "random"), (10, 3, 9, "spectral"), (3, 1, 2, "random"),
    (100, 30, 15, "spectral"), (91, 30, 15, "spectral"), (16, 5, 15, "spectral"),
])  # fmt: skip
def test_other_libraries_are_asked_for_maps_of_this_many_words(monkeypatch, count, perplexity, near, init):
    asked: list[dict] = []

    def made(**given):
        asked.append(given)
        return SimpleNamespace(fit_transform=lambda rows: rows[:, :2])

    rows = layout.unit_rows(np.random.default_rng(1).normal(size=(count, 5)))
    manifold = SimpleNamespace(TSNE=made)
    for name, module in (("sklearn", SimpleNamespace(manifold=manifold)), ("sklearn.manifold", manifold),
                         ("umap", SimpleNamespace(UMAP=made))):  # fmt: skip
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(layout, "needed", lambda name: asked.append({"needed": name}))
    assert layout.by_t_sne(rows, 9).tolist() == layout.by_umap(rows, 9).tolist() == rows[:, :2].tolist()
    needs, tsne, also, umap = asked
    assert (needs, also) == ({"needed": "sklearn"}, {"needed": "umap"})
    assert np.allclose(tsne.pop("init"), layout.by_pca(rows, 9) * 1e-2)
    assert tsne.pop("perplexity") == pytest.approx(perplexity)
    assert tsne == {"metric": "cosine", "random_state": 9, "learning_rate": "auto"}
    assert umap == {"n_neighbors": near, "metric": "cosine", "random_state": 9, "init": init}
