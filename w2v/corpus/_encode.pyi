"""Types of the compiled encoder."""

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Buffer

from w2v.corpus._blocks import Block
from w2v.corpus._words import WordTable

CONTEXT_BYTES: int
LOOKAHEAD: int
DROPPED: int
RUN_BASE: int
LONGEST_SENTENCE: int
LONGEST_TOKEN: int
SENTENCE_END: int

class Encoder:
    def __init__(
        self,
        number: int,
        unicode: bool,
        seed: tuple[int, int],
        block_size: int,
        marks: bool = False,
        every_line: bool = False,
    ) -> None: ...
    def __len__(self) -> int: ...
    @property
    def tokens(self) -> int: ...
    @property
    def too_long(self) -> int: ...
    @property
    def nuls(self) -> int: ...
    def spellings(self, first: int) -> list[bytes]: ...
    def encode_segment(self, fd: int, origin: int, offset: int, length: int, size: int) -> Block: ...
    def encode_bytes(self, before: bytes, data: Buffer, ahead: Buffer, last: bool) -> list[Block]: ...

class Spellings:
    def __init__(self, encoders: list[Encoder], threads: int | None = None) -> None: ...
    def __len__(self) -> int: ...
    @property
    def count(self) -> int: ...
    def take(self) -> tuple[WordTable, NDArray[np.int64]]: ...
    def encoder_map(self, number: int, final_ids: NDArray[np.int32]) -> NDArray[np.int32]: ...
