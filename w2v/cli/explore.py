"""`w2v explore`: one page to explore vectors in."""

from __future__ import annotations

import os

import click

from w2v.cli.command import Command, Option
from w2v.cli.errors import say
from w2v.cli.options import Whole, map_seed_option, quiet_option, vectors_argument
from w2v.cli.output import STDOUT, check_page
from w2v.cli.progress import progress_for
from w2v.cli.streams import argument_text
from w2v.errors import W2VError
from w2v.numbers import plural, size

__all__ = ["command"]

HELP = """One self-contained page to explore vectors in: open it in any browser, mail it, put it anywhere.

A map to pan and zoom, search as you type, the nearest neighbours of a word with their cosines, expressions such as king
- man + woman, analogies, words compared as coloured rows. The address restores the view. The page asks no server for
anything.
"""

EXAMPLES = [
    ("The 20,000 most frequent words", "w2v explore vectors.bin -o page.html"),
    (
        "Items by their titles, coloured by genre",
        "w2v explore vectors.bin -o page.html --names titles.tsv --groups groups.tsv",
    ),
    ("Fewer words, another map first", "w2v explore vectors.bin -o page.html --top 5000 --layout pca"),
]

LAYOUTS = ("neighbours", "pca", "tsne", "umap")


def explore(
    vectors: str,
    output: str,
    top: int,
    layout: str,
    title: str | None,
    seed: int,
    quiet: bool,
    word_file: str | None,
    groups: str | None,
    names: str | None,
) -> None:
    check_page(output, [path for path in (vectors, word_file, groups, names) if path])

    import w2v
    from w2v.output import AtomicOutput
    from w2v.seeing.explore import make_page
    from w2v.seeing.lists import read_groups, read_words

    group_of = read_groups(groups) if groups else None
    name_of = read_groups(names, "name") if names else None
    loaded = w2v.load(vectors, limit=None if word_file else top)
    if word_file:
        loaded = loaded.subset(read_words(word_file))
        if len(loaded) < 2:
            raise W2VError(f"{word_file}: holds {len(loaded)} of the words of {vectors}; a map needs two")
    name = "vectors" if vectors == STDOUT else os.path.basename(vectors)
    with progress_for(quiet, leave=False) as progress, AtomicOutput(output) as file:
        page = make_page(loaded, argument_text(title or name), layout, seed, group_of, name_of, progress.part)
        file.write(page.html)
    if not quiet:
        say(
            f"{output}: {plural(page.words, 'word')}, {page.dim} dimensions at {page.bits} bits, {size(len(page.html))}"
        )


command = Command(
    "explore",
    usage="VECTORS -o PAGE.html [options]",
    help=HELP,
    examples=EXAMPLES,
    callback=explore,
    params=[
        vectors_argument(),
        Option(["-o", "--output"], required=True, metavar="PAGE", help="Where the page goes; - is standard output."),
        Option(
            ["--top"],
            type=Whole(2),
            metavar="N",
            default=20_000,
            shown_default="20000",
            help="The first N words of the file.",
        ),
        Option(["--words", "word_file"], metavar="FILE", help="These words, one per line, instead of the first ones."),
        Option(["--groups"], metavar="FILE", help="Colours: lines of word, tab, group; without it, groups are found."),
        Option(["--names"], metavar="FILE", help="Names to show, such as titles of items: lines of word, tab, name."),
        Option(
            ["--layout"],
            type=click.Choice(LAYOUTS),
            default="neighbours",
            shown_default="neighbours",
            help="The map shown first; PCA is always there too. tsne and umap need w2v[plot].",
        ),
        Option(["--title"], metavar="TEXT", help="The page's title. [the file's name]"),
        map_seed_option("Seed of the map and the groups."),
        quiet_option("No summary."),
    ],
)
