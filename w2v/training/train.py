"""`w2v.train`: from a corpus to vectors in one call."""

from __future__ import annotations

import dataclasses
import os
import time
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

    paths = _paths(corpus)
    if paths is not None:
        return read_corpus(paths, config, **options)
    return encode_sequences(corpus, config, **options)


def _paths(corpus: Any) -> list[str | os.PathLike[str]] | None:
    """The files and folders that are meant; None for sequences of tokens."""
    if isinstance(corpus, (str, os.PathLike)):
        return [corpus]
    if isinstance(corpus, (list, tuple)) and corpus and all(isinstance(x, (str, os.PathLike)) for x in corpus):
        return list(corpus)
    return None


def train(
    corpus: Any, *, on_progress: Callable[..., Any] | None = None, report: str | os.PathLike[str] | None = None,
    **settings: Any,
) -> Vectors:
    """Train word vectors on `corpus`: a path, a list of paths, or an iterable of token sequences.

    Settings are the fields of `CorpusConfig` and `TrainConfig`, with the command line's names and defaults: ``dim=100,
    window=5, model="skipgram", min_count=5, ...``. `on_progress` gets a `w2v.training.trainer.Progress` about ten times
    a second. `report` names a file for the report of the run (docs/report.md). Returns `Vectors`, float32 [V, dim] in
    falling order of word count. Raises W2VError.
    """
    from w2v.output import check_output
    from w2v.training.report import Recorder
    from w2v.training.trainer import Trainer

    corpus_config, train_config = split_settings(settings)
    recorder = None
    if report is not None:
        check_output(report)
        recorder = Recorder(_paths(corpus) or ())
    start = time.monotonic()
    encoded = encode(corpus, corpus_config, threads=train_config.threads)
    try:
        trainer = Trainer(encoded, train_config)
        read_s = time.monotonic() - start
        if recorder is not None:
            recorder.read_again()
        result = trainer.run(on_progress)
        if recorder is not None and report is not None:
            recorder.times = {
                "reading": read_s, "training": result.summary.seconds, "all": time.monotonic() - start,
            }
            recorder.report(trainer, result, corpus_config).save(report)
        return result.vectors
    finally:
        encoded.close()
