"""Types of the compiled encoder of sequences."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from w2v.corpus._blocks import Block

class SequenceEncoder:
    spellings: list[bytes]
    tokens: int
    too_long: int
    sequences: int
    def __init__(self, check: Callable[[object, int, int], bytes | None]) -> None: ...
    def counts(self) -> NDArray[np.int64]: ...
    def encode(self, batch: Iterable[Sequence[str | bytes | int]]) -> Block: ...
