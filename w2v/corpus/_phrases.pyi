"""Types of the compiled counting and joining of phrases."""

import numpy as np
from numpy.typing import NDArray

HASH_END: int
SLOT_BYTES: int

def deepest(connectors: int) -> int: ...

class Pairs:
    def __init__(
        self,
        roles: NDArray[np.int32],
        connectors: int,
        seed: int,
        weight: NDArray[np.float32],
        fewest: float,
        rarity: NDArray[np.float32] | None = None,
        least: float = 0.0,
        memory: int = ...,
    ) -> None: ...
    def __len__(self) -> int: ...
    @property
    def high(self) -> int: ...
    def begin(self, low: int, high: int) -> None: ...
    def walk(self, ids: NDArray[np.int32]) -> None: ...
    def sketch(self, ids: NDArray[np.int32], sketch: NDArray[np.uint8]) -> None: ...
    def use_sketch(self, sketch: NDArray[np.uint8]) -> None: ...
    def merge(self, other: Pairs) -> None: ...
    def counted(
        self, least: int
    ) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]: ...

class Joiner:
    def __init__(
        self,
        roles: NDArray[np.int32],
        connectors: int,
        a: NDArray[np.int32],
        b: NDArray[np.int32],
        between: NDArray[np.int32],
        phrases: NDArray[np.int32],
    ) -> None: ...
    def join(self, ids: NDArray[np.int32], out: NDArray[np.int32], changes: NDArray[np.int64]) -> int: ...
