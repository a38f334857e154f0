"""GloVe text: rows as in word2vec text without a header, so that rows and columns have to be counted.

Some words in the published files hold spaces (`. . .`): the last D fields of a line are its numbers.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING

from w2v.errors import VectorsError
from w2v.vectors.formats.options import LoadOptions
from w2v.vectors.formats.sniff import MAX_DIM
from w2v.vectors.formats.source import Source
from w2v.vectors.formats.word2vec_text import load_rows

if TYPE_CHECKING:
    import numpy as np

    from w2v.vectors._words import WordTable

__all__ = ["count_columns", "load_glove"]

LINES = 1000  # looked at to find the usual number of columns
LONGEST = 4 << 20  # bytes of them


def load_glove(source: Source, options: LoadOptions) -> tuple[WordTable, np.ndarray]:
    """(words, float32 [rows, dim])."""
    head = os.pread(source.fd, LONGEST, 0) if source.fd is not None else source.head
    return load_rows(source, None, count_columns(source.name, head), options)


def count_columns(name: str, head: bytes) -> int:
    """The usual number of numbers in the first lines: a word with a space in it must not change it."""
    lines = head.split(b"\n", LINES)
    if len(lines) > 1:
        lines.pop()  # cut, or empty
    counts = Counter(len(line.rstrip(b" \r").split(b" ")) - 1 for line in lines if line)
    dim = max(counts, key=lambda columns: (counts[columns], -columns), default=0)
    if not 1 <= dim <= MAX_DIM:
        raise VectorsError(f"{name}: row 1 (byte 0): {dim} numbers in a row; 1 to {MAX_DIM:,} can be read")
    return dim
