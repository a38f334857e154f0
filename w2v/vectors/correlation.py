"""Pearson's r and Spearman's rho in NumPy."""

from __future__ import annotations

import numpy as np

__all__ = ["pearson", "ranks", "spearman"]


def pearson(x: np.ndarray, y: np.ndarray) -> float:
    """Correlation of two samples; NaN for fewer than two pairs or a constant sample."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if len(x) < 2:
        return float("nan")
    x, y = x - x.mean(), y - y.mean()
    scale = np.sqrt(x @ x) * np.sqrt(y @ y)
    return float(np.clip(x @ y / scale, -1, 1)) if scale > 0 else float("nan")


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Pearson's r of the ranks; equal values share the mean of their ranks."""
    return pearson(ranks(x), ranks(y))


def ranks(x: np.ndarray) -> np.ndarray:
    """Ranks from 1; equal values get the mean of the ranks they take up."""
    _, group, counts = np.unique(np.asarray(x, np.float64), return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[group]
