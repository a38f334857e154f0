"""How the changes that several nodes made to the same rows are put together.

Every function takes the nodes' changes, each [rows, dim] in half or single precision, and returns float32 [rows, dim].
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

__all__ = ["COMBINERS", "gradient", "mean", "plain_sum", "touched"]


def plain_sum(changes: Sequence[np.ndarray]) -> np.ndarray:
    """All changes added up: overshoots on frequent words."""
    total = np.array(changes[0], np.float32)
    for change in changes[1:]:
        total += change
    return total


def mean(changes: Sequence[np.ndarray]) -> np.ndarray:
    """The sum divided by the number of nodes: starves rows that few of them have changed."""
    return plain_sum(changes) / np.float32(len(changes))


def touched(changes: Sequence[np.ndarray]) -> np.ndarray:
    """The sum divided by the number of nodes that changed the row at all."""
    total = np.zeros(changes[0].shape, np.float32)
    count = np.zeros(len(total), np.float32)
    for change in changes:
        change = np.asarray(change, np.float32)
        total += change
        count += np.einsum("ij,ij->i", change, change) > 0
    total /= np.maximum(count, 1)[:, None]
    return total


def gradient(changes: Sequence[np.ndarray]) -> np.ndarray:
    """Of each further change only what is orthogonal to the sum so far: steps in one direction are taken once.

    Source: Gill et al. 2021, "Distributed training of embeddings using graph analytics" (GraphWord2Vec), section 4.
    """
    total = np.array(changes[0], np.float32)
    for change in changes[1:]:
        change = np.asarray(change, np.float32)
        length = np.einsum("ij,ij->i", total, total)
        along = np.einsum("ij,ij->i", total, change)
        share = np.divide(along, length, out=np.zeros_like(along), where=length > 0)
        total += change - total * share[:, None]
    return total


COMBINERS: dict[str, Callable[[Sequence[np.ndarray]], np.ndarray]] = {
    "touched": touched, "mean": mean, "gradient": gradient, "sum": plain_sum,
}
