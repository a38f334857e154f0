import numpy as np
from numpy.typing import NDArray

from w2v.kernel._lanes import Lanes
from w2v.kernel._state import Worker

NAME: str
FLOATS_AT_ONCE: int
OPTIMIZED: bool

def train(worker: Worker, ids: NDArray[np.int32], start: int, stop: int, lr: float) -> None: ...
def flush(worker: Worker) -> None: ...
def train_rounds(lanes: Lanes, home: int) -> bool: ...
