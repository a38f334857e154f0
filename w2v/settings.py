"""What a setting is: its default, range, help and other names, declared once as a field of a dataclass, and checked.

Nothing here imports NumPy, so that ``w2v --help`` stays quick.
"""

from __future__ import annotations

import dataclasses
import math
import numbers
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from w2v.errors import SettingsError, setting

__all__ = ["Option", "check", "check_names", "habit", "number_text", "option", "options_of", "out_of_range"]


@dataclass(frozen=True)
class Option:
    """How one field of a config is shown and checked. `aliases` are other programs' spellings, hidden in the help."""

    help: str
    flags: tuple[str, ...] = ()  # short options
    aliases: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    exclusive: bool = False  # the minimum itself is not allowed
    off: str = ""  # for booleans: the spelling of the negative flag, "" for none
    shown_default: str = ""  # where the default depends on other options
    metavar: str = ""
    bare: str = ""  # the value where the option stands without one
    percent: bool = False  # a share, also written 1%


def option(default: Any, help: str, **kw: Any) -> Any:
    return dataclasses.field(default=default, metadata={"option": Option(help=help, **kw)})


def options_of(config: type) -> dict[str, tuple[dataclasses.Field[Any], Option]]:
    """Field name -> (field, Option), in the order of declaration."""
    return {f.name: (f, f.metadata["option"]) for f in dataclasses.fields(config)}


# What word2vec.c, gensim and fastText have in place of a setting: its name here, and a value for theirs.
CHOICES: dict[str, tuple[str, dict[str, str]]] = {
    "sg": ("model", {"1": "skipgram", "0": "cbow"}),
    "skipgram": ("model", {"1": "skipgram", "0": "cbow"}),
    "cbow": ("model", {"1": "cbow", "0": "skipgram"}),
    "hs": ("loss", {"1": "hs", "0": "ns"}),
}
OTHER_NAMES = {"iterations": "epochs", "word_ngrams": "phrases"}
NGRAMS = {"minn": "{}-6", "min_n": "{}-6", "maxn": "3-{}", "max_n": "3-{}"}
NEEDLESS = {
    "cbow_mean": "the mean is always taken",
    "sorted_vocab": "the words are always sorted",
    "batch_words": "there are no batches",
    "compute_loss": "the loss is always reported",
    "batch_size": "there are no batches",
    "lr_update_rate": "the rate falls all the time",
    "null_word": "there is no such word",
    "device": "it runs on the CPU",
    "gpu": "it runs on the CPU",
}


def habit(name: str, value: object = None) -> str:
    """What to write in place of another program's setting, such as sg=1; empty for one that is not known."""
    name = re.sub("(?<=[a-z])(?=[A-Z])", "_", name).replace("-", "_").lower()
    if name in CHOICES:
        own, values = CHOICES[name]
        text = str(int(value) if isinstance(value, bool) else value)
        return f"write {setting(own, values.get(text, values['1']))}"
    if name in NGRAMS:
        return f"write {setting('subwords', NGRAMS[name].format(value or 'N'))}"
    if name in OTHER_NAMES:
        return f"write {setting(OTHER_NAMES[name])}"
    return f"leave it out: {NEEDLESS[name]}" if name in NEEDLESS else ""


def check_names(function: str, settings: Iterable[str], *configs: type) -> None:
    """Raise SettingsError for the first name that is no field of the configs, with what was perhaps meant."""
    known = {name: option for config in configs for name, (_, option) in options_of(config).items()}
    unknown = sorted(set(settings) - set(known))
    if not unknown:
        return
    values = settings if isinstance(settings, Mapping) else {}
    named = [f"{name!r}{hint_for(name, values.get(name), known)}" for name in unknown]
    raise SettingsError(f"{function}: there is no setting {'; nor '.join(named)}")


def hint_for(name: str, value: object, known: Mapping[str, Option]) -> str:
    """What was perhaps meant by a setting that is not known, behind a semicolon; empty where nothing comes near."""
    import difflib

    value = value if isinstance(value, (str, int, float)) else None
    for own, option in known.items():
        if name in [alias.lstrip("-").replace("-", "_") for alias in option.aliases]:
            return f"; write {setting(own, value)}"
    close = difflib.get_close_matches(name, known, 1)
    hint = habit(name, value) or (f"did you mean {close[0]}?" if close else "")
    return f"; {hint}" if hint else ""


def check(config: Any) -> None:
    """Raise SettingsError for the first value that is out of range."""
    for name, (f, opt) in options_of(type(config)).items():
        value = getattr(config, name)
        if value is None:
            if f.default is None:
                continue
            raise SettingsError(f"{setting(name)}: a value is needed")
        if opt.choices and value not in opt.choices:
            raise SettingsError(f"{setting(name)}: {value!r} is not one of {', '.join(opt.choices)}")
        if isinstance(f.default, bool) and not isinstance(value, bool):
            raise SettingsError(f"{setting(name)}: {value!r} is neither True nor False")
        if opt.minimum is not None or opt.maximum is not None:
            value = checked_number(name, value, opt, "int" in str(f.type))
            object.__setattr__(config, name, value)  # the dataclass is frozen; NumPy's numbers become Python's


def checked_number(name: str, value: Any, opt: Option, whole: bool) -> int | float:
    """The value as an int or a float; SettingsError where it is something else or out of range."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise SettingsError(f"{setting(name)}: {value!r} is not a number")
    number = int(value) if isinstance(value, numbers.Integral) else float(value)
    if isinstance(number, int) and abs(number).bit_length() > 63:
        raise SettingsError(f"{setting(name)}: {number_text(number)} is too large")
    if whole and (not math.isfinite(number) or number != int(number)):
        raise SettingsError(f"{setting(name)}: {value!r} is not a whole number")
    low_bad = opt.minimum is not None and (number <= opt.minimum if opt.exclusive else number < opt.minimum)
    if math.isnan(number) or low_bad or (opt.maximum is not None and number > opt.maximum) or math.isinf(number):
        raise SettingsError(f"{setting(name)}: {out_of_range(number, opt.minimum, opt.maximum, opt.exclusive)}")
    return int(number) if whole else float(number)


def out_of_range(value: float, minimum: float | None, maximum: float | None, exclusive: bool = False) -> str:
    """must be between 1 and 65536 (got 0); with `exclusive`, the minimum itself is not allowed."""
    if minimum is not None and maximum is not None and not exclusive:
        wanted = f"between {number_text(minimum)} and {number_text(maximum)}"
    else:
        low = f"{'more than' if exclusive else 'at least'} {number_text(minimum)}" if minimum is not None else ""
        high = f"at most {number_text(maximum)}" if maximum is not None else ""
        wanted = " and ".join(part for part in (low, high) if part)
    return f"must be {wanted} (got {number_text(value)})"


def number_text(value: float) -> str:
    """As people write it: 11, not 11.0; 1000000, not 1e+06."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, int) and value.bit_length() > 100:
        return f"a number of about {math.ceil(value.bit_length() * math.log10(2))} digits"
    return str(value)
