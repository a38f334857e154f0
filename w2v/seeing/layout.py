"""Words as places on a plane: by PCA, by their neighbours, by t-SNE or by UMAP.

The last two need scikit-learn and umap-learn (the extra `w2v[plot]`); the others nothing but NumPy.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from w2v.errors import SettingsError, UnknownWordError
from w2v.seeing import needed
from w2v.seeing._layout import settle
from w2v.vectors.derive import principal_axes
from w2v.vectors.expressions import Query
from w2v.vectors.neighbours import QUERIES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from w2v.vectors.vectors import Vectors

__all__ = ["LAYOUTS", "LIBRARY", "groups_of", "lay_out", "neighbour_rows", "pca", "unit_rows", "word_classes"]

NEIGHBOURS = 15  # edges from each word in the neighbour map; UMAP's default
EPOCHS = 150
CLASS_ROUNDS = 20  # word2vec.c stops after 10, from a worse start
PUSHES = 5  # random words that each edge's tail is pushed from
LIBRARY = {"tsne": "sklearn", "umap": "umap"}  # what these two need


def unit_rows(matrix: np.ndarray) -> np.ndarray:
    """Rows at unit length, float32; rows of zeros stay."""
    lengths = np.linalg.norm(matrix.astype(np.float64), axis=1, keepdims=True)
    units: np.ndarray = np.divide(matrix, lengths, out=np.zeros(matrix.shape), where=lengths > 0).astype(np.float32)
    return units


def pca(rows: np.ndarray, count: int) -> np.ndarray:
    """The first `count` principal axes, float64 [D, count], of rows [n, D]; the largest entry of each is positive."""
    centred = rows - rows.mean(axis=0, dtype=np.float64)
    return principal_axes(centred.T @ centred)[:, :count]


def by_pca(rows: np.ndarray, _seed: int) -> np.ndarray:
    places = np.zeros((len(rows), 2))
    axes = pca(rows, 2)
    places[:, : axes.shape[1]] = (rows - rows.mean(axis=0)) @ axes
    return places


def by_t_sne(rows: np.ndarray, seed: int) -> np.ndarray:
    needed(LIBRARY["tsne"])
    from sklearn.manifold import TSNE

    perplexity = max(1.0, min(30.0, (len(rows) - 1) / 3))
    places: np.ndarray = TSNE(
        init=by_pca(rows, seed) * 1e-2, perplexity=perplexity, metric="cosine", random_state=seed, learning_rate="auto"
    ).fit_transform(rows)
    return places


def by_umap(rows: np.ndarray, seed: int) -> np.ndarray:
    needed(LIBRARY["umap"])
    import umap

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a seed means one thread
        reducer = umap.UMAP(
            n_neighbors=min(NEIGHBOURS, len(rows) - 1),
            metric="cosine",
            random_state=seed,
            init="random" if len(rows) < 10 else "spectral",
        )
        places: np.ndarray = reducer.fit_transform(rows)
        return places


def by_neighbours(rows: np.ndarray, seed: int, near: np.ndarray | None = None) -> np.ndarray:
    """Words beside their neighbours: UMAP's idea with fewer parts (graph of neighbours, pull, push), started from PCA.

    `near` int [n, k], each row's nearest rows, best first; found here if not given.
    """
    places = by_pca(rows, seed)
    places = np.ascontiguousarray(places / max(1e-9, np.abs(places).max()) * 10, np.float32)
    if near is None:
        near = nearest_rows(rows, NEIGHBOURS)
    near = near[:, :NEIGHBOURS]
    if near.size == 0:
        return places
    tails, heads = np.repeat(np.arange(len(near)), near.shape[1]), near.ravel()
    far = 1 - np.einsum("ij,ij->i", rows[tails], rows[heads], dtype=np.float64).reshape(near.shape)
    beyond = np.maximum(0, far - far[:, :1])
    chances = np.exp(-beyond / np.maximum(1e-6, beyond.mean(axis=1, keepdims=True)))  # the nearest one always pulls
    settle(
        places, tails.astype(np.int32), heads.astype(np.int32), chances.ravel().astype(np.float32), EPOCHS, PUSHES, seed
    )
    return places


LAYOUTS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "pca": by_pca,
    "neighbours": by_neighbours,
    "tsne": by_t_sne,
    "umap": by_umap,
}


FEW = 5


def lay_out(rows: np.ndarray, method: str, seed: int = 1) -> np.ndarray:
    """Places float64 [n, 2] of rows [n, D]; SettingsError where the method or its library is not there.

    Fewer than FEW rows are laid out by PCA: there are no neighbourhoods to keep.
    """
    if method not in LAYOUTS:
        raise SettingsError(f"layout: {method!r} is not one of {', '.join(LAYOUTS)}")
    if len(rows) < FEW:
        return by_pca(rows, seed)
    return np.asarray(LAYOUTS[method](rows, seed), np.float64)


def nearest_rows(units: np.ndarray, count: int, block: int = 1024) -> np.ndarray:
    """The `count` rows nearest to each of two rows or more, by cosine, best first; int [n, count]."""
    count = min(count, len(units) - 1)
    found = np.empty((len(units), count), np.int64)
    for low in range(0, len(units), block):
        cosines = units[low : low + block] @ units.T
        cosines[np.arange(len(cosines)), np.arange(low, low + len(cosines))] = -np.inf
        part = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
        order = np.argsort(-np.take_along_axis(cosines, part, 1), axis=1, kind="stable")
        found[low : low + block] = np.take_along_axis(part, order, 1)
    return found


def neighbour_rows(vectors: Vectors, count: int, on_progress: Callable[[int], object] | None = None) -> np.ndarray:
    """As `nearest_rows`, by the same code as `w2v similar`, so that the two agree to the last tie.

    `on_progress` gets the number of rows that are done.
    """
    count = min(count, len(vectors) - 1)
    words = [vectors.words.table[row] for row in range(len(vectors))]
    place = {word: row for row, word in enumerate(vectors.words)}
    found: list[list[int]] = []
    for low in range(0, len(words), QUERIES):
        answers = vectors.nearest([Query((word,)) for word in words[low : low + QUERIES]], count)
        found += [[place[word] for word, _ in answer] for answer in answers if not isinstance(answer, UnknownWordError)]
        if on_progress is not None:
            on_progress(len(found))
    return np.array(found, np.int64).reshape(len(words), count)


def groups_of(rows: np.ndarray, count: int, seed: int = 1, rounds: int = 20) -> np.ndarray:
    """A group of similar words for each row, uint8 [n], the largest group first: k-means on the sphere."""
    count = min(count, len(rows))
    draw = np.random.default_rng(seed)
    centres = rows[draw.choice(len(rows), count, replace=False)]
    group = np.zeros(len(rows), np.int64)
    for _ in range(rounds):
        group = (rows @ centres.T).argmax(axis=1)
        sums = np.zeros(centres.shape)
        np.add.at(sums, group, rows)
        centres = np.where(sums.any(axis=1, keepdims=True), unit_rows(sums), centres)
    order = np.argsort(-np.bincount(group, minlength=count), kind="stable")
    rank = np.empty(count, np.uint8)
    rank[order] = np.arange(count)
    return rank[group]


def word_classes(vectors: Vectors, count: int, seed: int = 1) -> NDArray[np.int32]:
    """int32 [V]: the class of each word, 0 to count - 1, by k-means over the vectors at length 1 (scikit-learn's).

    Raises SettingsError where there are fewer words than classes, W2VError where scikit-learn is missing.
    """
    needed("sklearn")
    from sklearn.cluster import KMeans

    if not 1 <= count <= len(vectors):
        raise SettingsError(f"{count} classes for {len(vectors)} words; give a number from 1 to {len(vectors)}")
    rows = np.array(vectors.matrix, np.float32)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    rows /= np.where(lengths > 0, lengths, 1)
    means = KMeans(count, n_init=1, max_iter=CLASS_ROUNDS, random_state=seed % 2**32)
    return np.asarray(means.fit_predict(rows), np.int32)
