"""Plays a recorded training in the terminal: forward, back, faster, to an epoch."""

from __future__ import annotations

import dataclasses
import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from shutil import get_terminal_size
from typing import TYPE_CHECKING

from w2v.cli.steps import cells, marked
from w2v.cli.streams import is_terminal, write
from w2v.cli.terminal import aligned, colour_depth, painted, width_of
from w2v.errors import printable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from w2v.training.lesson import Lesson, LessonStep

__all__ = ["Screen", "play"]

STAGES = ("window", "samples", "dot products", "sigmoid", "error", "update")
SPEEDS = (0.5, 1.0, 3.0, 10.0, 40.0)
FRAME_S = 1.4
KEYS = "space pause   ← → step   n word   e epoch   + - speed   g NUMBER Enter to an epoch   0 beginning   q quit"
MAP_ROWS = 14


class Screen:
    """What is shown at a frame: a stage of a step. Frame 0 is the beginning, the last one the end."""

    def __init__(self, lesson: Lesson, depth: int):
        self.lesson = dataclasses.replace(lesson, words=[printable(word) for word in lesson.words])
        self.depth = depth
        self.last = len(lesson.steps) * len(STAGES) + 1
        self.first_of: dict[int, int] = {}
        for number, step in enumerate(lesson.steps):
            self.first_of.setdefault(step.epoch, number)

    def step_at(self, frame: int) -> int:
        return min(len(self.lesson.steps) - 1, max(0, frame - 1) // len(STAGES))

    def epoch_at(self, frame: int) -> int:
        """0 at the beginning; beyond the last one at the end."""
        if frame == 0:
            return 0
        return self.lesson.config.epochs + 1 if frame == self.last else self.lesson.steps[self.step_at(frame)].epoch

    def to_word(self, frame: int) -> int:
        """The frame at which the next centre word's step begins."""
        return 1 if frame == 0 else min(self.last, 1 + (self.step_at(frame) + 1) * len(STAGES))

    def to_epoch(self, epoch: int) -> int:
        """The frame at which the first epoch that is kept, from this one on, begins."""
        found = [number for kept, number in self.first_of.items() if kept >= epoch]
        return 1 + found[0] * len(STAGES) if found else self.last

    def inputs_at(self, frame: int) -> NDArray[np.float32]:
        """The embedding matrix at a frame: that of the epoch's beginning, with the recorded rows since."""
        epoch = min(max(self.epoch_at(frame), min(self.first_of)), self.lesson.config.epochs + 1)
        matrix = self.lesson.begins[epoch][0].copy()
        if frame in (0, self.last):
            return matrix
        here = self.step_at(frame)
        updated = (frame - 1) % len(STAGES) == len(STAGES) - 1
        for step in self.lesson.steps[self.first_of[epoch] : here + updated]:
            for row, values in step.changed[0].items():
                matrix[row] = values
        return matrix

    def lines(self, frame: int, width: int, height: int) -> list[str]:
        """What fits on the screen at a frame."""
        lesson, epoch = self.lesson, self.epoch_at(frame)
        inside = 0 < frame < self.last
        step = lesson.steps[self.step_at(frame)] if inside else None
        stage = (frame - 1) % len(STAGES) if inside else -1
        place = f"epoch {epoch} of {lesson.config.epochs}" if inside else "the beginning" if frame == 0 else "the end"
        stages = "  ".join(f"[{name}]" if i == stage else name for i, name in enumerate(STAGES))
        head = [painted(f"{place}   {stages}", "1", self.depth), ""]
        lines = head + (self.step_lines(step, stage, width) if step else self.still_lines(frame))
        lines += ["", "embedding matrix", *self.matrix_lines(frame, step, width)]
        room = height - len(lines) - 3
        if room >= 6:
            lines += ["", *self.map_lines(epoch, width, min(room, MAP_ROWS))]
        return [*lines[: height - 2], "", painted(KEYS[:width], "2", self.depth)]

    def still_lines(self, frame: int) -> list[str]:
        words = self.lesson.words
        if frame == 0:
            return [f"{len(words)} words; each row begins with random numbers, the context matrix with zeros."]
        losses = self.lesson.losses
        return [f"Loss per sample: {losses[0]:.3f} in the first epoch, {losses[-1]:.3f} in the last."]

    def step_lines(self, step: LessonStep, stage: int, width: int) -> list[str]:
        from w2v.training.samples import Step, TracedSentence

        sentence = TracedSentence(step.epoch, step.lr, step.sentence, step.kept, [])
        window = Step(step.place, step.first, step.last, [])
        lines = [marked(sentence, window, self.lesson.words, self.depth, width), ""]
        if stage < 1:
            return lines
        table = [
            (
                self.input_name(given, step),
                self.output_name(output),
                str(label),
                *(
                    form.format(number) if stage > i else ""
                    for i, (form, number) in enumerate(zip(("{:+.4f}", "{:.4f}", "{:+.4f}"), numbers, strict=True), 1)
                ),
            )
            for given, output, label, *numbers in step.samples
        ]
        header = ("input", "output", "label", "dot product", "sigmoid", "error")
        return lines + aligned(header, table, left=2).splitlines()

    def input_name(self, row: int, step: LessonStep) -> str:
        if row >= 0:
            return self.lesson.words[row]
        return "mean of " + ", ".join(self.lesson.words[word] for word in step.inputs)

    def output_name(self, row: int) -> str:
        return f"node {row}" if self.lesson.config.loss == "hs" else self.lesson.words[row]

    def matrix_lines(self, frame: int, step: LessonStep | None, width: int) -> list[str]:
        words, matrix = self.lesson.words, self.inputs_at(frame)
        used = set(step.inputs) if step else set()
        rows = sorted([*used, *(row for row in range(len(words)) if row not in used)][:12])
        longest = max(width_of(words[row]) for row in rows)
        largest = float(abs(matrix).max()) or 1.0
        return [
            f"{'>' if row in used else ' '} {words[row]}{' ' * (longest - width_of(words[row]))}  "
            + cells(matrix[row], largest, width - longest - 4, self.depth)
            for row in rows
        ]

    def map_lines(self, epoch: int, width: int, height: int) -> list[str]:
        """The words on a grid of characters; where two meet, the more frequent one is shown."""
        lesson = self.lesson
        shown = max(i for i, ended in enumerate(lesson.mapped) if ended < max(1, epoch))
        wide = min(width, 78)
        grid = [[" "] * wide for _ in range(height)]
        for word, (x, y) in zip(lesson.words, lesson.places[shown], strict=True):
            size = width_of(word)
            row = round((1 - y) / 2 * (height - 1))
            column = min(wide - size, round((x + 1) / 2 * (wide - 1)))
            if 0 <= column and all(cell == " " for cell in grid[row][max(0, column - 1) : column + size + 1]):
                grid[row][column : column + size] = [word, *[""] * (size - 1)]
        return ["".join(row).rstrip() for row in grid]


def play(lesson: Lesson) -> None:
    """Play on the terminal until the end or `q`. Without a keyboard it plays through."""
    screen = Screen(lesson, colour_depth("auto"))
    frame, speed, paused = 0, 1, False
    with keyboard() as wait:
        while True:
            width, height = get_terminal_size()
            write("\x1b[H\x1b[2J" + "\n".join(screen.lines(frame, width, height)) + "\n", styled=True)
            sys.stdout.flush()
            rate = SPEEDS[speed]
            key = wait(None if paused or frame == screen.last else 0.15 if rate >= 10 else FRAME_S / rate)
            if key == "" and frame == screen.last:
                return
            if key == "":
                frame = step_forward(screen, frame, rate)
            elif key in ("q", "\x03", "\x04"):
                return
            elif key == " ":
                paused = not paused
            elif key in ("+", "-"):
                speed = min(len(SPEEDS) - 1, max(0, speed + (1 if key == "+" else -1)))
            elif key == "g":
                frame, paused = screen.to_epoch(read_number(wait)), True
            else:
                moves = {
                    "\x1b[C": frame + 1,
                    "\x1b[D": frame - 1,
                    "n": screen.to_word(frame),
                    "0": 0,
                    "e": screen.to_epoch(screen.epoch_at(frame) + 1),
                }
                if key in moves:
                    frame, paused = max(0, min(screen.last, moves[key])), True


def step_forward(screen: Screen, frame: int, rate: float) -> int:
    """The next frame at this speed: a stage, a word or an epoch on."""
    if rate >= 40:
        return screen.to_epoch(screen.epoch_at(frame) + 1)
    return screen.to_word(frame) if rate >= 10 else min(screen.last, frame + 1)


def read_number(wait: Wait) -> int:
    digits = ""
    while (key := wait(None)).isdigit():
        digits += key
    return int(digits or 1)


class Wait:
    """Waits for a key, at most this many seconds; "" where none comes, or where there is no keyboard."""

    def __init__(self, fd: int | None):
        self.fd = fd
        self.typed = ""

    def __call__(self, timeout_s: float | None) -> str:
        if self.fd is None:
            select.select([], [], [], timeout_s or 0)
            return ""
        if not self.typed:
            if not select.select([self.fd], [], [], timeout_s)[0]:
                return ""
            self.typed = os.read(self.fd, 64).decode("ascii", "replace") or "q"  # the terminal has gone
        size = 3 if self.typed.startswith("\x1b[") else 1  # an arrow is three characters
        key, self.typed = self.typed[:size], self.typed[size:]
        return key


@contextmanager
def keyboard() -> Iterator[Wait]:
    """Keys as they are typed; the terminal is put back as it was."""
    if not is_terminal(sys.stdin):
        yield Wait(None)
        return
    import termios
    import tty

    fd = sys.stdin.fileno()
    before = termios.tcgetattr(fd)
    try:
        tty.setcbreak(fd)
        yield Wait(fd)
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)
