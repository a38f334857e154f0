"""The loop that drives a training on a cluster: nodes that come and go, leases, exchanges, checkpoints, progress.

It runs in the process of the command, on asyncio: each node has a call open that comes back when a chunk is trained.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from w2v.cluster.members import Deadline, Member, NodeLost, expect, limit_s
from w2v.cluster.node_manager import NodeManager
from w2v.cluster.session import HeadLost
from w2v.training.progress import Progress, TrainingStopped
from w2v.training.state import Totals

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from w2v.cluster.leases import Lease, Leases, Ledger
    from w2v.cluster.node import Report, Setup
    from w2v.cluster.synced_rows import Schedule

__all__ = ["ClusterProgress", "Coordinator", "NodeRate", "lr_scale"]

LOOK_S = 0.1  # between two looks at the whole
AHEAD_S = 0.6  # of work that a node holds
MOST_HELD = 64
SWEEP = 1 << 30  # bytes/s; a node that works on its whole model may be silent for so long
# The learning rate grows with the number n of nodes: an average of n changes gets no farther than one of them, and has
# less noise. By which power of n was measured for each combiner (docs/cluster.md); a larger scale costs accuracy.
LR_POWER = {"settling": 0.5, "touched": 1.0, "mean": 1.0}
MOST_LR_SCALE = 4.0


@dataclass(frozen=True)
class NodeRate:
    """One node's speed."""

    name: str
    words_per_s: float


@dataclass(frozen=True)
class ClusterProgress(Progress):
    """How far the training is; words_per_s and loss are of all nodes together."""

    nodes: tuple[NodeRate, ...] = ()
    bytes_exchanged: int = 0


class Coordinator:
    """Trains `setup` on all nodes of the cluster until every lease is done.

    `model` are rows of both matrices to begin with, of a checkpoint, whose run has used `workers` workers. `threads` on
    each node, None for all its CPUs. `tell` gets a line when a node joins or is lost.
    """

    def __init__(
        self,
        ray: Any,
        setup: Setup,
        leases: Leases,
        ledger: Ledger,
        schedule: Schedule,
        *,
        sync_every_s: float,
        threads: int | None = None,
        model: list[NDArray[np.float32]] | None = None,
        workers: int = 0,
        tell: Callable[[str], object] = lambda _: None,
    ):
        self.ray, self.setup, self.leases, self.ledger, self.schedule = ray, setup, leases, ledger, schedule
        self.sync_every_s, self.tell = sync_every_s, tell
        self.nodes = NodeManager(
            ray,
            setup,
            self.spawn,
            threads=threads,
            model=model,
            workers=workers,
            on_join=self.on_join,
            on_loss=self.on_loss,
            tell=tell,
        )
        self.exchange, self.members = self.nodes.exchange, self.nodes.members
        self.tokens_before = ledger.totals.tokens
        self.tokens_total = setup.kept * setup.config.epochs
        self.error: BaseException | None = None
        self.number = 0  # of the exchange
        self.started = time.perf_counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._serving: set[asyncio.Task[None]] = set()  # until the model is fetched: they show which nodes still answer
        self._shown = (Totals(), 0.0)

    # The run

    async def run(self, look: Callable[[], object], should_stop: Callable[[], bool]) -> None:
        """Train to the end; `look` is called ten times a second.

        TrainingStopped if `should_stop` says so, HeadLost if the head node is gone. All threads are at rest then, and
        what they have done is brought together, if there were members by then.
        """
        try:
            begun = self.spawn(self.nodes.begin())
            await self.until(begun.done, should_stop)
            begun.result()
            self.started = time.perf_counter()
            self.spawn(self.nodes.forever())
            self.spawn(self.exchange_forever())
            try:
                await self.until(lambda: self.leases.over, should_stop, look)
            except (TrainingStopped, HeadLost):
                await self.halt()
                raise
            async with self.exchange.turn:
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
            self.nodes.head.check()
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

    async def halt(self) -> None:
        """Stop all threads, and bring what they have done together."""
        await asyncio.gather(*(self.exchange.ask(m, m.actor.halt.remote()) for m in self.members))
        async with self.exchange.turn:
            await self.exchange_all()

    async def close(self) -> None:
        """End the actors: their CPUs and their memory are free for others."""
        await end(self._serving)
        for member in self.members:
            self.ray.kill(member.actor)

    # Members

    def on_join(self, member: Member) -> None:
        self.spawn(self.serve(member), self._serving)

    def on_loss(self, member: Member, error: NodeLost) -> None:
        """What it held is given to others."""
        back = self.leases.lose(member.number)
        self.tell(f"node {member.name} is lost ({error}); {len(back)} chunks go back to the queue")
        if not self.members:
            self.error = self.error or self.nodes.all_lost()

    # Work

    def done(self) -> tuple[list[Lease], Ledger]:
        """Leases that are done now, and what was trained in them."""
        return sorted(self.leases.done), self.ledger.copy()

    @property
    def tokens(self) -> int:
        """Trained so far, in chunks that are finished or being trained."""
        lost = sum(member.done_tokens for member in self.nodes.lost)
        return self.tokens_before + lost + sum(member.tokens for member in self.members)

    @property
    def seconds(self) -> float:
        """Since the nodes were ready."""
        return time.perf_counter() - self.started

    @property
    def share(self) -> float:
        """Of the run, that is done."""
        return min(1.0, self.tokens / max(1, self.tokens_total))

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
        except NodeLost as error:
            self.nodes.lose(member, error)

    async def report(self, member: Member, reference: Any, wait_s: float) -> Report | None:
        """What a member answers, None if it is lost meanwhile; NodeLost if it does not answer while others do."""

        def others_answer(since: float) -> bool:
            return any(m.heard > since for m in self.members if m is not member)

        model = sum(self.nodes.matrix_rows) * self.setup.config.dim * 4
        deadline = Deadline(limit_s(member.usual_s) + wait_s + model / SWEEP, others_answer)
        call, begun = expect(reference), time.monotonic()
        while call not in await deadline.wait([call, member.end]):
            if not member.alive:
                return None
            if deadline.passed:
                raise NodeLost(f"it has not answered for {deadline.limit_s:.0f} s")
        report: Report = call.result()
        if not member.alive:
            return None
        member.take(report, max(0.0, time.monotonic() - begun - wait_s))
        return report

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
            async with self.exchange.turn:
                self.number += 1
                await self.exchange.run(list(self.schedule.parts(self.schedule.due(self.number))))
            due = max(due + self.sync_every_s, time.perf_counter())

    async def exchange_all(self) -> None:
        """All rows: what the nodes have in common is everything that they have trained."""
        await self.exchange.run(list(self.schedule.parts(self.schedule.tiers)))

    # Progress

    def progress(self) -> ClusterProgress:
        sums, shown = self.ledger.totals, self._shown
        examples = sums.examples - shown[0].examples
        if examples > 0:
            self._shown = (sums, (sums.loss - shown[0].loss) / examples)
        seconds, config = self.seconds, self.setup.config
        return ClusterProgress(
            epoch=min(self.leases.epoch + 1, config.epochs),
            epochs=config.epochs,
            tokens_done=self.tokens,
            tokens_total=self.tokens_total,
            examples=self._shown[0].examples,
            words_per_s=(self.tokens - self.tokens_before) / max(seconds, 1e-9),
            lr=config.lr_at(self.tokens, self.tokens_total) * self.lr_scale,
            loss=self._shown[1],
            seconds=seconds,
            nodes=tuple(NodeRate(member.name, member.rate) for member in self.members),
            bytes_exchanged=self.exchange.bytes,
        )


async def end(tasks: set[asyncio.Task[None]]) -> None:
    running = list(tasks)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


def lr_scale(nodes: int, combine: str) -> float:
    """How many times the learning rate of one node alone is taken on each of `nodes`."""
    return float(min(max(1, nodes) ** LR_POWER.get(combine, 0.0), MOST_LR_SCALE))
