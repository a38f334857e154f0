"""Neighbours, analogies and expressions, in memory and in the file, against gensim and a slow reference."""

from __future__ import annotations

import contextlib
import os
import unicodedata

import numpy as np
import pytest

from w2v.errors import SettingsError, UnknownWordError, VectorsError
from w2v.vectors.expressions import Query, analogy_query, parse_query
from w2v.vectors.files.check import check_vectors, glance
from w2v.vectors.query import VectorFile
from w2v.vectors.relations import odd_one_out
from w2v.vectors.vectors import Vectors, load

ROWS, DIM = 700, 25


@pytest.fixture(scope="module")
def vectors() -> Vectors:
    rng = np.random.default_rng(5)
    matrix = rng.standard_normal((ROWS, DIM), dtype=np.float32)
    return Vectors([f"w{i}" for i in range(ROWS)], matrix)


@pytest.fixture(scope="module")
def theirs(vectors):
    keyed = pytest.importorskip("gensim.models").KeyedVectors(DIM)
    keyed.add_vectors(list(vectors.words), vectors.matrix)
    return keyed


@pytest.fixture(scope="module", params=["bin", "text"])
def asker(request, vectors, tmp_path_factory) -> VectorFile:
    path = tmp_path_factory.mktemp("asker") / "v"
    vectors.save(path, format=request.param)
    with VectorFile(path) as opened:
        yield opened


QUESTIONS = [(["w1"], []), (["w1", "w2"], []), (["w5", "w6"], ["w7"]), (["w1", "w1"], ["w2", "w3"]), (["w9"], ["w8"])]


def agrees(found, wanted) -> bool:
    return [w for w, _ in found] == [w for w, _ in wanted] and np.allclose(
        [s for _, s in found], [s for _, s in wanted], atol=1e-6, rtol=2e-6
    )


@pytest.mark.parametrize(("positive", "negative"), QUESTIONS)
def test_sums_agree_with_gensim(vectors, theirs, asker, positive, negative):
    wanted = theirs.most_similar(positive=positive, negative=negative, topn=12)
    assert agrees(vectors.most_similar(positive, negative, topn=12), wanted)
    assert agrees(asker.nearest([Query(tuple(positive), tuple(negative))], 12)[0], wanted)


@pytest.mark.parametrize(("positive", "negative"), QUESTIONS)
def test_products_agree_with_gensim(vectors, theirs, asker, positive, negative):
    wanted = theirs.most_similar_cosmul(positive=positive, negative=negative, topn=12)
    assert agrees(vectors.most_similar(positive, negative, topn=12, method="mul"), wanted)
    assert agrees(asker.nearest([Query(tuple(positive), tuple(negative))], 12, "mul")[0], wanted)


def test_many_queries_get_the_answers_of_each_alone(vectors, asker):
    queries = [Query((f"w{i}",), (f"w{i + 1}",) if i % 3 else ()) for i in range(300)]
    together = vectors.nearest(queries, 5)
    assert all(agrees(a, vectors.nearest([q], 5)[0]) for a, q in zip(together, queries, strict=True))
    assert all(agrees(a, b) for a, b in zip(asker.nearest(queries, 5), together, strict=True))


def test_a_tie_goes_to_the_lower_row(tmp_path):
    matrix = np.tile(np.array([[1, 2, 3]], np.float32), (500, 1))
    vectors = Vectors([f"w{i}" for i in range(500)], matrix)
    vectors.save(tmp_path / "v.bin")
    wanted = [f"w{i}" for i in range(8) if i != 3]
    assert [w for w, _ in vectors.most_similar("w3", topn=7)] == wanted
    with VectorFile(tmp_path / "v.bin") as asker:
        assert [w for w, _ in asker.nearest([Query(("w3",))], 7)[0]] == wanted


@pytest.mark.parametrize("count", [1, 2, 3])
def test_words_that_cancel_each_other_are_similar_to_nothing(tmp_path, count):
    vectors = Vectors([f"w{i}" for i in range(30)], np.random.default_rng(8).normal(size=(30, 5)))
    words = [f"w{i}" for i in range(count)]
    found = vectors.most_similar(positive=words, negative=words[::-1], topn=30)
    assert found == [(f"w{i}", 0.0) for i in range(count, 30)]
    opposite = Vectors(["a", "b", "c"], [[0.1, 0.7], [-0.2, -1.4], [1, 1]])
    assert opposite.most_similar(["a", "b"], topn=2) == [("c", 0.0)]
    vectors.save(tmp_path / "v.bin")
    with VectorFile(tmp_path / "v.bin") as file:
        assert file.similar([" + ".join(words) + "".join(f" - {word}" for word in words)], 30) == [found]


def test_a_row_of_zeros_has_similarity_zero(tmp_path):
    vectors = Vectors(["a", "b", "zero"], np.array([[1, 0], [1, 1], [0, 0]], np.float32))
    vectors.save(tmp_path / "v.bin")
    assert vectors.similarity("a", "zero") == 0
    assert vectors.most_similar("a")[1] == ("zero", 0.0)
    assert vectors.most_similar("zero") == [("a", 0.0), ("b", 0.0)]
    with VectorFile(tmp_path / "v.bin") as asker:
        assert asker.nearest([Query(("zero",))])[0] == [("a", 0.0), ("b", 0.0)]


@pytest.mark.parametrize("suffix", ["bin", "txt", "npy", "safetensors"])
def test_where_every_word_is_asked_about_there_is_no_answer(tmp_path, suffix):
    for words in ("a", "ab", "abc"):
        vectors = Vectors([*words], np.eye(3, dtype=np.float32)[: len(words)])
        vectors.save(tmp_path / f"v.{suffix}")
        for method in ("add", "mul"):
            with VectorFile(tmp_path / f"v.{suffix}") as asker:
                assert asker.nearest([Query((*words[:1],), (*words[1:],))], 5, method) == [[]]


def test_an_unknown_word_does_not_stop_the_other_queries(vectors, asker):
    for ask in (vectors.nearest, asker.nearest):
        first, second = ask([Query(("W12",)), Query(("w12",))], 3)
        assert isinstance(first, UnknownWordError)
        assert first.suggestions[0] == "w12"
        assert len(second) == 3


def test_text_that_no_file_can_hold_is_a_word_that_is_not_there(vectors, tmp_path):
    vectors.save(tmp_path / "v.bin")
    with VectorFile(tmp_path / "v.bin") as asker:  # nothing has loaded it
        for place in (vectors, asker):
            (answer,) = place.nearest([Query(("\ud800",))], 3)
            assert isinstance(answer, UnknownWordError)
        found, unknown = asker.pick(["\ud800", "w3", "w3"])
        assert list(unknown) == ["\ud800"]
        assert list(found.words) == ["w3"]


@pytest.mark.parametrize(
    ("word", "asked"),
    [("كتاب", "كِتَابٌ"), ("whole_milk_2%", "whole milk 2%"), ("👍🏽", "👍"), ("❤", "❤️")],
)
def test_a_word_without_its_marks_or_with_others_is_suggested(word, asked):
    vectors = Vectors([word, "x", "."], np.eye(3, dtype=np.float32))
    with pytest.raises(UnknownWordError) as caught:
        vectors[asked]
    assert caught.value.suggestions == (word,)


def test_suggestions_are_close_spellings_other_cases_first():
    words = ["paris", "Paris", "parish", "pairs", "london", "서울", "서울시"]
    vectors = Vectors(words, np.ones((len(words), 2), np.float32))
    with pytest.raises(UnknownWordError) as caught:
        vectors["PARIS"]
    assert caught.value.suggestions[:2] == ("paris", "Paris")
    assert "london" not in caught.value.suggestions
    with pytest.raises(UnknownWordError) as caught:
        vectors["서울ㅅ"]
    assert caught.value.suggestions == ("서울", "서울시")


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_another_normal_form_is_suggested_and_said(form):
    word, other = "ếch", "한국어로"
    words = [unicodedata.normalize(form, w) for w in (word, other)]
    vectors = Vectors(words, np.ones((2, 2), np.float32))
    asked = "NFD" if form == "NFC" else "NFC"
    for word in words:
        with pytest.raises(UnknownWordError, match="another Unicode normal form") as caught:
            vectors[unicodedata.normalize(asked, word)]
        assert caught.value.suggestions == (word,)
    with pytest.raises(UnknownWordError) as caught:
        vectors[words[0] + "s"]
    assert "normal form" not in str(caught.value)


def test_errors_do_not_repeat_a_whole_book():
    vectors = Vectors(["a"], np.ones((1, 2), np.float32))
    book = "word" * 1_000_000
    for found in vectors.nearest([Query((book,))]):
        assert len(str(found)) < 200
    for text in (f"{book} {book}", f"{book} +"):
        with pytest.raises(SettingsError) as caught:
            parse_query(text)
        assert len(str(caught.value)) < 400


def test_expressions_split_only_at_signs_between_spaces():
    assert parse_query("king - man + woman") == Query(("king", "woman"), ("man",), "king - man + woman")
    assert parse_query(" x-ray + c++ ").positive == ("x-ray", "c++")
    assert parse_query("- man + king") == Query(("king",), ("man",), "- man + king")
    assert parse_query("-").positive == ("-",)
    assert parse_query("a\u00a0b").positive == ("a\u00a0b",)
    assert parse_query(" \u3000 ").positive == ("\u3000",)
    assert analogy_query(["man", "king", "woman"]) == Query(("king", "woman"), ("man",), "man king woman")


@pytest.mark.parametrize("text", ["", "  ", "king man", "king -", "king + - man", "king - man woman"])
def test_expressions_that_make_no_sense_are_refused(text):
    with pytest.raises(SettingsError):
        parse_query(text)


def test_index_and_membership_do_not_need_the_words_as_objects(vectors):
    assert vectors.index("w699") == 699
    assert "w699" in vectors
    assert "w700" not in vectors
    assert "\ud800" not in vectors
    assert 3 not in vectors
    assert vectors.words.index("w5") == 5
    with pytest.raises(ValueError, match="w700"):
        vectors.words.index("w700")
    assert vectors.words[-1] == "w699"
    assert vectors.words[3:5] == ["w3", "w4"]


def ways(vectors: Vectors, folder) -> dict[str, object]:
    """The same vectors in memory, and asked in a file of each kind."""
    found = {"memory": vectors}
    for name in ("v.bin", "v.txt", "v.npy", "v.safetensors", "v.tsv"):
        vectors.save(folder / name)
        found[name] = Vectors.load(folder / name)
        found[f"{name}, asked in place"] = VectorFile(folder / name)
    return found


@pytest.mark.parametrize("scale", [1, 3e37, 1e20, 1e16, 1e-16, 1e-23, 1e-36, 1e-40])
@pytest.mark.parametrize("share", [1, 3])
def test_cosines_do_not_depend_on_the_scale_nor_on_the_format(tmp_path, scale, share):
    """Rows of every scale, all or one of three: float64 tells the cosines that they have."""
    rng = np.random.default_rng(8)
    matrix = rng.standard_normal((60, 40))
    matrix[::share] *= scale
    matrix = matrix.astype(np.float32)
    vectors = Vectors([f"w{i}" for i in range(60)], matrix)
    units = matrix.astype(np.float64)
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    cosines = units @ units.T
    mean = units[1] - units[2] + units[3]
    sums = units @ (mean / np.linalg.norm(mean))
    shifted = (1 + cosines) / 2
    products = shifted[1] * shifted[3] / (shifted[2] + 1e-6)

    def expected(scores, own):
        order = [row for row in np.argsort(-scores, kind="stable") if row not in own][:7]
        return [(f"w{row}", pytest.approx(scores[row], abs=1e-13)) for row in order]

    for way, asked in ways(vectors, tmp_path).items():
        query = Query(("w1", "w3"), ("w2",))
        for method, scores in (("add", sums), ("mul", products)):
            assert asked.nearest([query], 7, method) == [expected(scores, (1, 2, 3))], (way, method)
        assert asked.nearest([Query(("w0",))], 7) == [expected(cosines[0], (0,))], way
        if isinstance(asked, Vectors):
            found = asked
            assert found.rank("w0", "w5") == 1 + (np.delete(cosines[0], 0) > cosines[0, 5]).sum()
            assert found.similar_by_vector(matrix[0], 8)[1:] == expected(cosines[0], (0,))
        else:
            assert asked.ranks([("w0", "w5")]) == [
                (1 + (np.delete(cosines[0], 0) > cosines[0, 5]).sum(), pytest.approx(cosines[0, 5], abs=1e-13))
            ], way
            found, _ = asked.pick(["w0", "w5"])
            asked.__exit__()
        assert found.similarity("w0", "w5") == pytest.approx(cosines[0, 5], abs=1e-13), way
        assert found.norms[found.index("w5")] == pytest.approx(np.linalg.norm(matrix[5].astype(float)), rel=1e-14)


def test_no_cosine_is_beyond_one(tmp_path):
    rng = np.random.default_rng(3)
    matrix = np.repeat(rng.standard_normal((150, 30), dtype=np.float32), 2, axis=0)
    matrix[1::2] *= 3
    matrix[4::4] *= -1
    vectors = Vectors([f"w{i}" for i in range(300)], matrix)
    for way, asked in ways(vectors, tmp_path).items():
        queries = [Query((word,)) for word in vectors.words]
        for low in range(0, 300, 20):  # so few are answered in place
            for answer in asked.nearest(queries[low : low + 20], 300):
                assert max(abs(score) for _, score in answer) <= 1, way
    assert all(abs(vectors.similarity(f"w{i}", f"w{i + 1}")) <= 1 for i in range(0, 300, 2))
    assert all(abs(cosine) <= 1 for _, cosine in odd_one_out(vectors, ["w0", "w1", "w0"]))


def test_a_method_that_is_none_is_refused_as_by_loaded_vectors(tmp_path):
    vectors = Vectors(["a", "b"], np.eye(2, dtype=np.float32))
    vectors.save(tmp_path / "v.bin")
    with VectorFile(tmp_path / "v.bin") as asked:
        for each in (vectors, asked):
            with pytest.raises(SettingsError, match="method: 'sub' is neither add nor mul"):
                each.nearest([Query(("a",))], method="sub")


def test_the_row_of_a_word_is_found_between_two_rows():
    words = Vectors(["a", "b", "c"], np.eye(3, dtype=np.float32)).words
    assert [words.index("b"), words.index("b", 1), words.index("b", 0, 2), words.index("b", 1, 2)] == [1, 1, 1, 1]
    for bounds in ((2,), (0, 1), (2, 3), (0, 0)):
        with pytest.raises(ValueError, match="'b' is not there"):
            words.index("b", *bounds)


def descriptors() -> list[str]:
    numbers = os.listdir("/proc/self/fd")
    return sorted(os.readlink(f"/proc/self/fd/{n}") for n in numbers if os.path.lexists(f"/proc/self/fd/{n}"))


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="/proc")
@pytest.mark.parametrize("name", ["v.bin", "v.txt", "v.npy", "v.safetensors", "v.tsv", "v.bin.gz", "v.tsv.gz"])
def test_no_descriptor_stays_open_whatever_a_file_holds(vectors, tmp_path, name):
    vectors.save(tmp_path / name)
    before = descriptors()
    with VectorFile(tmp_path / name) as file:
        file.similar([vectors.words[0]])
        file.ranks([(vectors.words[0], vectors.words[1])])
    assert descriptors() == before
    file = VectorFile(tmp_path / name)
    file.similar(list(vectors.words[:40]))  # so many that it is loaded
    assert len(file) == len(vectors)
    del file
    assert descriptors() == before
    data = (tmp_path / name).read_bytes()
    for bad in (data[: len(data) // 2], b"", b"\0" * 500, data[:-1] + b"\xff\xff"):
        (tmp_path / name).write_bytes(bad)
        for read in (VectorFile, load, check_vectors, glance):
            with contextlib.suppress(VectorsError):
                read(tmp_path / name)
            assert descriptors() == before
