"""One file a format; which one a file is in is told by its content."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from w2v.errors import VectorsError
from w2v.vectors.formats.options import LoadOptions
from w2v.vectors.formats.source import Source, open_source

if TYPE_CHECKING:
    from array import array

    import numpy as np

    from w2v.vectors._words import WordTable
    from w2v.vectors.formats.sniff import Header
    from w2v.vectors.vectors import Vectors

__all__ = ["LoadOptions", "Rows", "check_repeats", "load_rows", "save"]


class Rows(NamedTuple):
    """What a file holds: words, float32 [V, D] (perhaps a read-only map), norms where they were taken on the way, and
    what the file says of itself."""

    words: WordTable
    matrix: np.ndarray
    norms: np.ndarray | None = None
    metadata: dict[str, str] | None = None


def load_rows(path: str | os.PathLike[str] | BinaryIO | Source, options: LoadOptions) -> Rows:
    """The rows of a file in any format, plain or compressed; "-" is standard input.

    Raises VectorsError for a file that is damaged or not supported, OSError if it cannot be opened.
    """
    from w2v.vectors.formats.sniff import told_or_seen

    with path if isinstance(path, Source) else open_source(path) as source:
        kind, header = told_or_seen(source.name, source.head, options.format)
        rows = _load(path, source, kind, header, options)
        if rows.norms is None and kind in MAPPED:
            from w2v.vectors.formats.sections import checked_norms

            rows = rows._replace(norms=checked_norms(source.name, rows.matrix, rows.words, options.threads))
        repeats = check_repeats(source.name, rows.words, options)
    return _without(repeats, rows) if repeats else rows


# Formats whose numbers come unchecked, from a map.
MAPPED = ("npy", "safetensors")


def _load(path: object, source: Source, kind: str, header: Header | None, options: LoadOptions) -> Rows:
    if kind == "binary":
        from w2v.vectors.formats.word2vec_binary import load_binary

        return Rows(*load_binary(source, header, options))
    if kind == "text":
        from w2v.vectors.formats.word2vec_text import load_text

        return Rows(*load_text(source, header, options))
    if kind == "npy":
        from w2v.vectors.formats.npy import load_npy

        return Rows(*load_npy(path, source, options))
    if kind == "safetensors":
        from w2v.vectors.formats.safetensors import load_safetensors

        words, matrix, metadata = load_safetensors(path, source, options)
        return Rows(words, matrix, None, metadata)
    if kind == "projector":
        from w2v.vectors.formats.projector import load_projector

        return Rows(*load_projector(path, source, options))
    from w2v.vectors.formats.glove import load_glove

    return Rows(*load_glove(source, options))


def save(vectors: Vectors, path: Any, format: str | None = None, **options: Any) -> None:
    """Write vectors to a path or to anything open that has `write`; see Vectors.save."""
    from w2v.vectors.formats.write import save as write

    write(vectors, path, format, **options)


def check_repeats(name: str, words: WordTable, options: LoadOptions) -> array[int]:
    """Rows whose word is already in an earlier one; VectorsError if they are not wanted. Indexes the words."""
    repeats = words.repeats(options.threads)
    if repeats and options.duplicates == "error":
        from w2v.vectors.formats.rows import show_word

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
    return Rows(words, matrix, None if rows.norms is None else rows.norms[keep], rows.metadata)
