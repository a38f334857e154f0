"""How far training takes a row, estimated from the vocabulary alone.

Every pair of an input and an output row takes both a little of the way to where the one would come to rest if the other
stood still: k pairs at learning rate lr leave exp(-PAIR x lr x k) of that way. How many pairs a row has follows from
its word's count. Changes that were made apart to the same row are put together by this: by nodes of a cluster
(w2v.cluster.combine), and by lanes (w2v.training.lanes).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from w2v.kernel.tables import huffman_paths, keep_probability

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from w2v.training.config import ResolvedConfig

__all__ = ["PAIR", "kept_per_token", "pairs_per_token"]

# The share of the way that one pair takes a row at learning rate 1, as measured (docs/cluster.md): a third of it
# overshoots, four times as much holds the nodes back.
PAIR = 1 / 12


def kept_per_token(counts: NDArray[np.int64], config: ResolvedConfig) -> NDArray[np.float64]:
    """How often each word is a centre for each token of the corpus: its share of the tokens that subsampling leaves."""
    weights = np.asarray(counts, np.float64)
    kept = weights * keep_probability(counts, config.sample) if config.sample else weights
    return kept / max(1.0, float(weights.sum()))


def pairs_per_token(
    counts: NDArray[np.int64], config: ResolvedConfig
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Pairs that a row is part of for each token of the corpus, on average: float32 of each matrix's rows.

    `counts` int64 [V] in falling order. CBOW's mean context counts as one input for the outputs.
    """
    kept = kept_per_token(counts, config)
    contexts = 2.0 * config.window if config.fixed_window else config.window + 1.0  # of one centre, sentence ends apart
    if config.loss == "hs":
        start, path = huffman_paths(counts)
        lengths = np.diff(start)
        outputs: NDArray[Any] = np.bincount(path >> 1, np.repeat(kept, lengths), len(counts) - 1)
        depth = float((kept * lengths).sum() / max(kept.sum(), 1e-300))
    else:
        noise = np.maximum(counts, 1) ** config.ns_exponent
        outputs = kept + config.negative * kept.sum() * noise / noise.sum()
        depth = 1.0 + config.negative
    inputs = kept * contexts * depth
    if config.model == "skipgram":
        outputs = outputs * contexts
    return inputs.astype(np.float32), outputs.astype(np.float32)
