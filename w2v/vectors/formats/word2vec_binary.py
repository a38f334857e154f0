"""word2vec binary: `V D\\n`, then each word, a space, D little-endian float32, and a newline that some files lack.

Nothing here imports NumPy before a matrix is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from w2v.vectors._collect import Collector
from w2v.vectors._scan import BadRow, BinaryRows
from w2v.vectors.formats.options import LoadOptions
from w2v.vectors.formats.rows import collect, row_error, rows_wanted, trailing_error
from w2v.vectors.formats.sniff import Header
from w2v.vectors.formats.source import Source

if TYPE_CHECKING:
    import numpy as np

    from w2v.vectors._words import WordTable

__all__ = ["binary_size", "find_rows", "load_binary"]


def binary_size(words: int, word_bytes: int, dim: int) -> int:
    """Bytes of the file as it is written here: rows, bytes of all words together, numbers a row."""
    return len(f"{words} {dim}\n") + word_bytes + words * (4 * dim + 2)


def find_rows(source: Source, header: Header, options: LoadOptions) -> BinaryRows:
    """The rows of a plain file, checked as far as that goes without reading their numbers."""
    assert source.fd is not None
    assert source.size is not None
    rows = rows_wanted(source.name, header, source.size, options, least=4 * header.dim + 2)
    try:
        found = BinaryRows(source.fd, source.size, header.size, rows, header.dim, options.threads)
    except BadRow as bad:
        raise row_error(source.name, bad, header) from None
    if found.end < source.size and rows == header.rows and not options.lenient:
        raise trailing_error(source.name, rows, found.end, source.size - found.end)
    return found


def load_binary(
    source: Source, header: Header, options: LoadOptions
) -> tuple[WordTable, np.ndarray, np.ndarray | None]:
    """(words, float32 [rows, dim], norms or None where they have not been taken on the way)."""
    if source.fd is None:
        words, matrix = collect(source, header, options, Collector(header.dim))
        return words, matrix, None
    import numpy as np

    found = find_rows(source, header, options)
    matrix = np.empty((found.count, header.dim), np.float32)
    norms = np.empty(found.count, np.float64)
    try:
        found.load(matrix, norms, options.threads)
    except BadRow as bad:
        raise row_error(source.name, bad, header) from None
    return found.words, matrix, norms
