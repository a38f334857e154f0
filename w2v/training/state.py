"""The state of a training: what its threads change, what is measured on the way, and what a checkpoint keeps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from w2v.errors import TrainingError, setting
from w2v.kernel._state import aligned
from w2v.kernel._tables import first_bad_row, span_end

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from w2v.corpus.encoded import CorpusInfo
    from w2v.kernel._state import Model, Worker
    from w2v.training.config import ResolvedConfig

__all__ = ["Best", "Spans", "Totals", "TrainState", "divergence"]


class Spans:
    """Who trains which part of the corpus in one epoch: spans of about `size` ids out of `ids` (int32, -1 ends each
    sentence), handed out to threads.

    Each of the `homes` is an equal share of the ids, trained in order by its thread. A thread that is done with its own
    takes spans from the home with the most left, so all end at about the same time. With one thread the order is that
    of the corpus.
    """

    def __init__(self, ids: np.ndarray, size: int, homes: int, state: list[list[int]] | None = None):
        self.ids = ids
        self.size = size
        if state is not None:
            self.left = [list(pair) for pair in state]
            return
        cuts = [0]
        for home in range(1, homes):
            cuts.append(max(cuts[-1], span_end(ids, len(ids) * home // homes, 1)))
        cuts.append(len(ids))
        self.left = [[cuts[i], cuts[i + 1]] for i in range(homes)]

    def take(self, home: int) -> tuple[int, int] | None:
        """The next span (start, stop) for the thread of this home, None when nothing is left. Call it under a lock."""
        place = self.left[home] if home < len(self.left) else [0, 0]  # resumed with more threads than before
        if place[0] >= place[1]:
            place = max(self.left, key=lambda pair: pair[1] - pair[0])
            if place[0] >= place[1]:
                return None
        start = place[0]
        place[0] = min(span_end(self.ids, start, self.size), place[1])
        return start, place[0]

    @property
    def empty(self) -> bool:
        """Whether everything has been taken."""
        return all(start >= stop for start, stop in self.left)

    @property
    def in_hand(self) -> int:
        """Tokens that have been taken and are not trained yet, while no thread is at work."""
        return 0

    def state(self) -> list[list[int]]:
        """What is left of each home, for a checkpoint."""
        return [list(pair) for pair in self.left]


@dataclass
class Totals:
    """Counters of one worker, or sums over several."""

    trained: int = 0
    subsampled: int = 0
    alone: int = 0
    examples: int = 0
    loss: float = 0.0

    @property
    def tokens(self) -> int:
        return self.trained + self.subsampled + self.alone

    @classmethod
    def of(cls, worker: Worker) -> Totals:
        """A worker's counters; true between two of its spans."""
        return cls(worker.trained, worker.subsampled, worker.alone, worker.examples, worker.loss_sum)

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            self.trained + other.trained,
            self.subsampled + other.subsampled,
            self.alone + other.alone,
            self.examples + other.examples,
            self.loss + other.loss,
        )

    def __sub__(self, other: Totals) -> Totals:
        return Totals(
            self.trained - other.trained,
            self.subsampled - other.subsampled,
            self.alone - other.alone,
            self.examples - other.examples,
            self.loss - other.loss,
        )

    def check(self) -> None:
        """Raise TrainingError where no pair was trained: the vectors would be the random numbers they began as."""
        if not self.examples:
            raise TrainingError(
                f"no pair of words was trained: of {self.tokens:,} tokens {self.subsampled:,} were left out by"
                f" {setting('sample')} and {self.alone:,} had no other word in their line; try {setting('sample', 0)},"
                f" a smaller {setting('min_count')}, or lines that are whole sentences"
            )


@dataclass
class Best:
    """The matrices of the epoch whose held-out loss was lowest, and its number, from 1; kept for stopping early."""

    epoch: int
    inputs: NDArray[np.float32]
    outputs: NDArray[np.float32]

    @classmethod
    def of(cls, model: Model, epoch: int, before: Best | None = None) -> Best:
        """A copy of a model at rest; it takes the place of the one before in its memory."""
        best = before or cls(0, aligned(model.inputs.shape), aligned(model.outputs.shape))
        np.copyto(best.inputs, model.inputs)
        np.copyto(best.outputs, model.outputs)
        best.epoch = epoch
        return best


@dataclass
class TrainState:
    """A training of `model` on `corpus`, as it is while no thread is at work.

    A checkpoint keeps all of it, so that a later process goes on as if nothing had happened. `spans` holds what is left
    of the present epoch; each of the `workers` its random state, pool of negatives, counters and loss.
    """

    corpus: CorpusInfo
    config: ResolvedConfig
    kernel: str
    tokens_per_epoch: int  # without the held-out ones
    model: Model
    workers: list[Worker]
    spans: Spans
    epoch: int = 0  # epochs that are done
    epoch_start: Totals = field(default_factory=Totals)
    carried: Totals = field(default_factory=Totals)  # of workers that a resumed run no longer has
    epoch_losses: list[float | None] = field(default_factory=list)  # None where nothing was trained
    held_out_losses: list[float] = field(default_factory=list)  # after each epoch
    scores: dict[str, float] = field(default_factory=dict)  # the last that were taken
    best: Best | None = None
    seconds: float = 0.0  # spent on training until the last rest, by earlier processes too

    @property
    def tokens_total(self) -> int:
        """Tokens of all epochs."""
        return self.tokens_per_epoch * self.config.epochs

    def totals(self) -> Totals:
        """Sums over all workers of the run."""
        return sum(map(Totals.of, self.workers), start=self.carried)

    def lr_at(self, tokens_done: int) -> float:
        """Learning rate after this many tokens of all epochs."""
        return self.config.lr_at(tokens_done, self.tokens_total)

    @property
    def stopped_early(self) -> bool:
        """Whether the held-out loss has not fallen for `stop_early` epochs, before the last one."""
        patience, losses = self.config.stop_early, self.held_out_losses
        if not patience or not losses or self.epoch == self.config.epochs:
            return False
        return len(losses) - 1 - losses.index(min(losses)) >= patience

    @property
    def ended(self) -> bool:
        return self.epoch >= self.config.epochs or self.stopped_early

    @property
    def source(self) -> Model | Best:
        """Where the rows are that would be written if the training ended now."""
        return self.best if self.best is not None and self.best.epoch < self.epoch else self.model

    def end_epoch(self, spans: Spans, held_out_loss: float | None) -> None:
        """Enter the epoch whose last span is trained; `spans` are those of the next one."""
        if held_out_loss is not None:
            if self.config.stop_early and held_out_loss < min(self.held_out_losses, default=float("inf")):
                self.best = Best.of(self.model, self.epoch + 1, self.best)
            self.held_out_losses.append(held_out_loss)
        now = self.totals()
        done = now - self.epoch_start
        self.epoch_losses.append(done.loss / done.examples if done.examples else None)
        self.epoch += 1
        self.epoch_start, self.spans = now, spans

    def check_finite(self) -> None:
        """Raise TrainingError when a matrix holds a value that is not finite."""
        for matrix in (self.model.inputs, self.model.outputs):
            if first_bad_row(matrix, 0, matrix.shape[0]) >= 0:
                raise divergence(self.config, self.epoch, self.lr_at(self.totals().tokens))


def divergence(config: ResolvedConfig, epoch: int, lr: float) -> TrainingError:
    """What to raise when a value is not finite any more, after this many whole epochs."""
    return TrainingError(
        f"training diverged (a value is not a number) at learning rate {lr:.4g} in epoch {epoch + 1};"
        f" try {setting('lr', float(f'{config.lr / 2:.2g}'))} or fewer {setting('threads')}"
    )
