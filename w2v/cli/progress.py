"""Progress on stderr: a line with a bar on a terminal, lines elsewhere, nothing with --quiet."""

from __future__ import annotations

import contextlib
import math
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from w2v.cli.errors import LIVE, say
from w2v.cli.streams import is_terminal
from w2v.cli.terminal import bar, columns, shows_unicode
from w2v.numbers import duration, short, size
from w2v.training.progress import Reporter

if TYPE_CHECKING:
    from w2v.corpus.sources import ReadProgress
    from w2v.training.progress import EpochReport, Progress
    from w2v.training.state import TrainState

__all__ = ["Bars", "Lines", "NullProgress", "Step", "progress_for", "progress_line"]

MOST_RATES = 8  # of nodes, in one line
FIRST_LINE_S, NEXT_LINE_S = 5.0, 10.0
REDRAW_S = 0.09
FIRST_GUESS_S = 1.0  # of how long something takes
LEAST_BAR, MOST_BAR = 8, 30  # characters


def progress_for(quiet: bool, leave: bool = True) -> NullProgress:
    """What suits the place: a bar on a terminal, lines in a log and on a terminal that cannot go back in a line.

    Without `leave` nothing of a bar is left when its step has ended.
    """
    if quiet:
        return NullProgress()
    return Bars(leave) if is_terminal(sys.stderr) and os.environ.get("TERM") != "dumb" else Lines()


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

    def work(self, name: str, done: int, total: int | None, *details: str) -> None:
        """How much of something is done, of how much if that is known; `details` say it with units."""

    def part(self, name: str, done: int, total: int) -> None:
        """A part of a work: how much of it is done, or, where nobody knows (0), that it begins."""
        if total:
            self.work(name, done, total)
        else:
            self.finish()
            self.phase(name)

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
        self.shown = False
        self.finish()

    def finish(self, complete: bool = True) -> None:
        self.due: float | None = None  # unknown until the step's first call

    def phase(self, name: str) -> None:
        """What comes next, in a log that has lines already: a short run has none."""
        if self.shown:
            say(name)

    def note(self, text: str, important: bool = False) -> None:
        say(text)

    def is_time(self) -> bool:
        now = self.clock()
        if self.due is None:
            self.due = now + FIRST_LINE_S
        if now < self.due:
            return False
        self.shown = True
        self.due = now + NEXT_LINE_S
        return True

    def reading(self, progress: ReadProgress) -> None:
        read = (size(progress.bytes_done), f"{short(progress.tokens)} tokens")
        self.work("reading", progress.bytes_done, progress.bytes_total, *read)

    def work(self, name: str, done: int, total: int | None, *details: str) -> None:
        if self.is_time():
            say(f"{name}: {', '.join([percent(done, total), *details] if total else details)}")

    def training(self, progress: Progress) -> None:
        if self.is_time():
            say(
                f"training: {percent(progress.tokens_done, progress.tokens_total)}, "
                f"epoch {progress.epoch} of {progress.epochs}, "
                f"{', '.join(details(progress))}, {time_left(progress)}"
            )


@dataclass(frozen=True)
class Step:
    """What a line of progress says: a name, the share that is done (None if it is not known), details as there is room.

    Steps of one `label` follow each other in the same line.
    """

    label: str
    name: str
    share: float | None = None
    left: str = ""
    details: Sequence[str] = ()


def progress_line(step: Step, width: int, unicode: bool) -> str:
    """`epoch 3/8 ━━━━──── 38% 7 s left`, then details while there is room for them; never wider than `width`."""
    tail = [f"{step.share:.0%}"] if step.share is not None else []
    tail += [step.left] if step.left else []
    while tail and len(" ".join([step.name, *tail])) > width:
        tail.pop()
    line = [step.name, *tail]
    room = width - len(" ".join(line))
    cells = LEAST_BAR if step.share is not None and room > LEAST_BAR else 0
    room -= cells + (cells > 0)
    more = ""
    for detail in step.details:
        if len(more) + 2 + len(detail) > room:
            break
        more += f"  {detail}"
    if cells and step.share is not None:
        line.insert(1, bar(step.share, min(MOST_BAR, cells + room - len(more)), unicode))
    return (" ".join(line) + more)[:width]


class Bars(NullProgress):
    """One line, written again and again, as wide as the terminal is at the time; it stays when its step has ended."""

    def __init__(self, leave: bool = True, clock: Callable[[], float] = time.monotonic):
        self.leave = leave
        self.clock = clock
        self.prefix = ""  # before the name of every step
        self.step: Step | None = None
        self.began = self.drawn = -math.inf
        self.shown = 0  # characters that are in the line
        self.unicode = shows_unicode(sys.stderr)
        LIVE[:] = [self.clear]

    def show(self, step: Step) -> None:
        """The step as it is now, or what comes after it."""
        now = self.clock()
        if self.step is None or self.step.label != step.label:
            self.finish()
            self.began, self.drawn = now, -math.inf
        self.step = step
        if now - self.drawn >= REDRAW_S:
            self.drawn = now
            self.draw(step)

    def draw(self, step: Step, end: str = "") -> None:
        shown = replace(step, name=self.prefix + step.name)
        self.put(progress_line(shown, columns(sys.stderr) - 1, self.unicode), end)

    def put(self, line: str, end: str = "") -> None:
        """The line over what was there before, with spaces and no codes: some terminals would print those."""
        with contextlib.suppress(OSError, ValueError, AttributeError):
            rest = max(0, min(self.shown, columns(sys.stderr) - 1) - len(line))
            sys.stderr.write("\r" + line + " " * rest + ("" if line else "\r") + end)
            sys.stderr.flush()
        self.shown = 0 if end else len(line)

    def clear(self) -> None:
        if self.shown:
            self.put("")

    def note(self, text: str, important: bool = False) -> None:
        say(text)
        if self.step is not None:
            self.draw(self.step)

    def finish(self, complete: bool = True) -> None:
        step, self.step = self.step, None
        if step is None or not self.leave:
            self.clear()
            return
        if complete:
            took = f"in {duration(self.clock() - self.began)}"
            step = replace(step, share=None if step.share is None else 1.0, left=took)
        self.draw(step, "\n")

    def phase(self, name: str) -> None:
        """Shown until the next report, or the end."""
        names = [self.step.name, name] if self.step is not None else [name]
        self.put((self.prefix + " ".join(names))[: columns(sys.stderr) - 1])

    def reading(self, progress: ReadProgress) -> None:
        read = (size(progress.bytes_done), f"{short(progress.tokens)} tokens")
        self.work("reading", progress.bytes_done, progress.bytes_total, *read)

    def work(self, name: str, done: int, total: int | None, *details: str) -> None:
        if not total:
            self.show(Step(name, " ".join([name, *details[:1]]), None, "", details[1:]))
            return
        share, spent = min(1.0, done / total), 0.0
        if self.step is not None and self.step.label == name:
            spent = self.clock() - self.began
        left = seconds_left(spent * (1 - share) / share) if share and spent > FIRST_GUESS_S else ""
        self.show(Step(name, name, share, left, details))

    def training(self, progress: Progress) -> None:
        share = progress.tokens_done / progress.tokens_total if progress.tokens_total else None
        name = f"epoch {progress.epoch}/{progress.epochs}"
        self.show(Step("training", name, share, time_left(progress), details(progress)))


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


def details(progress: Progress) -> list[str]:
    """What is worth to know of a training, the most important first."""
    nodes = [on_nodes(progress)] if getattr(progress, "nodes", ()) else []
    return [f"{short(progress.words_per_s)} words/s", *nodes, f"loss {progress.loss:.4f}", f"lr {progress.lr:.4f}"]


def on_nodes(progress: Any) -> str:
    """Of a training on a cluster: how many nodes, the words/s of each, the bytes that they exchanged."""
    rates = [short(node.words_per_s) for node in progress.nodes[:MOST_RATES]]
    rates += ["..."] if len(progress.nodes) > MOST_RATES else []
    nodes = "1 node" if len(progress.nodes) == 1 else f"{len(progress.nodes)} nodes ({' '.join(rates)})"
    return f"{nodes}, {size(progress.bytes_exchanged)} exchanged"


def time_left(progress: Progress) -> str:
    if not progress.words_per_s:
        return "? s left"
    return seconds_left((progress.tokens_total - progress.tokens_done) / progress.words_per_s)


def seconds_left(seconds: float) -> str:
    whole = math.ceil(seconds)
    return f"{whole} s left" if whole < 60 else f"{duration(whole)} left"
