"""The player of `w2v learn`: what is at each frame, and where each key leads."""

from __future__ import annotations

import os
from contextlib import contextmanager

import numpy as np
import pytest

from w2v.cli import player
from w2v.cli.player import SPEEDS, STAGES, Screen, Wait, play, read_number, step_forward
from w2v.training.config import TrainConfig
from w2v.training.lesson import Lesson, LessonStep

WORDS = ["sun", "moon", "st\x1bar"]
STEPS, EPOCHS = 2, (1, 2, 5)  # of each epoch that is kept; the last one of five


def lesson(**settings) -> Lesson:
    """Two steps an epoch; the s-th step of all sets row s % 3 to s."""
    made = Lesson(WORDS, TrainConfig(**{"dim": 2, "epochs": 5, "window": 1, "negative": 1, **settings}))
    matrix = np.zeros((3, 2), np.float32)
    for epoch in EPOCHS:
        made.begins[epoch] = matrix.copy(), matrix.copy()
        for place in range(STEPS):
            number = len(made.steps) + 1
            matrix[number % 3] = number
            samples = [(1 - place, place, 1, 0.5, 0.625, 0.375), (1 - place, 2, 0, -0.25, 0.4375, -0.4375)]
            changed = ({number % 3: np.full(2, number, np.float32)}, {})
            made.steps.append(LessonStep(epoch, [0, 1], [0, 1], place, 0, 1, 0.1, [1 - place], samples, changed))
    made.begins[6] = matrix.copy(), matrix.copy()
    made.losses = [0.75, 0.6, 0.5, 0.4, 0.25]
    made.mapped = [0, 1, 2, 5]
    made.places = np.array([[[0, 0], [0.1, 0], [0, -1]], [[1, 1], [-1, -1], [0, 0]], [[-1, 0], [1, 0], [0, 1]],
                            [[0, 1], [0, -1], [1, 0]]])  # fmt: skip
    return made


@pytest.fixture
def screen() -> Screen:
    return Screen(lesson(), 0)


def test_frames_are_the_beginning_six_stages_of_each_step_and_the_end(screen):
    assert screen.last == 6 * 6 + 1
    assert [screen.step_at(frame) for frame in (0, 1, 6, 7, 12, 13, 36, 37)] == [0, 0, 0, 1, 1, 2, 5, 5]
    assert [screen.epoch_at(frame) for frame in (0, 1, 12, 13, 25, 36, 37)] == [0, 1, 1, 2, 5, 5, 6]
    assert [screen.to_word(frame) for frame in (0, 1, 6, 7, 30, 31, 36, 37)] == [1, 7, 7, 13, 31, 37, 37, 37]
    assert [screen.to_epoch(epoch) for epoch in (0, 1, 2, 3, 5, 6)] == [1, 1, 13, 25, 25, 37]


def test_rows_change_with_the_update_of_their_step(screen):
    def numbers(frame):
        return screen.inputs_at(frame)[:, 0].tolist()

    assert numbers(0) == numbers(1) == numbers(5) == [0, 0, 0]
    assert numbers(6) == numbers(7) == numbers(11) == [0, 1, 0]
    assert numbers(12) == numbers(13) == [0, 1, 2]
    assert numbers(18) == [3, 1, 2]
    assert numbers(37) == [6, 4, 5]
    assert numbers(35) == [3, 4, 5]
    numbers(18)
    assert screen.lesson.begins[1][0].tolist() == [[0, 0]] * 3  # nothing of what is recorded has changed


def test_each_stage_shows_one_number_more(screen):
    def table(frame):
        return screen.lines(frame, 100, 50)[4:8]

    assert table(2)[0].split("  ")[-1].strip() == "error"
    shown = [[line.split() for line in table(frame)[1:3]] for frame in range(2, 7)]
    assert shown[0] == [["moon", "sun", "1"], ["moon", screen.lesson.words[2], "0"]]
    assert shown[1][0][2:] == ["1", "+0.5000"]
    assert shown[2][0][2:] == ["1", "+0.5000", "0.6250"]
    assert shown[3][0][2:] == shown[4][0][2:] == ["1", "+0.5000", "0.6250", "+0.3750"]
    assert shown[4][1][2:] == ["0", "-0.2500", "0.4375", "-0.4375"]
    assert "\x1b" not in "".join(screen.lines(2, 100, 50))
    assert table(1)[:2] == ["", "embedding matrix"]  # a window has no numbers yet


def test_the_head_says_where_the_frame_is(screen):
    heads = {frame: screen.lines(frame, 100, 40)[0] for frame in (0, 1, 6, 13, 36, 37)}
    assert heads[0] == "the beginning   " + "  ".join(STAGES)
    assert heads[1] == "epoch 1 of 5   [window]  samples  dot products  sigmoid  error  update"
    assert heads[6] == "epoch 1 of 5   window  samples  dot products  sigmoid  error  [update]"
    assert heads[13].startswith("epoch 2 of 5   [window]")
    assert heads[36].startswith("epoch 5 of 5 ")
    assert heads[37] == "the end   " + "  ".join(STAGES)
    assert screen.lines(0, 100, 40)[2].startswith("3 words; each row begins with random numbers")
    assert screen.lines(37, 100, 40)[2] == "Loss per sample: 0.750 in the first epoch, 0.250 in the last."
    assert screen.lines(1, 100, 40)[2] == "[sun](moon)"
    assert screen.lines(7, 100, 40)[2] == "(sun)[moon]"


def test_words_of_a_step_come_first_in_the_matrix_and_are_marked(screen):
    assert [line[:6] for line in screen.matrix_lines(1, screen.lesson.steps[0], 60)] == ["  sun ", "> moon", "  st\\x"]
    assert [line[0] for line in screen.matrix_lines(37, None, 60)] == [" ", " ", " "]
    many = lesson()
    many.words = [f"w{i}" for i in range(30)]
    many.begins[1] = np.ones((30, 2), np.float32), np.ones((30, 2), np.float32)
    many.steps[0].inputs = [29]
    rows = [line.split()[:2] for line in Screen(many, 0).matrix_lines(1, many.steps[0], 60)]
    assert len(rows) == 12
    assert rows[-1] == [">", "w29"]
    assert rows[0][0] == "w0"


def test_names_of_inputs_and_outputs_are_words_means_or_nodes():
    trees = Screen(lesson(loss="hs", model="cbow"), 0)
    step = trees.lesson.steps[0]
    step.inputs = [0, 1]
    assert trees.input_name(-1, step) == "mean of sun, moon"
    assert trees.input_name(0, step) == "sun"
    assert trees.output_name(3) == "node 3"
    assert Screen(lesson(), 0).output_name(0) == "sun"


def test_words_are_on_the_map_of_the_last_epoch_that_has_ended(screen):
    screen.lesson.words[2] = "star"
    beginning = screen.map_lines(0, 20, 7)
    assert beginning == ["", "", "", "          sun", "", "", "          star"]  # moon would meet sun
    assert screen.map_lines(1, 20, 7) == beginning
    after_one = screen.map_lines(2, 20, 7)
    assert after_one == ["                 sun", "", "", "          star", "", "", "moon"]
    assert screen.map_lines(3, 20, 7) == screen.map_lines(5, 20, 7)
    assert screen.map_lines(3, 20, 7)[3] == "sun             moon"
    assert screen.map_lines(6, 200, 3)[1] == " " * 74 + "star"  # 78 columns at the most


def test_lines_fit_on_the_screen(screen):
    tall = screen.lines(3, 60, 40)
    assert len(tall) <= 40
    assert tall[-1] == player.KEYS[:60]
    low = screen.lines(3, 60, 12)
    assert len(low) == 12
    assert low[:10] == tall[:10]
    without, with_map = screen.lines(0, 60, 16), screen.lines(0, 60, 17)
    assert (len(without), len(with_map)) == (10, 17)  # six rows of a map are the fewest
    assert len(screen.lines(0, 60, 100)) == 10 + 1 + 14


@pytest.mark.parametrize(
    ("rate", "frame", "next_frame"),
    [(0.5, 3, 4), (3, 36, 37), (3, 37, 37), (10, 3, 7), (39, 3, 7), (40, 3, 13), (40, 26, 37)],
)
def test_a_faster_speed_goes_by_words_and_then_by_epochs(screen, rate, frame, next_frame):
    assert step_forward(screen, frame, rate) == next_frame


def typed(*keys):
    """A keyboard; each look at it is kept as how long it waits."""
    left, waited = list(keys), []

    def wait(timeout_s):
        waited.append(timeout_s)
        return left.pop(0)

    return wait, waited


def test_a_number_is_read_up_to_the_next_key():
    assert read_number(typed("1", "2", "\n")[0]) == 12
    assert read_number(typed("\n")[0]) == 1


def played(monkeypatch, *keys):
    """(frames that were shown, how long it waited for each key)."""
    wait, waited = typed(*keys)

    @contextmanager
    def keyboard():
        yield wait

    frames = []
    monkeypatch.setattr(player, "keyboard", keyboard)
    monkeypatch.setattr(player, "write", lambda text, styled: None)
    monkeypatch.setattr(Screen, "lines", lambda self, frame, width, height: frames.append(frame) or [])
    play(lesson())
    return frames, waited


def test_keys_move_it_and_stop_it(monkeypatch):
    keys = ["", "\x1b[C", "\x1b[D", "n", "e", "g", "5", "\n", "0", "\x1b[D", "x", "q"]
    frames, waited = played(monkeypatch, *keys)
    assert frames == [0, 1, 2, 1, 7, 13, 25, 0, 0, 0]
    assert waited[:2] == [1.4, 1.4]
    assert waited[2:] == [None] * 10  # paused by the first key
    for end in ("\x03", "\x04"):
        assert played(monkeypatch, end)[0] == [0]


def test_it_plays_on_after_a_pause_and_ends_at_the_end(monkeypatch):
    frames, waited = played(monkeypatch, " ", " ", "", "g", "9", "\n", "")
    assert frames == [0, 0, 0, 1, 37]
    assert waited == [1.4, None, 1.4, 1.4, None, None, None]
    assert played(monkeypatch, "g", "9", "\n", "\x1b[C", "q")[0] == [0, 37, 37]


def test_plus_and_minus_change_the_speed_between_the_slowest_and_the_fastest(monkeypatch):
    _, waited = played(monkeypatch, "-", "-", "+", "+", "+", "+", "+", "q")
    assert waited == [1.4 / rate if rate < 10 else 0.15 for rate in (1.0, 0.5, 0.5, *SPEEDS[1:], SPEEDS[-1])]


def test_keys_are_taken_one_by_one_from_what_was_typed():
    reading, writing = os.pipe()
    try:
        wait = Wait(reading)
        assert wait(0) == ""
        os.write(writing, b"a\x1b[Cb")
        assert [wait(0), wait(0), wait(0), wait(0)] == ["a", "\x1b[C", "b", ""]
        os.close(writing)
        assert wait(None) == "q"  # the terminal has gone
        assert Wait(None)(0) == ""
    finally:
        os.close(reading)
