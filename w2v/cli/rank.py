"""`w2v rank`: the place of a word among another's neighbours."""

from __future__ import annotations

from w2v.cli.answers import answers_format, made_note
from w2v.cli.command import Argument, Command
from w2v.cli.errors import usage_error
from w2v.cli.lookups import Answer, answer_rows
from w2v.cli.options import vectors_argument
from w2v.cli.prompt import Prompt
from w2v.errors import UnknownWordError, W2VError

__all__ = ["command"]

HELP = """The place of B among the neighbours of A, from 1: one more than the number of words that are nearer to A.

It is not symmetric: a rare word's nearest neighbour may have a thousand nearer ones. Without words, reads one pair per
line from standard input. The same as gensim's `rank`.
"""

EXAMPLES = [
    ("How near is queen to king?", "w2v rank vectors.bin king queen"),
    ("Both ways", "printf 'king\\tqueen\\nqueen\\tking\\n' | w2v rank vectors.bin"),
]


def rank(vectors: str, words: tuple[str, ...], form: str | None) -> int:
    if words and len(words) != 2:
        raise usage_error(f"a rank is asked of two words, A B; found {len(words)}")

    from w2v.vectors.query import VectorFile

    with VectorFile(vectors, on_made=made_note()) as asker:

        def answer(asked: list[list[str]]) -> list[Answer]:
            found = iter(asker.ranks([(line[0], line[1]) for line in asked if len(line) == 2]))
            return [shown(line, next(found)) if len(line) == 2 else ([], [not_two(line)]) for line in asked]

        return answer_rows(
            words,
            answer,
            form,
            Prompt("A B> ", asker, "{0} {3}", "Two words: the place of the second among the neighbours of the first."),
        )


def shown(words: list[str], answer: tuple[int, float] | UnknownWordError) -> Answer:
    if isinstance(answer, UnknownWordError):
        return [], [answer]
    return [{"a": words[0], "b": words[1], "rank": answer[0], "cosine": round(answer[1], 6)}], []


def not_two(words: list[str]) -> W2VError:
    return W2VError(f'"{" ".join(words)}": a rank is asked of two words, A B; found {len(words)}')


command = Command(
    "rank",
    usage="VECTORS [A B] [options]",
    help=HELP,
    examples=EXAMPLES,
    callback=rank,
    params=[
        vectors_argument(),
        Argument(["words"], nargs=-1, metavar="A B", line="The word that is asked about, and the neighbour."),
        answers_format("a, b, rank, cosine"),
    ],
)
