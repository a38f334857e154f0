"""The embedding projector's two files (projector.tensorflow.org): numbers between tabs, and the words beside them.

The words are in a second file, one a line; with several columns, its first line names them (see words_file.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from w2v.errors import VectorsError
from w2v.vectors._collect import Collector
from w2v.vectors._scan import BadRow
from w2v.vectors.formats.options import LoadOptions
from w2v.vectors.formats.rows import row_error
from w2v.vectors.formats.sniff import MAX_DIM
from w2v.vectors.formats.source import Source
from w2v.vectors.formats.words_file import words_beside

if TYPE_CHECKING:
    import numpy as np

    from w2v.vectors._words import WordTable

__all__ = ["load_projector"]

BLOCK = 1 << 20
STAND_IN = b"w "  # a word before each row, so that the reader of text rows can read it


def load_projector(path: Any, source: Source, options: LoadOptions) -> tuple[WordTable, np.ndarray]:
    """(words, float32 [rows, dim])."""
    import numpy as np

    dim = source.head.split(b"\n", 1)[0].rstrip(b"\r\t").count(b"\t") + 1
    if dim > MAX_DIM:
        raise VectorsError(f"{source.name}: row 1 (byte 0): {dim} numbers in a row; 1 to {MAX_DIM:,} can be read")
    collector = Collector(dim, text=True)
    wanted = options.limit or 1 << 62
    pending, offset, last = STAND_IN, 0, False
    try:
        while not last and collector.count < wanted:
            block = source.read(BLOCK)
            last = not block
            pending += block.replace(b"\t", b" ").replace(b"\n", b"\n" + STAND_IN)
            if last:
                pending = pending.removesuffix(STAND_IN)
            used = collector.feed(pending, offset, wanted, last)
            offset += used
            pending = pending[used:]
    except BadRow as bad:
        place = bad.offset - len(STAND_IN) * bad.row  # the file does not hold the stand-ins
        raise row_error(source.name, BadRow(bad.what, bad.row, place, bad.column), None, True) from None
    _, values = collector.finish()
    matrix = np.frombuffer(values, np.float32).reshape(-1, dim)
    return words_beside(path, "projector", options.words, len(matrix)), matrix
