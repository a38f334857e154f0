"""Options that several commands have, each declared once, and what their values may be.

Most are made from the dataclasses in w2v/training/config.py and w2v/corpus/config.py, which hold names, defaults and
help.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from w2v.cli.command import Argument, Option
from w2v.cli.output import STDOUT
from w2v.errors import render, shortened
from w2v.numbers import seconds_of
from w2v.settings import Option as Declared
from w2v.settings import number_text, options_of, out_of_range
from w2v.training.config import TrainConfig

__all__ = [
    "PHRASES",
    "Duration",
    "List",
    "Number",
    "ParamType",
    "Share",
    "Whole",
    "config_from",
    "config_options",
    "corpus_argument",
    "default_text",
    "format_option",
    "list_options",
    "map_seed_option",
    "option_from",
    "picked_options",
    "quiet_option",
    "read_vocab_option",
    "stated_options",
    "threads_option",
    "tmp_dir_option",
    "vectors_argument",
]

Config = TypeVar("Config")
# Fields of CorpusConfig under a heading of their own.
PHRASES = dict.fromkeys(
    ("phrases", "phrase_score", "phrase_threshold", "phrase_min_count", "phrase_connectors"), "Phrases"
)


# --- what the value of an option may be; each refuses in the words of the user, with the way to write it ---

if TYPE_CHECKING:
    ParamType = click.ParamType[Any, Any]
else:
    ParamType = click.ParamType  # generic since click 8.4 only


class Number(ParamType):
    """A number from `minimum` to `maximum`. Options of the dataclasses leave their range to these: one check and one
    wording for the command line and the library."""

    name = "number"
    kind: type[int] | type[float] = float
    what = "a number"

    def __init__(self, minimum: float | None = None, maximum: float | None = None):
        self.minimum, self.maximum = minimum, maximum

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            number = self.kind(value)
        except ValueError:
            self.fail(f"{shortened(repr(value))} is not {self.what}", param, ctx)
        least = -float("inf") if self.minimum is None else self.minimum
        most = float("inf") if self.maximum is None else self.maximum
        if (self.minimum, self.maximum) != (None, None) and not least <= number <= most:  # nan is nowhere
            self.fail(out_of_range(number, self.minimum, self.maximum), param, ctx)
        return number


class Whole(Number):
    """A whole number."""

    name = "whole number"
    kind = int
    what = "a whole number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = super().convert(value, param, ctx)
        if int(number).bit_length() > 63:
            self.fail(f"{number_text(number)} is too large", param, ctx)
        return number


class Share(ParamType):
    """A share of something: 1% or 0.01. What is out of range is said in per cent where it was written so."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        text = str(value).strip()
        try:
            number = float(text.removesuffix("%"))
        except ValueError:
            self.fail(f"{text!r} is not a share; write 1% or 0.01", param, ctx)
        if not text.endswith("%"):
            if 1 < number <= 100:
                self.fail(f"{text} is more than all of it; write {text}% or {number_text(number / 100)}", param, ctx)
            return number
        if not 0 <= number <= 100:
            self.fail(f"must be between 0% and 100% (got {text})", param, ctx)
        return number / 100


class Duration(ParamType):
    """A length of time in seconds: 30s, 10m, 2h; and 0, where that has a meaning."""

    name = "duration"

    def __init__(self, zero: bool = False):
        self.zero = zero

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            seconds = seconds_of(str(value))
        except ValueError:
            ways = "30s, 10m, 2h or 0" if self.zero else "1s, 10m or 2h"
            self.fail(f"{value!r} is not a length of time; write {ways}", param, ctx)
        if not seconds and not self.zero:
            self.fail("more than 0 is needed, such as 1s", param, ctx)
        return seconds


class List(ParamType):
    """Values between commas, as a tuple; each is converted by another type."""

    name = "list"

    def __init__(self, one: ParamType):
        self.one = one

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[Any, ...]:
        if isinstance(value, tuple):
            return value
        return tuple(self.one.convert(part.strip(), param, ctx) for part in str(value).split(","))


# --- options and arguments that several commands have ---


def corpus_argument() -> Argument:
    return Argument(
        ["corpus"],
        nargs=-1,
        required=True,
        metavar="CORPUS",
        line="Files or folders of text, or a file that w2v encode wrote; - is standard input.",
    )


def vectors_argument() -> Argument:
    return Argument(["vectors"], metavar="VECTORS", line="A vector file of any format that w2v reads.")


def read_vocab_option() -> Option:
    return Option(
        ["--read-vocab"],
        metavar="FILE",
        group="Corpus",
        help="Use this vocabulary (word, tab, count) instead of counting.",
    )


def tmp_dir_option() -> Option:
    """Where the reader of a corpus may spool it."""
    return Option(
        ["--tmp-dir"],
        metavar="DIR",
        group="Corpus",
        help="Folder for temporary files, where a corpus is too large for memory.",
        type=click.Path(exists=True, file_okay=False),
    )


def picked_options(options: Iterable[Option], names: Iterable[str], defaults: Mapping[str, float]) -> dict[str, Option]:
    """Some of a config's options by name, in the order of `names`, those of `defaults` with defaults of their own."""
    known = {option.name: option for option in options}
    picked = {name: known[name] for name in names}
    for name, default in defaults.items():
        picked[name].default = default
        picked[name].shown_default = f"{default:g}"
    return picked


def threads_option(help: str = "Threads that read and count.") -> Option:
    """Of a command that does not train; the spellings and the range are those of the training's."""
    declared = options_of(TrainConfig)["threads"][1]
    return Option(
        [*declared.flags, "--threads"],
        type=Whole(declared.minimum, declared.maximum),
        metavar="N",
        aliases=declared.aliases,
        shown_default=declared.shown_default,
        help=help,
    )


def output_option(help: str, **more: Any) -> Option:
    """Where lines go, of a command that writes them to standard output unless it is given."""
    return Option(
        ["-o", "--output"], metavar="FILE", default=STDOUT, shown_default="standard output", help=help, **more
    )


def top_option(help: str) -> Option:
    """How many answers are wanted."""
    return Option(
        ["-k", "--top", "topn"],
        type=Whole(1),
        metavar="N",
        aliases=["--topn"],
        default=10,
        shown_default="10",
        help=help,
    )


def decay_option(help: str, **more: Any) -> Option:
    """How much less an item of a session weighs than the one after it."""
    return Option(["--decay"], type=Number(), metavar="X", default=1.0, shown_default="1", help=help, **more)


def quiet_option(help: str = "No progress and no summary.") -> Option:
    return Option(["-q", "--quiet"], is_flag=True, help=help)


def format_option(help: str) -> Option:
    """Rows for programs: tsv, unless json is asked for."""
    return Option(
        ["--format", "form"], type=click.Choice(("tsv", "json")), default="tsv", shown_default="tsv", help=help
    )


def map_seed_option(help: str, **kw: Any) -> Option:
    """As wide as the seeds of the libraries that make maps."""
    return Option(
        ["-s", "--seed"], type=Whole(0, 2**32 - 1), metavar="N", default=1, shown_default="1", help=help, **kw
    )


# --- options from the dataclasses ---


def config_options(config: type, group: str, groups: dict[str, str] | None = None) -> list[Option]:
    """One click option for each field of the dataclass; `groups` puts single fields under another heading."""
    groups = groups or {}
    return [
        option_from(field, declared, groups.get(name, group)) for name, (field, declared) in options_of(config).items()
    ]


def config_from(config: type[Config], given: dict[str, Any]) -> Config:
    """Take the dataclass's fields out of `given` and build it; SettingsError (exit 2) when a value is out of range.

    A field for which the command has no option keeps its default.
    """
    return config(**{name: given.pop(name) for name in options_of(config) if name in given})


def stated_options(config: type) -> frozenset[str]:
    """The dataclass's fields that are on the command line (or in its environment), not left to their defaults."""
    context = click.get_current_context()
    return frozenset(
        name
        for name in options_of(config)
        if context.get_parameter_source(name) not in (None, ParameterSource.DEFAULT)  # None: no option of this command
    )


def list_options(config: type, group: str, groups: dict[str, str], more: dict[str, tuple[str, ...]]) -> list[Option]:
    """As config_options, but each takes one value or several between commas; `more` are further spellings."""
    return [
        Option(
            [*declared.flags, "--" + name.replace("_", "-"), *more.get(name, ()), name],
            group=groups.get(name, group),
            aliases=declared.aliases,
            help=render(declared.help, as_option),
            shown_default=default_text(field, declared) or "off",
            type=List(value_type(field, declared)),
            metavar=list_metavar(field, declared),
        )
        for name, (field, declared) in options_of(config).items()
    ]


def list_metavar(field: dataclasses.Field[Any], declared: Declared) -> str:
    one = "|".join(declared.choices) or ("on|off" if "bool" in str(field.type) else declared.metavar.strip("[]") or "N")
    return f"{one},..."


def as_option(name: str, value: Any) -> str:
    """A setting in the help: `--loss ns`."""
    return "--" + name.replace("_", "-") + ("" if value is None else f" {value}")


def option_from(field: dataclasses.Field[Any], declared: Declared, group: str) -> Option:
    long = "--" + field.name.replace("_", "-")
    common: dict[str, Any] = {
        "group": group,
        "aliases": declared.aliases,
        "default": field.default,
        "help": render(declared.help, as_option),
        "shown_default": default_text(field, declared),
    }
    if "bool" in str(field.type):
        spelling = f"{long}/{declared.off}" if declared.off else long
        return Option([*declared.flags, spelling, field.name], is_flag=True, **common)
    if declared.bare:
        common.update(is_flag=False, flag_value=declared.bare)
    return Option(
        [*declared.flags, long, field.name],
        type=value_type(field, declared),
        metavar=declared.metavar or None,
        **common,
    )


def value_type(field: dataclasses.Field[Any], declared: Declared) -> ParamType:
    """The range is left to the dataclass: one check, one wording, for the command line and the library."""
    if declared.percent:
        return Share()
    if declared.choices:
        return click.Choice(declared.choices)
    if "bool" in str(field.type):
        return click.BOOL
    if "int" in str(field.type):
        return Whole()
    return Number() if "float" in str(field.type) else click.STRING


def default_text(field: dataclasses.Field[Any], declared: Declared) -> str:
    """The default as the help and the README show it; empty where there is nothing to say."""
    if declared.shown_default:
        return declared.shown_default
    if isinstance(field.default, bool):
        return "on" if field.default else ""
    if field.default is None:
        return ""
    return str(field.default)
