"""`w2v evaluate`: scores on analogy questions and on word pairs rated by people."""

from __future__ import annotations

import click

from w2v.cli.command import Argument, Command, Option

__all__ = ["command"]

HELP = """Score vectors on analogy questions and on word pairs rated by people.

A FILE in the form of questions-words.txt (': section' lines, then four words a line) gives the share of right answers
for each section, the semantic and the syntactic ones and in total; a FILE of pairs (two words and a number, separated
by tabs or commas) gives Spearman's rho and Pearson's r. Which it is, is told by content. Scores agree with gensim's
evaluators.
"""

EXAMPLES = [
    ("Analogies", "w2v evaluate vectors.bin data/world-questions.txt"),
]


def evaluate(vectors: str, files: tuple[str, ...], restrict_vocab: int, form: str) -> None:
    raise NotImplementedError


command = Command(
    "evaluate",
    usage="VECTORS FILE... [options]",
    help=HELP,
    examples=EXAMPLES,
    callback=evaluate,
    params=[
        Argument(["vectors"], metavar="VECTORS", line="A vector file of any format that w2v reads."),
        Argument(["files"], nargs=-1, required=True, metavar="FILE", line="Analogy questions or rated word pairs."),
        Option(["--restrict-vocab"], type=click.IntRange(min=1), metavar="N", default=30_000, shown_default="30000",
               help="Ask about, and answer from, the N most frequent words."),
        Option(["--json", "form"], flag_value="json", help="An object a line instead of the table."),
    ],
)
