"""`w2v similarity`: the cosine of two words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from w2v.cli.answers import answers_format, made_note
from w2v.cli.command import Argument, Command
from w2v.cli.errors import usage_error
from w2v.cli.lookups import Row, answer_rows, each_line
from w2v.cli.options import vectors_argument
from w2v.cli.prompt import Prompt
from w2v.errors import W2VError

if TYPE_CHECKING:
    from w2v.vectors.vectors import Vectors

__all__ = ["command"]

HELP = """The cosine of two words: 1 for the same direction, 0 for nothing in common, -1 for opposite ones.

Without words, reads one pair per line from standard input, separated by a tab or a space. From a large binary file,
only the rows asked for are read.
"""

EXAMPLES = [
    ("Two words", "w2v similarity vectors.bin king queen"),
    (
        "Pairs of a file, the nearest first",
        "cut -f 1,2 pairs.tsv | w2v similarity vectors.bin | sort -t $'\\t' -k 3 -gr",
    ),
    ("As JSON lines", "w2v similarity vectors.bin king queen --format json"),
]


def similarity(vectors: str, words: tuple[str, ...], form: str | None) -> int:
    if words and len(words) != 2:
        raise usage_error(f"two words are compared, A B; found {len(words)}")

    from w2v.vectors.query import VectorFile

    with VectorFile(vectors, on_made=made_note()) as asker:
        return answer_rows(
            words, each_line(asker.pick, cosine), form, Prompt("A B> ", asker, "{0} {3}", "Two words: their cosine.")
        )


def cosine(vectors: Vectors, words: list[str]) -> list[Row]:
    if len(words) != 2:
        raise W2VError(f'"{" ".join(words)}": two words are compared, A B; found {len(words)}')
    a, b = words
    return [{"a": a, "b": b, "cosine": round(vectors.similarity(a, b), 6)}]


command = Command(
    "similarity",
    usage="VECTORS [A B] [options]",
    help=HELP,
    examples=EXAMPLES,
    callback=similarity,
    params=[
        vectors_argument(),
        Argument(["words"], nargs=-1, metavar="A B", line="The two words."),
        answers_format("a, b, cosine"),
    ],
)
