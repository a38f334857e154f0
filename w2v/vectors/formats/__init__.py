"""One file a format; which one a file is in is told by its content."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, BinaryIO

from w2v.errors import VectorsError
from w2v.vectors.formats.options import LoadOptions
from w2v.vectors.formats.source import Source, open_source

if TYPE_CHECKING:
    import numpy as np

    from w2v.vectors._words import WordTable
    from w2v.vectors.vectors import Vectors

__all__ = ["LoadOptions", "check_repeats", "load_rows", "save"]


def load_rows(
    path: str | os.PathLike[str] | BinaryIO | Source, options: LoadOptions
) -> tuple[WordTable, np.ndarray, np.ndarray | None]:
    """(words, float32 [rows, dim], norms or None) of a file in any format, plain or compressed; "-" is standard input.

    Raises VectorsError for a file that is damaged or not supported, OSError if it cannot be opened.
    """
    from w2v.vectors.formats.sniff import tell_format

    with path if isinstance(path, Source) else open_source(path) as source:
        kind, header = tell_format(source.name, source.head)
        norms = None
        if kind == "binary":
            from w2v.vectors.formats.word2vec_binary import load_binary

            words, matrix, norms = load_binary(source, header, options)
        elif kind == "text":
            from w2v.vectors.formats.word2vec_text import load_text

            words, matrix = load_text(source, header, options)
        else:
            from w2v.vectors.formats.glove import load_glove

            words, matrix = load_glove(source, options)
        repeats = check_repeats(source.name, words, options)
    if repeats:
        words, matrix, norms = _without([later for _, later in repeats], words, matrix, norms)
    return words, matrix, norms


def save(vectors: Vectors, path: Any, format: str | None = None, *, no_clobber: bool = False) -> None:
    """Write vectors to a path or to anything open that has `write`; see Vectors.save."""
    from w2v.vectors.formats.write import save as write

    write(vectors, path, format, no_clobber=no_clobber)


def check_repeats(name: str, words: WordTable, options: LoadOptions) -> list[tuple[int, int]]:
    """Index the words. VectorsError for a word that is there again, unless the first is to be kept."""
    repeats = words.build_index(options.threads)
    if repeats and options.duplicates == "error":
        from w2v.vectors.formats.rows import show_word

        first, later = repeats[0]
        raise VectorsError(
            f"{name}: row {later + 1}: the word {show_word(words[later])} is already in row {first + 1}; "
            "use --duplicates first to keep the first"
        )
    return repeats


def _without(rows: list[int], words: WordTable, matrix: np.ndarray, norms: np.ndarray | None):
    import numpy as np

    keep = np.ones(len(words), bool)
    keep[rows] = False
    kept = np.flatnonzero(keep)
    words = words.take(kept.tolist())
    words.build_index()
    return words, np.ascontiguousarray(matrix[keep]), None if norms is None else norms[keep]
