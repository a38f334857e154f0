"""What is told of a training on its way: lines on stderr after an epoch, the log, scores."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from w2v.cli.errors import os_error_text, say
from w2v.cli.progress import FIRST_LINE_S, Silence, percent

if TYPE_CHECKING:
    from w2v.training.evaluation import Evaluator
    from w2v.training.log import TrainingLog
    from w2v.training.progress import EpochReport, Progress
    from w2v.training.state import TrainState
    from w2v.training.trainer import TrainResult

__all__ = ["Watching", "report_line"]


class Watching(contextlib.AbstractContextManager):
    """Passes what the trainer tells to the progress display and the log. A context manager around the training."""

    def __init__(self, evaluator: Evaluator, log: str | None, progress: Silence):
        self.evaluator = evaluator
        self.display = progress
        self._last_s = 0.0  # when the last epoch ended
        self._log: TrainingLog | None = None
        if log is not None:
            from w2v.training.log import TrainingLog

            self._log = TrainingLog(log, on_failure=tell_failure)
        evaluator.on_report = self.report

    def __exit__(self, *_: object) -> None:
        if self._log is not None:
            self._log.__exit__()

    def start(self, state: TrainState) -> None:
        """The training is about to begin: what cannot be asked of its vectors is said now."""
        self.evaluator.check(state.corpus.vocab.words)
        self._last_s = state.seconds
        if self._log is not None:
            self._log.start(state.tokens_total, state.totals().tokens, state.seconds)

    def progress(self, progress: Progress) -> None:
        self.display.training(progress)
        if self._log is not None:
            self._log.progress(progress)

    def report(self, report: EpochReport) -> None:
        """A line when there is more to tell than a loss, or when the epoch took long."""
        took, self._last_s = report.seconds - self._last_s, report.seconds
        if report.scores or report.held_out_loss is not None or took >= FIRST_LINE_S:
            self.display.note(report_line(report))
        if self._log is not None:
            self._log.report(report)

    def end(self, state: TrainState, result: TrainResult) -> None:
        if self._log is not None:
            self._log.end(result.summary, state.tokens_total)


def report_line(report: EpochReport) -> str:
    """epoch 2 of 5: loss 0.3512, held-out loss 0.3498, questions-words.txt 0.3120"""
    parts = [f"loss {report.loss:.4f}"] if report.loss is not None else []
    parts += [f"held-out loss {report.held_out_loss:.4f}"] if report.held_out_loss is not None else []
    parts += [f"{name} {score:.4f}" for name, score in report.scores.items()]
    place = "" if report.whole else f", {percent(report.tokens_done, report.tokens_total)} of the run"
    return f"epoch {report.epoch} of {report.epochs}{place}: {', '.join(parts)}"


def tell_failure(error: OSError) -> None:
    say(f"warning: the log could not be written and ends here, the training goes on: {os_error_text(error)}")
