"""`w2v show`: vectors as rows of coloured cells; `w2v curve`: how a training went."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from shutil import get_terminal_size
from typing import TYPE_CHECKING

import click

from w2v.cli.answers import load_vectors
from w2v.cli.command import Argument, Command, Option
from w2v.cli.errors import say
from w2v.cli.options import vectors_argument
from w2v.cli.output import figure_format, write_figure
from w2v.cli.streams import argument_text, write
from w2v.cli.terminal import COLOUR_OPTION, colour_depth, shade, tsv_line, width_of
from w2v.errors import printable

if TYPE_CHECKING:
    from w2v.seeing.cells import Cells

__all__ = ["command", "curve"]

HELP = """Vectors as rows of coloured cells: blue below zero, white at zero, red above.

A WORD is a word or an expression such as king - man + woman, which is drawn as it was typed: its words behind their
signs, their sum behind =, and behind ~ the three words that are nearest to it. A scale below says what the colours
mean. Where the terminal is narrower than a vector, neighbouring values are drawn as one, their mean. In a pipe: the
label and the numbers, separated by tabs.
"""

EXAMPLES = [
    ("Three words", "w2v show vectors.bin king queen man"),
    (
        "An expression beside its nearest words, what they share first",
        "w2v show vectors.bin king - man + woman --sort",
    ),
    (
        "The same along the directions in which words differ most",
        "w2v show vectors.bin king queen man woman --rotate pca --color always",
    ),
]

SCALE = 11  # cells of the scale of colours
NARROWEST = 16  # columns for the cells, however long the labels


def show(vectors: str, words: tuple[str, ...], output: str | None, sort: bool, rotate: str | None, when: str) -> None:
    form = figure_format(output, [vectors]) if output else None

    from w2v.seeing.cells import cells_of, draw_cells
    from w2v.vectors.expressions import joined_arguments

    asked = joined_arguments([argument_text(word) for word in words])
    cells = cells_of(load_vectors(vectors), asked, sort, rotate == "pca")
    if output and form:
        write_figure(output, lambda file: draw_cells(cells, file, form))
        return
    depth = colour_depth(when)
    lines = coloured(cells, depth, get_terminal_size().columns) if depth else numbers(cells)
    write("".join(lines), styled=depth > 0)


def numbers(cells: Cells) -> Iterator[str]:
    for title, row in zip(cells.titles(), cells.values, strict=True):
        yield tsv_line([title, *(f"{value:.6g}" for value in row)])


def coloured(cells: Cells, depth: int, width: int) -> Iterator[str]:
    """A line a row: the sign, the label, and as many cells as fit; below them the scale of the colours."""
    import numpy as np

    dim = cells.values.shape[1]
    lead = 2 * any(cells.signs)  # columns for the signs
    labels = [printable(label) for label in cells.labels]
    longest = max(map(width_of, labels), default=0)
    room = max(NARROWEST, width - lead - longest - 2)
    cuts = np.linspace(0, dim, min(dim, room) + 1).astype(int)
    wide = max(1, min(4, room // dim))
    for sign, label, row in zip(cells.signs, labels, cells.values, strict=True):
        means = [row[low:high].mean() / cells.largest for low, high in pairwise(cuts)]
        space = " " * (longest - width_of(label))
        yield f"{sign.ljust(lead)}{label}{space}  {painted_cells(means, ' ' * wide, depth)}\n"
    low, high = f"{-cells.largest:.2g}", f"{cells.largest:.2g}"
    ramp = painted_cells(np.linspace(-1, 1, SCALE).tolist(), " ", depth)
    yield f"{low.rjust(lead + longest)}  {ramp} {high}\n"


def painted_cells(shares: Sequence[float], cell: str, depth: int) -> str:
    return "".join(f"\x1b[{shade(share, depth)}m{cell}" for share in shares) + "\x1b[0m"


command = Command(
    "show",
    usage="VECTORS WORD... [options]",
    help=HELP,
    examples=EXAMPLES,
    callback=show,
    params=[
        vectors_argument(),
        Argument(["words"], nargs=-1, required=True, metavar="WORD", line="Words or expressions."),
        Option(["-o", "--output"], metavar="FILE", help="Draw a figure instead: .png, .svg or .pdf (needs w2v[plot])."),
        Option(["--sort"], is_flag=True, help="Order the columns by their mean, so that what the words share is seen."),
        Option(["--rotate"], type=click.Choice(("pca",)), help="Turn the space first: single axes mean nothing."),
        COLOUR_OPTION,
    ],
)


CURVE_HELP = """Loss, learning rate, words per second and scores over a training, from the log that it wrote.

A LOG holds JSON lines as docs/log.md describes them; several are drawn together. Lines that cannot be read, such as the
last half line of a run that was killed, are skipped and counted. Needs w2v[plot].
"""


def draw_log(logs: tuple[str, ...], output: str) -> None:
    form = figure_format(output, logs)

    from w2v.seeing.curves import draw_curves, read_log

    found = {path: read_log(path) for path in logs}
    for path, log in found.items():
        if log.skipped:
            say(f"warning: {path}: {log.skipped} lines are not events and were skipped")
    write_figure(output, lambda file: draw_curves(found, file, form))


curve = Command(
    "curve",
    usage="LOG... -o FILE",
    help=CURVE_HELP,
    examples=[("A picture of a run", "w2v curve run.jsonl -o curve.png")],
    callback=draw_log,
    params=[
        Argument(["logs"], nargs=-1, required=True, metavar="LOG", line="Logs in JSON lines, plain or compressed."),
        Option(["-o", "--output"], required=True, metavar="FILE", help="The picture: .png, .svg or .pdf."),
    ],
)
