"""Vectors as rows of coloured cells: which rows, in what order of columns, in what colours; and as a figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from w2v.seeing.extras import needed
from w2v.seeing.layout import pca, unit_rows
from w2v.vectors.derive import sum_of
from w2v.vectors.expressions import parse_query

if TYPE_CHECKING:
    from w2v.vectors.vectors import Vectors

__all__ = ["Cells", "cells_of", "colour", "draw_cells"]

BLUE, WHITE, RED = (33, 102, 172), (247, 247, 247), (178, 24, 43)
REFERENCE_ROWS = 20_000  # the rotation is that of the most frequent words


@dataclass(frozen=True)
class Cells:
    """`labels` [n] and `values` float64 [n, D]; `largest` is the size that has the full colour."""

    labels: tuple[str, ...]
    values: np.ndarray
    largest: float


def cells_of(vectors: Vectors, texts: Sequence[str], sort: bool = False, rotate: bool = False) -> Cells:
    """Rows of words and expressions. An expression brings its words, itself (the sum) and its nearest word.

    `rotate` turns the space onto its principal axes first; `sort` orders the columns by the mean of the rows, so that
    what they share is seen. Raises UnknownWordError, or SettingsError for an expression that cannot be read.
    """
    labels: list[str] = []
    rows: list[np.ndarray] = []
    seen: set[str] = set()

    def add(label: str, row: np.ndarray) -> None:
        if label not in seen:
            seen.add(label)
            labels.append(label)
            rows.append(np.asarray(row, np.float64))

    for text in texts:
        query = parse_query(text)
        for word in query.words:
            add(str(word), vectors[word])
        if len(query.words) > 1:
            add(text, sum_of(vectors, text))
            for word, _ in vectors.query(text, 1):
                add(f"nearest: {word}", vectors[word])
    values = np.array(rows).reshape(len(rows), vectors.dim)
    if rotate:
        values = values @ pca(unit_rows(vectors.matrix[:REFERENCE_ROWS]), vectors.dim)
    if sort:
        values = values[:, np.argsort(-values.mean(axis=0), kind="stable")]
    # One large value must not pale all the others.
    return Cells(tuple(labels), values, float(np.quantile(np.abs(values), 0.98)) or 1.0)


def colour(share: float) -> tuple[int, int, int]:
    """Blue at -1, white at 0, red at 1."""
    end, part = BLUE if share < 0 else RED, min(1.0, abs(share)) ** 0.8
    red, green, blue = (round(low + (high - low) * part) for low, high in zip(WHITE, end, strict=True))
    return red, green, blue


def draw_cells(cells: Cells, file: BinaryIO, form: str) -> list[str]:
    """The cells as a figure; returns warnings, such as letters that no installed font holds."""
    needed("matplotlib")
    from matplotlib.figure import Figure

    from w2v.seeing.fonts import fonts_for, saved

    fonts, warnings = fonts_for(cells.labels)
    count = len(cells.labels)
    figure = Figure(figsize=(9, 0.34 * count + 0.35), layout="constrained")
    axes = figure.add_subplot()
    image = np.array([[colour(value / cells.largest) for value in row] for row in cells.values], np.uint8)
    axes.imshow(image, aspect="auto", interpolation="nearest")
    axes.set_yticks(range(count), [plain(label) for label in cells.labels], fontfamily=fonts)
    axes.set_yticks(np.arange(count + 1) - 0.5, minor=True)
    axes.grid(which="minor", axis="y", color="white", linewidth=4)
    axes.tick_params(which="both", length=0)
    axes.set_xticks([])
    axes.spines[:].set_visible(False)
    saved(figure, file, form)
    return warnings


def plain(text: str) -> str:
    """Text that a figure can draw: no formula ($), no bytes that are not UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("$", "\\$")
