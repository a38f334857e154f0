"""A word's two rows, its input and its context vector, made one."""

from __future__ import annotations

import numpy as np

from w2v.errors import SettingsError, setting
from w2v.vectors.vectors import Vectors

__all__ = ["COMBINATIONS", "check_combination", "combine"]

COMBINATIONS = ("input", "add", "concat")  # the first is the default


def check_combination(how: str, loss: str) -> None:
    """Raise SettingsError for what cannot be made of vectors trained with this loss."""
    if how not in COMBINATIONS:
        raise SettingsError(f"{setting('combine')}: {how!r} is not one of {', '.join(COMBINATIONS)}")
    if how != "input" and loss == "hs":
        raise SettingsError(
            f"{setting('combine')}: {setting('loss', 'hs')} has no context vectors; use {setting('loss', 'ns')}"
        )


def combine(vectors: Vectors, context: Vectors | None, how: str) -> Vectors:
    """One vector a word from its input and its context vector; `vectors` itself for "input".

    "add": their sum, float32 [V, D], so that cosines also tell which words stand beside each other (Pennington et al.
    2014, section 4.2; Levy et al. 2015, section 3.3). "concat": one behind the other, float32 [V, 2 D].
    """
    if how == "input":
        return vectors
    check_combination(how, "hs" if context is None else "ns")
    assert context is not None
    if how == "add":
        made = Vectors(vectors.words, vectors.matrix + context.matrix)
    else:
        made = Vectors(vectors.words, np.concatenate([vectors.matrix, context.matrix], axis=1))
    made.metadata.update(vectors.metadata)
    return made
