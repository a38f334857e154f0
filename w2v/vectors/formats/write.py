"""Vector files written: blocks of rows made on several threads, written in order, the matrix never copied whole."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from w2v.errors import SettingsError, VectorsError, W2VError
from w2v.output import AtomicOutput
from w2v.threads import in_order
from w2v.vectors._text import binary_rows, text_rows
from w2v.vectors.formats.rows import show_word
from w2v.vectors.formats.word2vec_binary import binary_size
from w2v.vectors.formats.words_file import companion

if TYPE_CHECKING:
    from w2v.vectors.vectors import Vectors

Make = Callable[[int, int, "bytearray | None"], "tuple[bytes | bytearray, int]"]
Target = str | os.PathLike[str] | AtomicOutput | BinaryIO

__all__ = ["FORMATS", "HALVES", "TWO_FILES", "check_words", "format_of", "save"]

FORMATS = ("bin", "text", "glove", "npy", "safetensors", "projector")
SUFFIXES = {
    ".bin": "bin", ".txt": "text", ".vec": "text", ".npy": "npy", ".safetensors": "safetensors", ".tsv": "projector",
}
ALIASES = {suffix[1:]: format for suffix, format in SUFFIXES.items()}
HALVES = ("npy", "safetensors")  # formats that can hold float16
TWO_FILES = ("npy", "projector")  # formats whose words are in a second file
LARGEST_HALF = 65504.0
BLOCK = 1 << 20  # bytes of a block, about


def format_of(path: str | os.PathLike[str], format: str | None = None, words: object = None) -> str:
    """The format that is asked for, or the one that the name's suffix stands for; "bin" for standard output.

    SettingsError if there is none, or if it takes a second file for the words and none can be told (`words`).
    """
    name = os.fspath(path)
    if format is not None:
        found = ALIASES.get(format, format)
        if found not in FORMATS:
            raise SettingsError(f"--format: {format!r} is not one of {', '.join(FORMATS)}")
    elif name == "-":
        found = "bin"
    else:
        suffix = os.path.splitext(name.lower().removesuffix(".gz"))[1]
        if os.path.isdir(name):
            raise W2VError(f"{name}: is a directory; give the name of a file")
        if suffix not in SUFFIXES:
            raise SettingsError(
                f"{name}: the name tells no format; end it in .bin, .txt or .vec, .npy, .safetensors or .tsv "
                "(and .gz), or give --format"
            )
        found = SUFFIXES[suffix]
    if found in TWO_FILES and name == "-" and words is None:
        raise SettingsError(f"-: {found} needs a second file for the words; name it (--out-words FILE)")
    return found


def save(
    vectors: Vectors, path: Target, format: str | None = None, *, no_clobber: bool = False, float16: bool = False,
    words: str | os.PathLike[str] | AtomicOutput | None = None,
) -> None:
    """Write the vectors to a path, or to anything open that has `write`; see Vectors.save."""
    opened = hasattr(path, "write")
    name = str(getattr(path, "name", "-")) if opened else os.fspath(path)
    kind = format_of(name, format, words)
    if float16 and kind not in HALVES:
        raise SettingsError(f"--float16: {kind} holds no half-precision numbers; {' and '.join(HALVES)} do")
    check_words(vectors, name, lines=kind not in ("bin", "text", "glove"))
    job = _Job(vectors, name, "<f2" if float16 else "<f4")
    with ExitStack() as files:
        names = None
        if kind in TWO_FILES:
            place = companion(name, kind) if words is None else words
            if isinstance(place, AtomicOutput):
                names = place
            else:
                names = files.enter_context(AtomicOutput(place, no_clobber=no_clobber))
        size = job.size(kind)
        out = path if opened else files.enter_context(AtomicOutput(name, size=size, no_clobber=no_clobber))
        getattr(job, f"write_{kind}")(out)
        if names is not None:
            for block in job.word_lines():
                names.write(block)


class _Job:
    """One set of vectors on its way into a file; `write_*` is there for each of FORMATS."""

    def __init__(self, vectors: Vectors, name: str, dtype: str):
        self.vectors, self.name, self.dtype = vectors, name, dtype
        self.rows, self.dim = vectors.matrix.shape
        self.table = vectors.words.table

    def size(self, kind: str) -> int | None:
        """Bytes of the file where they are known beforehand."""
        numbers = self.rows * self.dim * int(self.dtype[2:])
        if kind == "bin":
            return binary_size(self.rows, self.table.byte_count, self.dim)
        if kind == "npy":
            return numbers + 128
        if kind == "safetensors":
            return len(self.safetensors_header()) + numbers + self.table.byte_count + self.rows
        return None

    def write_bin(self, out: Any) -> None:
        out.write(f"{self.rows} {self.dim}\n".encode())
        self._write_blocks(out, lambda *rows: binary_rows(self.vectors.matrix, self.table, *rows))

    def write_text(self, out: Any) -> None:
        out.write(f"{self.rows} {self.dim}\n".encode())
        self.write_glove(out)

    def write_glove(self, out: Any) -> None:
        self._write_blocks(out, lambda *rows: text_rows(self.vectors.matrix, self.table, *rows))

    def write_npy(self, out: Any) -> None:
        from w2v.vectors.formats.npy import npy_header

        out.write(npy_header(self.dtype, self.rows, self.dim))
        self._write_blocks(out, self._numbers)

    def write_safetensors(self, out: Any) -> None:
        out.write(self.safetensors_header())
        self._write_blocks(out, self._numbers)
        for block in self.word_lines():
            out.write(block)

    def safetensors_header(self) -> bytes:
        from w2v.vectors.formats.safetensors import vectors_header

        dtype = "F16" if self.dtype == "<f2" else "F32"
        return vectors_header(self.rows, self.dim, self.table.byte_count, dtype, self.vectors.metadata)

    def write_projector(self, out: Any) -> None:
        from w2v.vectors._words import WordTable

        nothing = WordTable([b""] * self.rows)

        def lines(low: int, high: int, spare: bytearray | None) -> tuple[bytes, int]:
            made, used = text_rows(self.vectors.matrix, nothing, low, high, spare)
            # Each row is an empty word, a space, and numbers with a space between them.
            block = bytes(made[1:used]).replace(b"\n ", b"\n").replace(b" ", b"\t")
            return block, len(block)

        self._write_blocks(out, lines)

    def word_lines(self) -> Iterator[bytes]:
        """The words, each ended by a newline."""
        for low in range(0, self.rows, 65536):
            block = [self.table[row] for row in range(low, min(self.rows, low + 65536))]
            yield b"\n".join(block) + b"\n"

    def _numbers(self, low: int, high: int, _spare: object) -> tuple[bytes, int]:
        rows = self.vectors.matrix[low:high]
        with np.errstate(over="ignore"):
            block = np.ascontiguousarray(rows, self.dtype)
        bad = np.flatnonzero(~np.isfinite(block).all(axis=1))
        if len(bad):
            raise ValueError(low + int(bad[0]))
        return block.tobytes(), block.nbytes

    def _write_blocks(self, out: Any, make: Make) -> None:
        """Write what make(low, high, spare block) gives, (block, bytes used), for all rows in order."""
        step = max(1, BLOCK // (4 * self.dim + 16))
        spare: list[bytearray] = []  # blocks that have been written, to be filled again

        def block(task: int) -> tuple[bytes | bytearray, int]:
            try:
                return make(task * step, min(self.rows, task * step + step), _taken(spare))
            except ValueError as error:
                raise self._not_finite(error.args[0]) from None

        for made, used in in_order(block, (self.rows + step - 1) // step):
            with memoryview(made) as view:
                out.write(view[:used])
            if isinstance(made, bytearray):
                spare.append(made)

    def _not_finite(self, row: int) -> VectorsError:
        place = f"{self.name}: row {row + 1}: the vector of {show_word(self.table[row])} holds"
        if np.isfinite(self.vectors.matrix[row]).all():
            return VectorsError(f"{place} a number beyond {LARGEST_HALF:,.0f}, too large for float16; leave --float16")
        return VectorsError(
            f"{place} a number that is not finite; nothing is written (did the training diverge? try a lower --lr)"
        )


def _taken(spare: list[bytearray]) -> bytearray | None:
    try:
        return spare.pop()
    except IndexError:  # to look first would be a race
        return None


def check_words(vectors: Vectors, name: str, lines: bool = False) -> None:
    """VectorsError naming the first word that readers could not read back.

    gensim splits at the space and the newline, the original's fscanf at any ASCII white space; where words stand on
    lines of their own (`lines`), only the tab and the ends of lines are in the way.
    """
    table = vectors.words.table
    for row in table.repeats()[:1]:
        raise VectorsError(
            f"{name}: row {row + 1}: the word {show_word(table[row])} is already in row {table.find(table[row]) + 1}; "
            "a file of vectors holds each word once"
        )
    row = table.first_unwritable()
    if row >= 0 and lines:
        row = next((row for row in range(row, len(table)) if not table[row] or _breaks_line(table[row])), -1)
    if row >= 0:
        word = table[row]
        what = "is empty" if not word else "holds white space"
        raise VectorsError(
            f"{name}: row {row + 1}: the word {show_word(word)} {what}, which no reader of this format could read "
            "back; rename or drop it (w2v convert --fix renames)"
        )


def _breaks_line(word: bytes) -> bool:
    return any(byte in word for byte in (b"\t", b"\n", b"\r"))
