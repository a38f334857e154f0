"""Vector files written: blocks of rows made on several threads, written in order, the matrix never copied whole."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, BinaryIO

from w2v.errors import SettingsError, VectorsError
from w2v.output import AtomicOutput
from w2v.vectors._text import binary_rows, text_rows
from w2v.vectors.formats.rows import show_word
from w2v.vectors.formats.word2vec_binary import binary_size
from w2v.vectors.parallel import in_order

if TYPE_CHECKING:
    from w2v.vectors.vectors import Vectors

Target = str | os.PathLike[str] | AtomicOutput | BinaryIO

__all__ = ["FORMATS", "check_words", "format_of", "save"]

# Name -> (binary?, header?)
FORMATS = {"bin": (True, True), "text": (False, True), "glove": (False, False)}
SUFFIXES = {".bin": "bin", ".txt": "text", ".vec": "text"}
BLOCK = 1 << 20  # bytes of a block, about


def format_of(path: str | os.PathLike[str], format: str | None = None) -> str:
    """The format that is asked for, or the one that the name's suffix stands for; "bin" for standard output."""
    if format is not None:
        if format not in FORMATS:
            raise SettingsError(f"--format: {format!r} is not one of {', '.join(FORMATS)}")
        return format
    name = os.fspath(path)
    if name == "-":
        return "bin"
    suffix = os.path.splitext(name.lower().removesuffix(".gz"))[1]
    if suffix not in SUFFIXES:
        raise SettingsError(
            f"{name}: the name tells no format; end it in .bin, .txt or .vec (and .gz), or give --format"
        )
    return SUFFIXES[suffix]


def save(vectors: Vectors, path: Target, format: str | None = None, *, no_clobber: bool = False) -> None:
    """Write the vectors to a path, or to anything open that has `write`; see Vectors.save."""
    opened = hasattr(path, "write")
    name = str(getattr(path, "name", "<stream>")) if opened else os.fspath(path)
    binary, headed = FORMATS[format_of(name, format)]
    check_words(vectors, name)
    size = binary_size(len(vectors), vectors.words.table.byte_count, vectors.dim) if binary else None
    with nullcontext(path) if opened else AtomicOutput(name, size=size, no_clobber=no_clobber) as out:
        if headed:
            out.write(f"{len(vectors)} {vectors.dim}\n".encode())
        _write_rows(vectors, binary_rows if binary else text_rows, out, name)


def check_words(vectors: Vectors, name: str) -> None:
    """VectorsError naming the first word that readers could not read back.

    gensim splits at the space and the newline, the original's fscanf at any ASCII white space.
    """
    row = vectors.words.table.first_unwritable()
    if row >= 0:
        word = vectors.words.table[row]
        what = "is empty" if not word else "holds white space"
        raise VectorsError(
            f"{name}: row {row + 1}: the word {show_word(word)} {what}, which no reader of this format could read "
            "back; rename or drop it"
        )


def _write_rows(vectors: Vectors, make: Callable[..., bytes | int], out: Any, name: str) -> None:
    rows, table = len(vectors), vectors.words.table
    step = max(1, BLOCK // (4 * vectors.dim + 16))

    def block(task: int) -> bytes | int:
        return make(vectors.matrix, table, task * step, min(rows, task * step + step))

    for made in in_order(block, (rows + step - 1) // step):
        if isinstance(made, int):
            raise VectorsError(
                f"{name}: row {made + 1}: the vector of {show_word(table[made])} holds a number that is not finite; "
                "nothing is written (did the training diverge? try a lower --lr)"
            )
        out.write(made)
