"""What a training tells: progress while it runs, sums over the workers, a summary at the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from w2v.errors import TrainingError

if TYPE_CHECKING:
    from w2v.kernel._state import Worker
    from w2v.training.keeper import Keeper
    from w2v.training.trainer import Run, Trainer
    from w2v.vectors.vectors import Vectors

__all__ = ["EpochReport", "Progress", "Totals", "TrainResult", "TrainSummary", "TrainingStopped", "Watch"]


class TrainingStopped(KeyboardInterrupt):
    """The training was asked to stop and did, between two spans; its checkpoint, if it keeps one, is written."""


@dataclass(frozen=True)
class Progress:
    """How far the training is. Tokens count over all epochs; loss is the mean since the last report."""

    epoch: int
    epochs: int
    tokens_done: int
    tokens_total: int
    words_per_s: float
    lr: float
    loss: float
    seconds: float
    examples: int = 0  # since the last report: what `loss` is the mean of


@dataclass(frozen=True)
class EpochReport:
    """What is told after an epoch and, by --eval-every, within one (`whole` is False and `loss` None there).

    `loss` is the mean over the epoch, `held_out_loss` that of the model as it is now, None where no text is held out;
    `scores` by the name of their file, empty where it was not time for them.
    """

    epoch: int
    epochs: int
    tokens_done: int
    tokens_total: int
    words_per_s: float
    lr: float
    loss: float | None
    held_out_loss: float | None
    scores: dict[str, float]
    seconds: float
    whole: bool = True


@dataclass(frozen=True)
class TrainSummary:
    """What a training did. tokens_total == trained + subsampled + alone, over all epochs.

    The vectors are those of `best_epoch` where the training was stopped early or went by a loss, else of the last.
    """

    tokens_total: int
    trained: int
    subsampled: int
    alone: int  # tokens without a neighbour in their sentence
    examples: int
    epochs: int
    seconds: float
    words_per_s: float
    loss: float
    epoch_losses: tuple[float, ...]
    kernel: str
    threads: int
    lr: float
    min_lr: float
    held_out: int = 0  # tokens that are never trained on, in one epoch
    held_out_losses: tuple[float, ...] = ()
    scores: dict[str, float] = field(default_factory=dict)  # the last that were taken
    best_epoch: int | None = None  # from 1; None without --stop-early
    stopped_early: bool = False


@dataclass
class TrainResult:
    """Word vectors, context vectors (None for hierarchical softmax) and what the run did."""

    vectors: Vectors
    context: Vectors | None
    summary: TrainSummary


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

    def check(self) -> None:
        """Raise TrainingError where no pair was trained: the vectors would be the random numbers they began as."""
        if not self.examples:
            raise TrainingError(
                f"no pair of words was trained: of {self.tokens:,} tokens {self.subsampled:,} were left out by --sample"
                f" and {self.alone:,} had no other word in their line; try --sample 0, a smaller --min-count, or lines "
                "that are whole sentences"
            )


class Watch:
    """Looks at a run ten times a second from the main thread: reports, and tells its threads to stop.

    They stop when the caller wishes so, or when it is time for a checkpoint.
    """

    def __init__(
        self,
        trainer: Trainer,
        on_progress: Callable[[Progress], Any] | None = None,
        should_stop: Callable[[], bool] | None = None,
        keeper: Keeper | None = None,
    ):
        self.trainer = trainer
        self.on_progress = on_progress
        self.should_stop = should_stop
        self.keeper = keeper
        self.started = time.perf_counter()
        self.last = trainer.totals()
        self.first_tokens = self.last.tokens

    @property
    def seconds(self) -> float:
        """Since this run began."""
        return time.perf_counter() - self.started

    def look(self, run: Run) -> None:
        """One look at a run whose threads are at work."""
        if self._stop_wanted() or (self.keeper is not None and self.keeper.due()):
            run.stop = True
        if self.on_progress is not None:
            self._report(sum(run.counted, start=self.trainer.carried))

    def rest(self) -> None:
        """No thread is at work, no change waits in a private row: write a checkpoint if it is time, stop if told to."""
        stopping = self._stop_wanted()
        if self.keeper is not None and (stopping or self.keeper.due()):
            self.keeper.keep(self.trainer, self.seconds, stopping)
        if stopping:
            raise TrainingStopped

    def _stop_wanted(self) -> bool:
        return self.should_stop is not None and self.should_stop()

    @contextmanager
    def rest_from_training(self) -> Iterator[None]:
        """Within, time does not count as training."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.started += time.perf_counter() - began

    def words_per_s(self, tokens: int) -> float:
        """Since this run began."""
        return (tokens - self.first_tokens) / max(self.seconds, 1e-9)

    def _report(self, sums: Totals) -> None:
        trainer = self.trainer
        examples = sums.examples - self.last.examples
        if examples <= 0 or self.on_progress is None:
            return
        self.on_progress(
            Progress(
                epoch=trainer.epoch + 1,
                epochs=trainer.config.epochs,
                tokens_done=sums.tokens,
                tokens_total=trainer.tokens_total,
                words_per_s=self.words_per_s(sums.tokens),
                lr=trainer.lr_at(sums.tokens),
                loss=(sums.loss - self.last.loss) / examples,
                seconds=self.seconds,
                examples=examples,
            )
        )
        self.last = sums
