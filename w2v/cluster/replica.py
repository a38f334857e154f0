"""One node's part of the training: a whole model, and threads that train the chunks that are leased to the node.

It trains as the ordinary Trainer does, with another source of spans: chunks that come one after the other while the
threads go on. With one node and one thread the spans, their learning rates and all random numbers are those of a run
without a cluster, so the vectors are the same to the last bit.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from w2v.threads import Group
from w2v.training.state import Spans, Totals, divergence
from w2v.training.trainer import ThreadedModel

if TYPE_CHECKING:
    import numpy as np

    from w2v.cluster.leases import Lease
    from w2v.corpus.vocab import Vocab
    from w2v.training.config import TrainConfig

__all__ = ["Job", "Replica"]


@dataclass
class Job:
    """A leased chunk on its way through the threads."""

    lease: Lease
    ids: np.ndarray  # int32, -1 ends each sentence
    spans: Spans
    totals: Totals = field(default_factory=Totals)
    at_work: int = 0  # threads that train one of its spans


class Replica(ThreadedModel):
    """A model and its threads. `add` gives it chunks, `finished` is what became of them.

    `kept` are the tokens of the whole corpus that are in `vocab`; `first_worker` is the number of its first worker: no
    two workers of a run draw the same random numbers.
    """

    def __init__(self, vocab: Vocab, kept: int, config: TrainConfig, first_worker: int = 0):
        super().__init__(vocab, config.resolved(), kept, kept)
        self.fill_inputs()
        self.workers = self.new_workers(first_worker)
        self.tokens_elsewhere = 0  # trained by others, as far as is known here
        self.own_tokens = 0
        self.spent = 0.0  # sum of learning rate x tokens
        self.lr_scale = 1.0  # several nodes take longer steps, because their changes are averaged
        self.finished: list[Job] = []
        self.error: BaseException | None = None
        self.idle = 0  # threads that wait, with no change left in their private rows
        self._jobs: list[Job] = []
        self._changed = threading.Condition()
        self._stop = False
        self._group = Group()
        self._rest: tuple[int, float] | None = None  # ids left of a span that goes on in the next chunk, and its lr
        self._last: Lease | None = None

    def lr_at(self, tokens_done: int) -> float:
        return self.config.lr_at(tokens_done, self.tokens_per_epoch * self.config.epochs) * self.lr_scale

    # Called from outside

    def start(self) -> None:
        self._group.start_all([partial(self._serve, home) for home in range(self.threads)])

    def add(self, lease: Lease, ids: np.ndarray) -> None:
        """Train this chunk after those that were added before."""
        with self._changed:
            self._jobs.append(Job(lease, ids, Spans(ids, self.span_size, self.threads)))
            self._changed.notify_all()

    def wait(self, timeout_s: float) -> list[Job]:
        """Chunks that are trained, as soon as there is one; an empty list after the timeout."""
        with self._changed:
            self._changed.wait_for(lambda: self.finished or self.error, timeout_s)
            finished, self.finished = self.finished, []
            return finished

    def stop(self) -> None:
        """End the threads after their present spans; what was added and is not finished is dropped."""
        with self._changed:
            self._stop = True
            self._changed.notify_all()
        self._group.wait()
        self._group.close()

    @property
    def ahead(self) -> int:
        """Ids that are added and not handed to a thread yet."""
        with self._changed:
            return sum(stop - start for job in self._jobs for start, stop in job.spans.left)

    # The threads

    def _serve(self, home: int) -> None:
        worker = self.workers[home]
        try:
            while (work := self._next(home)) is not None:
                job, (start, stop), lr = work
                worker.merge_after = self.merge_after_at(lr)
                before = Totals.of(worker)
                self.kernel.train(worker, job.ids, start, stop, lr)
                self._count(job, before, Totals.of(worker), lr)
                if worker.diverged:
                    raise divergence(self.config, job.lease.epoch, lr)
        except BaseException as error:
            with self._changed:
                self.error = self.error or error
                self._stop = True
                self._changed.notify_all()

    def _next(self, home: int) -> tuple[Job, tuple[int, int], float] | None:
        """A span to train, of the first chunk that has one; waits for a chunk; None after `stop`."""
        idle = False
        with self._changed:
            while not self._stop:
                for job in list(self._jobs):
                    taken = self._take(job, home)
                    if taken is not None:
                        job.at_work += 1
                        self.idle -= idle
                        return job, *taken
                    self._finish_if_done(job)  # a chunk without a word of the vocabulary
                if not idle:
                    self.kernel.flush(self.workers[home])
                    self.idle += 1
                    idle = True
                self._changed.wait()
            return None

    def _take(self, job: Job, home: int) -> tuple[tuple[int, int], float] | None:
        """A span of this job and its learning rate."""
        rest = self._rest_for(job) if self.threads == 1 else None
        job.spans.size = rest[0] if rest else self.span_size
        span = job.spans.take(home)
        if span is None:
            return None
        lr = rest[1] if rest else self.lr_at(self.tokens_elsewhere + self.own_tokens)
        if self.threads == 1:
            left = job.spans.size - (span[1] - span[0])
            self._rest, self._last = ((left, lr) if left > 0 else None), job.lease
        return span, lr

    def _rest_for(self, job: Job) -> tuple[int, float] | None:
        """What is left of the last span, if this chunk goes on where the last one ended: spans know no chunks."""
        last = self._last
        follows = last is not None and last.epoch == job.lease.epoch and job.lease.chunk - last.chunk in (0, 1)
        return self._rest if follows else None

    def _count(self, job: Job, before: Totals, now: Totals, lr: float) -> None:
        with self._changed:
            job.totals += now - before
            self.own_tokens += now.tokens - before.tokens
            self.spent += lr * (now.tokens - before.tokens)
            job.at_work -= 1
            self._finish_if_done(job)

    def _finish_if_done(self, job: Job) -> None:
        if job.spans.empty and not job.at_work and job in self._jobs:
            self._jobs.remove(job)
            if self.threads == 1 and len(job.ids) == 0:
                self._last = job.lease if self._rest_for(job) else self._last
            self.finished.append(job)
            self._changed.notify_all()
