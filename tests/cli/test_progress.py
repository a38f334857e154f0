from __future__ import annotations

from types import SimpleNamespace

import pytest

from w2v.cli.progress import Bars, Lines, NullProgress, Step, progress_for, progress_line
from w2v.cli.terminal import bar, shows_unicode


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def training(done: int = 250_000, loss: float = 0.25) -> SimpleNamespace:
    return SimpleNamespace(
        epoch=2,
        epochs=5,
        tokens_done=done,
        tokens_total=1_000_000,
        words_per_s=50_000.0,
        lr=0.01875,
        loss=loss,
        seconds=5.0,
    )


def reading(total: int | None) -> SimpleNamespace:
    return SimpleNamespace(bytes_done=5_000_000, bytes_total=total, tokens=1_000_000)


def test_lines_come_after_five_seconds_and_then_every_ten(capsys):
    clock = Clock()
    lines = Lines(clock)
    shown = []
    for second in range(40):
        clock.now = 100.0 + second
        lines.training(training())
        if capsys.readouterr().err:
            shown.append(second)
    assert shown == [5, 15, 25, 35]


def test_a_step_of_less_than_five_seconds_shows_no_line(capsys):
    clock = Clock()
    lines = Lines(clock)
    for step in (lines.reading, lines.training):
        for second in range(5):
            clock.now += second * 0.9
            step(reading(None) if step == lines.reading else training())
            clock.now = 100.0
        lines.finish()
    assert capsys.readouterr().err == ""


def test_a_training_line_says_how_far_and_how_long(capsys):
    clock = Clock()
    lines = Lines(clock)
    lines.training(training())
    clock.now += 5
    lines.training(training())
    assert capsys.readouterr().err == (
        "w2v: training: 25 %, epoch 2 of 5, 50.0k words/s, loss 0.2500, lr 0.0187, 15 s left\n"
    )


@pytest.mark.parametrize(("nodes", "shown"), [
    (1, "1 node"), (3, "3 nodes (10.0k 20.0k 30.0k)"),
    (9, "9 nodes (10.0k 20.0k 30.0k 40.0k 50.0k 60.0k 70.0k 80.0k ...)"),
])  # fmt: skip
def test_a_training_line_of_a_cluster_names_its_nodes(capsys, nodes, shown):
    clock = Clock()
    lines = Lines(clock)
    progress = training()
    progress.nodes = [SimpleNamespace(words_per_s=10_000.0 * (number + 1)) for number in range(nodes)]
    progress.bytes_exchanged = 5_000_000
    lines.training(progress)
    clock.now += 5
    lines.training(progress)
    assert capsys.readouterr().err == (
        f"w2v: training: 25 %, epoch 2 of 5, 50.0k words/s, {shown}, 5.00 MB exchanged, loss 0.2500, lr 0.0187, "
        "15 s left\n"
    )


@pytest.mark.parametrize(("total", "share"), [(20_000_000, "25 %, "), (None, ""), (0, "")])
def test_a_reading_line_has_a_share_where_the_size_is_known(capsys, total, share):
    clock = Clock()
    lines = Lines(clock)
    lines.reading(reading(total))
    clock.now += 5
    lines.reading(reading(total))
    assert capsys.readouterr().err == f"w2v: reading: {share}5.00 MB, 1.00M tokens\n"


def test_quiet_shows_nothing(capsys):
    progress = progress_for(quiet=True)
    assert type(progress) is NullProgress
    with progress:
        progress.reading(reading(None))
        progress.training(training())
    assert capsys.readouterr().err == ""


def test_without_a_terminal_there_are_lines():
    assert type(progress_for(quiet=False)) is Lines


TRAINING = Step("training", "epoch 3/8", 0.38, "7 s left", ("5.03M words/s", "loss 0.3009", "lr 0.0155"))


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (9, "epoch 3/8"),
        (20, "epoch 3/8 38%"),
        (30, "epoch 3/8 38% 7 s left"),
        (40, "epoch 3/8 ━━━━━━─────────── 38% 7 s left"),
        (59, "epoch 3/8 ━━━───── 38% 7 s left  5.03M words/s  loss 0.3009"),
        (79, "epoch 3/8 ━━━━━━─────────── 38% 7 s left  5.03M words/s  loss 0.3009  lr 0.0155"),
        (199, f"epoch 3/8 {'━' * 11}{'─' * 19} 38% 7 s left  5.03M words/s  loss 0.3009  lr 0.0155"),
    ],
)
def test_a_line_of_progress_has_what_there_is_room_for_and_cuts_nothing(width, line):
    assert progress_line(TRAINING, width, True) == line


@pytest.mark.parametrize("width", range(1, 120))
def test_a_line_of_progress_is_never_wider_than_the_terminal(width):
    line = progress_line(TRAINING, width, False)
    assert len(line) <= width
    assert line.isascii()


def test_what_takes_no_time_is_not_drawn_ten_times(capsys):
    clock = Clock()
    bars = Bars(clock=clock)
    for done in range(100):
        clock.now += 0.01
        bars.work("reading", done, 100)
    assert 10 <= capsys.readouterr().err.count("\r") <= 12
    bars.finish()
    assert capsys.readouterr().err.endswith("100% in 0.99 s\n")


@pytest.mark.parametrize(
    ("environment", "unicode"),
    [
        ({}, True),
        ({"LANG": "de_DE.UTF-8"}, True),
        ({"LC_ALL": "C", "LANG": "de_DE.UTF-8"}, False),
        ({"LC_CTYPE": "C.UTF-8", "LANG": "C"}, False),  # Python sets LC_CTYPE
        ({"LC_CTYPE": "en_US.ISO-8859-1"}, False),
    ],
)
def test_bars_are_ascii_where_the_locale_is(environment, unicode):
    assert shows_unicode(SimpleNamespace(encoding="utf-8"), environment) == unicode
    assert not shows_unicode(SimpleNamespace(encoding="ascii"), environment)


def test_a_bar_without_its_rest_has_halves():
    assert [bar(share, 4, True, rest=False) for share in (-1, 0, 0.3, 0.5, 1)] == ["", "", "━", "━━", "━━━━"]
    assert bar(0.375, 4, True, rest=False) == "━╸"
    assert bar(0.375, 4, False, rest=False) == "=="
