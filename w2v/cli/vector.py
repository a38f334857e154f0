"""`w2v vector`: the numbers of a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from w2v.cli.answers import answers_format
from w2v.cli.command import Argument, Command, Option
from w2v.cli.lookups import Answer, Row, answer_rows, each_line
from w2v.cli.options import vectors_argument

if TYPE_CHECKING:
    import numpy as np

    from w2v.vectors.vectors import Vectors

__all__ = ["command"]

HELP = """The numbers of each word, a row a word: the shortest decimals that read back to the same float32.

Without words, from standard input. Of a large binary file only the rows that are asked for are read.
"""

EXAMPLES = [
    ("One word", "w2v vector vectors.bin king"),
    ("Words of a list, at length 1, as JSON lines", "w2v vector vectors.bin --unit --format json < words.txt"),
]


def vector(vectors: str, words: tuple[str, ...], unit: bool, form: str) -> int:
    from w2v.vectors.query import VectorFile

    with VectorFile(vectors) as asker:

        def row(found: Vectors, words: list[str]) -> list[Row]:
            (word,) = words
            values = found.units([found.index(word)])[0] if unit else found[word]
            return [as_json(word, values) if form == "json" else as_columns(word, values)]

        answer = each_line(asker.pick, row)

        def word_by_word(asked: list[list[str]]) -> list[Answer]:
            return answer([[word] for line in asked for word in line])

        return answer_rows(words, word_by_word, form, "words> ")


def as_columns(word: str, values: np.ndarray) -> Row:
    # str of a float32 is the shortest decimal that reads back; str of a float would be that of the float64.
    return {"word": word, **{str(i): str(value) for i, value in enumerate(values)}}


def as_json(word: str, values: np.ndarray) -> Row:
    return {"word": word, "vector": [float(str(value)) for value in values]}


command = Command(
    "vector",
    usage="VECTORS [WORD...] [options]",
    help=HELP,
    examples=EXAMPLES,
    callback=vector,
    params=[
        vectors_argument(),
        Argument(["words"], nargs=-1, metavar="WORD", line="The words."),
        Option(["--unit"], is_flag=True, help="At length 1."),
        answers_format("the word, then its numbers"),
    ],
)
