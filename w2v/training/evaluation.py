"""Evaluation while a training runs: scores on questions and word pairs, and the loss on held-out text."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from w2v.errors import CorpusError, SettingsError, setting
from w2v.kernel._state import Model, Worker
from w2v.kernel._tables import count_trained, held_out_ids, span_end
from w2v.kernel.tables import held_out_share
from w2v.threads import for_each
from w2v.training.progress import EpochReport
from w2v.training.subwords import word_vectors
from w2v.vectors.derive import combine
from w2v.vectors.evaluate import NextItems, check_askable, evaluate, read_sessions, score_sessions
from w2v.vectors.questions import Pairs, Questions, read_questions
from w2v.vectors.scores import PairScores
from w2v.vectors.vectors import Vectors
from w2v.vectors.words import Words

if TYPE_CHECKING:
    from w2v.kernel._state import Model
    from w2v.kernel.kernels import Kernel
    from w2v.training.config import ResolvedConfig
    from w2v.training.progress import RunMonitor
    from w2v.training.state import Best, TrainState

__all__ = ["EvalSchedule", "Evaluator", "HeldOut", "Test", "file_of", "read_tests", "score", "trained_tokens"]

Test = Questions | Pairs | NextItems

SESSIONS = "sessions:"  # before the name of a file that holds sessions: by its content it may be word pairs
NEVER = 1 << 62
UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}
PART_IDS = 100_000  # each part has its own random numbers: the loss does not depend on the number of threads
FIRST_NUMBER = 1 << 20  # of the workers that evaluate: no worker that trains has their random numbers


@dataclass(frozen=True)
class EvalSchedule:
    """How often scores are taken: after a number of epochs, or at each multiple of a share of the run or of tokens."""

    epochs: int = 0
    share: float = 0.0
    tokens: int = 0

    @classmethod
    def of(cls, value: str | int | EvalSchedule) -> EvalSchedule:
        """2 is every second epoch, "10%" ten times in the run, "50M" every 50 million tokens (k, M, G)."""
        if isinstance(value, EvalSchedule):
            return value
        found = re.fullmatch(r"(\d{1,12}(?:\.\d{1,9})?)([%kMG]?)", str(value).strip())
        number, unit = (float(found[1]), found[2]) if found else (0.0, "")
        if number > 0 and unit == "%" and 0.01 <= number <= 100:
            return cls(share=number / 100)
        if number >= 1 and unit in ("k", "M", "G"):
            return cls(tokens=round(number * UNITS[unit]))
        if number >= 1 and unit == "" and number == int(number):
            return cls(epochs=int(number))
        raise SettingsError(
            f"{setting('eval_every')}: {str(value)!r:.40} is none of: 2 (epochs), 10% (of the run, at most 100%), "
            "50M (tokens: k, M, G)"
        )

    def step(self, tokens_total: int) -> int:
        """Tokens from one place of scoring to the next; 0 where epochs count."""
        return max(1, round(self.share * tokens_total)) if self.share else self.tokens


def file_of(test: str | os.PathLike[str]) -> str:
    """The file of a test, which is a path, or `sessions:` and a path."""
    return os.fspath(test).removeprefix(SESSIONS)


def read_tests(tests: Sequence[str | os.PathLike[str]]) -> dict[str, Test]:
    """Files of questions, word pairs or sessions, read, by the name of their score: the file's, or its path where names
    meet."""
    paths = [file_of(test) for test in tests]
    if "" in paths:
        raise SettingsError(f"{setting('eval')}: the name is empty; give a file")
    names = [os.path.basename(path) for path in paths]
    chosen = [name if names.count(name) == 1 else path for name, path in zip(names, paths, strict=True)]
    if len(set(chosen)) < len(chosen):
        raise SettingsError(f"{setting('eval')}: {max(chosen, key=chosen.count)} is given twice")
    return {
        name: read_sessions(path) if os.fspath(test).startswith(SESSIONS) else read_questions(path)
        for name, path, test in zip(chosen, paths, tests, strict=True)
    }


def score(vectors: Vectors, asked: Test) -> float:
    """One number: the share of questions answered right, Spearman's rho, or HR@10."""
    if isinstance(asked, NextItems):
        return score_sessions(vectors, asked).hr
    scores = evaluate(vectors, asked)
    return scores.spearman if isinstance(scores, PairScores) else scores.total.accuracy


class Evaluator:
    """Takes scores as a training goes on. `on_report` gets an EpochReport after each epoch and each scoring, `on_phase`
    a word for what is done before one.

    `tests` are the questions, pairs and sessions by name; they are put to the vectors as they are then, and at the end,
    where an earlier epoch was the best, to those that are written: `combination` says what becomes of the two matrices
    (see w2v.vectors.derive).
    """

    def __init__(
        self,
        tests: dict[str, Test] | None = None,
        schedule: str | int | EvalSchedule = 1,
        combination: str = "input",
        on_report: Callable[[EpochReport], Any] | None = None,
        on_phase: Callable[[str], Any] | None = None,
    ):
        self.tests = tests or {}
        self.schedule = EvalSchedule.of(schedule)
        self.combination = combination
        self.on_report = on_report
        self.on_phase = on_phase
        self._words: Words | None = None

    def check(self, words: Iterable[bytes]) -> None:
        """Raise now for a test that cannot be put to vectors of these words."""
        self._words = Words(words)
        for asked in self.tests.values():
            if isinstance(asked, NextItems):
                asked.check_askable(self._words)
            else:
                check_askable(self._words, asked)

    def next_place(self, state: TrainState, done: int) -> int:
        """Tokens done at which the training is to rest for scores."""
        step = self.schedule.step(state.tokens_total) if self.tests else 0
        return (done // step + 1) * step if step else NEVER

    def look(
        self,
        state: TrainState,
        monitor: RunMonitor,
        before: int,
        held_out_loss: Callable[[], float] | None,
        whole: bool,
    ) -> None:
        """At a rest: take the scores if it is time, and report.

        `before`: tokens done at the last rest; `held_out_loss`: that of the model as it is now; `whole`: an epoch has
        just ended.
        """
        done = state.totals().tokens
        step, epochs = self.schedule.step(state.tokens_total), self.schedule.epochs
        crossed = bool(step) and done // step > before // step
        due = state.ended or crossed or (whole and bool(epochs) and state.epoch % epochs == 0)
        due = due and bool(self.tests)
        if not due and not whole:
            return
        if due and self.on_phase is not None:
            self.on_phase("evaluating")
        scores = self.scores(state, state.model) if due else {}
        if due:
            state.scores = scores
        if self.on_report is not None:
            loss = None
            if held_out_loss is not None:
                loss = state.held_out_losses[-1] if whole else held_out_loss()
            self.on_report(report(state, monitor, loss, scores, whole))
        if due and state.ended and state.source is not state.model:
            state.scores = self.scores(state, state.source)

    def scores(self, state: TrainState, source: Model | Best) -> dict[str, float]:
        """The score of each test on the rows of the model as it is, or of its best epoch."""
        words = self._words if self._words is not None else Words(state.corpus.vocab.words)
        vectors = output_vectors(words, state.model, source, self.combination)
        return {name: score(vectors, asked) for name, asked in self.tests.items()}


def report(
    state: TrainState, monitor: RunMonitor, held_out_loss: float | None, scores: dict[str, float], whole: bool
) -> EpochReport:
    done = state.totals().tokens
    return EpochReport(
        epoch=state.epoch + (not whole),
        epochs=state.config.epochs,
        tokens_done=done,
        tokens_total=state.tokens_total,
        words_per_s=monitor.words_per_s(done),
        lr=state.lr_at(done),
        loss=state.epoch_losses[-1] if whole else None,
        held_out_loss=held_out_loss,
        scores=scores,
        seconds=monitor.seconds_before + monitor.seconds,
        whole=whole,
    )


def output_vectors(words: Words, model: Model, source: Model | Best, combination: str) -> Vectors:
    """The vectors that would be written if `source` had the last rows of the model."""
    config = model.config
    vectors = Vectors(words, word_vectors(model, source.inputs, config.threads))
    if combination == "input":
        return vectors
    context = Vectors(words, source.outputs[:, : config.dim]) if config.loss != "hs" else None
    return combine(vectors, context, combination)


class HeldOut:
    """The sentences of a corpus that are not trained on. `ids` int32 [n], -1 behind each sentence; `tokens` in them.

    The rule is in rng.h: a sentence is held out by the seed and its place in the corpus, so neither threads nor spans
    matter. The loop skips these sentences; here they are copied, one behind the other.
    """

    def __init__(self, ids: np.ndarray, config: ResolvedConfig):
        self.ids = held_out_ids(ids, 0, len(ids), config.seed, held_out_share(config.held_out))
        self.tokens = int(np.count_nonzero(self.ids >= 0))
        if not self.tokens or len(self.ids) == len(ids):
            which, share = ("every", "smaller") if self.tokens else ("no", "larger")
            raise CorpusError(
                f"{setting('held_out', config.held_out)}: {which} sentence would be held out; take a {share} share, "
                "or a corpus of more sentences (each line is one)"
            )
        cuts = [0]
        while cuts[-1] < len(self.ids):
            cuts.append(span_end(self.ids, cuts[-1], PART_IDS))
        self.parts = list(itertools.pairwise(cuts))

    def loss(self, model: Model, kernel: Kernel, threads: int) -> float:
        """Mean loss of the model on these sentences: the trainer's own sampling with the same random numbers each time.

        The learning rate is 0, so nothing changes. No thread may be training meanwhile.
        """
        sums: list[tuple[float, int]] = [(0.0, 0)] * len(self.parts)

        def work(number: int) -> None:
            worker = Worker(model, FIRST_NUMBER + number)
            worker.take_all()
            kernel.train(worker, self.ids, *self.parts[number], 0.0)
            sums[number] = worker.loss_sum, worker.examples

        for_each(work, len(self.parts), threads)
        examples = sum(examples for _, examples in sums)
        if not examples:
            raise CorpusError(
                f"{setting('held_out')}: of the {self.tokens:,} tokens that are held out none has another one beside"
                f" it; take a larger share, or {setting('sample', 0)}"
            )
        return sum(loss for loss, _ in sums) / examples


def trained_tokens(ids: np.ndarray, first: int, last: int, config: ResolvedConfig) -> int:
    """Tokens of the sentences in ids[first:last] that are not held out."""
    return count_trained(ids, first, last, config.seed, held_out_share(config.held_out))
