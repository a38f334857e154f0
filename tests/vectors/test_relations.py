"""Rank, odd one out and single rows: as gensim gives them, from memory and from the file."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from w2v.errors import SettingsError, UnknownWordError, VectorsError
from w2v.vectors.query import FEW, VectorFile
from w2v.vectors.vectors import Vectors


@pytest.fixture(scope="module")
def vectors() -> Vectors:
    rng = np.random.default_rng(5)
    return Vectors([f"w{i}" for i in range(400)], rng.standard_normal((400, 12), dtype=np.float32))


@pytest.fixture(scope="module")
def theirs(vectors):
    found = pytest.importorskip("gensim.models").KeyedVectors(12)
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
    with VectorFile(path) as asker:
        assert [rank for rank, _ in asker.ranks(PAIRS)] == wanted
        assert [rank for rank, _ in asker.ranks(PAIRS * FEW)] == wanted * FEW  # so many are answered from memory


def test_rank_agrees_with_the_neighbours(vectors):
    for place, (word, cosine) in enumerate(vectors.most_similar("w7", topn=399), 1):
        assert vectors.rank("w7", word) == place
        assert vectors.similarity("w7", word) == pytest.approx(cosine, abs=1e-6)


def test_odd_one_out_is_gensims(vectors, theirs, path):
    rng = np.random.default_rng(7)
    with VectorFile(path) as asker:
        for _ in range(20):
            words = [f"w{i}" for i in rng.choice(400, 5, replace=False)]
            assert vectors.odd_one_out(words) == theirs.doesnt_match(words)
            picked, unknown = asker.pick(words)
            assert picked.odd_one_out(words) == theirs.doesnt_match(words)
            assert unknown == {}


def test_similarity_and_rows_are_the_same_from_the_file(vectors, theirs, path):
    with VectorFile(path) as asker:
        picked, _ = asker.pick(word for pair in PAIRS for word in pair)
    for a, b in PAIRS:
        assert picked.similarity(a, b) == pytest.approx(float(theirs.similarity(a, b)), abs=1e-6)
        assert picked[a].tolist() == vectors[a].tolist()


def test_a_binary_file_is_not_loaded_for_a_few_words(tmp_path, vectors):
    vectors.save(tmp_path / "v.bin")
    with VectorFile(tmp_path / "v.bin") as asker:
        picked, _ = asker.pick(["w3", "w9", "w3"])
        assert list(picked.words) == ["w3", "w9"]
        asker.ranks(PAIRS[:2])
        assert asker._vectors is None


def test_what_is_not_there_is_named_and_the_rest_answered(path):
    with VectorFile(path) as asker:
        picked, unknown = asker.pick(["w3", "w3999", "W4"])
        assert "w3" in picked
        assert set(unknown) == {"w3999", "W4"}
        assert unknown["W4"].suggestions[0] == "w4"
        found = asker.ranks([("w1", "w2"), ("w1", "nothing"), ("w2", "w1")])
        assert isinstance(found[1], UnknownWordError)
        assert not isinstance(found[2], UnknownWordError)


def test_neighbours_of_a_vector_are_gensims(vectors, theirs):
    rng = np.random.default_rng(7)
    for vector in (3 * rng.standard_normal(12), vectors["w7"], [0.5] * 12):
        for topn, most in ((10, None), (400, None), (3, 50), (5, 2)):
            found = vectors.similar_by_vector(vector, topn, most)
            expected = theirs.similar_by_vector(np.asarray(vector, np.float32), topn, most)
            assert [word for word, _ in found] == [word for word, _ in expected]
            assert [score for _, score in found] == pytest.approx([score for _, score in expected], abs=1e-6)
    assert vectors.similar_by_vector(vectors["w7"])[0] == ("w7", pytest.approx(1))
    assert [score for _, score in vectors.similar_by_vector(np.zeros(12), 3)] == [0, 0, 0]
    assert vectors.similar_by_vector(vectors["w7"], 0) == vectors.similar_by_vector(vectors["w7"], 5, 0) == []


@pytest.mark.parametrize(
    ("vector", "named"),
    [
        (np.ones(11), "a vector of 11 numbers; these vectors have 12"),
        (1.0, "a vector of no numbers"),
        (np.ones((2, 12)), "these vectors have 12"),
        ([np.nan] * 12, "is not finite"),
        ([np.inf] * 12, "is not finite"),
    ],
    ids=str,
)
def test_a_vector_that_cannot_be_asked_for_is_refused(vectors, vector, named):
    with pytest.raises(VectorsError, match=named):
        vectors.similar_by_vector(vector)


def test_mistakes_of_a_caller_are_named(vectors):
    for wrong in (
        lambda: vectors[0.5],
        lambda: vectors.most_similar([vectors["w1"]]),
        lambda: vectors.rank("w1", True),
    ):
        with pytest.raises(TypeError, match="a word is str, bytes or a whole number, not "):
            wrong()
    with pytest.raises(UnknownWordError, match='"0" is not in the vocabulary'):  # an item, not a row
        vectors[0]
    for settings in ({"topn": None}, {"topn": "3"}, {"restrict_vocab": -5}):
        with pytest.raises(SettingsError, match=next(iter(settings))):
            vectors.most_similar("w1", **settings)
        with pytest.raises(SettingsError, match=next(iter(settings))):
            vectors.similar_by_vector(vectors["w1"], **settings)
    with pytest.raises(VectorsError, match="subset: 'w1' is one word"):
        vectors.subset("w1")


def test_rows_of_several_words_come_at_once(vectors):
    assert np.array_equal(vectors[["w3", b"w1"]], np.stack([vectors["w3"], vectors["w1"]]))
    with pytest.raises(UnknownWordError, match="nothing"):
        vectors[["w3", "nothing"]]


@pytest.mark.parametrize("again", [copy.deepcopy, copy.copy, lambda v: pickle.loads(pickle.dumps(v))])
def test_vectors_can_be_copied_and_pickled(vectors, again):
    vectors = Vectors([b"\xff", "", "東京", *list(vectors.words)[3:]], vectors.matrix)
    assert vectors.most_similar("東京")
    copied = again(vectors)
    assert copied.words == vectors.words
    assert copied.words.table[0] == b"\xff"
    assert np.array_equal(copied.matrix, vectors.matrix)
    assert copied.most_similar("東京") == vectors.most_similar("東京")


def test_a_row_of_zeros_is_like_nothing():
    vectors = Vectors(["a", "b", "zero"], np.array([[1, 0], [1, 1], [0, 0]], np.float32))
    assert vectors.similarity("a", "zero") == 0
    assert vectors.rank("a", "zero") == 2
    assert vectors.odd_one_out(["a", "b", "zero"]) == "zero"


def test_odd_one_out_needs_two_words_that_are_there(vectors):
    with pytest.raises(SettingsError, match=r"odd one out: 1 word; "):
        vectors.odd_one_out(["w1"])
    with pytest.raises(UnknownWordError):
        vectors.odd_one_out(["w1", "w2", "nothing"])
