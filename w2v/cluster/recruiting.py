"""Nodes of the Ray cluster that become members of a training: an actor on each, its replica, the common model."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from w2v.cluster.members import Member
from w2v.cluster.node import Node
from w2v.cluster.patience import Gone, Patience, expect, limit_s
from w2v.errors import TrainingError, W2VError

if TYPE_CHECKING:
    from w2v.cluster.coordinator import Coordinator

__all__ = ["Recruiter"]

RECRUIT_S = 1.0  # between two looks for new nodes
GREET_S = 120.0  # a node has so long to build its replica,
BUILD_BYTES_S = 100 << 20  # and a second more for so many bytes of it
CONCURRENCY = 8  # calls of one actor at a time: work, and steps of an exchange
BLOCK_BYTES = 64 << 20
DEATHS = 3  # of actors on one Ray node, then it is left alone


class Recruiter:
    """Looks for nodes that have no actor, and brings them in. `welcome` is given each new member."""

    def __init__(self, coordinator: Coordinator, welcome: Callable[[Member], Any]):
        self.run, self.ray, self.welcome = coordinator, coordinator.ray, welcome
        self.actor = self.ray.remote(Node)
        self.setup_ref = self.ray.put(coordinator.setup)
        self.hired = 0  # actors so far
        self.hiring: set[str] = set()  # Ray nodes on which an actor is being built
        self.seats: dict[str, int] = {}  # Ray node -> actors that died there
        self.block_rows = max(1, BLOCK_BYTES // (4 * coordinator.setup.config.dim))

    async def begin(self) -> None:
        """The first members, on all nodes that there are; TrainingError if there are none.

        Those that take much longer than the first one are brought in later: Ray may not know yet that a node is dead.
        """
        while not self.run.head.answers():
            await asyncio.sleep(RECRUIT_S)
        run, begun, patience = self.run, time.monotonic(), Patience(math.inf)
        hires = {asyncio.ensure_future(self.hire(node)): node for node in self.free_nodes()}
        self.hiring |= {node["NodeID"] for node in hires.values()}
        new: list[Member] = []
        try:
            while hires and not patience.over:
                for hire in await patience.wait(hires):
                    self.hiring.discard(hires.pop(hire)["NodeID"])
                    if hire.result() is not None:
                        new.append(hire.result())
                        patience = Patience(limit_s() + time.monotonic() - begun)
        finally:
            for hire, node in hires.items():
                run.spawn(self.bring_in(node, hire))
        new.sort(key=lambda member: member.number)
        for member in new:  # all have the same values from the seed
            if (run.model is None or await self.send_model(member)) and await self.start(member, len(new) > 1):
                self.welcome(member)
        if not run.members:
            raise run.error or TrainingError("--cluster: no node has a CPU that is free")

    async def forever(self) -> None:
        """Bring in nodes that join later, or whose actor has died, each beside the others: one may take long."""
        while True:
            await asyncio.sleep(RECRUIT_S)
            for node in self.free_nodes():
                self.run.spawn(self.bring_in(node, self.hire(node)))

    def free_nodes(self) -> list[dict[str, Any]]:
        taken = {member.node_id for member in self.run.members} | self.hiring
        return [
            node for node in self.nodes()
            if node["NodeID"] not in taken and node["Resources"].get("CPU", 0) >= 1
            and self.seats.get(node["NodeID"], 0) < DEATHS
        ]

    def nodes(self) -> list[dict[str, Any]]:
        """The living nodes as Ray knows them; none where its head node does not answer: Ray would wait for it."""
        return [node for node in self.ray.nodes() if node["Alive"]] if self.run.head.answers() else []

    async def bring_in(self, node: dict[str, Any], hire: Awaitable[Member | None]) -> None:
        """Hire while exchanges go on; then, between two of them, give it the model as it is."""
        self.hiring.add(node["NodeID"])
        try:
            if (member := await hire) is not None:
                await self.admit(member)
        finally:
            self.hiring.discard(node["NodeID"])

    async def admit(self, member: Member) -> None:
        try:
            async with self.run.turn:
                if await self.copy_model(member) and await self.start(member, True):
                    self.welcome(member)
                    self.run.tell(f"node {member.name} joins, with {member.greeting.threads} threads")
                    return
            self.run.lose(member, Gone("the model did not reach it"))
        except BaseException:
            self.ray.kill(member.actor)
            raise

    async def hire(self, node: dict[str, Any]) -> Member | None:
        """An actor that has built its replica; None if that failed."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        cpus = int(node["Resources"]["CPU"])
        threads = min(self.run.threads or cpus, cpus)
        first_worker, self.run.workers = self.run.workers, self.run.workers + threads
        actor = self.actor.options(
            num_cpus=threads, max_concurrency=CONCURRENCY, max_restarts=0,
            scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False),
        ).remote()
        self.hired += 1
        number = self.hired
        try:
            greeting = await self.greeting(actor.load.remote(self.setup_ref, threads, first_worker))
        except (Gone, W2VError, OSError) as error:
            self.ray.kill(actor)
            if isinstance(error, (W2VError, OSError)):
                self.run.error = self.run.error or (error if not self.run.members else None)
            self.refuse(node, error)
            return None
        except BaseException:
            self.ray.kill(actor)
            raise
        return Member(number, node["NodeID"], actor, greeting)

    async def greeting(self, reference: Any) -> Any:
        """What a new actor says when its replica is built."""
        size = sum(self.run.matrix_rows) * self.run.setup.config.dim * 4
        call, patience = expect(reference), Patience(GREET_S + size / BUILD_BYTES_S)
        while not await patience.wait([call]):
            if patience.over:
                raise Gone("it does not answer")
        return call.result()

    def refuse(self, node: dict[str, Any], error: Exception) -> None:
        """Leave a node alone after some failures; one that Ray takes for dead by now needs no word."""
        self.seats[node["NodeID"]] = self.seats.get(node["NodeID"], 0) + 1
        if any(other["NodeID"] == node["NodeID"] for other in self.nodes()):
            self.run.tell(f"node {node['NodeManagerAddress']} cannot take part: {error}")

    async def start(self, member: Member, share: bool) -> bool:
        await self.run.exchange.ask(member, member.actor.start.remote(share))
        return member.alive

    async def copy_model(self, member: Member) -> bool:
        """The common state from the other members; from one that has been alone, all that it has trained."""
        donors = list(self.run.members)
        if len(donors) == 1:
            await self.run.exchange.ask(donors[0], donors[0].actor.settle.remote(self.run.exchange.stamp()))
        for start in range(0, max(self.run.matrix_rows), self.block_rows):
            donors = list(self.run.members)
            if not await self.run.exchange.hand_over(donors, member, start, start + self.block_rows):
                return False
        return True

    async def send_model(self, member: Member) -> bool:
        """The model of a checkpoint."""
        assert self.run.model is not None
        stamp = self.run.exchange.stamp()
        for matrix, rows in enumerate(self.run.model):
            for start in range(0, len(rows), self.block_rows):
                block = rows[start : start + self.block_rows]
                call = member.actor.adopt.remote(stamp, matrix, start, block)
                if not await self.run.exchange.ask(member, call, block.nbytes):
                    return False
        return True
