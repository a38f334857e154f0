"""`w2v.train`: from a corpus to vectors in one call."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from w2v.errors import SettingsError
from w2v.training.config import CorpusConfig, TrainConfig

if TYPE_CHECKING:
    from w2v.corpus.encoded import EncodedCorpus
    from w2v.vectors.vectors import Vectors

__all__ = ["encode", "split_settings", "train"]

Corpus = "str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | Iterable[Sequence[str | bytes]]"


def split_settings(settings: dict[str, Any]) -> tuple[CorpusConfig, TrainConfig]:
    """Keyword arguments to the two configs; SettingsError names what belongs to neither."""
    corpus_names = {f.name for f in dataclasses.fields(CorpusConfig)}
    train_names = {f.name for f in dataclasses.fields(TrainConfig)}
    unknown = sorted(set(settings) - corpus_names - train_names)
    if unknown:
        import difflib

        close = difflib.get_close_matches(unknown[0], sorted(corpus_names | train_names), 1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise SettingsError(f"train: there is no setting {unknown[0]!r}{hint}")
    return (
        CorpusConfig(**{k: v for k, v in settings.items() if k in corpus_names}),
        TrainConfig(**{k: v for k, v in settings.items() if k in train_names}),
    )


def encode(corpus: Any, config: CorpusConfig, **options: Any) -> EncodedCorpus:
    """A path, paths, or an iterable of token sequences to an encoded corpus."""
    from w2v.corpus.reader import encode_sequences, read_corpus

    if isinstance(corpus, (str, os.PathLike)):
        return read_corpus([corpus], config, **options)
    if isinstance(corpus, (list, tuple)) and corpus and all(isinstance(x, (str, os.PathLike)) for x in corpus):
        return read_corpus(list(corpus), config, **options)
    return encode_sequences(corpus, config, **options)


def train(corpus: Any, *, on_progress: Callable[..., Any] | None = None, **settings: Any) -> Vectors:
    """Train word vectors on `corpus`: a path, a list of paths, or an iterable of token sequences.

    Settings are the fields of `CorpusConfig` and `TrainConfig`, with the command line's names and defaults: ``dim=100,
    window=5, model="skipgram", min_count=5, ...``. `on_progress` gets a `w2v.training.trainer.Progress` about ten times
    a second. Returns `Vectors`, float32 [V, dim] in falling order of word count. Raises W2VError.
    """
    from w2v.training.trainer import Trainer

    corpus_config, train_config = split_settings(settings)
    encoded = encode(corpus, corpus_config, threads=train_config.threads)
    try:
        return Trainer(encoded, train_config).run(on_progress).vectors
    finally:
        encoded.close()
