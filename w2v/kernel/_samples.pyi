import numpy as np
from numpy.typing import NDArray

from w2v.kernel._state import Worker

Outputs = tuple[tuple[int, int], ...]
Rows = NDArray[np.float32]
Update = tuple[list[int], list[tuple[int, int]], Rows, Rows, Rows, Rows, Rows]
# words, outputs, inputs and outputs before, errors, inputs and outputs after

FLOATS_AT_ONCE: int
OPTIMIZED: bool

def train(worker: Worker, ids: NDArray[np.int32], start: int, stop: int, lr: float) -> None: ...
def flush(worker: Worker) -> None: ...
def draw(worker: Worker, sentence: NDArray[np.int32]) -> tuple[list[int], list[tuple[int, list[Outputs]]]]: ...
def draw_windows(
    worker: Worker, ids: NDArray[np.int32], start: int, stop: int
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int32]]: ...
def trace(
    worker: Worker, sentence: NDArray[np.int32], lr: float
) -> tuple[list[int], list[tuple[int, list[Update]]]]: ...
