"""Which words are likely to occur beside others, by both matrices of a model.

The input vector h of a word, or the mean of several (as CBOW has it), meets the row u_w of every word w:

    softmax   p(w) = exp(u_w . h) / sum over all words
    ns        p(w) = q(w) exp(u_w . h) / the same summed: negative sampling is at its optimum where u_w . h is the
              logarithm of p(w) / (k q(w)), with q the distribution that negatives are drawn from (Levy and Goldberg
              2014, equations 7 and 12), so that q(w) exp(u_w . h) is proportional to p(w)
    hs        p(w) = product of sigmoid(+-u_n . h) over the inner nodes n on the way to w (Morin and Bengio 2005)

It is the text as it was trained on that is predicted: frequent words are thinned out by subsampling.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from w2v.errors import SettingsError, VectorsError
from w2v.kernel.tables import huffman_paths
from w2v.vectors.words import to_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from w2v.vectors.formats.rows import ModelParts
    from w2v.vectors.vectors import Vectors

__all__ = ["predict", "probabilities"]

LOSSES = ("ns", "hs", "softmax")
SORTS = ("probability", "relevance")


def predict(
    vectors: Vectors, words: Sequence[str | bytes], topn: int | None = 10, sort: str = "probability"
) -> list[tuple[str, float]]:
    """See `Vectors.predict`; ties go to the more frequent word."""
    if topn is not None and topn < 1:
        raise SettingsError(f"topn: {topn} is not at least 1")
    if sort not in SORTS:
        raise SettingsError(f"sort: {sort!r} is not one of {', '.join(SORTS)}")
    chances = probabilities(vectors, words)
    assert vectors.model is not None
    order = chances if sort == "probability" else relevance(chances, vectors.model.counts)
    best = np.argsort(-order, kind="stable")[:topn]
    return [(to_text(vectors.words.table[row]), float(chances[row])) for row in best.tolist()]


def probabilities(vectors: Vectors, words: Sequence[str | bytes]) -> NDArray[np.float64]:
    """float64 [V], which sums to 1: the chance of each word to occur beside these."""
    if not words:
        raise SettingsError("words: none are given to predict from")
    if vectors.model is None:
        raise VectorsError(
            "a prediction needs the context matrix and the counts; save vectors with them (with_context, to a "
            ".safetensors file) and load them with context=True"
        )
    hidden = vectors.rows_at([vectors.place(word) for word in words]).mean(axis=0, dtype=np.float64)
    loss = vectors.metadata.get("loss", "ns")
    if loss not in LOSSES:
        raise VectorsError(f"the vectors say that their loss is {loss!r:.40}, which is none of {', '.join(LOSSES)}")
    scores = scores_of(vectors.model, hidden)
    if loss == "hs":
        return by_paths(scores, vectors.model.counts)
    if len(scores) != len(vectors):
        raise VectorsError(f"the context matrix has {len(scores):,} rows for {len(vectors):,} words")
    if loss == "ns":
        scores += float(vectors.metadata.get("ns_exponent", 0.75)) * np.log(np.maximum(vectors.model.counts, 1))
    scores -= scores.max()
    chances: NDArray[np.float64] = np.exp(scores)
    chances /= chances.sum()
    return chances


def relevance(chances: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """float64 [V]: p log(p / share of the text), each word's part of the divergence between the two distributions:
    large for what is likely here and not everywhere."""
    share = np.maximum(counts, 1) / max(1, int(counts.sum()))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(chances > 0, chances * np.log(chances / share), 0.0)


def scores_of(model: ModelParts, hidden: NDArray[np.float64]) -> NDArray[np.float64]:
    """Dot products of all output rows, in blocks: no copy of the matrix in float64."""
    step = max(1, (1 << 20) // model.outputs.shape[1])
    blocks = [model.outputs[low : low + step] @ hidden for low in range(0, len(model.outputs), step)]
    return np.concatenate(blocks).astype(np.float64)


def by_paths(scores: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """float64 [V]: the product along each word's path of the Huffman tree."""
    start, path = huffman_paths(counts)
    if len(scores) != len(counts) - 1:
        raise VectorsError(f"the tree has {len(counts) - 1:,} inner nodes, and the matrix {len(scores):,} rows")
    signed = np.where(path & 1, -scores[path >> 1], scores[path >> 1])
    logs = -np.logaddexp(0, -signed)  # log sigmoid
    return np.exp(np.add.reduceat(logs, start[:-1]))
