"""Rank, odd one out and single rows: as gensim gives them, from memory and from the file."""

from __future__ import annotations

import numpy as np
import pytest
from gensim.models import KeyedVectors

from w2v.errors import SettingsError, UnknownWordError
from w2v.vectors.query import FEW, Asker
from w2v.vectors.vectors import Vectors


@pytest.fixture(scope="module")
def vectors() -> Vectors:
    rng = np.random.default_rng(5)
    return Vectors([f"w{i}" for i in range(400)], rng.standard_normal((400, 12), dtype=np.float32))


@pytest.fixture(scope="module")
def theirs(vectors) -> KeyedVectors:
    found = KeyedVectors(12)
    found.add_vectors(list(vectors.words), vectors.matrix)
    return found


@pytest.fixture(params=["v.bin", "v.txt", "v.npy"])
def path(request, tmp_path, vectors):
    vectors.save(tmp_path / request.param)
    return tmp_path / request.param


PAIRS = [(f"w{a}", f"w{b}") for a, b in np.random.default_rng(6).integers(0, 400, (20, 2)) if a != b]


def test_rank_is_gensims(vectors, theirs, path):
    wanted = [theirs.rank(a, b) for a, b in PAIRS]
    assert [vectors.rank(a, b) for a, b in PAIRS] == wanted
    with Asker(path) as asker:
        assert [rank for rank, _ in asker.ranks(PAIRS)] == wanted
        assert [rank for rank, _ in asker.ranks(PAIRS * FEW)] == wanted * FEW  # so many are answered from memory


def test_rank_agrees_with_the_neighbours(vectors):
    for place, (word, cosine) in enumerate(vectors.most_similar("w7", topn=399), 1):
        assert vectors.rank("w7", word) == place
        assert vectors.similarity("w7", word) == pytest.approx(cosine, abs=1e-6)


def test_odd_one_out_is_gensims(vectors, theirs, path):
    rng = np.random.default_rng(7)
    with Asker(path) as asker:
        for _ in range(20):
            words = [f"w{i}" for i in rng.choice(400, 5, replace=False)]
            assert vectors.odd_one_out(words) == theirs.doesnt_match(words)
            picked, unknown = asker.pick(words)
            assert picked.odd_one_out(words) == theirs.doesnt_match(words)
            assert unknown == {}


def test_similarity_and_rows_are_the_same_from_the_file(vectors, theirs, path):
    with Asker(path) as asker:
        picked, _ = asker.pick(word for pair in PAIRS for word in pair)
    for a, b in PAIRS:
        assert picked.similarity(a, b) == pytest.approx(float(theirs.similarity(a, b)), abs=1e-6)
        assert picked[a].tolist() == vectors[a].tolist()


def test_a_binary_file_is_not_loaded_for_a_few_words(tmp_path, vectors):
    vectors.save(tmp_path / "v.bin")
    with Asker(tmp_path / "v.bin") as asker:
        picked, _ = asker.pick(["w3", "w9", "w3"])
        assert list(picked.words) == ["w3", "w9"]
        asker.ranks(PAIRS[:2])
        assert asker._vectors is None


def test_what_is_not_there_is_named_and_the_rest_answered(path):
    with Asker(path) as asker:
        picked, unknown = asker.pick(["w3", "w3999", "W4"])
        assert "w3" in picked
        assert set(unknown) == {"w3999", "W4"}
        assert unknown["W4"].suggestions[0] == "w4"
        found = asker.ranks([("w1", "w2"), ("w1", "nothing"), ("w2", "w1")])
        assert isinstance(found[1], UnknownWordError)
        assert not isinstance(found[2], UnknownWordError)


def test_a_row_of_zeros_is_like_nothing():
    vectors = Vectors(["a", "b", "zero"], np.array([[1, 0], [1, 1], [0, 0]], np.float32))
    assert vectors.similarity("a", "zero") == 0
    assert vectors.rank("a", "zero") == 2
    assert vectors.odd_one_out(["a", "b", "zero"]) == "zero"


def test_odd_one_out_needs_two_words_that_are_there(vectors):
    with pytest.raises(SettingsError, match="1 words"):
        vectors.odd_one_out(["w1"])
    with pytest.raises(UnknownWordError):
        vectors.odd_one_out(["w1", "w2", "nothing"])
