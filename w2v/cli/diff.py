"""`w2v diff`: how models differ."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from w2v.cli.answers import json_line
from w2v.cli.command import Argument, Command, Option
from w2v.cli.errors import say, usage_error
from w2v.cli.options import Whole, format_option
from w2v.cli.streams import is_terminal, write
from w2v.cli.terminal import aligned, tsv
from w2v.numbers import count

if TYPE_CHECKING:
    from w2v.vectors.compare import Comparison

__all__ = ["command"]

HELP = """How two or more models differ on the words that they share.

For each pair of models: overlap, the mean share of a word's K nearest words that is the same in both; cosine, the mean
cosine of a word's two vectors once one space is rotated onto the other (orthogonal Procrustes), and the least.

Then words: of two models those that moved most (least cosine first), of more, such as models of several seeds, those
whose neighbours are least stable (mean overlap of all pairs). `row` is the word's row in A: small for frequent words.
"""

EXAMPLES = [
    ("Two models", "w2v diff vectors.bin other.bin -k 3"),
    (
        "How stable neighbours are over seeds; every word, as JSON lines",
        "w2v diff seed1.bin seed2.bin seed3.bin -k 3 --words 0 --format json > stability.jsonl",
    ),
]

PAIR_HEADER = ("pair", "A", "B", "overlap", "cosine", "least cosine")
WORD_HEADER = ("word", "word", "row", "overlap", "cosine")


def diff(models: tuple[str, ...], k: int, top: int, words: int, form: str) -> None:
    if len(models) < 2:
        raise usage_error("two models at least can be compared; give A and B")

    from w2v.vectors.compare import compare
    from w2v.vectors.vectors import load

    found = compare([load(path) for path in models], k, top or None)
    say(
        f"{count(len(found.words))} words compared, of {count(found.shared)} that all models share "
        f"(they have {', '.join(map(count, found.sizes))})"
    )
    places = found.order()[: words or None].tolist()
    if form == "json":
        write("".join(map(json_line, objects(models, found, places))))
    elif is_terminal(sys.stdout):
        write(aligned(PAIR_HEADER[1:], [cells[1:] for cells in pair_rows(models, found)], left=2) + "\n")
        write(aligned(WORD_HEADER[1:], [cells[1:] for cells in word_rows(found, places)]))
    else:
        write(tsv(PAIR_HEADER, pair_rows(models, found)) + tsv(WORD_HEADER, word_rows(found, places)))


def pair_rows(models: tuple[str, ...], found: Comparison) -> list[tuple[str, ...]]:
    return [
        (
            "pair",
            models[pair.first],
            models[pair.second],
            f"{pair.overlap:.6f}",
            f"{pair.cosine:.6f}",
            f"{pair.least_cosine:.6f}",
        )
        for pair in found.pairs
    ]


def word_rows(found: Comparison, places: list[int]) -> list[tuple[str, ...]]:
    return [
        (
            "word",
            found.words[place],
            str(found.rows[place] + 1),
            f"{found.overlap[place]:.6f}",
            f"{found.cosine[place]:.6f}",
        )
        for place in places
    ]


def objects(models: tuple[str, ...], found: Comparison, places: list[int]) -> list[dict[str, object]]:
    pairs: list[dict[str, object]] = [
        {
            "a": models[pair.first],
            "b": models[pair.second],
            "k": found.k,
            "words": len(found.words),
            "shared": found.shared,
            "overlap": round(pair.overlap, 6),
            "cosine": round(pair.cosine, 6),
            "least_cosine": round(pair.least_cosine, 6),
        }
        for pair in found.pairs
    ]
    return pairs + [
        {
            "word": found.words[place],
            "row": int(found.rows[place]) + 1,
            "overlap": round(float(found.overlap[place]), 6),
            "cosine": round(float(found.cosine[place]), 6),
        }
        for place in places
    ]


command = Command(
    "diff",
    usage="A B [C...] [options]",
    help=HELP,
    examples=EXAMPLES,
    callback=diff,
    params=[
        Argument(
            ["models"],
            nargs=-1,
            required=True,
            metavar="VECTORS",
            line="Vector files of any format that w2v reads; their dimensions may differ.",
        ),
        Option(
            ["-k", "--nearest", "k"],
            type=Whole(1),
            metavar="K",
            default=10,
            shown_default="10",
            help="Number of neighbours per word to compare.",
        ),
        Option(
            ["--top"],
            type=Whole(0),
            metavar="N",
            default=10_000,
            shown_default="10000",
            help="Compare the N most frequent words of A that all models have; 0: all. Time grows with N squared.",
        ),
        Option(
            ["--words"],
            type=Whole(0),
            metavar="N",
            default=10,
            shown_default="10",
            help="Number of words to show; 0: all that were compared.",
        ),
        format_option("tsv: rows that begin with pair or word; json: one object per line."),
    ],
)
