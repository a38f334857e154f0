"""Where a training begins, other than from nothing: vectors that exist, or a run that has ended."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from w2v.corpus.config import CorpusConfig
from w2v.corpus.remap import extend_vocab
from w2v.errors import SettingsError, VectorsError, setting
from w2v.settings import options_of
from w2v.training.config import SETTINGS_OF_THE_MACHINE, TrainConfig
from w2v.training.subwords import set_ngrams, set_vectors
from w2v.vectors.vectors import Vectors, load

if TYPE_CHECKING:
    from w2v.corpus._words import WordTable
    from w2v.corpus.encoded import EncodedCorpus
    from w2v.corpus.vocab import Vocab
    from w2v.kernel._state import Model
    from w2v.training.checkpoint import Checkpoint

__all__ = ["Continuation", "Initial", "Start", "continued_settings"]


class Start:
    """What the rows begin with. `name` is the file's; after `fill`, so many of the `words` were `found` in it."""

    name = ""
    found = words = 0

    def fill(self, model: Model, words: WordTable) -> None:
        """Put rows into a model whose rows are fresh; `words` are its words in order."""
        raise NotImplementedError

    def close(self) -> None:
        """Give files and memory back."""


class Initial(Start):
    """Input rows from a vector file, by word; output rows are fresh. SettingsError where the dimensions differ."""

    def __init__(self, source: str | os.PathLike[str] | Vectors, dim: int):
        self.name = "init" if isinstance(source, Vectors) else os.fspath(source)
        self.vectors = source if isinstance(source, Vectors) else load(source)
        if self.vectors.dim != dim:
            raise SettingsError(
                f"{self.name}: its vectors have {self.vectors.dim} dimensions; train with"
                f" {setting('dim', self.vectors.dim)}, not {dim}"
            )

    def fill(self, model: Model, words: WordTable) -> None:
        place = np.empty(len(words), np.int32)
        self.vectors.words.table.find_all(words, place)
        known = np.flatnonzero(place >= 0)
        self.found, self.words = len(known), len(words)
        if not self.found:
            raise VectorsError(
                f"{self.name}: none of the corpus's {len(words):,} words is in it; check the language and case"
                f" ({setting('lower')}), or leave out {setting('init')}"
            )
        if self.vectors.subwords is not None:
            set_ngrams(model, self.vectors.subwords)
        step = 1 << 14
        for first in range(0, len(known), step):
            rows = known[first : first + step]
            set_vectors(model, rows, self.vectors.matrix[place[rows]])
        self.close()

    def close(self) -> None:
        self.__dict__.pop("vectors", None)


class Continuation(Start):
    """Both matrices of a run that is kept in a checkpoint, for known words; others are fresh.

    If the run kept its best epoch (`stop_early`), that one counts. CheckpointError for what is wrong with the file,
    SettingsError where the shape differs.
    """

    def __init__(self, checkpoint: Checkpoint, corpus_config: CorpusConfig, config: TrainConfig):
        self.corpus_config, self.config = corpus_config, config
        self.checkpoint = checkpoint
        self.name = checkpoint.name
        before = checkpoint.state["train"]
        if "hs" in (before.get("loss"), config.loss):
            raise SettingsError(
                f"{setting('continue_from')}: with {setting('loss', 'hs')} the tree changes with the counts, and its"
                f" nodes cannot be kept; use {setting('init')} with the vectors"
            )
        ngrams = before.get("subwords", "off"), before.get("buckets", config.buckets)
        if ngrams[0] != config.subwords or (ngrams[0] != "off" and ngrams[1] != config.buckets):
            raise SettingsError(
                f"{self.name}: was trained with {setting('subwords', ngrams[0])} and {setting('buckets', ngrams[1])}, "
                "which a continued run keeps; leave both out"
            )
        if before.get("dim") != config.dim:
            raise SettingsError(
                f"{self.name}: its vectors have {before.get('dim')} dimensions; leave {setting('dim')} out"
            )
        self.known: Vocab = checkpoint.vocab()

    @property
    def reading_config(self) -> CorpusConfig:
        """How the text is to be read before `extend_vocab`: words that are known stay, however rare they are there."""
        return dataclasses.replace(self.corpus_config, min_count=1, max_vocab=None)

    def extend_vocab(self, corpus: EncodedCorpus, **options: Any) -> EncodedCorpus:
        """The corpus with the known words, and the new ones that occur `min_count` times; options as of `grown`."""
        return extend_vocab(corpus, self.known, self.corpus_config.min_count, self.corpus_config.max_vocab, **options)

    def fill(self, model: Model, words: WordTable) -> None:
        rows = np.empty(len(self.known), np.int32)
        words.find_all(self.known.words, rows)
        self.found, self.words = len(rows), len(words)
        self.checkpoint.scatter(model, rows.astype(np.int64))
        self.close()

    def close(self) -> None:
        self.checkpoint.close()


def continued_settings(checkpoint: Checkpoint, stated: Mapping[str, Any]) -> tuple[CorpusConfig, TrainConfig]:
    """The settings of the run in a checkpoint but for those that are `stated`; SettingsError where one is wrong.

    The number of threads is that of this machine, a new learning rate brings its own end, and nothing stays frozen.
    """
    before = {**(checkpoint.state["corpus"] or {}), **checkpoint.state["train"]}
    left_out = {*SETTINGS_OF_THE_MACHINE, "freeze"}
    if "lr" in stated or "model" in stated:
        left_out |= {"lr", "min_lr"}
    now = {**{name: value for name, value in before.items() if name not in left_out}, **stated}
    return (
        CorpusConfig(**{name: value for name, value in now.items() if name in options_of(CorpusConfig)}),
        TrainConfig(**{name: value for name, value in now.items() if name in options_of(TrainConfig)}),
    )
