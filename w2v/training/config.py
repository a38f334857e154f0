"""Every hyper-parameter once: name, default, range, help, other programs' names for it.

`TrainConfig` is the only declaration: the command line's options, the README's table, the checks and the
library's keyword arguments are made from it. Nothing here imports NumPy, so that ``w2v --help`` stays quick.
"""

from __future__ import annotations

import dataclasses
import math
import numbers
from dataclasses import dataclass
from typing import Any

from w2v.errors import SettingsError

__all__ = ["CorpusConfig", "Option", "TrainConfig", "number_text", "options_of", "range_text"]


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


def options_of(config: type) -> dict[str, tuple[dataclasses.Field, Option]]:
    """Field name -> (field, Option), in the order of declaration."""
    return {f.name: (f, f.metadata["option"]) for f in dataclasses.fields(config)}


def check(config: Any) -> None:
    """Raise SettingsError, in the words of the command line, for the first value that is out of range."""
    for name, (f, opt) in options_of(type(config)).items():
        value = getattr(config, name)
        if value is None:
            if f.default is None:
                continue
            raise SettingsError(f"{flag(name)}: a value is needed")
        if opt.choices and value not in opt.choices:
            raise SettingsError(f"{flag(name)}: {value!r} is not one of {', '.join(opt.choices)}")
        if isinstance(f.default, bool) and not isinstance(value, bool):
            raise SettingsError(f"{flag(name)}: {value!r} is neither True nor False")
        if opt.minimum is not None or opt.maximum is not None:
            value = checked_number(name, value, opt, "int" in str(f.type))
            object.__setattr__(config, name, value)  # the dataclass is frozen; NumPy's numbers become Python's


def checked_number(name: str, value: Any, opt: Option, whole: bool) -> int | float:
    """The value as an int or a float; SettingsError where it is something else or out of range."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise SettingsError(f"{flag(name)}: {value!r} is not a number")
    if whole and (not math.isfinite(value) or value != int(value)):
        raise SettingsError(f"{flag(name)}: {value!r} is not a whole number")
    low_bad = opt.minimum is not None and (value <= opt.minimum if opt.exclusive else value < opt.minimum)
    if math.isnan(value) or low_bad or (opt.maximum is not None and value > opt.maximum) or math.isinf(value):
        wanted = range_text(opt.minimum, opt.maximum, opt.exclusive)
        raise SettingsError(f"{flag(name)}: {number_text(value)} is not {wanted}")
    return int(value) if whole else float(value)


def flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def range_text(minimum: float | None, maximum: float | None, exclusive: bool = False) -> str:
    """at least 1 and at most 65536; with `exclusive`, the minimum itself is not allowed."""
    low = f"{'more than' if exclusive else 'at least'} {number_text(minimum)}" if minimum is not None else ""
    high = f"at most {number_text(maximum)}" if maximum is not None else ""
    return " and ".join(x for x in (low, high) if x)


def number_text(value: float) -> str:
    """As people write it: 11, not 11.0; 1000000, not 1e+06."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


@dataclass(frozen=True)
class CorpusConfig:
    """How text becomes words and which words stay."""

    whitespace: str = option(
        "unicode",
        "What separates tokens: every Unicode white space, or only the ASCII kind as in the original.",
        choices=("unicode", "ascii"),
    )
    tokenizer: str = option(
        "none",
        "none: a token is what stands between white space; words: split raw prose into words without punctuation.",
        choices=("none", "words"),
    )
    lower: bool = option(False, "Lower-case every word.")
    normalize: str = option("none", "Unicode normalisation of every word.", choices=("none", "nfc", "nfkc"))
    min_count: int = option(
        5, "Leave out words that occur fewer times.", minimum=1, aliases=("--minCount", "--min_count")
    )
    max_vocab: int | None = option(
        None, "Keep at most this many words, the most frequent.", minimum=2, metavar="N", aliases=("--max_final_vocab",)
    )
    phrases: int = option(
        0, "Join words that stand together more often than by chance, in so many passes: 1 new_york, 2 new_york_city.",
        minimum=0, maximum=10,
    )
    phrase_score: str = option(
        "original", "original: that of word2phrase; npmi: normalised pointwise mutual information, -1 to 1.",
        choices=("original", "npmi"),
    )
    phrase_threshold: float | None = option(
        None, "Join pairs that score more than this.", minimum=-1, maximum=1e9,
        shown_default="100 original, 0.5 npmi",
    )
    phrase_min_count: int = option(5, "Join no pairs that occur fewer times, nor words.", minimum=1)
    phrase_connectors: str | None = option(
        None, "Words that may stand inside a phrase (bank_of_england) but not at its ends: a file, or english.",
        metavar="FILE|english",
    )

    def __post_init__(self) -> None:
        check(self)


SETTINGS_OF_THE_MACHINE = frozenset({"threads"})  # may differ where a run goes on

# The learning rates at the start, when none is given. word2vec.c has 0.05 for CBOW; 0.06 scored better.
DEFAULT_LR = {"skipgram": 0.025, "cbow": 0.06}


@dataclass(frozen=True)
class TrainConfig:
    """How vectors are trained. Sources: Mikolov et al. 2013a, 2013b; word2vec.c; Irsoy et al. 2021 (CBOW)."""

    model: str = option(
        "skipgram", "skipgram predicts each context word from the centre, cbow the centre from its contexts.",
        choices=("skipgram", "cbow"),
    )
    loss: str = option(
        "ns", "ns: negative sampling; hs: hierarchical softmax over a Huffman tree.", choices=("ns", "hs")
    )
    dim: int = option(
        100, "Length of the vectors.", flags=("-d",), aliases=("--size", "--vector-size", "--vector_size"),
        minimum=1, maximum=65536,
    )
    window: int = option(
        5, "Largest distance between centre and context; each centre draws its own in 1..N.", flags=("-w",),
        aliases=("--ws",), minimum=1, maximum=1000,
    )
    fixed_window: bool = option(False, "Use the whole window for every centre.")
    negative: int = option(
        5, "Negative samples for each positive one (for --loss ns).", flags=("-n",), aliases=("--neg",),
        minimum=1, maximum=1000,
    )
    ns_exponent: float = option(
        0.75, "Negatives are drawn in proportion to count to this power.", aliases=("--ns_exponent",),
        minimum=-10, maximum=10,
    )
    sample: float = option(
        1e-3, "Threshold of subsampling: words more frequent than this share are thinned out; 0 keeps all.",
        aliases=("--subsample",), minimum=0, maximum=1,
    )
    lr: float | None = option(
        None, "Learning rate at the start.", aliases=("--alpha",), minimum=0, exclusive=True, maximum=10,
        shown_default="0.025 skipgram, 0.06 cbow",
    )
    min_lr: float | None = option(
        None, "Learning rate at the end.", aliases=("--min-alpha", "--min_alpha"), minimum=0, maximum=10,
        shown_default="lr x 0.0001",
    )
    epochs: int = option(
        5, "Passes over the corpus.", flags=("-e",), aliases=("--iter", "--epoch"), minimum=1, maximum=1_000_000
    )
    cbow_gradient: str = option(
        "classic", "cbow: exact gradient of the mean of the contexts, or the classic one of the original C program.",
        choices=("exact", "classic"),
    )
    threads: int | None = option(
        None, "Threads that train.", flags=("-t",), aliases=("--thread", "--workers"), minimum=1, maximum=1024,
        shown_default="the CPUs this process may use",
    )
    seed: int = option(1, "Seed of all random numbers.", flags=("-s",), minimum=0, maximum=2**63 - 1)
    share_negatives: bool = option(
        True, "All contexts of one centre share its negatives.", off="--no-share-negatives"
    )
    negative_pool: int = option(
        128, "Negatives come from a rolling pool of this size in each thread; 0 draws each one afresh.",
        minimum=0, maximum=65536,
    )
    hot_rows: int = option(
        4096, "Rows of the most frequent words that each thread keeps a private copy of; 0 for none.",
        minimum=0, maximum=1_048_576,
    )
    exact: bool = option(
        False, "Plain Hogwild word2vec: no shared negatives, no pool, no private rows.",
    )
    held_out: float = option(
        0.0, "Share of the sentences that is not trained on; its loss is told after each epoch.", minimum=0,
        maximum=1, percent=True, metavar="SHARE", shown_default="0",
    )
    stop_early: int = option(
        0, "End after so many epochs without a lower loss on --held-out, and keep the best epoch's vectors.",
        minimum=0, maximum=1_000_000, metavar="[EPOCHS]", bare="1", shown_default="0: never; 1 where it stands alone",
    )

    def __post_init__(self) -> None:
        check(self)

    def resolved(self) -> TrainConfig:
        """The same settings with every default that depends on another one filled in; SettingsError where two of them
        do not go together."""
        from w2v.cpus import available_cpus

        if self.stop_early and not self.held_out:
            raise SettingsError("--stop-early: goes by the loss of text that is held out; add --held-out 1%")
        lr = self.lr if self.lr is not None else DEFAULT_LR[self.model]
        if self.min_lr is not None and self.min_lr > lr:
            raise SettingsError(f"--min-lr: {self.min_lr:g} is more than --lr {lr:g}, from which the rate falls")
        changes: dict[str, Any] = {
            "lr": lr,
            "min_lr": self.min_lr if self.min_lr is not None else lr * 1e-4,
            "threads": self.threads if self.threads is not None else available_cpus(),
        }
        if self.exact:
            changes.update(share_negatives=False, negative_pool=0, hot_rows=0)
        return dataclasses.replace(self, **changes)

    def as_text(self) -> dict[str, str]:
        """What the vectors depend on, name -> value, as a file of vectors keeps it."""
        values = {name: getattr(self, name) for name in options_of(TrainConfig) if name not in SETTINGS_OF_THE_MACHINE}
        return {
            name: str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, str)
            else number_text(value)
            for name, value in values.items()
        }
