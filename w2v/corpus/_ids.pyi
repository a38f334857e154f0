"""Types of the compiled passes over ids."""

import numpy as np
from numpy.typing import NDArray

PADDING: int

def check_span(ids: NDArray[np.int32], words: int) -> tuple[int, int, int]: ...
def uncut(ids: NDArray[np.int32], out: NDArray[np.int32]) -> int: ...

class Spelled:
    def __init__(self, words: list[bytes]) -> None: ...
    def write(
        self, ids: NDArray[np.int32], first: int, out: NDArray[np.uint8], begun: bool
    ) -> tuple[int, int, bool]: ...
