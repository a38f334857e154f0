"""A training as curves: loss, learning rate, words per second, scores.

They come from its log, JSON lines as docs/log.md describes them, read so that a last half line does no harm.
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

from w2v.errors import W2VError
from w2v.files import open_by_content
from w2v.seeing import needed
from w2v.seeing.cells import plain
from w2v.seeing.fonts import fonts_for, saved

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Log", "Point", "draw_curves", "read_log"]

NUMBERS = ("time", "epoch", "tokens", "tokens_total", "lr", "loss", "words_per_s", "held_out_loss")
LONGEST_LINE = 1 << 20  # bytes
INK, GREY, LIGHT = "#1d2430", "#6b7280", "#e6e8ec"
# Okabe and Ito 2008: told apart by people with any kind of colour blindness.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#444444")
DASHES = ("-", "--", ":", "-.")
TITLES = {"loss": "mean loss", "lr": "learning rate", "words_per_s": "million words a second", "scores": "scores"}
FEW = 12  # points; up to this many have marks


@dataclass(frozen=True)
class Point:
    """One line: its event, the numbers that it gives, the scores by name."""

    event: str
    numbers: dict[str, float]
    scores: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Log:
    """The points of a run, in order, and how many lines could not be read."""

    points: tuple[Point, ...]
    skipped: int

    def series(self, name: str, event: str = "") -> tuple[list[float], list[float]]:
        """(tokens, values) of every point that has both; of one kind of event, if it is given."""
        points = [p.numbers for p in self.points if {"tokens", name} <= p.numbers.keys() and event in ("", p.event)]
        return [numbers["tokens"] for numbers in points], [numbers[name] for numbers in points]

    def course(self, name: str) -> tuple[list[float], list[float]]:
        """(tokens, values) while it went: the progress lines, whose numbers are of a moment, not of an epoch or the
        whole run; the epochs' where there are none."""
        course = self.series(name, "progress")
        return course if len(course[0]) > 1 else self.series(name, "epoch") if self.series(name, "epoch")[0] else course

    def scores(self) -> dict[str, tuple[list[float], list[float]]]:
        """Name of a score -> (tokens, values)."""
        found: dict[str, tuple[list[float], list[float]]] = {}
        for point in self.points:
            for name, value in point.scores.items():
                if "tokens" in point.numbers:
                    xs, ys = found.setdefault(name, ([], []))
                    xs.append(point.numbers["tokens"])
                    ys.append(value)
        return found


def read_log(path: str | os.PathLike[str]) -> Log:
    """Read a log. Lines that are no JSON objects with an event are counted and skipped: a run that was killed leaves
    half a line. W2VError when no line can be used."""
    points: list[Point] = []
    skipped = 0
    with open_by_content(path) as file:
        while line := file.readline(LONGEST_LINE):
            if not line.strip():
                continue
            point = point_of(line)
            if point is None:
                skipped += 1
            else:
                points.append(point)
    if not any("tokens" in point.numbers for point in points):
        raise W2VError(
            f"{os.fspath(path)}: no line is an event of a training ({skipped} lines are not JSON objects with an event "
            "and tokens); give a file written by w2v train --log"
        )
    return Log(tuple(points), skipped)


def point_of(line: bytes) -> Point | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not isinstance(value.get("event"), str):
        return None
    scores = value.get("scores")
    return Point(
        value["event"],
        {name: number for name in NUMBERS if (number := number_of(value.get(name))) is not None},
        {str(name): number for name, each in scores.items() if (number := number_of(each)) is not None}
        if isinstance(scores, dict)
        else {},
    )


def number_of(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def draw_curves(logs: dict[str, Log], file: BinaryIO, form: str) -> list[str]:
    """One panel a quantity, one colour a log; returns warnings."""
    needed("matplotlib")
    from matplotlib.figure import Figure

    names = [name for log in logs.values() for name in log.scores()]
    fonts, warnings = fonts_for([*logs, *names])
    panels = [name for name in TITLES if name != "scores" or names]
    down = (len(panels) + 1) // 2
    figure = Figure(figsize=(9, 2.3 * down + 0.5), layout="constrained")
    grid = figure.subplots(down, 2, squeeze=False).ravel()
    for axes, panel in zip(grid, panels, strict=False):
        for number, (name, log) in enumerate(logs.items()):
            draw_panel(axes, panel, log, number, plain(name) if len(logs) > 1 else "")
        if len(logs) == 1:
            mark_epochs(axes, log)
        finish(axes, panel, max(last(log) for log in logs.values()), fonts)
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    saved(figure, file, form)
    return warnings


def draw_panel(axes: Axes, panel: str, log: Log, number: int, name: str) -> None:
    """One log's line in one panel: the colour shows the log, the dashes what is measured."""
    colour = COLOURS[number % len(COLOURS)]
    if panel == "scores":
        for place, (score, (xs, ys)) in enumerate(log.scores().items()):
            draw_line(
                axes,
                xs,
                ys,
                f"{name} {plain(score)}".strip(),
                DASHES[place % 4],
                colour if name else COLOURS[place % len(COLOURS)],
            )
        return
    xs, ys = log.course(panel)
    held_out = log.series("held_out_loss") if panel == "loss" else ([], [])
    scale = 1e6 if panel == "words_per_s" else 1
    draw_line(axes, xs, [y / scale for y in ys], name or ("training" if held_out[0] else ""), "-", colour)
    if held_out[0]:
        draw_line(axes, *held_out, f"{name}, held out" if name else "held out", "--", colour if name else COLOURS[1])


def draw_line(axes: Axes, xs: list[float], ys: list[float], label: str, dashes: str, colour: str) -> None:
    axes.plot(
        [x / 1e6 for x in xs],
        ys,
        dashes,
        color=colour,
        linewidth=1.6,
        marker="o" if len(xs) < FEW else None,
        markersize=3.5,
        label=label or None,
        zorder=3,
        clip_on=False,
    )


def mark_epochs(axes: Axes, log: Log) -> None:
    """A thin line where an epoch ends."""
    for end in sorted({p.numbers["tokens"] for p in log.points if p.event == "epoch" and "tokens" in p.numbers})[:-1]:
        axes.axvline(end / 1e6, color="#c9ced6", linewidth=0.8, linestyle=(0, (2, 2)), zorder=1)


def last(log: Log) -> float:
    return max(max(p.numbers.get("tokens", 0), p.numbers.get("tokens_total", 0)) for p in log.points)


def finish(axes: Axes, panel: str, tokens: float, fonts: list[str]) -> None:
    axes.set_title(TITLES[panel], loc="left", fontsize=10, color=INK, fontweight="bold")
    axes.set_xlabel("million tokens, over all epochs", fontsize=8, color=GREY)
    axes.tick_params(labelsize=8, colors=GREY, length=0)
    axes.grid(color=LIGHT, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color("#c9ced6")
    axes.set_xlim(0, tokens / 1e6 or 1)
    if panel in ("lr", "words_per_s"):
        axes.set_ylim(bottom=0)
    if any(line.get_label()[0] != "_" for line in axes.get_lines()):
        axes.legend(frameon=False, prop={"family": fonts, "size": 8}, labelcolor=INK)
