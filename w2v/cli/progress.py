"""Progress on stderr: bars on a terminal, a plain line now and then elsewhere, nothing when told to be quiet."""

from __future__ import annotations

import math
import os
import sys
import time
from typing import TYPE_CHECKING, Any, TextIO

from w2v.cli.errors import say
from w2v.cli.streams import is_terminal
from w2v.numbers import duration, short, size
from w2v.training.progress import Reporter

if TYPE_CHECKING:
    from w2v.corpus.sources import ReadProgress
    from w2v.training.progress import EpochReport, Progress
    from w2v.training.state import TrainState

__all__ = ["Bars", "Lines", "NullProgress", "progress_for"]

MOST_RATES = 8  # of nodes, in one line
FIRST_LINE_S, NEXT_LINE_S = 5.0, 10.0


def progress_for(quiet: bool) -> NullProgress:
    """What suits the place: bars on a terminal, lines in a log."""
    if quiet:
        return NullProgress()
    return Bars() if is_terminal(sys.stderr) else Lines()


class NullProgress(Reporter):
    """Shows only what is important; the others share its shape. A context manager: leaving it ends the display."""

    _last_s = 0.0  # when the last epoch ended

    def starting(self, state: TrainState) -> None:
        self._last_s = state.seconds

    def epoch(self, report: EpochReport) -> None:
        """A line when there is more to say than a loss, or when the epoch took long."""
        took, self._last_s = report.seconds - self._last_s, report.seconds
        if report.scores or report.held_out_loss is not None or took >= FIRST_LINE_S:
            self.note(epoch_line(report))

    def note(self, text: str, important: bool = False) -> None:
        if important:
            say(text)

    def warn(self, text: str) -> None:
        self.note(f"warning: {text}", important=True)

    def __enter__(self) -> NullProgress:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.finish(complete=kind is None)


class Lines(NullProgress):
    """A line after 5 s of a step and then every 10 s."""

    def __init__(self, clock: Any = time.monotonic):
        self.clock = clock
        self.finish()

    def finish(self, complete: bool = True) -> None:
        self.due: float | None = None  # unknown until the step's first call

    def note(self, text: str, important: bool = False) -> None:
        say(text)

    def is_time(self) -> bool:
        now = self.clock()
        if self.due is None:
            self.due = now + FIRST_LINE_S
        if now < self.due:
            return False
        self.due = now + NEXT_LINE_S
        return True

    def reading(self, progress: ReadProgress) -> None:
        if self.is_time():
            share = f"{percent(progress.bytes_done, progress.bytes_total)}, " if progress.bytes_total else ""
            say(f"reading: {share}{size(progress.bytes_done)}, {short(progress.tokens)} tokens")

    def training(self, progress: Progress) -> None:
        if self.is_time():
            say(
                f"training: {percent(progress.tokens_done, progress.tokens_total)}, "
                f"epoch {progress.epoch} of {progress.epochs}, {details(progress)}, "
                f"{time_left(progress)}"
            )


class Bars(NullProgress):
    """tqdm's bars: bytes for reading, tokens of all epochs for training."""

    def __init__(self, leave: bool = True) -> None:
        self.leave = leave
        self.bar: Any = None
        self.step = self.last = ""

    def open(self, step: str, total: int | None, unit: str, **kw: Any) -> Any:
        if self.step != step:
            self.finish()
            from tqdm import tqdm

            tqdm.monitor_interval = 0  # no thread that wakes bars up: ours are updated ten times a second
            self.step = step
            self.bar = tqdm(
                total=total or None,
                desc=step,
                unit=unit,
                unit_scale=True,
                file=sys.stderr,
                leave=self.leave,
                mininterval=0.1,
                miniters=0,
                smoothing=0.1,
                **width_of(sys.stderr),
                **kw,
            )
        return self.bar

    def note(self, text: str, important: bool = False) -> None:
        if self.bar is not None:
            self.bar.clear()
        say(text)
        if self.bar is not None:
            self.bar.refresh()

    def finish(self, complete: bool = True) -> None:
        if self.bar is not None:
            if complete and self.bar.total:
                self.bar.set_postfix_str(self.last, refresh=False)
                self.bar.update(self.bar.total - self.bar.n)
            self.bar.close()
        self.bar, self.step = None, ""

    def reading(self, progress: ReadProgress) -> None:
        bar = self.open("reading", progress.bytes_total, "B", unit_divisor=1000)
        self.last = f"{short(progress.tokens)} tokens"
        bar.set_postfix_str(self.last, refresh=False)
        bar.update(progress.bytes_done - bar.n)

    def training(self, progress: Progress) -> None:
        bar = self.open("training", progress.tokens_total, " words", bar_format=TRAINING_BAR)
        self.last = details(progress)
        bar.set_postfix_str(f"{self.last}, {time_left(progress)}", refresh=False)
        bar.update(progress.tokens_done - bar.n)


TRAINING_BAR = "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt}{postfix}"


def width_of(stream: TextIO) -> dict[str, Any]:
    """tqdm's arguments: as wide as the terminal is at the time, 80 for one that claims to have no columns."""
    try:
        known = os.get_terminal_size(stream.fileno()).columns > 0
    except (OSError, ValueError):
        known = False
    return {"dynamic_ncols": True} if known else {"ncols": 80}


def epoch_line(report: EpochReport) -> str:
    """epoch 2 of 5: loss 0.3512, held-out loss 0.3498, questions-words.txt 0.3120"""
    parts = [f"loss {loss_text(report.loss)}"] if report.whole else []
    parts += [f"held-out loss {report.held_out_loss:.4f}"] if report.held_out_loss is not None else []
    parts += [f"{name} {score:.4f}" for name, score in report.scores.items()]
    place = "" if report.whole else f", {percent(report.tokens_done, report.tokens_total)} of the run"
    return f"epoch {report.epoch} of {report.epochs}{place}: {', '.join(parts)}"


def loss_text(loss: float | None) -> str:
    """- where nothing was trained."""
    return "-" if loss is None else f"{loss:.4f}"


def percent(done: int, total: int) -> str:
    return f"{100 * done / total:.0f} %" if total else "0 %"


def details(progress: Progress) -> str:
    nodes = getattr(progress, "nodes", ())
    return (
        f"{short(progress.words_per_s)} words/s, {on_nodes(progress) if nodes else ''}lr {progress.lr:.4f}, "
        f"loss {progress.loss:.4f}"
    )


def on_nodes(progress: Any) -> str:
    """Of a training on a cluster: how many nodes, the words/s of each, the bytes that they exchanged."""
    rates = [short(node.words_per_s) for node in progress.nodes[:MOST_RATES]]
    rates += ["..."] if len(progress.nodes) > MOST_RATES else []
    nodes = "1 node" if len(progress.nodes) == 1 else f"{len(progress.nodes)} nodes ({' '.join(rates)})"
    return f"{nodes}, {size(progress.bytes_exchanged)} exchanged, "


def time_left(progress: Progress) -> str:
    if not progress.words_per_s:
        return "? s left"
    seconds = math.ceil((progress.tokens_total - progress.tokens_done) / progress.words_per_s)
    return f"{seconds} s left" if seconds < 60 else f"{duration(seconds)} left"
