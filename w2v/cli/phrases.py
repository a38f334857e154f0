"""`w2v phrases`: collocations, found and joined."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from w2v.cli.command import Command, Option
from w2v.cli.errors import say, warn
from w2v.cli.options import (
    PHRASES,
    config_from,
    config_options,
    corpus_argument,
    output_option,
    quiet_option,
    stated_options,
    threads_option,
    tmp_dir_option,
)
from w2v.cli.progress import progress_for
from w2v.cli.streams import argument_text, text_output
from w2v.corpus.config import CorpusConfig
from w2v.errors import SettingsError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from w2v.cli.progress import NullProgress
    from w2v.corpus.encoded import EncodedCorpus, Sentences
    from w2v.corpus.phrases import Joined, Phrase
    from w2v.output import Sink

__all__ = ["command"]

HELP = """Join words that occur together more often than by chance: new york becomes new_york.

The corpus is read once, with all its words; then the text is written, one sentence per line, with spaces between words.
--list writes the phrases instead, with their counts and scores. w2v train --phrases N does the same on the way to its
vectors, and finds the same phrases.

With N tokens in total and n() for a count, the score of a pair of words is

\b
  original  (n(a b) - min_count) N / (n(a) n(b)), as in word2phrase
  npmi      ln(n(a b) N / (n(a) n(b))) / -ln(n(a b) / N), from -1 to 1

It is joined if it scores more than the threshold, and if both words and the pair occur --min-count times. The text is
scanned from left to right, and a word joined to the one before it starts no new pair. So one pass makes phrases of two
words; the next, which counts the joined text again, makes phrases up to twice as long.
"""

EXAMPLES = [
    ("The phrases, the best first", "w2v phrases data/world.txt.gz --list --threshold 10 > phrases.tsv"),
    ("A joined corpus, with phrases of up to four words", "w2v phrases corpus.txt --passes 2 -o joined.txt.gz"),
    (
        "By mutual information, with names such as bank_of_england",
        "w2v phrases corpus.txt --score npmi --connectors english | w2v train - -o vectors.bin",
    ),
]
BLOCK_BYTES = 1 << 22
LINE_IDS = 1 << 18  # whose text is made by one thread, in most cases in one block
LINES = 4096
# Options here -> fields of CorpusConfig.
RENAMED = {
    "passes": "phrases",
    "score": "phrase_score",
    "threshold": "phrase_threshold",
    "min_count": "phrase_min_count",
    "connectors": "phrase_connectors",
}
LEFT_OUT = ("min_count", "max_vocab", *PHRASES)


def phrases(
    corpus: tuple[str, ...],
    output: str,
    listed: bool,
    form: str | None,
    delimiter: str,
    tmp_dir: str | None,
    threads: int | None,
    quiet: bool,
    **given: Any,
) -> None:
    """Read, find, join, write."""
    if form and not listed:
        raise SettingsError("--format: is for --list; the joined corpus is text")
    if not delimiter or len(delimiter.split()) != 1 or delimiter.split()[0] != delimiter:
        raise SettingsError(f"--delimiter: {delimiter!r} cannot occur inside a word")
    import dataclasses

    from w2v.corpus.phrases import PhraseSettings, join_phrases
    from w2v.output import OutputSet
    from w2v.places import check_outputs

    connectors = given["connectors"]
    check_outputs([output], [*corpus, *([connectors] if connectors not in (None, "english") else [])])
    config = config_of(given)
    settings = dataclasses.replace(PhraseSettings.of(config), delimiter=argument_text(delimiter).encode(errors=ESCAPE))
    with progress_for(quiet) as progress, OutputSet() as outputs:
        out = text_output(output, outputs)
        encoded = opened(corpus, config, threads, tmp_dir, progress)
        progress.finish()
        found = join_phrases(encoded, settings, threads=threads, tmp_dir=tmp_dir, give_up=True)
        if listed:
            write_list(found.phrases, form, out)
        else:
            write_text(found, out, threads)
    if not quiet:
        for line in summary(encoded, found, settings.passes):
            say(line)


ESCAPE = "surrogateescape"


def config_of(given: dict[str, Any]) -> CorpusConfig:
    """The settings, from options whose names differ from those of w2v train."""
    fields = {RENAMED.get(name, name): value for name, value in given.items()}
    return config_from(CorpusConfig, {"min_count": 1, "max_vocab": None, **fields})


def opened(
    corpus: tuple[str, ...], config: CorpusConfig, threads: int | None, tmp_dir: str | None, progress: NullProgress
) -> EncodedCorpus | Sentences:
    """The corpus with all its words."""
    from w2v.corpus.open import open_for_phrases

    stated = {name for name in stated_options(CorpusConfig) if name not in LEFT_OUT}
    return open_for_phrases(
        list(corpus),
        config,
        stated,
        threads=threads,
        tmp_dir=tmp_dir,
        on_progress=progress.reading,
        on_warning=warn,
    )


def write_text(found: Joined, out: Sink, threads: int | None) -> None:
    """Write the sentences, one a line, made by all threads."""
    import numpy as np

    from w2v.corpus._ids import SentenceWriter
    from w2v.corpus.phrases import whole_pieces
    from w2v.threads import in_order

    writer = SentenceWriter(found.words)
    spare: list[bytearray] = []  # buffers that have been written

    def texts(some: list[NDArray[np.int32]]) -> list[tuple[bytearray, int]]:
        ids = some[0] if len(some) == 1 else np.concatenate(some)
        place, begun = 0, False
        made = []
        while place < len(ids):
            try:
                buffer = spare.pop()
            except IndexError:
                buffer = bytearray(BLOCK_BYTES)
            place, size, begun = writer.write(ids, place, buffer, begun)
            made.append((buffer, size))
        return made

    pieces = [part[piece] for part in found.parts for piece in whole_pieces(part, LINE_IDS)]
    for made in in_order(texts, [*in_groups(pieces)], threads):
        for buffer, size in made:
            out.write(memoryview(buffer)[:size])
            spare.append(buffer)


def in_groups(pieces: Iterable[NDArray[np.int32]]) -> Iterator[list[NDArray[np.int32]]]:
    """Pieces, those in a row together that are about LINE_IDS ids."""
    some: list[NDArray[np.int32]] = []
    size = 0
    for piece in pieces:
        if some and size + len(piece) > LINE_IDS:
            yield some
            some, size = [], 0
        some.append(piece)
        size += len(piece)
    if some:
        yield some


def write_list(found: list[Phrase], form: str | None, out: Sink) -> None:
    from w2v.cli.answers import json_line

    for start in range(0, len(found), LINES):
        rows = found[start : start + LINES]
        if form == "json":
            lines = [
                json_line(
                    {
                        "phrase": row.phrase.decode(errors=ESCAPE),
                        "count": row.count,
                        "score": round(row.score, 6),
                        "pass": row.number,
                    }
                ).encode(errors=ESCAPE)
                for row in rows
            ]
        else:
            lines = [b"%b\t%d\t%.6f\t%d\n" % row for row in rows]  # no phrase of a text holds a tab
        out.write(b"".join(lines))


def summary(encoded: EncodedCorpus | Sentences, found: Joined, passes: int) -> list[str]:
    from w2v.cli.summary import notes, reading_rows, summed
    from w2v.numbers import count, plural

    tokens = encoded.token_counts.kept - found.joined
    rows = [*reading_rows(encoded.token_counts)[:-1], (found.joined, "joined to the token before them")]
    lines = summed([*rows, (tokens, "tokens after that")], notes(encoded.token_counts))
    for number in range(passes):  # the last of them may not have been needed
        phrases = len(found.found[number].names) if number < len(found.found) else 0
        lines.append(f"pass {count(number + 1)}: {plural(phrases, 'phrase')}")
    return lines


def option_of(name: str, spelling: str, **changes: Any) -> Option:
    """The option of a field of CorpusConfig under another name."""
    from w2v.cli.options import option_from
    from w2v.settings import options_of

    option = option_from(*options_of(CorpusConfig)[name], "Phrases")
    option.opts, option.aliases, option.name = [spelling], (), spelling.strip("-").replace("-", "_")
    for key, value in changes.items():
        setattr(option, key, value)
    return option


command = Command(
    "phrases",
    usage="CORPUS... [options]",
    help=HELP,
    examples=EXAMPLES,
    callback=phrases,
    params=[
        corpus_argument(),
        output_option("Where the text or the list goes; compressed if it ends in .gz.", group="Output"),
        Option(
            ["--list", "listed"],
            is_flag=True,
            group="Output",
            help="Write the phrases instead of the text: phrase, count, score, and the pass that found it.",
        ),
        Option(
            ["--format", "form"],
            type=click.Choice(("tsv", "json")),
            group="Output",
            shown_default="tsv",
            help="For --list; json: one object per line with the names phrase, count, score, pass.",
        ),
        option_of(
            "phrases",
            "--passes",
            default=1,
            shown_default="1",
            help="Passes over the text, each of which joins two words or phrases.",
        ),
        option_of("phrase_score", "--score"),
        option_of("phrase_threshold", "--threshold"),
        option_of("phrase_min_count", "--min-count"),
        option_of("phrase_connectors", "--connectors"),
        Option(
            ["--delimiter"],
            metavar="TEXT",
            default="_",
            shown_default="_",
            group="Phrases",
            help="Text between the words of a phrase.",
        ),
        *(option for option in config_options(CorpusConfig, "Corpus") if option.name not in LEFT_OUT),
        tmp_dir_option(),
        threads_option(),
        quiet_option(),
    ],
)
