"""The loop that drives a training on a cluster: nodes that come and go, leases, exchanges, checkpoints, progress.

It runs in the process of the command, on asyncio: each node has a call open that comes back when a chunk is trained.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from w2v.cluster.exchange import Exchange
from w2v.cluster.leases import Lease, Leases
from w2v.cluster.members import Gone, Member, answer
from w2v.cluster.node import Done, Node, Setup
from w2v.cluster.progress import ClusterProgress, NodeRate
from w2v.cluster.schedule import Schedule
from w2v.corpus.encoded import Books
from w2v.errors import TrainingError, W2VError
from w2v.training.progress import Totals, TrainingStopped

__all__ = ["Coordinator", "Ledger"]

LOOK_S = 0.1  # between two looks at the whole
RECRUIT_S = 1.0  # between two looks for new nodes
GREET_S = 120.0  # a node has so long to build its replica
AHEAD_S = 0.6  # of work that a node holds
MOST_HELD = 64
CONCURRENCY = 8  # calls of one actor at a time: work, and steps of an exchange
BLOCK_BYTES = 64 << 20
# The learning rate grows with the number of nodes up to so many times; past that it costs accuracy (docs/cluster.md).
MOST_LR_SCALE = {"touched": 4, "mean": 4}
DEATHS = 3  # of actors on one Ray node, then it is left alone


@dataclass
class Ledger:
    """What has been trained, in finished chunks; the books of the run."""

    totals: Totals = field(default_factory=Totals)
    epochs: dict[int, Totals] = field(default_factory=dict)
    chunks: dict[int, Books] = field(default_factory=dict)

    def enter(self, done: Done) -> None:
        self.totals += done.totals
        self.epochs[done.lease.epoch] = self.epochs.get(done.lease.epoch, Totals()) + done.totals
        if done.books is not None:
            self.chunks.setdefault(done.lease.chunk, done.books)

    def copy(self) -> Ledger:
        return Ledger(self.totals, dict(self.epochs), dict(self.chunks))

    def losses(self) -> list[float]:
        return [sums.loss / max(1, sums.examples) for _, sums in sorted(self.epochs.items())]


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
        self.members: list[Member] = []
        self.lost: list[Member] = []
        self.hired = 0  # actors so far
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
        self.seats: dict[str, int] = {}  # Ray node -> actors that died there
        self.started = time.perf_counter()
        self._tasks: set[asyncio.Task] = set()
        self._shown = (Totals(), 0.0)

    # The run

    async def run(self, look: Callable[[Coordinator], bool]) -> None:
        """Train to the end. `look` is called ten times a second, and says whether to stop: then TrainingStopped."""
        self.actor = self.ray.remote(Node)
        self.setup_ref = self.ray.put(self.setup)
        try:
            await self.recruit()
            if not self.members:
                raise self.error or TrainingError("--cluster: no node has a CPU that is free")
            self.started = time.perf_counter()
            self.spawn(self.recruit_forever())
            self.spawn(self.exchange_forever())
            while not self.leases.over:
                await asyncio.sleep(LOOK_S)
                if self.error is not None:
                    raise self.error
                if look(self):
                    await self.halt()
                    raise TrainingStopped
            async with self.turn:
                await self.exchange_all()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def spawn(self, work: Any) -> None:
        """Run a coroutine beside the others; its error ends the run."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)

        def ended(task: asyncio.Task) -> None:
            self._tasks.discard(task)
            if not task.cancelled() and task.exception() is not None:
                self.error = self.error or task.exception()

        task.add_done_callback(ended)

    def close(self) -> None:
        """End the actors: their CPUs and their memory are free for others."""
        for member in self.members:
            self.ray.kill(member.actor)

    async def halt(self) -> None:
        """Stop all threads, and bring what they have done together."""
        await asyncio.gather(*(self.exchange.settle(m, m.actor.halt.remote()) for m in self.members))
        async with self.turn:
            await self.exchange_all()

    # Members

    async def recruit_forever(self) -> None:
        while True:
            await asyncio.sleep(RECRUIT_S)
            if not self.members and not any(node["Alive"] for node in self.ray.nodes()):
                raise TrainingError("--cluster: all nodes are gone")
            async with self.turn:
                await self.recruit()

    async def recruit(self) -> None:
        """An actor on each node of the cluster that has none."""
        taken = {member.node_id for member in self.members}
        free = [
            node for node in self.ray.nodes()
            if node["Alive"] and node["NodeID"] not in taken and node["Resources"].get("CPU", 0) >= 1
            and self.seats.get(node["NodeID"], 0) < DEATHS
        ]
        if not free:
            return
        first = not self.members and not self.lost
        found = await asyncio.gather(*(self.hire(node) for node in free))
        new = [member for member in found if member is not None]
        share = len(new) + len(self.members) > 1
        for member in new:
            if await self.bring_up(member, share, first):
                self.members.append(member)
                self.spawn(self.serve(member))
                if not first:
                    self.tell(f"node {member.name} joins, with {member.greeting.threads} threads")

    async def hire(self, node: dict[str, Any]) -> Member | None:
        """An actor that has built its replica; None if that failed."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        cpus = int(node["Resources"]["CPU"])
        threads = min(self.threads or cpus, cpus)
        first_worker, self.workers = self.workers, self.workers + threads
        actor = self.actor.options(
            num_cpus=threads, max_concurrency=CONCURRENCY, max_restarts=0,
            scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False),
        ).remote()
        self.hired += 1
        number = self.hired
        try:
            call = answer(actor.load.remote(self.setup_ref, threads, first_worker))
            greeting = await asyncio.wait_for(call, GREET_S)
        except (Gone, W2VError, OSError, asyncio.TimeoutError) as error:
            self.seats[node["NodeID"]] = self.seats.get(node["NodeID"], 0) + 1
            self.ray.kill(actor)
            if isinstance(error, (W2VError, OSError)) and not isinstance(error, TimeoutError):
                self.error = self.error or (error if not self.members else None)
            self.tell(f"node {node['NodeManagerAddress']} cannot take part: {error or 'it does not answer'}")
            return None
        return Member(number, node["NodeID"], actor, greeting)

    async def bring_up(self, member: Member, share: bool, first: bool) -> bool:
        """Give a new member the model as it is, and let it begin."""
        if self.model is not None and first:
            if not await self.send_model(member):
                return False
        elif not first:  # nodes that begin together have the same values from the seed
            step = self.block_rows
            for start in range(0, max(self.matrix_rows), step):
                donor = self.members[0]
                if not await self.exchange.copy_rows(donor, member, start, start + step):
                    return False
        return await self.exchange.settle(member, member.actor.start.remote(share))

    async def send_model(self, member: Member) -> bool:
        assert self.model is not None
        for matrix, rows in enumerate(self.model):
            for start in range(0, len(rows), self.block_rows):
                block = rows[start : start + self.block_rows]
                if not await self.exchange.settle(member, member.actor.adopt.remote(matrix, start, block)):
                    return False
        return True

    @property
    def block_rows(self) -> int:
        return max(1, BLOCK_BYTES // (4 * self.setup.config.dim))

    def lose(self, member: Member, error: Gone) -> None:
        """A member is dead: what it held is given to others."""
        if not member.alive:
            return
        member.alive = False
        self.members.remove(member)
        self.lost.append(member)
        self.seats[member.node_id] = self.seats.get(member.node_id, 0) + 1
        back = self.leases.lose(member.number)
        self.ray.kill(member.actor)
        self.tell(f"node {member.name} is lost ({error}); {len(back)} chunks go back to the queue")

    # Work

    @property
    def tokens(self) -> int:
        """Trained so far, in chunks that are finished or being trained."""
        lost = sum(member.done_tokens for member in self.lost)
        return self.tokens_before + lost + sum(member.tokens for member in self.members)

    @property
    def lr_scale(self) -> float:
        """Changes that are averaged over n nodes must be n times as long to get as far as one after the other."""
        return float(min(len(self.members) or 1, MOST_LR_SCALE.get(self.setup.combine, 1)))

    async def serve(self, member: Member) -> None:
        """Keep one member in work."""
        try:
            while member.alive:
                given = self.leases_for(member)
                wait_s = LOOK_S * max(1.0, len(self.members) / 16)
                elsewhere = self.tokens - member.tokens
                report = await answer(member.actor.work.remote(elsewhere, self.lr_scale, given, wait_s))
                member.take(report)
                for done in report.done:
                    if self.leases.finish(member.number, done.lease):
                        self.ledger.enter(done)
                        member.done_tokens += done.totals.tokens
                if report.error is not None:
                    raise report.error
        except Gone as error:
            self.lose(member, error)

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
        while self.members:
            donor = self.members[0]
            try:
                matrices = [np.empty((rows, self.setup.config.dim), np.float32) for rows in self.matrix_rows]
                for number, matrix in enumerate(matrices):
                    for start in range(0, len(matrix), self.block_rows):
                        stop = min(len(matrix), start + self.block_rows)
                        matrix[start:stop] = await answer(donor.actor.rows.remote(number, start, stop))
                return matrices
            except Gone as error:
                self.lose(donor, error)
        raise TrainingError("--cluster: all nodes are gone; the model went with them")

    # What is told

    def progress(self) -> ClusterProgress:
        sums, shown = self.ledger.totals, self._shown
        examples = sums.examples - shown[0].examples
        if examples > 0:
            self._shown = (sums, (sums.loss - shown[0].loss) / examples)
        seconds = time.perf_counter() - self.started
        config = self.setup.config
        share = min(1.0, self.tokens / max(1, self.tokens_total))
        assert config.lr is not None
        assert config.min_lr is not None
        return ClusterProgress(
            epoch=min(self.leases.epoch + 1, config.epochs), epochs=config.epochs, tokens_done=self.tokens,
            tokens_total=self.tokens_total,
            words_per_s=(self.tokens - self.tokens_before) / max(seconds, 1e-9),
            lr=(config.lr + (config.min_lr - config.lr) * share) * self.lr_scale, loss=self._shown[1], seconds=seconds,
            nodes=rates(self.members), bytes_exchanged=self.exchange.bytes,
        )


def rates(members: Iterable[Member]) -> tuple[NodeRate, ...]:
    return tuple(NodeRate(member.name, member.rate) for member in members)
