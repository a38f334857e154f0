"""Who trains which part of the corpus: a queue of leases. What a node holds when it dies goes back to the queue.

Epochs follow each other without a pause: the first part of the next one is handed out while the last part of this one
is still being trained. A node gets the parts whose ids it keeps from an earlier epoch, as far as there are any.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from w2v.training.state import Totals

if TYPE_CHECKING:
    from w2v.corpus.vocab import TokenCounts

__all__ = ["Done", "Lease", "Leases", "Ledger"]


@dataclass(frozen=True, order=True)
class Lease:
    """The right and the duty to train one chunk once."""

    epoch: int  # from 0
    chunk: int


@dataclass(frozen=True)
class Done:
    """A chunk that was trained; its token counts, if it was read for that."""

    lease: Lease
    totals: Totals
    token_counts: TokenCounts | None


@dataclass
class Ledger:
    """What has been trained in finished chunks: in all, in each epoch; and the token counts of each chunk."""

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
        """The mean loss of each epoch, None where nothing was trained."""
        return [sums.loss / sums.examples if sums.examples else None for _, sums in sorted(self.epochs.items())]


class Leases:
    """The queue for `chunks` chunks and `epochs` epochs; nodes are any hashable names.

    `done` are leases that an earlier run has finished.
    """

    def __init__(self, chunks: int, epochs: int, done: Iterable[Lease] = ()):
        self.chunks, self.epochs = chunks, epochs
        self.done: set[Lease] = set(done)
        self.lost = 0  # leases that went back to the queue
        self._waiting = [
            {chunk for chunk in range(chunks) if Lease(epoch, chunk) not in self.done} for epoch in range(epochs)
        ]
        self._held: dict[object, set[Lease]] = {}
        self._keeper: dict[int, object] = {}  # chunk -> the node that has its ids

    @property
    def over(self) -> bool:
        """Whether every lease is done."""
        return len(self.done) == self.chunks * self.epochs

    @property
    def waiting(self) -> int:
        return sum(map(len, self._waiting))

    @property
    def epoch(self) -> int:
        """The first epoch of which something is not done."""
        held = min((lease.epoch for leases in self._held.values() for lease in leases), default=self.epochs)
        return min([held, *(epoch for epoch, chunks in enumerate(self._waiting) if chunks)])

    def held_by(self, node: object) -> set[Lease]:
        return self._held.get(node, set())

    def take(self, node: object) -> Lease | None:
        """The next lease for a node, None when all are given out. With one node: in the order of the corpus."""
        for epoch, chunks in enumerate(self._waiting):
            if chunks:
                lease = Lease(epoch, self._best(chunks, node))
                chunks.remove(lease.chunk)
                self._held.setdefault(node, set()).add(lease)
                self._keeper[lease.chunk] = node
                return lease
        return None

    def _best(self, chunks: set[int], node: object) -> int:
        """The node's own first, then those that nobody keeps, then the last of the node that has the most."""
        mine = [chunk for chunk in chunks if self._keeper.get(chunk) == node]
        if mine:
            return min(mine)
        free = [chunk for chunk in chunks if chunk not in self._keeper]
        if free:
            return min(free)
        kept: dict[object, list[int]] = {}
        for chunk in chunks:
            kept.setdefault(self._keeper[chunk], []).append(chunk)
        most = max(kept.values(), key=len)
        return max(most)

    def finish(self, node: object, lease: Lease) -> bool:
        """The node has trained it; False if it does not hold it: it was given up as dead before."""
        held = self.held_by(node)
        if lease not in held:
            return False
        held.remove(lease)
        self.done.add(lease)
        return True

    def lose(self, node: object) -> Sequence[Lease]:
        """The node is gone: what it held goes back to the queue. Returns that."""
        back = sorted(self._held.pop(node, set()))
        for lease in back:
            self._waiting[lease.epoch].add(lease.chunk)
        self._keeper = {chunk: keeper for chunk, keeper in self._keeper.items() if keeper != node}
        self.lost += len(back)
        return back
