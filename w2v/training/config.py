"""Every hyper-parameter once: name, default, range, help, other programs' names for it.

`TrainConfig` is the only declaration: the command line's options, the README's table, the checks and the
library's keyword arguments are made from it. Nothing here imports NumPy, so that ``w2v --help`` stays quick.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from w2v.corpus.config import CorpusConfig
from w2v.errors import SettingsError, setting
from w2v.settings import check, number_text, option, options_of

__all__ = ["PRESETS", "ResolvedConfig", "TrainConfig", "preset_settings", "without_effect"]


# Settings for what is no text, as measured in docs/sessions.md: every item has a vector, a whole session is one
# context, hits are not pushed away from everything.
PRESETS: dict[str, dict[str, Any]] = {
    "sessions": {"min_count": 1, "sample": 0.0, "window": 50, "ns_exponent": -0.5, "epochs": 25}
}
SETTINGS_OF_THE_MACHINE = frozenset({"threads"})  # may differ where a run goes on

# The learning rates at the start, when none is given. word2vec.c has 0.05 for CBOW; 0.06 scored better.
DEFAULT_LR = {"skipgram": 0.025, "cbow": 0.06}


MOST_CHARACTERS = 64  # of an n-gram


def preset_settings(name: str | None) -> dict[str, Any]:
    """The settings of a preset; SettingsError for one that is not there."""
    if name is not None and name not in PRESETS:
        raise SettingsError(f"{setting('preset')}: {name!r:.40} is not one of {', '.join(PRESETS)}")
    return {} if name is None else PRESETS[name]


def ngram_text(value: Any) -> str:
    """The setting `subwords` in its one form: 3-6 for "3-6" and (3, 6), 4-4 for 4, off for "off" and None."""
    if value is None or value == "off":
        return "off"
    parts = str(value).split("-") if isinstance(value, (str, bool, int)) else value
    try:
        least, *rest = (int(part) for part in parts)
        most = rest[0] if rest else least
    except (TypeError, ValueError):
        least, most, rest = 0, 0, []
    if len(rest) > 1 or not 1 <= least <= most <= MOST_CHARACTERS:
        raise SettingsError(
            f"{setting('subwords')}: {value!r} is no range of characters from 1 to {MOST_CHARACTERS}; write 3-6, or off"
        )
    return f"{least}-{most}"


@dataclass(frozen=True)
class TrainConfig:
    """How vectors are trained. Sources: Mikolov et al. 2013a, 2013b; word2vec.c; Irsoy et al. 2021 (CBOW)."""

    model: str = option(
        "skipgram",
        "skipgram predicts each context word from the centre, cbow the centre from its contexts.",
        choices=("skipgram", "cbow"),
    )
    loss: str = option(
        "ns",
        "ns: negative sampling; hs: hierarchical softmax over a Huffman tree; softmax: over all words, exact and slow.",
        choices=("ns", "hs", "softmax"),
    )
    dim: int = option(
        100,
        "Length of the vectors.",
        flags=("-d",),
        aliases=("--size", "--vector-size", "--vector_size"),
        minimum=1,
        maximum=65536,
    )
    window: int = option(
        5,
        "Largest distance between centre and context; each centre draws its own in 1..N.",
        flags=("-w",),
        aliases=("--ws",),
        minimum=1,
        maximum=1000,
    )
    fixed_window: bool = option(False, "Use the whole window for every centre.")
    negative: int = option(
        5,
        f"Negative samples for each positive one (for {setting('loss', 'ns')}).",
        flags=("-n",),
        aliases=("--neg",),
        minimum=1,
        maximum=1000,
    )
    subwords: str = option(
        "off",
        "Character n-grams that words are made of, such as 3-6, for vectors of words never seen; off for none.",
        metavar="MIN-MAX",
    )
    buckets: int = option(
        2_000_000,
        f"Rows that n-grams are hashed to (for {setting('subwords')}).",
        aliases=("--bucket",),
        minimum=1,
        maximum=1_000_000_000,
    )
    ns_exponent: float = option(
        0.75,
        "Negatives are drawn in proportion to count to this power.",
        aliases=("--ns_exponent",),
        minimum=-10,
        maximum=10,
    )
    sample: float = option(
        1e-3,
        "Threshold of subsampling: words more frequent than this share are thinned out; 0 keeps all.",
        aliases=("--subsample",),
        minimum=0,
        maximum=1,
    )
    lr: float | None = option(
        None,
        "Learning rate at the start.",
        aliases=("--alpha",),
        minimum=0,
        exclusive=True,
        maximum=10,
        shown_default="0.025 skipgram, 0.06 cbow",
    )
    min_lr: float | None = option(
        None,
        "Learning rate at the end.",
        aliases=("--min-alpha", "--min_alpha"),
        minimum=0,
        maximum=10,
        shown_default="lr x 0.0001",
    )
    epochs: int = option(
        5, "Passes over the corpus.", flags=("-e",), aliases=("--iter", "--epoch"), minimum=1, maximum=1_000_000
    )
    cbow_gradient: str = option(
        "classic",
        "cbow: exact gradient of the mean of the contexts, or the classic one of the original C program.",
        choices=("exact", "classic"),
    )
    freeze: str = option(
        "none",
        "Vectors that are not changed: the context vectors of a run that is continued, or the words' own.",
        choices=("none", "context", "vectors"),
    )
    threads: int | None = option(
        None,
        "Threads that train.",
        flags=("-t",),
        aliases=("--thread", "--workers"),
        minimum=1,
        maximum=1024,
        shown_default="the CPUs this process may use",
    )
    seed: int = option(1, "Seed of all random numbers.", flags=("-s",), minimum=0, maximum=2**63 - 1)
    share_negatives: bool = option(
        True,
        "All contexts of one centre share its negatives; for cbow, two neighbouring centres do.",
        off="--no-share-negatives",
    )
    negative_pool: int = option(
        128,
        "Negatives come from a rolling pool of this size in each thread; 0 draws each one afresh.",
        minimum=0,
        maximum=65536,
    )
    hot_rows: int = option(
        4096,
        "Rows of the most frequent words that each thread keeps a private copy of; 0 for none.",
        minimum=0,
        maximum=1_048_576,
    )
    node_sample: float = option(
        2e-3,
        f"Threshold of subsampling for nodes of the Huffman tree (for {setting('loss', 'hs')}): those on more than "
        f"this share of the paths are thinned out; 0 keeps all.",
        minimum=0,
        maximum=1,
    )
    exact: bool = option(
        False,
        "Plain Hogwild word2vec: no shared negatives, no pool, no private rows, all nodes.",
    )
    reproducible: bool = option(
        False,
        "Write the same bytes with any number of threads, on any machine with the same kernel (W2V_KERNEL).",
    )
    held_out: float = option(
        0.0,
        "Share of the sentences to keep out of training; their loss is reported after each epoch.",
        minimum=0,
        maximum=1,
        percent=True,
        metavar="SHARE",
        shown_default="0",
    )
    stop_early: int = option(
        0,
        f"Stop after this many epochs without a lower loss on {setting('held_out')}, and keep the best epoch's "
        f"vectors.",
        minimum=0,
        maximum=1_000_000,
        metavar="[EPOCHS]",
        bare="1",
        shown_default="0: never; 1 if no number is given",
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "subwords", ngram_text(self.subwords))
        check(self)

    @property
    def ngram_range(self) -> tuple[int, int] | None:
        """The fewest and the most characters of an n-gram; None without subwords."""
        if self.subwords == "off":
            return None
        least, _, most = self.subwords.partition("-")
        return int(least), int(most)

    def resolved(self) -> ResolvedConfig:
        """The same settings with every default that depends on another one filled in; SettingsError where two of them
        do not go together."""
        from w2v.machine import available_cpus

        if self.stop_early and not self.held_out:
            raise SettingsError(
                f"{setting('stop_early')}: goes by the loss of text that is held out; add {setting('held_out', 0.01)}"
            )
        if self.loss == "softmax" and self.model == "cbow":
            raise SettingsError(
                f"{setting('loss', 'softmax')}: is for {setting('model', 'skipgram')}; for cbow take"
                f" {setting('loss', 'ns')} or hs"
            )
        if self.freeze != "none" and self.loss == "softmax":
            raise SettingsError(f"{setting('freeze')}: is for {setting('loss', 'ns')} or hs")
        if self.reproducible and self.loss == "softmax":
            raise SettingsError(
                f"{setting('reproducible')}: is for {setting('loss', 'ns')} or hs; the full softmax depends on NumPy's"
                " matrix products"
            )
        if self.loss == "softmax" and self.ngram_range is not None:
            raise SettingsError(
                f"{setting('loss', 'softmax')}: trains no {setting('subwords')}; take {setting('loss', 'ns')} or hs"
            )
        lr = self.lr if self.lr is not None else DEFAULT_LR[self.model]
        if self.min_lr is not None and self.min_lr > lr:
            raise SettingsError(
                f"{setting('min_lr')}: {self.min_lr:g} is more than {setting('lr', lr)}, from which the rate falls"
            )
        settings: dict[str, Any] = {
            **dataclasses.asdict(self),
            "lr": lr,
            "min_lr": self.min_lr if self.min_lr is not None else lr * 1e-4,
            "threads": self.threads if self.threads is not None else available_cpus(),
        }
        if self.exact:
            settings.update(share_negatives=False, negative_pool=0, hot_rows=0, node_sample=0.0)
        return ResolvedConfig(**settings)


def without_effect(given: Collection[str], corpus: CorpusConfig, config: TrainConfig) -> list[str]:
    """Warnings of the settings that are given and change nothing in such a training."""
    phrases = [name for name in options_of(CorpusConfig) if name.startswith("phrase_")]
    needed = (
        (config.loss == "ns", setting("loss", "ns"), ["negative", "ns_exponent", "negative_pool", "share_negatives"]),
        (config.loss == "hs", setting("loss", "hs"), ["node_sample"]),
        (config.model == "cbow", setting("model", "cbow"), ["cbow_gradient"]),
        (config.subwords != "off", setting("subwords"), ["buckets"]),
        (corpus.phrases > 0, setting("phrases"), phrases),
    )
    return [
        f"{setting(name)} has no effect: it is for {what}"
        for there, what, names in needed
        for name in names
        if name in given and not there
    ]


class ResolvedConfig(TrainConfig):
    """A TrainConfig with every default filled in: what a training works with."""

    lr: float
    min_lr: float
    threads: int

    def lr_at(self, tokens_done: float, tokens_total: int) -> float:
        """Learning rate after this many of all epochs' tokens: linear from `lr` to `min_lr`, which it then keeps."""
        share = min(1.0, tokens_done / max(1, tokens_total))
        return self.lr + (self.min_lr - self.lr) * share

    def as_text(self) -> dict[str, str]:
        """What the vectors depend on, name -> value, as a file of vectors keeps it."""
        values = {name: getattr(self, name) for name in options_of(TrainConfig) if name not in SETTINGS_OF_THE_MACHINE}
        if self.freeze == "none":  # what most runs are is not said
            del values["freeze"]
        return {
            name: str(value).lower()
            if isinstance(value, bool)
            else str(value)
            if isinstance(value, str)
            else number_text(value)
            for name, value in values.items()
        }
