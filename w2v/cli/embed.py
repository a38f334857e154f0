"""`w2v embed`: a vector for each line of text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from w2v.cli.answers import load_vectors
from w2v.cli.command import Argument, Command, Option
from w2v.cli.errors import say, warn
from w2v.cli.options import (
    Number,
    Whole,
    config_options,
    output_option,
    quiet_option,
    stated_options,
    threads_option,
    vectors_argument,
)
from w2v.cli.output import STDOUT
from w2v.corpus.config import WORD_SETTINGS, CorpusConfig
from w2v.numbers import count, plural

if TYPE_CHECKING:
    from w2v.vectors.embed import Seen

__all__ = ["command"]

HELP = """A vector for each line of text: the mean of its words' vectors.

Lines become words as a corpus does. A line without a known word has a row of zeros; with n-grams, every word has a
vector. Rows are written while lines are read, so that memory does not grow with the text; numbers are between tabs, the
shortest decimals that read back to the same float32, unless OUT ends in .npy, .safetensors or .jsonl.

--sif makes better vectors of sentences (Arora et al. 2017): frequent words weigh less, by a / (a + p) with p the word's
share of the corpus, and the direction that lines have most in common is removed. p comes from --vocab, else from the
counts in VECTORS, else from the words' order by Zipf's law. The direction is that of the first 65,536 lines, which are
held back until then; to embed queries later with the same one, keep it with --save-common.
"""

EXAMPLES = [
    ("For NumPy", "w2v embed vectors.bin -o lines.npy < lines.txt"),
    (
        "Sentence vectors, by the counts of the corpus",
        "w2v embed vectors.bin lines.txt --sif --vocab vocab.tsv > out.tsv",
    ),
    (
        "Documents, then queries in the same space",
        "w2v embed vectors.bin lines.txt --sif --unit --save-common common.npy -o lines.npy\n"
        "  w2v embed vectors.bin queries.txt --sif --unit --read-common common.npy -o queries.npy",
    ),
]


def embed(
    vectors: str,
    text: str,
    output: str,
    form: str | None,
    sif: bool,
    sif_weight: float | None,
    vocab: str | None,
    read_common: str | None,
    save_common: str | None,
    quiet: bool,
    **given: Any,
) -> None:
    from w2v.corpus.vocab import Vocab
    from w2v.places import check_outputs
    from w2v.vectors import embed as lines

    form = lines.form_of(output, form)
    outputs = [output, *([save_common] if save_common else [])]
    check_outputs(outputs, [path for path in (vectors, text, vocab, read_common) if path], given["no_clobber"])
    weight = sif_weight or (lines.SIF_WEIGHT if sif else None)
    loaded = load_vectors(vectors, context=bool(weight) and not vocab)  # the counts are beside the context vectors
    reading = lines.reading_settings(loaded, **{name: given[name] for name in stated_options(CorpusConfig)})
    counts = Vocab.load(vocab) if vocab else None
    embedder = lines.LineEmbedder(loaded, sif=weight, counts=counts, reading=reading)
    common = lines.load_directions(read_common, loaded.dim) if read_common else None
    how = {name: given[name] for name in ("no_clobber", "remove", "unit", "threads")}
    lines.save_lines(output, form, embedder, lines.blocks_of_file(text), common_path=save_common, common=common, **how)
    if embedder.seen.lines and embedder.seen.unknown_lines == embedder.seen.lines:
        name = "<stdin>" if text == STDOUT else text
        warn(f"{name}: no line contains a word that the vectors know; check its language, case and spelling")
    if not quiet:
        say(summary(embedder.seen, loaded.dim))


def summary(seen: Seen, dim: int) -> str:
    """1,000 lines x 100, 2 of them without a known word; 1.2% of 25,000 tokens are not known"""
    empty = f", {count(seen.unknown_lines)} of them without a known word" if seen.unknown_lines else ""
    share = 100 * seen.unknown_tokens / max(1, seen.tokens)
    share_text = f"{share:.0f}" if share >= 10 else f"{share:.2g}"
    return f"{plural(seen.lines, 'line')} x {dim}{empty}; {share_text}% of {plural(seen.tokens, 'token')} are not known"


command = Command(
    "embed",
    usage="VECTORS [TEXT] [options]",
    help=HELP,
    examples=EXAMPLES,
    callback=embed,
    params=[
        vectors_argument(),
        Argument(
            ["text"],
            default=STDOUT,
            metavar="TEXT",
            line="Lines of text, plain or compressed; - or none is standard input.",
        ),
        output_option("The file to write: .npy, .safetensors, .tsv or .jsonl.", group="What is written"),
        Option(
            ["--format", "form"],
            type=click.Choice(("tsv", "json", "npy", "safetensors")),
            group="What is written",
            help="The format of the output, if its name does not determine it.",
            shown_default="tsv",
        ),
        Option(["--unit"], is_flag=True, group="What is written", help="Scale the vectors to length 1."),
        Option(["--no-clobber"], is_flag=True, group="What is written", help="Refuse at the start when OUT exists."),
        Option(["--sif"], is_flag=True, group="How words weigh", help="Weigh by frequency and remove one direction."),
        Option(
            ["--sif-weight"],
            type=Number(1e-12, 1e12),
            metavar="A",
            setting="sif",
            group="How words weigh",
            help="The a of --sif.",
            shown_default="0.001",
        ),
        Option(
            ["--vocab"],
            metavar="FILE",
            setting="counts",
            group="How words weigh",
            help="How often each word occurs: word, tab, count, as w2v vocab and --save-vocab write.",
        ),
        Option(
            ["--remove"],
            type=Whole(0),
            metavar="N",
            group="How words weigh",
            help="Remove the N directions that the lines have most in common.",
            shown_default="1 with --sif, else 0",
        ),
        Option(
            ["--save-common"],
            metavar="FILE",
            group="How words weigh",
            help="Keep the directions that were removed, as .npy.",
        ),
        Option(
            ["--read-common"],
            metavar="FILE",
            setting="common",
            group="How words weigh",
            help="Remove these directions.",
        ),
        *(option for option in config_options(CorpusConfig, "How lines become words") if option.name in WORD_SETTINGS),
        threads_option("Threads that read and add."),
        quiet_option("Print nothing about what was written."),
    ],
)
