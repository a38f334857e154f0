"""`w2v.train`, `w2v.encode` and `w2v.sweep`: the library's calls, and settings from their keyword arguments."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from w2v.corpus.config import CorpusConfig
from w2v.corpus.open import open_corpus, refuse_sentences
from w2v.errors import SettingsError, setting, warn
from w2v.numbers import seconds_of
from w2v.settings import check_names, options_of
from w2v.training.checkpoint import Checkpoint
from w2v.training.checkpointing import CheckpointSettings, take_up
from w2v.training.config import TrainConfig, preset_settings
from w2v.training.evaluation import read_tests
from w2v.training.progress import Reporter
from w2v.training.run import Outputs, Run
from w2v.training.start import continued_settings
from w2v.training.sweep import combinations, varied_names
from w2v.training.sweep import sweep as runs_of

if TYPE_CHECKING:
    from w2v.corpus.vocab import Vocab
    from w2v.training.progress import EpochReport, Progress
    from w2v.training.sweep import SweepRun
    from w2v.vectors.vectors import Vectors

__all__ = ["build_configs", "sweep", "train"]

Path = str | os.PathLike[str]


def build_configs(
    function: str, settings: Mapping[str, Any], continue_from: Path | None = None, preset: str | None = None
) -> tuple[CorpusConfig, TrainConfig]:
    """Both configs from the settings that are given; what is not is as in the `preset`, in the run that is continued,
    or has its default.

    SettingsError names a setting that is of neither, OSError or CheckpointError what is wrong with the run's file.
    """
    check_names(function, settings, CorpusConfig, TrainConfig)
    settings = {**preset_settings(preset), **settings}
    if continue_from is not None:
        if not os.fspath(continue_from):
            raise SettingsError(f"{setting('continue_from')}: the name is empty; give a file")
        with Checkpoint(continue_from) as checkpoint:
            return continued_settings(checkpoint, settings)
    return (
        CorpusConfig(**{name: value for name, value in settings.items() if name in options_of(CorpusConfig)}),
        TrainConfig(**{name: value for name, value in settings.items() if name in options_of(TrainConfig)}),
    )


class CallBacks(Reporter):
    """The functions that a Python program gives; what it has to know beside them is a warning."""

    def __init__(
        self, on_progress: Callable[[Progress], Any] | None, on_epoch: Callable[[EpochReport], Any] | None = None
    ):
        self.on_progress, self.on_epoch = on_progress, on_epoch

    def training(self, progress: Progress) -> None:
        if self.on_progress is not None:
            self.on_progress(progress)

    def epoch(self, report: EpochReport) -> None:
        if self.on_epoch is not None:
            self.on_epoch(report)

    def warn(self, text: str) -> None:
        warn(text)


def train(
    corpus: Any,
    *,
    on_progress: Callable[[Progress], Any] | None = None,
    on_epoch: Callable[[EpochReport], Any] | None = None,
    eval: Path | Sequence[Path] = (),
    eval_every: str | int = 1,
    output: Path | None = None,
    save_vocab: Path | None = None,
    log: Path | None = None,
    report: Path | None = None,
    combine: str = "input",
    unit: bool = False,
    init: Path | Vectors | None = None,
    continue_from: Path | bool | None = None,
    preset: str | None = None,
    checkpoint: Path | None = None,
    checkpoint_every: str | float = "10m",
    resume: bool | Path = False,
    read_vocab: Path | Vocab | None = None,
    tmp_dir: Path | None = None,
    **settings: Any,
) -> Vectors:
    """Train word vectors on `corpus`: a path, a list of paths, an iterable of token sequences, or an encoded corpus.

    Settings are the fields of `CorpusConfig` and `TrainConfig`, with the command line's names and defaults: ``dim=100,
    window=5, model="skipgram", min_count=5, held_out=0.01, ...``. `on_progress` gets a `w2v.training.progress.Progress`
    about ten times a second, `on_epoch` an `EpochReport` after each epoch: its loss, the loss on the text that
    `held_out` sets aside, and the scores on the files of questions or word pairs in `eval` ("sessions:FILE": of
    sessions, HR@10), taken every `eval_every` (2: epochs, "10%" of the run, "50M" tokens). `log` names a file for all
    that (docs/log.md), `report` one for the report of the run (docs/report.md), `output` one for the vectors,
    `save_vocab` one for the vocabulary; `read_vocab` is a vocabulary, or the file of one, to be used instead of
    counting.

    `checkpoint` names a file for the whole state of the run: it is written every `checkpoint_every` ("30s", "10m",
    "2h", or seconds; 0: only when the run is stopped) and kept when the run has ended. Ctrl-C stops a training between
    two spans, writes it, and raises `TrainingStopped`, a KeyboardInterrupt that says so. `resume=True` continues from
    that file, if it exists, with the same settings and corpus; with one thread, to the same bytes as an uninterrupted
    run. `resume` may also be another file.

    `init` are vectors whose rows the words start from. `continue_from` continues the checkpoint of a run that has
    ended, on another corpus: its words stay, new ones join, its settings hold unless others are given, and the learning
    rate starts again. ``continue_from=True`` goes on from the checkpoint beside `output`, which this run's replaces
    together with the vectors; the first run begins from the start. `preset` "sessions" has the settings for sessions
    that docs/sessions.md measured, where none are given. `combine` "add" or "concat" joins each word's input and
    context vector, `unit` gives rows of length 1. Returns `Vectors`, float32 [V, dim] in falling order of word count,
    whose `context` are the context vectors, None for hierarchical softmax. Raises W2VError.
    """
    refuse_sentences(corpus)
    replaces = None
    if continue_from is True:
        continue_from, checkpoint, replaces = take_up(name_of(output), name_of(checkpoint))
    elif continue_from is False:
        continue_from = None
    corpus_config, config = build_configs("train", settings, continue_from, preset)
    run = Run(
        corpus,
        corpus_config,
        config,
        Outputs(name_of(output), None, name_of(save_vocab), name_of(report), name_of(log), None, combine, unit),
        checkpoint_settings(checkpoint, checkpoint_every, resume, replaces),
        eval=[eval] if isinstance(eval, (str, os.PathLike)) else eval,
        eval_every=eval_every,
        init=init,
        continue_from=continue_from,
        read_vocab=read_vocab,
        tmp_dir=tmp_dir,
        stated=frozenset(settings),
        reporters=[CallBacks(on_progress, on_epoch)],
    )
    done = run.run()
    if done.not_kept:
        run.reporter.warn(done.not_kept)
    return done.result.vectors


def checkpoint_settings(
    checkpoint: Path | None, every: str | float, resume: bool | Path, replaces: str | None
) -> CheckpointSettings:
    """A checkpoint that is named is kept when the run has ended, and replaces that of an ended run."""
    return CheckpointSettings(
        name_of(checkpoint),
        seconds(every),
        resume if isinstance(resume, bool) else os.fspath(resume),
        keep=checkpoint is not None,
        replace_ended=True,
        replaces=replaces,
    )


def name_of(path: Path | None) -> str | None:
    return None if path is None else os.fspath(path)


def seconds(value: str | float) -> float:
    """A length of time in seconds, also written 30s, 10m, 2h."""
    try:
        found = seconds_of(value) if isinstance(value, str) else float(value)
    except ValueError:
        found = -1.0
    if not 0 <= found < float("inf"):
        raise SettingsError(
            f"{setting('checkpoint_every')}: {value!r} is not a length of time; write 30s, 10m, 2h, seconds or 0"
        )
    return found


def sweep(
    corpus: Any,
    *,
    eval: Path | Sequence[Path] = (),
    results: Path | None = None,
    folder: Path | None = None,
    on_progress: Callable[[Progress], Any] | None = None,
    **settings: Any,
) -> Iterator[SweepRun]:
    """Train with every combination of the settings that are lists, and yield each run with its scores as it ends.

    `corpus` and the settings are as of `w2v.train`; a field of `TrainConfig` may be a list: ``window=[2, 5, 10],
    seed=[1, 2, 3]``. `eval` are files of questions or word pairs. `results` keeps the runs as JSON lines, and those
    already in it are not repeated; `folder` keeps the vectors too. Raises W2VError.
    """
    refuse_sentences(corpus)
    lists = {name: value for name, value in settings.items() if name in options_of(TrainConfig)}
    single = {name: value for name, value in settings.items() if name not in lists}
    check_names("sweep", single, CorpusConfig)
    corpus_config = CorpusConfig(**single)
    configs = combinations(lists)
    tests = read_tests([eval] if isinstance(eval, (str, os.PathLike)) else eval)

    def runs() -> Iterator[SweepRun]:
        encoded, _ = open_corpus(corpus, corpus_config, single, threads=configs[0].threads, on_warning=warn)
        try:
            yield from runs_of(
                encoded,
                configs,
                tests,
                varied_names(lists),
                results=results,
                folder=folder,
                reporters=[CallBacks(on_progress)],
            )
        finally:
            if encoded is not corpus:
                encoded.close()

    return runs()
