"""Full softmax, trained for real: each centre predicts the words around it among all words of the vocabulary.

    p(o | c) = exp(u_o . v_c) / sum_w exp(u_w . v_c)        Mikolov et al. 2013b, equation 2
    loss     = -sum over the contexts o of log p(o | c)

This is what negative sampling and hierarchical softmax stand in for: every centre touches every output row. So it is
not in the hot loop. A few centres at a time make one matrix H of input rows, and everything is products of matrices by
NumPy's BLAS: scores H O^T, probabilities P, then with E = (number of contexts) P - (contexts counted)

    O -= lr E^T H        H -= lr E O        with the old values of the other side

The module has the functions of a compiled kernel (w2v/kernel/_loop.pxi), so that a trainer does not see the difference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from w2v.kernel._samples import draw_windows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from w2v.kernel._state import Worker

__all__ = ["BATCH", "NAME", "flush", "train"]

NAME = "numpy"
# Centres of one step. The gradients of a step are added up, so that more of them are like a higher learning rate:
# 128 diverge at lr 0.1 on data/world, and 32 are hardly slower, since the matrix of outputs is the large one.
BATCH = 32


def train(worker: Worker, ids: NDArray[np.int32], start: int, stop: int, lr: float) -> None:
    """Train on the span ids[start:stop], which starts at a sentence and ends with -1, at the learning rate `lr`.

    At 0 nothing changes, and what moves is the worker's loss: that of the model as it is.
    """
    centres, ends, contexts = draw_windows(worker, ids, start, stop)
    counts = np.diff(ends, prepend=0)
    with np.errstate(over="ignore", invalid="ignore"):  # the worker counts a loss that is not finite
        for first in range(0, len(centres), BATCH):
            some = slice(first, first + BATCH)
            its = contexts[ends[first] - counts[first] : ends[some][-1]]
            loss = step(worker.model.inputs, worker.model.outputs, centres[some], counts[some], its, lr)
            worker.add_loss(loss, len(its))


def step(
    inputs: NDArray[np.float32],
    outputs: NDArray[np.float32],
    centres: NDArray[np.int32],
    counts: NDArray[np.int64],
    contexts: NDArray[np.int32],
    lr: float,
) -> float:
    """Change both matrices [V, D] by one step for centres [b] with this many `contexts` each; the loss before it."""
    row = np.repeat(np.arange(len(centres)), counts)
    hidden = inputs[centres]
    scores = hidden @ outputs.T
    scores -= scores.max(axis=1, keepdims=True)
    target = scores[row, contexts].sum(dtype=np.float64)
    np.exp(scores, out=scores)
    sums = scores.sum(axis=1, keepdims=True)
    loss = float(counts @ np.log(sums[:, 0].astype(np.float64)) - target)
    if lr:
        errors = scores
        errors *= counts[:, None].astype(np.float32) / sums
        np.subtract.at(errors, (row, contexts), np.float32(1))
        errors *= np.float32(lr)
        change = errors @ outputs
        outputs -= errors.T @ hidden
        np.subtract.at(inputs, centres, change)  # a word may be the centre more than once
    return loss


def flush(worker: Worker) -> None:
    """Nothing: there are no private rows."""
