"""The good rows of `.npy` and safetensors files, and the words that lie beside numbers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from w2v.errors import VectorsError
from w2v.vectors.formats.npy import read_npy_header
from w2v.vectors.formats.words_file import companion, word_lines
from w2v.vectors.salvage import Block

if TYPE_CHECKING:
    from w2v.vectors._words import WordTable
    from w2v.vectors.salvage import Salvage

__all__ = ["array_blocks", "with_words"]

NUMBERS = 1 << 18  # of a block


def array_blocks(salvage: Salvage) -> Iterator[Block]:
    """Rows whose numbers are finite, with the words that the file or the one beside it holds."""
    if salvage.kind == "safetensors":
        return _tensor_blocks(salvage)
    return with_words(salvage, _npy_blocks(salvage))


def _tensor_blocks(salvage: Salvage) -> Iterator[Block]:
    from w2v.vectors.formats.options import LoadOptions
    from w2v.vectors.formats.safetensors import load_safetensors, split_anyhow

    salvage.look_ahead()
    # The words come after the numbers: of a file that is cut short nothing can be told. Errors go to the caller.
    options = LoadOptions(words=salvage.words_path, lenient=True)
    words, matrix, salvage.metadata = load_safetensors(salvage.path, salvage.source, options, split_anyhow)
    salvage.dim, salvage.promised = matrix.shape[1], len(matrix)
    yield from _finite(salvage, matrix, words)


def _npy_blocks(salvage: Salvage) -> Iterator[Block]:
    from w2v.vectors.formats.sections import floats

    source = salvage.source
    array = read_npy_header(source.name, source.head)
    salvage.dim, salvage.promised, salvage.dtype = array.dim, array.rows, array.dtype
    data = _bytes(salvage, array.begin, array.size)
    whole = len(data) // (array.dim * array.item_bytes)
    if whole < array.rows:
        salvage.tally("cut short", f"row {whole + 1} (byte {array.begin + len(data)})")
        if array.by_column:
            raise VectorsError(
                f"{source.name}: byte {array.begin + len(data)}: the file was cut short and holds its numbers column "
                "by column, so that no row is whole"
            )
    matrix = floats(data[: whole * array.dim * array.item_bytes], array.dtype, whole, array.dim, array.by_column)
    yield from _finite(salvage, matrix, None)


def _bytes(salvage: Salvage, begin: int, size: int) -> memoryview:
    """The bytes from `begin` on, fewer if the file ends before; bytes after them are told."""
    source = salvage.source
    if source.fd is not None and source.size:
        import mmap

        view = memoryview(mmap.mmap(source.fd, 0, access=mmap.ACCESS_READ))
        if source.size > begin + size:
            salvage.tally("bytes after the end", f"byte {begin + size}", source.size - begin - size)
        return view[begin : begin + size]
    tape = salvage._tape()
    tape.fill(begin)
    tape.skip(min(begin, tape.left))
    found = bytearray()
    while len(found) < size and tape.fill(1):
        found += tape.view()[: size - len(found)]
        tape.skip(min(tape.left, max(0, begin + len(found) - tape.offset)))
    if more := tape.drain():
        salvage.tally("bytes after the end", f"byte {begin + size}", more)
    return memoryview(found)


def _finite(salvage: Salvage, matrix: np.ndarray, words: WordTable | None) -> Iterator[Block]:
    salvage.rows = len(matrix)
    step = max(1, NUMBERS // matrix.shape[1])
    for low in range(0, len(matrix), step):
        values = matrix[low : low + step]
        good = np.isfinite(values).all(axis=1)
        for row in np.flatnonzero(~good).tolist():
            salvage.tally("not finite", f"row {low + row + 1}")
        if words is not None:
            for row in range(low, low + len(values)):
                if not words[row]:
                    salvage.tally("no word", f"row {row + 1}")
                    good[row - low] = False
        rows = low + np.flatnonzero(good)
        if len(rows):
            names = [words[row] for row in rows.tolist()] if words is not None else []
            yield Block(rows, names, values if good.all() else values[good])


def with_words(salvage: Salvage, blocks: Iterable[Block]) -> Iterator[Block]:
    """Put the words from their file to rows of numbers, by the numbers of the rows."""
    kind = "projector" if salvage.kind == "projector" else "npy"
    path = salvage.words_path
    if path is None and isinstance(salvage.path, (str, os.PathLike)) and os.fspath(salvage.path) != "-":
        path = companion(salvage.path, kind)
    if path is None or not os.path.exists(path):
        raise VectorsError(
            f"{salvage.name}: holds numbers without words; "
            + (f"put the words, one a line, into {path}" if path else "name the file of the words (--in-words FILE)")
        )
    lines = word_lines(path, kind == "projector")
    for block in blocks:
        there = np.array([row < len(lines) and bool(lines[row]) for row in block.rows.tolist()], bool)
        for row in block.rows[~there].tolist():
            salvage.tally("no word" if row < len(lines) else "words missing", f"{os.fspath(path)}: line {row + 1}")
        if there.any():
            rows = block.rows[there]
            yield Block(rows, [lines[row] for row in rows.tolist()], block.values[there])
    if len(lines) > salvage.rows and "cut short" not in salvage.damage:
        salvage.tally("words too many", f"{os.fspath(path)}: line {salvage.rows + 1}", len(lines) - salvage.rows)
