"""Vector files loaded: any format, recognised by content."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO

from w2v.errors import VectorsError
from w2v.vectors.formats.rows import LoadOptions, Rows, show_word
from w2v.vectors.formats.sniff import recognised
from w2v.vectors.formats.source import Source, open_source

if TYPE_CHECKING:
    from array import array

    from w2v.vectors._words import WordTable

__all__ = ["check_repeats", "load_rows"]


def load_rows(path: str | os.PathLike[str] | BinaryIO | Source, options: LoadOptions) -> Rows:
    """The rows of a file in any format, plain or compressed; "-" is standard input.

    Raises VectorsError for a file that is damaged or not supported, OSError if it cannot be opened.
    """
    with path if isinstance(path, Source) else open_source(path) as source:
        rows = recognised(source.name, source.head, options.format).load(source, options)
        if rows.norms is None:
            from w2v.vectors.formats.sections import checked_norms

            rows = rows._replace(norms=checked_norms(source.name, rows.matrix, rows.words, options.threads))
        repeats = check_repeats(source.name, rows.words, options)
    return _without(repeats, rows) if repeats else rows


def check_repeats(name: str, words: WordTable, options: LoadOptions) -> array[int]:
    """Rows whose word is already in an earlier one; VectorsError if they are not wanted. Indexes the words."""
    repeats = words.repeats(options.threads)
    if repeats and options.duplicates == "error":
        word = words[repeats[0]]
        raise VectorsError(
            f"{name}: row {repeats[0] + 1}: the word {show_word(word)} is already in row {words.find(word) + 1}; "
            "w2v convert --duplicates first keeps the first"
        )
    return repeats


def _without(repeated: array[int], rows: Rows) -> Rows:
    import numpy as np

    keep = np.ones(len(rows.words), bool)
    keep[repeated] = False
    words = rows.words.take(np.flatnonzero(keep).tolist())
    matrix = np.ascontiguousarray(rows.matrix[keep])
    return Rows(
        words,
        matrix,
        None if rows.norms is None else rows.norms[keep],
        rows.metadata,
        subwords=None if rows.subwords is None else rows.subwords.take(np.flatnonzero(keep)),
        counts=None if rows.counts is None else rows.counts[keep],
    )
