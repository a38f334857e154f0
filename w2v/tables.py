"""Tables that other programs read and write: Parquet and Arrow files, by pyarrow, the extra `w2v[tables]`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, BinaryIO

from w2v.errors import W2VError

if TYPE_CHECKING:
    from w2v.output import Sink

__all__ = ["PARQUET_MAGIC", "TableWriter", "needed", "parquet_batches", "parquet_columns"]

PARQUET_MAGIC = b"PAR1"  # a Parquet file begins and ends with it
ROWS = 1 << 14  # read together


def needed() -> None:
    """Raise W2VError, with what to install, where pyarrow is not there."""
    if find_spec("pyarrow") is None:
        raise W2VError("tables in Parquet or Arrow need pyarrow, which is not installed: pip install 'w2v[tables]'")


def parquet_batches(path: str, columns: Sequence[str]) -> Iterator[list[list[Any]]]:
    """The values of some columns of a Parquet file, some rows at a time: times as whole microseconds, other values as
    Python has them. W2VError where it is damaged."""
    needed()
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(ROWS, columns=list(dict.fromkeys(columns))):
                yield [values_of(batch.column(name)) for name in columns]
    except pyarrow.ArrowException as error:
        raise W2VError(f"{path}: the Parquet file cannot be read ({error!s:.200}); get it again") from None


def parquet_columns(path: str) -> list[str]:
    """The names of the columns of a Parquet file."""
    needed()
    import pyarrow
    import pyarrow.parquet

    try:
        return list(pyarrow.parquet.read_schema(path).names)
    except pyarrow.ArrowException as error:
        raise W2VError(f"{path}: the Parquet file cannot be read ({error!s:.200}); get it again") from None


def values_of(column: Any) -> list[Any]:
    import pyarrow

    if pyarrow.types.is_timestamp(column.type) or pyarrow.types.is_date(column.type):
        safe = getattr(column.type, "unit", "") != "ns"  # which has digits that are left out
        column = column.cast(pyarrow.timestamp("us", getattr(column.type, "tz", None)), safe).cast(pyarrow.int64())
        return [None if value is None else Microseconds(value) for value in column.to_pylist()]
    return column.to_pylist()  # type: ignore[no-any-return]


class Microseconds(int):
    """A time that needs no reading: microseconds since 1970, UTC."""


class TableWriter:
    """A Parquet or an Arrow file, written a block of rows at a time to something with `write`; a context manager.
    `form` is parquet or arrow (the IPC file format: Feather); `metadata` goes into its schema."""

    def __init__(self, out: Sink | BinaryIO, form: str, metadata: Mapping[str, str] | None = None):
        needed()
        self.out, self.form, self.metadata = Counted(out), form, metadata
        self._writer: Any = None

    def write(self, columns: Mapping[str, Sequence[Any]]) -> None:
        """Some rows: the values of each column, all as many, or an array of pyarrow's; the first rows say which columns
        there are."""
        import pyarrow

        if not columns:
            return
        table = pyarrow.table(
            {
                name: values if isinstance(values, pyarrow.Array) else list(map(plain, values))
                for name, values in columns.items()
            },
            metadata=self.metadata,
        )
        if self._writer is None:
            self._writer = self._open(table.schema)
        self._writer.write_table(table.cast(self._writer.schema if self.form == "parquet" else table.schema))

    def _open(self, schema: Any) -> Any:
        import pyarrow
        import pyarrow.parquet

        if self.form == "parquet":
            return pyarrow.parquet.ParquetWriter(self.out, schema, compression="zstd")
        return pyarrow.ipc.new_file(self.out, schema)

    def __enter__(self) -> TableWriter:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if self._writer is not None and kind is None:
            self._writer.close()


def plain(value: Any) -> Any:
    """A text as these formats can hold it: bytes that are no UTF-8 as U+FFFD."""
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return value


class Counted:
    """Something with `write` as a file that knows its place, which is asked of it."""

    closed = False

    def __init__(self, out: Sink | BinaryIO):
        self._out, self._place = out, 0

    def write(self, data: Any) -> int:
        view = memoryview(data)
        self._out.write(view)
        self._place += view.nbytes
        return view.nbytes

    def tell(self) -> int:
        return self._place

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False
