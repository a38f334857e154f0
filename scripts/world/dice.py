"""Seeded choices that come out the same on every Python: only `random.Random.random` is used, which is promised to."""

from __future__ import annotations

import bisect
import itertools
import random
from collections.abc import Sequence
from typing import TypeVar

__all__ = ["Dice", "Weighted"]

T = TypeVar("T")


class Weighted:
    """Things with weights, drawn in proportion to them."""

    def __init__(self, things: Sequence[T], weights: Sequence[float]):
        if len(things) != len(weights) or not things:
            raise ValueError(f"{len(things)} things, {len(weights)} weights")
        self.things = list(things)
        self.sums = list(itertools.accumulate(weights))

    @classmethod
    def zipf(cls, things: Sequence[T], shift: float = 4.0) -> Weighted:
        """Weights 1 / (rank + shift), so that early things are common and late ones rare, as words are."""
        return cls(things, [1.0 / (rank + shift) for rank in range(len(things))])


class Dice:
    """One stream of random choices."""

    def __init__(self, seed: int):
        self.random = random.Random(seed).random

    def below(self, n: int) -> int:
        return int(self.random() * n)

    def chance(self, p: float) -> bool:
        return self.random() < p

    def one(self, things: Sequence[T]) -> T:
        return things[int(self.random() * len(things))]

    def draw(self, weighted: Weighted) -> T:
        return weighted.things[bisect.bisect_right(weighted.sums, self.random() * weighted.sums[-1])]

    def shuffled(self, things: Sequence[T]) -> list[T]:
        out = list(things)
        for i in range(len(out) - 1, 0, -1):
            j = self.below(i + 1)
            out[i], out[j] = out[j], out[i]
        return out

    def some(self, things: Sequence[T], n: int) -> list[T]:
        """`n` different things, or all of them if there are fewer."""
        return self.shuffled(things)[:n]
