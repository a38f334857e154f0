"""Pictures, part by part: where everything is, its size, colour and style, as drawn.txt has it.

python -P tests/seeing/test_drawn.py        # after a change that was meant: look at `git diff` then
"""

from __future__ import annotations

import difflib
import io
import random
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from w2v.seeing import cells, curves, placing, plot
from w2v.seeing.curves import Log, Point

pytest.importorskip("matplotlib")
from matplotlib.colors import to_hex

DRAWN = Path(__file__).parent / "drawn.txt"


def numbers(values) -> str:
    return " ".join(f"{value:.5g}" for value in np.asarray(values, float).ravel())


def parts_of(figure) -> Iterator[str]:
    """A line for each part; nothing that depends on how large letters are."""
    yield f"figure {numbers(figure.get_size_inches())}"
    yield from map(text_of, figure.texts)
    for legend in figure.legends:
        yield from legend_of(legend)
    for axes in figure.axes:
        yield from parts_of_axes(axes) if axes.get_visible() else ["no axes"]


def parts_of_axes(axes) -> Iterator[str]:
    limits = numbers((*axes.get_xlim(), *axes.get_ylim()))
    yield f"axes {limits} {axes.axison} {axes.get_title(loc='left')!r} {axes.get_xlabel()!r}"
    yield f"spines {[name for name, spine in axes.spines.items() if spine.get_visible()]}"
    for grid in [*axes.get_ygridlines()[:1], *(tick.gridline for tick in axes.yaxis.get_minor_ticks()[:1])]:
        yield f"grid {grid.get_visible()} {grid.get_color()} {grid.get_linewidth()}"
    for image in axes.images:
        ticks = axes.get_xticks(), axes.get_yticks(), axes.get_yticks(minor=True)
        yield f"ticks {' | '.join(map(numbers, ticks))}"
        for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
            yield f"tick {label.get_text()!r} {label.get_fontsize()}"
        yield f"image {zlib.crc32(image.get_array().tobytes()):08x}"
    for line in axes.lines:
        style = line.get_color(), line.get_linewidth(), line.get_linestyle(), line.get_marker(), line.get_markersize()
        yield f"line {line.get_label()} {numbers(line.get_xdata())} | {numbers(line.get_ydata())}"
        yield f"     {style} {line.get_zorder()} {line.get_clip_on()}"
    for dots in axes.collections:
        points = hasattr(dots, "get_sizes")
        where = dots.get_offsets() if points else [path.vertices for path in dots.get_paths()]
        colours = [to_hex(colour) for colour in (dots.get_facecolor() if points else dots.get_edgecolor())]
        shape = len(dots.get_paths()[0].vertices) if points else 2
        yield f"dots {numbers(where)} | {numbers(dots.get_sizes() if points else ())} {shape}"
        yield f"     {colours} {numbers(dots.get_linewidths())} {dots.get_zorder()} {dots.get_alpha()}"
    if len(axes.texts) < 50:  # else it depends on their sizes which of them there are
        yield from map(text_of, axes.texts)
    if axes.get_legend() is not None:
        yield from legend_of(axes.get_legend())


def text_of(text) -> str:
    place = numbers((*text.xy, *text.get_position())) if hasattr(text, "xy") else ""
    style = (
        text.get_fontsize(),
        text.get_color(),
        text.get_fontweight(),
        text.get_ha(),
        text.get_va(),
        text.get_zorder(),
    )
    arrow, around = getattr(text, "arrowprops", ""), len(text.get_path_effects() or ())
    return f"text {text.get_text()!r} {place} {style} {around} {arrow}"


def legend_of(legend) -> Iterator[str]:
    for text, mark in zip(legend.get_texts(), legend.legend_handles, strict=True):
        style = text.get_fontsize(), to_hex(text.get_color())
        yield f"legend {text.get_text()} {style} {mark.get_marker()} {mark.get_color()} {mark.get_markersize()}"


def progress(count: int) -> list[Point]:
    return [
        Point(
            "progress", {"tokens": 1e6 * n, "tokens_total": 4e6, "loss": 1 / n, "lr": 0.1 / n, "words_per_s": n * 2e6}
        )
        for n in range(1, count + 1)
    ]


def epoch(tokens: float, loss: float, **scores: float) -> list[Point]:
    return [Point("epoch", {"tokens": tokens, "held_out_loss": loss}), Point("eval", {"tokens": tokens}, scores)]


HERE, THERE = np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 2.0], [0.0, 2.25]]), ("a", "$b", "c", "d" * 40)
MANY = np.stack([np.arange(1001) % 37, np.arange(1001) // 37], axis=1) * 1.01
RUN, OTHER = (
    Log((*progress(2), *epoch(2e6, 0.7, ws=0.5, total=0.25), *epoch(4e6, 0.6, ws=0.75)), 0),
    Log((*progress(15),), 0),
)
PICTURES: dict[str, tuple] = {
    "cells": (cells, "draw_cells", cells.Cells(("a", "$b"), ("", "="), np.array([[0.5, -1, 0], [2, 0.25, -0.1]]), 1.0)),
    "one cell": (cells, "draw_cells", cells.Cells(("a",), ("",), np.array([[0.0]]), 0.25)),
    "map": (plot, "draw_map", plot.Map(THERE, HERE, (), ((0, 1),), "a $caption")),
    "map of groups": (plot, "draw_map", plot.Map(THERE, HERE, ("x", "y", "x", ""), ((0, 1), (2, 1)), "")),
    "map of one place": (plot, "draw_map", plot.Map(THERE, HERE * 0)),
    "map along axes": (plot, "draw_map", plot.Map(THERE, HERE / 5 - 0.3, (), (), "", ("x - y", "$z"))),
    "map along axes, all above 0": (plot, "draw_map", plot.Map(THERE, HERE / 5 + 0.1, (), (), "", ("x", "z"))),
    "map of many": (plot, "draw_map", plot.Map(tuple(map(str, range(len(MANY)))), MANY)),
    "curves": (curves, "draw_curves", {"run": RUN}),
    "curves of two": (curves, "draw_curves", {"one": OTHER, "$two": RUN}),
    "curves of words alone": (curves, "draw_curves", {"one": OTHER}),
}  # fmt: skip


add_legend = plot.add_legend


def pictures() -> str:
    """All of them, as text."""
    lines = []
    for name, (module, function, given) in PICTURES.items():
        figures: list = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "saved", lambda figure, *_, kept=figures: kept.append(figure))
            patch.setattr(plot, "add_legend", lambda *given: add_legend(*given) and given[-1] - 20)
            getattr(module, function)(given, io.BytesIO(), "svg")
        lines += [f"--- {name}", *parts_of(figures[0])]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def test_pictures_are_drawn_as_they_were():
    expected, seen = DRAWN.read_text(encoding="utf-8"), pictures()
    assert "\n".join(difflib.unified_diff(expected.splitlines(), seen.splitlines(), n=1, lineterm="")) == ""


def placed(count: int = 70, **more) -> tuple[int, int]:
    draw = random.Random(1)
    points, sizes = (
        np.array([[draw.randrange(*w) / 7, draw.randrange(*h) / 7] for _ in range(count)]) for w, h in ROOMS
    )
    lines = np.stack([np.linspace(0, 300, 40), np.linspace(200, 0, 40)], axis=1)
    found = placing.place_labels(points, sizes, (300, 200), **{"gap": 3, "lines": lines, **more})
    return int(found.placed.sum()), zlib.crc32(found.centres[found.placed].round(2).tobytes())


ROOMS = ((0, 2100), (0, 1400)), ((140, 490), (56, 71))


def test_labels_are_placed_where_they_were():
    assert placed() == (70, 1051096924)
    assert placed(200) == (92, 2446919902)
    assert placed(reach=1.0, gap=2) == (59, 192376403)


if __name__ == "__main__":
    DRAWN.write_text(pictures(), encoding="utf-8")
