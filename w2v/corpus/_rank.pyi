"""Types of the compiled order of words."""

import numpy as np
from numpy.typing import NDArray

from w2v.corpus._words import WordTable

def rank(words: WordTable, counts: NDArray[np.int64], which: NDArray[np.bool_] | None = None) -> NDArray[np.int32]: ...
def ordered(counts: NDArray[np.int32] | NDArray[np.int64], order: NDArray[np.int32]) -> NDArray[np.int64]: ...
def places(order: NDArray[np.int32], size: int, missing: int) -> NDArray[np.int32]: ...
