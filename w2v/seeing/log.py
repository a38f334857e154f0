"""The log of a training: JSON lines as docs/log.md describes them, read so that a last half line does no harm."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass, field
from typing import Any

from w2v.errors import W2VError
from w2v.files import open_by_content

__all__ = ["Log", "Point", "read_log"]

NUMBERS = ("time", "epoch", "tokens", "tokens_total", "lr", "loss", "words_per_s", "held_out_loss")
LONGEST_LINE = 1 << 20  # bytes


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
