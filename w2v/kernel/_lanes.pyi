from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from w2v.kernel._state import Arena, Model, Worker

LANES_AT_MOST: int

class LaneWorker(Worker):
    left: tuple[int, int]
    def __init__(
        self, model: Model, number: int, ids: NDArray[np.int32], centres: int, memory: Arena | None = None
    ) -> None: ...
    @property
    def in_hand(self) -> int: ...
    @property
    def stray_ids(self) -> int: ...

class Lanes:
    model: Model
    workers: list[LaneWorker]
    threads: int
    def __init__(
        self,
        model: Model,
        ids: NDArray[np.int32],
        count: int,
        centres: int,
        batch: int,
        weights: Sequence[NDArray[np.float32]],
        threads: int,
        tokens_total: int,
    ) -> None: ...
    def open(self) -> None: ...
    def go_on(self) -> None: ...
    def close(self) -> None: ...
    def jitter(self, most_us: int) -> None: ...
    @property
    def ended(self) -> bool: ...
