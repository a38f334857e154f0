"""Types of the compiled scan of binary vector files. Matrices of floats are anything with the buffer protocol."""

from array import array

from typing_extensions import Buffer

from w2v.corpus._words import WordTable

class BadRow(Exception):
    what: str
    row: int
    offset: int
    column: int
    def __init__(self, what: str, row: int, offset: int, column: int = 0) -> None: ...

class BinaryRows:
    promised: int
    def __init__(
        self,
        fd: int,
        size: int,
        start: int,
        most: int,
        dim: int,
        threads: int | None = None,
        region_bytes: int = ...,
        mapped: bool = True,
    ) -> None: ...
    @property
    def count(self) -> int: ...
    @property
    def dim(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def words(self) -> WordTable: ...
    def offset(self, row: int) -> int: ...
    def vector(self, row: int, finite: bool = True) -> array[float]: ...
    def cosines(self, queries: Buffer, threads: int | None = None) -> memoryview[float]: ...
    def load(self, matrix: Buffer, norms: Buffer, threads: int | None = None) -> None: ...
    def take(self, rows: Buffer, matrix: Buffer, norms: Buffer, threads: int | None = None) -> None: ...

class FloatBlock:
    def __buffer__(self, flags: int, /) -> memoryview: ...

def row_norms(matrix: Buffer, threads: int | None = None) -> array[float]: ...
