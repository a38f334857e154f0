"""What a training reports: progress while it runs, each epoch, a summary at the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from w2v.errors import Message, reason

if TYPE_CHECKING:
    from w2v.corpus.sources import ReadProgress
    from w2v.training.state import Totals, TrainState
    from w2v.vectors.vectors import Vectors

__all__ = [
    "EpochReport",
    "Progress",
    "Reporter",
    "Reporters",
    "Reproducible",
    "RunMonitor",
    "TrainResult",
    "TrainSummary",
    "TrainingStopped",
]


class TrainingStopped(KeyboardInterrupt):
    """A training was asked to stop and did, between two spans; `share` of it is done.

    `checkpoint` is the file that holds it, None where there was no place for one; `failure` says why it could not be
    written. `signal` is the number of the signal that asked, 0 if it was something else.
    """

    def __init__(
        self,
        share: float = 0.0,
        checkpoint: str | None = None,
        failure: Exception | None = None,
        signal: int = 0,
        resume_hint: str = "",
    ):
        self.share, self.checkpoint, self.failure, self.signal = share, checkpoint, failure, signal
        if checkpoint is None:
            kept = "nothing of it is kept; with a checkpoint it would be"
        elif failure is not None:
            kept = f"it could not be kept: {reason(failure)}"
        else:
            kept = f"{checkpoint} holds the run; to continue: {resume_hint}"
        super().__init__(Message(f"stopped after {100 * share:.0f} %; {kept}"))


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
    """What is reported after an epoch and, by `eval_every`, within one (`whole` is False and `loss` None there).

    `loss` is the mean over the epoch, None if nothing was trained in it; `held_out_loss` that of the model as it is
    now, None where no text is held out; `scores` by the name of their file, empty where it was not time for them.
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
class Reproducible:
    """What decides the bytes of a reproducible training, beside its corpus and settings; see docs/reproducible.md."""

    kernel: str
    lanes: int
    centres: int  # words that each lane trains in a round


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
    epoch_losses: tuple[float | None, ...]  # None where nothing was trained
    kernel: str
    threads: int
    lr: float
    min_lr: float
    held_out: int = 0  # tokens that are never trained on, in one epoch
    held_out_losses: tuple[float, ...] = ()
    scores: dict[str, float] = field(default_factory=dict)  # the last that were taken
    best_epoch: int | None = None  # from 1; None without --stop-early
    stopped_early: bool = False
    evaluating_s: float = 0.0  # scores and held-out losses, in this process
    reproducible: Reproducible | None = None  # None where the bytes depend on the number of threads


@dataclass
class TrainResult:
    """Word vectors, context vectors (None for hierarchical softmax) and what the run did."""

    vectors: Vectors
    context: Vectors | None
    summary: TrainSummary


class Reporter:
    """Hears of a run as it proceeds; here every method does nothing."""

    def reading(self, progress: ReadProgress) -> None:
        """The corpus is being read."""

    def starting(self, state: TrainState) -> None:
        """The training is about to begin."""

    def training(self, progress: Progress) -> None:
        """About ten times a second."""

    def epoch(self, report: EpochReport) -> None:
        """After each epoch and each scoring."""

    def ended(self, state: TrainState, summary: TrainSummary) -> None:
        """The training has ended."""

    def phase(self, name: str) -> None:
        """Something begins that has no progress of its own: evaluating, writing."""

    def finish(self, complete: bool = True) -> None:
        """The present step, reading or training, is over; `complete` when all of it was done."""

    def note(self, text: str, important: bool = False) -> None:
        """A line for people; an important one also for those who want to hear little."""

    def warn(self, text: str) -> None:
        """Something failed that does not end the run."""


class Reporters(Reporter):
    """Several, each informed in turn."""

    def __init__(self, reporters: Iterable[Reporter] = ()):
        self.all = list(reporters)

    def reading(self, progress: ReadProgress) -> None:
        for reporter in self.all:
            reporter.reading(progress)

    def starting(self, state: TrainState) -> None:
        for reporter in self.all:
            reporter.starting(state)

    def training(self, progress: Progress) -> None:
        for reporter in self.all:
            reporter.training(progress)

    def epoch(self, report: EpochReport) -> None:
        for reporter in self.all:
            reporter.epoch(report)

    def ended(self, state: TrainState, summary: TrainSummary) -> None:
        for reporter in self.all:
            reporter.ended(state, summary)

    def phase(self, name: str) -> None:
        for reporter in self.all:
            reporter.phase(name)

    def finish(self, complete: bool = True) -> None:
        for reporter in self.all:
            reporter.finish(complete)

    def note(self, text: str, important: bool = False) -> None:
        for reporter in self.all:
            reporter.note(text, important)

    def warn(self, text: str) -> None:
        for reporter in self.all:
            reporter.warn(text)


class KeepsRuns(Protocol):
    """What the monitor asks of a Checkpointer."""

    def due(self) -> bool: ...
    def write(self, state: TrainState, stopping: bool = False) -> bool: ...


class RunMonitor:
    """Looks at a training from the main thread, ten times a second: reports progress, and says when its threads are to
    rest because the caller asks for a stop or a checkpoint is due."""

    def __init__(
        self,
        state: TrainState,
        on_progress: Callable[[Progress], Any] | None = None,
        should_stop: Callable[[], bool] | None = None,
        checkpointer: KeepsRuns | None = None,
    ):
        self.state = state
        self.on_progress = on_progress
        self.should_stop = should_stop
        self.checkpointer = checkpointer
        self.started = time.perf_counter()
        self.seconds_before = state.seconds
        self.last = state.totals()
        self.first_tokens = self.last.tokens
        self.rested_s = 0.0

    @property
    def seconds(self) -> float:
        """Since this process began to train."""
        return time.perf_counter() - self.started

    def look(self, totals: Totals) -> bool:
        """While threads are at work, with what they have done: whether they are to come to rest."""
        if self.on_progress is not None:
            self._report(totals, self.on_progress)
        return self._stop_wanted() or (self.checkpointer is not None and self.checkpointer.due())

    def rest(self) -> None:
        """No thread is at work, no change waits in a private row: write a checkpoint if it is due, stop if asked."""
        stopping = self._stop_wanted()
        self.state.seconds = self.seconds_before + self.seconds
        if self.checkpointer is not None and (stopping or self.checkpointer.due()):
            self.checkpointer.write(self.state, stopping)
        if stopping:
            raise TrainingStopped

    def _stop_wanted(self) -> bool:
        return self.should_stop is not None and self.should_stop()

    @contextmanager
    def rest_from_training(self) -> Iterator[None]:
        """Within, time does not count as training but as rest."""
        began = time.perf_counter()
        try:
            yield
        finally:
            took = time.perf_counter() - began
            self.started += took
            self.rested_s += took

    def words_per_s(self, tokens: int) -> float:
        """Since this process began to train."""
        return (tokens - self.first_tokens) / max(self.seconds, 1e-9)

    def _report(self, totals: Totals, on_progress: Callable[[Progress], Any]) -> None:
        state = self.state
        examples = totals.examples - self.last.examples
        if examples <= 0:
            return
        on_progress(
            Progress(
                epoch=state.epoch + 1,
                epochs=state.config.epochs,
                tokens_done=totals.tokens,
                tokens_total=state.tokens_total,
                words_per_s=self.words_per_s(totals.tokens),
                lr=state.lr_at(totals.tokens),
                loss=(totals.loss - self.last.loss) / examples,
                seconds=self.seconds,
                examples=examples,
            )
        )
        self.last = totals
