from array import array

import numpy as np
from numpy.typing import NDArray

from w2v.corpus._words import WordTable

def fnv(text: bytes) -> int: ...
def ngrams(word: bytes, least: int, most: int) -> list[bytes]: ...
def count_ngrams(
    words: WordTable, least: int, most: int, starts: NDArray[np.int64], threads: int | None = None
) -> None: ...
def fill_buckets(
    words: WordTable,
    least: int,
    most: int,
    buckets: int,
    starts: NDArray[np.int64],
    out: NDArray[np.uint32],
    threads: int | None = None,
) -> None: ...
def bucket_signatures(
    buckets: NDArray[np.uint32],
    starts: NDArray[np.int64],
    word_signatures: NDArray[np.uint64],
    signatures: NDArray[np.uint64],
    met: NDArray[np.int64],
) -> None: ...
def join_parts(
    buckets: NDArray[np.uint32],
    starts: NDArray[np.int64],
    own: NDArray[np.int32],
    row_of: NDArray[np.int32],
    sizes: NDArray[np.int64],
    part_starts: NDArray[np.int64],
    rows: NDArray[np.int32],
    weights: NDArray[np.float32],
) -> int: ...

class MappedFile:
    name: str | None
    size: int
    def __init__(self, fd: int, size: int, read: bytes | None = None, name: str | None = None) -> None: ...
    def bytes(self, offset: int, count: int) -> bytes: ...
    def dictionary(self, start: int, entries: int, longest: int) -> tuple[WordTable, array[int], int]: ...

class FloatRows:
    count: int
    dim: int
    def __init__(self, matrix: NDArray[np.float32]) -> None: ...
    @staticmethod
    def of_file(file: MappedFile, offset: int, count: int, dim: int) -> FloatRows: ...
    def slice(self, first: int, last: int) -> FloatRows: ...
    def read(self, first: int, last: int) -> NDArray[np.float32]: ...
    def take(self, places: NDArray[np.int64]) -> NDArray[np.float32]: ...

class NgramRows:
    source: FloatRows
    def __init__(
        self,
        source: FloatRows,
        least: int,
        most: int,
        buckets: int,
        used: NDArray[np.uint32] | None = None,
        places: NDArray[np.int64] | None = None,
        pruned: bool = False,
    ) -> None: ...
    def vectors(
        self,
        words: WordTable,
        out: NDArray[np.float32],
        own: FloatRows | None = None,
        counts: NDArray[np.int32] | None = None,
        threads: int | None = None,
    ) -> None: ...
    def own_rows(
        self, words: WordTable, out: NDArray[np.float32], vectors: FloatRows, threads: int | None = None
    ) -> None: ...
