"""What the value of an option may be: whole numbers, numbers, shares, lengths of time, lists; each refuses in the words
of the user, with the way to write it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from w2v.errors import shortened
from w2v.numbers import seconds_of
from w2v.settings import number_text, out_of_range

__all__ = ["Duration", "List", "Number", "ParamType", "Share", "Whole"]

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
