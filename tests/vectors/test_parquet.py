"""Parquet files of vectors, written for other programs and read from them."""

from __future__ import annotations

import io

import numpy as np
import pytest

from w2v import Vectors, load
from w2v.errors import VectorsError
from w2v.vectors.formats import parquet

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

WORDS = ["the", "été", "a b", "", "東京"]


@pytest.fixture
def vectors() -> Vectors:
    made = Vectors([*WORDS[:3], "x", WORDS[4]], np.random.default_rng(3).normal(size=(5, 4)).astype(np.float32))
    made.metadata["lower"] = "true"
    return made


def save(table: pa.Table, path) -> None:
    pq.write_table(table, path)


@pytest.mark.parametrize("name", ["v.parquet", "v.parquet.gz"])
def test_a_file_reads_back_as_it_was(vectors, tmp_path, name):
    vectors.save(tmp_path / name)
    again = load(tmp_path / name)
    assert list(again.words) == list(vectors.words)
    assert np.array_equal(again.matrix, vectors.matrix)
    assert again.metadata == {"lower": "true"}
    assert list(load(tmp_path / name, limit=2).words) == ["the", "été"]


def test_other_programs_see_a_word_and_a_list_of_numbers(vectors, tmp_path, monkeypatch):
    monkeypatch.setattr("w2v.vectors.formats.row_writer.BLOCK", 1)  # a row at a time
    vectors.save(tmp_path / "v.parquet")
    table = pq.read_table(tmp_path / "v.parquet")
    assert table.schema.names == ["word", "vector"]
    assert str(table.schema.field("vector").type) == "fixed_size_list<element: float>[4]"
    assert table["word"].to_pylist() == list(vectors.words)
    assert np.array_equal(np.array(table["vector"].to_pylist(), np.float32), vectors.matrix)
    pq.write_table(table[:0], tmp_path / "none.parquet")
    assert len(load(tmp_path / "none.parquet")) == 0


@pytest.mark.parametrize("lists", [pa.list_(pa.float64()), pa.large_list(pa.float32()), pa.list_(pa.float16(), 2)])
@pytest.mark.parametrize("text", [pa.string(), pa.large_string(), pa.binary()])
def test_tables_of_others_are_read(tmp_path, monkeypatch, lists, text):
    monkeypatch.setattr(parquet, "ROWS", 2)
    monkeypatch.setattr(parquet, "NUMBERS", 4)
    numbers = [np.array([i, 0.5], np.float16 if lists.value_type == pa.float16() else np.float64) for i in range(5)]
    columns = {
        "id": pa.array(range(5)),
        "token": pa.array([w.encode() for w in "abcde"], pa.binary()).cast(text),
        "emb": pa.array(numbers, lists),
    }
    save(pa.table(columns), tmp_path / "t")
    for path in (tmp_path / "t", io.BytesIO((tmp_path / "t").read_bytes())):
        found = load(path)
        assert list(found.words) == list("abcde")
        assert found.matrix.tolist() == [[i, 0.5] for i in range(5)]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"word": ["a", None], "vector": [[1.0], [2.0]]}, "row 2: has no word"),
        ({"word": ["a", "b"], "vector": [[1.0], None]}, "row 2: has no vector"),
        ({"word": ["a", "b"], "vector": [[1.0], [2.0, 3.0]]}, "row 2: 2 numbers; the first row has 1"),
        ({"word": ["a", "b"], "vector": [[], [2.0]]}, "row 1: a vector of 0 numbers"),
        ({"word": ["a", "b"], "vector": [[1.0], [None]]}, 'row 2: a number of "b" is NaN'),
        ({"word": ["a", "a"], "vector": [[1.0], [2.0]]}, "row 2: the word"),
        ({"word": ["a", "b"], "x": [1.0, 2.0]}, r"without a column .word. of text and .* \(it has word, x\)"),
        ({"a": ["a"], "b": ["b"], "vector": [[1.0]]}, "without a column"),
    ],
)
def test_tables_that_are_no_vectors_are_errors(tmp_path, columns, said):
    save(pa.table(columns), tmp_path / "t")
    with pytest.raises(VectorsError, match=said):
        load(tmp_path / "t")


def test_a_damaged_file_is_an_error(vectors, tmp_path):
    vectors.save(tmp_path / "v.parquet")
    data = (tmp_path / "v.parquet").read_bytes()
    for bad in (data[:-30], data[:4], data[:8] + bytes(60) + data[68:], data[:-20] + bytes(20)):
        (tmp_path / "bad").write_bytes(bad)
        with pytest.raises(VectorsError, match="bad: the Parquet file cannot be read"):
            load(tmp_path / "bad")


def test_more_rows_than_there_is_memory_for_are_refused(vectors, tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "available_memory", lambda: 79)
    vectors.save(tmp_path / "v.parquet")
    with pytest.raises(VectorsError, match="holds 5 rows of 4 numbers, which take 80 B of memory; 79 B are free"):
        load(tmp_path / "v.parquet")


def test_a_word_that_is_no_text_is_an_error(tmp_path):
    with pytest.raises(VectorsError, match=r"row 1: the word .* is not UTF-8"):
        Vectors([b"caf\xe9"], np.ones((1, 2))).save(tmp_path / "v.parquet")
    assert not (tmp_path / "v.parquet").exists()
