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

class Spellings:
    def __init__(self, seed: tuple[int, int]) -> None: ...
    def __len__(self) -> int: ...
    def since(self, first: int) -> list[bytes]: ...
    def take(self) -> tuple[WordTable, NDArray[np.int64]]: ...

class Encoder:
    def __init__(
        self,
        spellings: Spellings,
        unicode: bool,
        block_size: int,
        marks: bool = False,
        every_line: bool = False,
        shared: bool = False,
    ) -> None: ...
    @property
    def tokens(self) -> int: ...
    @property
    def too_long(self) -> int: ...
    @property
    def nuls(self) -> int: ...
    def settle(self, block: Block) -> None: ...
    def hand_over(self, most: int = 0) -> None: ...
    def encode_segment(self, fd: int, origin: int, offset: int, length: int, size: int) -> Block: ...
    def encode_bytes(self, before: bytes, data: Buffer, ahead: Buffer, last: bool) -> list[Block]: ...
