"""A small training, recorded: both matrices as they begin, and every number of the steps that are kept.

Nothing is imitated: rows, dot products, sigmoids and errors are those of the trainer (w2v/training/samples.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from w2v.training.samples import TracedSentence, trace_training
from w2v.vectors.words import Words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from w2v.corpus.encoded import EncodedCorpus
    from w2v.kernel._state import Model
    from w2v.training.config import TrainConfig

__all__ = ["Lesson", "LessonStep", "record"]

MOST_NUMBERS = 400_000  # of the steps that are kept: a page of a few megabytes
FIRST_EPOCHS = 3  # kept whenever there is room for any
MAPPED = 400  # epochs whose places on the map are kept


@dataclass
class LessonStep:
    """One centre word: where it is, and what was computed and changed there.

    `samples` are (input, output, label, dot product, sigmoid, error), where inputs and outputs are rows; the input of
    CBOW is the mean of the rows `inputs`. `changed` is (rows of inputs after, rows of outputs after) by row.
    """

    epoch: int
    sentence: list[int]
    kept: list[int]
    place: int
    first: int
    last: int
    lr: float
    inputs: list[int]
    samples: list[tuple[int, int, int, float, float, float]]
    changed: tuple[dict[int, NDArray[np.float32]], dict[int, NDArray[np.float32]]]


@dataclass
class Lesson:
    """A recorded training. `begins` are copies of both matrices, [V, D], before each epoch that is kept, by epoch; the
    last one is the end of the training, under `epochs` + 1. `places` float [epochs shown, V, 2] on a fixed map."""

    words: list[str]
    config: TrainConfig
    steps: list[LessonStep] = field(default_factory=list)
    begins: dict[int, tuple[NDArray[np.float32], NDArray[np.float32]]] = field(default_factory=dict)
    losses: list[float] = field(default_factory=list)
    mapped: list[int] = field(default_factory=list)  # epochs whose end has places; 0 is the beginning
    places: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0, 2)))

    def as_dict(self, digits: int = 4) -> dict[str, Any]:
        """Objects that JSON knows; rows are rounded to this many decimals."""

        def rows(matrix: NDArray[np.float32]) -> list[list[float]]:
            return [[round(value, digits) for value in row] for row in matrix.tolist()]

        return {
            "words": self.words,
            "dim": self.config.dim,
            "epochs": self.config.epochs,
            "model": self.config.model,
            "loss": self.config.loss,
            "window": self.config.window,
            "negative": self.config.negative,
            "losses": [round(loss, digits) for loss in self.losses],
            "begins": {epoch: [rows(matrix) for matrix in both] for epoch, both in self.begins.items()},
            "mapped": self.mapped,
            "places": [[[round(x, 3) for x in place] for place in places] for places in self.places.tolist()],
            "steps": [
                {
                    "epoch": step.epoch,
                    "sentence": step.sentence,
                    "kept": step.kept,
                    "place": step.place,
                    "first": step.first,
                    "last": step.last,
                    "lr": round(step.lr, 6),
                    "inputs": step.inputs,
                    "samples": [
                        [given, output, label, *(round(x, digits) for x in numbers)]
                        for given, output, label, *numbers in step.samples
                    ],
                    "changed": [
                        {row: [round(x, digits) for x in values.tolist()] for row, values in side.items()}
                        for side in step.changed
                    ],
                }
                for step in self.steps
            ],
        }


def record(corpus: EncodedCorpus, config: TrainConfig) -> Lesson:
    """Train on a small corpus with one thread and keep what is seen on the way.

    Epochs are kept whole: the first few, the last, and others ever farther apart, as many as fit.
    """
    lesson = Lesson(list(Words(corpus.vocab.words)), config)
    tokens = int(corpus.token_counts.kept)
    kept = epochs_kept(config, tokens)
    spread = np.linspace(1, config.epochs, min(MAPPED, config.epochs)).round().astype(int).tolist()
    lesson.mapped = sorted({0, *kept, *spread})
    shown: list[NDArray[np.float32]] = []

    def on_sentence(sentence: TracedSentence, _model: Model) -> None:
        if sentence.epoch in kept:
            lesson.steps += lesson_steps(sentence)

    def on_epoch(epoch: int, model: Model) -> None:
        """An epoch is about to begin, or the training has ended."""
        inputs, outputs = (matrix[:, : config.dim].copy() for matrix in (model.inputs, model.outputs))
        if epoch in kept or epoch == config.epochs + 1:
            lesson.begins[epoch] = inputs, outputs
        if epoch - 1 in lesson.mapped:
            shown.append(inputs)

    result = trace_training(corpus, config, on_sentence, on_epoch)
    lesson.losses = [loss for loss in result.summary.epoch_losses if loss is not None]
    lesson.places = on_one_map(shown)
    return lesson


def epochs_kept(config: TrainConfig, tokens: int) -> set[int]:
    """Numbers of the epochs, from 1, whose steps are kept."""
    outputs = config.negative + 1 if config.loss == "ns" else 16
    numbers = tokens * (config.dim * (config.window + 1 + outputs) + 6 * outputs * (config.window + 1))
    count = max(1, MOST_NUMBERS // max(1, numbers))
    if count >= config.epochs:
        return set(range(1, config.epochs + 1))
    first = set(range(1, min(FIRST_EPOCHS, count) + 1))
    later = np.geomspace(1, config.epochs, max(2, count - len(first) + 1)).round().astype(int)
    return first | set(later.tolist()) | {config.epochs} if count > 1 else first


def lesson_steps(sentence: TracedSentence) -> list[LessonStep]:
    found = []
    for step in sentence.steps:
        changed: tuple[dict[int, NDArray[np.float32]], dict[int, NDArray[np.float32]]] = ({}, {})
        inputs: list[int] = []
        samples = []
        for update in step.updates:
            inputs += [word for word in update.words if word not in inputs]
            given = update.words if update.errors.shape[1] == len(update.words) else [-1]
            numbers = zip(update.dots.T.tolist(), update.sigmoids.T.tolist(), update.errors.T.tolist(), strict=True)
            for word, columns in zip(given, numbers, strict=True):
                samples += [
                    (word, row, label, *each) for (row, label), *each in zip(update.outputs, *columns, strict=True)
                ]
            changed[0].update(zip(update.words, update.inputs_after, strict=True))
            rows = (row for row, _ in update.outputs)
            changed[1].update(zip(rows, update.outputs_after, strict=True))
        found.append(
            LessonStep(
                sentence.epoch,
                sentence.words,
                sentence.kept,
                step.place,
                step.first,
                step.last,
                sentence.lr,
                inputs,
                samples,
                changed,
            )
        )
    return found


def on_one_map(matrices: list[NDArray[np.float32]]) -> NDArray[np.float64]:
    """Places [n, V, 2] within -1..1: the rows of each matrix on the two main axes of the last one."""
    last = matrices[-1].astype(np.float64)
    middle = last.mean(axis=0)
    axes = np.linalg.svd(last - middle, full_matrices=False)[2][:2]
    axes *= np.where(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)] < 0, -1, 1)[:, None]
    places = np.stack([(matrix - middle) @ axes.T for matrix in matrices])
    if places.shape[2] < 2:
        places = np.concatenate([places, np.zeros_like(places)], axis=2)
    return places / max(1e-9, float(np.abs(places).max()))
