"""The trainer: threads over spans of ids."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from w2v.corpus.config import word_settings
from w2v.errors import CorpusError
from w2v.kernel import kernels
from w2v.kernel._state import Model, Worker
from w2v.threads import for_each, run_all
from w2v.training import softmax
from w2v.training.evaluation import HeldOut
from w2v.training.lanes import LaneSpans, new_lanes, rounds_for
from w2v.training.memory import check_memory
from w2v.training.progress import Progress, Reproducible, RunMonitor, TrainingStopped, TrainResult, TrainSummary
from w2v.training.state import Spans, Totals, TrainState, divergence
from w2v.training.subwords import find_parts, scale_rows, subwords_of, word_vectors
from w2v.vectors.formats import ModelParts
from w2v.vectors.vectors import Vectors

if TYPE_CHECKING:
    from w2v.corpus.encoded import EncodedCorpus
    from w2v.corpus.vocab import Vocab
    from w2v.kernel.kernels import CompiledKernel, Kernel
    from w2v.training.checkpoint import Checkpoint
    from w2v.training.checkpointing import Checkpointer
    from w2v.training.config import ResolvedConfig, TrainConfig
    from w2v.training.evaluation import Evaluator
    from w2v.training.start import Start

__all__ = ["Progress", "ThreadedModel", "TrainResult", "TrainSummary", "Trainer", "TrainingStopped"]

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


class ThreadedModel:
    """A model, and a worker for each thread that trains it: what an ordinary training and a node of a cluster share.

    An epoch has `ids` ids; of all its tokens `tokens_per_epoch` are trained on.
    """

    def __init__(self, vocab: Vocab, config: ResolvedConfig, ids: int, tokens_per_epoch: int):
        self.vocab = vocab
        self.config = config
        self.tokens_per_epoch = tokens_per_epoch
        self.kernel: Kernel = softmax if config.loss == "softmax" else kernels.choose()
        self.span_size = self._span_size()
        self.threads = min(config.threads, max(1, ids // self.span_size))
        if config.loss == "softmax":  # NumPy's BLAS has threads of its own
            self.threads = 1
        self.rounds = None
        if config.reproducible:
            self.rounds = rounds_for(config, vocab.counts, tokens_per_epoch)
            self.threads = min(config.threads, self.rounds.lanes)
        parts = find_parts(vocab.words, config, vocab.counts)
        if parts is not None:  # how many rows there are is known only now
            check_memory(config, len(vocab), vocab.words.byte_count, rows=len(parts.sizes))
        self.model = Model(vocab.counts, config, parts)

    def _span_size(self) -> int:
        """Ids of a span: by the work they are, but never so many that the learning rate would fall in few steps."""
        config = self.config
        outputs = {"ns": config.negative + 1, "hs": 16, "softmax": len(self.vocab.counts)}[config.loss]
        inputs = 3 if config.model == "cbow" else 1 if config.loss == "softmax" else config.window + 1
        by_work = SPAN_FLOPS / (6 * outputs * inputs * (config.dim + 16))
        by_steps = self.tokens_per_epoch * config.epochs / (200 * config.threads)
        by_share = self.tokens_per_epoch / (4 * config.threads)  # all threads have work, and end at about the same time
        return int(max(64, min(by_work, by_steps, by_share)))

    def fill_inputs(self) -> None:
        """First values of the input rows, by all threads; the values do not depend on how many there are."""
        rows = len(self.model.inputs) if self.model.parts is None else len(self.model.parts.sizes)
        cuts = np.linspace(0, rows, self.threads + 1).astype(int).tolist()

        def fill(part: int) -> None:
            self.model.fill_inputs(cuts[part], cuts[part + 1])
            scale_rows(self.model, cuts[part], cuts[part + 1])

        for_each(fill, self.threads, self.threads)

    def new_workers(self, first: int = 0) -> list[Worker]:
        """One worker a thread, numbered from `first`, for a model whose rows have their first values.

        A single thread has no one to share rows with and keeps no private copies.
        """
        private_rows = self.private_rows() if self.threads > 1 else 0
        merge_after = self.merge_after_at(self.config.lr)
        if merge_after == 1:  # a copy that is merged at every update gains nothing
            private_rows = 0
        return [Worker(self.model, first + i, private_rows, merge_after) for i in range(self.threads)]

    def private_rows(self) -> int:
        """How many words get private copies: `hot_rows` of them at the most, and only those that come often enough."""
        occurrences = np.asarray(self.vocab.counts) * self.config.epochs
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
        negatives = config.negative + 1.0 if config.loss == "ns" else 1.0
        if config.model == "cbow" and config.share_negatives:
            negatives *= 4 / 3  # two centres at a time, and most of their contexts are those of both
        return max(USUAL_PAIRS, contexts, negatives)


@dataclass
class Stretch:
    """What the threads share, under `lock`, from the start of an epoch or from a rest to the next one."""

    spans: Spans
    counted: list[Totals]  # of each worker after its last whole span; within one, loss and examples do not agree
    lock: threading.Lock = field(default_factory=threading.Lock)
    done: int = 0  # tokens of all epochs
    rest_at: int = 1 << 62  # all threads come to rest when this many are done
    stop: bool = False

    def end(self) -> None:
        self.stop = True


class Trainer(ThreadedModel):
    """Trains one model on an encoded corpus.

    `corpus` has ids int32 [N] (-1 ends each sentence) and a vocabulary; `config` a TrainConfig. `run` may be called
    once. `resume` goes on from a checkpoint; CheckpointError names what differs from it. `start` has first
    values for the rows.
    """

    def __init__(
        self, corpus: EncodedCorpus, config: TrainConfig, resume: Checkpoint | None = None, start: Start | None = None
    ):
        self.corpus = corpus
        resolved = config.resolved()
        if resume is not None:
            resume.check_settings(resolved)
            resume.check_corpus(corpus)
        self.held_out = HeldOut(corpus.ids, resolved) if resolved.held_out else None
        tokens = int(corpus.token_counts.kept) - (self.held_out.tokens if self.held_out else 0)
        super().__init__(corpus.vocab, resolved, len(corpus.ids), tokens)
        if resume is not None:
            resume.check_kernel(resolved, self.kernel.NAME)
            resume.fill(self.model)  # before the workers take their private copies
        else:
            self.fill_inputs()
            if start is not None:
                start.fill(self.model, corpus.vocab.words)
            self.model.begin_whole()
        self.lanes = None
        if self.rounds is not None:
            total = tokens * resolved.epochs
            self.lanes = new_lanes(
                self.model, resolved, corpus.ids, corpus.vocab.counts, self.rounds, self.threads, total
            )
        workers: list[Worker] = [*self.lanes.workers] if self.lanes is not None else self.new_workers()
        self.state = TrainState(corpus, resolved, self.kernel.NAME, tokens, self.model, workers, self._new_spans())
        if resume is not None:
            resume.restore(self.state, corpus.ids)

    def _new_spans(self) -> Spans:
        """Those of one epoch."""
        if self.lanes is not None and self.rounds is not None:
            return LaneSpans(self.corpus.ids, self.lanes, self.rounds.sections)
        return Spans(self.corpus.ids, self.span_size, self.threads)

    def run(
        self,
        on_progress: Callable[[Progress], Any] | None = None,
        should_stop: Callable[[], bool] | None = None,
        checkpointer: Checkpointer | None = None,
        evaluator: Evaluator | None = None,
    ) -> TrainResult:
        """Train all epochs and return the vectors. `on_progress` is called about ten times a second, here.

        `checkpointer` writes checkpoints, `evaluator` takes scores on the way and reports each epoch. Raises
        TrainingStopped when `should_stop` says so, TrainingError on divergence, and anything that a thread raised.
        """
        state = self.state
        monitor = RunMonitor(state, on_progress, should_stop, checkpointer)
        held_out_loss = None
        if self.held_out is not None:
            held_out_loss = partial(self.held_out.loss, self.model, self.kernel, self.threads)
        while not state.ended:
            before = state.totals().tokens
            self._run_spans(monitor, evaluator.next_place(state, before) if evaluator else 1 << 62)
            whole = state.spans.empty
            if whole:
                with monitor.rest_from_training():
                    self.model.share_whole()
                    state.end_epoch(self._new_spans(), held_out_loss() if held_out_loss else None)
            if evaluator is not None:
                with monitor.rest_from_training():
                    evaluator.look(state, monitor, before, held_out_loss, whole)
            monitor.rest()
        state.totals().check()
        state.check_finite()
        state.seconds = monitor.seconds_before + monitor.seconds
        return self._result(monitor.rested_s)

    def _run_spans(self, monitor: RunMonitor, rest_at: int) -> None:
        """All threads at work until the epoch ends, this many tokens are done, a thread fails, or `monitor` wants
        it."""
        state = self.state
        stretch = Stretch(state.spans, list(map(Totals.of, state.workers)), done=state.totals().tokens, rest_at=rest_at)

        def look() -> None:
            if monitor.look(sum(stretch.counted, start=state.carried)):
                stretch.end()

        work = self._work
        if self.lanes is not None:
            work = self._work_in_rounds
            self.lanes.open()
        works = [partial(work, stretch, home) for home in range(self.threads)]
        run_all(works, on_stop=stretch.end, on_tick=look, tick_s=PROGRESS_EVERY_S)
        for worker in state.workers:
            self.kernel.flush(worker)

    def _work(self, stretch: Stretch, home: int) -> None:
        """What one thread does: spans until none is left."""
        state, worker = self.state, self.state.workers[home]
        ids = self.corpus.ids
        train = self.kernel.train
        while not stretch.stop:
            with stretch.lock:
                span = stretch.spans.take(home)
                lr = state.lr_at(stretch.done)
            if span is None:
                return
            worker.merge_after = self.merge_after_at(lr)
            train(worker, ids, span[0], span[1], lr)
            now = Totals.of(worker)
            with stretch.lock:
                stretch.done += now.tokens - stretch.counted[home].tokens
                stretch.counted[home] = now
                stretch.stop = stretch.stop or stretch.done >= stretch.rest_at
            if worker.diverged:
                raise divergence(self.config, state.epoch, lr)

    def _work_in_rounds(self, stretch: Stretch, home: int) -> None:
        """What one thread does where the result does not depend on threads: rounds, with a look between two batches of
        them by whichever thread is the last to finish one."""
        lanes = self.lanes
        assert lanes is not None
        kernel = cast("CompiledKernel", self.kernel)  # no other has lanes
        while kernel.train_rounds(lanes, home):
            try:
                go_on = self._look_at_lanes(stretch)
            except BaseException:
                lanes.close()
                raise
            if go_on:
                lanes.go_on()
            else:
                lanes.close()

    def _look_at_lanes(self, stretch: Stretch) -> bool:
        """All lanes are at rest: count, and say whether they go on."""
        state, lanes = self.state, self.lanes
        assert lanes is not None
        stretch.counted = list(map(Totals.of, lanes.workers))
        stretch.done = sum(stretch.counted, start=state.carried).tokens
        if any(worker.diverged for worker in lanes.workers):
            raise divergence(self.config, state.epoch, state.lr_at(stretch.done))
        if any(worker.stray_ids for worker in lanes.workers):
            raise CorpusError("the ids changed while they were trained on; leave their file alone meanwhile")
        if stretch.stop or stretch.done >= stretch.rest_at:
            return False
        return not lanes.ended or (isinstance(state.spans, LaneSpans) and state.spans.next_section())

    def _result(self, evaluating_s: float) -> TrainResult:
        words, dim = self.corpus.vocab.words, self.config.dim
        source = self.state.source
        vectors = Vectors(words, word_vectors(self.model, source.inputs, self.threads))
        vectors.subwords = subwords_of(self.config, self.model.parts, source.inputs)
        vectors.metadata.update({**self.config.as_text(), **word_settings(self.corpus.settings)})
        vectors.model = ModelParts(source.outputs[:, :dim], self.corpus.vocab.counts)
        context = Vectors(words, source.outputs[:, :dim]) if self.config.loss != "hs" else None
        return TrainResult(vectors, context, self._summary(evaluating_s))

    def _summary(self, evaluating_s: float) -> TrainSummary:
        state = self.state
        sums = state.totals()
        return TrainSummary(
            tokens_total=sums.tokens,
            trained=sums.trained,
            subsampled=sums.subsampled,
            alone=sums.alone,
            examples=sums.examples,
            epochs=state.epoch,
            seconds=state.seconds,
            words_per_s=sums.tokens / max(state.seconds, 1e-9),
            loss=sums.loss / sums.examples,
            epoch_losses=tuple(state.epoch_losses),
            kernel=state.kernel,
            reproducible=None
            if self.rounds is None
            else Reproducible(state.kernel, self.rounds.lanes, self.rounds.centres),
            threads=self.threads,
            lr=self.config.lr,
            min_lr=self.config.min_lr,
            held_out=self.held_out.tokens if self.held_out else 0,
            held_out_losses=tuple(state.held_out_losses),
            scores={name: value for name, value in state.scores.items() if math.isfinite(value)},
            best_epoch=state.best.epoch if state.best else None,
            stopped_early=state.stopped_early,
            evaluating_s=evaluating_s,
        )
