"""How far training has brought each row since an exchange, as the vocabulary alone tells it.

The effort in a row is PAIR x learning rate x pairs (w2v/training/effort.py); `combine.settling` is what it is for.
"""

from __future__ import annotations

import numpy as np

from w2v.training.config import ResolvedConfig
from w2v.training.effort import PAIR, pairs_per_token

__all__ = ["Effort"]


class Effort:
    """What one node has put into its rows since they were last exchanged.

    `spent`, which the training adds to, is the sum of learning rate x tokens.
    """

    def __init__(self, counts: np.ndarray, config: ResolvedConfig, spent: float):
        self.pairs = pairs_per_token(counts, config)
        self.exchanged = np.full(len(counts), spent)  # `spent` at each row's last exchange

    def of(self, matrix: int, rows: slice, spent: float) -> np.ndarray:
        """float32 [rows]: the effort in these rows of a matrix."""
        return (PAIR * (spent - self.exchanged[rows]) * self.pairs[matrix][rows]).astype(np.float32)
