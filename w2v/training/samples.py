"""The training samples of a corpus, one by one, as the trainer makes them in its first epoch with one thread.

The draws are the training loop's own (`_samples.pyx` compiles its functions once more), so what is seen here is what
happens there: subsampling, the window of each centre, negatives, paths of the Huffman tree.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from w2v.kernel._samples import draw
from w2v.kernel._state import Model, Worker
from w2v.training.config import TrainConfig

if TYPE_CHECKING:
    from w2v.corpus.encoded import EncodedCorpus

__all__ = ["Centre", "Row", "Sentence", "draw_samples"]


@dataclass(frozen=True)
class Row:
    """One input row and the output rows that it is trained against. `words`: one or (CBOW: their mean) several;
    `outputs`: (row, label), where a row is a word, or a node of the Huffman tree."""

    words: tuple[int, ...]
    outputs: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Centre:
    """One step of the window: its places in `Sentence.kept`, and what is trained there."""

    place: int
    first: int
    last: int
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Sentence:
    """`words` are the ids of a sentence; `kept` the places of those that subsampling left."""

    words: tuple[int, ...]
    kept: tuple[int, ...]
    centres: tuple[Centre, ...]


def draw_samples(corpus: EncodedCorpus, config: TrainConfig) -> Iterator[Sentence]:
    """Every sentence of the corpus with its samples, in the order in which one thread trains on them."""
    # The vectors do not matter here: rows of one number keep the matrices small.
    config = dataclasses.replace(config, dim=1, threads=1).resolved()
    worker = Worker(Model(corpus.vocab.counts, config), 0)
    start = 0
    for stop in sentence_ends(corpus.ids):
        ids = np.ascontiguousarray(corpus.ids[start:stop])
        kept, centres = draw(worker, ids)
        words = tuple(ids.tolist())
        left = [words[i] for i in kept]
        steps = tuple(step(left, place, *each, config.model) for place, each in enumerate(centres))
        yield Sentence(words, tuple(kept), steps)
        start = stop + 1


def sentence_ends(ids: np.ndarray, block: int = 1 << 20) -> Iterator[int]:
    """Places of the -1 in ids, block by block: the first samples of a large corpus come at once."""
    for low in range(0, len(ids), block):
        yield from (low + np.flatnonzero(ids[low : low + block] < 0)).tolist()


def step(left: list[int], place: int, reach: int, outputs: list, model: str) -> Centre:
    first, last = max(0, place - reach), min(len(left) - 1, place + reach)
    contexts = left[first:place] + left[place + 1 : last + 1]
    if model == "cbow":
        return Centre(place, first, last, (Row(tuple(contexts), outputs[0]),))
    drawn = outputs * (len(contexts) // len(outputs))
    return Centre(place, first, last, tuple(Row((word,), own) for word, own in zip(contexts, drawn, strict=True)))
