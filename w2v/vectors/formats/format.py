"""What a format of vector files is: one record, in a table that everyone who reads, writes or names a format looks at.

A new format is a file with its `Format`, put into the table in `__init__.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from w2v.errors import SettingsError
from w2v.vectors.formats.rows import WHITE_SPACE

if TYPE_CHECKING:
    from w2v.corpus._words import WordTable
    from w2v.errors import UnknownWordError
    from w2v.vectors._scan import BinaryRows
    from w2v.vectors.formats.row_writer import RowWriter
    from w2v.vectors.formats.rows import Contents, LoadOptions, Rows, Shape
    from w2v.vectors.formats.salvage import Block, Salvage
    from w2v.vectors.formats.source import Source

__all__ = ["FORMATS", "FewWords", "Format", "format_named", "writable"]


class FewWords(Protocol):
    """A whole model of which a few words' vectors are read or made without all others."""

    words: WordTable

    @property
    def dim(self) -> int: ...
    def pick(
        self, wanted: list[str], on_made: Callable[[bytes], object] | None = None
    ) -> tuple[Rows, set[bytes], dict[str, UnknownWordError]]: ...


@dataclass(frozen=True)
class Format:
    """One format. What is optional may be left out: a file is then loaded whole to be checked, asked or repaired.

    `recognise(name, head)` says whether a file that begins with these bytes is in this format, and in no other; it may
    raise VectorsError for one that claims what no file can hold. Those that are `signed`, by their first bytes, are
    asked first. One that is a `folder` has there what writes each of its files. `begins` is asked of a file that the
    user says is in this format.
    """

    name: str  # as users write it
    title: str  # as they read it
    holds: str  # for the docs
    suffixes: tuple[str, ...]  # of the names that stand for it; `.gz` may follow
    recognise: Callable[[str, bytes], bool]
    load: Callable[[Source, LoadOptions], Rows]
    write: Callable[[RowWriter, Any], None] | None = None  # None: it is only read
    folder: Mapping[str, Callable[[RowWriter, Any], None]] = field(default_factory=dict)
    signed: bool = False
    begins: Callable[[str, bytes], bool] | None = None
    size: Callable[[Contents], int] | None = None  # bytes of the file that holds the numbers, known beforehand
    needs: Callable[[], None] | None = None  # raises where a library that writes it is missing
    other_numbers: tuple[str, ...] = ()  # what they may be but float32: float16, int8
    subwords: bool = False  # whether the rows of n-grams may be in the file too
    needs_model: bool = False  # whether the other matrix goes into every file, zeros where it is not known
    whole_model: bool = False  # whether the other matrix and the counts may be in the file too
    words_beside: Callable[[str], str] | None = None  # where the words are, if in a file of their own: from its name
    separators: bytes = WHITE_SPACE  # what no word may hold, or its row could not be read back
    shape: Callable[[Source], Shape] | None = None  # without reading on
    find_rows: Callable[[Source, LoadOptions], BinaryRows] | None = None  # rows of a plain file, not loaded
    open_model: Callable[[Source], FewWords] | None = None
    salvage: Callable[[Salvage], Iterator[Block]] | None = None  # the good rows of a damaged file


FORMATS: dict[str, Format] = {}  # by name


def writable(folders: bool = False) -> list[str]:
    """The names of the formats that can be written as a file, or with `folders` as a folder too."""
    return [record.name for record in FORMATS.values() if record.write is not None or (folders and record.folder)]


def format_named(name: str) -> Format:
    """A format by its name; SettingsError if there is none."""
    if name not in FORMATS:
        raise SettingsError(f"format: {name!r} is not one of {', '.join(FORMATS)}")
    return FORMATS[name]
