"""Spaces moved, shortened and turned: all but the top, principal components, one space aligned to another.

All are affine maps of the rows, computed in float64 a block at a time. N-grams, from which unseen words have vectors,
are left out.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from w2v.errors import SettingsError, VectorsError, setting
from w2v.files import lines_of
from w2v.threads import for_each

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from w2v.vectors.vectors import Vectors

    Floats = NDArray[np.float64]

__all__ = ["align", "all_but_the_top", "principal_components", "read_pairs", "rotation"]

BLOCK = 1 << 20  # numbers of a block: 8 MiB as float64


def all_but_the_top(vectors: Vectors, drop: int = 0) -> Vectors:
    """The rows without their mean, and without the `drop` directions in which they then differ most (Mu and Viswanath
    2018, algorithm 1; there about D / 100)."""
    mean, directions = _principal(vectors)
    if not 0 <= drop < vectors.dim:
        raise SettingsError(f"{setting('drop_top')}: must be between 0 and {vectors.dim - 1} (got {drop})")
    top = directions[:, :drop]
    return _mapped(vectors, mean, np.eye(vectors.dim) - top @ top.T)


def principal_components(vectors: Vectors, dim: int) -> Vectors:
    """The rows without their mean, as the `dim` numbers that keep most of how they differ, the largest first."""
    if not 1 <= dim <= vectors.dim:
        raise SettingsError(f"{setting('pca')}: must be between 1 and {vectors.dim} (got {dim})")
    mean, directions = _principal(vectors)
    return _mapped(vectors, mean, directions[:, :dim])


def rotation(first: NDArray[np.float32], second: NDArray[np.float32]) -> Floats:
    """What turns rows of `first` [n, D] nearest to those of `second` [n, E]: orthogonal, float64 [D, E] (Schoenemann
    1966)."""
    left, _, right = np.linalg.svd(first.T.astype(np.float64) @ second.astype(np.float64), full_matrices=False)
    return np.asarray(left @ right)


def align(
    vectors: Vectors, target: Vectors, pairs: Sequence[tuple[bytes, bytes]] | None = None
) -> tuple[Vectors, int, float]:
    """(the rows turned into the space of `target`, how many words this rests on, their mean cosine then).

    It rests on the words that both have, or on `pairs` of a word here and one there. Lengths stay, and with the same
    number of dimensions all angles. VectorsError for fewer words than dimensions, which leave the turn open.
    """
    if pairs is None:
        places = np.empty(len(vectors), np.int32)
        target.words.table.find_all(vectors.words.table, places)
        ours = np.flatnonzero(places >= 0)
        theirs = places[ours].astype(np.int64)
    else:
        found = [(vectors.words.find(a), target.words.find(b)) for a, b in pairs]
        both = np.array([pair for pair in found if min(pair) >= 0], np.int64).reshape(-1, 2)
        ours, theirs = both[:, 0], both[:, 1]
    least = min(vectors.dim, target.dim)
    if len(ours) < least:
        what = "words are in both" if pairs is None else "pairs have a vector on either side"
        raise VectorsError(f"only {len(ours):,} {what}; to align {least} dimensions takes {least} at least")
    here, there = vectors.units(ours), target.units(theirs)
    turn = rotation(here, there)
    cosine = float(np.einsum("ij,ij->i", here @ turn, there.astype(np.float64)).mean())
    return _mapped(vectors, np.zeros(vectors.dim), turn), len(ours), cosine


def read_pairs(path: str | os.PathLike[str]) -> list[tuple[bytes, bytes]]:
    """Pairs of words of a file, a pair a line, between them a tab or a space. VectorsError for another line."""
    pairs = []
    for number, line in lines_of(path, VectorsError):
        words = line.split(b"\t") if b"\t" in line else line.split()
        if len(words) < 2 or not words[0] or not words[1]:
            if line.strip():
                raise VectorsError(f"{os.fspath(path)}:{number}: is not a word, a tab and the word that it stands for")
            continue
        pairs.append((words[0], words[1]))
    return pairs


def _principal(vectors: Vectors) -> tuple[Floats, Floats]:
    """(mean [D], directions [D, D], a column each, in falling variance; the largest number of each is positive)."""
    total, products = np.zeros(vectors.dim), np.zeros((vectors.dim, vectors.dim))
    for low, high in _blocks(vectors):
        rows = vectors.matrix[low:high].astype(np.float64)
        total += rows.sum(axis=0)
        products += rows.T @ rows
    mean = total / max(1, len(vectors))
    _, directions = np.linalg.eigh(products / max(1, len(vectors)) - np.outer(mean, mean))
    directions = directions[:, ::-1]
    largest = np.abs(directions).argmax(axis=0)
    return mean, directions * np.where(directions[largest, np.arange(vectors.dim)] < 0, -1, 1)


def _blocks(vectors: Vectors) -> list[tuple[int, int]]:
    step = max(1, BLOCK // vectors.dim)
    return [(low, min(low + step, len(vectors))) for low in range(0, len(vectors), step)]


def _mapped(vectors: Vectors, mean: Floats, by: Floats) -> Vectors:
    """Every row less `mean` [D], times `by` [D, E]."""
    from w2v.vectors.vectors import Vectors

    out, blocks = np.empty((len(vectors), by.shape[1]), np.float32), _blocks(vectors)

    def work(task: int) -> None:
        low, high = blocks[task]
        out[low:high] = (vectors.matrix[low:high] - mean) @ by

    for_each(work, len(blocks))
    made = Vectors(vectors.words, out)
    made.metadata.update(vectors.metadata)
    made.counts = vectors.counts
    return made
