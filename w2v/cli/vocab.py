"""`w2v vocab`: the words of a corpus and how often each occurs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from w2v.cli.answers import answers_format
from w2v.cli.command import Command, Option
from w2v.cli.errors import say, warn
from w2v.cli.options import (
    PHRASES,
    Whole,
    config_from,
    config_options,
    corpus_argument,
    output_option,
    quiet_option,
    stated_options,
    threads_option,
)
from w2v.cli.progress import progress_for
from w2v.cli.streams import TerminalOutput, text_output
from w2v.corpus.config import CorpusConfig
from w2v.numbers import count

if TYPE_CHECKING:
    from w2v.cli.progress import NullProgress
    from w2v.corpus.vocab import TokenCounts, Vocab
    from w2v.output import Sink

__all__ = ["command"]

HELP = """The words of a corpus with their counts: word, tab, count, most frequent first, ties in byte order.

It is the vocabulary that w2v train makes with the same options, and --read-vocab reads it. CORPUS is as for w2v train:
files, folders, - for standard input, or an encoded corpus.
"""

EXAMPLES = [
    ("The twenty most frequent words", "w2v vocab data/world.txt.gz --top 20"),
    ("Every word of raw prose", "w2v vocab corpus.txt --min-count 1 --tokenizer words --lower -o words.tsv"),
    (
        "A vocabulary for several trainings",
        "w2v vocab corpus/ -o vocab.tsv\n  w2v train corpus.txt -o vectors.bin --read-vocab vocab.tsv",
    ),
]
LINES = 4096  # written at once


def vocab(
    corpus: tuple[str, ...],
    output: str,
    form: str | None,
    max_vocab: int | None,
    threads: int | None,
    quiet: bool,
    **given: Any,
) -> None:
    """Count and write."""
    from w2v.output import OutputSet
    from w2v.places import check_outputs

    check_outputs([output], corpus)
    # A training needs two words, a list need not have them.
    config = config_from(CorpusConfig, {**given, "max_vocab": max_vocab and max(max_vocab, 2)})
    with progress_for(quiet) as progress, OutputSet() as outputs:
        out = text_output(output, outputs)
        words, token_counts = counted(corpus, config, threads, progress)
        progress.finish()
        if max_vocab == 1 < len(words):
            token_counts.beyond_max_vocab += words.total - int(words.counts[0])
            words = words.pruned(1, max_vocab)
            token_counts.kept = words.total
        if form == "json":
            write_json(words, out)
        elif form is None and isinstance(out, TerminalOutput):
            write_aligned(words, out)
        else:
            words.write(out)
    if not quiet:
        for line in summary(words, token_counts):
            say(line)


def counted(
    corpus: tuple[str, ...], config: CorpusConfig, threads: int | None, progress: NullProgress
) -> tuple[Vocab, TokenCounts]:
    from w2v.corpus.open import encoded_path, open_corpus
    from w2v.corpus.reader import count_words

    if encoded_path(corpus) is None and not config.phrases:
        return count_words(
            corpus,
            config,
            threads=threads,
            on_progress=progress.reading,
            on_warning=warn,
        )
    encoded, _ = open_corpus(
        list(corpus),
        config,
        stated_options(CorpusConfig),
        threads=threads,
        on_progress=progress.reading,
        on_warning=warn,
    )
    return encoded.vocab, encoded.token_counts


def write_json(words: Vocab, out: Sink) -> None:
    from w2v.cli.answers import json_line

    for rows in blocks_of(words):
        lines = [json_line({"word": word, "count": number}) for word, number in rows]
        out.write("".join(lines).encode("utf-8", "surrogateescape"))


def write_aligned(words: Vocab, out: Sink) -> None:
    from w2v.cli.terminal import in_columns

    for rows in blocks_of(words):
        text = in_columns([{"word": word, "count": count(number)} for word, number in rows], numbers=("count",))
        out.write(text.encode("utf-8", "surrogateescape"))


def blocks_of(words: Vocab) -> Iterator[list[tuple[str, int]]]:
    for start in range(0, len(words), LINES):
        some = [word.decode("utf-8", "surrogateescape") for word in words.words[start : start + LINES]]
        yield list(zip(some, words.counts[start : start + LINES].tolist(), strict=True))


def summary(words: Vocab, token_counts: TokenCounts) -> list[str]:
    from w2v.cli.summary import notes, reading_rows, summed
    from w2v.numbers import plural

    kept = (token_counts.kept, f"tokens kept: {plural(len(words), 'word')}")
    return summed([*reading_rows(token_counts)[:-1], kept], notes(token_counts))


command = Command(
    "vocab",
    usage="CORPUS... [options]",
    help=HELP,
    examples=EXAMPLES,
    callback=vocab,
    params=[
        corpus_argument(),
        output_option("Where the words go; compressed if it ends in .gz."),
        answers_format("word, count"),
        *(option for option in config_options(CorpusConfig, "Corpus", PHRASES) if option.name != "max_vocab"),
        Option(
            ["--top", "max_vocab"],
            aliases=["--max-vocab", "--max_final_vocab"],
            type=Whole(1),
            metavar="N",
            group="Corpus",
            help="The N most frequent words.",
        ),
        threads_option(),
        quiet_option(),
    ],
)
