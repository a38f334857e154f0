"""How far training has brought each row since an exchange, as the vocabulary alone tells it.

Every pair of an input and an output row takes both a little of the way to where the one would come to rest if the other
stood still. So k pairs at learning rate lr leave exp(-effort) of that way, with effort = PAIR x lr x k; how many pairs
a row has had follows from its word's count. `combine.settling` is what this is for.
"""

from __future__ import annotations

import numpy as np

from w2v.kernel.tables import huffman_paths, keep_probability
from w2v.training.config import ResolvedConfig

__all__ = ["Effort", "pairs_per_token"]

# The share of the way that one pair takes a row at learning rate 1, as measured (docs/cluster.md): a third of it
# overshoots, four times as much holds the nodes back.
PAIR = 1 / 12


def pairs_per_token(counts: np.ndarray, config: ResolvedConfig) -> tuple[np.ndarray, np.ndarray]:
    """Pairs that a row is part of for each token of the corpus, on average: float32 of each matrix's rows.

    `counts` int64 [V] in falling order. CBOW's mean context counts as one input for the outputs.
    """
    counts = np.asarray(counts, np.float64)
    kept = counts * keep_probability(counts, config.sample) if config.sample else counts
    kept = kept / max(1.0, counts.sum())
    contexts = 2.0 * config.window if config.fixed_window else config.window + 1.0  # of one centre, sentence ends apart
    if config.loss == "hs":
        start, path = huffman_paths(counts.astype(np.int64))
        lengths = np.diff(start)
        outputs = np.bincount(path >> 1, np.repeat(kept, lengths), len(counts) - 1)
        depth = float((kept * lengths).sum() / max(kept.sum(), 1e-300))
    else:
        noise = np.maximum(counts, 1) ** config.ns_exponent
        outputs = kept + config.negative * kept.sum() * noise / noise.sum()
        depth = 1.0 + config.negative
    inputs = kept * contexts * depth
    if config.model == "skipgram":
        outputs = outputs * contexts
    return inputs.astype(np.float32), outputs.astype(np.float32)


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
