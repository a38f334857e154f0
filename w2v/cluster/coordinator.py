"""The loop that drives a training on a cluster: nodes that come and go, leases, exchanges, checkpoints, progress.

It runs in the process of the command, on asyncio: each node has a call open that comes back when a chunk is trained.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from w2v.cluster.exchange import Exchange
from w2v.cluster.leases import Lease, Leases
from w2v.cluster.members import Member
from w2v.cluster.node import Done, Report, Setup
from w2v.cluster.patience import Gone, Patience, expect, limit_s
from w2v.cluster.progress import ClusterProgress, NodeRate
from w2v.cluster.recruiting import Recruiter
from w2v.cluster.schedule import Schedule
from w2v.cluster.session import Head, HeadLost
from w2v.corpus.encoded import TokenCounts
from w2v.errors import TrainingError
from w2v.training.progress import TrainingStopped
from w2v.training.state import Totals

__all__ = ["Coordinator", "Ledger", "lr_scale"]

LOOK_S = 0.1  # between two looks at the whole
AHEAD_S = 0.6  # of work that a node holds
MOST_HELD = 64
SWEEP = 1 << 30  # bytes/s; a node that works on its whole model may be silent for so long
# The learning rate grows with the number n of nodes: an average of n changes gets no farther than one of them, and has
# less noise. By which power of n is measured for each combiner (docs/cluster.md); past so many times it costs accuracy.
LR_POWER = {"settling": 0.5, "touched": 1.0, "mean": 1.0}
MOST_LR_SCALE = 4.0


@dataclass
class Ledger:
    """What has been trained, in finished chunks; the token counts of the run."""

    totals: Totals = field(default_factory=Totals)
    epochs: dict[int, Totals] = field(default_factory=dict)
    chunks: dict[int, TokenCounts] = field(default_factory=dict)

    def enter(self, done: Done) -> None:
        self.totals += done.totals
        self.epochs[done.lease.epoch] = self.epochs.get(done.lease.epoch, Totals()) + done.totals
        if done.token_counts is not None:
            self.chunks.setdefault(done.lease.chunk, done.token_counts)

    def copy(self) -> Ledger:
        return Ledger(self.totals, dict(self.epochs), dict(self.chunks))

    def losses(self) -> list[float | None]:
        """Of each epoch; None where nothing was trained."""
        return [sums.loss / sums.examples if sums.examples else None for _, sums in sorted(self.epochs.items())]


class Coordinator:
    """Trains `setup` on all nodes of the cluster until every lease is done.

    `model` are rows of both matrices to begin with, of a checkpoint. `threads` on each node, all its CPUs unless told.
    `tell` gets a line when a node joins or is lost.
    """

    def __init__(
        self, ray: Any, setup: Setup, leases: Leases, ledger: Ledger, schedule: Schedule, *, sync_every_s: float,
        threads: int | None, model: list[np.ndarray] | None = None, tell: Callable[[str], Any] = lambda line: None,
    ):
        self.ray, self.setup, self.leases, self.ledger, self.schedule = ray, setup, leases, ledger, schedule
        self.sync_every_s, self.threads, self.model, self.tell = sync_every_s, threads, model, tell
        self.head = Head(ray)
        self.members: list[Member] = []
        self.lost: list[Member] = []
        self.workers = 0  # numbers given to workers so far
        config = setup.config
        rows = len(setup.vocab)
        self.matrix_rows = (rows, rows - (config.loss == "hs"))
        self.exchange = Exchange(lambda: list(self.members), self.lose, self.matrix_rows, config.dim)
        self.tokens_before = ledger.totals.tokens
        self.tokens_total = setup.kept * config.epochs
        self.turn = asyncio.Lock()  # exchanges, joining and checkpoints, one at a time
        self.error: BaseException | None = None
        self.number = 0  # of the exchange
        self.started = time.perf_counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._serving: set[asyncio.Task[None]] = set()  # until the model has been fetched: they tell who still answers
        self._shown = (Totals(), 0.0)

    # The run

    async def run(self, look: Callable[[], object], should_stop: Callable[[], bool]) -> None:
        """Train to the end; `look` is called ten times a second.

        TrainingStopped if `should_stop` says so, HeadLost if the head node is gone. All threads are at rest then, and
        what they have done is brought together, if there were members by then.
        """
        self.recruiter = Recruiter(self, self.welcome)
        try:
            begun = self.spawn(self.recruiter.begin())
            await self.until(begun.done, should_stop)
            begun.result()
            self.started = time.perf_counter()
            self.spawn(self.recruiter.forever())
            self.spawn(self.exchange_forever())
            try:
                await self.until(lambda: self.leases.over, should_stop, look)
            except (TrainingStopped, HeadLost):
                await self.halt()
                raise
            async with self.turn:
                await self.exchange_all()
        finally:
            await end(self._tasks)

    async def until(
        self, over: Callable[[], bool], should_stop: Callable[[], bool], look: Callable[[], object] = lambda: None
    ) -> None:
        while not over():
            await asyncio.sleep(LOOK_S)
            if self.error is not None:
                raise self.error
            self.head.check()
            look()
            if should_stop():
                raise TrainingStopped

    def spawn(
        self, work: Coroutine[Any, Any, None], tasks: set[asyncio.Task[None]] | None = None
    ) -> asyncio.Task[None]:
        """Run a coroutine beside the others; its error ends the run."""
        tasks = self._tasks if tasks is None else tasks
        task = asyncio.ensure_future(work)
        tasks.add(task)

        def ended(task: asyncio.Task[None]) -> None:
            tasks.discard(task)
            if not task.cancelled() and task.exception() is not None:
                self.error = self.error or task.exception()

        task.add_done_callback(ended)
        return task

    async def close(self) -> None:
        """End the actors: their CPUs and their memory are free for others."""
        await end(self._serving)
        for member in self.members:
            self.ray.kill(member.actor)

    async def halt(self) -> None:
        """Stop all threads, and bring what they have done together."""
        await asyncio.gather(*(self.exchange.ask(m, m.actor.halt.remote()) for m in self.members))
        async with self.turn:
            await self.exchange_all()

    # Members

    def welcome(self, member: Member) -> None:
        """A new member that has the model, and trains what it is given."""
        self.members.append(member)
        self.spawn(self.serve(member), self._serving)

    def lose(self, member: Member, error: Gone) -> None:
        """A member is dead, or as good as dead: what it held is given to others, and what it still says is not heard.

        Its actor is ended, so that another one can take its place, on its node if that lives.
        """
        if not member.alive:
            return
        member.alive = False
        member.end.set_result(None)
        seats = self.recruiter.seats
        seats[member.node_id] = seats.get(member.node_id, 0) + 1
        self.ray.kill(member.actor)
        if member not in self.members:
            self.tell(f"node {member.name} cannot take part: {error}")
            return
        self.members.remove(member)
        self.lost.append(member)
        back = self.leases.lose(member.number)
        self.tell(f"node {member.name} is lost ({error}); {len(back)} chunks go back to the queue")
        if not self.members:
            self.error = self.error or TrainingError("--cluster: all nodes are gone; the model went with them")

    # Work

    def done(self) -> tuple[list[Lease], Ledger]:
        """Leases that are done now, and their token counts."""
        return sorted(self.leases.done), self.ledger.copy()

    @property
    def tokens(self) -> int:
        """Trained so far, in chunks that are finished or being trained."""
        lost = sum(member.done_tokens for member in self.lost)
        return self.tokens_before + lost + sum(member.tokens for member in self.members)

    @property
    def lr_scale(self) -> float:
        """How many times the learning rate of one node alone."""
        return lr_scale(len(self.members), self.setup.combine)

    async def serve(self, member: Member) -> None:
        """Keep one member in work."""
        try:
            while member.alive:
                given = self.leases_for(member)
                wait_s = LOOK_S * max(1.0, len(self.members) / 16)
                elsewhere = self.tokens - member.tokens
                call = member.actor.work.remote(elsewhere, self.lr_scale, given, wait_s)
                report = await self.report(member, call, wait_s)
                if report is None:
                    return
                for done in report.done:
                    if self.leases.finish(member.number, done.lease):
                        self.ledger.enter(done)
                        member.done_tokens += done.totals.tokens
                if report.error is not None:
                    raise report.error
        except Gone as error:
            self.lose(member, error)

    async def report(self, member: Member, reference: Any, wait_s: float) -> Report | None:
        """What a member says, None if it is lost meanwhile; Gone if it says nothing while others do."""
        def others(since: float) -> bool:
            return any(m.heard > since for m in self.members if m is not member)

        model = sum(self.matrix_rows) * self.setup.config.dim * 4
        patience = Patience(limit_s(member.usual_s) + wait_s + model / SWEEP, others)
        call, begun = expect(reference), time.monotonic()
        while call not in await patience.wait([call, member.end]):
            if not member.alive:
                return None
            if patience.over:
                raise Gone(f"it has not answered for {patience.limit_s:.0f} s")
        if member.alive:
            member.take(call.result(), max(0.0, time.monotonic() - begun - wait_s))
        return call.result() if member.alive else None

    def leases_for(self, member: Member) -> list[Lease]:
        """As many as keep it busy: the one that it trains, the one that it reads, more if they are short."""
        given: list[Lease] = []
        ahead = member.ahead
        held = len(self.leases.held_by(member.number))
        while held < 2 or (ahead < AHEAD_S * member.rate and held < MOST_HELD):
            lease = self.leases.take(member.number)
            if lease is None:
                break
            given.append(lease)
            held += 1
            ahead += self.setup.tokens[lease.chunk]
        return given

    # Exchanges

    async def exchange_forever(self) -> None:
        due = time.perf_counter() + self.sync_every_s
        while True:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            async with self.turn:
                self.number += 1
                await self.exchange.run(list(self.schedule.parts(self.schedule.due(self.number))))
            due = max(due + self.sync_every_s, time.perf_counter())

    async def exchange_all(self) -> None:
        """All rows: what the nodes have in common is everything that they have trained."""
        await self.exchange.run(list(self.schedule.parts(self.schedule.tiers)))

    async def fetch(self) -> list[np.ndarray]:
        """Both matrices, as the nodes have them in common; TrainingError if no node is left."""
        step, dim = self.recruiter.block_rows, self.setup.config.dim
        matrices = [np.empty((rows, dim), np.float32) for rows in self.matrix_rows]
        for number, matrix in enumerate(matrices):
            for start in range(0, len(matrix), step):
                block = matrix[start : start + step]
                block[:] = await self.fetch_rows(number, start, start + len(block))
        return matrices

    async def fetch_rows(self, matrix: int, start: int, stop: int) -> np.ndarray:
        """Rows from whoever gives them first of all; the same ones, to the bit."""
        while self.members:
            member, alone = self.members[0], len(self.members) == 1
            rows = await self.exchange.ask(member, member.actor.rows.remote(matrix, start, stop, alone), 4 << 20)
            if rows is not None:
                return rows
            if self.members and self.members[0] is member:  # it lives, but the rows did not come
                await asyncio.sleep(LOOK_S)
        raise TrainingError("--cluster: all nodes are gone; the model went with them")

    # What is told

    def progress(self) -> ClusterProgress:
        sums, shown = self.ledger.totals, self._shown
        examples = sums.examples - shown[0].examples
        if examples > 0:
            self._shown = (sums, (sums.loss - shown[0].loss) / examples)
        seconds = time.perf_counter() - self.started
        config = self.setup.config
        return ClusterProgress(
            epoch=min(self.leases.epoch + 1, config.epochs), epochs=config.epochs, tokens_done=self.tokens,
            tokens_total=self.tokens_total,
            words_per_s=(self.tokens - self.tokens_before) / max(seconds, 1e-9),
            lr=config.lr_at(self.tokens, self.tokens_total) * self.lr_scale, loss=self._shown[1], seconds=seconds,
            nodes=rates(self.members), bytes_exchanged=self.exchange.bytes,
        )


async def end(tasks: set[asyncio.Task[None]]) -> None:
    running = list(tasks)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


def lr_scale(nodes: int, combine: str) -> float:
    """How many times its value alone the learning rate is with so many nodes."""
    return float(min(max(1, nodes) ** LR_POWER.get(combine, 0.0), MOST_LR_SCALE))


def rates(members: Iterable[Member]) -> tuple[NodeRate, ...]:
    return tuple(NodeRate(member.name, member.rate) for member in members)
