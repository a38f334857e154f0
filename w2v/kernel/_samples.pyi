import numpy as np

from w2v.kernel._state import Worker

Outputs = tuple[tuple[int, int], ...]

def draw(worker: Worker, sentence: np.ndarray) -> tuple[list[int], list[tuple[int, list[Outputs]]]]: ...

def draw_windows(
    worker: Worker, ids: np.ndarray, start: int, stop: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]: ...

Update = tuple[
    list[int], list[tuple[int, int]], np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray
]  # words, outputs, inputs and outputs before, errors, inputs and outputs after

def trace(worker: Worker, sentence: np.ndarray, lr: float) -> tuple[list[int], list[tuple[int, list[Update]]]]: ...
