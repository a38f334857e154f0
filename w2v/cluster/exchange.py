"""One exchange among the nodes: changes collected, combined by the owners of the rows, put in everywhere.

Each node owns an equal share of the rows of an exchange. It gets all others' changes of these and sends them the
result, from node to node through Ray's object store; the coordinator sees no rows. Training goes on meanwhile.

A node that is lost on the way ends the attempt, and the others try again among themselves. Until results are put in,
nothing has changed anywhere. After that some nodes may have them and others not: these get the rows from those. Every
call that changes a node has a number, and a node refuses one that is lower than the last that it has seen: a call that
was given up may still arrive.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from w2v.cluster.members import Deadline, Member, NodeLost, expect, limit_s
from w2v.cluster.synced_rows import Part, row_bytes

__all__ = ["Exchange"]

ATTEMPTS = 5
FORGET = 0.9  # of the longest step, at each step


class Exchange:
    """Exchanges among `members()`. `lose` is called for a member that does not answer.

    `matrix_rows` are the numbers of rows of both matrices, `dim` their length; `bytes` is what has gone from node to
    node. What changes nodes holds `turn`: exchanges, joining and checkpoints, one at a time.
    """

    def __init__(
        self,
        members: Callable[[], list[Member]],
        lose: Callable[[Member, NodeLost], None],
        matrix_rows: Sequence[int],
        dim: int,
    ):
        self.members, self.lose = members, lose
        self.matrix_rows, self.dim = tuple(matrix_rows), dim
        self.bytes = 0
        self.rounds = 0
        self.turn = asyncio.Lock()
        self.usual_s = 0.0  # the longest of the recent steps
        self._stamp = 0

    async def run(self, parts: Sequence[Part]) -> None:
        """One exchange of these parts, one after the other, so that the memory it takes is bounded."""
        if len(self.members()) < 2:
            return
        for part in parts:
            await self.exchange(part)
        self.rounds += 1

    async def exchange(self, part: Part) -> None:
        for _ in range(ATTEMPTS):
            members = self.members()
            if len(members) < 2 or await self.attempt(part, members):
                return

    async def attempt(self, part: Part, members: list[Member]) -> bool:
        """Whether all have the results, or else one was lost, or something that it held, and nobody has them."""
        stamp, owners = self.stamp(), len(members)
        calls = {m: m.actor.collect.options(num_returns=owners + 1).remote(stamp, part, owners) for m in members}
        if not await self.step(part, {m: call[0] for m, call in calls.items()}):
            return False
        combined = {}
        for share, owner in enumerate(members):
            given = [call[share + 1] for call in calls.values()]
            combined[owner] = owner.actor.combine.options(num_returns=2).remote(*given)
        first = {m: call[1] for m, call in calls.items()}
        if not await self.step(part, {m: call[0] for m, call in combined.items()}, first):
            return False
        results = {m: call[1] for m, call in combined.items()}
        put = {m: m.actor.apply.remote(stamp, part, *results.values()) for m in members}
        self.bytes += 2 * (owners - 1) * self.part_bytes(part)
        return await self.step(part, put, results) or await self.repair(stamp, part, members)

    def stamp(self) -> int:
        """The number of what is done next."""
        self._stamp += 1
        return self._stamp

    # Waiting

    async def step(
        self, part: Part, calls: dict[Member, Awaitable[Any]], held: dict[Member, Awaitable[Any]] | None = None
    ) -> bool:
        """Wait until all have answered; False as soon as one of them is lost, or something that it held.

        `held`: something that each of them must send others for that.
        """
        begun = time.monotonic()
        waiting: dict[asyncio.Future[Any], Member] = {expect(call): member for member, call in calls.items()}
        limit = limit_s(self.usual_s, self.part_bytes(part))
        deadline = self.deadline(limit)
        while waiting:
            for call in await deadline.wait([*waiting, *(member.end for member in calls)]):
                try:
                    call.result()
                except NodeLost:
                    await asyncio.gather(*(self.check_alive(member) for member in calls))
                    return False
                waiting.pop(call, None)
            if not all(member.alive for member in calls):
                return False
            if deadline.passed:
                if await self.lose_late(set(waiting.values()), held or {}, calls):
                    return False
                limit *= 2
                deadline = self.deadline(limit)
        self.usual_s = max(time.monotonic() - begun, self.usual_s * FORGET)
        return True

    def deadline(self, limit: float, member: Member | None = None) -> Deadline:
        """For an answer of this member; the last one that there is may take as long as it likes."""

        def others_answer(since: float) -> bool:
            members = self.members()
            return not members or any(m.heard > since for m in members if m is not member)

        return Deadline(limit, others_answer)

    async def lose_late(self, late: set[Member], held: dict[Member, Any], members: dict[Member, Any]) -> bool:
        """Lose those that keep the others waiting; False if all of them are slow.

        First those whose objects cannot be fetched, then those that do not answer although they could.
        """
        there = await asyncio.gather(*(self.can_fetch(thing) for thing in held.values()))
        silent = {member for member, there in zip(held, there, strict=True) if not there}
        lost = silent if silent and len(silent) < len(held) else late
        if len(lost) == len(members):
            return False
        for member in lost:
            self.lose(member, NodeLost("an exchange waited for it in vain"))
        return True

    async def can_fetch(self, thing: Any) -> bool:
        """Whether an object can be fetched."""
        call, deadline = expect(thing), self.deadline(limit_s())
        while not await deadline.wait([call]):
            if deadline.passed:
                return False
        return call.exception() is None

    async def ask(self, member: Member, reference: Awaitable[Any], size: int = 0, donor: Member | None = None) -> Any:
        """What a call returns; None if it fails, and the member is lost unless it was the donor's fault."""
        call, deadline = expect(reference), self.deadline(limit_s(self.usual_s, size), member)
        ends = [member.end, *([donor.end] if donor else [])]
        while member.end not in (done := await deadline.wait([call, *ends])):
            if call in done:
                try:
                    return call.result()
                except NodeLost:
                    await asyncio.gather(*(self.check_alive(m) for m in (member, donor) if m))
                    return None
            if done:
                return None
            if deadline.passed:
                self.lose(member, NodeLost(f"it has not answered for {deadline.limit_s:.0f} s"))
        return None

    async def check_alive(self, member: Member) -> None:
        """Lose a member that does not answer any more."""
        call, deadline = expect(member.actor.greet.remote()), self.deadline(limit_s(), member)
        while member.alive and not await deadline.wait([call, member.end]):
            if deadline.passed:
                self.lose(member, NodeLost(f"it has not answered for {deadline.limit_s:.0f} s"))
        if member.alive and isinstance(error := call.exception(), NodeLost):
            self.lose(member, error)

    # Repair

    async def repair(self, stamp: int, part: Part, members: list[Member]) -> bool:
        """Give the results to those that have not put them in; False if nobody has."""
        closing = self.stamp()
        living = [member for member in members if member.alive]
        last = await asyncio.gather(*(self.ask(m, m.actor.close.remote(closing)) for m in living))
        have = [m for m, seen in zip(living, last, strict=True) if seen == stamp]
        if not have:
            return False
        for member in (m for m in living if m not in have and m.alive):
            if await self.hand_over(have, member, part.first, part.stop):
                have.append(member)
            elif len(self.members()) > 1:
                self.lose(member, NodeLost("the rows of an exchange did not reach it"))
        return any(member.alive for member in have)

    async def hand_over(self, donors: Sequence[Member], member: Member, first: int, stop: int) -> bool:
        """The common state of these rows to a member, from the first of the donors that can."""
        for donor in donors:
            if donor.alive and member.alive and await self.copy_rows(donor, member, first, stop):
                return True
        return False

    async def copy_rows(self, donor: Member, member: Member, first: int, stop: int) -> bool:
        """The common state of these rows from one member to another; False if one of them is lost."""
        stamp = self.stamp()
        for matrix, rows in enumerate(self.matrix_rows):
            if first < rows:
                size = (min(stop, rows) - first) * self.dim * 4
                receipt, block = donor.actor.give.options(num_returns=2).remote(matrix, first, min(stop, rows))
                if not await self.ask(donor, receipt, size):
                    return False
                if not await self.ask(member, member.actor.adopt.remote(stamp, matrix, first, block), size, donor):
                    return False
                self.bytes += size
        return True

    def part_bytes(self, part: Part) -> int:
        """Bytes of a part's rows of both matrices, packed."""
        count = sum(max(0, min(part.stop, rows) - min(part.first, rows)) for rows in self.matrix_rows)
        return count * row_bytes(self.dim)
