"""Folders for sentence-transformers and model2vec, read by these and by w2v."""

from __future__ import annotations

import json

import numpy as np
import pytest

from w2v import Vectors, load
from w2v.errors import SettingsError, VectorsError
from w2v.vectors.files.check import DamagedFile

WORDS = ["the", "été", "don't", "東京", 'a"b\\', "New", "new"]
LINES = ["the été the", "  don't\u00a0東京 nothing", "", 'a"b\\ new', "nothing", "new\x1fthe\tNew"]


@pytest.fixture
def vectors() -> Vectors:
    return Vectors(WORDS, np.random.default_rng(3).normal(size=(len(WORDS), 5)).astype(np.float32))


@pytest.mark.parametrize("float16", [False, True])
def test_a_folder_reads_back_as_it_was(vectors, tmp_path, float16):
    vectors.metadata["lower"] = "true"
    vectors.save(tmp_path / "model", "static-embedding", float16=float16)
    assert sorted(file.name for file in (tmp_path / "model").iterdir()) == [
        "config.json",
        "model.safetensors",
        "modules.json",
        "tokenizer.json",
    ]
    with DamagedFile(tmp_path / "model") as file:
        assert (file.promised, file.dim, file.dtype) == (8, 5, "float16" if float16 else "float32")
    again = load(tmp_path / "model")
    assert list(again.words) == WORDS
    assert np.array_equal(again.matrix, vectors.matrix.astype(np.float16) if float16 else vectors.matrix)
    assert again.metadata["lower"] == "true"


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({}, "New\u2003don't\x1cthe\x00 the, Don't"),
        ({"whitespace": "ascii"}, "New\u00a0x don't\x0bthe"),
        ({"lower": "true"}, "NEW ÉTÉ Don't"),
        ({"tokenizer": "words"}, "“the été”, don't! 東京。 the-new 3.14 U.S.A new…"),
        ({"tokenizer": "words", "lower": "true", "normalize": "nfkc"}, "Ｎｅｗ THE(E\u0301te\u0301)"),
    ],
)
def test_the_tokenizer_splits_as_embed_does(vectors, tmp_path, settings, text):
    tokenizers = pytest.importorskip("tokenizers")
    vectors.metadata.update(settings)
    vectors.save(tmp_path / "model", "static-embedding")
    tokenizer = tokenizers.Tokenizer.from_file(str(tmp_path / "model" / "tokenizer.json"))
    tokens = [token for token in tokenizer.encode(text).tokens if token != "[UNK]"]
    expected = np.mean([vectors[token] for token in tokens], axis=0)
    np.testing.assert_allclose(vectors.embed([text])[0], expected, atol=1e-6)


def test_model2vec_gives_the_same_rows(vectors, tmp_path):
    model2vec = pytest.importorskip("model2vec")
    vectors.save(tmp_path / "model", "static-embedding")
    model = model2vec.StaticModel.from_pretrained(str(tmp_path / "model"))
    np.testing.assert_allclose(model.encode(LINES, use_multiprocessing=False), vectors.embed(LINES), atol=1e-6)
    model.save_pretrained(str(tmp_path / "theirs"))
    theirs = load(tmp_path / "theirs")
    assert np.array_equal(theirs.matrix, vectors.matrix)
    assert list(theirs.words) == WORDS


def test_int8_reads_back_within_half_a_step_and_model2vec_gives_the_same_directions(vectors, tmp_path):
    vectors.save(tmp_path / "v.safetensors", int8=True)
    vectors.save(tmp_path / "model", "static-embedding", int8=True)
    step = np.abs(vectors.matrix).max() / 127
    for again in (load(tmp_path / "v.safetensors"), load(tmp_path / "model")):
        assert 0.2 * step < np.abs(again.matrix - vectors.matrix).max() <= 0.5 * step * (1 + 1e-5)
        assert "int8_step" not in again.metadata
    again.save(tmp_path / "again.safetensors", int8=True)
    assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "v.safetensors").read_bytes()
    model2vec = pytest.importorskip("model2vec")
    model = model2vec.StaticModel.from_pretrained(str(tmp_path / "model"))
    assert model.embedding.dtype == np.int8
    theirs = model.encode(LINES, use_multiprocessing=False)
    ours = again.embed(LINES)
    np.testing.assert_allclose(theirs * step, ours, atol=1e-5)
    model.save_pretrained(str(tmp_path / "theirs"))
    np.testing.assert_allclose(load(tmp_path / "theirs").unit().matrix, again.unit().matrix, atol=1e-6)


def test_int8_is_refused_where_it_cannot_be(vectors, tmp_path):
    with pytest.raises(SettingsError, match="int8: bin holds no int8 numbers; safetensors and static-embedding do"):
        vectors.save(tmp_path / "v.bin", int8=True)
    with pytest.raises(SettingsError, match="float16=True and int8=True: give one"):
        vectors.save(tmp_path / "v.safetensors", int8=True, float16=True)
    vectors.matrix[3, 1] = np.inf
    with pytest.raises(VectorsError, match="row 4: the vector of"):
        vectors.save(tmp_path / "v.safetensors", int8=True)


@pytest.mark.parametrize("step", ["nan", "0", "-1", "1e38", "x" * 99])
def test_a_step_that_cannot_be_is_an_error(vectors, tmp_path, step):
    from w2v.safetensors import make_header

    header = make_header({"vectors": ("I8", (1, 2)), "words": ("U8", (2,))}, {"int8_step": step})
    (tmp_path / "v").write_bytes(header + b"\1\2a\n")
    with pytest.raises(VectorsError, match=r"its int8_step, .* is no number that steps can have"):
        load(tmp_path / "v")


def test_sentence_transformers_gives_the_same_directions(vectors, tmp_path):
    library = pytest.importorskip("sentence_transformers")
    vectors.save(tmp_path / "model", "static-embedding")
    model = library.SentenceTransformer(str(tmp_path / "model"), device="cpu")
    found = model.encode(LINES, normalize_embeddings=True)
    np.testing.assert_allclose(found, vectors.embed(LINES, unit=True), atol=1e-6)
    model.save(str(tmp_path / "theirs"))
    theirs = load(tmp_path / "theirs")
    assert np.array_equal(theirs.matrix, vectors.matrix)


def test_the_unknown_token_is_none_of_the_words(tmp_path):
    Vectors(["[UNK]", "b"], np.eye(2)).save(tmp_path / "model", "static-embedding")
    model = json.loads((tmp_path / "model" / "tokenizer.json").read_text())["model"]
    assert model == {"type": "WordLevel", "vocab": {"[UNK]": 0, "b": 1, "[[UNK]]": 2}, "unk_token": "[[UNK]]"}
    assert list(load(tmp_path / "model").words) == ["[UNK]", "b"]


def test_a_word_that_is_no_text_and_a_place_that_is_no_folder_are_refused(vectors, tmp_path):
    with pytest.raises(VectorsError, match=r"row 1: the word .* is not UTF-8"):
        Vectors([b"\xff"], np.eye(1)).save(tmp_path / "model", "static-embedding")
    with pytest.raises(SettingsError, match="is a folder"):
        vectors.save("-", "static-embedding")


OTHER = [
    b"",
    b"[]",
    b'{"model": {}}',
    b'{"model": {"vocab": {"a": 9}}}',
    b'{"model": {"vocab": {"a": 0, "b": 0}}}',
    b"\0" * 100,
    b"\xff\xfe{}",
    b'{"model": {"vocab": ' + b"[" * 100_000,
    b'{"model": {"vocab": {"a": 0, "b": 1e400}}}',
    b'{"model": {"vocab": {"a": 0, "b": -1}}}',
    b'{"model": {"vocab": {"a": true, "b": 1}}}',
    b'{"model": {"vocab": {"a": 0, "b": "1"}}}',
    b'{"model": {"vocab": {"a": 0, "\\ud800": 1}}}',
    b'{"model": {"vocab": [["a", 1], ["b"]]}}',
    b'{"model": {"vocab": [["a", 1], [["b"], 2]]}}',
    b'{"model": {"vocab": [["a", 1], [2, 3]]}}',
    b'{"model": {"vocab": [["a", 1]], "unk_id": 7}}',
    b'{"model": {"vocab": [["a", 1]], "unk_id": "a"}}',
    b'{"model": {"vocab": "ab"}}',
    b'{"model": {"vocab": {"a": ' + b"9" * 5000 + b"}}}",
]


@pytest.mark.parametrize("text", OTHER, ids=range(len(OTHER)))
def test_a_tokenizer_of_something_else_or_a_hostile_one_is_an_error_that_names_it(vectors, tmp_path, text):
    vectors.save(tmp_path / "model", "static-embedding")
    (tmp_path / "model" / "tokenizer.json").write_bytes(text)
    with pytest.raises(VectorsError, match=r"tokenizer\.json: is no tokenizer of these vectors"):
        load(tmp_path / "model")


def test_a_tokenizer_that_is_far_too_large_for_its_rows_is_not_read(vectors, tmp_path):
    vectors.save(tmp_path / "model", "static-embedding")
    with open(tmp_path / "model" / "tokenizer.json", "r+b") as file:
        file.truncate(1 << 40)
    with pytest.raises(VectorsError, match=r"tokenizer\.json: is larger than [\d,]+ bytes"):
        load(tmp_path / "model")
