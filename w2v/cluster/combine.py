"""How the changes that several nodes made to the same rows are put together.

Every function takes the nodes' changes, each float32 [rows, dim], and each node's effort in these rows, [rows]
(w2v/training/effort.py); it returns float32 [rows, dim].
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from w2v.cluster._rows import PACKED_EXTRA, pack, unpack

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Rows = Sequence[Floats]

__all__ = ["COMBINERS", "combine_packed", "gradient", "mean", "plain_sum", "settling", "touched"]

AT_ONCE = 1024  # rows: they stay in cache


def settling(changes: Rows, efforts: Rows) -> Floats:
    """As far as the nodes would have come one after the other.

    A node with effort x has gone a share 1 - exp(-x) of the way to where its own text would have the row; one after the
    other, all of them would have gone 1 - exp(-sum of x). The summed change is scaled by the second over the sum of the
    first: a rare row's changes are added, a frequent row's are averaged, and all that is between is neither.
    """
    together = np.zeros(len(changes[0]))
    apart = np.zeros(len(changes[0]))
    for effort in efforts:
        together += effort
        apart -= np.expm1(-np.asarray(effort, np.float64))
    scale = np.divide(-np.expm1(-together), apart, out=np.ones_like(apart), where=apart > 0)
    total = plain_sum(changes, efforts)
    total *= scale.astype(np.float32)[:, None]
    return total


def plain_sum(changes: Rows, _efforts: Rows) -> Floats:
    """All changes added up: overshoots on frequent words."""
    total = np.array(changes[0], np.float32)
    for change in changes[1:]:
        total += change
    return total


def mean(changes: Rows, efforts: Rows) -> Floats:
    """The sum divided by the number of nodes: starves rows that few of them have changed."""
    total = plain_sum(changes, efforts)
    total /= np.float32(len(changes))
    return total


def touched(changes: Rows, efforts: Rows) -> Floats:
    """The sum divided by the number of nodes that changed the row by more than what rounding left over."""
    sizes = np.array([np.abs(change).max(axis=1, initial=0) for change in changes])
    count = (sizes > sizes.max(axis=0) / 100).sum(axis=0)
    total = plain_sum(changes, efforts)
    total /= np.maximum(count, 1).astype(np.float32)[:, None]
    return total


def gradient(changes: Rows, _efforts: Rows) -> Floats:
    """Of each further change only what is orthogonal to the sum so far: steps in one direction are taken once.

    Source: Gill et al. 2021, "Distributed training of embeddings using graph analytics" (GraphWord2Vec), section 4.
    """
    total = np.array(changes[0], np.float32)
    for change in changes[1:]:
        length = np.einsum("ij,ij->i", total, total)
        along = np.einsum("ij,ij->i", total, change)
        share = np.divide(along, length, out=np.zeros_like(along), where=length > 0)
        total += change - total * share[:, None]
    return total


COMBINERS: dict[str, Callable[[Rows, Rows], Floats]] = {
    "settling": settling,
    "touched": touched,
    "mean": mean,
    "gradient": gradient,
    "sum": plain_sum,
}


def combine_packed(how: str, given: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """What packed changes, each uint8 [rows, dim + PACKED_EXTRA], come to, packed (_rows.pyx)."""
    result = np.empty_like(given[0])
    rows, dim = len(result), result.shape[1] - PACKED_EXTRA
    changes = [np.empty((AT_ONCE, dim), np.float32) for _ in given]
    efforts = [np.empty(AT_ONCE, np.float32) for _ in given]
    for first in range(0, rows, AT_ONCE):
        count = min(AT_ONCE, rows - first)
        for packed, change, effort in zip(given, changes, efforts, strict=True):
            unpack(packed[first : first + count], change[:count], effort[:count])
        total = COMBINERS[how]([change[:count] for change in changes], [effort[:count] for effort in efforts])
        pack(total, result[first : first + count])
    return result
