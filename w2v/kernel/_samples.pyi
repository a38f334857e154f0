import numpy as np

from w2v.kernel._state import Worker

Outputs = tuple[tuple[int, int], ...]

def draw(worker: Worker, sentence: np.ndarray) -> tuple[list[int], list[tuple[int, list[Outputs]]]]: ...
