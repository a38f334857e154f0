"""Types of the compiled means."""

import numpy as np
from numpy.typing import NDArray

def mean_rows(
    ids: NDArray[np.int32],
    ends: NDArray[np.int32],
    places: NDArray[np.int32],
    weights: NDArray[np.float32],
    rows: NDArray[np.float32],
    made: NDArray[np.float32],
    out: NDArray[np.float32],
    known: NDArray[np.int32],
) -> None: ...
