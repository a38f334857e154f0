"""The tables that the loop looks things up in: sigmoid, subsampling, negative sampling, Huffman paths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from w2v.kernel import _tables

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "SIGMOID_SIZE",
    "alias_columns",
    "alias_table",
    "coarse",
    "held_out_share",
    "huffman_paths",
    "keep_probability",
    "keep_thresholds",
    "node_keep_probability",
    "node_thresholds",
    "sigmoid_table",
]

# As in block.h: parabolas over 8 steps of |x|. The largest error is 0.001, two thirds of that of word2vec.c's table
# (1,000 steps over +-6, no lines between). Beyond the table every model and loss uses its last value.
SIGMOID_SIZE = 8

# A node of the Huffman tree that is visited less often in a run is not thinned out: at a sixth of that, two points of
# analogies are lost on a corpus of 1.6M tokens.
NODE_VISITS = 125_000


def sigmoid_table() -> NDArray[np.float32]:
    """Coefficients of 1, u and u^2, u = |x| - 8, of the parabolas that sigmoid(-|x|) is made of. float32 [3, 8].

    Each parabola goes through the sigmoid at both ends of its step and in the middle, so they meet and no rounding of x
    can make the value jump.
    """
    x = np.arange(SIGMOID_SIZE)[:, None] + [0, 0.5, 1]
    y = 1 / (1 + np.exp(x))
    u = x[:, 0] - SIGMOID_SIZE  # where the step begins
    bend = 2 * (y[:, 0] - 2 * y[:, 1] + y[:, 2])
    slope = y[:, 2] - y[:, 0] - bend * (2 * u + 1)
    return np.stack([y[:, 0] - (slope + bend * u) * u, slope, bend]).astype(np.float32)


def keep_probability(counts: NDArray[Any], sample: float, total: float | None = None) -> NDArray[np.float64]:
    """min(1, sqrt(t/f) + t/f) with f a word's share of the corpus and t `sample`. float64 [V].

    `total`, of which a count is a share, is the sum of the counts unless it is given.

    Source: word2vec.c; the paper (Mikolov et al. 2013b, section 2.3) has 1 - sqrt(t/f) for the chance to be dropped.
    """
    counts = np.asarray(counts, np.float64)
    total = counts.sum() if total is None else total
    ratio = np.divide(sample * total, counts, out=np.full(counts.shape, np.inf), where=counts > 0)
    kept: NDArray[np.float64] = np.minimum(1.0, np.sqrt(ratio) + ratio)
    return kept


def keep_thresholds(counts: NDArray[Any], sample: float) -> NDArray[np.uint32] | None:
    """uint32 [V]: a word stays when 32 random bits are at most its threshold; None when `sample` is 0 (all stay)."""
    if sample == 0:
        return None
    thresholds: NDArray[np.float64] = np.rint(keep_probability(counts, sample) * 2.0**32) - 1
    return thresholds.clip(0, 2**32 - 1).astype(np.uint32)


def node_keep_probability(
    starts: NDArray[np.int64], path: NDArray[np.int32], centres: NDArray[np.float64], sample: float
) -> NDArray[np.float64]:
    """The same for the inner nodes of a Huffman tree, f being the share of the centres whose path has the node.

    Nodes with fewer than NODE_VISITS are all kept. float64 [V - 1].
    `centres` float64 [V]: how often each word is a centre, in all epochs.
    """
    visits = np.bincount(path >> 1, np.repeat(centres, np.diff(starts)), len(centres) - 1)
    return keep_probability(visits, 1.0, max(NODE_VISITS, sample * float(visits[0])))


def node_thresholds(probability: NDArray[np.float64]) -> NDArray[np.uint32]:
    """uint32: a node stays when 16 random bits are below its threshold. Nodes behind the last of them always stay."""
    thresholds: NDArray[np.uint32] = np.rint(probability * 2.0**16).astype(np.uint32)
    return thresholds[: int(np.flatnonzero(thresholds < 2**16).max(initial=-1)) + 1]


def held_out_share(share: float) -> int:
    """A share of all sentences as the loop reads it: a number out of 2^32."""
    return min(round(share * 2**32), 2**32 - 1)


def alias_table(
    counts: NDArray[Any], exponent: float, reproducible: bool = False
) -> tuple[NDArray[np.uint32], NDArray[np.int32]]:
    """Alias table of count ** exponent: (share uint32 [V], other int32 [V]). 0.75: Mikolov et al. 2013b, sec. 2.2.

    `reproducible`: the same on every machine.
    """
    logs = exponent * np.log(np.maximum(np.asarray(counts, np.float64), 1))  # a given vocabulary may have no count
    weights = np.exp(logs - logs.max())
    return _tables.build_alias(coarse(weights) if reproducible else weights)


def coarse(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rounded to 16 bits: the last of a logarithm's 53 bits differ between processors and versions of NumPy."""
    mantissas, exponents = np.frexp(values)
    return np.ldexp(np.rint(mantissas * 2.0**16) / 2.0**16, exponents)


def alias_columns(counts: NDArray[Any], exponent: float, reproducible: bool = False) -> NDArray[np.uint32]:
    """The alias table as the loop reads it, share beside other: one cache line a draw. uint32 [V, 2]."""
    share, other = alias_table(counts, exponent, reproducible)
    return np.ascontiguousarray(np.stack([share, other.view(np.uint32)], axis=1))


def alias_probabilities(share: NDArray[np.uint32], other: NDArray[np.int32]) -> NDArray[np.float64]:
    """The exact probability of every column of an alias table. float64 [V]."""
    stays = (share.astype(np.float64) + 1) / 2.0**32
    probability = stays.copy()
    np.add.at(probability, other, 1 - stays)
    return probability / len(share)


def huffman_paths(counts: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Paths of a Huffman tree: (start int64 [V + 1], path int32 of (node << 1) | code). See `_tables.build_huffman`."""
    # A word of a given vocabulary may have no count. As 0 all of them would hang in one chain, V nodes deep.
    return _tables.build_huffman(np.maximum(np.asarray(counts, np.int64), 1))
