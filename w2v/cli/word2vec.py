"""`w2v word2vec`: the options of the original C program, for scripts that have them."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from w2v.cli.command import Command, Option
from w2v.cli.errors import say
from w2v.cli.options import Number, Whole
from w2v.errors import SettingsError
from w2v.numbers import plural

if TYPE_CHECKING:
    from w2v.corpus.encoded import CorpusInfo
    from w2v.corpus.vocab import Vocab
    from w2v.output import AtomicOutput
    from w2v.training.run import Run
    from w2v.vectors.vectors import Vectors

__all__ = ["command"]

HELP = """Train with the options and defaults of the original program, word2vec.c, so that its scripts run.

It runs w2v train and prints the equivalent command line. Differences from the original: no row for </s>; a sentence may
have 10,000 words (originally 1,000) and a word 1,024 bytes (originally 99); -hs 1 is hierarchical softmax alone,
without negative samples beside it; the contexts of a word share their negatives, which come from a pool, and threads
keep private copies of frequent rows (w2v train --exact turns them all off); no more threads than CPUs; text is written
with as many digits as the numbers need. -classes needs w2v[plot].
"""

EXAMPLES = [
    (
        "A script for the original",
        "w2v word2vec -train corpus.txt -output vectors.bin -cbow 0 -size 50 -window 8 -negative 25 \\\n"
        "    -hs 0 -sample 1e-4 -threads 20 -binary 1 -iter 3",
    ),
    ("The vocabulary alone", "w2v word2vec -train corpus.txt -save-vocab vocab.txt -min-count 10"),
    ("Words in classes", "w2v word2vec -train corpus.txt -output classes.txt -size 50 -classes 5"),
]

CBOW_ALPHA, SKIPGRAM_ALPHA = 0.05, 0.025  # word2vec.c
DIFFERENCES = (
    "unlike the original: no row for </s>, sentences of up to 10,000 words, negatives shared by the contexts of a word "
    "and drawn from a pool; subsampling, windows and the learning rate are the same"
)


def word2vec(
    train: str,
    output: str | None,
    debug: int,
    binary: int,
    classes: int,
    save_vocab: str | None,
    resume: bool,
    **given: Any,
) -> None:
    """Turn the options into those of `w2v train` and run that."""
    if output is None and not save_vocab:
        raise SettingsError("-output: a file for the vectors is missing (or -save-vocab for the vocabulary alone)")
    if classes < 0:
        raise SettingsError(f"-classes: {classes} is not 0 or more")

    from w2v.cli.train import command as train_command
    from w2v.cli.train import train as run

    arguments = train_arguments(train, "-" if output is None else output, given)
    arguments += ["--save-vocab", save_vocab] if save_vocab is not None else []
    form = "bin" if binary and not classes else "text"
    told = [*arguments, "--format", form, *["--resume"] * resume, *["-q"] * (debug <= 0)]
    with train_command.make_context("train", told, parent=click.get_current_context()) as context:
        if output is None:
            return only_vocabulary(context.params, save_vocab)
        if debug > 0:
            say(DIFFERENCES)
            for line in notes(given):
                say(line)
            say(f"the same: {shlex.join(['w2v', 'train', *arguments, '--format', form])}")
        run(**context.params, kind=original_run(classes))


def train_arguments(corpus: str, output: str, given: dict[str, Any]) -> list[str]:
    """The command line of `w2v train`, every default of the original spelled out."""
    from w2v.machine import available_cpus

    cbow, hs = bool(given["cbow"]), bool(given["hs"])
    if not hs and given["negative"] < 1:
        raise SettingsError("-hs 0 -negative 0: nothing to train; give -negative 5, or -hs 1")
    alpha = given["alpha"] if given["alpha"] is not None else CBOW_ALPHA if cbow else SKIPGRAM_ALPHA
    options = {
        "--model": "cbow" if cbow else "skipgram",
        "--loss": "hs" if hs else "ns",
        "--dim": given["size"],
        "--window": given["window"],
        "--sample": given["sample"],
        "--lr": alpha,
        "--epochs": given["iter"],
        "--min-count": given["min_count"],
        "--threads": min(given["threads"], available_cpus()),
        "--whitespace": "ascii",
    }
    if not hs:
        options["--negative"] = given["negative"]
    if given["read_vocab"] is not None:
        options["--read-vocab"] = given["read_vocab"]
    # A name may begin with a hyphen; "-" is standard input.
    corpus = f"./{corpus}" if corpus.startswith("-") and corpus != "-" else corpus
    return [corpus, "-o", output, *(str(part) for option in options.items() for part in option)]


def notes(given: dict[str, Any]) -> list[str]:
    """What of these options is done in another way."""
    from w2v.machine import available_cpus

    lines = []
    if given["hs"] and given["negative"]:
        lines.append("-hs 1: hierarchical softmax alone; the original trains negative samples beside it")
    if given["threads"] > available_cpus():
        lines.append(f"-threads {given['threads']}: {available_cpus()}, as many as there are CPUs for this process")
    return lines


def only_vocabulary(params: dict[str, Any], path: str | None) -> None:
    """Without -output the original counts words and writes them."""
    from w2v.cli.options import config_from
    from w2v.cli.output import check_outputs
    from w2v.cli.progress import progress_for
    from w2v.corpus.config import CorpusConfig
    from w2v.corpus.reader import read_corpus
    from w2v.corpus.vocab import Vocab
    from w2v.output import AtomicOutput

    assert path is not None
    inputs = [*params["corpus"], *([params["read_vocab"]] if params["read_vocab"] else [])]
    check_outputs([path], inputs)
    config = config_from(CorpusConfig, params)
    vocab = Vocab.load(params["read_vocab"]) if params["read_vocab"] else None
    with progress_for(params["quiet"]) as progress, AtomicOutput(path) as out:
        corpus = read_corpus(params["corpus"], config, vocab=vocab, on_progress=progress.reading)
        write_original(corpus.vocab, corpus.token_counts.sentences, out)


def write_original(vocab: Vocab, sentences: int, out: AtomicOutput) -> None:
    """`word count` lines, with the original's </s> for the ends of sentences first."""
    out.write(b"</s> %d\n" % sentences)
    for word, number in zip(vocab.words, vocab.counts.tolist(), strict=True):
        out.write(b"%b %d\n" % (word, number))


def original_run(classes: int) -> Callable[..., Run]:
    """What makes a training whose vocabulary, and classes if there are any, are written as the original does."""
    from w2v.training.run import Run

    @dataclass
    class Original(Run):
        def check(self) -> None:
            super().check()
            if classes:
                from w2v.seeing import needed

                needed("sklearn")

        def reserve(self, corpus: CorpusInfo, places: dict[str, AtomicOutput]) -> None:
            super().reserve(corpus, places)
            if classes > len(corpus.vocab):
                raise SettingsError(f"-classes: {classes} classes for {len(corpus.vocab)} words; give fewer")

        def write_vocab(self, corpus: CorpusInfo, place: AtomicOutput) -> None:
            write_original(corpus.vocab, corpus.token_counts.sentences, place)

        def write_vectors(self, vectors: Vectors, path: str, places: dict[str, AtomicOutput]) -> None:
            if not classes:
                return super().write_vectors(vectors, path, places)
            from w2v.seeing.layout import word_classes

            found = word_classes(vectors, classes, self.config.seed)
            rows = zip(self.encoded.vocab.words, found.tolist(), strict=True)
            places[path].write(b"".join(b"%b %d\n" % row for row in rows))

        def content(self, vectors: Vectors) -> str:
            return f"{plural(len(vectors), 'word')} in {classes} classes" if classes else super().content(vectors)

    return Original


def option(name: str, default: Any, help: str, **kw: Any) -> Option:
    kind, shown = Whole() if isinstance(default, int) else Number(), kw.pop("shown", f"{default}")
    return Option([f"-{name}"], type=kind, default=default, shown_default=shown, help=help, **kw)


def file_option(name: str, help: str, **kw: Any) -> Option:
    return Option([f"-{name}"], metavar="FILE", help=help, **kw)


command = Command(
    "word2vec",
    usage="-train FILE -output FILE [options]",
    help=HELP,
    examples=EXAMPLES,
    callback=word2vec,
    params=[
        file_option(
            "train",
            "The text; also a folder, a compressed file, or - for standard input.",
            required=True,
            group="Files",
        ),
        file_option("output", "Where the vectors, or the classes, go.", group="Files"),
        file_option("save-vocab", "Write the vocabulary: word, space, count.", group="Files"),
        file_option("read-vocab", "Use this vocabulary instead of counting.", group="Files"),
        option("binary", 0, "1: word2vec binary; 0: text.", group="Files"),
        option(
            "classes",
            0,
            "Write the class of each word, from this many k-means classes, instead of the vectors.",
            group="Files",
        ),
        option("cbow", 1, "1: continuous bag of words; 0: skip-gram.", group="Training"),
        option("size", 100, "Length of the vectors.", setting="dim", group="Training"),
        option("window", 5, "Largest distance between a word and its contexts.", group="Training"),
        option("sample", 1e-3, "Threshold of subsampling.", group="Training"),
        option("hs", 0, "1: hierarchical softmax.", group="Training"),
        option("negative", 5, "Negative samples.", group="Training"),
        option("threads", 12, "Threads.", group="Training"),
        option("iter", 5, "Passes over the text.", setting="epochs", group="Training"),
        option("min-count", 5, "Ignore words that occur fewer times.", group="Training"),
        option(
            "alpha",
            None,
            "Learning rate at the start.",
            shown="0.025; 0.05 for -cbow 1",
            setting="lr",
            group="Training",
        ),
        option("debug", 2, "0: print nothing but errors."),
        Option(["--resume"], is_flag=True, help="Continue from the checkpoint of a run that was stopped or killed."),
    ],
)
