"""Types of the compiled order of words."""

import numpy as np
from numpy.typing import NDArray

from w2v.corpus._words import WordTable

def rank(words: WordTable, counts: NDArray[np.int64]) -> NDArray[np.int64]: ...
