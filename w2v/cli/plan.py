"""`w2v plan`: what a training will take, before it is started."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from w2v.cli.command import Command, Option
from w2v.cli.errors import shown, warn
from w2v.cli.options import (
    PHRASES,
    Number,
    config_from,
    config_options,
    corpus_argument,
    quiet_option,
    stated_options,
    tmp_dir_option,
)
from w2v.cli.progress import progress_for
from w2v.cli.streams import is_terminal, write
from w2v.cli.terminal import aligned, tsv_line
from w2v.cli.train import GROUPS
from w2v.corpus.config import CorpusConfig
from w2v.numbers import count, duration, plural, short, size
from w2v.training.config import TrainConfig

if TYPE_CHECKING:
    from w2v.training.plan import Plan

__all__ = ["command"]

HELP = """What a training would take: words at several --min-count, memory, disk, and time on this machine.

The corpus is read once, then trained on for two seconds, on parts from all over the text, with the options given, which
are those of w2v train. Nothing is written. Prints a list on a terminal, and in a pipe one row per number: what, item,
value (bytes, seconds).
"""

EXAMPLES = [
    ("With the defaults", "w2v plan data/world.txt.gz"),
    (
        "Another training on an encoded corpus",
        "w2v encode corpus.txt --min-count 1 -o corpus.ids\n"
        "  w2v plan corpus.ids --dim 300 --window 10 --epochs 15 --format json",
    ),
]


def plan(
    corpus: tuple[str, ...], form: str | None, seconds: float, tmp_dir: str | None, quiet: bool, **given: Any
) -> None:
    configs = config_from(CorpusConfig, given), config_from(TrainConfig, given)
    configs[1].resolved()

    from w2v.cli.answers import json_line
    from w2v.training.plan import plan_training

    with progress_for(quiet) as progress:
        found = plan_training(
            list(corpus),
            *configs,
            stated=stated_options(CorpusConfig),
            seconds=seconds,
            tmp_dir=tmp_dir,
            on_reading=progress.reading,
        )
    if form == "json":
        write(json_line({**found.as_dict(), "warnings": [shown(warning) for warning in found.warnings]}))
    elif form == "tsv" or not is_terminal(sys.stdout):
        write("".join(tsv_line((what, item, number(value))) for what, item, value in rows(found)))
    else:
        write(listed(found))
    if not quiet:
        for warning in found.warnings:
            warn(shown(warning))


def number(value: float | None) -> str:
    return "" if value is None else f"{value:.10g}" if isinstance(value, float) else str(value)


def rows(found: Plan) -> list[tuple[str, str, float | None]]:
    """(what, item, value), as they are in the JSON."""
    out: list[tuple[str, str, float | None]] = [
        ("corpus", name, getattr(found, name))
        for name in ("tokens_read", "types", "files", "text_bytes", "sentences", "words", "tokens", "epochs")
    ]
    for minimum, words, tokens in found.at_min_count:
        out += [(f"min_count {minimum}", "words", words), (f"min_count {minimum}", "tokens", tokens)]
    out += [("memory", *item) for item in found.memory.items()]
    out += [("memory", "total", found.memory_total), ("memory", "there", found.memory_there.size)]
    out += [("disk", *item) for item in found.disk.items()]
    out += [("time", "reading_s", found.reading_s), ("time", "training_s", found.training_s)]
    speed = found.calibration.words_per_s if found.calibration else None
    return [*out, ("time", "words_per_s", speed)]


def listed(found: Plan) -> str:
    """For people: sections with numbers in columns."""
    parts = [
        f"{count(found.tokens_read)} tokens of {count(found.types)} types; {size(found.text_bytes)} of text in "
        f"{plural(found.files, 'file')}\n"
    ]
    share = [
        (
            str(minimum),
            "?" if words is None else count(words),
            "?" if tokens is None else count(tokens),
            "?" if tokens is None else f"{100 * tokens / max(1, found.tokens_read):.1f} %",
        )
        for minimum, words, tokens in found.at_min_count
    ]
    parts.append(aligned(("min-count", "words", "tokens", "of the text"), share, left=0))
    chosen = f"{plural(found.words, 'word')}, {plural(found.tokens, 'token')}, {plural(found.epochs, 'epoch')}"
    parts.append(f"with these options: {chosen}\n")
    memory = [(name, size(value)) for name, value in found.memory.items() if value]
    parts.append(
        aligned(
            ("memory", ""),
            [
                *memory,
                ("in all", size(found.memory_total)),
                ("there", f"{size(found.memory_there.size)} ({found.memory_there.limit})"),
            ],
        )
    )
    disk = [(DISK.get(name, f".{name}"), size(value)) for name, value in found.disk.items() if value]
    parts.append(aligned(("disk, if written", ""), disk))
    time = [("reading", duration(found.reading_s))]
    if found.calibration is not None and found.training_s is not None:
        speed = f"{short(found.calibration.words_per_s)} words/s on {found.calibration.threads} threads"
        time.append(("training", f"{duration(found.training_s)} ({speed}, kernel {found.calibration.kernel})"))
    parts.append(aligned(("time", ""), time, left=2))
    return "\n".join(parts)


DISK = {
    "txt": ".txt, .vec",
    "checkpoint": "checkpoint",
    "ids": ".ids (w2v encode)",
    "spool": "spool, while it runs",
    "glove": "GloVe text",
    "tsv": ".tsv (projector)",
}


command = Command(
    "plan",
    usage="CORPUS... [options]",
    help=HELP,
    examples=EXAMPLES,
    callback=plan,
    params=[
        corpus_argument(),
        Option(
            ["--format", "form"],
            type=click.Choice(("tsv", "json")),
            help="tsv: what, item, value; json: one object. [a list on a terminal, else tsv]",
        ),
        Option(
            ["--seconds"],
            type=Number(0, 600),
            metavar="N",
            default=2.0,
            shown_default="2",
            help="How long to train for the estimate; 0: not at all.",
        ),
        *config_options(CorpusConfig, "Corpus", PHRASES),
        tmp_dir_option(),
        *config_options(TrainConfig, "Training", GROUPS),
        quiet_option("No progress and no warnings."),
    ],
)
