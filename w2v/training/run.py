"""One training, from its corpus to its files: what the commands, the library, a sweep and a cluster all run."""

from __future__ import annotations

import dataclasses
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from types import FrameType
from typing import Any, TypeVar

from w2v.corpus.config import CorpusConfig
from w2v.corpus.encoded import CorpusInfo, EncodedCorpus
from w2v.corpus.open import SELECTING, encoded_path, files_of, open_encoded, read
from w2v.corpus.vocab import Vocab
from w2v.errors import Message, SettingsError, TrainingError, os_error_text, setting
from w2v.machine import reserve, room
from w2v.numbers import count, duration, plural
from w2v.output import AtomicOutput, OutputSet
from w2v.places import check_outputs
from w2v.settings import options_of
from w2v.training.checkpoint import Checkpoint, CheckpointFile
from w2v.training.checkpointing import Checkpointer, CheckpointSession, CheckpointSettings
from w2v.training.config import TrainConfig, without_effect
from w2v.training.evaluation import Evaluator, file_of, read_tests
from w2v.training.log import TrainingLog
from w2v.training.memory import check_memory
from w2v.training.plan import calibrate
from w2v.training.progress import Reporter, Reporters, TrainingStopped, TrainResult
from w2v.training.report import OutputFile, Recorder
from w2v.training.start import Continuation, Initial, Start
from w2v.training.trainer import Trainer
from w2v.vectors.derive import check_combination, combine, unit
from w2v.vectors.formats import Contents
from w2v.vectors.formats.source import MAX_DIM
from w2v.vectors.formats.write import check_whole_model, format_of, outputs_of
from w2v.vectors.vectors import Vectors

__all__ = ["Outputs", "Run", "RunResult", "StopRequest", "graceful_stop"]

STDOUT = "-"
SOFTMAX_WORDS = 20_000  # beyond which full softmax takes so long that it is said first
SOFTMAX_TRIAL_S = 1.0
Kind = TypeVar("Kind", bound=CheckpointFile)
Handler = Callable[[int, FrameType | None], Any]


@dataclass(frozen=True)
class Outputs:
    """The files that a run writes; None for what is not wanted.

    `format` is that of the vectors where their names do not tell it. `combination` says what becomes of a word's two
    vectors (see w2v.vectors.derive), `unit` makes what is written of length 1, `with_context` puts the context matrix
    and the counts into the file of vectors.
    """

    vectors: str | None = None
    context: str | None = None
    vocab: str | None = None
    report: str | None = None
    log: str | None = None
    format: str | None = None
    combination: str = "input"
    unit: bool = False
    with_context: bool = False
    no_clobber: bool = False

    def words_file(self, path: str) -> str | None:
        """Where the words of vectors at `path` go, if their format holds only the numbers."""
        _, *words = outputs_of(path, self.format)
        return words[0] if words else None

    def at_the_end(self) -> list[str]:
        """Every file that is written at the end, in the order in which they are opened."""
        vectors = [path for path in (self.vectors, self.context) if path]
        words = [place for path in vectors if (place := self.words_file(path))]
        return [path for path in (*vectors, *words, self.vocab, self.report) if path]


@dataclass
class RunResult:
    """What a run came to. `times` are seconds by what they were spent on."""

    corpus: CorpusInfo
    result: TrainResult
    times: dict[str, float]
    content: str  # of the file of vectors, in words
    not_kept: str  # why the checkpoint is not there that was to be kept; empty where all is well


class StopRequest:
    """Whether somebody asked the training to stop, and by which signal."""

    signal = 0

    def __call__(self) -> bool:
        return self.signal != 0


@contextmanager
def graceful_stop(signals: Sequence[int] | None = None, again: Handler | None = None) -> Iterator[StopRequest]:
    """Within, the first of the signals only asks the training to stop; a second one calls `again`, or does what it did.

    Without `signals` it is Ctrl-C, if it raises KeyboardInterrupt as usual. A signal that is ignored, or that ends the
    process, is left alone, and so are all outside the main thread.
    """
    request = StopRequest()
    before: dict[int, Any] = {}

    def ask(number: int, _frame: FrameType | None) -> None:
        request.signal = number
        for other, handler in before.items():
            signal.signal(other, again or handler)

    if signals is None:
        signals = [signal.SIGINT] if signal.getsignal(signal.SIGINT) is signal.default_int_handler else []
    for number in signals:
        if callable(signal.getsignal(number)):
            with suppress(ValueError):  # not in the main thread
                before[number] = signal.signal(number, ask)
    try:
        yield request
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is ask:
                signal.signal(number, handler)


@dataclass
class Run:
    """The settings and files of one training; `run` does it.

    `corpus` is a path, a list of paths, token sequences or an encoded corpus; `stated` are the names of the
    settings that are not left to their defaults. `init` are vectors, or the file of some, whose rows the words begin
    with; `continue_from` the checkpoint of a run that has ended, which brings rows and vocabulary. `command` is the
    command line, for the report; `resume_hint` says how to go on from the checkpoint of this run.
    """

    corpus: Any
    corpus_config: CorpusConfig
    config: TrainConfig
    outputs: Outputs = field(default_factory=Outputs)
    checkpoint: CheckpointSettings = field(default_factory=CheckpointSettings)
    eval: Sequence[str | os.PathLike[str]] = ()
    eval_every: str | int = 1
    init: str | os.PathLike[str] | Vectors | None = None
    continue_from: str | os.PathLike[str] | None = None
    read_vocab: str | os.PathLike[str] | Vocab | None = None
    tmp_dir: str | os.PathLike[str] | None = None
    stated: frozenset[str] = frozenset()
    reporters: Sequence[Reporter] = ()
    command: list[str] | None = None
    resume_hint: str = "train again with resume=True"
    stopping: Callable[[], AbstractContextManager[StopRequest]] = graceful_stop
    reporter: Reporters = field(init=False)
    before: CheckpointFile | None = field(init=False, default=None)  # that the run goes on from
    begin: Start | None = field(init=False, default=None)
    encoded: EncodedCorpus = field(init=False, repr=False)
    low_memory: int = field(init=False, default=0)  # bytes: with fewer free ones the run is saved at once

    def __post_init__(self) -> None:
        self.reporter = Reporters(self.reporters)

    # Before anything is read or touched

    def check(self) -> None:
        """Raise for what would fail at the end."""
        outputs, config = self.outputs, self.config
        if outputs.context and config.loss == "hs":
            raise SettingsError(
                f"{setting('save_context')}: {setting('loss', 'hs')} has no context vectors; use"
                f" {setting('loss', 'ns')}"
            )
        if outputs.with_context:
            if outputs.unit or outputs.combination != "input":
                raise SettingsError(
                    f"{setting('with_context')}: is for the vectors as they were trained; leave out"
                    f" {setting('unit')} and {setting('combine')}"
                )
            if outputs.vectors:
                check_whole_model(outputs.vectors, format_of(outputs.vectors, outputs.format))
        self.check_names()
        if self.continue_from and (self.init or self.read_vocab):
            raise SettingsError(
                f"{setting('continue_from')}: brings rows and vocabulary; leave out {setting('init')} and"
                f" {setting('read_vocab')}"
            )
        given = {"context": self.continue_from, "vectors": self.continue_from or self.init}
        if not given.get(config.freeze, True):
            ways = setting("continue_from") + (f" or {setting('init')}" if config.freeze == "vectors" else "")
            raise SettingsError(f"{setting('freeze', config.freeze)}: keeps rows that exist; give {ways}")
        config.resolved()
        check_combination(outputs.combination, config.loss)
        if outputs.combination == "concat" and 2 * config.dim > MAX_DIM:
            raise SettingsError(
                f"{setting('combine', 'concat')}: rows of {2 * config.dim:,} numbers, and files hold {MAX_DIM:,};"
                f" take a smaller {setting('dim')}"
            )
        self.check_subwords()
        written, inputs = outputs.at_the_end(), self.inputs()
        check_outputs(written, inputs, outputs.no_clobber)
        check_outputs([*written, *(path for path in (self.checkpoint.path, outputs.log) if path)], inputs)
        self.session.check()
        _ = self.evaluator  # reads the files of questions

    def check_names(self) -> None:
        """Raise for what is no file, and for a name that no file can have."""
        outputs = self.outputs
        for name, start, kind in (("init", self.init, Vectors), ("read_vocab", self.read_vocab, Vocab)):
            if start is not None and not isinstance(start, (str, os.PathLike, kind)):
                raise SettingsError(
                    f"{setting(name)}: is of type {type(start).__name__}; give a file or {kind.__name__}"
                )
        files = {
            "output": outputs.vectors,
            "save_context": outputs.context,
            "save_vocab": outputs.vocab,
            "report": outputs.report,
            "checkpoint": self.checkpoint.path,
            "log": outputs.log,
            "read_vocab": self.read_vocab,
            "init": self.init,
            "resume": self.checkpoint.resume,
        }
        for name, path in files.items():
            if isinstance(path, str) and not path:
                raise SettingsError(f"{setting(name)}: the name is empty; give a file")
            if path == STDOUT and name in ("save_context", "save_vocab", "report", "checkpoint", "log"):
                raise SettingsError(f"{setting(name)}: - is no file; only OUT can be standard output (-)")

    def check_subwords(self) -> None:
        """Raise for vectors of words never seen that would not be like those of others."""
        outputs = self.outputs
        if self.config.ngram_range is None:
            return
        if outputs.combination != "input":
            raise SettingsError(
                f"{setting('combine')}: words that were never seen have no context vectors; leave it out with "
                f"{setting('subwords')}"
            )
        if outputs.unit and outputs.vectors and format_of(outputs.vectors, outputs.format).subwords:
            raise SettingsError(
                f"{setting('unit')}: rows of length 1 are no means of n-grams, which {outputs.vectors} would hold too; "
                "leave it out, or write .bin"
            )

    def inputs(self) -> list[str]:
        """Every file and folder that is read."""
        given = [*files_of(self.corpus), *map(file_of, self.eval), self.read_vocab, self.init, self.continue_from]
        return [os.fspath(path) for path in given if isinstance(path, (str, os.PathLike))]

    @cached_property
    def session(self) -> CheckpointSession:
        return CheckpointSession(self.checkpoint, self.reporter, self.resume_hint)

    @cached_property
    def evaluator(self) -> Evaluator:
        if STDOUT in map(file_of, self.eval):
            raise SettingsError(f"{setting('eval')}: give a file; standard input is read once, and may be the corpus")
        return Evaluator(
            read_tests(self.eval), self.eval_every, self.outputs.combination, self.reporter.epoch, self.reporter.phase
        )

    # The run, step by step

    def run(self) -> RunResult:
        """Read, train, write. TrainingStopped when the training was asked to stop, and its checkpoint is written."""
        self.check()
        with ExitStack() as last, self.session, ExitStack() as files:
            self.connect(files)
            start = time.monotonic()
            places = self.open_outputs(files)
            if self.outputs.log:
                self.reporter.all.append(files.enter_context(TrainingLog(self.outputs.log, self.log_failed)))
            recorder = self.recorder()
            corpus = self.read(files, last)
            read_s = time.monotonic() - start
            for line in without_effect(self.stated, self.corpus_config, self.config):
                self.reporter.warn(line)
            self.reserve(corpus, places)
            if recorder is not None:
                recorder.read_again()
            result = self.train()
            self.reporter.finish()
            before_s = self.before.seconds if self.before is not None else 0.0
            times = {"reading": read_s, "training": result.summary.seconds - before_s}
            if self.eval or self.config.held_out:
                times["evaluating"] = result.summary.evaluating_s
            trained = time.monotonic()
            self.reporter.phase("writing")
            result = self.finished(result)
            self.write(corpus, result, places)
            times |= {"writing": time.monotonic() - trained, "all": time.monotonic() - start}
            if recorder is not None and self.outputs.report:
                recorder.times, recorder.outputs = times, self.written(places)
                report = recorder.report(corpus, result, self.corpus_config, self.config.resolved(), self.before)
                report.write(places[self.outputs.report])
            self.session.keep_first()
        return RunResult(corpus, result, times, self.content(result.vectors), self.session.not_kept)

    def connect(self, files: ExitStack) -> None:
        """Reach what the run needs besides this machine."""

    def open_outputs(self, files: ExitStack) -> dict[str, AtomicOutput]:
        """The outputs, locked from now on: a second run that would write them is refused.

        All are moved into their places when the last of them, the report, is on the disk.
        """
        outputs, report = self.outputs, self.outputs.report
        together = files.enter_context(OutputSet(outputs.no_clobber))
        return {path: together.open(path, digest=report not in (None, path)) for path in outputs.at_the_end()}

    def recorder(self) -> Recorder | None:
        """What keeps track of the run for its report."""
        if self.outputs.report is None:
            return None
        vocab = os.fspath(self.read_vocab) if isinstance(self.read_vocab, (str, os.PathLike)) else None
        return Recorder(files_of(self.corpus), read_vocab=vocab, command=self.command)

    def read(self, files: ExitStack, last: ExitStack) -> CorpusInfo:
        """The corpus, from its text or as it was encoded, with the words of the run that is continued.

        `files` are closed when all is written or has failed, `last` when the checkpoint is written too.
        """
        encoded = self.open_encoded()
        self.before = self.open_checkpoint(Checkpoint, files)
        self.begin = self.beginning()
        if self.begin is not None:
            files.callback(self.begin.close)
        corpus = encoded or self.read_text()
        if isinstance(self.begin, Continuation):
            corpus = self.begin.extend_vocab(corpus, threads=self.config.threads, tmp_dir=self.tmp_dir)
        if corpus is not self.corpus:
            last.callback(corpus.close)
        self.encoded = corpus
        return corpus

    def open_encoded(self) -> EncodedCorpus | None:
        """The corpus if it is encoded already; `corpus_config` becomes what it was encoded with."""
        corpus = self.corpus if isinstance(self.corpus, EncodedCorpus) else encoded_path(self.corpus)
        if corpus is None:
            return None
        if self.read_vocab:
            name = corpus.name if isinstance(corpus, EncodedCorpus) else corpus
            raise SettingsError(f"{name}: it has its vocabulary; {setting('read_vocab')} needs the text")
        stated = self.stated & options_of(CorpusConfig).keys()
        stated -= set(SELECTING) if self.continue_from else set()  # `extend_vocab` selects
        encoded, self.corpus_config = open_encoded(
            corpus, self.corpus_config, stated, threads=self.config.threads, tmp_dir=self.tmp_dir
        )
        return encoded

    def read_text(self) -> EncodedCorpus:
        begin = self.begin
        corpus = read(
            self.corpus,
            begin.reading_config if isinstance(begin, Continuation) else self.corpus_config,
            threads=self.config.threads,
            vocab=self.given_vocab(),
            tmp_dir=self.tmp_dir,
            on_progress=self.reporter.reading,
            on_warning=self.reporter.warn,
        )
        self.reporter.finish()
        return corpus

    def given_vocab(self) -> Vocab | None:
        """The vocabulary that is used instead of the corpus's own, if it fits into memory."""
        if self.read_vocab is None:
            return None
        vocab = self.read_vocab if isinstance(self.read_vocab, Vocab) else Vocab.load(self.read_vocab)
        check_memory(self.config, len(vocab.pruned(1, self.corpus_config.max_vocab)))
        return vocab

    def open_checkpoint(self, kind: type[Kind], files: ExitStack) -> Kind | None:
        """The checkpoint that the run goes on from, if there is one."""
        before = self.session.open(kind, self.config, self.corpus_config)
        if before is not None:
            files.enter_context(before)
        return before

    def beginning(self) -> Start | None:
        """What the rows begin with, looked at before the corpus is read; None for fresh ones.

        A run that is resumed has its rows; one that is continued still needs the words.
        """
        if self.continue_from:
            return Continuation(Checkpoint(self.continue_from), self.corpus_config, self.config)
        return Initial(self.init, self.config.dim) if self.init and self.before is None else None

    def reserve(self, corpus: CorpusInfo, places: dict[str, AtomicOutput]) -> None:
        """Memory and disk space, as far as they are known: raise before the training, not after it."""
        outputs = self.outputs
        self.low_memory = reserve(room().size) // 2
        words, word_bytes = len(corpus.vocab), corpus.vocab.words.byte_count
        check_memory(self.config, words, word_bytes, self.extra_memory(words))
        for path in (outputs.vectors, outputs.context):
            size = format_of(path, outputs.format).size if path else None
            if path and size is not None and not path.lower().endswith(".gz"):
                twice = path == outputs.vectors and outputs.combination == "concat"
                contents = Contents(words, self.config.dim * (1 + twice), word_bytes)
                if outputs.with_context and path == outputs.vectors:
                    contents = dataclasses.replace(contents, outputs=words - (self.config.loss == "hs"))
                if self.config.ngram_range and path == outputs.vectors:
                    contents = dataclasses.replace(contents, ngrams=self.config.subwords, buckets=self.config.buckets)
                places[path].reserve(size(contents))

    def extra_memory(self, words: int) -> dict[str, int]:
        """Bytes by purpose of the copies that the output takes."""
        row = 4 * self.config.dim * words
        combination = self.outputs.combination
        copies = {"input": 0, "add": 1, "concat": 2}[combination]
        of_unit = (2 if combination == "concat" else 1) * row if self.outputs.unit else 0
        return {setting("combine"): copies * row, setting("unit"): of_unit}

    def train(self) -> TrainResult:
        """Train to the end; TrainingStopped when that was asked for and the checkpoint is written."""
        before = self.before if isinstance(self.before, Checkpoint) else None
        if self.config.loss == "softmax" and len(self.encoded.vocab) > SOFTMAX_WORDS:
            self.reporter.note(self.softmax_time(), important=True)
        trainer = Trainer(self.encoded, self.config, before, self.begin)
        state = trainer.state
        if self.begin is not None and self.begin.words:
            self.reporter.note(found_line(self.begin))
        self.evaluator.check(self.encoded.vocab.words)
        self.reporter.starting(state)
        checkpointer = None
        if self.session.place is not None:
            checkpointer = Checkpointer(
                self.session.place,
                self.checkpoint.every_s,
                self.corpus_config,
                self.session.tell_failure,
                self.session.tell_low_memory,
                self.low_memory,
            )
            checkpointer.prepare(self.encoded)
            self.session.begin(checkpointer)
        with self.stopping() as request:
            try:
                result = trainer.run(self.reporter.training, request, checkpointer, self.evaluator)
            except TrainingStopped:
                share = state.totals().tokens / max(1, state.tokens_total)
                raise self.session.stopped(share, request.signal) from None
            except TrainingError as error:
                raise self.session.failed(error) from error
        if checkpointer is not None:
            self.session.trained(partial(checkpointer.write, state, True))
        self.reporter.ended(state, result.summary)
        self.warn_of_empty_epochs(result)
        return result

    def warn_of_empty_epochs(self, result: TrainResult) -> None:
        losses = result.summary.epoch_losses
        empty = losses.count(None)
        if empty:
            self.reporter.warn(
                f"nothing was trained in {plural(empty, 'epoch')} of {len(losses)}: no word that"
                f" {setting('sample')} left had another one in its line; try {setting('sample', 0)} or a smaller"
                f" {setting('min_count')}"
            )

    def softmax_time(self) -> Message:
        """How long full softmax will take here, and negative sampling, by a short training with each."""
        tokens = self.encoded.token_counts.kept * self.config.epochs
        times = []
        for loss in ("softmax", "ns"):
            speed = calibrate(self.encoded, dataclasses.replace(self.config, loss=loss), SOFTMAX_TRIAL_S)
            times.append(duration(tokens / speed.words_per_s) if speed is not None else "a moment")
        return Message(
            f"{setting('loss', 'softmax')} weighs {count(len(self.encoded.vocab))} words at each step: about {times[0]}"
            f" in all; {setting('loss', 'ns')} would take about {times[1]}"
        )

    def log_failed(self, error: OSError) -> None:
        text = "the log could not be written and ends here; the training continues"
        self.reporter.warn(f"{text}: {os_error_text(error)}")

    def finished(self, result: TrainResult) -> TrainResult:
        """The result with the vectors as they are to be written."""
        vectors = combine(result.vectors, result.context, self.outputs.combination)
        if self.outputs.unit:
            vectors = unit(vectors)
        vectors.context = result.context
        return dataclasses.replace(result, vectors=vectors)

    def content(self, vectors: Vectors) -> str:
        """What the file of vectors holds: 4,882 words x 100."""
        words, dim = vectors.matrix.shape
        return f"{plural(words, 'word')} x {dim}"

    def write(self, corpus: CorpusInfo, result: TrainResult, places: dict[str, AtomicOutput]) -> None:
        """Everything into files that are moved into place when all of them are complete."""
        outputs = self.outputs
        if outputs.vocab:
            self.write_vocab(corpus, places[outputs.vocab])
        if outputs.context and result.context is not None:
            self.write_vectors(result.context, outputs.context, places)
        if outputs.vectors:
            self.write_vectors(result.vectors, outputs.vectors, places)
            if self.config.ngram_range and not format_of(outputs.vectors, outputs.format).subwords:
                self.reporter.note(
                    f"{outputs.vectors}: holds the words' vectors without their n-grams; for words never seen write "
                    ".ftbin or .safetensors",
                    important=True,
                )
        for path, place in places.items():
            if path != outputs.report:
                place.settle()

    def write_vocab(self, corpus: CorpusInfo, place: AtomicOutput) -> None:
        corpus.vocab.write(place)

    def write_vectors(self, vectors: Vectors, path: str, places: dict[str, AtomicOutput]) -> None:
        words = self.outputs.words_file(path)
        vectors.save(
            places[path],
            self.outputs.format,
            words=places[words] if words else None,
            with_context=self.outputs.with_context and path == self.outputs.vectors,
        )

    def written(self, places: dict[str, AtomicOutput]) -> list[OutputFile]:
        """What the report says of the files that are settled."""
        outputs = self.outputs
        kinds = {outputs.vectors: "vectors", outputs.context: "context vectors", outputs.vocab: "vocabulary"}
        return [
            OutputFile(path, kinds.get(path, "words"), place.file_size, place.sha256)
            for path, place in places.items()
            if path != outputs.report
        ]


def found_line(start: Start) -> str:
    """vectors.bin: 4,882 of 5,000 words begin with its rows, 118 are fresh"""
    fresh = start.words - start.found
    return f"{start.name}: {start.found:,} of {start.words:,} words begin with its rows, {fresh:,} are fresh"
