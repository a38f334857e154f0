import numpy as np
from numpy.typing import NDArray

def settle(
    places: NDArray[np.float32],
    tails: NDArray[np.int32],
    heads: NDArray[np.int32],
    chances: NDArray[np.float32],
    epochs: int,
    negatives: int,
    seed: int,
) -> None: ...
