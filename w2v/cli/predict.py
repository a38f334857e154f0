"""`w2v predict`: the words that are likely to occur beside others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from w2v.cli.answers import ANSWER_OPTIONS, Row, answer_rows, answers_format, each_line, load_vectors, words_of
from w2v.cli.command import Argument, Command, Option
from w2v.cli.prompt import Prompt
from w2v.cli.streams import argument_text
from w2v.errors import UnknownWordError, W2VError

if TYPE_CHECKING:
    from w2v.vectors.vectors import Vectors

__all__ = ["command"]

HELP = """The probability that each word occurs beside WORD, according to a trained model.

Several words predict the word that belongs among them; in a sentence, ___ marks its place. They predict by the mean of
their vectors, as CBOW does. Without words, a query per line from standard input. Words that the model does not know are
left out of a query, and named.

MODEL holds both matrices and the counts: a .safetensors file that w2v train --with-context wrote, or a checkpoint. Or
it holds the vectors alone, and --context and --vocab name the files that --save-context and --save-vocab wrote.

The probabilities are those of the text as it was trained on, where frequent words are thinned out. --loss softmax gives
them directly; hs as the product along each word's path; ns in proportion to noise probability x exp(dot product), which
is what negative sampling converges to (Levy and Goldberg 2014).
"""

EXAMPLES = [
    (
        "What occurs beside a word",
        "w2v train data/world.txt.gz -o model.safetensors --with-context\n  w2v predict model.safetensors king",
    ),
    (
        "What occurs beside it more than beside others, and the word that belongs in a sentence",
        "w2v train data/world.txt.gz -o model.safetensors --with-context\n"
        "  w2v predict model.safetensors king --sort relevance\n"
        "  w2v predict model.safetensors 'the ___ said' -k 3",
    ),
    (
        "From files of the vectors, the contexts and the counts",
        "w2v train data/world.txt.gz -o v.bin --save-context c.bin --save-vocab vocab.tsv\n"
        "  w2v predict v.bin queen --context c.bin --vocab vocab.tsv",
    ),
]

BLANK = "___"


def predict(
    model: str, words: tuple[str, ...], topn: int, sort: str, form: str | None, context: str | None, vocab: str | None
) -> int:
    vectors = load_model(model, context, vocab)

    def pick(asked: Iterable[str]) -> tuple[Vectors, dict[str, UnknownWordError]]:
        unknown: dict[str, UnknownWordError] = {}
        for word in asked:
            if word != BLANK and word not in vectors:
                try:
                    vectors.place(word)
                except UnknownWordError as error:
                    unknown[word] = error
        return vectors, unknown

    def digits(chance: float) -> float | str:
        """Six digits that count, also of the least probable word: the whole column adds up to 1."""
        text = f"{chance:.6g}"
        return float(text) if form == "json" else text

    def rows(vectors: Vectors, known: list[str]) -> list[Row]:
        given = [word for word in known if word != BLANK]
        if not given:
            return []
        return [
            {"query": " ".join(known), "rank": rank, "context": word, "probability": digits(chance)}
            for rank, (word, chance) in enumerate(vectors.predict(given, topn, sort), 1)
        ]

    words = tuple(word for argument in words for word in words_of(argument_text(argument)))
    return answer_rows(
        words,
        each_line(pick, rows, partly=True),
        form,
        Prompt(
            "predict> ", vectors, "{0} ___ {3}", "Words, or a sentence with ___ in it: the words that are likely there."
        ),
    )


def load_model(path: str, context: str | None, vocab: str | None) -> Vectors:
    """The vectors with both matrices and the counts; W2VError where a part is missing or does not belong."""
    import w2v
    from w2v.training.checkpoint import Checkpoint, is_checkpoint
    from w2v.vectors.formats import ModelParts
    from w2v.vectors.words import to_text

    if context is None and vocab is None and is_checkpoint(path):
        with Checkpoint(path) as checkpoint:
            return checkpoint.vectors()
    vectors = load_vectors(path, context=context is None)
    if context is None and vocab is None and vectors.model is not None:
        return vectors
    if context is None or vocab is None:
        raise W2VError(
            f"{path}: holds no context matrix and no counts; train with --with-context to a .safetensors file, or name "
            "--context FILE and --vocab FILE"
        )
    contexts, counted = w2v.load(context), w2v.Vocab.load(vocab)
    counts = dict(zip(map(to_text, counted.words), counted.counts.tolist(), strict=True))
    for name, known in ((context, contexts), (vocab, counts)):
        missing = next((word for word in vectors.words if word not in known), None)
        if missing is not None:
            raise W2VError(f"{name}: does not hold {missing}, a word of {path}")
    if contexts.dim != vectors.dim:
        raise W2VError(f"{context}: its rows have {contexts.dim} numbers, those of {path} {vectors.dim}")
    import numpy as np

    rows = [contexts.index(word) for word in vectors.words]
    vectors.model = ModelParts(contexts.matrix[rows], np.array([counts[word] for word in vectors.words], np.int64))
    return vectors


command = Command(
    "predict",
    usage="MODEL [WORD...] [options]",
    help=HELP,
    examples=EXAMPLES,
    callback=predict,
    params=[
        Argument(["model"], metavar="MODEL", line="A model with both matrices, or vectors."),
        Argument(["words"], nargs=-1, metavar="WORD", line="Words, or a sentence with ___ in it."),
        ANSWER_OPTIONS[0],
        Option(
            ["--sort"],
            type=click.Choice(("probability", "relevance")),
            default="probability",
            shown_default="probability",
            help='relevance: first what is likely here and not everywhere, so that "the" does not lead.',
        ),
        answers_format("query, rank, context, probability"),
        Option(["--context"], metavar="FILE", help="The context vectors, where MODEL does not hold them."),
        Option(["--vocab"], metavar="FILE", help="The vocabulary with counts: word, tab, count."),
    ],
)
