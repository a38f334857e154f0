"""`w2v pairs`: the training samples of a text."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from w2v.cli.command import Argument, Command, Option
from w2v.cli.errors import usage_error
from w2v.cli.options import Whole, config_from, config_options, format_option, picked_options
from w2v.cli.output import STDOUT
from w2v.cli.streams import argument_text, is_terminal, write
from w2v.cli.terminal import COLOUR_OPTION, colour_depth
from w2v.corpus.config import CorpusConfig
from w2v.errors import W2VError, printable
from w2v.training.config import TrainConfig

if TYPE_CHECKING:
    from w2v.corpus.encoded import EncodedCorpus
    from w2v.kernel._state import Model
    from w2v.training.samples import Sentence, TracedSentence

__all__ = ["command"]

HELP = """The training samples of a text, as the trainer makes them.

TEXT is a sentence; words given one by one make one sentence. If every TEXT names a file, the files are read; without
any, standard input. Prints one row per sample: input, output, label. The input is a context word and the output its
centre, label 1, or a word drawn at random, label 0 (this is how w2v trains, like the original program); for cbow the
input is the mean of all contexts; for hierarchical softmax the outputs are nodes of the tree on the way to the centre.

The samples are those of the first epoch of `w2v train` on the same text with the same options and one thread.

--numbers trains on the text and adds what the trainer computes for each sample: the dot product of its two rows, the
sigmoid of it, and the error, label minus sigmoid. With --steps it also draws the rows before and after each update.
"""

EXAMPLES = [
    ("A window slides over a sentence", "w2v pairs 'the king rules the land' --window 2 --negative 2"),
    ("The same to look at", "w2v pairs 'the king rules the land' --window 2 --negative 2 --steps"),
    (
        "The first samples of a corpus, frequent words thinned out",
        "w2v pairs corpus.txt --sample 1e-3 --min-count 5 | head -n 20",
    ),
    (
        "What one step computes and changes, in the 100th epoch",
        "w2v pairs 'the king rules the land' --steps --numbers --dim 8 --epochs 100",
    ),
    (
        "Positive pairs alone, the centre first, as tutorials print them",
        "w2v pairs 'the king rules the land' --window 2 --negative 0 --order input-first",
    ),
]

SHOWN = (
    "model",
    "loss",
    "window",
    "fixed_window",
    "negative",
    "ns_exponent",
    "seed",
    "share_negatives",
    "negative_pool",
    "node_sample",
    "exact",
)
NUMBERS = ("dim", "lr", "epochs")
EPOCHS, DIM, LR = 1, 10, 0.1
ENOUGH = 1 << 16  # characters that are written together


def pairs(
    text: tuple[str, ...],
    read_vocab: str | None,
    steps: bool,
    numbers: bool,
    order: str,
    form: str,
    when: str,
    **given: Any,
) -> None:
    if not text and is_terminal(sys.stdin):
        raise usage_error("TEXT is missing: give a sentence, its words or files; - reads standard input")
    corpus_config = config_from(CorpusConfig, given)
    positive_only = given["negative"] == 0
    # The rate stays as it is, so that the last epoch's steps can be seen too.
    config = TrainConfig(**{**given, "negative": given["negative"] or 1, "min_lr": given["lr"]})
    centre_first = order == "input-first"
    refuse_others(config, numbers, centre_first, steps)

    from w2v.corpus.vocab import Vocab
    from w2v.vectors.words import Words

    vocab = Vocab.load(read_vocab) if read_vocab else None
    corpus = read(text, corpus_config, vocab)
    try:
        words: Sequence[str] = Words(corpus.vocab.words)
        if steps:  # for people, between codes of colours
            words = [printable(word) for word in words]
        if steps:
            lines = lines_for_people(corpus, config, words, numbers, colour_depth(when))
        else:
            lines = lines_for_programs(corpus, config, words, numbers, form, positive_only, centre_first)
        write_lines(lines, styled=steps)
    finally:
        corpus.close()


def refuse_others(config: TrainConfig, numbers: bool, centre_first: bool, steps: bool) -> None:
    """An error for options that have nothing to do with the samples that are asked for."""
    if centre_first and (config.model == "cbow" or config.loss == "hs" or numbers or steps):
        raise usage_error("--order input-first is for plain pairs of --model skipgram and --loss ns")
    if config.epochs != EPOCHS and not numbers:
        raise usage_error("--epochs is for --numbers; the samples that are listed are those of the first epoch")
    if config.loss == "softmax":
        raise usage_error("--loss softmax draws no samples: each context is weighed against all words")


def lines_for_people(
    corpus: EncodedCorpus, config: TrainConfig, words: Sequence[str], numbers: bool, colours: int
) -> Iterator[str]:
    from w2v.cli.steps import number_lines, step_lines
    from w2v.training.samples import draw_samples

    if numbers:
        return number_lines(last_epoch(corpus, config), words, config, colours)
    return step_lines(draw_samples(corpus, config), words, config, colours)


def lines_for_programs(
    corpus: EncodedCorpus,
    config: TrainConfig,
    words: Sequence[str],
    numbers: bool,
    form: str,
    positive_only: bool,
    centre_first: bool,
) -> Iterator[str]:
    from w2v.cli.steps import number_rows
    from w2v.training.samples import draw_samples

    if numbers:
        return number_rows(last_epoch(corpus, config), words, config, form, positive_only)
    return rows(draw_samples(corpus, config), words, config.loss == "hs", form, positive_only, centre_first)


def read(text: Sequence[str], config: CorpusConfig, vocab: Any) -> EncodedCorpus:
    from w2v.corpus.reader import read_corpus
    from w2v.corpus.sequences import encode_sequences

    if not text:
        return read_corpus([STDOUT], config, vocab=vocab)
    if all(part == STDOUT or is_file(part) for part in text):
        return read_corpus(list(text), config, vocab=vocab)
    sentences = sentences_of([argument_text(part) for part in text])
    if sum(map(len, sentences)) < 2:
        raise W2VError(f"{text[0]}: neither a file nor a sentence; a sample needs two words")
    return encode_sequences(sentences, config, vocab=vocab)


def is_file(part: str) -> bool:
    """Whether it names a file, or a pipe (`<(command)`); a folder may be called as a word is."""
    return os.path.exists(part) and not os.path.isdir(part)


def sentences_of(parts: Sequence[str]) -> list[list[str]]:
    """A part with white space in it is a sentence (or several, by line); single words side by side make one."""
    sentences: list[list[str]] = []
    begun = False
    for part in parts:
        lines = [line.split() for line in part.replace("\0", " ").split("\n")]
        single = len(lines) == 1 and len(lines[0]) == 1
        if single and begun:
            sentences[-1] += lines[0]
        else:
            sentences += [line for line in lines if line]
        begun = single
    return sentences


def last_epoch(corpus: EncodedCorpus, config: TrainConfig) -> list[TracedSentence]:
    """Train, and return the sentences of the last epoch with their numbers."""
    from w2v.training.samples import trace_training

    found: list[TracedSentence] = []

    def keep(sentence: TracedSentence, _model: Model) -> None:
        if sentence.epoch == config.epochs:
            found.append(sentence)

    trace_training(corpus, config, keep)
    return found


def rows(
    sentences: Iterator[Sentence],
    words: Sequence[str],
    nodes: bool,
    form: str,
    positive_only: bool = False,
    centre_first: bool = False,
) -> Iterator[str]:
    """A line a sample. `centre_first`: the centre is the input, and each context or negative its output."""
    from w2v.cli.steps import sample_line

    for number, sentence in enumerate(sentences, 1):
        for centre in sentence.centres:
            place = sentence.kept[centre.place] + 1
            for row in centre.rows:
                given = given_word = " ".join(words[word] for word in row.words)
                for number_out, label in row.outputs:
                    if positive_only and not label:
                        continue
                    output = f"node {number_out}" if nodes else words[number_out]
                    if centre_first:
                        middle = words[sentence.words[sentence.kept[centre.place]]]
                        given, output = middle, given_word if label else output
                    yield sample_line(form, number, place, given, output, label)


def write_lines(lines: Iterator[str], styled: bool) -> None:
    """Many lines at a time: a corpus has a thousand million samples."""
    batch: list[str] = []
    size = 0
    for line in lines:
        batch.append(line)
        size += len(line)
        if size > ENOUGH:
            write("".join(batch), styled)
            batch, size = [], 0
    write("".join(batch), styled)


def options() -> list[Option]:
    """Those of `w2v train` that decide about samples, with defaults for a short text: every word counts and stays."""
    found = [*config_options(CorpusConfig, "Text"), *config_options(TrainConfig, "Samples")]
    corpus = ["tokenizer", "lower", "normalize", "min_count", "max_vocab", "whitespace"]
    names = (*SHOWN[:6], "sample", *SHOWN[6:], *NUMBERS, *corpus)
    kept = picked_options(found, names, {"min_count": 1, "sample": 0.0, "epochs": EPOCHS, "dim": DIM, "lr": LR})
    kept["negative"].type = Whole(0)
    kept["epochs"].help = "Show the numbers of the last of this many epochs."
    kept["dim"].help = "Length of the vectors that --numbers trains."
    kept["lr"].help = "Learning rate of --numbers, the same in all epochs."
    return list(kept.values())


command = Command(
    "pairs",
    usage="[TEXT...] [options]",
    help=HELP,
    examples=EXAMPLES,
    callback=pairs,
    params=[
        Argument(["text"], nargs=-1, metavar="TEXT", line="A sentence, its words, or files; none: standard input."),
        Option(["--steps"], is_flag=True, help="The sentence with the window marked, step by step, for people."),
        Option(
            ["--numbers"], is_flag=True, help="Train on the text, and show what the trainer computes for each sample."
        ),
        Option(
            ["--order"],
            type=click.Choice(("trained", "input-first")),
            default="trained",
            shown_default="trained",
            help="trained: context word, centre; input-first: centre, context word.",
        ),
        format_option("tsv: input, output, label; json: an object per line, with sentence and place too."),
        COLOUR_OPTION,
        Option(
            ["--read-vocab"],
            metavar="FILE",
            group="Text",
            help="Counts of a whole corpus (word, tab, count), for --sample and the negatives.",
        ),
        *options(),
    ],
)
