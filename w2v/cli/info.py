"""`w2v info`: what a vector file is."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from w2v.cli.answers import json_line
from w2v.cli.command import Argument, Command, Option
from w2v.cli.errors import flush_output, say
from w2v.cli.options import format_option
from w2v.cli.streams import is_terminal, write
from w2v.cli.terminal import cell, tsv_line
from w2v.errors import W2VError
from w2v.numbers import count, plural, size
from w2v.vectors.formats import FORMATS

if TYPE_CHECKING:
    from w2v.vectors.files.check import Description

__all__ = ["command"]

HELP = """What a vector file is: format, words, length of the vectors, size, norms, first words, and the settings that
they were trained with where the file knows them (safetensors).

The numbers are read once, to compute the norms; --short reads only the start of the file where that is enough. Prints a
list on a terminal, and in a pipe one row per fact: file, name, value.
"""

EXAMPLES = [
    ("One file", "w2v info vectors.bin"),
    ("Many, one line each", "w2v info --short *.bin"),
    ("For programs", "w2v info vectors.bin --format json"),
]


def info(files: tuple[str, ...], short: bool, form: str, told: str | None) -> int:
    from w2v.vectors.files.check import describe, glance

    failed = 0
    for number, path in enumerate(files):
        try:
            found = (glance if short else describe)(path, format=told)
        except (W2VError, OSError) as error:
            if len(files) == 1:
                raise
            failed += 1
            say(f"error: {error}" if isinstance(error, W2VError) else f"error: {path}: {error.strerror}")
            continue
        if form == "json":
            write(json_line(as_json(found)))
        elif short:
            write(one_line(found) + "\n")
        else:
            write(listed(found, number) if is_terminal(sys.stdout) else rows(found))
        flush_output()
        if found.faults:
            faults = f"{plural(found.faults, 'kind')} of faults"
            say(f"{found.name}: {faults}; w2v check lists them, w2v convert --fix repairs them")
    return 1 if failed else 0


def as_json(found: Description) -> dict[str, object]:
    names = ("mean_norm", "least_norm", "greatest_norm")
    norms = zip(names, (round(value, 6) for value in found.norms or ()), strict=False)
    known = {"dtype": found.dtype, **dict(norms), "first": shown_words(found), "settings": found.settings}
    return {
        "file": found.name,
        "format": found.format,
        "compression": found.compression,
        "words": found.words,
        "dim": found.dim,
        "bytes": found.bytes,
        **{name: value for name, value in known.items() if value},
    }


def shown_words(found: Description) -> list[str]:
    return [word.decode("utf-8", "surrogateescape") for word in found.first]


def one_line(found: Description) -> str:
    packed = f", {found.compression}" if found.compression else ""
    large = f", {size(found.bytes)}" if found.bytes is not None else ""
    return f"{found.name}: {found.format}{packed}, {plural(found.words, 'word')} x {found.dim}{large}"


def rows(found: Description) -> str:
    """A row for each fact."""
    facts = as_json(found)
    settings = facts.pop("settings", {})
    facts["first"] = " ".join(shown_words(found))
    facts = {**facts, **{f"settings.{name}": value for name, value in dict(settings).items()}}  # type: ignore[call-overload]
    del facts["file"]
    return "".join(tsv_line((found.name, name, str(value))) for name, value in facts.items() if value is not None)


def listed(found: Description, number: int) -> str:
    """For people."""
    packed = f", packed with {found.compression}" if found.compression else ""
    lines = [
        ("format", found.format + packed),
        ("words", count(found.words)),
        ("dim", count(found.dim)),
        ("size", size(found.bytes) if found.bytes is not None else ""),
        ("numbers", found.dtype),
    ]
    if found.norms is not None:
        mean, least, greatest = found.norms
        lines.append(("norms", f"mean {mean:.4g}, least {least:.4g}, greatest {greatest:.4g}"))
    lines.append(("first", cell(" ".join(shown_words(found)))))
    lines += [(name, cell(str(value))) for name, value in found.settings.items()]
    width = max(len(name) for name, _ in lines)
    body = "".join(f"  {name:<{width}}  {value}\n" for name, value in lines if value)
    return ("\n" if number else "") + f"{found.name}\n{body}"


command = Command(
    "info",
    usage="FILE... [options]",
    help=HELP,
    examples=EXAMPLES,
    callback=info,
    params=[
        Argument(
            ["files"],
            nargs=-1,
            required=True,
            metavar="FILE",
            line="Vector files of any format that w2v reads; - is standard input.",
        ),
        Option(["--short"], is_flag=True, help="One line per file, without norms and first words."),
        format_option("json: one object per line."),
        Option(
            ["--from", "told"], type=click.Choice(tuple(FORMATS)), help="The files' format, where the content misleads."
        ),
    ],
)
