"""Small vectors, of words in several scripts, to write and read back."""

from __future__ import annotations

import numpy as np

from w2v.vectors.vectors import Vectors

WORDS = ["the", "König", "한국어", "كلمة", "中文", "🙂", "a\u00a0b", "x\u2028y", "c++", "-", "0.5", "12", "na\u00efve"]


def make(rows: int = len(WORDS), dim: int = 7, seed: int = 1) -> Vectors:
    rng = np.random.default_rng(seed)
    words = WORDS[:rows] + [f"word{i}" for i in range(rows - len(WORDS))]
    return Vectors(words, rng.standard_normal((rows, dim), dtype=np.float32))


def same(found: Vectors, wanted: Vectors) -> bool:
    return found.words == wanted.words and np.array_equal(found.matrix, wanted.matrix)
