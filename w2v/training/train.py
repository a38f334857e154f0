"""`w2v.train`: from a corpus to vectors in one call."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from w2v.corpus.config import CorpusConfig
from w2v.errors import SettingsError
from w2v.settings import options_of
from w2v.training.config import TrainConfig

if TYPE_CHECKING:
    from w2v.corpus.encoded import EncodedCorpus
    from w2v.training.progress import EpochReport, Progress
    from w2v.training.start import Start
    from w2v.training.sweep import SweepRun
    from w2v.vectors.vectors import Vectors

__all__ = ["encode", "split_settings", "sweep", "train"]


def split_settings(settings: dict[str, Any]) -> tuple[CorpusConfig, TrainConfig]:
    """Keyword arguments to the two configs; SettingsError names what belongs to neither."""
    corpus_config, train_config = made("train", CorpusConfig, TrainConfig, settings=settings)
    return corpus_config, train_config


def made(function: str, *configs: type, settings: dict[str, Any]) -> list[Any]:
    """Each config from those of the settings that are its fields; SettingsError names one that is of none."""
    names = [{f.name for f in dataclasses.fields(config)} for config in configs]
    known = set().union(*names)
    unknown = sorted(set(settings) - known)
    if unknown:
        import difflib

        close = difflib.get_close_matches(unknown[0], sorted(known), 1)
        hint = f"; did you mean {close[0]}?" if close else ""
        for config in configs:
            for name, (_, opt) in options_of(config).items():
                if unknown[0] in [alias.lstrip("-").replace("-", "_") for alias in opt.aliases]:
                    hint = f"; it is {name} here"
        raise SettingsError(f"{function}: there is no setting {unknown[0]!r}{hint}")
    return [
        config(**{k: v for k, v in settings.items() if k in fields})
        for config, fields in zip(configs, names, strict=True)
    ]


def encode(corpus: Any, *, threads: int | None = None, tmp_dir: Any = None, **settings: Any) -> EncodedCorpus:
    """Read a corpus once, to be trained on as often as wanted: a path, paths, or an iterable of token sequences.

    Settings are the fields of `CorpusConfig`. The result is given to `w2v.train` in place of the text, or saved with
    `save("corpus.ids")` and opened with `w2v.EncodedCorpus.load`. Raises W2VError, or OSError with the file's name.
    """
    from w2v.training.corpora import read

    config = made("encode", CorpusConfig, settings=settings)[0]
    return read(corpus, config, threads=threads, tmp_dir=tmp_dir)


def train(
    corpus: Any,
    *,
    on_progress: Callable[[Progress], Any] | None = None,
    on_epoch: Callable[[EpochReport], Any] | None = None,
    eval: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] = (),
    eval_every: str | int = 1,
    log: str | os.PathLike[str] | None = None,
    report: str | os.PathLike[str] | None = None,
    combine: str = "input",
    unit: bool = False,
    init: str | os.PathLike[str] | Vectors | None = None,
    continue_from: str | os.PathLike[str] | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    **settings: Any,
) -> Vectors:
    """Train word vectors on `corpus`: a path, a list of paths, an iterable of token sequences, or an encoded corpus.

    Settings are the fields of `CorpusConfig` and `TrainConfig`, with the command line's names and defaults: ``dim=100,
    window=5, model="skipgram", min_count=5, held_out=0.01, ...``. `on_progress` gets a
    `w2v.training.progress.Progress` about ten times a second, `on_epoch` an `EpochReport` after each epoch: its loss,
    the loss on the text that `held_out` sets aside, and the scores on the files of questions or word pairs in `eval`,
    taken every `eval_every` (2: epochs, "10%" of the run, "50M" tokens). `log` names a file for all that (docs/log.md),
    `report` one for the report of the run (docs/report.md).

    `init` are vectors whose rows the words begin with. `checkpoint` names a file for the whole state of the run when it
    has ended; `continue_from` goes on from such a file with another corpus: its words stay, new ones join, its settings
    hold where none are given, and the learning rate falls anew. `combine` "add" or "concat" joins each word's input and
    context vector, `unit` gives rows of length 1. Returns `Vectors`, float32 [V, dim] in falling order of word count.
    Raises W2VError.
    """
    from w2v.output import check_output
    from w2v.training.checkpoint import write_checkpoint
    from w2v.training.corpora import paths_of
    from w2v.training.evaluation import Evaluator, read_tests
    from w2v.training.log import TrainingLog
    from w2v.training.memory import check_memory
    from w2v.training.report import Recorder
    from w2v.training.start import Continuation
    from w2v.training.trainer import Trainer
    from w2v.vectors.combine import check_combination
    from w2v.vectors.combine import combine as combined
    from w2v.vectors.derive import unit as to_unit

    corpus_config, train_config = split_settings(settings)
    begin = starting(init, continue_from, train_config, settings)
    if isinstance(begin, Continuation):
        corpus_config, train_config = begin.corpus_config, begin.config
    check_combination(combine, train_config.loss)
    for name, path in (("log", log), ("report", report), ("checkpoint", checkpoint)):
        if path is not None and os.fspath(path) == "-":
            raise SettingsError(f"train: {name}: - is no file; give its name")
        if path is not None:
            check_output(path)
    tests = read_tests([eval] if isinstance(eval, (str, os.PathLike)) else eval)
    recorder = Recorder(paths_of(corpus) or ()) if report is not None else None
    with ExitStack() as ending:
        if begin is not None:
            ending.callback(begin.close)
        writer = ending.enter_context(TrainingLog(log)) if log is not None else None
        start = time.monotonic()
        encoded, corpus_config = opened(corpus, corpus_config, settings, begin, train_config.threads)
        if encoded is not corpus:
            ending.callback(encoded.close)
        check_memory(train_config, len(encoded.vocab))
        trainer = Trainer(encoded, train_config, start=begin)
        evaluator = Evaluator(tests, eval_every, combine, both(on_epoch, writer and writer.report))
        evaluator.check(encoded.vocab.words)
        read_s = time.monotonic() - start
        if recorder is not None:
            recorder.read_again()
        if writer is not None:
            writer.start(trainer.state.tokens_total)
        result = trainer.run(both(on_progress, writer and writer.progress), None, None, evaluator)
        if writer is not None:
            writer.end(result.summary, trainer.state.tokens_total)
        if checkpoint is not None:
            write_checkpoint(checkpoint, trainer.state, corpus_config)
        if recorder is not None and report is not None:
            recorder.times = {
                "reading": read_s, "training": result.summary.seconds, "all": time.monotonic() - start,
            }
            recorder.report(trainer.state, result, corpus_config).save(report)
    vectors = combined(result.vectors, result.context, combine)
    return to_unit(vectors) if unit else vectors


def sweep(
    corpus: Any,
    *,
    eval: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] = (),
    results: str | os.PathLike[str] | None = None,
    folder: str | os.PathLike[str] | None = None,
    on_progress: Callable[[Progress], Any] | None = None,
    **settings: Any,
) -> Iterator[SweepRun]:
    """Train with every combination of the settings that are lists, and yield each run with its scores as it ends.

    `corpus` and the settings are as of `w2v.train`; a field of `TrainConfig` may be a list: ``window=[2, 5, 10],
    seed=[1, 2, 3]``. `eval` are files of questions or word pairs. `results` keeps the runs as JSON lines, and those
    that are there are not done again; `folder` keeps the vectors too. Raises W2VError.
    """
    from w2v.training.evaluation import read_tests
    from w2v.training.sweep import combinations, varied_names
    from w2v.training.sweep import sweep as runs_of

    single = {name: value for name, value in settings.items() if name not in options_of(TrainConfig)}
    corpus_config = made("sweep", CorpusConfig, settings=single)[0]
    lists = {name: value for name, value in settings.items() if name in options_of(TrainConfig)}
    configs = combinations(lists)
    tests = read_tests([eval] if isinstance(eval, (str, os.PathLike)) else eval)

    def runs() -> Iterator[SweepRun]:
        encoded, _ = opened(corpus, corpus_config, settings, None, configs[0].threads)
        try:
            yield from runs_of(
                encoded, configs, tests, varied_names(lists), results=results, folder=folder, on_progress=on_progress
            )
        finally:
            if encoded is not corpus:
                encoded.close()

    return runs()


def starting(
    init: str | os.PathLike[str] | Vectors | None, continue_from: str | os.PathLike[str] | None, config: TrainConfig,
    settings: dict[str, Any],
) -> Start | None:
    """What the rows begin with; None for fresh ones."""
    from w2v.training.checkpoint import Checkpoint
    from w2v.training.start import Continuation, Initial

    if continue_from is not None:
        if init is not None:
            raise SettingsError("train: continue_from brings its rows; leave out init")
        return Continuation.of(Checkpoint(continue_from), settings)
    return None if init is None else Initial(init, config.dim)


def opened(
    corpus: Any, config: CorpusConfig, settings: dict[str, Any], begin: Start | None, threads: int | None
) -> tuple[EncodedCorpus, CorpusConfig]:
    """Whatever the corpus is given as, encoded, and the settings that it has; `settings` are those that were given."""
    from w2v.corpus.encoded import EncodedCorpus
    from w2v.training.corpora import SELECTING, encoded_path, open_encoded, read
    from w2v.training.start import Continuation

    stated = [name for name in settings if name in options_of(CorpusConfig)]
    encoded = corpus if isinstance(corpus, EncodedCorpus) else encoded_path(corpus)
    if not isinstance(begin, Continuation):
        if encoded is None:
            return read(corpus, config, threads=threads), config
        return open_encoded(encoded, config, stated, threads=threads)
    if encoded is None:
        found = read(corpus, begin.reading_config, threads=threads)
    else:
        found, _ = open_encoded(encoded, config, set(stated) - set(SELECTING), threads=threads)
    return begin.grown(found, threads=threads), config


def both(first: Callable[[Any], Any] | None, second: Callable[[Any], Any] | None) -> Callable[[Any], Any] | None:
    """One call-back for two."""
    if first is None or second is None:
        return first or second

    def call(told: Any) -> None:
        first(told)
        second(told)

    return call
