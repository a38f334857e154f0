"""Looks at a training on its way: the loss on held-out text, scores on questions and word pairs, and who is told."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from w2v.errors import SettingsError
from w2v.training.progress import EpochReport
from w2v.vectors.combine import combine
from w2v.vectors.evaluate import check_askable, evaluate
from w2v.vectors.questions import Pairs, Questions, read_questions
from w2v.vectors.vectors import Vectors
from w2v.vectors.words import Words

if TYPE_CHECKING:
    from w2v.kernel._state import Model
    from w2v.training.best import Best
    from w2v.training.progress import Watch
    from w2v.training.trainer import Trainer

__all__ = ["Every", "Looks", "output_vectors", "read_tests"]

NEVER = 1 << 62
UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}


@dataclass(frozen=True)
class Every:
    """How often scores are taken: after so many epochs, or at each multiple of a share of the run or of tokens."""

    epochs: int = 0
    share: float = 0.0
    tokens: int = 0

    @classmethod
    def of(cls, value: str | int | Every) -> Every:
        """2 is every second epoch, "10%" ten times in the run, "50M" every 50 million tokens (k, M, G)."""
        if isinstance(value, Every):
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
            f"--eval-every: {str(value)!r:.40} is none of: 2 (epochs), 10% (of the run, at most 100%), "
            "50M (tokens: k, M, G)"
        )

    def step(self, tokens_total: int) -> int:
        """Tokens from one place of scoring to the next; 0 where epochs count."""
        return max(1, round(self.share * tokens_total)) if self.share else self.tokens


def read_tests(paths: Sequence[str | os.PathLike[str]]) -> dict[str, Questions | Pairs]:
    """Files of questions or word pairs, read, by the name of their score: the file's, or its path where names meet."""
    names = [os.path.basename(os.fspath(path)) for path in paths]
    chosen = [name if names.count(name) == 1 else os.fspath(path) for name, path in zip(names, paths, strict=True)]
    if len(set(chosen)) < len(chosen):
        raise SettingsError(f"--eval: {max(chosen, key=chosen.count)} is given twice")
    return {name: read_questions(path) for name, path in zip(chosen, paths, strict=True)}


def score(vectors: Vectors, asked: Questions | Pairs) -> float:
    """One number: the share of questions answered right, or Spearman's rho."""
    scores = evaluate(vectors, asked)
    return scores.spearman if scores.kind == "pairs" else scores.total.accuracy


class Looks:
    """What is looked at on the way, and when. `on_report` gets an EpochReport after each epoch and each scoring.

    `tests` are the questions and pairs by name; they are put to the vectors as they are then, and at the end, where an
    earlier epoch was the best, to those that are written: `combination` says what becomes of the two matrices (see
    w2v.vectors.combine).
    """

    def __init__(
        self,
        tests: dict[str, Questions | Pairs] | None = None,
        every: str | int | Every = 1,
        combination: str = "input",
        on_report: Callable[[EpochReport], Any] | None = None,
    ):
        self.tests = tests or {}
        self.every = Every.of(every)
        self.combination = combination
        self.on_report = on_report
        self._words: Words | None = None

    def check(self, words: Sequence[bytes]) -> None:
        """Raise now for a test that cannot be put to vectors of these words."""
        self._words = Words(words)
        for asked in self.tests.values():
            check_askable(self._words, asked)

    def next_place(self, trainer: Trainer, done: int) -> int:
        """Tokens done at which the training is to rest for scores."""
        step = self.every.step(trainer.tokens_total) if self.tests else 0
        return (done // step + 1) * step if step else NEVER

    def take(self, trainer: Trainer, watch: Watch, before: int, whole: bool) -> None:
        """A trainer is at rest: look, if it is time, and tell. `before`: tokens done at its last rest; `whole`: an
        epoch has just ended."""
        done = trainer.totals().tokens
        step = self.every.step(trainer.tokens_total)
        crossed = bool(step) and done // step > before // step
        due = trainer.ended or crossed or (whole and bool(self.every.epochs) and trainer.epoch % self.every.epochs == 0)
        due = due and bool(self.tests)
        if not due and not whole:
            return
        scores = self.scores(trainer, trainer.model) if due else {}
        if due:
            trainer.scores = scores
        if self.on_report is not None:
            self.on_report(self.report(trainer, watch, scores, whole))
        if due and trainer.ended and trainer.source is not trainer.model:
            trainer.scores = self.scores(trainer, trainer.source)

    def scores(self, trainer: Trainer, source: Model | Best) -> dict[str, float]:
        """The score of each test on the rows of the model as it is, or of its best epoch."""
        words = self._words if self._words is not None else trainer.corpus.vocab.words
        vectors = output_vectors(trainer, source, words, self.combination)
        return {name: score(vectors, asked) for name, asked in self.tests.items()}

    def report(self, trainer: Trainer, watch: Watch, scores: dict[str, float], whole: bool) -> EpochReport:
        done = trainer.totals().tokens
        held_out = None
        if trainer.held_out is not None:
            held_out = trainer.held_out_losses[-1] if whole else trainer.held_out.loss(
                trainer.model, trainer.kernel, trainer.threads
            )
        return EpochReport(
            epoch=trainer.epoch + (not whole),
            epochs=trainer.config.epochs,
            tokens_done=done,
            tokens_total=trainer.tokens_total,
            words_per_s=watch.words_per_s(done),
            lr=trainer.lr_at(done),
            loss=trainer.epoch_losses[-1] if whole else None,
            held_out_loss=held_out,
            scores=scores,
            seconds=trainer.seconds_before + watch.seconds,
            whole=whole,
        )


def output_vectors(trainer: Trainer, source: Model | Best, words: Any, combination: str) -> Vectors:
    """The vectors that would be written if `source` had the last rows."""
    dim = trainer.config.dim
    vectors = Vectors(words, source.inputs[:, :dim])
    if combination == "input":
        return vectors
    context = Vectors(vectors.words, source.outputs[:, :dim]) if trainer.config.loss == "ns" else None
    return combine(vectors, context, combination)
