"""`w2v similarity`, `w2v rank`, `w2v odd-one-out`: how a few words relate, one answer a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from w2v.cli.answers import LineAnswer, Row, answer_rows, answers_format, each_line, made_note
from w2v.cli.command import Argument, Command
from w2v.cli.errors import usage_error
from w2v.cli.options import vectors_argument
from w2v.cli.prompt import Prompt
from w2v.errors import UnknownWordError, W2VError

if TYPE_CHECKING:
    from w2v.vectors.vectors import Vectors

__all__ = ["odd_one_out", "rank", "similarity"]

SIMILARITY_HELP = """The cosine of two words: 1 for the same direction, 0 for nothing in common, -1 for opposite ones.

Without words, reads one pair per line from standard input, separated by a tab or a space. From a large binary file,
only the rows asked for are read.
"""

SIMILARITY_EXAMPLES = [
    ("Two words", "w2v similarity vectors.bin king queen"),
    (
        "Pairs of a file, the nearest first",
        "cut -f 1,2 pairs.tsv | w2v similarity vectors.bin | sort -t $'\\t' -k 3 -gr",
    ),
    ("As JSON lines", "w2v similarity vectors.bin king queen --format json"),
]


def ask_similarity(vectors: str, words: tuple[str, ...], form: str | None) -> int:
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


similarity = Command(
    "similarity",
    usage="VECTORS [A B] [options]",
    help=SIMILARITY_HELP,
    examples=SIMILARITY_EXAMPLES,
    callback=ask_similarity,
    params=[
        vectors_argument(),
        Argument(["words"], nargs=-1, metavar="A B", line="The two words."),
        answers_format("a, b, cosine"),
    ],
)


RANK_HELP = """The place of B among the neighbours of A, from 1: one more than the number of words that are nearer to A.

It is not symmetric: a rare word's nearest neighbour may have a thousand nearer ones. Without words, reads one pair per
line from standard input. The same as gensim's `rank`.
"""

RANK_EXAMPLES = [
    ("How near is queen to king?", "w2v rank vectors.bin king queen"),
    ("Both ways", "printf 'king\\tqueen\\nqueen\\tking\\n' | w2v rank vectors.bin"),
]


def ask_rank(vectors: str, words: tuple[str, ...], form: str | None) -> int:
    if words and len(words) != 2:
        raise usage_error(f"a rank is asked of two words, A B; found {len(words)}")

    from w2v.vectors.query import VectorFile

    with VectorFile(vectors, on_made=made_note()) as asker:

        def answer(asked: list[list[str]]) -> list[LineAnswer]:
            found = iter(asker.ranks([(line[0], line[1]) for line in asked if len(line) == 2]))
            return [rank_row(line, next(found)) if len(line) == 2 else ([], [not_two(line)]) for line in asked]

        return answer_rows(
            words,
            answer,
            form,
            Prompt("A B> ", asker, "{0} {3}", "Two words: the place of the second among the neighbours of the first."),
        )


def rank_row(words: list[str], answer: tuple[int, float] | UnknownWordError) -> LineAnswer:
    if isinstance(answer, UnknownWordError):
        return [], [answer]
    return [{"a": words[0], "b": words[1], "rank": answer[0], "cosine": round(answer[1], 6)}], []


def not_two(words: list[str]) -> W2VError:
    return W2VError(f'"{" ".join(words)}": a rank is asked of two words, A B; found {len(words)}')


rank = Command(
    "rank",
    usage="VECTORS [A B] [options]",
    help=RANK_HELP,
    examples=RANK_EXAMPLES,
    callback=ask_rank,
    params=[
        vectors_argument(),
        Argument(["words"], nargs=-1, metavar="A B", line="The word that is asked about, and the neighbour."),
        answers_format("a, b, rank, cosine"),
    ],
)


ODD_ONE_OUT_HELP = """The word that does not belong: the one whose cosine to the mean of all of them is the least.

Prints one row per word with that cosine, the odd one first. Without words, reads one set per line from standard input.
The same as gensim's `doesnt_match`.
"""

ODD_ONE_OUT_EXAMPLES = [
    ("One of these is not like the others", "w2v odd-one-out vectors.bin king queen prince today"),
    ("One set per line, as JSON lines", "w2v odd-one-out vectors.bin --format json < questions.txt"),
]


def ask_odd_one_out(vectors: str, words: tuple[str, ...], form: str | None) -> int:
    if len(words) == 1:
        raise usage_error("words are compared with each other; give at least two")

    from w2v.vectors.query import VectorFile

    with VectorFile(vectors, on_made=made_note()) as asker:
        return answer_rows(
            words,
            each_line(asker.pick, odd_rows, partly=True),
            form,
            Prompt(
                "words> ", asker, "{0} {1} {2} {3}", "Three words or more: the one that does not belong comes first."
            ),
        )


def odd_rows(vectors: Vectors, words: list[str]) -> list[Row]:
    from w2v.vectors.relations import odd_one_out as cosines

    query = " ".join(words)
    return [{"query": query, "word": word, "cosine": round(cosine, 6)} for word, cosine in cosines(vectors, words)]


odd_one_out = Command(
    "odd-one-out",
    usage="VECTORS [WORD...] [options]",
    help=ODD_ONE_OUT_HELP,
    examples=ODD_ONE_OUT_EXAMPLES,
    callback=ask_odd_one_out,
    params=[
        vectors_argument(),
        Argument(["words"], nargs=-1, metavar="WORD", line="The words; three or more make sense."),
        answers_format("query, word, cosine"),
    ],
)
