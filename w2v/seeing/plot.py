"""A map of words as a picture: dots with labels that do not overlap, groups in colours, arrows between pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from w2v.errors import Message, W2VError, setting
from w2v.seeing import needed
from w2v.seeing.cells import plain
from w2v.seeing.fonts import fonts_for, saved, told_once
from w2v.seeing.layout import LIBRARY, by_pca, lay_out, unit_rows
from w2v.seeing.placing import leader, place_labels
from w2v.vectors.expressions import parse_query
from w2v.vectors.neighbours import unit_mean

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text
    from numpy.typing import NDArray

    from w2v.vectors.vectors import Vectors

__all__ = ["Drawing", "Map", "MapStyle", "check_libraries", "draw_map", "map_of"]

INK, GREY, PALE = "#1d2430", "#6b7280", "#b9bfc9"
# Okabe and Ito 2008: told apart by people with any kind of colour blindness; yellow, too pale for dots, made darker.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8A7B00", "#444444")
SHAPES = "os^DvPX"  # a group has its own shape too, so that colour is never the only sign
CONTRAST = 4.5  # of labels with the white ground: WCAG 2.2, AA
MANY = 1000  # words; beyond, the dots are the picture: pale ones, and labels for the first words only, near their dots
CELL = 30  # points; where there are many words, only the first one in each square of this size has a label
LONGEST_LABEL = 32  # characters
NAMES = {"pca": "PCA", "neighbours": "neighbours", "tsne": "t-SNE", "umap": "UMAP"}
NEAR, FAR = 1.0, 18.0  # label heights: how far a label may be from its dot
MARGIN, SPACE, GAP = 16, 0.8, 4  # points: around the map, around a label, between a label and its dot


@dataclass(frozen=True)
class Map:
    """Words and their places, float64 [n, 2]; `groups` holds each word's group, "" for none; `pairs` are rows.

    `axes` name the two directions that the places are measured along; without them only distances mean something.
    """

    words: tuple[str, ...]
    places: np.ndarray
    groups: tuple[str, ...] = ()
    pairs: tuple[tuple[int, int], ...] = ()
    caption: str = ""
    axes: tuple[str, str] | None = None

    def renamed(self, names: Mapping[str, str]) -> Map:
        """The same with what words are called in their place, where that is known."""
        return replace(self, words=tuple(names.get(word, word) for word in self.words))


@dataclass(frozen=True)
class MapStyle:
    """What the picture looks like: size in inches, dots an inch (of a PNG), a line above it."""

    size: tuple[float, float] = (10.0, 8.0)
    dpi: int = 150
    title: str = ""


@dataclass(frozen=True)
class Drawing:
    """A figure, its labels, and what is not right with it."""

    figure: Figure
    labels: list[Text]
    warnings: list[str]


def check_libraries(method: str) -> None:
    """W2VError, with what to install, where a library for this map is not there; before any work."""
    needed("matplotlib")
    if method in LIBRARY:
        needed(LIBRARY[method])


def map_of(
    vectors: Vectors,
    words: Sequence[str],
    method: str = "pca",
    seed: int = 1,
    groups: Mapping[str, str] | None = None,
    pairs: Sequence[tuple[str, str]] = (),
    axes: tuple[str, str] | None = None,
) -> Map:
    """Places for words, by `method` (see w2v.seeing.layout) of their unit vectors; the same seed gives the same map.

    With `axes`, two expressions such as "woman - man", a word's place is its cosine with each of them instead.

    Words of `groups` and `pairs` are not added: all must be among `words`. UnknownWordError for a word that is not in
    the vectors, W2VError for fewer than two words.
    """
    words = tuple(dict.fromkeys(words))
    if len(words) < 2:
        raise W2VError(f"a map needs two words or more; there {'is' if len(words) == 1 else 'are'} {len(words)}")
    units = unit_rows(vectors.rows_at([vectors.place(word) for word in words]))
    if axes is not None:
        places, caption = units @ np.array([direction(vectors, text) for text in axes]).T, "cosines with two directions"
    else:
        places, caption = lay_out(units, method, seed), NAMES[method]
    if method == "pca" and axes is None:
        total = np.square(units - units.mean(axis=0)).sum()
        caption += f" ({np.square(places).sum() / total:.0%} of the variance)" if total > 0 else ""
    row = {word: place for place, word in enumerate(words)}
    return Map(
        words,
        places,
        tuple((groups or {}).get(word, "") for word in words),
        tuple((row[a], row[b]) for a, b in pairs),
        caption,
        axes,
    )


def direction(vectors: Vectors, text: str) -> NDArray[np.float64]:
    """Where an expression points, at length 1, as `w2v similar` has it."""
    query = parse_query(text)
    places = [[vectors.place(word) for word in words] for words in (query.positive, query.negative)]
    return unit_mean(vectors, *places)


def draw_map(made: Map, file: BinaryIO, form: str, style: MapStyle = MapStyle()) -> list[str]:
    """Write the map as "png", "svg" or "pdf"; returns warnings, such as labels that found no place."""
    drawing = drawing_of(made, style)
    saved(drawing.figure, file, form, style.dpi)
    return drawing.warnings


def drawing_of(made: Map, style: MapStyle = MapStyle()) -> Drawing:
    """The map as a figure. Its axes measure points (1/72 inch), so that labels are where they were placed."""
    needed("matplotlib")
    with told_once():
        return drawn(made, style)


def drawn(made: Map, style: MapStyle) -> Drawing:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(group for group in made.groups if group))
    fonts, warnings = fonts_for([*made.words, *names, style.title])
    figure = Figure(figsize=style.size, dpi=style.dpi)
    FigureCanvasAgg(figure)
    width, height = (72 * length for length in style.size)
    top = height - 12
    if style.title:
        look = {"fontfamily": fonts, "fontsize": 13, "color": INK, "fontweight": "bold", "va": "top"}
        figure.text(MARGIN / width, top / height, plain(style.title), **look)
        top -= 24
    if names:
        top = add_legend(figure, names, fonts, top)
    figure.text(MARGIN / width, 7 / height, plain(made.caption), fontsize=7.5, color=GREY)
    room = width, top - 20
    axes = figure.add_axes((0, 20 / height, 1, room[1] / height), xlim=(0, room[0]), ylim=(0, room[1]))
    axes.set_axis_off()
    points = fitted(made.places, room)
    if made.axes is not None:
        points = add_axes(axes, made.places, made.axes, room, fonts)
    colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(names)}
    add_points(axes, points, made.groups or [""] * len(points), colours)
    add_arrows(axes, points, made.pairs)
    labels = add_labels(axes, made, points, room, fonts, colours)
    if len(labels) < len(points):
        room_for_more = f"a larger {setting('size')} has room for more"
        warnings.append(Message(f"{len(labels)} of the {len(points)} words have labels; {room_for_more}"))
    return Drawing(figure, labels, warnings)


def add_axes(
    axes: Axes, places: NDArray[np.float64], names: Sequence[str], room: tuple[float, float], fonts: list[str]
) -> NDArray[np.float64]:
    """Lines where each cosine is 0, with the directions' names and the largest cosines at their ends; returns the
    places in the room's own unit, each direction stretched to fill it."""
    low, high = np.minimum(places.min(axis=0), 0), np.maximum(places.max(axis=0), 0)
    spans = np.maximum(high - low, 1e-9)
    inner = np.subtract(room, (5 * MARGIN, 4 * MARGIN))
    corner = np.subtract(room, inner) / 2
    zero = corner - low / spans * inner
    axes.axvline(zero[0], color=PALE, linewidth=0.8, zorder=1)
    axes.axhline(zero[1], color=PALE, linewidth=0.8, zorder=1)
    style = {"fontfamily": fonts, "fontsize": 8, "color": GREY, "zorder": 1}
    across, up = (f"{plain(name)}  {value:+.2f}" for name, value in zip(names, high, strict=True))
    # In the margins, where no word is.
    axes.text(room[0] - MARGIN, MARGIN / 2, f"{across} →", ha="right", va="bottom", **style)
    axes.text(zero[0] + 4, room[1] - 2, f"{up} ↑", ha="left", va="top", **style)
    points: NDArray[np.float64] = corner + (places - low) / spans * inner
    return points


def fitted(places: np.ndarray, room: tuple[float, float]) -> np.ndarray:
    """Places in the room's own unit: the widest direction lies flat, and distances keep their proportions."""
    turned = by_pca(places, 0) if len(places) > 1 else places
    low, high = turned.min(axis=0), turned.max(axis=0)
    inner = np.subtract(room, (5 * MARGIN, 2.5 * MARGIN))
    spans = high - low
    scale = min((inner[i] / spans[i] for i in (0, 1) if spans[i] > 1e-9), default=1.0)
    fitting: np.ndarray = (turned - (low + high) / 2) * scale + np.divide(room, 2)
    return fitting


def add_legend(figure: Figure, names: list[str], fonts: list[str], top: float) -> float:
    """The groups in rows below `top`, as many side by side as fit; returns where they end, in points from below."""
    from matplotlib.lines import Line2D

    width, height = figure.get_size_inches() * 72
    marks = [
        Line2D(
            [],
            [],
            linestyle="",
            marker=SHAPES[i % len(SHAPES)],
            color=COLOURS[i % len(COLOURS)],
            markersize=6,
            markeredgewidth=0,
        )
        for i in range(len(names))
    ]
    for columns in range(len(names), 0, -1):
        legend = figure.legend(
            marks,
            [plain(name) for name in names],
            ncols=columns,
            loc="upper left",
            borderaxespad=0,
            borderpad=0,
            bbox_to_anchor=(MARGIN / width, top / height),
            frameon=False,
            handletextpad=0.1,
            columnspacing=1.2,
            prop={"family": fonts, "size": 9},
            labelcolor=INK,
        )
        box = legend.get_window_extent()
        if box.width / figure.dpi * 72 <= width - 2 * MARGIN or columns == 1:
            return top - float(box.height) / float(figure.dpi) * 72 - 4
        legend.remove()
    return top


def add_points(axes: Axes, points: np.ndarray, groups: Sequence[str], colours: dict[str, str]) -> None:
    """A dot for each word, with its group's colour and shape."""
    shapes = {name: SHAPES[i % len(SHAPES)] for i, name in enumerate(colours)}
    side = 4 if len(points) <= 400 else 3 if len(points) <= 3000 else 1.6
    for name in ("", *colours):
        here = points[[i for i, group in enumerate(groups) if group == name]]
        axes.scatter(
            here[:, 0],
            here[:, 1],
            s=side**2,
            marker=shapes.get(name, "o"),
            linewidths=0,
            zorder=3,
            alpha=0.4 if len(points) > MANY else 1,
            color=colours.get(name, PALE if colours else COLOURS[0]),
        )


def add_arrows(axes: Axes, points: np.ndarray, pairs: Sequence[tuple[int, int]]) -> None:
    for start, end in pairs:
        axes.annotate(
            "",
            points[end],
            points[start],
            zorder=2,
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-|>,head_width=0.18,head_length=0.4",
                "color": "#8793a6",
                "linewidth": 0.9,
                "shrinkA": 3,
                "shrinkB": 3.5,
            },
        )


def add_labels(
    axes: Axes,
    made: Map,
    points: np.ndarray,
    room: tuple[float, float],
    fonts: list[str],
    colours: dict[str, str],
) -> list[Text]:
    """Labels where they do not overlap, and lines from those that are further off to their dots."""
    from matplotlib.collections import LineCollection

    chosen = list(dict.fromkeys([*(row for pair in made.pairs for row in pair), *range(len(points))]))
    many = len(points) > MANY
    if many:
        cells = [tuple(point // CELL) for point in points[chosen]]
        first = dict(zip(reversed(cells), reversed(chosen), strict=True))
        chosen = sorted(first.values(), key=chosen.index)
    texts = label_texts(axes, made, chosen, fonts, colours)
    boxes = [text.get_window_extent() for text in texts]
    spaces = np.array([(box.width, box.height) for box in boxes]) * 72 / axes.get_figure().dpi + 2 * SPACE
    placing = place_labels(points, spaces, room, GAP, points[chosen], along(points, made.pairs), NEAR if many else FAR)
    lines, drawn = [], []
    for text, row, centre, space, placed in zip(texts, chosen, placing.centres, spaces, placing.placed, strict=True):
        if not placed:
            text.remove()
            continue
        text.set_position(centre)
        drawn.append(text)
        end = leader(points[row], centre, space / 2 - SPACE)
        if np.hypot(*(end - points[row])) > 1.6 * GAP:
            lines.append([points[row], end])
    axes.add_collection(LineCollection(lines, colors=PALE, linewidths=0.6, zorder=1), autolim=False)
    return drawn


def label_texts(axes: Axes, made: Map, chosen: Sequence[int], fonts: list[str], colours: dict[str, str]) -> list[Text]:
    """The labels of some rows, still without a place."""
    from matplotlib.patheffects import withStroke

    count = len(made.words)
    size = 9.5 if count <= 120 else 8 if count <= 400 else 7
    groups = [made.groups[row] if made.groups else "" for row in chosen]
    return [
        axes.text(
            0,
            0,
            plain(shortened(made.words[row])),
            fontfamily=fonts,
            fontsize=size,
            ha="center",
            va="center",
            zorder=5,
            color=readable(colours[group]) if group else INK,
            path_effects=[withStroke(linewidth=2, foreground="white")] if count > MANY else None,
        )
        for row, group in zip(chosen, groups, strict=True)
    ]


def along(points: np.ndarray, pairs: Sequence[tuple[int, int]]) -> np.ndarray:
    """Dots along the arrows, float64 [k, 2], six points apart."""
    dots = [np.zeros((0, 2))]
    for start, end in pairs:
        steps = np.linspace(0, 1, max(2, int(np.hypot(*(points[end] - points[start])) / 6)))[:, None]
        dots.append(points[start] + steps * (points[end] - points[start]))
    return np.concatenate(dots)


def shortened(word: str) -> str:
    return word if len(word) <= LONGEST_LABEL else word[: LONGEST_LABEL - 1] + "…"


def readable(colour: str) -> str:
    """The colour, made darker until it can be read on white."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    while 1.05 / (luminance(parts) + 0.05) < CONTRAST:
        parts = [part * 0.96 for part in parts]
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts)


def luminance(parts: Sequence[float]) -> float:
    """Relative luminance of sRGB, 0..1 (WCAG 2.2)."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
