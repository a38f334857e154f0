"""The trainer: threads over spans of ids, the learning rate, progress, stopping."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from w2v.errors import TrainingError
from w2v.kernel import kernels
from w2v.kernel._state import Model, Worker
from w2v.kernel._tables import first_bad_row
from w2v.threads import for_each, run_all
from w2v.training.best import Best
from w2v.training.config import TrainConfig
from w2v.training.heldout import HeldOut
from w2v.training.progress import Progress, Totals, TrainingStopped, TrainResult, TrainSummary, Watch
from w2v.training.spans import Spans

if TYPE_CHECKING:
    from w2v.corpus.encoded import EncodedCorpus
    from w2v.training.checkpoint import Checkpoint
    from w2v.training.keeper import Keeper
    from w2v.training.looks import Looks
    from w2v.training.start import Start

__all__ = ["Progress", "TrainResult", "TrainSummary", "Trainer", "TrainingStopped"]

# A span is this many floating-point operations: 2 to 20 ms, so that stopping and the learning rate follow closely and
# Python's share stays below 1 %.
SPAN_FLOPS = 4e8
# Changes of one row that may wait in private copies, over all threads, times the learning rate: each thread's copy is
# merged after PENDING_CHANGE / (threads x lr) of its own updates, so what lands on a row at once is bounded, whatever
# the number of threads. 3.2 is 32 updates for 4 threads at lr 0.025; twice that cost 4 points of analogy accuracy.
# Both bounds are for updates that sum up to USUAL_PAIRS pairs, a window and negatives of 5; larger updates count more.
PENDING_CHANGE = 3.2
USUAL_PAIRS = 6
# A word gets private copies if it occurs so often in the run, over all epochs: at six updates an occurrence and 128
# pending over all threads, they are merged a hundred times or more. Rarer rows would be trained from stale values.
PRIVATE_OCCURRENCES = 2000
PENDING_UPDATES = 128  # the same bound as a number of updates, for small learning rates
PROGRESS_EVERY_S = 0.1


@dataclass
class Run:
    """What the threads share, under `lock`, from the start of an epoch or from a pause to the next one."""

    spans: Spans
    counted: list[Totals]  # of each worker after its last whole span; within one, loss and examples do not agree
    lock: threading.Lock = field(default_factory=threading.Lock)
    done: int = 0  # tokens of all epochs
    rest_at: int = 1 << 62  # all threads come to rest when so many are done
    stop: bool = False

    def end(self) -> None:
        self.stop = True


class Trainer:
    """Trains one model on an encoded corpus.

    `corpus` has ids int32 [N] (-1 ends each sentence) and a vocabulary; `config` a TrainConfig. `run` may be called
    once. `resume` goes on from a checkpoint; CheckpointError names what differs from it. `start` has first
    values for the rows.
    """

    def __init__(
        self, corpus: EncodedCorpus, config: TrainConfig, resume: Checkpoint | None = None, start: Start | None = None
    ):
        self.corpus = corpus
        self.config = config.resolved()
        if resume is not None:
            resume.check_settings(self.config)
            resume.check_corpus(corpus)
        self.kernel = kernels.choose()
        self.held_out = HeldOut(corpus.ids, self.config) if self.config.held_out else None
        self.tokens_per_epoch = int(corpus.token_counts.kept) - (self.held_out.tokens if self.held_out else 0)
        self.span_size = self._span_size()
        spans = max(1, len(corpus.ids) // self.span_size)
        self.threads = min(self.config.threads, spans)
        self.model = Model(corpus.vocab.counts, self.config)
        self.epoch = 0
        self.epoch_losses: list[float] = []
        self.held_out_losses: list[float] = []  # after each epoch
        self.best: Best | None = None  # what --stop-early keeps
        self.scores: dict[str, float] = {}
        self.spans = self._new_spans()  # of the present epoch
        self.epoch_start = Totals()
        self.carried = Totals()  # of workers that a resumed run no longer has
        self.seconds_before = 0.0  # of the runs that this one goes on from
        if resume is None:
            self._fill_inputs()
            if start is not None:
                start.fill(self.model, corpus.vocab.words)
            self.workers = self._workers()
        else:
            resume.fill(self.model)  # before the workers take their private copies
            self.workers = self._workers()
            resume.restore(self)

    @property
    def tokens_total(self) -> int:
        """Tokens of all epochs."""
        return self.tokens_per_epoch * self.config.epochs

    def _span_size(self) -> int:
        """Ids of a span: by the work they are, but never so many that the learning rate would fall in few steps."""
        config = self.config
        outputs = config.negative + 1 if config.loss == "ns" else 16
        inputs = config.window + 1 if config.model == "skipgram" else 3
        by_work = SPAN_FLOPS / (6 * outputs * inputs * (config.dim + 16))
        by_steps = self.tokens_total / (200 * config.threads)
        by_share = self.tokens_per_epoch / (4 * config.threads)  # all threads have work, and end at about the same time
        return int(max(64, min(by_work, by_steps, by_share)))

    def _new_spans(self) -> Spans:
        return Spans(self.corpus.ids, self.span_size, self.threads)

    def _fill_inputs(self) -> None:
        """First values of the input rows, by all threads; the values do not depend on how many there are."""
        rows = self.model.vocab_size
        cuts = np.linspace(0, rows, self.threads + 1).astype(int).tolist()
        for_each(lambda part: self.model.fill_inputs(cuts[part], cuts[part + 1]), self.threads, self.threads)

    def _workers(self) -> list[Worker]:
        """One worker a thread. A single thread has no one to share rows with and keeps no private copies."""
        private_rows = self._private_rows() if self.threads > 1 else 0
        merge_after = self.merge_after_at(self.config.lr)
        if merge_after == 1:  # a copy that is merged at every update gains nothing
            private_rows = 0
        return [Worker(self.model, i, private_rows, merge_after) for i in range(self.threads)]

    def _private_rows(self) -> int:
        """How many words get private copies: `hot_rows` of them at the most, and only those that come often enough."""
        occurrences = np.asarray(self.corpus.vocab.counts) * self.config.epochs
        return min(self.config.hot_rows, int(np.count_nonzero(occurrences >= PRIVATE_OCCURRENCES)))

    def merge_after_at(self, lr: float) -> int:
        """Updates of a private row between two merges at this learning rate."""
        waiting = min(PENDING_UPDATES, PENDING_CHANGE / max(lr, 1e-9)) * USUAL_PAIRS / self.pairs_per_update
        return max(1, int(waiting / self.threads))

    @property
    def pairs_per_update(self) -> float:
        """Pairs that one update of a row sums up, where they are more than usual: an output row's with all contexts of
        a centre, an input row's with all its negatives. The nodes of a path pull both ways and do not add up."""
        config = self.config
        contexts = 2 * config.window if config.fixed_window else config.window + 1
        if config.model == "cbow" or not config.share_negatives:
            contexts = 1
        return max(USUAL_PAIRS, contexts, config.negative + 1 if config.loss == "ns" else 1)

    def lr_at(self, tokens_done: int) -> float:
        """Learning rate after so many tokens of all epochs: linear from lr to min_lr."""
        share = min(1.0, tokens_done / max(1, self.tokens_total))
        return self.config.lr + (self.config.min_lr - self.config.lr) * share

    def totals(self) -> Totals:
        """Sums over the workers while no thread is at work."""
        return sum(map(Totals.of, self.workers), start=self.carried)

    def run(
        self,
        on_progress: Callable[[Progress], Any] | None = None,
        should_stop: Callable[[], bool] | None = None,
        keeper: Keeper | None = None,
        looks: Looks | None = None,
    ) -> TrainResult:
        """Train all epochs and return the vectors. `on_progress` is called about ten times a second, here.

        `keeper` writes checkpoints, `looks` takes scores on the way and tells of each epoch. Raises TrainingStopped
        when `should_stop` says so, TrainingError on divergence, and whatever a thread raised.
        """
        watch = Watch(self, on_progress, should_stop, keeper)
        while not self.ended:
            before = self.totals().tokens
            self._run_spans(watch, looks.next_place(self, before) if looks else 1 << 62)
            whole = self.spans.empty
            if whole:
                self._end_epoch(watch)
            if looks is not None:
                with watch.rest_from_training():
                    looks.take(self, watch, before, whole)
            watch.rest()
        self.totals().check()
        self.check_finite()
        return self._result(self.seconds_before + watch.seconds)

    @property
    def stopped_early(self) -> bool:
        """Whether the loss on held-out text has not fallen for --stop-early epochs, before the last one."""
        patience, losses = self.config.stop_early, self.held_out_losses
        if not patience or not losses or self.epoch == self.config.epochs:
            return False
        return len(losses) - 1 - losses.index(min(losses)) >= patience

    @property
    def source(self) -> Model | Best:
        """Where the rows are that would be written if the training ended now."""
        return self.best if self.best is not None and self.best.epoch < self.epoch else self.model

    @property
    def ended(self) -> bool:
        return self.epoch >= self.config.epochs or self.stopped_early

    def _end_epoch(self, watch: Watch) -> None:
        if self.held_out is not None:
            with watch.rest_from_training():
                loss = self.held_out.loss(self.model, self.kernel, self.threads)
                if self.config.stop_early and loss < min(self.held_out_losses, default=float("inf")):
                    self.best = Best.of(self.model, self.epoch + 1, self.best)
            self.held_out_losses.append(loss)
        now, before = self.totals(), self.epoch_start
        self.epoch_losses.append((now.loss - before.loss) / max(1, now.examples - before.examples))
        self.epoch += 1
        self.epoch_start, self.spans = now, self._new_spans()

    def _run_spans(self, watch: Watch, rest_at: int) -> None:
        """All threads at work until the epoch ends, so many tokens are done, a thread fails, or `watch` stops them."""
        run = Run(self.spans, list(map(Totals.of, self.workers)), done=self.totals().tokens, rest_at=rest_at)
        works = [partial(self._work, run, home) for home in range(self.threads)]
        run_all(works, on_stop=run.end, on_tick=lambda: watch.look(run), tick_s=PROGRESS_EVERY_S)
        for worker in self.workers:
            self.kernel.flush(worker)

    def _work(self, run: Run, home: int) -> None:
        """What one thread does: spans until none is left."""
        worker = self.workers[home]
        ids = self.corpus.ids
        train = self.kernel.train
        while not run.stop:
            with run.lock:
                span = run.spans.take(home)
                lr = self.lr_at(run.done)
            if span is None:
                return
            worker.merge_after = self.merge_after_at(lr)
            train(worker, ids, span[0], span[1], lr)
            now = Totals.of(worker)
            with run.lock:
                run.done += now.tokens - run.counted[home].tokens
                run.counted[home] = now
                run.stop = run.stop or run.done >= run.rest_at
            if worker.diverged:
                raise self.divergence(lr)

    def divergence(self, lr: float) -> TrainingError:
        return TrainingError(
            f"training diverged (a value is not a number) at learning rate {lr:.4g} in epoch {self.epoch + 1};"
            f" try --lr {self.config.lr / 2:.2g} or fewer --threads"
        )

    def check_finite(self) -> None:
        """Raise TrainingError when a matrix holds a value that is not finite."""
        for matrix in (self.model.inputs, self.model.outputs):
            if first_bad_row(matrix, 0, matrix.shape[0]) >= 0:
                raise self.divergence(self.lr_at(self.totals().tokens))

    def _result(self, seconds: float) -> TrainResult:
        from w2v.vectors.vectors import Vectors

        words, dim = self.corpus.vocab.words, self.config.dim
        source = self.source
        vectors = Vectors(words, source.inputs[:, :dim])
        vectors.metadata.update(self.config.as_text())
        context = Vectors(words, source.outputs[:, :dim]) if self.config.loss == "ns" else None
        return TrainResult(vectors, context, self._summary(seconds))

    def _summary(self, seconds: float) -> TrainSummary:
        sums = self.totals()
        return TrainSummary(
            tokens_total=sums.tokens,
            trained=sums.trained,
            subsampled=sums.subsampled,
            alone=sums.alone,
            examples=sums.examples,
            epochs=self.epoch,
            seconds=seconds,
            words_per_s=sums.tokens / max(seconds, 1e-9),
            loss=sums.loss / sums.examples,
            epoch_losses=tuple(self.epoch_losses),
            kernel=self.kernel.NAME,
            threads=self.threads,
            lr=self.config.lr,
            min_lr=self.config.min_lr,
            held_out=self.held_out.tokens if self.held_out else 0,
            held_out_losses=tuple(self.held_out_losses),
            scores={name: value for name, value in self.scores.items() if math.isfinite(value)},
            best_epoch=self.best.epoch if self.best else None,
            stopped_early=self.stopped_early,
        )
