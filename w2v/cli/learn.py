"""`w2v learn`: a small text, trained before your eyes."""

from __future__ import annotations

import os
import sys
from typing import Any

from w2v.cli.command import Argument, Command, Option
from w2v.cli.errors import say, usage_error
from w2v.cli.options import config_from, config_options, picked_options
from w2v.cli.output import check_page
from w2v.cli.pairs import read
from w2v.cli.streams import argument_text, is_terminal
from w2v.corpus.config import CorpusConfig
from w2v.errors import W2VError
from w2v.numbers import plural
from w2v.training.config import TrainConfig

__all__ = ["command"]

HELP = """Watch a small text being learned, step by step.

TEXT is a sentence, words, or files; a line is a sentence. With -o the training becomes one self-contained page, which
steps forward, back and to any epoch: the window, the samples, dot products, sigmoids, errors and updates, both matrices
and the words moving on a map. Without -o it plays in the terminal.

Every number is recorded from the trainer. The settings suit a few words; those of w2v train can be given too.
"""

EXAMPLES = [
    ("One page to step through", "w2v learn 'the quick brown fox jumps over the lazy dog' -o fox.html"),
    (
        "Two sentences, and more numbers for each word",
        "w2v learn 'the king rules the land' 'the queen rules the land' -o rule.html --dim 8",
    ),
    ("CBOW with hierarchical softmax", "w2v learn 'the king rules the land' -o tree.html --model cbow --loss hs"),
]

# What makes a few words move: short vectors, a high rate, many epochs.
DEFAULTS = {
    "min_count": 1,
    "sample": 0.0,
    "dim": 5,
    "window": 2,
    "negative": 2,
    "epochs": 200,
    "lr": 0.1,
}
SHOWN = ("model", "loss", "dim", "window", "fixed_window", "negative", "epochs", "lr", "sample", "seed")
CORPUS = ("tokenizer", "lower", "normalize", "min_count", "max_vocab")
MOST_WORDS, MOST_TOKENS = 500, 5000


def learn(text: tuple[str, ...], output: str | None, **given: Any) -> None:
    if not text:
        raise usage_error("give a sentence, its words, or a file")
    if output is None and not is_terminal(sys.stdout):
        raise usage_error("standard output is no terminal to play in; -o page.html writes a page")
    if output is not None:
        check_page(output, [part for part in text if os.path.isfile(part)])
    corpus_config = config_from(CorpusConfig, given)
    config = TrainConfig(**given, negative_pool=0)  # fresh draws: a pool repeats itself where there are few words
    if config.loss == "softmax":
        raise usage_error("--loss softmax draws no samples to show; take ns or hs")

    from w2v.training.lesson import record

    corpus = read(text, corpus_config, None)
    try:
        if len(corpus.vocab) > MOST_WORDS or corpus.token_counts.kept > MOST_TOKENS:
            raise W2VError(
                f"{corpus.name}: {len(corpus.vocab):,} words and {corpus.token_counts.kept:,} tokens; more than "
                f"{MOST_WORDS} words or {MOST_TOKENS:,} tokens cannot be followed; take a part of it"
            )
        lesson = record(corpus, config)
    finally:
        corpus.close()
    title = " ".join(argument_text(part) for part in text)
    if output is None:
        from w2v.cli.player import play

        play(lesson)
        return
    from w2v.output import AtomicOutput
    from w2v.seeing.explore import as_json, assemble, script

    data = script("lesson", "application/json", as_json(lesson.as_dict()))
    page = assemble("learn", ["page.css", "learn.css"], ["learn.js"], title[:80], data)
    with AtomicOutput(output) as file:
        file.write(page.encode("utf-8"))
    words, steps, epochs = len(lesson.words), len(lesson.steps), len(lesson.begins) - 1
    say(f"{output}: {plural(words, 'word')}, {plural(steps, 'step')} of {plural(epochs, 'epoch')}")


def options() -> list[Option]:
    found = [*config_options(CorpusConfig, "Text"), *config_options(TrainConfig, "Training")]
    return list(picked_options(found, (*SHOWN, *CORPUS), DEFAULTS).values())


command = Command(
    "learn",
    usage="TEXT... [-o PAGE] [options]",
    help=HELP,
    examples=EXAMPLES,
    callback=learn,
    params=[
        Argument(["text"], nargs=-1, metavar="TEXT", line="A sentence, its words, or files."),
        Option(["-o", "--output"], metavar="PAGE", help="Write a page (.html) instead of playing in the terminal."),
        *options(),
    ],
)
