"""`w2v analogy`: A is to B as C is to ?"""

from __future__ import annotations

from collections.abc import Sequence

import click

from w2v.cli.answers import ANSWER_OPTIONS, Answer, answer_all
from w2v.cli.command import Argument, Command, Option
from w2v.cli.errors import usage_error
from w2v.cli.options import vectors_argument
from w2v.errors import W2VError

__all__ = ["command"]

HELP = """A is to B as C is to ?

The order is the original program's: 'man king woman' asks for the word that is to woman as king is to man. Without
words, three a line from standard input, each line answered as it arrives; on a terminal, a prompt. The three words are
left out of the answer.
"""

EXAMPLES = [
    ("Man is to king as woman is to ?", "w2v analogy vectors.bin man king woman"),
    ("Many questions, the best answer to each", "w2v analogy vectors.bin -k 1 < questions.txt"),
]


def analogy(vectors: str, words: tuple[str, ...], method: str, topn: int, form: str) -> int:
    if words and len(words) != 3:
        raise usage_error(f"an analogy has three words, A B C; found {len(words)}")

    from w2v.vectors.query import VectorFile

    def answer(lines: Sequence[str]) -> Sequence[Answer | W2VError]:
        return asker.analogies([words_of(line) for line in lines], topn, method)

    with VectorFile(vectors) as asker:
        return answer_all([" ".join(words)] if words else [], answer, form, "A B C> ")


def words_of(line: str) -> list[str]:
    """Split at spaces and tabs alone: a word may hold any other white space."""
    return [word for word in line.replace("\t", " ").split(" ") if word]


command = Command(
    "analogy",
    usage="VECTORS [A B C] [options]",
    help=HELP,
    examples=EXAMPLES,
    callback=analogy,
    params=[
        vectors_argument(),
        Argument(["words"], nargs=-1, metavar="A B C", line="The three words."),
        Option(["--method"], type=click.Choice(("add", "mul")), default="add", shown_default="add",
               help="add: cosine with B - A + C; mul: product and quotient of cosines (Levy and Goldberg 2014)."),
        *ANSWER_OPTIONS,
    ],
)
