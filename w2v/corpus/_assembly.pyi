"""Types of the compiled remapping."""

import numpy as np
from numpy.typing import NDArray

from w2v.corpus._blocks import Block

class Remapping:
    def __init__(self, map: NDArray[np.int32], run_ends: NDArray[np.int64], run_ids: NDArray[np.int32]) -> None: ...
    def measure(self, block: Block, spooled: NDArray[np.int32] | None) -> tuple[int, ...]: ...
    def write(
        self, block: Block, spooled: NDArray[np.int32] | None, open_tokens: int, out: NDArray[np.int32]
    ) -> None: ...
