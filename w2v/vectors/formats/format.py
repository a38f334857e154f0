"""What a format of vector files is: one record, in a table that everyone who reads, writes or names a format looks at.

A new format is a file with its `Format`, put into the table in `__init__.py`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from w2v.errors import SettingsError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from w2v.vectors._scan import BinaryRows
    from w2v.vectors._words import WordTable
    from w2v.vectors.formats.fasttext import FastTextFile
    from w2v.vectors.formats.row_writer import RowWriter
    from w2v.vectors.formats.salvage import Block, Salvage
    from w2v.vectors.formats.source import Source
    from w2v.vectors.subwords import Subwords

__all__ = ["FORMATS", "Contents", "Format", "LoadOptions", "ModelParts", "Rows", "Shape", "format_named", "writable"]

WHITE_SPACE = b" \t\n\v\f\r"


class ModelParts(NamedTuple):
    """What a model has beside its vectors, and predictions need: the matrix of outputs, float32 [V, D], or [V - 1, D]
    for the inner nodes of hierarchical softmax, and how often each word occurred, int64 [V]."""

    outputs: np.ndarray
    counts: np.ndarray


class Rows(NamedTuple):
    """What a file holds: words, float32 [V, D], float64 lengths of the rows [V] where they were taken on the way, what
    the file says of itself, the other parts of a whole model, what makes vectors for words never seen, and how often
    each word occurred, int64 [V]."""

    words: WordTable
    matrix: np.ndarray
    norms: np.ndarray | None = None
    metadata: Mapping[str, str] | None = None
    model: ModelParts | None = None
    subwords: Subwords | None = None
    counts: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Shape:
    """What the start of a file says of the rest; None where it says nothing."""

    rows: int | None = None
    dim: int | None = None
    dtype: str = "float32"  # of the numbers, as people name it
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Contents:
    """What will be in a file: rows, numbers a row, bytes of all words together, bytes of a number."""

    rows: int
    dim: int
    word_bytes: int
    item_bytes: int = 4
    metadata: Mapping[str, str] = field(default_factory=dict)
    outputs: int | None = None  # rows of the other matrix, where it goes into the file too
    ngrams: str = ""  # the characters of n-grams, 3-6; their buckets, the rows of them, the buckets that have rows
    buckets: int = 0
    ngram_rows: int = 0
    used: int = 0  # 0: all


@dataclass(frozen=True)
class LoadOptions:
    """`limit`: only the first rows. `lenient`: rows past the header's count and bytes after the end are ignored.

    `duplicates`: "error", or "first" to keep a word's first row. `threads`: None for the CPUs this process may use.
    `words`: the file with the words of a format that holds numbers alone, where it is not beside the numbers.
    `format`: the name of one, where the content does not tell it (GloVe text whose first line looks like a header).
    `context`: the other matrix and the counts too, where the file has them.
    """

    limit: int | None = None
    lenient: bool = False
    duplicates: str = "error"
    threads: int | None = None
    words: str | os.PathLike[str] | None = None
    format: str | None = None
    context: bool = False

    def __post_init__(self) -> None:
        if self.duplicates not in ("error", "first"):
            raise SettingsError(f"duplicates: {self.duplicates!r} is neither error nor first")
        if self.format is not None:
            format_named(self.format)
        if self.limit is not None and self.limit < 1:
            raise SettingsError(f"limit: {self.limit} is not at least 1")


@dataclass(frozen=True)
class Format:
    """One format. What is optional may be left out: a file is then loaded whole to be checked, asked or repaired.

    `recognise(name, head)` says whether a file that begins with these bytes is in this format, and in no other; it may
    raise VectorsError for one that claims what no file can hold. Those that are `signed`, by their first bytes, are
    asked first. `begins` is asked of a file that the user says is in this format.
    """

    name: str  # as users write it
    title: str  # as they read it
    holds: str  # for the docs
    suffixes: tuple[str, ...]  # of the names that stand for it; `.gz` may follow
    recognise: Callable[[str, bytes], bool]
    load: Callable[[Source, LoadOptions], Rows]
    write: Callable[[RowWriter, Any], None] | None = None  # None: it is only read
    signed: bool = False
    begins: Callable[[str, bytes], bool] | None = None
    size: Callable[[Contents], int] | None = None  # bytes of the file that holds the numbers, known beforehand
    half: bool = False  # whether numbers may be float16
    subwords: bool = False  # whether the rows of n-grams may be in the file too
    needs_model: bool = False  # whether the other matrix goes into every file, zeros where it is not known
    whole_model: bool = False  # whether the other matrix and the counts may be in the file too
    words_beside: Callable[[str], str] | None = None  # where the words are, if in a file of their own: from its name
    separators: bytes = WHITE_SPACE  # what no word may hold, or its row could not be read back
    shape: Callable[[Source], Shape] | None = None  # without reading on
    find_rows: Callable[[Source, LoadOptions], BinaryRows] | None = None  # rows of a plain file, not loaded
    open_model: Callable[[Source], FastTextFile] | None = None  # what makes few words' vectors without all others
    salvage: Callable[[Salvage], Iterator[Block]] | None = None  # the good rows of a damaged file


FORMATS: dict[str, Format] = {}  # by name


def writable() -> list[str]:
    """The names of the formats that can be written."""
    return [record.name for record in FORMATS.values() if record.write is not None]


def format_named(name: str) -> Format:
    """A format by its name; SettingsError if there is none."""
    if name not in FORMATS:
        raise SettingsError(f"format: {name!r} is not one of {', '.join(FORMATS)}")
    return FORMATS[name]
