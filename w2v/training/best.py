"""The matrices of the epoch whose held-out loss was lowest, kept beside those that are trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from w2v.kernel._state import aligned

if TYPE_CHECKING:
    from w2v.kernel._state import Model

__all__ = ["Best"]


@dataclass
class Best:
    """Copies of both matrices, shaped like the model's, and the epoch after which they were taken, from 1."""

    epoch: int
    inputs: np.ndarray
    outputs: np.ndarray

    @classmethod
    def of(cls, model: Model, epoch: int, before: Best | None = None) -> Best:
        """A copy of a model at rest; it takes the place of the one before in its memory."""
        best = before or cls(0, aligned(model.inputs.shape), aligned(model.outputs.shape))
        np.copyto(best.inputs, model.inputs)
        np.copyto(best.outputs, model.outputs)
        best.epoch = epoch
        return best
