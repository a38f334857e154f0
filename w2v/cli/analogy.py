"""`w2v analogy`: A is to B as C is to ?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import click

from w2v.cli.answers import ANSWER_OPTIONS, Answer, Output, answer_all, made_note
from w2v.cli.command import Argument, Command, Option
from w2v.cli.errors import usage_error
from w2v.cli.options import Whole, vectors_argument
from w2v.cli.prompt import Prompt
from w2v.cli.terminal import suiting
from w2v.errors import W2VError

if TYPE_CHECKING:
    from w2v.vectors.query import VectorFile

__all__ = ["command"]

HELP = """A is to B as C is to ?

The order is the original program's: 'man king woman' asks for the word that is to woman as king is to man; 'man:king
woman' and 'man is to king as woman is to ?' ask the same. A fourth word is the expected answer: its row, with its rank,
follows the best ones. Without words, reads one question per line from standard input and answers each as it arrives; on
a terminal, shows a prompt. The three words are left out of the answer.
"""

EXAMPLES = [
    ("Man is to king as woman is to ?", "w2v analogy vectors.bin man king woman"),
    ("The rank of the answer that you expect", "w2v analogy vectors.bin man:king woman:queen -k 3"),
    ("Many questions, the best answer to each", "w2v analogy vectors.bin -k 1 < questions.txt"),
]


def analogy(
    vectors: str, words: tuple[str, ...], method: str, restrict_vocab: int | None, topn: int, form: str | None
) -> int:
    from w2v.vectors.expressions import analogy_words
    from w2v.vectors.query import VectorFile

    given = analogy_words(" ".join(words))
    if words and len(given) not in (3, 4):
        raise usage_error(f"an analogy has three words, A B C; found {len(given)}")

    def answer(lines: Sequence[str]) -> Sequence[Answer | W2VError]:
        return [answer_line(asker, analogy_words(line), topn, method) for line in lines]

    def answer_together(lines: Sequence[str]) -> Sequence[Answer | W2VError]:
        """Lines of three words at once: a pass over the file answers many questions."""
        questions = [analogy_words(line) for line in lines]
        if any(len(question) == 4 for question in questions):
            return answer(lines)
        return asker.analogies(questions, topn, method)

    scope = None
    if restrict_vocab is not None:
        from w2v.vectors.neighbours import Scope

        scope = partial(Scope, restrict_vocab=restrict_vocab)
    with VectorFile(vectors, on_made=made_note(), scope=scope) as asker:
        prompt = Prompt("A B C> ", asker, "{1} {0} {2}", "Three words: A is to B as C is to the words of the answer.")
        return answer_all([" ".join(words)] if words else [], answer_together, Output(suiting(form)), prompt)


def answer_line(asker: VectorFile, words: list[str], topn: int, method: str) -> Answer | W2VError:
    """The best answers; where a fourth word is given, its row too, if it is not among them."""
    expected = words[3] if len(words) == 4 else None
    (found,) = asker.analogies([words[:3] if expected else words], len(asker) if expected else topn, method)
    if isinstance(found, W2VError) or expected is None:
        return found
    ranked = [(rank, word, score) for rank, (word, score) in enumerate(found, 1)]
    return [*ranked[:topn], *(row for row in ranked[topn:] if row[1] == expected)]


command = Command(
    "analogy",
    usage="VECTORS [A B C] [options]",
    help=HELP,
    examples=EXAMPLES,
    callback=analogy,
    params=[
        vectors_argument(),
        Argument(["words"], nargs=-1, metavar="A B C", line="The three words."),
        Option(
            ["--method"],
            type=click.Choice(("add", "mul")),
            default="add",
            shown_default="add",
            help="add: cosine with B - A + C; mul: product and quotient of cosines (Levy and Goldberg 2014).",
        ),
        Option(["--restrict-vocab"], type=Whole(1), metavar="N", help="Answers are among the N most frequent words."),
        *ANSWER_OPTIONS,
    ],
)
