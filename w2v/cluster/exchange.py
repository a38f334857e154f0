"""One exchange among the nodes: changes collected, combined by the owners of the rows, put in everywhere.

Each node owns an equal share of the rows of an exchange. It gets all others' changes of these and sends them the
result, from node to node through Ray's object store; the coordinator sees receipts only. Training goes on meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from w2v.cluster.members import Gone, Member, answer
from w2v.cluster.schedule import SENT_BYTES, Part
from w2v.cluster.shadow import shares

__all__ = ["Exchange"]

ATTEMPTS = 5


class Exchange:
    """Exchanges among `members()`. `lose` is told of a member that does not answer.

    `matrix_rows` are the rows of both matrices, `dim` their length; `bytes` is what has gone from node to node.
    """

    def __init__(
        self, members: Callable[[], list[Member]], lose: Callable[[Member, Gone], None], matrix_rows: Sequence[int],
        dim: int,
    ):
        self.members, self.lose = members, lose
        self.matrix_rows, self.dim = tuple(matrix_rows), dim
        self.bytes = 0
        self.rounds = 0

    async def run(self, parts: Sequence[Part]) -> None:
        """One exchange of these parts, one after the other, so that the memory it takes is bounded."""
        if len(self.members()) < 2:
            return
        for part in parts:
            await self.exchange(part)
        self.rounds += 1

    async def exchange(self, part: Part) -> None:
        members = self.members()
        owners = len(members)
        calls = [member.actor.collect.options(num_returns=owners + 1).remote(part, owners) for member in members]
        receipts = await asyncio.gather(
            *(self.settle(m, call[0]) for m, call in zip(members, calls, strict=True))
        )
        changes = {m: call[1:] for m, call, good in zip(members, calls, receipts, strict=True) if good}
        if changes:
            combined = await asyncio.gather(*(self.combine(part, i, owners, changes) for i in range(owners)))
            if all(combined):
                await self.put(part, [m for m in changes if m.alive], combined)
                return
        await asyncio.gather(*(self.settle(m, m.actor.drop.remote()) for m in self.members()))

    async def settle(self, member: Member, reference: Any) -> bool:
        """Wait for a call; False, and the member is lost, if it does not come back."""
        try:
            await answer(reference)
        except Gone as error:
            if await self.is_dead(member):
                self.lose(member, error)
            return False
        return True

    async def is_dead(self, member: Member) -> bool:
        if not member.alive:
            return True
        try:
            await answer(member.actor.greet.remote())
        except Gone:
            return True
        return False

    async def combine(
        self, part: Part, share: int, owners: int, changes: dict[Member, list[Any]]
    ) -> tuple[Member, Any] | None:
        """(the member that holds the result of this share, the result), whoever dies meanwhile; None if all do."""
        for attempt in range(ATTEMPTS):
            living = [member for member in changes if member.alive]
            if not living:
                return None
            owner = living[(share + attempt) % len(living)]
            given = [changes[member][share] for member in living]
            receipt, result = owner.actor.combine.options(num_returns=2).remote(*given)
            if await self.settle(owner, receipt):
                self.bytes += (len(living) - 1) * self.share_bytes(part, share, owners)
                return owner, result
            for member in living:  # it may have been another one, whose changes are lost
                if await self.is_dead(member) and member.alive:
                    self.lose(member, Gone("it does not answer"))
        return None

    async def put(self, part: Part, members: list[Member], combined: list[tuple[Member, Any]]) -> None:
        """Put the results in on all members; one that misses them gets the rows from one that has them."""
        results = [result for _, result in combined]
        good = await asyncio.gather(*(self.settle(m, m.actor.apply.remote(part, *results)) for m in members))
        for share, (owner, _) in enumerate(combined):
            others = sum(member is not owner for member in members)
            self.bytes += others * self.share_bytes(part, share, len(combined))
        have = [m for m, ok in zip(members, good, strict=True) if ok and m.alive]
        missed = [m for m, ok in zip(members, good, strict=True) if not ok and m.alive]
        if not have:
            await asyncio.gather(*(self.settle(m, m.actor.drop.remote()) for m in missed))
            return
        for member in missed:
            if not await self.copy_rows(have[0], member, part.first, part.stop):
                self.lose(member, Gone("the rows of an exchange did not reach it"))

    async def copy_rows(self, donor: Member, member: Member, first: int, stop: int) -> bool:
        """The common state of these rows from one member to another; False if one of them is lost."""
        for matrix, rows in enumerate(self.matrix_rows):
            if first < rows:
                receipt, block = donor.actor.give.options(num_returns=2).remote(matrix, first, min(stop, rows))
                if not await self.settle(donor, receipt):
                    return False
                if not await self.settle(member, member.actor.adopt.remote(matrix, first, block)):
                    return False
                self.bytes += (min(stop, rows) - first) * self.dim * 4
        return True

    def share_bytes(self, part: Part, share: int, owners: int) -> int:
        """Bytes of one owner's share of a part."""
        first, stop = shares(part, owners)[share]
        return sum(max(0, min(stop, rows) - min(first, rows)) for rows in self.matrix_rows) * self.dim * SENT_BYTES
