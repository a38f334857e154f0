"""`w2v plot`: a map of words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from w2v.cli.answers import load_vectors, made_note
from w2v.cli.command import Argument, Command, Option
from w2v.cli.errors import say, usage_error
from w2v.cli.options import ParamType, Whole, map_seed_option, vectors_argument
from w2v.cli.output import figure_format, write_figure
from w2v.cli.progress import progress_for
from w2v.cli.streams import argument_text
from w2v.numbers import count

if TYPE_CHECKING:
    from w2v.vectors.vectors import Vectors

__all__ = ["command"]

HELP = """A map of words, with similar words side by side.

Draws the words given, those of a file, or the most frequent ones (--top); with only --groups or --pairs, the words in
these. Labels never overlap; those for which there is no room are left out and counted. PCA keeps directions, so that
arrows (--pairs) can be compared; t-SNE and UMAP keep neighbours, and large distances mean nothing there. The same seed
gives the same map. Needs w2v[plot].
"""

EXAMPLES = [
    ("The 300 most frequent words", "w2v plot vectors.bin --top 300 -o map.png"),
    ("Words in groups, each with its colour", "w2v plot vectors.bin --groups groups.tsv -o map.svg"),
    ("Arrows from countries to their capitals", "w2v plot vectors.bin --pairs capitals.tsv -o capitals.png"),
    (
        "A few words, where their vectors point",
        "w2v plot vectors.bin king queen man woman --method pca --size 6x4 -o royals.pdf",
    ),
    (
        "Words along two directions: the sexes, and rank",
        "w2v plot vectors.bin king queen prince princess --axes 'woman - man' 'king - man' -o map.png",
    ),
]

METHODS = ("pca", "tsne", "umap", "neighbours")
TOP = 300
SLOW_T_SNE = 10_000  # words; it takes minutes from there on
NAMED = 5  # missing words that a warning names


class Size(ParamType):
    """Inches, as 10x8."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, float]:
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(r"(\d{1,3}(?:\.\d+)?)[xX×](\d{1,3}(?:\.\d+)?)", value)
        if not found or not all(2 <= float(side) <= 100 for side in found.groups()):
            self.fail(f"{value!r} is not WIDTHxHEIGHT in inches, each from 2 to 100, such as 10x8", param, ctx)
        return float(found[1]), float(found[2])


def plot(
    vectors: str,
    words: tuple[str, ...],
    output: str,
    word_file: str | None,
    top: int | None,
    groups: str | None,
    pairs: str | None,
    names: str | None,
    axes: tuple[str, str] | None,
    method: str | None,
    title: str | None,
    size: tuple[float, float],
    dpi: int,
    seed: int,
) -> None:
    if bool(words) + bool(word_file) + bool(top) > 1:
        raise usage_error("the words come from the command line, from --words or from --top; give one of them")
    if axes and method:
        raise usage_error("--axes says where each word goes; leave out --method")
    form = figure_format(output, [path for path in (vectors, word_file, groups, pairs, names) if path])

    from w2v.seeing.lists import read_groups, read_pairs
    from w2v.seeing.plot import MapStyle, check_libraries, draw_map, map_of

    axes = (argument_text(axes[0]), argument_text(axes[1])) if axes else None
    method = method or ("pca" if pairs or axes else "tsne")
    check_libraries(method)
    group_of = read_groups(groups) if groups else {}
    arrows = read_pairs(pairs) if pairs else []
    found, wanted, arrows = words_to_draw(vectors, words, word_file, top, group_of, arrows, axes)
    if method == "tsne" and len(wanted) > SLOW_T_SNE:
        say(f"t-SNE of {count(len(wanted))} words takes minutes; --method neighbours takes seconds")
    with progress_for(False, leave=False) as progress:
        progress.phase(f"placing {count(len(wanted))} words")
        made = map_of(found, wanted, method, seed, group_of, arrows, axes)
        if names:
            made = made.renamed(read_groups(names, "name"))
        progress.phase(f"drawing {count(len(wanted))} words")
        write_figure(output, lambda file: draw_map(made, file, form, MapStyle(size, dpi, argument_text(title or ""))))


def words_to_draw(
    path: str,
    words: tuple[str, ...],
    word_file: str | None,
    top: int | None,
    group_of: dict[str, str],
    arrows: list[tuple[str, str]],
    axes: tuple[str, str] | None,
) -> tuple[Vectors, list[str], list[tuple[str, str]]]:
    """(vectors of the map's words and of those that its axes need; the words, with those of the arrows; the arrows
    whose words are there)."""
    from w2v.seeing.lists import read_words
    from w2v.vectors.expressions import parse_query

    given = [argument_text(word) for word in words]
    listed = read_words(word_file) if word_file else []
    if not given and not listed and not top:
        listed = [*group_of]
        top = None if group_of or arrows else TOP
    ends = [word for pair in arrows for word in pair]
    measured = [str(word) for text in axes or () for word in parse_query(text).words]
    if top:
        found, wanted = first_words(path, top, ends, measured)
    else:
        found, wanted = these_words(path, given, [*listed, *ends], measured)
    there = set(wanted)
    return found, wanted, [pair for pair in arrows if there.issuperset(pair)]


def first_words(path: str, top: int, others: list[str], measured: list[str]) -> tuple[Vectors, list[str]]:
    """The first words of a file, and those others that are there; the vectors have the `measured` words too."""
    if not others and not measured:
        found = load_vectors(path, limit=top)
        return found, list(found.words)
    found = load_vectors(path)
    missing = [word for word in dict.fromkeys(others) if word not in found]
    tell_missing(missing, len(set(others)))
    words = [found.words[row] for row in range(min(top, len(found)))]
    return found, list(dict.fromkeys([*words, *(word for word in others if word in found)]))


def these_words(path: str, given: list[str], listed: list[str], measured: list[str]) -> tuple[Vectors, list[str]]:
    """The words given, which must all be there, as must the `measured` ones, and those of lists that are there."""
    from w2v.vectors.query import VectorFile

    with VectorFile(path, on_made=made_note()) as asker:
        found, unknown = asker.pick([*given, *listed, *measured])
    for word in [*given, *measured]:
        if word in unknown:
            raise unknown[word]
    tell_missing([word for word in dict.fromkeys(listed) if word in unknown], len(set(listed)))
    return found, [word for word in dict.fromkeys([*given, *listed]) if word not in unknown]


def tell_missing(missing: list[str], of: int) -> None:
    if missing:
        names = ", ".join(missing[:NAMED]) + (", ..." if len(missing) > NAMED else "")
        say(f"warning: {count(len(missing))} of {count(of)} listed words are not in the vocabulary: {names}")


command = Command(
    "plot",
    usage="VECTORS [WORD...] -o FILE [options]",
    help=HELP,
    examples=EXAMPLES,
    callback=plot,
    params=[
        vectors_argument(),
        Argument(["words"], nargs=-1, metavar="WORD", line="Words to draw."),
        Option(
            ["-o", "--output"],
            required=True,
            metavar="FILE",
            help="The picture: .png, .svg or .pdf; - is standard output (PNG).",
        ),
        Option(["--words", "word_file"], metavar="FILE", group="Words", help="Words from a file, one per line."),
        Option(
            ["--top"],
            type=Whole(2),
            metavar="N",
            group="Words",
            help=f"The first N words of the vectors. [{TOP}, where nothing else names words]",
        ),
        Option(
            ["--groups"],
            metavar="FILE",
            group="Words",
            help="Lines of word, tab, group: a colour and a shape for each group.",
        ),
        Option(
            ["--names"],
            metavar="FILE",
            group="Words",
            help="Names to show, such as titles of items: lines of word, tab, name.",
        ),
        Option(
            ["--pairs"],
            metavar="FILE",
            group="Words",
            help="Lines of two words: an arrow from the first to the second.",
        ),
        Option(
            ["--method"],
            type=click.Choice(METHODS),
            group="Map",
            help="What makes the map; neighbours is quick with many words. [tsne; pca with --pairs]",
        ),
        Option(
            ["--axes"],
            nargs=2,
            metavar="X Y",
            group="Map",
            help="Two directions such as 'woman - man' 'king - man': each word goes where its cosines with them are.",
        ),
        map_seed_option("Seed of the map.", group="Map"),
        Option(["--title"], metavar="TEXT", group="Picture", help="Title above the map."),
        Option(
            ["--size"],
            type=Size(),
            metavar="WxH",
            default=(10.0, 8.0),
            shown_default="10x8",
            group="Picture",
            help="Inches; a larger picture has room for more labels.",
        ),
        Option(
            ["--dpi"],
            type=Whole(20, 1200),
            metavar="N",
            default=150,
            shown_default="150",
            group="Picture",
            help="Dots per inch of a PNG.",
        ),
    ],
)
