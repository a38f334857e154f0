"""Types of the compiled search for the best rows. Matrices of floats are anything with the buffer protocol."""

from array import array
from collections.abc import Callable, Collection, Iterable, Sequence

from typing_extensions import Buffer

EPSILON: float
SPARE: int

class Best:
    def __init__(self, n: int, k: int) -> None: ...
    @property
    def n(self) -> int: ...
    @property
    def k(self) -> int: ...
    def offer(self, block: Buffer, first: int, factors: Buffer | None = None, threads: int | None = None) -> None: ...
    def cosines(
        self,
        matrix: Buffer,
        targets: Buffer,
        rows: Buffer,
        out: Buffer,
        row_of: Buffer | None = None,
        threads: int | None = None,
    ) -> None: ...
    def result(self, q: int) -> list[tuple[int, float]]: ...

def shifted_quotient(cosines: Buffer, positive: Iterable[int], negative: Collection[int]) -> array[float]: ...
def exact_cosines(matrix: Buffer, rows: Buffer, target: Buffer) -> array[float]: ...
def best_of(
    rows: Iterable[int],
    cosines: Sequence[Iterable[float]],
    score: Callable[[tuple[float, ...]], float],
    topn: int,
) -> list[tuple[int, float]]: ...
def product_score(positive: int, cosines: Sequence[float]) -> float: ...
