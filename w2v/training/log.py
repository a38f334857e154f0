"""The log of a training: JSON lines, as docs/log.md has them."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any

from w2v.output import HeldOutput
from w2v.places import is_replaced, open_in_place
from w2v.training.progress import Reporter

if TYPE_CHECKING:
    from w2v.training.progress import EpochReport, Progress, TrainSummary
    from w2v.training.state import TrainState

__all__ = ["TrainingLog"]

PROGRESS_EVERY_S = 1.0
LONGEST_LINE = 1 << 20  # bytes


class TrainingLog(Reporter):
    """Writes a log while a training runs; a context manager, within which no other process may write it (W2VError).

    A line that cannot be written (the disk is full) does not end the run: `on_failure` gets the OSError, once, and the
    log ends there.

    `start` begins the file anew, or goes on with that of a run that is resumed: what it has beyond the checkpoint is
    left out, since it will happen again.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        on_failure: Callable[[OSError], Any] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.path = os.fspath(path)
        self.on_failure = on_failure
        self.clock = clock
        self._file: IO[bytes] | None = None
        self._place: HeldOutput | None = None
        self._start = clock()
        self._last = 0.0
        self._loss = 0.0
        self._examples = 0

    def __enter__(self) -> TrainingLog:
        if is_replaced(self.path):  # what is in others, a descriptor or a pipe, is not of this run
            self._place = HeldOutput(self.path).__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._close()
        if self._place is not None:
            self._place.__exit__()
            self._place = None

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def starting(self, state: TrainState) -> None:
        self.start(state.tokens_total, state.totals().tokens, state.seconds)

    def start(self, tokens_total: int, tokens_done: int = 0, seconds_before: float = 0.0) -> None:
        """Open the file. `tokens_done` and `seconds_before` are those of the checkpoint that the run goes on from."""
        self._start = self.clock() - seconds_before
        before = kept_lines(self.path, tokens_done) if tokens_done and self._place is not None else []
        if before and self._place is not None:
            try:
                with self._place.replace() as out:  # what was there stays until it is there anew
                    out.write(b"".join(before))
            except OSError as error:
                self._fail(error)
                return
        place = open_in_place(self.path) if self._place is None else self.path
        self._file = open(place, "ab" if before else "wb", buffering=0)  # noqa: SIM115  (closed by __exit__)
        if not before:
            self._write({"event": "start", "tokens": tokens_done, "tokens_total": tokens_total})

    def training(self, progress: Progress) -> None:
        """One line per second."""
        self._loss += progress.loss * progress.examples
        self._examples += progress.examples
        now = self.clock()
        if now - self._last < PROGRESS_EVERY_S:
            return
        self._last = now
        loss = self._loss / max(1, self._examples)
        self._loss, self._examples = 0.0, 0
        self._write(
            {
                "event": "progress",
                "epoch": progress.epoch,
                "tokens": progress.tokens_done,
                "tokens_total": progress.tokens_total,
                "lr": progress.lr,
                "loss": loss,
                "words_per_s": round(progress.words_per_s),
            }
        )

    def epoch(self, report: EpochReport) -> None:
        """An `epoch` line, an `eval` line, or both."""
        place = {"epoch": report.epoch, "tokens": report.tokens_done, "tokens_total": report.tokens_total}
        held_out = {} if report.held_out_loss is None else {"held_out_loss": report.held_out_loss}
        if report.whole:
            self._write(
                {
                    "event": "epoch",
                    **place,
                    "lr": report.lr,
                    "loss": report.loss,
                    "words_per_s": round(report.words_per_s),
                    **held_out,
                }
            )
            held_out = {}
        if report.scores or held_out:
            self._write({"event": "eval", **place, **held_out, "scores": report.scores})

    def ended(self, state: TrainState, summary: TrainSummary) -> None:
        """The last line of a run that has ended well."""
        self._write(
            {
                "event": "end",
                "epoch": summary.epochs,
                "tokens": summary.tokens_total,
                "tokens_total": state.tokens_total,
                "loss": summary.loss,
                "words_per_s": round(summary.words_per_s),
            }
        )

    def _write(self, event: dict[str, Any]) -> None:
        event = {"event": event.pop("event"), "time": round(self.clock() - self._start, 3), **event}
        self._put(json.dumps(finite(event), ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n")

    def _put(self, data: bytes) -> None:
        """One write a line: a reader, and whoever finds the log of a killed run, sees whole lines."""
        if self._file is not None:
            try:
                self._file.write(data)
            except OSError as error:
                self._fail(error)

    def _fail(self, error: OSError) -> None:
        """The log ends here."""
        error.filename = error.filename or self.path
        self._close()
        if self.on_failure is not None:
            self.on_failure(error)


def finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: null stands for them."""
    if isinstance(value, dict):
        return {key: finite(each) for key, each in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def kept_lines(path: str, tokens_done: int) -> list[bytes]:
    """The lines of an earlier log up to this many tokens; none where there is no log."""
    lines = []
    try:
        with open(path, "rb") as file:
            while line := file.readline(LONGEST_LINE):
                try:
                    event = json.loads(line)
                    if line.endswith(b"\n") and event["event"] != "end" and event["tokens"] <= tokens_done:
                        lines.append(line)
                except (ValueError, TypeError, KeyError, RecursionError):
                    continue
    except FileNotFoundError:
        pass
    return lines
