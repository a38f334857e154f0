"""The senses of a word, from its neighbours alone: they fall into groups that know each other (Pelevina et al. 2016).

The word's neighbours are the nodes of a graph, without the word itself; each is joined to those that are nearest to it.
Nodes then take the label that weighs most among the ones they are joined to, until nothing changes (Chinese Whispers:
Biemann 2006). A group that is large enough is a sense; its vector is the mean of the group's vectors, weighted by their
cosine to the word.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from w2v.errors import SettingsError, UnknownWordError
from w2v.vectors.expressions import sense_parts
from w2v.vectors.neighbours import at_unit_length

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from w2v.vectors.vectors import Vectors

__all__ = ["NEIGHBOURS", "Sense", "sense_vector", "senses_of"]

NEIGHBOURS = 200  # of the word: the nodes
LINKS = 15  # from each node to the ones nearest to it
SMALLEST = 5  # words that make a sense
ROUNDS = 30


@dataclass(frozen=True)
class Sense:
    """One sense: `words` with their cosines to the word, the nearest first, and its vector, float32 [D], length 1.

    `share` is its part of the neighbours' cosines, so that the senses of a word come to at most 1.
    """

    name: str
    words: list[tuple[str, float]]
    vector: NDArray[np.float32]
    share: float


def senses_of(vectors: Vectors, word: str, neighbours: int = NEIGHBOURS, links: int = LINKS) -> list[Sense]:
    """The senses of a word, the one with most of its neighbours first; a word of one sense has one.

    Fewer `links` give finer senses. UnknownWordError if the word is not there.
    """
    for name, value in (("neighbours", neighbours), ("links", links)):
        if value < 1:
            raise SettingsError(f"{name}: must be at least 1 (got {value})")
    near = vectors.most_similar(word, topn=min(neighbours, len(vectors) - 1))
    if not near:
        return []
    rows = [vectors.index(other) for other, _ in near]
    cosines = np.array([cosine for _, cosine in near])
    units = vectors.units(rows)
    labels = groups_of(links_of(units, links))
    found = []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        if len(members) >= min(SMALLEST, len(near)):
            found.append((float(np.maximum(cosines[members], 0).sum()), members))
    if not found:  # every neighbour is on its own
        found = [(float(np.maximum(cosines, 0).sum()), np.arange(len(near)))]
    total = float(np.maximum(cosines, 0).sum()) or 1.0
    found.sort(key=lambda group: -group[0])
    return [
        Sense(
            f"{word}#{number}",
            [near[i] for i in members.tolist()],
            at_unit_length(np.maximum(cosines[members], 0) @ units[members].astype(np.float64)).astype(np.float32),
            weight / total,
        )
        for number, (weight, members) in enumerate(found, 1)
    ]


def sense_vector(vectors: Vectors, word: str) -> NDArray[np.float32] | None:
    """The vector of a sense by its name, as `senses_of` gives it: polish#2. None for a word that is no such name, or
    whose own word is not among the vectors; UnknownWordError where it has fewer senses."""
    parts = sense_parts(word)
    if parts is None or parts[0] not in vectors:
        return None
    found = senses_of(vectors, parts[0])
    if parts[1] > len(found):
        raise UnknownWordError(word, tuple(sense.name for sense in found))
    return found[parts[1] - 1].vector


def links_of(units: NDArray[np.float32], links: int) -> NDArray[np.float64]:
    """Weights of the graph, float64 [n, n], symmetric: each node's cosines to the `links` that are nearest to it."""
    cosines = (units @ units.T).astype(np.float64)
    np.fill_diagonal(cosines, -1)
    weights = np.zeros_like(cosines)
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, : min(links, len(units) - 1)]
    np.put_along_axis(weights, nearest, np.maximum(np.take_along_axis(cosines, nearest, axis=1), 0), axis=1)
    return np.maximum(weights, weights.T)


def groups_of(weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """A label for each node, int64 [n]. In order of the nodes, not at random as in the paper: the same every time."""
    labels = np.arange(len(weights))
    for _ in range(ROUNDS):
        before = labels.copy()
        for node in range(len(weights)):
            votes = np.bincount(labels, weights=weights[node], minlength=len(weights))
            best = int(votes.argmax())
            if votes[best] > votes[labels[node]]:
                labels[node] = best
        if np.array_equal(labels, before):
            break
    return labels
