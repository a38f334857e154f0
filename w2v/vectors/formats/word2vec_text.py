"""word2vec text (also fastText .vec): `V D\\n`, then `word v1 ... vD\\n`, split at the ASCII space only."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from w2v.errors import VectorsError
from w2v.vectors._collect import Collector
from w2v.vectors._scan import BadRow
from w2v.vectors._text import TextRows
from w2v.vectors.formats.options import LoadOptions
from w2v.vectors.formats.rows import collect, row_error, rows_wanted, trailing_error
from w2v.vectors.formats.sniff import Header
from w2v.vectors.formats.source import Source

if TYPE_CHECKING:
    from w2v.vectors._words import WordTable

__all__ = ["load_rows", "load_text"]


def load_text(source: Source, header: Header, options: LoadOptions) -> tuple[WordTable, np.ndarray]:
    """(words, float32 [rows, dim]) of a file with a header."""
    if source.fd is not None and source.size is not None:
        rows_wanted(source.name, header, source.size, options, least=2 * header.dim + 2)
    return load_rows(source, header, header.dim, options)


def load_rows(
    source: Source, header: Header | None, dim: int, options: LoadOptions
) -> tuple[WordTable, np.ndarray]:
    """(words, float32 [rows, dim]); without a header, words may hold spaces."""
    spaced = header is None
    if source.fd is None:
        return collect(source, header, options, Collector(dim, text=True, spaced=spaced))
    assert source.size is not None
    start = header.size if header is not None else 0
    lines = TextRows(source.fd, start, _end_of_text(source.fd, start, source.size), options.threads)
    rows = lines.count if header is None else min(header.rows, lines.count)
    wanted = rows if options.limit is None else min(rows, options.limit)
    # Every number takes two bytes at least: where the rows cannot fit, reading them without a matrix finds which.
    fits = wanted * (2 * dim + 2) - 1 <= source.size - start
    matrix = np.empty((wanted, dim), np.float32) if fits else None
    try:
        lines.load(matrix, dim, spaced, options.threads)
    except BadRow as bad:
        raise row_error(source.name, bad, header, text=True) from None
    if header is not None and lines.count < header.rows and wanted == lines.count:
        raise row_error(source.name, BadRow("truncated", lines.count, source.size), header, text=True)
    if header is not None and lines.count > header.rows == wanted and not options.lenient:
        raise trailing_error(source.name, header.rows, lines.offset(header.rows), None)
    if matrix is None:
        raise VectorsError(f"{source.name}: changed while it was read; try again")
    return lines.words, matrix


def _end_of_text(fd: int, start: int, size: int) -> int:
    """Offset after the last byte that is not white space: files may end in blank lines."""
    while size > start:
        low = max(start, size - 4096)
        tail = os.pread(fd, size - low, low).rstrip(b" \r\n")
        if tail:
            return low + len(tail)
        size = low
    return size
