"""The nodes of the Ray cluster that take part in a training: an actor on each, its replica, the common model."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

import numpy as np

from w2v.cluster.exchange import Exchange
from w2v.cluster.members import Deadline, Member, NodeLost, expect, limit_s
from w2v.cluster.node import Greeting, Node, Setup
from w2v.cluster.session import Head
from w2v.errors import TrainingError, W2VError, reason, setting

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrices = list[NDArray[np.float32]]

__all__ = ["NodeManager"]

LOOK_S = 1.0  # between two looks for new nodes
RETRY_S = 0.1
BUILD_S = 120.0  # that a node has to build its replica,
BUILD_BYTES_S = 100 << 20  # and a second more for each so many bytes of it
CONCURRENCY = 8  # calls of one actor at a time: work, and steps of an exchange
BLOCK_BYTES = 64 << 20
MOST_FAILURES = 3  # of actors on one Ray node, then it is left alone


class NodeManager:
    """Starts actors, brings them in as members with the model as it is, and takes out those that are lost.

    `on_join` is called with each new member that has the model, `on_loss` with each that is gone, and why. `model` are
    the rows of both matrices to begin with, those of a checkpoint; `threads` each node's, None for all of its CPUs;
    `workers` the number of workers that earlier runs have used. `spawn` runs a coroutine whose error ends the training.
    """

    def __init__(
        self,
        ray: Any,
        setup: Setup,
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        *,
        threads: int | None,
        model: Matrices | None,
        workers: int,
        on_join: Callable[[Member], object],
        on_loss: Callable[[Member, NodeLost], object],
        tell: Callable[[str], object],
    ):
        self.ray, self.setup, self.spawn, self.threads, self.model = ray, setup, spawn, threads, model
        self.workers, self.on_join, self.on_loss, self.tell = workers, on_join, on_loss, tell
        self.head = Head(ray)
        self.members: list[Member] = []
        self.lost: list[Member] = []
        rows = len(setup.vocab)
        self.matrix_rows = (rows, rows - (setup.config.loss == "hs"))
        self.block_rows = max(1, BLOCK_BYTES // (4 * setup.config.dim))
        self.exchange = Exchange(lambda: list(self.members), self.lose, self.matrix_rows, setup.config.dim)
        self.actor = ray.remote(Node)
        self.setup_ref = ray.put(setup)
        self.started = 0  # actors so far
        self.starting: set[str] = set()  # Ray nodes on which an actor is being built
        self.failures: dict[str, int] = {}  # Ray node -> actors that failed there

    async def begin(self) -> None:
        """The first members, on all nodes that there are; TrainingError if there are none.

        Those that take much longer than the first one are brought in later: Ray may not know yet that a node is dead.
        """
        while not self.head.answers():
            await asyncio.sleep(LOOK_S)
        begun, deadline, new = time.monotonic(), Deadline(math.inf), list[Member]()
        starts: dict[asyncio.Future[Any], dict[str, Any]] = {
            asyncio.ensure_future(self.start_node(node)): node for node in self.free_nodes()
        }
        self.starting |= {node["NodeID"] for node in starts.values()}
        try:
            while starts and not deadline.passed:
                for start in await deadline.wait(starts):
                    node = starts.pop(start)
                    self.starting.discard(node["NodeID"])
                    try:
                        new.append(start.result())
                        deadline = Deadline(limit_s() + time.monotonic() - begun)
                    except NodeLost as error:
                        self.failed(node, error)
        finally:
            for start, node in starts.items():
                self.spawn(self.bring_in(node, start))
        new.sort(key=lambda member: member.number)
        for member in new:  # all have the same values from the seed
            if (self.model is None or await self.send_model(member)) and await self.start(member, len(new) > 1):
                self.join(member)
        if not self.members:
            raise TrainingError(f"{setting('cluster')}: no node has a CPU that is free")

    async def forever(self) -> None:
        """Bring in nodes that join later, or whose actor has died, each beside the others: one may take long."""
        while True:
            await asyncio.sleep(LOOK_S)
            for node in self.free_nodes():
                self.spawn(self.bring_in(node, self.start_node(node)))

    def nodes(self) -> list[dict[str, Any]]:
        """The living nodes as Ray knows them; none where its head node does not answer: Ray would wait for it."""
        return [node for node in self.ray.nodes() if node["Alive"]] if self.head.answers() else []

    def free_nodes(self) -> list[dict[str, Any]]:
        """Those that could have an actor."""
        taken = {member.node_id for member in self.members} | self.starting
        return [
            node
            for node in self.nodes()
            if node["NodeID"] not in taken
            and node["Resources"].get("CPU", 0) >= 1
            and self.failures.get(node["NodeID"], 0) < MOST_FAILURES
        ]

    async def start_node(self, node: dict[str, Any]) -> Member:
        """A member whose actor has built its replica. NodeLost; W2VError and OSError are what the actor raised."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        cpus = int(node["Resources"]["CPU"])
        threads = min(self.threads or cpus, cpus)
        first_worker, self.workers = self.workers, self.workers + threads
        actor = self.actor.options(
            num_cpus=threads,
            max_concurrency=CONCURRENCY,
            max_restarts=0,
            scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False),
        ).remote()
        self.started += 1
        number = self.started
        try:
            greeting = await self.greeting(actor.load.remote(self.setup_ref, threads, first_worker))
        except BaseException:
            self.ray.kill(actor)
            raise
        return Member(number, node["NodeID"], actor, greeting)

    async def greeting(self, reference: Awaitable[Any]) -> Greeting:
        """What a new actor answers when its replica is built."""
        size = sum(self.matrix_rows) * self.setup.config.dim * 4
        call, deadline = expect(reference), Deadline(BUILD_S + size / BUILD_BYTES_S)
        while not await deadline.wait([call]):
            if deadline.passed:
                raise NodeLost("it does not answer")
        greeting: Greeting = call.result()
        return greeting

    async def bring_in(self, node: dict[str, Any], start: Awaitable[Member]) -> None:
        """Start a node while exchanges go on; then, between two of them, give it the model as it is."""
        self.starting.add(node["NodeID"])
        try:
            await self.admit(await start)
        except (NodeLost, W2VError, OSError) as error:
            self.failed(node, error)
        finally:
            self.starting.discard(node["NodeID"])

    async def admit(self, member: Member) -> None:
        try:
            async with self.exchange.turn:
                if await self.copy_model(member) and await self.start(member, True):
                    self.join(member)
                    self.tell(f"node {member.name} joins, with {member.greeting.threads} threads")
                    return
            self.lose(member, NodeLost("the model did not reach it"))
        except BaseException:
            self.ray.kill(member.actor)
            raise

    def failed(self, node: dict[str, Any], error: Exception) -> None:
        """Count a failure to start; nothing is said of a node that Ray takes for dead by now."""
        self.failures[node["NodeID"]] = self.failures.get(node["NodeID"], 0) + 1
        if any(other["NodeID"] == node["NodeID"] for other in self.nodes()):
            self.tell(f"node {node['NodeManagerAddress']} cannot take part: {reason(error)}")

    def join(self, member: Member) -> None:
        self.members.append(member)
        self.on_join(member)

    def lose(self, member: Member, error: NodeLost) -> None:
        """A member is dead, or as good as dead: what it still answers is ignored.

        Its actor is ended, so that another one can take its place, on its node if that lives.
        """
        if not member.alive:
            return
        member.alive = False
        member.end.set_result(None)
        self.failures[member.node_id] = self.failures.get(member.node_id, 0) + 1
        self.ray.kill(member.actor)
        if member not in self.members:
            self.tell(f"node {member.name} cannot take part: {error}")
            return
        self.members.remove(member)
        self.lost.append(member)
        self.on_loss(member, error)

    # The model

    async def start(self, member: Member, share: bool) -> bool:
        await self.exchange.ask(member, member.actor.start.remote(share))
        return member.alive

    async def copy_model(self, member: Member) -> bool:
        """The common state from the other members; from one that has been alone, all that it has trained."""
        donors = list(self.members)
        if len(donors) == 1:
            await self.exchange.ask(donors[0], donors[0].actor.settle.remote(self.exchange.stamp()))
        for start in range(0, max(self.matrix_rows), self.block_rows):
            donors = list(self.members)
            if not await self.exchange.hand_over(donors, member, start, start + self.block_rows):
                return False
        return True

    async def send_model(self, member: Member) -> bool:
        """The model of a checkpoint."""
        stamp = self.exchange.stamp()
        for matrix, rows in enumerate(self.model or ()):
            for start in range(0, len(rows), self.block_rows):
                block = rows[start : start + self.block_rows]
                call = member.actor.adopt.remote(stamp, matrix, start, block)
                if not await self.exchange.ask(member, call, block.nbytes):
                    return False
        return True

    async def fetch(self) -> Matrices:
        """Both matrices, as the nodes have them in common; TrainingError if no node is left."""
        matrices = [np.empty((rows, self.setup.config.dim), np.float32) for rows in self.matrix_rows]
        for number, matrix in enumerate(matrices):
            for start in range(0, len(matrix), self.block_rows):
                block = matrix[start : start + self.block_rows]
                block[:] = await self.fetch_rows(number, start, start + len(block))
        return matrices

    async def fetch_rows(self, matrix: int, start: int, stop: int) -> NDArray[np.float32]:
        """Rows of the first member that gives them; they are the same ones, to the bit, on all."""
        while self.members:
            member, alone = self.members[0], len(self.members) == 1
            call = member.actor.rows.remote(matrix, start, stop, alone)
            rows: NDArray[np.float32] | None = await self.exchange.ask(member, call, BLOCK_BYTES)
            if rows is not None:
                return rows
            if self.members and self.members[0] is member:  # it lives, but the rows did not come
                await asyncio.sleep(RETRY_S)
        raise self.all_lost()

    @staticmethod
    def all_lost() -> TrainingError:
        return TrainingError(f"{setting('cluster')}: all nodes are lost, and the model with them")
