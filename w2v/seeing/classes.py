"""Words in groups of like direction, by k-means: what the original program's -classes writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from w2v.errors import SettingsError
from w2v.seeing.extras import needed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from w2v.vectors.vectors import Vectors

__all__ = ["word_classes"]

ROUNDS = 20  # word2vec.c stops after 10, from a worse start


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
    means = KMeans(count, n_init=1, max_iter=ROUNDS, random_state=seed % 2**32)
    return np.asarray(means.fit_predict(rows), np.int32)
