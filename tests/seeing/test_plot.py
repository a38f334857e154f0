"""Maps as pictures: labels that do not overlap, groups, arrows, lists of words."""

from __future__ import annotations

import io
from itertools import combinations

import numpy as np
import pytest

from w2v.errors import SettingsError, UnknownWordError, W2VError
from w2v.seeing import fonts, layout, lists, placing, plot
from w2v.seeing.fonts import told_once

from .conftest import HOSTILE, ROYALS, SCRIPTS


def overlapping(boxes: np.ndarray) -> list[tuple[int, int]]:
    """Pairs of boxes [n, 4] (left, bottom, right, top) that overlap."""
    return [
        (i, j)
        for i, j in combinations(range(len(boxes)), 2)
        if (boxes[i, :2] < boxes[j, 2:]).all() and (boxes[j, :2] < boxes[i, 2:]).all()
    ]


def boxes_of(drawing: plot.Drawing, dpi: float) -> np.ndarray:
    """The labels' boxes as the figure draws them at so many dots an inch."""
    drawing.figure.dpi = dpi
    drawing.figure.canvas.draw()
    return np.array([text.get_window_extent().extents for text in drawing.labels])


@pytest.fixture(scope="module")
def crowd() -> plot.Map:
    """150 words, half of them in a small crowd."""
    random = np.random.default_rng(3)
    places = np.concatenate([random.normal(size=(75, 2)), random.normal(size=(75, 2)) * 0.25 + (1, 0)])
    words = [*SCRIPTS, *(word for word in HOSTILE if word.isprintable()), *(f"word{i}" for i in range(150))]
    return plot.Map(tuple(words[:150]), places)


@pytest.mark.parametrize("dpi", [72, 150, 300])
def test_no_two_labels_overlap_in_a_crowd(crowd, dpi):
    pytest.importorskip("matplotlib")
    drawing = plot.drawing_of(crowd, plot.MapStyle(size=(8, 6), dpi=dpi))
    boxes = boxes_of(drawing, dpi)
    assert len(boxes) > 130
    assert overlapping(boxes) == []
    width, height = drawing.figure.canvas.get_width_height()
    assert (boxes >= 0).all()
    assert (boxes[:, [0, 2]] <= width).all()
    assert (boxes[:, [1, 3]] <= height).all()


def test_labels_measured_for_a_png_do_not_overlap_in_an_svg(crowd):
    pytest.importorskip("matplotlib")
    drawing = plot.drawing_of(crowd, plot.MapStyle(size=(8, 6), dpi=100))
    from matplotlib.backends.backend_svg import FigureCanvasSVG, RendererSVG

    drawing.figure.dpi = 72  # what an SVG is written with
    canvas = FigureCanvasSVG(drawing.figure)
    renderer = RendererSVG(*canvas.get_width_height(), io.StringIO(), None, 72)
    with told_once():
        boxes = np.array([text.get_window_extent(renderer).extents for text in drawing.labels])
    assert overlapping(boxes) == []


def test_what_finds_no_place_is_left_out_and_said(crowd):
    pytest.importorskip("matplotlib")
    drawing = plot.drawing_of(crowd, plot.MapStyle(size=(3, 2)))
    assert 10 < len(drawing.labels) < 100
    assert drawing.warnings[-1] == (
        f"{len(drawing.labels)} of the 150 words have labels; a larger size has room for more"
    )
    assert overlapping(boxes_of(drawing, 150)) == []


def test_a_label_stands_beside_its_point_where_there_is_room():
    points = np.array([[20.0, 50.0], [150.0, 50.0]])
    found = placing.place_labels(points, np.array([[40.0, 10.0], [40.0, 10.0]]), (200, 100), gap=4)
    assert found.placed.all()
    assert found.centres == pytest.approx(points + np.array([24, 0]))


def test_a_label_avoids_points_and_lines_rather_than_distance():
    points = np.array([[50.0, 50.0], [75.0, 50.0]])
    one = placing.place_labels(points, np.array([[40.0, 10.0]]), (200, 100), 4, points[:1])
    assert not placing.covered(one.centres, np.array([20.0, 5.0]), points).any()
    line = np.stack([np.linspace(0, 200, 50), np.full(50, 50.0)], axis=1)
    other = placing.place_labels(points[:1], np.array([[40.0, 10.0]]), (200, 100), 4, lines=line)
    assert not placing.covered(other.centres, np.array([20.0, 5.0]), line).any()


def test_labels_stay_inside_the_room_or_are_left_out():
    sizes = np.array([[40.0, 10.0], [400.0, 10.0]])
    found = placing.place_labels(np.array([[1.0, 1.0], [50.0, 50.0]]), sizes, (100, 100), gap=4)
    assert found.placed.tolist() == [True, False]
    assert (found.centres[0] >= sizes[0] / 2).all()


def test_labels_are_placed_again_once_the_others_have_their_places(monkeypatch):
    points = np.random.default_rng(3).uniform(0, (300, 200), (120, 2))
    sizes = np.tile([30.0, 8.0], (120, 1))
    whole = placing.place_labels(points, sizes, (300, 200), gap=3)
    monkeypatch.setattr(placing, "ROUNDS", 1)
    once = placing.place_labels(points, sizes, (300, 200), gap=3)
    assert whole.placed.sum() > once.placed.sum()
    assert (whole.centres != once.centres).any()


def test_leaders_lead_to_the_border_of_a_label():
    assert placing.leader(np.array([0.0, 0]), np.array([10.0, 3]), np.array([4.0, 1])).tolist() == [6, 2]


def test_label_colours_can_be_read_on_white():
    for colour in plot.COLOURS:
        dark = plot.readable(colour)
        parts = [int(dark[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        assert 1.05 / (plot.luminance(parts) + 0.05) >= plot.CONTRAST - 0.01
    assert plot.readable("#0072B2") == "#0072b2"  # dark enough as it is


def test_a_map_keeps_groups_and_pairs_by_word(varied):
    made = plot.map_of(
        varied,
        ["king", "man", "queen", "woman", "king"],
        groups={"queen": "she", "nobody": "x"},
        pairs=[("man", "king"), ("woman", "queen")],
    )
    assert made.words == ("king", "man", "queen", "woman")
    assert made.groups == ("", "", "she", "")
    assert made.pairs == ((1, 0), (3, 2))
    arrows = [made.places[b] - made.places[a] for a, b in made.pairs]
    assert arrows[0] @ arrows[1] > 0.7 * np.linalg.norm(arrows[0]) * np.linalg.norm(arrows[1])
    assert made.caption.startswith("PCA (9")


def test_a_map_of_too_few_or_unknown_words_is_an_error(varied):
    with pytest.raises(W2VError, match="two words or more; there is 1"):
        plot.map_of(varied, ["king", "king"])
    with pytest.raises(UnknownWordError, match="nobody"):
        plot.map_of(varied, ["king", "nobody"])


@pytest.mark.parametrize(("form", "head"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_the_same_map_gives_the_same_picture(varied, form, head):
    pytest.importorskip("matplotlib")
    groups = {word: "she" if word in ("queen", "woman", "princess", "girl") else "$he$" for word in ROYALS}
    told = fonts.fonts_for(["서울"])[1]  # nothing, where a font holds its letters
    files = [io.BytesIO(), io.BytesIO()]
    for file in files:
        made = plot.map_of(varied, [*ROYALS, "서울"], "neighbours", 3, groups, [("man", "king")])
        assert plot.draw_map(made, file, form, plot.MapStyle(title="$Royals_$", dpi=60)) == told
    assert files[0].getvalue() == files[1].getvalue()
    assert files[0].getvalue().startswith(head)


def test_many_groups_make_a_legend_of_several_rows(varied):
    pytest.importorskip("matplotlib")
    words = [f"word{i}" for i in range(40)]
    made = plot.map_of(varied, words, groups={word: f"a group of {word}" for word in words})
    drawing = plot.drawing_of(made)
    drawing.figure.canvas.draw()
    (legend,) = drawing.figure.legends
    assert len(legend.get_texts()) == 40
    right = legend.get_window_extent().x1
    assert right <= drawing.figure.bbox.width
    assert max(text.get_window_extent().y1 for text in drawing.labels) <= legend.get_window_extent().y0


@pytest.mark.parametrize("method", layout.LAYOUTS)
def test_layouts_bring_similar_words_together_the_same_each_time(method):
    if method in layout.LIBRARY:
        pytest.importorskip(layout.LIBRARY[method])
    random = np.random.default_rng(8)
    bunch = np.arange(60) % 3
    rows = layout.unit_rows(random.normal(size=(3, 20))[bunch] * 2 + random.normal(size=(60, 20)) * 0.4)
    places = layout.lay_out(rows, method, 7)
    assert places.shape == (60, 2)
    assert np.isfinite(places).all()
    far = np.linalg.norm(places[:, None] - places[None], axis=2)
    same = (bunch[:, None] == bunch[None]) & ~np.eye(60, dtype=bool)
    assert (np.where(same, far, np.inf).min(axis=1) < np.where(bunch[:, None] != bunch[None], far, np.inf).min(1)).all()
    assert np.array_equal(places, layout.lay_out(rows, method, 7))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("method", ["pca", "neighbours", "tsne"])
def test_few_words_have_a_layout_too(method, count):
    if method in layout.LIBRARY:
        pytest.importorskip(layout.LIBRARY[method])
    places = layout.lay_out(layout.unit_rows(np.eye(6, 4, dtype=np.float32)[:count]), method)
    assert places.shape == (count, 2)
    assert np.isfinite(places).all()


def test_another_layout_is_an_error():
    with pytest.raises(SettingsError, match="not one of pca, neighbours, tsne, umap"):
        layout.lay_out(np.eye(3), "mds")


def test_lists_are_read_as_they_come(tmp_path):
    path = tmp_path / "list"
    path.write_bytes("\ufeffking\r\n\n서울\t77\nking\n".encode() + b"\xff\n")
    assert lists.read_words(path) == ["king", "서울", "\udcff"]
    path.write_text("king\troyal people\nqueen\troyal people\nking\troyal people\n")
    assert lists.read_groups(path) == {"king": "royal people", "queen": "royal people"}
    path.write_text("france\tparis\nitaly  rome\nfrance paris\nnew zealand\twellington\n")
    assert lists.read_pairs(path) == [("france", "paris"), ("italy", "rome"), ("new zealand", "wellington")]


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (lists.read_words, "\n \n", "list: the file holds no words; give one word per line"),
        (lists.read_words, "a\n" + "x" * 70_000, "list:2: the line is longer than 65536 bytes"),
        (lists.read_groups, "a\tx\nb\n", 'list:2: "b" is not a word, a tab and its group'),
        (lists.read_groups, "a\tx\tz\n", 'list:1: "a\tx\tz" is not a word, a tab and its group'),
        (lists.read_groups, "a\tx\na\ty\n", 'list:2: "a" has two groups, x and y; leave one out'),
        (lists.read_pairs, "a b\na\n", 'list:2: "a" is not two words with a tab between them'),
        (lists.read_pairs, "a b c\n", 'list:1: "a b c" is not two words with a tab between them'),
    ],
)
def test_a_list_that_cannot_be_read_names_the_line(tmp_path, read, text, message):
    (tmp_path / "list").write_text(text)
    with pytest.raises(W2VError) as caught:
        read(tmp_path / "list")
    assert str(caught.value) == f"{tmp_path}/{message}"


def test_among_many_words_labels_are_spread_and_stay_near_their_dots(varied):
    pytest.importorskip("matplotlib")
    random = np.random.default_rng(4)
    made = plot.Map(tuple(f"word{i}" for i in range(1200)), random.normal(size=(1200, 2)))
    drawing = plot.drawing_of(made, plot.MapStyle(size=(5, 4), dpi=72))
    assert 30 < len(drawing.labels) < 100
    assert overlapping(boxes_of(drawing, 72)) == []
    words = {text.get_text(): text.get_position() for text in drawing.labels}
    assert "word0" in words  # the first word of its square
    dots = plot.fitted(made.places, (5 * 72, 4 * 72 - 32))
    assert max(np.hypot(*(dots[int(word[4:])] - place)) for word, place in words.items()) < 40


@pytest.mark.parametrize("method", ["neighbours", "pca", "tsne", "umap"])
def test_a_few_words_are_laid_out_by_pca(method):
    rows = np.random.default_rng(2).normal(size=(4, 10))
    np.testing.assert_array_equal(layout.lay_out(rows, method), layout.by_pca(rows, 1))


def test_no_row_is_among_its_nearest_ones():
    units = np.array([[1, 0], [0.8, 0.6], [0, 1], [-1, 0]])
    assert layout.nearest_rows(units, 2).tolist() == [[1, 2], [0, 2], [1, 0], [2, 1]]
    assert layout.nearest_rows(units, 9, block=3).shape == (4, 3)


def test_words_go_where_their_cosines_with_two_directions_are(varied):
    pytest.importorskip("matplotlib")
    made = plot.map_of(varied, ROYALS, axes=("woman - man", "king"))
    for word, (across, up) in zip(made.words, made.places, strict=True):
        unit = varied.units([varied.index(word)])[0]
        step = np.subtract(*varied.units([varied.index("woman"), varied.index("man")]))
        assert across == pytest.approx(unit @ step / np.linalg.norm(step), abs=1e-6)
        assert up == pytest.approx(varied.similarity(word, "king"), abs=1e-6)
    drawing = plot.drawing_of(made)
    texts = [text.get_text() for text in drawing.figure.axes[0].texts]
    assert any(text.startswith("woman - man  ") for text in texts)
    assert {text.get_text() for text in drawing.labels} == {*ROYALS}
    with pytest.raises(UnknownWordError):
        plot.map_of(varied, ROYALS, axes=("woman - nobody", "king"))
