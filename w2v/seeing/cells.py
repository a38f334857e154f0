"""Vectors as rows of coloured cells: which rows, in what order of columns, in what colours; and as a figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from w2v.seeing import needed
from w2v.seeing.fonts import fonts_for, saved
from w2v.seeing.layout import pca, unit_rows
from w2v.vectors.derive import sum_of
from w2v.vectors.expressions import terms_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from w2v.vectors.vectors import Vectors

__all__ = ["Cells", "cells_of", "colour", "draw_cells"]

BLUE, WHITE, RED = (33, 102, 172), (247, 247, 247), (178, 24, 43)
NEAREST = 3  # words beside an expression
REFERENCE_ROWS = 20_000  # the rotation is that of the most frequent words


@dataclass(frozen=True)
class Cells:
    """`labels` [n] and `values` float64 [n, D]; `largest` is the size that has the full colour.

    `signs` [n] say what a row is in an expression: "+" and "-" for its words, "=" for the sum, "~" for what is nearest
    to it, "" for a word that stands alone or first.
    """

    labels: tuple[str, ...]
    signs: tuple[str, ...]
    values: NDArray[np.float64]
    largest: float

    def titles(self, separator: str = " ") -> list[str]:
        """Each label behind its sign."""
        return [
            f"{sign}{separator}{label}" if sign else label for sign, label in zip(self.signs, self.labels, strict=True)
        ]


def cells_of(vectors: Vectors, texts: Sequence[str], sort: bool = False, rotate: bool = False) -> Cells:
    """Rows of words and expressions. An expression brings its words as they were typed, the sum and its nearest words.

    `rotate` turns the space onto its principal axes first; `sort` orders the columns by the mean of the rows, so that
    what they share is seen. Raises UnknownWordError, or SettingsError for an expression that cannot be read.
    """
    found: dict[tuple[str, str], NDArray[np.float64]] = {}

    def add(sign: str, label: str, row: NDArray[np.float32]) -> None:
        found.setdefault((sign, label), np.asarray(row, np.float64))

    for text in texts:
        terms = terms_of(text)
        for place, (sign, word) in enumerate(terms):
            add(sign if place or sign == "-" else "", word, vectors[word])
        if len(terms) > 1:
            add("=", " ".join(text.split()), sum_of(vectors, text))
            for word, cosine in vectors.query(text, NEAREST):
                add("~", f"{word} {cosine:.2f}", vectors[word])
    signs, labels = zip(*found, strict=True) if found else ((), ())
    values = np.array([*found.values()]).reshape(len(found), vectors.dim)
    if rotate:
        values = values @ pca(unit_rows(vectors.matrix[:REFERENCE_ROWS]), vectors.dim)
    if sort:
        values = values[:, np.argsort(-values.mean(axis=0), kind="stable")]
    # One large value must not pale all the others.
    return Cells(labels, signs, values, float(np.quantile(np.abs(values), 0.98)) or 1.0)


def colour(share: float) -> tuple[int, int, int]:
    """Blue at -1, white at 0, red at 1."""
    end, part = BLUE if share < 0 else RED, min(1.0, abs(share)) ** 0.8
    red, green, blue = (round(low + (high - low) * part) for low, high in zip(WHITE, end, strict=True))
    return red, green, blue


def draw_cells(cells: Cells, file: BinaryIO, form: str) -> list[str]:
    """The cells as a figure; returns warnings, such as letters that no installed font holds."""
    needed("matplotlib")
    from matplotlib.figure import Figure

    fonts, warnings = fonts_for(cells.labels)
    count = len(cells.labels)
    figure = Figure(figsize=(9, 0.34 * count + 0.75), layout="constrained")
    rooms = figure.subplot_mosaic([["rows"] * 4, ["scale", ".", ".", "."]], height_ratios=(count, 0.35))
    axes, scale = rooms["rows"], rooms["scale"]
    image = np.array([[colour(value / cells.largest) for value in row] for row in cells.values], np.uint8)
    axes.imshow(image, aspect="auto", interpolation="nearest")
    axes.set_yticks(range(count), [plain(title) for title in cells.titles("  ")], fontfamily=fonts)
    axes.set_yticks(np.arange(count + 1) - 0.5, minor=True)
    axes.grid(which="minor", axis="y", color="white", linewidth=4)
    axes.set_xticks([])
    ramp = np.array([[colour(share) for share in np.linspace(-1, 1, 101)]], np.uint8)
    scale.imshow(ramp, aspect="auto", interpolation="nearest")
    scale.set_yticks([])
    scale.set_xticks([0, 50, 100], [f"{cells.largest * share:.2g}" for share in (-1, 0, 1)], fontsize=7.5)
    for part in (axes, scale):
        part.tick_params(which="both", length=0)
        part.spines[:].set_visible(False)
    saved(figure, file, form)
    return warnings


def plain(text: str) -> str:
    """Text that a figure can draw: no formula ($), no bytes that are not UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("$", "\\$")
