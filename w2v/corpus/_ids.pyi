"""Types of the compiled passes over ids."""

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Buffer

from w2v.corpus._words import WordTable

def check_span(ids: NDArray[np.int32], words: int) -> tuple[int, int, int]: ...
def uncut(ids: NDArray[np.int32], out: NDArray[np.int32]) -> int: ...

class SentenceWriter:
    def __init__(self, words: WordTable) -> None: ...
    def write(self, ids: NDArray[np.int32], first: int, out: Buffer, begun: bool) -> tuple[int, int, bool]: ...
