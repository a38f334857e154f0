"""Cells: their rows, order and colours; figures of them; logs as curves."""

from __future__ import annotations

import io

import numpy as np
import pytest

from w2v import seeing
from w2v.errors import UnknownWordError, W2VError
from w2v.seeing import cells, curves
from w2v.seeing.curves import read_log

from .conftest import HOSTILE


def test_an_expression_brings_its_words_itself_and_its_nearest_words(varied):
    made = cells.cells_of(varied, ["king - man + woman"])
    assert made.titles()[:4] == ["king", "- man", "+ woman", "= king - man + woman"]
    nearest = [f"~ {word} {cosine:.2f}" for word, cosine in varied.query("king - man + woman", 3)]
    assert made.titles()[4:] == nearest
    assert np.allclose(made.values[3], made.values[0] - made.values[1] + made.values[2])


def test_sorted_columns_fall_by_their_mean(varied):
    made = cells.cells_of(varied, ["king", "queen"], sort=True)
    means = made.values.mean(axis=0)
    assert (np.diff(means) <= 0).all()
    assert sorted(made.values[0]) == pytest.approx(sorted(varied["king"].astype(float)))


def test_a_rotation_keeps_lengths_and_angles(varied):
    plain, turned = (cells.cells_of(varied, ["king", "queen", "서울"], rotate=r).values for r in (False, True))
    assert turned @ turned.T == pytest.approx(plain @ plain.T, rel=1e-5)
    assert np.abs(turned - plain).max() > 0.1


def test_colours_run_from_blue_over_white_to_red():
    assert [cells.colour(x) for x in (-9, -1, 0, 1, 9)] == [cells.BLUE, cells.BLUE, cells.WHITE, cells.RED, cells.RED]


def test_an_unknown_word_is_an_error(varied):
    with pytest.raises(UnknownWordError):
        cells.cells_of(varied, ["king - nobody"])


@pytest.mark.parametrize(("form", "head"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_figures_are_drawn_the_same_each_time(varied, form, head):
    pytest.importorskip("matplotlib")
    files = [io.BytesIO(), io.BytesIO()]
    for file in files:
        made = cells.cells_of(varied, ["king", "queen", HOSTILE[0]])
        cells.draw_cells(cells.Cells(("$x_$", *made.labels[1:]), made.signs, made.values, made.largest), file, form)
    assert files[0].getvalue() == files[1].getvalue()
    assert files[0].getvalue().startswith(head)


def test_letters_that_no_font_holds_are_told(monkeypatch):
    pytest.importorskip("matplotlib")
    from w2v.seeing import fonts

    assert fonts.fonts_for(["king", "naïve"]) == (["DejaVu Sans"], [])
    monkeypatch.setattr(fonts, "letters_of", lambda path: frozenset(range(128)))
    families, (text,) = fonts.fonts_for(["king 한국"])
    assert families == ["DejaVu Sans"]
    assert "2 of the letters (국 한)" in text
    assert "apt-get install fonts-noto-cjk)" in text


def test_a_font_of_boxes_is_no_font():
    pytest.importorskip("matplotlib")
    from w2v.seeing import fonts

    families, warnings = fonts.fonts_for(["東京", "서울", "दिल्ली", "ไทย"])
    assert not any(name.startswith("Last Resort") for name in families)
    assert len(families) > 1 or warnings


def test_an_old_matplotlib_is_told_where_words_run_from_right_to_left(monkeypatch):
    matplotlib = pytest.importorskip("matplotlib")
    from w2v.seeing import fonts

    monkeypatch.setattr(matplotlib, "__version_info__", (3, 10))
    assert any("right to left" in text for text in fonts.fonts_for(["king", "שלום"])[1])
    assert fonts.fonts_for(["king"])[1] == []
    monkeypatch.setattr(matplotlib, "__version_info__", (3, 11, 2))
    assert not any("right to left" in text for text in fonts.fonts_for(["שלום"])[1])


def test_a_missing_library_says_what_to_install(monkeypatch):
    monkeypatch.setattr(seeing, "find_spec", lambda name: None)
    with pytest.raises(W2VError, match=r"pip install 'w2v\[plot\]'"):
        seeing.needed("matplotlib")


def test_a_log_is_read_however_it_ends(tmp_path):
    path = tmp_path / "run.jsonl"
    path.write_bytes(
        b'{"event": "start", "time": 0, "tokens": 0}\n\n[1]\n'
        b'{"event": "progress", "tokens": 5, "loss": 0.5, "lr": true}\n'
        b'{"event": "progress", "tokens": 7, "loss": NaN}\n'
        b'{"event": "eval", "tokens": 8, "scores": {"a": 1, "b": "x"}}\n'
        b'{"event": "progress", "tok'
    )
    log = read_log(path)
    assert log.skipped == 2
    assert log.series("loss") == ([5], [0.5])
    assert log.series("lr") == ([], [])
    assert log.scores() == {"a": ([8], [1])}


def test_the_course_of_a_run_is_that_of_its_moments(tmp_path):
    path = tmp_path / "run.jsonl"
    path.write_text(
        "".join(
            f'{{"event": "{event}", "tokens": {tokens}, "loss": {loss}}}\n'
            for event, tokens, loss in [
                ("progress", 1, 0.9),
                ("progress", 2, 0.5),
                ("epoch", 2, 0.7),
                ("progress", 4, 0.3),
                ("epoch", 4, 0.4),
                ("end", 4, 0.55),
            ]
        )
    )
    log = read_log(path)
    assert log.course("loss") == ([1, 2, 4], [0.9, 0.5, 0.3])  # means of epochs and of the whole run are no moments
    path.write_text("".join(line + "\n" for line in path.read_text().splitlines() if "progress" not in line))
    assert read_log(path).course("loss") == ([2, 4], [0.7, 0.4])


@pytest.mark.parametrize("text", [b"", b"no json\n", b"[" * 100_000, b'{"event": "start"}\n'])
def test_what_is_no_log_is_an_error(tmp_path, text):
    (tmp_path / "log").write_bytes(text)
    with pytest.raises(W2VError, match="no line is an event"):
        read_log(tmp_path / "log")


@pytest.mark.parametrize(
    ("panel", "from_zero"), [("lr", True), ("words_per_s", True), ("loss", False), ("scores", False)]
)
def test_rates_and_speeds_are_drawn_from_zero_on(panel, from_zero):
    axes = pytest.importorskip("matplotlib.figure").Figure().subplots()
    axes.plot([0, 1], [5, 6])
    curves.finish(axes, panel, 2e6, [])
    assert (axes.get_ylim()[0] == 0) == from_zero
    assert axes.get_xlim() == (0, 2)
