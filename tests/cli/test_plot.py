"""`w2v plot` as a process, and what it hands to what draws."""

from __future__ import annotations

import click
import numpy as np
import pytest

from w2v.cli.main import run
from w2v.cli.plot import Size
from w2v.seeing import plot
from w2v.vectors.vectors import Vectors


@pytest.fixture
def lists(tmp_path):
    (tmp_path / "groups.tsv").write_text("king\tmen\nman\tmen\nqueen\twomen\nwoman\twomen\nnobody\tothers\n")
    (tmp_path / "pairs.tsv").write_text("man king\nwoman queen\nman nobody\n")
    (tmp_path / "words.txt").write_text("서울\nparis\nking\n")
    return tmp_path


@pytest.mark.parametrize(
    ("args", "missing"),
    [
        (["--groups", "groups.tsv"], "1 of 5 listed words are not in the vocabulary: nobody"),
        (["--pairs", "pairs.tsv"], "1 of 5 listed words are not in the vocabulary: nobody"),
        (["--words", "words.txt"], ""),
        (["king", "queen", "man", "서울", "--title", "people $"], ""),
        (["--top", "12", "--pairs", "pairs.tsv", "--groups", "groups.tsv"], "1 of 5 listed words"),
        ([], ""),
    ],
    ids=" ".join,
)
def test_words_come_from_where_they_are_given(w2v, vectors, lists, args, missing):
    pytest.importorskip("matplotlib")
    done = w2v("plot", vectors, *args, "--method", "neighbours", "-o", "map.svg")
    assert done.returncode == 0, done.err
    assert done.out == ""
    assert missing in done.err
    assert (lists / "map.svg").read_bytes().startswith(b"<?xml")


def test_a_picture_goes_into_a_pipe_the_same_each_time(w2v, vectors):
    pytest.importorskip("matplotlib")
    one, two = (w2v("plot", vectors, "king", "queen", "man", "--method", "pca", "-o", "-") for _ in range(2))
    assert one.stdout.startswith(b"\x89PNG")
    assert one.stdout == two.stdout


def test_size_and_dpi_set_the_pixels(w2v, vectors):
    pytest.importorskip("matplotlib")
    done = w2v("plot", vectors, "king", "man", "--method", "pca", "--size", "4x3", "--dpi", "50", "-o", "-")
    assert [int.from_bytes(done.stdout[i : i + 4], "big") for i in (16, 20)] == [200, 150]


@pytest.mark.parametrize(
    ("args", "code", "line"),
    [
        (["kong"], 1, '"kong" is not in the vocabulary; did you mean king?'),
        (["king"], 1, "a map needs two words or more; there is 1"),
        (["--words", "none.txt"], 1, "none.txt: No such file or directory"),
        (["--groups", "pairs.tsv"], 1, 'pairs.tsv:1: "man king" is not a word, a tab and its group'),
        (
            ["king", "--top", "5"],
            2,
            "the words come from the command line, from --words or from --top; give one of them",
        ),
        (["--size", "9"], 2, "--size: '9' is not WIDTHxHEIGHT in inches, each from 2 to 100, such as 10x8"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_wrong_is_said_in_a_line(w2v, vectors, lists, args, code, line):
    pytest.importorskip("matplotlib")
    done = w2v("plot", vectors, "-o", "map.png", "--method", "pca", *args)
    assert done.returncode == code
    assert done.err.startswith(f"w2v: error: {line}")
    assert done.err.count("\n") == 1
    assert not (lists / "map.png").exists()


@pytest.mark.parametrize(
    ("gone", "package", "args"),
    [
        ("matplotlib", "matplotlib", ["plot", "-o", "a.png", "--method", "pca"]),
        ("sklearn", "scikit-learn", ["plot", "-o", "a.png", "--method", "tsne"]),
        ("umap", "umap-learn", ["plot", "-o", "a.png", "--method", "umap"]),
        ("matplotlib", "matplotlib", ["show", "king", "-o", "a.png"]),
        ("sklearn", "scikit-learn", ["explore", "-o", "a.html", "--layout", "tsne"]),
    ],
)
def test_a_missing_extra_is_one_line_that_says_what_to_install(w2v, vectors, tmp_path, gone, package, args):
    if gone != "matplotlib":
        pytest.importorskip("matplotlib")
    (tmp_path / "sitecustomize.py").write_text(f"import sys\nsys.modules[{gone!r}] = None\n")
    done = w2v(args[0], vectors, *args[1:], env={"PYTHONPATH": str(tmp_path)})
    assert done.returncode == 1
    assert done.err == f"w2v: error: this needs {package}, which is not installed: pip install 'w2v[plot]'\n"


def test_a_size_is_in_inches():
    assert Size().convert("10x7.5", None, None) == (10.0, 7.5)
    assert Size().convert("8×6", None, None) == (8.0, 6.0)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("2x100", (2.0, 100.0)),
        ("10.5X8", (10.5, 8.0)),
        ("3×4", (3.0, 4.0)),
        ("1.9x5", None),
        ("5x100.1", None),
        ("5", None),
    ],
)
def test_a_picture_is_from_2_to_100_inches_wide_and_high(text, size):
    if size is not None:
        assert Size().convert(text, None, None) == size
        return
    with pytest.raises(click.BadParameter, match="is not WIDTHxHEIGHT in inches, each from 2 to 100"):
        Size().convert(text, None, None)


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """Runs a plot of six words in this process: (map, style, form, method and seed), without Matplotlib."""
    words = ["the", "king", "queen", "man", "woman", "paris"]
    Vectors(words, np.arange(24, dtype=np.float32).reshape(6, 4) % 7).save(tmp_path / "v.txt")
    (tmp_path / "groups.tsv").write_text("queen\twomen\nking\tmen\n" + "".join(f"no{n}\tx\n" for n in range(6)))
    (tmp_path / "pairs.tsv").write_text("woman man\nking nobody\nman king\n")
    (tmp_path / "names.tsv").write_text("king\tRoi\nparis\tParis\n")
    (tmp_path / "words.txt").write_text("paris\nnowhere\nthe\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plot, "check_libraries", lambda method: None)
    seen: list = []
    place = plot.map_of

    def placed(vectors, words, method, seed, *more):
        seen.append((method, seed))
        return place(vectors, words, "pca", seed, *more)

    monkeypatch.setattr(plot, "map_of", placed)
    monkeypatch.setattr(plot, "draw_map", lambda made, file, form, style: seen.append((made, style, form)) or [])

    def draw(*args: str):
        seen.clear()
        assert run(["plot", "v.txt", "-o", "map.svg", *args]) == 0
        (method, seed), (made, style, form) = seen
        return made, style, (form, method, seed)

    return draw


@pytest.mark.parametrize(
    ("args", "words", "pairs", "said"),
    [
        (["king", "paris", "king"], "king paris", [], ""),
        (["--top", "2"], "the king", [], ""),
        ([], "the king queen man woman paris", [], ""),
        (["--words", "words.txt"], "paris the", [], "1 of 3 listed words are not in the vocabulary: nowhere"),
        (
            ["--groups", "groups.tsv"],
            "queen king",
            [],
            "6 of 8 listed words are not in the vocabulary: no0, no1, no2, no3, no4, ...",
        ),
        (
            ["--pairs", "pairs.tsv"],
            "woman man king",
            [(0, 1), (1, 2)],
            "1 of 4 listed words are not in the vocabulary: nobody",
        ),
        (["--top", "2", "--pairs", "pairs.tsv"], "the king woman man", [(2, 3), (3, 1)], "1 of 4 listed words"),
        (["queen", "--pairs", "pairs.tsv"], "queen woman man king", [(1, 2), (2, 3)], "1 of 4 listed words"),
        (["king", "queen", "--axes", "woman - man", "paris"], "king queen", [], ""),
        (["--top", "2", "--axes", "woman - man", "paris"], "the king", [], ""),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) and value and isinstance(value[0], str) else "",
)
def test_the_words_of_a_map_are_those_asked_for_in_order(drawn, capsys, args, words, pairs, said):
    made, _, _ = drawn(*args)
    assert (made.words, list(made.pairs)) == (tuple(words.split()), pairs)
    err = capsys.readouterr().err
    assert (f"w2v: warning: {said}" in err) if said else "warning" not in err


def test_names_groups_style_and_method_reach_the_picture(drawn):
    lists = "--groups groups.tsv --names names.tsv --method neighbours --size 4x3 --dpi 70 --seed 5"
    made, style, how = drawn("king", "queen", "paris", "--title", "a title", *lists.split())
    assert made.words == ("Roi", "queen", "Paris")
    assert made.groups[:2] == ("men", "women")
    assert (style.size, style.dpi, style.title) == ((4.0, 3.0), 70, "a title")
    assert how == ("svg", "neighbours", 5)


def test_the_method_follows_from_what_is_drawn(drawn):
    assert drawn("king", "queen")[2] == ("svg", "tsne", 1)
    assert drawn("--pairs", "pairs.tsv")[2] == ("svg", "pca", 1)
    made, style, how = drawn("king", "queen", "--axes", "woman - man", "paris")
    assert how[1] == "pca"
    assert (made.axes, style) == (("woman - man", "paris"), plot.MapStyle())


def test_axes_leave_nothing_for_a_method(drawn, capsys):
    assert run(["plot", "v.txt", "-o", "a.svg", "--axes", "king", "man", "--method", "pca"]) == 2
    assert "--axes says where each word goes; leave out --method" in capsys.readouterr().err


def test_many_words_are_warned_of_before_t_sne_begins(drawn, monkeypatch, capsys):
    monkeypatch.setattr("w2v.cli.plot.SLOW_T_SNE", 2)
    drawn("king", "queen")
    assert "t-SNE" not in capsys.readouterr().err
    drawn("king", "queen", "man", "--method", "pca")
    assert "t-SNE" not in capsys.readouterr().err
    drawn("king", "queen", "man")
    assert "t-SNE of 3 words takes minutes; --method neighbours takes seconds" in capsys.readouterr().err
