"""`w2v similar`: the nearest words."""

from __future__ import annotations

from w2v.cli.answers import ANSWER_OPTIONS, answer_all, made_note
from w2v.cli.command import Argument, Command
from w2v.cli.options import vectors_argument

__all__ = ["command"]

HELP = """The nearest words to a word, or to an expression such as 'king - man + woman'.

Without a QUERY, one query a line from standard input, each answered as it arrives; on a terminal, a prompt. Words of
the query are left out of its answer. A row a neighbour: query, rank, word, cosine.
"""

EXAMPLES = [
    ("The ten nearest words", "w2v similar vectors.bin king"),
    ("An expression", "w2v similar vectors.bin king - man + woman -k 3"),
    ("Every word of a list, as JSON lines", "w2v similar vectors.bin --format json < words.txt > neighbours.jsonl"),
]


def similar(vectors: str, query: tuple[str, ...], topn: int, form: str) -> int:
    from w2v.vectors.expressions import joined_arguments
    from w2v.vectors.query import VectorFile

    with VectorFile(vectors, on_made=made_note()) as asker:
        return answer_all(joined_arguments(query), lambda lines: asker.similar(lines, topn), form, "similar> ")


command = Command(
    "similar",
    usage="VECTORS [QUERY...] [options]",
    help=HELP,
    examples=EXAMPLES,
    callback=similar,
    params=[
        vectors_argument(),
        Argument(["query"], nargs=-1, metavar="QUERY", line="A word, or words joined by ' + ' and ' - '."),
        *ANSWER_OPTIONS,
    ],
)
