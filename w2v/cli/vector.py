"""`w2v vector`: the numbers of a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from w2v.cli.answers import LineAnswer, Row, answer_rows, made_note
from w2v.cli.command import Argument, Command, Option
from w2v.cli.options import format_option, vectors_argument
from w2v.cli.prompt import Prompt
from w2v.errors import VectorsError, W2VError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from w2v.vectors.vectors import Vectors

__all__ = ["command"]

HELP = """The numbers of each word, one row per word: the shortest decimals that read back to the same float32.

A word may be an expression such as 'king - man + woman': the sum of its words' rows. Without words, reads one per line
from standard input. From a large binary file, only the rows asked for are read.
"""

EXAMPLES = [
    ("One word", "w2v vector vectors.bin king"),
    ("An expression", "w2v vector vectors.bin king - man + woman"),
    ("Words of a list, at length 1, as JSON lines", "w2v vector vectors.bin --unit --format json < words.txt"),
]


def vector(vectors: str, words: tuple[str, ...], unit: bool, ngrams: bool, form: str) -> int:
    from w2v.vectors.derive import sum_of
    from w2v.vectors.expressions import joined_arguments, parse_query
    from w2v.vectors.neighbours import at_unit_length
    from w2v.vectors.query import VectorFile

    def row(text: str, found: Vectors, words: list[str]) -> list[Row]:
        if ngrams:
            return [row for word in words for row in ngram_rows(found, word)]
        values = found.units([found.place(words[0])])[0] if unit and len(words) == 1 else sum_of(found, text)
        if unit and len(words) > 1:
            values = at_unit_length(values.astype("float64")).astype("float32")
        return [as_json(text, values) if form == "json" else as_columns(text, values)]

    with VectorFile(vectors, on_made=made_note()) as asker:

        def answer(asked: list[list[str]]) -> list[LineAnswer]:
            texts = [text for line in asked for text in joined_arguments(line)]
            queries = [[str(word) for word in parse_query(text).words] for text in texts]
            found, unknown = asker.pick(word for words in queries for word in words)
            answers: list[LineAnswer] = []
            for text, words in zip(texts, queries, strict=True):
                missing: list[W2VError] = [unknown[word] for word in words if word in unknown]
                try:
                    answers.append(([] if missing else row(text, found, words), missing))
                except VectorsError as error:  # no n-grams
                    answers.append(([], [error]))
            return answers

        return answer_rows(
            words,
            answer,
            form,
            Prompt("words> ", asker, "{0} - {1} + {2}", "Words, or words joined by + and -: their numbers."),
        )


def ngram_rows(found: Vectors, word: str) -> list[Row]:
    return [
        {"word": word, "ngram": ngram, "bucket": bucket, "share": round(share, 6)}
        for ngram, bucket, share in found.ngrams(word)
    ]


def as_columns(word: str, values: NDArray[np.float32]) -> Row:
    # str of a float32 is the shortest decimal that reads back; str of a float would be that of the float64.
    return {"word": word, **{str(i): str(value) for i, value in enumerate(values)}}


def as_json(word: str, values: NDArray[np.float32]) -> Row:
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
        Option(
            ["--ngrams"],
            is_flag=True,
            help="The n-grams of each word, with their buckets and their shares of its vector, instead of its numbers.",
        ),
        Option(["--unit"], is_flag=True, help="Scale the vectors to length 1."),
        format_option("tsv: the word, then its numbers; json: one object per line, or one with `error`."),
    ],
)
