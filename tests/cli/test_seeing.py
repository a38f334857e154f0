"""`w2v show`, `curve` and `explore` as processes."""

from __future__ import annotations

import pytest


def test_show_prints_plain_numbers_in_a_pipe(w2v, vectors):
    done = w2v("show", vectors, "king", "서울")
    assert done.returncode == 0, done.err
    rows = [line.split("\t") for line in done.out.splitlines()]
    assert [row[0] for row in rows] == ["king", "서울"]
    assert all(len(row) == 21 and float(row[1]) for row in rows)
    assert "\x1b" not in done.out
    in_order = w2v("show", vectors, "--sort", "king", "서울").out.splitlines()
    columns = zip(*([float(number) for number in line.split("\t")[1:]] for line in in_order), strict=True)
    means = [sum(column) for column in columns]
    assert means == sorted(means, reverse=True)


@pytest.mark.parametrize(("deep", "code"), [("truecolor", "\x1b[48;2;"), ("", "\x1b[48;5;")])
def test_show_fits_coloured_cells_to_the_width(w2v, vectors, deep, code):
    for width in (30, 60, 200):
        terminal = {"COLORTERM": deep, "COLUMNS": str(width)}
        done = w2v("show", vectors, "king", "queen", "--color", "always", env=terminal)
        assert done.out.count("\n") == 3  # the scale of the colours is the last line
        assert code in done.out
        cells = done.out.splitlines()[0].count("\x1b[48;")
        assert cells == min(20, max(16, width - 7))


def test_show_says_what_is_wrong(w2v, vectors):
    done = w2v("show", vectors, "kong")
    assert done.returncode == 1
    assert '"kong" is not in the vocabulary' in done.err
    assert w2v("show", vectors, "king", "-o", "a.jpg").returncode == 2


def test_show_and_curve_draw_pictures(w2v, vectors, tmp_path):
    pytest.importorskip("matplotlib")
    assert w2v("show", vectors, "king - man + woman", "--sort", "--rotate", "pca", "-o", "cells.png").returncode == 0
    (tmp_path / "run.jsonl").write_text(
        '{"event": "progress", "tokens": 5, "loss": 0.5, "lr": 0.1, "words_per_s": 7}\n' * 3
        + '{"event": "eval", "tokens": 5, "scores": {"x": 0.5}}\n{"ev'
    )
    done = w2v("curve", "run.jsonl", "-o", "curve.svg")
    assert done.returncode == 0, done.err
    assert "1 lines are not events" in done.err
    assert (tmp_path / "cells.png").read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in (tmp_path / "curve.svg").read_bytes()


def test_a_page_needs_two_words_of_a_list(w2v, vectors, tmp_path):
    (tmp_path / "one").write_text("king\nnowhere\n")
    done = w2v("explore", vectors, "-o", "page.html", "--words", "one")
    assert done.returncode == 1
    assert done.err == f"w2v: error: one: holds 1 of the words of {vectors}; a map needs two\n"
    assert not (tmp_path / "page.html").exists()
    (tmp_path / "one").write_text("king\nqueen\n")
    assert w2v("explore", vectors, "-o", "page.html", "--words", "one", "-q").returncode == 0


def test_explore_writes_a_page_and_tells_its_size(w2v, vectors, tmp_path):
    done = w2v("explore", vectors, "-o", "page.html", "--top", "10")
    assert done.returncode == 0, done.err
    assert "10 words, 20 dimensions at 16 bits" in done.err
    assert (tmp_path / "page.html").read_bytes().startswith(b"<!doctype html>")
    assert w2v("explore", vectors, "-o", "-", "--top", "10", "-q").out.startswith("<!doctype html>")
