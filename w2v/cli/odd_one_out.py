"""`w2v odd-one-out`: the word that does not belong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from w2v.cli.answers import answers_format, made_note
from w2v.cli.command import Argument, Command
from w2v.cli.errors import usage_error
from w2v.cli.lookups import Row, answer_rows, each_line
from w2v.cli.options import vectors_argument
from w2v.cli.prompt import Prompt

if TYPE_CHECKING:
    from w2v.vectors.vectors import Vectors

__all__ = ["command"]

HELP = """The word that does not belong: the one whose cosine to the mean of all of them is the least.

Prints one row per word with that cosine, the odd one first. Without words, reads one set per line from standard input.
The same as gensim's `doesnt_match`.
"""

EXAMPLES = [
    ("One of these is not like the others", "w2v odd-one-out vectors.bin king queen prince today"),
    ("One set per line, as JSON lines", "w2v odd-one-out vectors.bin --format json < questions.txt"),
]


def odd_one_out(vectors: str, words: tuple[str, ...], form: str | None) -> int:
    if len(words) == 1:
        raise usage_error("words are compared with each other; give at least two")

    from w2v.vectors.query import VectorFile

    with VectorFile(vectors, on_made=made_note()) as asker:
        return answer_rows(
            words,
            each_line(asker.pick, rows, partly=True),
            form,
            Prompt(
                "words> ", asker, "{0} {1} {2} {3}", "Three words or more: the one that does not belong comes first."
            ),
        )


def rows(vectors: Vectors, words: list[str]) -> list[Row]:
    from w2v.vectors.relations import odd_one_out as compare

    query = " ".join(words)
    return [{"query": query, "word": word, "cosine": round(cosine, 6)} for word, cosine in compare(vectors, words)]


command = Command(
    "odd-one-out",
    usage="VECTORS [WORD...] [options]",
    help=HELP,
    examples=EXAMPLES,
    callback=odd_one_out,
    params=[
        vectors_argument(),
        Argument(["words"], nargs=-1, metavar="WORD", line="The words; three or more make sense."),
        answers_format("query, word, cosine"),
    ],
)
