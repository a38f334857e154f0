"""The good rows of `.npy` and safetensors files, and the words that go with numbers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import numpy as np

from w2v.corpus._words import WordTable
from w2v.errors import VectorsError
from w2v.vectors.formats.npy import Array, read_npy_header
from w2v.vectors.formats.rows import LoadOptions
from w2v.vectors.formats.safetensors import load_parts
from w2v.vectors.formats.salvage import BLOCK, Block, Salvage, finite_blocks
from w2v.vectors.formats.sections import floats
from w2v.vectors.formats.words_file import place_of, split_words, words_of_lines

__all__ = ["npy_blocks", "tensor_blocks", "with_words"]


def tensor_blocks(salvage: Salvage) -> Iterator[Block]:
    """Rows whose numbers are finite. The words come after the numbers: of a file that is cut short nothing can be told,
    and the error goes to the caller."""
    rows = load_parts(salvage.source, LoadOptions(words=salvage.words_path, lenient=True), _split_anyhow)
    salvage.take(rows)
    salvage.rows = len(rows.matrix)
    yield from finite_blocks(salvage, rows.matrix, [rows.words[row] for row in range(len(rows.words))])


def _split_anyhow(name: str, data: memoryview, rows: int) -> WordTable:
    """As split_words, but empty words pass."""
    words = bytes(data).split(b"\n")
    return WordTable(words[:rows]) if len(words) == rows + 1 else split_words(name, data, rows)


def npy_blocks(salvage: Salvage) -> Iterator[Block]:
    """Rows whose numbers are finite, with the words from the file beside them."""
    rows = read_npy_header(salvage.name, salvage.source.head).rows
    return with_words(salvage, _number_blocks(salvage), lambda: rows)


def _number_blocks(salvage: Salvage) -> Iterator[Block]:
    array = read_npy_header(salvage.name, salvage.source.head)
    row_bytes = array.dim * array.item_bytes
    step = array.rows if array.by_column else max(1, BLOCK // row_bytes)
    reader, missing = salvage.reader(), 0
    reader.fill(array.begin)
    reader.skip(min(array.begin, reader.left))
    for low in range(0, array.rows, step):
        rows = min(step, array.rows - low)
        reader.fill(rows * row_bytes)
        whole = min(rows, reader.left // row_bytes)
        missing = rows - whole
        if missing:
            salvage.tally("cut short", f"row {low + whole + 1} (byte {reader.offset + reader.left})")
            _refuse_columns(salvage, array, reader.offset + reader.left)
        data = reader.view()[: whole * row_bytes]
        salvage.rows = low + whole
        yield from finite_blocks(salvage, floats(data, array.dtype, whole, array.dim, array.by_column), None, low)
        if missing:
            break
        reader.skip(len(data))
    if not missing and (more := reader.drain()):
        salvage.tally("bytes after the end", f"byte {array.begin + array.size}", more)


def _refuse_columns(salvage: Salvage, array: Array, end: int) -> None:
    if array.by_column:
        raise VectorsError(
            f"{salvage.name}: byte {end}: the file was cut short and holds its numbers column by column: no row is "
            "whole"
        )


def with_words(
    salvage: Salvage, blocks: Iterable[Block], total: Callable[[], int], labels: bool = False
) -> Iterator[Block]:
    """Put the words from their file to rows of numbers, by the numbers of the rows, of which there are `total()`."""
    beside: Callable[[str], str] | None = salvage.words_beside
    assert beside is not None
    path = place_of(salvage.source, beside, salvage.words_path)
    words, heading = words_of_lines(path, total, labels)
    read = 0
    for block in blocks:
        table = WordTable(islice(words, int(block.rows[-1]) + 1 - read))
        offset, read = read, read + len(table)
        names = [table[row - offset] if row < read else b"" for row in block.rows.tolist()]
        there = np.array([bool(name) for name in names], bool)
        for row in block.rows[~there].tolist():
            kind = "no word" if row < read else "words missing"
            salvage.tally(kind, f"{os.fspath(path)}: line {row + heading + 1}")
        if there.any():
            yield Block(block.rows[there], [name for name in names if name], block.values[there])
    more = sum(1 for _ in words) + read - salvage.rows
    if more > 0 and "cut short" not in salvage.damage:
        salvage.tally("words too many", f"{os.fspath(path)}: line {salvage.rows + heading + 1}", more)
