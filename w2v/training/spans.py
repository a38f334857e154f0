"""Who trains which part of the corpus: spans of whole sentences, handed out to threads.

Each thread has a home: an equal share of the ids, trained in order. A thread that is done with its own takes spans from
the home with the most left, so all end at about the same time. With one thread the order is that of the corpus.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from w2v.kernel._tables import span_end

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Spans"]


class Spans:
    """Spans of about `size` ids out of `ids` (int32, -1 ends each sentence) for `homes` threads, one epoch."""

    def __init__(self, ids: np.ndarray, size: int, homes: int, state: list[list[int]] | None = None):
        self.ids = ids
        self.size = size
        if state is not None:
            self.left = [list(pair) for pair in state]
            return
        cuts = [0]
        for home in range(1, homes):
            cuts.append(max(cuts[-1], span_end(ids, len(ids) * home // homes, 1)))
        cuts.append(len(ids))
        self.left = [[cuts[i], cuts[i + 1]] for i in range(homes)]

    def take(self, home: int) -> tuple[int, int] | None:
        """The next span (start, stop) for the thread of this home, None when nothing is left. Call it under a lock."""
        place = self.left[home] if home < len(self.left) else [0, 0]  # resumed with more threads than before
        if place[0] >= place[1]:
            place = max(self.left, key=lambda pair: pair[1] - pair[0])
            if place[0] >= place[1]:
                return None
        start = place[0]
        place[0] = min(span_end(self.ids, start, self.size), place[1])
        return start, place[0]

    @property
    def empty(self) -> bool:
        """Whether everything has been taken."""
        return all(start >= stop for start, stop in self.left)

    @property
    def in_hand(self) -> int:
        """Tokens that have been taken and are not trained yet, while no thread is at work."""
        return 0

    def state(self) -> list[list[int]]:
        """What is left of each home, for a checkpoint."""
        return [list(pair) for pair in self.left]
