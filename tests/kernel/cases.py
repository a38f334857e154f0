"""Small trainings that the reference and every kernel are put through, and the corpora they run on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import NamedTuple

import numpy as np

from w2v.kernel._state import Model, Worker
from w2v.training.config import TrainConfig

from . import reference


class Parts(NamedTuple):
    """What a kernel's model needs of w2v.training.subwords.Parts."""

    starts: np.ndarray
    rows: np.ndarray
    weights: np.ndarray
    sizes: np.ndarray
    whole: int = 0

    def pairs(self) -> list[list[tuple[int, float]]]:
        ends = zip(self.starts[:-1], self.starts[1:], strict=True)
        return [list(zip(self.rows[a:b].tolist(), self.weights[a:b].tolist(), strict=True)) for a, b in ends]


@dataclass(frozen=True)
class Case:
    """One small training. `settings` are TrainConfig's, as pairs; `sentences` lengths of the sentences.

    Each of `spans` equal parts of the sentences is one call, by the workers in turn. `scale` is the standard deviation
    of the dot products at the start; 0 starts from the model's own first values. With `chain` each word is half as
    frequent as the one before, which makes Huffman codes as long as they can be, and all come equally often. With
    `ngrams`, words are made of up to so many rows beside their own, which others have too; the first `whole` words have
    their vector as a row.
    """

    settings: tuple[tuple[str, object], ...]
    sentences: tuple[int, ...] = (1, 12, 2, 19, 1, 3)
    vocab_size: int = 23
    zipf: float = 1.0
    lr: float = 0.05
    spans: int = 1
    workers: int = 1
    private_rows: int = 0
    merge_after: int = 4
    scale: float = 1.5
    chain: bool = False
    ngrams: int = 0
    whole: int = 0

    def parts(self, seed: int) -> Parts | None:
        """A row of its own for each word, and some of a few for all: none, several, one twice."""
        if not self.ngrams:
            return None
        random = np.random.default_rng(seed + 2000)
        words = [
            [word, *(self.vocab_size + random.integers(0, 9, random.integers(0, self.ngrams + 1))).tolist()]
            for word in range(self.vocab_size)
        ]
        words[1] = [1, self.vocab_size, self.vocab_size]
        words[2] = [2, self.vocab_size + 8]
        rows = np.concatenate(words).astype(np.int32)
        lengths = np.array(list(map(len, words)))
        weights = np.concatenate([random.dirichlet(np.ones(n)) for n in lengths]).astype(np.float32)
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return Parts(starts, rows, weights, np.ones(self.vocab_size + 9, np.int64), self.whole)

    def config(self, seed: int) -> TrainConfig:
        return TrainConfig(threads=1, seed=seed, **dict(self.settings)).resolved()

    def counts(self) -> np.ndarray:
        if self.chain:
            return 2 ** np.arange(self.vocab_size)[::-1]
        return (1000 / np.arange(1, self.vocab_size + 1) ** self.zipf).astype(np.int64) + 1

    def spans_of_ids(self, seed: int) -> list[np.ndarray]:
        """The corpus, by the shares of `counts`, cut into spans of whole sentences."""
        random = np.random.default_rng(seed)
        counts = self.counts()
        shares = None if self.chain else counts / counts.sum()
        sentences = [random.choice(len(counts), n, p=shares) for n in self.sentences]
        parts = np.array_split(np.arange(len(sentences)), self.spans)
        return [span_of(*(sentences[i] for i in part)) for part in parts]

    def first_values(self, seed: int, rows: int, outputs: int, dim: int) -> tuple[np.ndarray, np.ndarray] | None:
        if self.scale == 0:
            return None
        random = np.random.default_rng(seed + 1000)
        deviation = np.sqrt(self.scale) / dim**0.25
        both = random.normal(0, deviation, (rows + outputs, dim)).astype(np.float32)
        return both[:rows], both[rows:]


def case(settings: dict[str, object] | None = None, **kw) -> Case:
    return Case(tuple(sorted({"dim": 16, "sample": 0.03, **(settings or {})}.items())), **kw)


def span_of(*sentences) -> np.ndarray:
    """ids int32: the sentences, each ended by -1."""
    return np.concatenate([np.append(np.asarray(s, np.int64), -1) for s in sentences]).astype(np.int32)


@dataclass(frozen=True)
class Outcome:
    """What a training left: both matrices, the counters of each worker, the sum of the losses."""

    inputs: np.ndarray
    outputs: np.ndarray
    counters: tuple[tuple[int, int, int, int], ...]
    loss: float

    @property
    def examples(self) -> int:
        return sum(each[3] for each in self.counters)


def counters(worker) -> tuple[int, int, int, int]:
    return worker.trained, worker.subsampled, worker.alone, worker.examples


@cache
def run_reference(wanted: Case) -> tuple[Outcome, int]:
    """The reference's outcome, and the seed that it took."""
    seed = 1
    model, workers = start_reference(wanted, seed)
    for number, ids in enumerate(wanted.spans_of_ids(seed)):
        workers[number % len(workers)].train(ids, wanted.lr)
    for worker in workers:
        worker.flush()
    loss = sum(worker.loss_sum for worker in workers)
    return Outcome(model.inputs, model.outputs, tuple(map(counters, workers)), loss), seed


def start_reference(wanted: Case, seed: int) -> tuple[reference.Model, list[reference.Worker]]:
    parts = wanted.parts(seed)
    pairs = None if parts is None else parts.pairs()
    model = reference.Model(wanted.counts().tolist(), wanted.config(seed), parts=pairs, whole=wanted.whole)
    values = wanted.first_values(seed, *model.inputs.shape[:1], *model.outputs.shape)
    if values is not None:
        model.inputs[:], model.outputs[:] = values
    model.begin_whole()
    private = wanted.private_rows, wanted.merge_after
    return model, [reference.Worker(model, number, *private) for number in range(wanted.workers)]


def start_kernel(wanted: Case, seed: int) -> tuple[Model, list[Worker]]:
    config = wanted.config(seed)
    model = Model(wanted.counts(), config, wanted.parts(seed))
    model.fill_inputs(0, len(model.inputs))
    values = wanted.first_values(seed, len(model.inputs), len(model.outputs), config.dim)
    if values is not None:
        model.inputs[:, : config.dim], model.outputs[:, : config.dim] = values
    if wanted.whole:
        model.begin_whole()
    private = wanted.private_rows, wanted.merge_after
    return model, [Worker(model, number, *private) for number in range(wanted.workers)]


def run_kernel(kernel: ModuleType, wanted: Case, seed: int) -> Outcome:
    """A kernel's outcome; the padding behind the vectors has to stay zero."""
    model, workers = start_kernel(wanted, seed)
    for number, ids in enumerate(wanted.spans_of_ids(seed)):
        kernel.train(workers[number % len(workers)], ids, 0, len(ids), wanted.lr)
    for worker in workers:
        kernel.flush(worker)
        assert not worker.diverged
    dim = model.dim
    assert not model.inputs[:, dim:].any()
    assert not model.outputs[:, dim:].any()
    loss = sum(worker.loss_sum for worker in workers)
    return Outcome(model.inputs[:, :dim], model.outputs[:, :dim], tuple(map(counters, workers)), loss)
