"""Parquet: a column `word` and a column `vector`, lists of one length, as DuckDB, pandas and polars read them.

Other programs' files are read too if they hold one column of text and one of lists of floats, or columns of these names
(the extra `w2v[tables]`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from w2v.corpus._words import WordTable
from w2v.errors import VectorsError, shortened
from w2v.machine import available_memory
from w2v.numbers import size
from w2v.tables import PARQUET_MAGIC, TableWriter, needed
from w2v.vectors.formats.format import Format
from w2v.vectors.formats.rows import LoadOptions, Rows, Shape
from w2v.vectors.formats.source import MAX_DIM

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from w2v.vectors.formats.row_writer import RowWriter
    from w2v.vectors.formats.source import Source

__all__ = ["PARQUET"]

WORD, VECTOR = "word", "vector"
OURS = b"w2v."  # before what is known of the training, in the metadata of the file
NUMBERS = 1 << 22  # read together
ROWS = 256  # where the length of a row is not known


@contextmanager
def opened(source: Source) -> Iterator[Any]:
    """The file, by pyarrow, whose errors become VectorsError within."""
    needed()
    import pyarrow
    import pyarrow.parquet

    place = source.path if source.fd is not None else pyarrow.BufferReader(b"".join(iter(source.read, b"")))
    try:
        with pyarrow.parquet.ParquetFile(place) as file:
            yield file
    except (pyarrow.ArrowException, OSError) as error:  # pyarrow says OSError for what does not unpack
        raise VectorsError(f"{source.name}: the Parquet file cannot be read ({error!s:.200}); get it again") from None


def columns_of(name: str, schema: Any) -> tuple[str, str, int | None]:
    """The names of the columns with words and with vectors, and how many numbers each has where the type says it."""
    from pyarrow import types

    texts = [field.name for field in schema if is_text(field.type)]
    lists = [field.name for field in schema if is_vector(field.type)]
    word = WORD if WORD in texts else texts[0] if len(texts) == 1 else None
    vector = VECTOR if VECTOR in lists else lists[0] if len(lists) == 1 else None
    if word is None or vector is None:
        raise VectorsError(
            f"{name}: is a Parquet file without a column `{WORD}` of text and a column `{VECTOR}` of lists of floats "
            f"(it has {shortened(', '.join(schema.names))}); rename those that are meant"
        )
    found = schema.field(vector).type
    return word, vector, found.list_size if types.is_fixed_size_list(found) else None


def is_text(found: Any) -> bool:
    from pyarrow import types

    return bool(types.is_string(found) or types.is_large_string(found) or types.is_binary(found))


def is_vector(found: Any) -> bool:
    from pyarrow import types

    lists = types.is_list(found) or types.is_large_list(found) or types.is_fixed_size_list(found)
    return bool(lists and types.is_floating(found.value_type))


def shape(source: Source) -> Shape:
    if source.fd is None:
        return Shape()
    with opened(source) as file:
        _, vector, dim = columns_of(source.name, file.schema_arrow)
        dtype = {"halffloat": "float16", "double": "float64"}.get(
            str(file.schema_arrow.field(vector).type.value_type), "float32"
        )
        return Shape(file.metadata.num_rows, dim, dtype, metadata_of(file))


def metadata_of(file: Any) -> dict[str, str]:
    found = file.schema_arrow.metadata or {}
    return {
        key.removeprefix(OURS).decode("utf-8", "replace"): value.decode("utf-8", "replace")
        for key, value in found.items()
        if key.startswith(OURS)
    }


def load(source: Source, options: LoadOptions) -> Rows:
    import numpy as np

    with opened(source) as file:
        word, vector, dim = columns_of(source.name, file.schema_arrow)
        rows = file.metadata.num_rows if options.limit is None else min(options.limit, file.metadata.num_rows)
        words: list[bytes] = []
        matrix: NDArray[np.float32] | None = None
        batch_rows = ROWS if dim is None else max(1, NUMBERS // max(1, dim))
        for batch in file.iter_batches(batch_rows, columns=[word, vector]):
            if matrix is None:
                matrix = room_for(source.name, rows, dim or first_length(batch.column(vector)))
            low, high = len(words), min(rows, len(words) + len(batch))
            words += words_of(source.name, batch.column(word)[: high - low], low)
            matrix[low:high] = numbers_of(source.name, batch.column(vector)[: high - low], low, matrix.shape[1])
            if high == rows:
                break
        if len(words) < rows:
            raise VectorsError(f"{source.name}: ends after {len(words):,} of {rows:,} rows; get it again")
        if matrix is None:
            matrix = np.empty((0, dim or 1), np.float32)
        return Rows(WordTable(words), matrix, None, metadata_of(file))


def room_for(name: str, rows: int, dim: int) -> NDArray[np.float32]:
    """The matrix to fill; VectorsError if there is not as much memory, or a row has no or too many numbers."""
    import numpy as np

    if not 1 <= dim <= MAX_DIM:
        raise VectorsError(f"{name}: row 1: a vector of {dim} numbers; 1 to {MAX_DIM:,} can be read")
    free = available_memory()
    if 4 * rows * dim > free:
        raise VectorsError(
            f"{name}: holds {rows:,} rows of {dim:,} numbers, which take {size(4 * rows * dim)} of memory; "
            f"{size(free)} are free"
        )
    return np.empty((rows, dim), np.float32)


def first_length(column: Any) -> int:
    return len(column[0]) if len(column) and column[0].is_valid else 0


def words_of(name: str, column: Any, low: int) -> list[bytes]:
    import pyarrow

    if column.null_count:
        raise VectorsError(f"{name}: row {low + first_null(column) + 1}: has no word")
    binary = column.cast(pyarrow.large_binary() if pyarrow.types.is_large_string(column.type) else pyarrow.binary())
    return list(binary.to_pylist())


def numbers_of(name: str, column: Any, low: int, dim: int) -> NDArray[np.float32]:
    """The rows of a column, float32 [rows, dim]."""
    import numpy as np
    import pyarrow.compute

    if column.null_count:
        raise VectorsError(f"{name}: row {low + first_null(column) + 1}: has no vector")
    lengths = pyarrow.compute.list_value_length(column).to_numpy(zero_copy_only=False)
    for row in np.flatnonzero(lengths != dim).tolist()[:1]:
        raise VectorsError(f"{name}: row {low + row + 1}: {lengths[row]} numbers; the first row has {dim}")
    values = column.flatten().to_numpy(zero_copy_only=False)  # NaN where there is none, which is refused with its row
    with np.errstate(over="ignore"):
        return np.asarray(values, np.float32).reshape(len(column), dim)


def first_null(column: Any) -> int:
    return int(column.is_null().to_pylist().index(True))


class Table:
    """What blocks of numbers are written to: each becomes rows of the table, with the words that come next."""

    def __init__(self, writer: RowWriter, table: TableWriter):
        self.writer, self.table, self.row = writer, table, 0

    def write(self, data: memoryview) -> None:
        import numpy as np
        import pyarrow

        dim = self.writer.dim
        numbers = np.frombuffer(data, "<f4")
        rows = range(self.row, self.row + len(numbers) // dim)
        words = pyarrow.array([self.writer.text(row) for row in rows], pyarrow.string())
        self.table.write({WORD: words, VECTOR: pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(numbers), dim)})
        self.row = rows.stop


def write(writer: RowWriter, out: Any) -> None:
    metadata = {OURS.decode() + key: value for key, value in writer.contents.metadata.items()}
    with TableWriter(out, "parquet", metadata) as table:
        into = Table(writer, table)
        writer.write_blocks(into, writer.numbers)
        if not writer.rows:
            into.write(memoryview(b""))


PARQUET = Format(
    name="parquet",
    title="Parquet",
    suffixes=(".parquet",),
    holds="columns `word` and `vector`, for DuckDB, pandas and polars (`pip install 'w2v[tables]'`)",
    recognise=lambda _, head: head.startswith(PARQUET_MAGIC),
    signed=True,
    load=load,
    write=write,
    needs=needed,
    separators=b"",
    shape=shape,
)
