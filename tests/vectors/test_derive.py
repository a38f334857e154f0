"""Vectors made from others: the first rows, the rows of some words, unit length; through any two formats unchanged."""

from __future__ import annotations

import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from w2v.errors import SettingsError, VectorsError
from w2v.vectors.derive import combine, load_some, read_list
from w2v.vectors.formats import FORMATS, LoadOptions, writable
from w2v.vectors.vectors import Vectors, load

from .small import same

NAMES = {
    "bin": "v.bin",
    "text": "v.txt",
    "glove": "v.glove",
    "npy": "v.npy",
    "safetensors": "v.safetensors",
    "projector": "v.tsv",
    "fasttext": "v.ftbin",
    "parquet": "v.parquet",
}
WRITABLE = [form for form in writable() if form != "parquet" or find_spec("pyarrow") is not None]
WORDS = ["the", "of", "König", "한국어", "12", "🙂", "zero"]
SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

words = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters=" "), min_size=1, max_size=6).filter(
    lambda word: not word.isdigit()
)  # `12 3` as GloVe's first line is a header
numbers = st.floats(width=32, allow_nan=False, allow_infinity=False)


def make() -> Vectors:
    matrix = np.random.default_rng(5).standard_normal((len(WORDS), 6), dtype=np.float32)
    matrix[-1] = 0
    return Vectors(WORDS, matrix)


@SETTINGS
@given(
    st.lists(words, min_size=1, max_size=8, unique=True),
    st.integers(1, 5),
    st.data(),
    st.lists(st.sampled_from(WRITABLE), min_size=2, max_size=4),
)
def test_through_a_chain_of_formats_any_vectors_stay_the_same(names, dim, data, chain):
    values = data.draw(st.lists(numbers, min_size=len(names) * dim, max_size=len(names) * dim))
    vectors = Vectors(names, np.array(values, np.float32).reshape(len(names), dim))
    with tempfile.TemporaryDirectory() as folder:
        found = vectors
        for number, form in enumerate(chain):
            path = Path(folder) / f"{number}{NAMES[form]}"
            found.save(path, form)
            found, *_ = load_some(path, LoadOptions(format=form))
        assert found.words == vectors.words
        assert found.matrix.tobytes() == vectors.matrix.tobytes()  # -0 is not 0


@pytest.mark.parametrize("form", WRITABLE)
@pytest.mark.parametrize("packed", [False, True])
def test_words_of_a_list_are_kept_in_the_order_of_the_file(tmp_path, form, packed):
    vectors = make()
    path = tmp_path / (NAMES[form] + (".gz" if packed else ""))
    vectors.save(path, form)
    some, count, missing = load_some(path, LoadOptions(), words=["12", "nowhere", "of", b"of", "König", "nowhere"])
    assert list(some.words) == ["of", "König", "12"]
    assert np.array_equal(some.matrix, vectors.matrix[[1, 2, 4]])
    assert (count, missing) == (3, [b"nowhere"])
    first, *_ = load_some(path, LoadOptions(), words=["12", "of", "König"], top=2)
    assert same(first, vectors.subset(["of", "König"]))
    assert same(load_some(path, LoadOptions(), top=3)[0], vectors.top(3))


def test_a_binary_files_other_rows_are_not_read(tmp_path):
    vectors = make()
    vectors.save(tmp_path / "v.bin")
    data = bytearray((tmp_path / "v.bin").read_bytes())
    at = data.index(b"the ") + 4
    data[at : at + 4] = np.float32(np.nan).tobytes()
    (tmp_path / "v.bin").write_bytes(data)
    assert same(load_some(tmp_path / "v.bin", LoadOptions(), words=["of"])[0], vectors.subset(["of"]))
    with pytest.raises(VectorsError, match="row 1 "):
        load_some(tmp_path / "v.bin", LoadOptions(), words=["of", "the"])


def test_a_word_that_is_there_twice_counts_with_its_first_row(tmp_path):
    (tmp_path / "v").write_bytes(b"3 1\na 1\nb 2\na 3\n")
    with pytest.raises(VectorsError, match="already in row 1"):
        load_some(tmp_path / "v", LoadOptions(), words=["a"])
    some, *_ = load_some(tmp_path / "v", LoadOptions(duplicates="first"), words=["a"])
    assert some.matrix.tolist() == [[1.0]]


@pytest.mark.parametrize("in_place", [False, True])
def test_unit_vectors_have_length_one_and_zeros_stay(in_place):
    from w2v.vectors.derive import unit

    matrix = np.array([[3, 4], [0, 0], [1e-30, 1e-30], [3e38, -3e38], [1e-45, 0]], np.float32)
    vectors = Vectors(["a", "zero", "small", "large", "least"], matrix.copy())
    made = unit(vectors, in_place)
    half = np.float32(0.5) ** 0.5
    assert np.allclose(made.matrix, [[0.6, 0.8], [0, 0], [half, half], [half, -half], [1, 0]], rtol=1e-6, atol=0)
    assert np.array_equal(vectors.matrix, made.matrix if in_place else matrix)
    assert np.shares_memory(vectors.matrix, made.matrix) == in_place


def test_unit_keeps_every_block(tmp_path):
    wide = Vectors([f"w{i}" for i in range(3000)], np.random.default_rng(1).normal(size=(3000, 300)))
    assert np.allclose(np.linalg.norm(wide.unit().matrix, axis=1), 1, atol=1e-6)
    assert np.allclose(wide.unit().matrix * wide.norms[:, None], wide.matrix, atol=1e-5)


def test_what_is_known_of_the_vectors_goes_along():
    vectors = make()
    vectors.metadata["settings"] = "{}"
    assert vectors.top(2).metadata == vectors.unit().metadata == vectors.subset(["of"]).metadata == {"settings": "{}"}


def test_a_list_of_words_may_have_counts_blank_lines_and_a_mark(tmp_path):
    (tmp_path / "list").write_bytes(b"\xef\xbb\xbfking\t31\r\n\nnew york\n\xff\nking")
    assert list(read_list(tmp_path / "list")) == [b"king", b"new york", b"\xff", b"king"]


def test_a_format_that_is_told_is_not_guessed(tmp_path):
    (tmp_path / "v").write_bytes(b"12 3\n7 1\n")  # two words that look like numbers
    found, *_ = load_some(tmp_path / "v", LoadOptions(format="glove"))
    assert list(found.words) == ["12", "7"]
    with pytest.raises(VectorsError, match="row"):
        load(tmp_path / "v")
    assert list(load(tmp_path / "v", format="glove").words) == ["12", "7"]


@pytest.mark.parametrize("form", [form for form in FORMATS if form not in ("glove", "projector")])
def test_a_format_that_is_told_wrong_is_refused(tmp_path, form):
    (tmp_path / "v").write_bytes(b"the 1 2\nof 3 4\n")
    with pytest.raises(VectorsError, match=f"format {form}.*name no format"):
        load_some(tmp_path / "v", LoadOptions(format=form))
    (tmp_path / "v").write_bytes(b"")
    with pytest.raises(VectorsError, match="empty"):
        load_some(tmp_path / "v", LoadOptions(format=form))
    (tmp_path / "v").write_bytes(b"the 1 2\n")
    with pytest.raises(SettingsError, match="not one of"):
        load(tmp_path / "v", format="magnitude")


def test_an_unknown_way_to_combine_matrices_is_refused():
    vectors = Vectors(["a"], np.ones((1, 2)))
    with pytest.raises(SettingsError, match="combine: 'sum' is not one of input, add, concat"):
        combine(vectors, vectors, "sum")
