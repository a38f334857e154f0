"""Colours: where there are any, how many, and which ink is read on which paper."""

from __future__ import annotations

import re

import numpy as np
import pytest

from w2v.cli import terminal as module
from w2v.cli.steps import cells, row_lines
from w2v.cli.terminal import LEVELS, NONE, TRUE, XTERM, colour_depth, nearest_of_256, painted, paper, shade
from w2v.seeing.cells import RED
from w2v.training.config import TrainConfig
from w2v.training.samples import Update


@pytest.mark.parametrize(("when", "terminal", "environment", "depth"), [
    ("auto", True, {"TERM": "xterm"}, XTERM), ("auto", True, {"TERM": "xterm", "COLORTERM": "truecolor"}, TRUE),
    ("auto", True, {"TERM": "xterm", "COLORTERM": "24BIT"}, TRUE), ("auto", True, {"TERM": "xterm-direct"}, TRUE),
    ("auto", True, {"TERM": "konsole-truecolor"}, TRUE), ("auto", True, {"TERM": "dumb"}, NONE),
    ("auto", True, {}, NONE), ("auto", False, {"TERM": "xterm"}, NONE),
    ("auto", True, {"TERM": "xterm", "NO_COLOR": "1"}, NONE), ("auto", True, {"TERM": "xterm", "NO_COLOR": ""}, XTERM),
    ("always", False, {"NO_COLOR": "1"}, XTERM), ("always", False, {"TERM": "dumb"}, XTERM),
    ("always", False, {"COLORTERM": "truecolor"}, TRUE), ("never", True, {"TERM": "xterm"}, NONE),
])  # fmt: skip
def test_colours_follow_the_option_the_terminal_and_the_environment(monkeypatch, when, terminal, environment, depth):
    monkeypatch.setattr(module, "is_terminal", lambda stream: terminal)
    assert colour_depth(when, environment) == depth


@pytest.mark.parametrize(("rgb", "number"), [
    ((0, 0, 0), 16), ((255, 255, 255), 231), ((255, 0, 0), 196), ((0, 255, 0), 46), ((0, 0, 255), 21),
    ((95, 135, 175), 67), ((8, 8, 8), 232), ((18, 18, 18), 233), ((238, 238, 238), 255), ((250, 250, 250), 231),
])  # fmt: skip
def test_the_nearest_of_xterms_colours(rgb, number):
    assert nearest_of_256(rgb) == number


def test_ink_is_black_on_light_paper_and_white_on_dark():
    assert paper((255, 255, 255), TRUE) == "48;2;255;255;255;30"
    assert paper((0, 0, 139), TRUE) == "48;2;0;0;139;97"
    assert paper((128, 128, 128), TRUE).endswith(";97")  # 128,000 of luma: not above it
    assert paper((129, 128, 128), TRUE).endswith(";30")
    assert paper((255, 0, 0), XTERM) == "48;5;196;97"


def test_a_ramp_of_256_colours_goes_from_blue_over_white_to_red():
    steps = [shade(share / 10, XTERM) for share in range(-10, 11)]
    colours = [xterm_rgb(int(code.split(";")[2])) for code in dict.fromkeys(steps)]
    assert len(colours) == 11
    for red, green, blue in colours[:5]:
        assert blue > red
        assert blue >= green >= red
    for red, green, blue in colours[6:]:
        assert red > green == blue
    assert max(colours[5]) - min(colours[5]) == 0
    papers, inks = zip(
        *(shade(share / 5, XTERM).removeprefix("48;5;").split(";") for share in range(-5, 6)), strict=True
    )
    assert list(map(int, papers)) == [25, 67, 110, 153, 189, 255, 224, 217, 174, 167, 124]
    assert inks == ("97", "97", *["30"] * 7, "97", "97")
    assert shade(-7, XTERM) == steps[0]
    assert shade(1.0, TRUE) == paper(RED, TRUE)


def xterm_rgb(number: int) -> tuple[int, int, int]:
    if number >= 232:
        return (8 + 10 * (number - 232),) * 3
    cube = number - 16
    return LEVELS[cube // 36], LEVELS[cube // 6 % 6], LEVELS[cube % 6]


def test_text_is_painted_where_there_are_colours():
    assert painted("word", "1", XTERM) == "\x1b[1mword\x1b[0m"
    assert painted("word", "1", NONE) == "word"


def test_cells_of_a_row_are_as_many_as_fit():
    row = np.array([1.0, -1.0, 0.5], np.float32)
    assert [len(re.findall("m( +)", cells(row, 1.0, room, TRUE))) for room in (2, 3, 6, 60)] == [2, 3, 3, 3]
    assert [set(re.findall("m( +)", cells(row, 1.0, room, TRUE))) for room in (2, 5, 6, 60)] == [
        {" "},
        {" "},
        {"  "},
        {"  "},
    ]
    assert cells(row, 1.0, 6, XTERM).endswith("\x1b[0m")
    assert cells(row, 1.0, 60, NONE) == "+1.000 -1.000 +0.500"
    assert cells(row, 1.0, 1, NONE) == "+1.000 …"


def test_the_rows_of_an_update_are_lined_up_and_shaded_by_the_largest_number():
    rows = [np.array([[0.5, -0.25]], np.float32) * scale for scale in (1, 2, 3, 4)]
    update = Update([1], [(0, 1)], rows[0], rows[1], np.zeros((1, 1), np.float32), rows[2], rows[3])
    config = TrainConfig(dim=2, threads=1)
    assert list(row_lines(update, ["of", "brown"], config, NONE, 80)) == [
        "    input  brown  +0.500 -0.250  →  +1.500 -0.750\n",
        "    output of     +1.000 -0.500  →  +2.000 -1.000\n",
    ]
    first, second = row_lines(update, ["of", "brown"], config, TRUE, 80)
    assert first == f"    input  brown  {cells(rows[0][0], 2.0, 28, TRUE)}  →  {cells(rows[2][0], 2.0, 28, TRUE)}\n"
    assert second == f"    output of     {cells(rows[1][0], 2.0, 28, TRUE)}  →  {cells(rows[3][0], 2.0, 28, TRUE)}\n"


@pytest.mark.parametrize(("width", "shown"), [(20, 1), (50, 1), (51, 2), (64, 2), (65, 3), (200, 3)])
def test_as_many_numbers_of_a_row_are_shown_as_fit_on_both_sides_of_the_arrow(width, shown):
    rows = np.ones((1, 3), np.float32)
    update = Update([0], [(0, 1)], rows, rows, np.zeros((1, 1), np.float32), rows, rows)
    line = next(iter(row_lines(update, ["king"], TrainConfig(dim=3, threads=1), NONE, width)))
    assert line.count("+1.000") == 2 * shown
    assert line.count("…") == (0 if shown == 3 else 2)


def test_rows_of_zeros_are_shaded_as_zero():
    rows = np.zeros((1, 2), np.float32)
    update = Update([0], [(0, 1)], rows, rows, np.zeros((1, 1), np.float32), rows, rows)
    (line, _) = row_lines(update, ["king"], TrainConfig(dim=2, threads=1), XTERM, 80)
    assert line.count(shade(0.0, XTERM)) == 4
