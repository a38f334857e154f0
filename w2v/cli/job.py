"""One training of the command line, from its files to its files."""

from __future__ import annotations

import dataclasses
import time
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from w2v.cli.keeping import Keeping
from w2v.cli.output import STDOUT, check_outputs
from w2v.cli.progress import Silence
from w2v.corpus.config import CorpusConfig
from w2v.errors import SettingsError, setting
from w2v.training.config import TrainConfig

if TYPE_CHECKING:
    from w2v.corpus.encoded import EncodedCorpus
    from w2v.output import AtomicOutput
    from w2v.training.evaluation import Evaluator
    from w2v.training.report import OutputFile, Recorder
    from w2v.training.start import Start
    from w2v.training.trainer import TrainResult
    from w2v.vectors.vectors import Vectors

__all__ = ["Job"]


@dataclass(frozen=True)
class Job:
    """The settings and files of one training."""

    corpus_config: CorpusConfig
    config: TrainConfig
    corpus: tuple[str, ...]
    output: str
    format: str | None
    save_context: str | None
    save_vocab: str | None
    report: str | None
    no_clobber: bool
    read_vocab: str | None
    tmp_dir: str | None
    checkpoint: str | None
    checkpoint_every: float
    resume: str | None
    keep_checkpoint: bool
    init: str | None
    continue_from: str | None
    combine: str
    unit: bool
    eval: tuple[str, ...]
    eval_every: str
    log: str | None
    quiet: bool
    stated: frozenset[str] = frozenset()  # fields of corpus_config that are not left to their defaults

    def check(self) -> None:
        """Raise for what would fail at the end, before anything is read or touched."""
        if self.save_context and self.config.loss == "hs":
            raise SettingsError("--save-context: --loss hs has no context vectors; use --loss ns")
        for path in (self.save_context, self.save_vocab, self.report, self.checkpoint, self.log):
            if path == STDOUT:
                raise SettingsError(
                    "--save-context, --save-vocab, --report, --checkpoint, --log: only OUT can be standard output (-)"
                )
        from w2v.vectors.combine import check_combination

        if self.continue_from and (self.init or self.read_vocab):
            raise SettingsError("--continue: brings rows and vocabulary; leave out --init and --read-vocab")
        self.config.resolved()
        check_combination(self.combine, self.config.loss)
        keeping = self.keeping()
        outputs = self.outputs()
        starts = (self.read_vocab, self.init, self.continue_from)
        inputs = [*self.corpus, *self.eval, *(path for path in starts if path)]
        check_outputs(outputs, inputs, self.no_clobber)
        check_outputs([*outputs, *(path for path in (keeping.path, self.log) if path)], inputs)
        if keeping.path:
            keeping.check()
        _ = self.evaluator  # reads the files of --eval

    def outputs(self) -> list[str]:
        """Every file that is written at the end."""
        vectors = [path for path in (self.output, self.save_context) if path]
        words = [place for path in vectors if (place := self.words_place(path))]
        return [path for path in (self.report, *vectors, *words, self.save_vocab) if path]

    def words_place(self, path: str) -> str | None:
        """Where the words of vectors at `path` go, if their format holds only the numbers."""
        from w2v.vectors.formats.words_file import companion
        from w2v.vectors.formats.write import TWO_FILES, format_of

        form = format_of(path, self.format)
        return companion(path, form) if form in TWO_FILES else None

    def keeping(self) -> Keeping:
        return Keeping(self.output, self.checkpoint, self.checkpoint_every, self.resume, self.keep_checkpoint)

    @cached_property
    def evaluator(self) -> Evaluator:
        from w2v.training.evaluation import Evaluator, read_tests

        if STDOUT in self.eval:
            raise SettingsError("--eval: give a file; standard input is read once, and may be the corpus")
        return Evaluator(read_tests(self.eval), self.eval_every, self.combine)

    def run(self, progress: Silence) -> list[str]:
        """Read, train, write; returns the summary."""
        from w2v.cli.summary import summary_lines
        from w2v.cli.watching import Watching
        from w2v.training.checkpoint import Checkpoint
        from w2v.training.start import Continuation
        from w2v.training.trainer import Trainer

        start = time.monotonic()
        with ExitStack() as last, self.keeping() as keeping, ExitStack() as files:
            places = self.open_outputs(files)
            recorder = self.recorder()
            encoded, corpus_config = self.open_encoded()
            before = keeping.open(Checkpoint, self.config, corpus_config)
            if before is not None:
                files.enter_context(before)
            begin = self.begin(before is not None)
            if begin is not None:
                files.callback(begin.close)
            corpus = encoded or self.read(progress, begin)
            if isinstance(begin, Continuation):
                corpus = begin.grown(corpus, threads=self.config.threads, tmp_dir=self.tmp_dir)
            last.callback(corpus.close)  # a checkpoint that is written last needs its digest
            read_s = time.monotonic() - start
            self.reserve(corpus, places)
            trainer = Trainer(corpus, self.config, before, begin)
            if begin is not None and begin.words:
                progress.note(found_line(begin))
            if recorder is not None:
                recorder.read_again()
            watching = files.enter_context(Watching(self.evaluator, self.log, progress))
            before_s = trainer.state.seconds
            watching.start(trainer.state)
            result = keeping.train(trainer, corpus_config, watching)
            watching.end(trainer.state, result)
            progress.finish()
            times = {"reading": read_s, "training": result.summary.seconds - before_s}
            trained = time.monotonic()
            result = self.finished(result)
            self.write(corpus, result, places)
            times |= {"writing": time.monotonic() - trained, "all": time.monotonic() - start}
            if recorder is not None:
                recorder.times = times
                recorder.outputs = self.written(places)
                recorder.report(trainer.state, result, corpus_config, before).write(places[self.report])
        return summary_lines(corpus, result, shown_name(self.output), {**times, "training": result.summary.seconds})

    def open_outputs(self, files: ExitStack) -> dict[str, AtomicOutput]:
        """The outputs, locked from now on: a second run that would write them is refused.

        They are moved into their places in the opposite order: the report is the last.
        """
        from w2v.output import AtomicOutput

        return {
            path: files.enter_context(
                AtomicOutput(path, no_clobber=self.no_clobber, digest=self.report not in (None, path))
            )
            for path in self.outputs()
        }

    def recorder(self) -> Recorder | None:
        """What keeps track of the run for --report."""
        if self.report is None:
            return None
        from w2v.cli.keeping import arguments
        from w2v.training.report import Recorder

        return Recorder(self.corpus, read_vocab=self.read_vocab, command=["w2v", *arguments()])

    def open_encoded(self) -> tuple[EncodedCorpus | None, CorpusConfig]:
        """The corpus if it is encoded already, and the settings that it has."""
        from w2v.training.corpora import SELECTING, encoded_path, open_encoded

        path = encoded_path(self.corpus)
        if path is None:
            return None, self.corpus_config
        if self.read_vocab:
            raise SettingsError(f"{path}: it has its vocabulary; {setting('read_vocab')} needs the text")
        options = {"threads": self.config.threads, "tmp_dir": self.tmp_dir}
        stated = self.stated - set(SELECTING) if self.continue_from else self.stated  # `grown` selects
        return open_encoded(path, self.corpus_config, stated, **options)

    def read(self, progress: Silence, begin: Start | None = None) -> EncodedCorpus:
        """The corpus from its text."""
        from w2v.corpus.vocab import Vocab
        from w2v.training.corpora import read
        from w2v.training.memory import check_memory
        from w2v.training.start import Continuation

        config = begin.reading_config if isinstance(begin, Continuation) else self.corpus_config
        vocab = Vocab.load(self.read_vocab) if self.read_vocab else None
        if vocab is not None:
            check_memory(self.config, len(vocab.pruned(1, self.corpus_config.max_vocab)))
        corpus = read(
            list(self.corpus), config, threads=self.config.threads, vocab=vocab, tmp_dir=self.tmp_dir,
            on_progress=progress.reading,
        )
        progress.finish()
        return corpus

    def begin(self, resumed: bool) -> Start | None:
        """What --init or --continue begins with, looked at before the corpus is read.

        A run that is resumed has its rows; of --continue it still needs the words.
        """
        from w2v.training.checkpoint import Checkpoint
        from w2v.training.start import Continuation, Initial

        if self.continue_from:
            return Continuation(Checkpoint(self.continue_from), self.corpus_config, self.config)
        return Initial(self.init, self.config.dim) if self.init and not resumed else None


    def reserve(self, corpus: EncodedCorpus, places: dict[str, AtomicOutput]) -> None:
        """Memory and disk space, as far as they are known: raise before the training, not after it."""
        from w2v.training.memory import check_memory
        from w2v.vectors.formats.word2vec_binary import binary_size
        from w2v.vectors.formats.write import format_of

        words, word_bytes = len(corpus.vocab), sum(map(len, corpus.vocab.words))
        check_memory(self.config, words, word_bytes, self.extra_memory(words))
        for path in (self.output, self.save_context):
            if path and format_of(path, self.format) == "bin" and not path.lower().endswith(".gz"):
                twice = path == self.output and self.combine == "concat"
                places[path].reserve(binary_size(words, word_bytes, self.config.dim * (1 + twice)))

    def extra_memory(self, words: int) -> dict[str, int]:
        """Bytes by purpose of the copies that the output takes."""
        row = 4 * self.config.dim * words
        copies = {"input": 0, "add": 1, "concat": 2}[self.combine]
        of_unit = (2 if self.combine == "concat" else 1) * row if self.unit else 0
        return {"--combine": copies * row, "--unit": of_unit}

    def finished(self, result: TrainResult) -> TrainResult:
        """The result with the vectors as they are to be written."""
        from w2v.vectors.combine import combine
        from w2v.vectors.derive import unit

        vectors = combine(result.vectors, result.context, self.combine)
        return dataclasses.replace(result, vectors=unit(vectors) if self.unit else vectors)

    def write(self, corpus: EncodedCorpus, result: TrainResult, places: dict[str, AtomicOutput]) -> None:
        """Everything into files that are moved into place when all of them are whole."""
        if self.save_vocab:
            corpus.vocab.write(places[self.save_vocab])
        if self.save_context and result.context is not None:
            self.write_vectors(result.context, self.save_context, places)
        self.write_vectors(result.vectors, self.output, places)
        for path, place in places.items():
            if path != self.report:
                place.settle()

    def write_vectors(self, vectors: Vectors, path: str, places: dict[str, AtomicOutput]) -> None:
        words = self.words_place(path)
        vectors.save(places[path], self.format, words=places[words] if words else None)

    def written(self, places: dict[str, AtomicOutput]) -> list[OutputFile]:
        """What --report says of the files that are settled."""
        from w2v.training.report import OutputFile

        kinds = {self.output: "vectors", self.save_context: "context vectors", self.save_vocab: "vocabulary"}
        return [
            OutputFile(path, kinds.get(path, "words"), place.file_size, place.sha256)
            for path, place in places.items() if path != self.report
        ]


def found_line(start: Start) -> str:
    """vectors.bin: 4,882 of 5,000 words begin with its rows, 118 are fresh"""
    fresh = start.words - start.found
    return f"{start.name}: {start.found:,} of {start.words:,} words begin with its rows, {fresh:,} are fresh"


def shown_name(path: str) -> str:
    return "standard output" if path == STDOUT else path
