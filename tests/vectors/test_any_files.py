"""Any vectors round-trip through every format; any bytes are read as a slow reader reads them, or refused."""

from __future__ import annotations

import gzip
import io
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from w2v.errors import VectorsError
from w2v.vectors.formats.load import recognised
from w2v.vectors.vectors import Vectors, load

from .hostile import Refused, binary, read_binary, read_text, text

SETTINGS = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))

words = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters=" \n\t\r\v\f"), min_size=1, max_size=8).map(
        str.encode
    ),
    st.binary(min_size=1, max_size=8).filter(lambda w: not set(w) & set(b" \n\t\r\v\f")),
)
numbers = st.floats(width=32, allow_nan=False, allow_infinity=False)


@st.composite
def tables(draw) -> tuple[list[bytes], np.ndarray]:
    names = draw(st.lists(words, min_size=1, max_size=12, unique=True))
    dim = draw(st.integers(1, 6))
    values = draw(st.lists(numbers, min_size=len(names) * dim, max_size=len(names) * dim))
    return names, np.array(values, np.float32).reshape(len(names), dim)


def rows_of(vectors: Vectors) -> list[tuple[bytes, bytes]]:
    return [(vectors.words.table[i], vectors.matrix[i].tobytes()) for i in range(len(vectors))]


@SETTINGS
@given(tables(), st.sampled_from(["bin", "text", "glove"]), st.booleans())
@example(([b"0"], np.array([[0.01]], np.float32)), "bin", False)  # its bytes in binary begin with a newline
@example(([b"a", b"b"], np.array([[0.01], [0.01]], np.float32)), "bin", True)
def test_any_vectors_read_back_as_they_were_written(table, form, packed):
    names, matrix = table
    vectors = Vectors(names, matrix)
    out = io.BytesIO()
    vectors.save(out, form)
    data = out.getvalue()
    if form == "glove" and data.split(b"\n")[0].count(b" ") == 1 and names[0].isdigit():
        return  # `12 3` as a first line is a header
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "v"
        path.write_bytes(gzip.compress(data) if packed else data)
        assert rows_of(load(path)) == rows_of(vectors)
    assert rows_of(load(io.BytesIO(data))) == rows_of(vectors)


@st.composite
def damaged(draw) -> bytes:
    """A small file of either kind with a few bytes changed, cut out, put in or doubled."""
    names, matrix = draw(tables())
    make = draw(st.sampled_from([binary, text]))
    data = bytearray(make(list(zip(names, matrix.tolist(), strict=True))))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(data)))
        size = draw(st.integers(0, 6))
        piece = draw(
            st.one_of(
                st.binary(max_size=4),
                st.sampled_from([b" ", b"\n", b"9", b"-", b"e9", b"0 ", b"nan", bytes(data[at : at + size])]),
            )
        )
        data[at : at + size] = piece
    return bytes(data)


def outcome(source) -> list[tuple[bytes, bytes]] | str:
    try:
        return rows_of(load(source))
    except VectorsError as error:
        return str(error)


@settings(SETTINGS, max_examples=600)
@given(damaged())
@example(b"2 1\na 1\nb 2\n\n")
@example(b"1 1\na 1e-400")
@example(b"1 1\na 0.00000000000000000000000000000000000000000000000000000000000000000001e68")
def test_damaged_files_are_read_as_a_slow_reader_reads_them_or_refused(data):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "v"
        path.write_bytes(data)
        plain = outcome(path)
    stream = outcome(io.BytesIO(data))
    assert isinstance(plain, str) == isinstance(stream, str), (plain, stream)
    try:
        kind = recognised("v", data).name
        wanted = {"bin": read_binary, "text": read_text}.get(kind, lambda _: None)(data)
    except (VectorsError, Refused):
        assert isinstance(plain, str)
        return
    if wanted is not None:
        assert plain == [(word, values.tobytes()) for word, values in wanted]
        assert stream == plain


@settings(SETTINGS, max_examples=300)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.builds(lambda a, b: b"3 2\n" + a + b, st.binary(max_size=60), st.binary(max_size=60)),
    )
)
def test_any_bytes_are_refused_or_read_but_never_crash(data):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "v"
        path.write_bytes(data)
        plain = outcome(path)
    assert isinstance(plain, str) == isinstance(outcome(io.BytesIO(data)), str)
