"""Types of the compiled order of words."""

import numpy as np
from numpy.typing import NDArray

def rank(words: list[bytes], counts: NDArray[np.int64]) -> NDArray[np.int64]: ...
