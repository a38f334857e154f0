"""The training samples of a corpus, one by one, as the trainer makes them with one thread; and what it computes.

Draws and numbers are the training loop's own (`_samples.pyx` compiles its functions once more), so what is seen here is
what happens there: subsampling, the window of each centre, negatives, paths of the Huffman tree, errors and updates.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from w2v.kernel._samples import draw, trace
from w2v.kernel._state import Model, Worker
from w2v.training.evaluation import Evaluator
from w2v.training.trainer import Trainer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from w2v.corpus.encoded import EncodedCorpus
    from w2v.training.config import TrainConfig
    from w2v.training.progress import TrainResult

__all__ = ["Centre", "Row", "Sentence", "Step", "TracedSentence", "Update", "draw_samples", "trace_training"]


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


def step(left: list[int], place: int, reach: int, outputs: list[tuple[tuple[int, int], ...]], model: str) -> Centre:
    first, last = max(0, place - reach), min(len(left) - 1, place + reach)
    contexts = left[first:place] + left[place + 1 : last + 1]
    if model == "cbow":
        return Centre(place, first, last, (Row(tuple(contexts), outputs[0]),))
    drawn = outputs * (len(contexts) // len(outputs))
    return Centre(place, first, last, tuple(Row((word,), own) for word, own in zip(contexts, drawn, strict=True)))


@dataclass(frozen=True)
class Update:
    """One block update: n input rows against m output rows, before and after, and how wrong each pair was.

    `words` [n] are the ids of the input rows, `outputs` [m] (row, label), where a row is a word or a node of the
    Huffman tree. Rows are float32 [n, D] and [m, D]. `errors` float32 [m, n] are label minus sigmoid; for CBOW [m, 1],
    since the only input is the mean of the n rows.
    """

    words: list[int]
    outputs: list[tuple[int, int]]
    inputs_before: NDArray[np.float32]
    outputs_before: NDArray[np.float32]
    errors: NDArray[np.float32]
    inputs_after: NDArray[np.float32]
    outputs_after: NDArray[np.float32]

    @property
    def labels(self) -> NDArray[np.float32]:
        """[m, 1]"""
        return np.array([[label] for _, label in self.outputs], np.float32)

    @property
    def dots(self) -> NDArray[np.float32]:
        """Dot products of the rows before, of the same shape as `errors`."""
        given = self.inputs_before
        if self.errors.shape[1] < len(given):
            given = given.mean(axis=0, keepdims=True)
        return self.outputs_before @ given.T

    @property
    def sigmoids(self) -> NDArray[np.float32]:
        """What the model takes for the probability of label 1, by the trainer's table."""
        return self.labels - self.errors


@dataclass(frozen=True)
class Step:
    """One step of the window: its places in `TracedSentence.kept`, and the updates there."""

    place: int
    first: int
    last: int
    updates: list[Update]


@dataclass(frozen=True)
class TracedSentence:
    """`words` are the ids of a sentence, `kept` the places of those that subsampling left; `epoch` counts from 1."""

    epoch: int
    lr: float
    words: list[int]
    kept: list[int]
    steps: list[Step]


def trace_training(
    corpus: EncodedCorpus,
    config: TrainConfig,
    on_sentence: Callable[[TracedSentence, Model], object],
    on_epoch: Callable[[int, Model], object] | None = None,
) -> TrainResult:
    """Train with one thread, and show each sentence when it has been trained on, with the model as it is then.

    `on_epoch` is called with the number of each epoch, from 1, before it begins, and once more at the end. Learning
    rates, draws and numbers are those of `w2v.train` with the baseline kernel, and so are the vectors, to the byte.
    `loss` softmax and text that is held out cannot be traced.
    """
    trainer = Trainer(corpus, dataclasses.replace(config, threads=1))
    trainer.kernel = Tracer(lambda *sentence: on_sentence(traced(trainer.state.epoch + 1, *sentence), trainer.model))
    if on_epoch is None:
        return trainer.run()
    on_epoch(1, trainer.model)
    return trainer.run(evaluator=Evaluator(on_report=lambda report: on_epoch(report.epoch + 1, trainer.model)))


def traced(
    epoch: int, lr: float, words: list[int], kept: list[int], centres: list[tuple[int, list[tuple[Any, ...]]]]
) -> TracedSentence:
    steps = [
        Step(place, max(0, place - reach), min(len(kept) - 1, place + reach), [Update(*update) for update in updates])
        for place, (reach, updates) in enumerate(centres)
    ]
    return TracedSentence(epoch, lr, words, kept, steps)


class Tracer:
    """Has the functions of a compiled kernel, and calls `on_sentence` with (lr, words, kept, centres)."""

    NAME = "baseline"

    def __init__(self, on_sentence: Callable[..., object]):
        self.on_sentence = on_sentence

    def train(self, worker: Worker, ids: NDArray[np.int32], start: int, stop: int, lr: float) -> None:
        span = np.ascontiguousarray(ids[start:stop])
        first = 0
        for end in sentence_ends(span):
            sentence = span[first:end]
            self.on_sentence(lr, sentence.tolist(), *trace(worker, sentence, lr))
            first = end + 1

    def flush(self, worker: Worker) -> None:
        """Nothing: there are no private rows."""
