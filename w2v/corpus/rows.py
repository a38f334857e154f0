"""Rows of a table, by the names of their columns: CSV, TSV, JSON lines or Parquet, told by content.

CSV as in RFC 4180: fields may be quoted, and hold separators, quotation marks and line breaks then.
"""

from __future__ import annotations

import csv
import difflib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from w2v.corpus.sources import wide_encoding
from w2v.errors import CorpusError, printable, setting, shortened
from w2v.files import foreign_format, lines_of
from w2v.findings import SHOWN, Tally
from w2v.tables import PARQUET_MAGIC, parquet_batches, parquet_columns

__all__ = ["Table"]

SEPARATORS = ("\t", ",", ";", "|")
SEPARATOR_TOLD = re.compile(rb'"?sep=([\t,;|])"?')  # the first line of a table that Excel is to read
LONGEST_LINE = 1 << 24  # bytes
HALVES = re.compile("[\ud800-\udc7f\udd00-\udfff]")  # of a character, which JSON can spell; the others are bytes
Values = tuple[Any, ...]
Lines = Iterator[tuple[int, bytes]]


class Table:
    """One table, of which some columns are wanted. `line` is that of the row given last; rows that cannot be read are
    counted in `bad`, or, without that, raise a CorpusError with their line."""

    def __init__(self, path: str, columns: Sequence[str], bad: Tally | None = None):
        self.path, self.columns, self.bad = path, columns, bad
        self.name = "<stdin>" if path == "-" else path
        self.bytes_done = 0  # of the text
        self._line: Callable[[], int] = lambda: 0

    @property
    def line(self) -> int:
        return self._line()

    def refuse(self, why: str) -> None:
        """Count the present row, or raise for it."""
        if self.bad is None:
            raise CorpusError(f"{self.name}:{self.line}: {why}; mend it, or add {setting('lenient', True)}")
        self.bad.add(f"{self.name}:{self.line}" if len(self.bad.places) < SHOWN else "")

    def rows(self) -> Iterator[Values]:
        """The values of the columns, row by row: text, or what Parquet has. OSError, CorpusError."""
        if self.path != "-" and _begins_with(self.path, PARQUET_MAGIC):
            return self._parquet_rows()
        lines = lines_of(self.path, CorpusError, LONGEST_LINE, times=1000, least=32 << 20)  # nothing is kept of them
        first = next((one for one in lines if one[1].strip()), None)
        if first is None:
            raise CorpusError(f"{self.name}: the table is empty")
        self._check_head(first[1])
        if first[1].lstrip()[:1] == b"{":
            return self._json_rows(chain([first], lines))
        return self._csv_rows(first, lines)

    def _check_head(self, head: bytes) -> None:
        encoding, foreign = wide_encoding(head), foreign_format(head)
        if head.startswith(PARQUET_MAGIC):
            raise CorpusError(f"{self.name}: a Parquet file cannot be read from a pipe; give its name")
        if foreign is not None:
            raise CorpusError(f"{self.name}: this is {foreign[0]}, not a table; {foreign[1]}")
        if encoding:
            raise CorpusError(
                f"{self.name}: the table is {encoding}, not UTF-8; convert it: iconv -f {encoding} -t UTF-8"
            )
        if head.lstrip()[:1] == b"[":
            raise CorpusError(f"{self.name}: this is one JSON array; write one object per line: jq -c '.[]' FILE > NEW")

    # CSV

    def _csv_rows(self, first: tuple[int, bytes], lines: Lines) -> Iterator[Values]:
        before = first[0] - 1  # blank lines
        told = SEPARATOR_TOLD.fullmatch(first[1])
        if told is not None:
            self.bytes_done += len(first[1]) + 1
            before, first = first[0], next(lines, (first[0] + 1, b""))
        separator = told[1].decode() if told is not None else self._separator(_text(first[1]))
        reader = csv.reader(self._counted(chain([first], lines)), delimiter=separator, strict=True)
        self._line = lambda: before + reader.line_num
        try:
            heading = next(reader)
        except csv.Error as error:
            raise CorpusError(f"{self.name}:{self.line}: {_csv_error(error)}") from None
        places, has_heading = self._places(heading)
        width = len(heading)
        rows = reader if has_heading else chain([heading], reader)
        end = 0
        while True:
            try:
                for row in rows:
                    if len(row) == width:
                        yield tuple([row[place] for place in places])
                    elif row:
                        self.refuse(f"{len(row)} fields, where the first row has {width}")
                    end = reader.line_num
                return
            except csv.Error as error:
                begin = before + end + 1
                self._line = lambda begin=begin: begin  # type: ignore[misc]
                self.refuse(_csv_error(error))
                self._line = lambda: before + reader.line_num
                end = reader.line_num

    def _counted(self, lines: Iterable[tuple[int, bytes]]) -> Iterator[str]:
        for _, line in lines:
            self.bytes_done += len(line) + 1
            yield _text(line) + "\n"

    def _separator(self, heading: str) -> str:
        """What stands between the fields: what gives all wanted columns, or else the most fields."""

        def fields(separator: str) -> list[str]:
            try:
                return next(csv.reader([heading], delimiter=separator))
            except csv.Error:
                return []

        return max(
            SEPARATORS, key=lambda one: (set(self.columns) <= {f.strip() for f in fields(one)}, len(fields(one)))
        )

    def _places(self, heading: Sequence[str]) -> tuple[list[int], bool]:
        """Where the columns are, and whether the first row says what they are called; else they are numbers from 1."""
        names = [name.strip() for name in heading]
        if all(map(_is_number, self.columns)) and not set(self.columns) <= set(names):
            for column in self.columns:
                if not 1 <= int(column) <= len(names):
                    raise CorpusError(f"{self.name}: there is no column {column}; the table has {len(names)}")
            return [int(column) - 1 for column in self.columns], False
        self._check_names(names)
        return [names.index(column) for column in self.columns], True

    def _check_names(self, names: Sequence[str]) -> None:
        for column in self.columns:
            if names.count(column) > 1:
                raise CorpusError(
                    f"{self.name}: {names.count(column)} columns are called {column!r}; rename one of them"
                )
            if column not in names:
                raise self._no_column(column, names)

    def _no_column(self, column: str, names: Sequence[str]) -> CorpusError:
        close = difflib.get_close_matches(column.lower(), [name.lower() for name in names], 1)
        meant = next((name for name in names if close and name.lower() == close[0]), "")
        hint = f"; did you mean {meant!r}?" if meant else ""
        outer = column.partition(".")[0]
        if outer != column and outer in names and re.fullmatch(r"[\w.]+", column):
            hint = f"; take it out of {outer!r}: jq -c '.\"{column}\" = .{column}' FILE > NEW"
        shown = ", ".join(shortened(name) for name in names[:20]) + (", ..." if len(names) > 20 else "")
        return CorpusError(f"{self.name}: there is no column {column!r}{hint} (columns: {shown})")

    # JSON lines

    def _json_rows(self, lines: Iterable[tuple[int, bytes]]) -> Iterator[Values]:
        number, seen, names = 0, dict.fromkeys(self.columns, False), ()
        self._line = lambda: number
        for number, line in lines:  # noqa: B007  `refuse` shows it
            self.bytes_done += len(line) + 1
            if not line.strip():
                continue
            record: Any = None
            try:
                record = json.loads(_text(line))
                names = names or tuple(record)
                values = tuple([_plain(record.get(column)) for column in self.columns])
            except (ValueError, RecursionError):
                what = "not an object of JSON with plain values"
                for column in self.columns if isinstance(record, dict) else ():
                    if isinstance(record.get(column), (dict, list)):
                        what = f"{column!r} holds an object or a list, not a plain value"
                self.refuse(f"{what}: '{printable(shortened(_text(line)))}'")
                continue
            except (AttributeError, TypeError):
                self.refuse(f"not an object of JSON: '{printable(shortened(_text(line)))}'")
                continue
            for column in self.columns:
                seen[column] = seen[column] or column in record
            yield values
        for column, found in seen.items():
            if not found:
                raise self._no_column(column, names)

    # Parquet

    def _parquet_rows(self) -> Iterator[Values]:
        self._check_names(parquet_columns(self.path))
        number = 0
        self._line = lambda: number
        for batch in parquet_batches(self.path, self.columns):
            for values in zip(*batch, strict=True):
                number += 1
                try:
                    yield tuple([_plain(value) for value in values])
                except ValueError:
                    self.refuse("a list or an object in place of a plain value")


def _begins_with(path: str, magic: bytes) -> bool:
    if os.path.exists(path) and not os.path.isfile(path):  # a pipe would lose what we look at, or its writer us
        return False
    with open(path, "rb", buffering=0) as file:
        return file.read(len(magic)) == magic


def _text(line: bytes) -> str:
    return line.decode("utf-8", "surrogateescape")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _plain(value: Any) -> Any:
    """A value as text, empty for none; a whole number as its digits. ValueError for what has parts."""
    if isinstance(value, str):
        return value if value.isascii() else HALVES.sub("\ufffd", value)
    if value is None:
        return ""
    if isinstance(value, bytes):
        return _text(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (dict, list)):
        raise ValueError
    return value if type(value) is not int and isinstance(value, int) else str(value)  # Microseconds stay


def _csv_error(error: csv.Error) -> str:
    text = str(error)
    if "field larger" in text:
        most = f"{csv.field_size_limit():,} characters"
        return f"a field is longer than {most}, or a quotation mark that opens one is never closed"
    if "unexpected end of data" in text:
        return "a quotation mark opens a field here, and none closes it"
    if "new-line character" in text:
        return "a carriage return alone is no line end; write line feeds: tr '\\r' '\\n' < FILE > NEW"
    return f"not a row of CSV ({text})"
