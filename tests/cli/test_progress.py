from __future__ import annotations

from types import SimpleNamespace

import pytest

from w2v.cli.errors import LIVE
from w2v.cli.progress import (
    Bars,
    Lines,
    NullProgress,
    Step,
    percent,
    progress_for,
    progress_line,
    seconds_left,
    time_left,
)
from w2v.cli.terminal import bar, shows_unicode
from w2v.training.progress import EpochReport


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


def report(**fields) -> EpochReport:
    usual = {"epoch": 2, "epochs": 5, "tokens_done": 300, "tokens_total": 1000, "words_per_s": 1.0, "lr": 0.02,
             "loss": 0.35123, "held_out_loss": None, "scores": {}, "seconds": 9.0}  # fmt: skip
    return EpochReport(**{**usual, **fields})


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"seconds": 8.99}, None),  # in less than five seconds, and nothing but a loss
        ({"seconds": 9.0}, "epoch 2 of 5: loss 0.3512"),
        ({"seconds": 4.5, "held_out_loss": 0.0}, "epoch 2 of 5: loss 0.3512, held-out loss 0.0000"),
        ({"seconds": 4.5, "scores": {"pairs": 0.5, "q": 0.25}}, "epoch 2 of 5: loss 0.3512, pairs 0.5000, q 0.2500"),
        ({"loss": None}, "epoch 2 of 5: loss -"),
        ({"loss": None, "whole": False, "scores": {"q": 0.25}}, "epoch 2 of 5, 30 % of the run: q 0.2500"),
    ],
)
def test_an_epoch_has_a_line_where_there_is_more_to_say_or_it_took_long(capsys, fields, line):
    lines = Lines(Clock())
    lines.starting(SimpleNamespace(seconds=4.0))
    lines.epoch(report(**fields))
    assert capsys.readouterr().err == (f"w2v: {line}\n" if line else "")
    lines.epoch(report(seconds=fields.get("seconds", 9.0) + 4.9))  # since the last one
    assert capsys.readouterr().err == ""


def test_phases_are_named_in_a_log_that_has_lines_and_parts_begin_them(capsys):
    clock = Clock()
    lines = Lines(clock)
    lines.phase("writing")
    lines.part("counting", 0, 0)
    assert capsys.readouterr().err == ""
    lines.part("counting", 1, 4)
    clock.now += 5
    lines.part("counting", 3, 4)
    lines.part("joining", 0, 0)
    lines.phase("writing")
    assert capsys.readouterr().err == "w2v: counting: 75 %\nw2v: joining\nw2v: writing\n"
    lines.part("counting", 1, 4)
    clock.now += 4.9
    lines.part("counting", 2, 4)  # five seconds begin anew with each step
    lines.warn("odd")
    NullProgress().warn("odd")
    NullProgress().note("no")
    assert capsys.readouterr().err == "w2v: warning: odd\n" * 2


@pytest.fixture
def bars(monkeypatch, capsys):
    """A bar, its clock, and what it has written since the last look."""
    monkeypatch.setattr("w2v.cli.progress.columns", lambda _: 61)
    clock = Clock()
    made = Bars(clock=clock)
    made.unicode = False
    return made, clock, lambda: capsys.readouterr().err.split("\r")[1:]


def test_a_bar_guesses_the_time_that_is_left_after_a_second(bars):
    made, clock, written = bars
    made.work("reading", 0, 100, "0 B")
    clock.now += 1
    made.work("reading", 10, 100, "1 B")
    clock.now += 0.5
    made.work("reading", 10, 100, "1 B")
    clock.now += 0.05
    made.work("reading", 90, 100, "9 B")  # so soon after the last one it is not drawn
    clock.now += 1.45
    made.work("reading", 150, 100, "9 B")
    lines = [line.rstrip() for line in written()]
    assert [line.split(None, 2)[2] for line in lines] == [
        "0%  0 B",
        "10%  1 B",
        "10% 14 s left  1 B",
        "100% 0 s left  9 B",
    ]
    made.work("writing", 1, 2)
    finished, begun = written()
    assert (finished.split(None, 2)[2], begun.split(None, 2)[2].rstrip()) == ("100% in 3.0 s  9 B\n", "50%")


def on_screen(err: str) -> list[str]:
    """The lines as a terminal shows them: a carriage return goes back to the first column."""
    lines = []
    for written in err.split("\n"):
        shown = ""
        for text in written.split("\r"):
            shown = text + shown[len(text) :]
        lines.append(shown.rstrip())
    return lines


@pytest.mark.parametrize("leave", [True, False])
def test_a_bar_is_drawn_over_and_stays_only_where_it_is_to_be_left(bars, capsys, leave):
    made, clock, _ = bars
    made.leave = leave
    made.clear()
    assert capsys.readouterr().err == ""  # nothing is there to be taken away
    made.prefix = "1 of 2: "
    err = ""
    made.work("reading", 7, None, "7 bytes", "8 tokens")
    err += capsys.readouterr().err
    assert on_screen(err) == ["1 of 2: reading 7 bytes  8 tokens"]
    made.phase("sorting")
    err += capsys.readouterr().err
    assert on_screen(err) == ["1 of 2: reading 7 bytes sorting"]
    made.note("said")
    err += capsys.readouterr().err
    assert on_screen(err) == ["w2v: said", "1 of 2: reading 7 bytes  8 tokens"]
    clock.now += 2
    made.finish(complete=False)
    made.phase("at last")
    err += capsys.readouterr().err
    last = ["1 of 2: reading 7 bytes  8 tokens", "1 of 2: at last"] if leave else ["1 of 2: at last"]
    assert on_screen(err) == ["w2v: said", *last]
    made.training(training())
    made.finish()
    err += capsys.readouterr().err
    assert on_screen(err)[-2 if leave else -1].startswith("1 of 2: epoch 2/5 " if leave else "")
    if leave:
        assert on_screen(err)[-2].endswith("100% in 0 s  50.0k words/s")
    assert LIVE == [made.clear]


def test_the_time_that_is_left_is_in_whole_seconds_then_in_minutes():
    texts = [seconds_left(seconds) for seconds in (0, 0.1, 59, 59.1, 60, 3599.5)]
    assert texts == ["0 s left", "1 s left", "59 s left", "1 min 0 s left", "1 min 0 s left", "1 h 0 min left"]
    unknown = training()
    unknown.words_per_s = 0.0
    assert time_left(unknown) == "? s left"
    assert [percent(1, 0), percent(1, 8)] == ["0 %", "12 %"]
