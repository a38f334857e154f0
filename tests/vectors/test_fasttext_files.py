"""Files of fastText itself: kept ones (make_fasttext_files.py wrote them), and, where it and gensim are installed, our
files in theirs, for words known and unknown in six scripts."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest

import w2v
from w2v.errors import VectorsError

FILES = Path(__file__).parent / "fasttext"
EXPECTED = json.loads((FILES / "vectors.json").read_text(encoding="utf-8"))
UNSEEN = ["walked", "größen", "привет", "ქალაქი", "שלומם", "東京タワー", "q", "😀", "naïve"]
CODES = {
    "cut codes": (1 + 8 + 8, "<i", 2**31 - 1, "codes of"),
    "rows": (1, "<q", 2**40, "codes of"),
    "columns": (1 + 8, "<q", 4, "rows of 4 numbers"),
    "norms": (0, "<b", 2, "quantised matrix"),
    "parts": (1 + 8 + 8 + 4 + 270 * 2 + 4, "<i", 3, "quantiser of 3 parts"),
    "width": (1 + 8 + 8 + 4 + 270 * 2 + 8, "<i", 0, "quantiser of 2 parts of 0"),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_model_of_fasttexts_gives_its_vectors(name):
    vectors = w2v.load(FILES / name)
    for word, vector in EXPECTED[name].items():
        np.testing.assert_allclose(vectors[word], vector, atol=1e-6)


def test_a_pruned_model_is_written_with_all_its_buckets(tmp_path):
    """Which were pruned only fastText's quantised form says: elsewhere they are zeros, so vectors of unseen words get
    shorter and keep their direction."""
    vectors = w2v.load(FILES / "quantised.ftz")
    for name in ("m.ftbin", "m.safetensors"):
        vectors.save(tmp_path / name)
        again = w2v.load(tmp_path / name)
        np.testing.assert_allclose(again.matrix, vectors.matrix, atol=1e-6)
        unit = again["größen"] / np.linalg.norm(again["größen"])
        np.testing.assert_allclose(unit, vectors["größen"] / np.linalg.norm(vectors["größen"]), atol=1e-5)


def test_contributions_in_a_pruned_model_add_up():
    vectors = w2v.load(FILES / "quantised.ftz")
    shares = vectors.ngrams("größen")
    assert sum(share for _, _, share in shares) == pytest.approx(1)
    assert len(shares) < len(vectors.subwords.ngrams("größen".encode()))


def test_every_ngram_contributes_whose_bucket_was_not_pruned():
    vectors = w2v.load(FILES / "quantised.ftz")
    left, seen = set(vectors.subwords.used.tolist()), set()
    for word in (*vectors.words, *UNSEEN):
        there = {bucket for _, bucket in vectors.subwords.ngrams(word.encode()) if bucket in left}
        if there:
            assert {bucket for _, bucket, _ in vectors.ngrams(word)} - {-1} == there
        seen |= {vectors.subwords.place_of(bucket) for bucket in there}
    assert 0 in seen  # the first row too


def quantised_at(data: bytes) -> int:
    """Where the input matrix of the quantised model begins, behind its flag."""
    (at,) = [i for i in range(len(data) - 20) if data[i : i + 18] == b"\1\1" + struct.pack("<2q", 270, 3)]
    return at + 1


@pytest.mark.parametrize("name", CODES)
def test_hostile_codes_are_an_error_that_names_the_place(tmp_path, name):
    offset, form, value, message = CODES[name]
    data = bytearray((FILES / "quantised.ftz").read_bytes())
    struct.pack_into(form, data, quantised_at(data) + offset, value)
    (tmp_path / "m.ftz").write_bytes(data)
    with pytest.raises(VectorsError, match=rf"byte \d+: .*{message}"):
        w2v.load(tmp_path / "m.ftz")


@pytest.mark.parametrize("change", [(0, 200), (0, -1), (4, 155), (8, 0)])
def test_a_hostile_list_of_pruned_buckets_is_an_error(tmp_path, change):
    offset, value = change
    data = bytearray((FILES / "quantised.ftz").read_bytes())
    first = quantised_at(data) - 1 - 8 * 155
    if offset == 8:  # a bucket that is there twice
        data[first + 8 : first + 12] = data[first : first + 4]
    else:
        struct.pack_into("<i", data, first + offset, value)
    (tmp_path / "m.ftz").write_bytes(data)
    with pytest.raises(VectorsError, match="list of its 155 buckets is damaged"):
        w2v.load(tmp_path / "m.ftz")


def test_a_quantised_model_cut_anywhere_is_an_error(tmp_path):
    data = (FILES / "quantised.ftz").read_bytes()
    for size in range(4, len(data), 97):
        (tmp_path / "m.ftz").write_bytes(data[:size])
        with pytest.raises(VectorsError):
            w2v.load(tmp_path / "m.ftz")


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    """(vectors, their file, words) of a small training."""
    path = tmp_path_factory.mktemp("fasttext") / "ours.bin"
    words = [word for word in EXPECTED["skipgram.bin"] if word not in UNSEEN]
    sentences = [[words[(i * k) % len(words)] for k in range(8)] for i in range(60)]
    vectors = w2v.train(sentences, subwords=(2, 4), buckets=300, dim=8, min_count=1, sample=0, epochs=2, lr=0.2)
    vectors.save(path, format="fasttext")
    return vectors, path, [word for word in words if word in vectors]


def test_fasttext_reads_ours(ours):
    fasttext = pytest.importorskip("fasttext", reason="pip install fasttext-wheel")
    vectors, path, words = ours
    model = fasttext.load_model(str(path))
    for word in words + UNSEEN:
        np.testing.assert_allclose(model.get_word_vector(word), vectors[word], atol=1e-6)


def test_gensim_reads_ours(ours):
    load = pytest.importorskip("gensim.models.fasttext").load_facebook_model
    vectors, path, words = ours
    model = load(str(path)).wv
    for word in words + UNSEEN:
        if word != "</s>":  # gensim gives it n-grams
            np.testing.assert_allclose(model[word], vectors[word], atol=1e-6)


def test_gensim_differs_for_the_end_of_sentence_alone():
    """fastText's `</s>` has no n-grams, to gensim it is a word like any other."""
    load = pytest.importorskip("gensim.models.fasttext").load_facebook_model
    model, vectors = load(str(FILES / "skipgram.bin")).wv, w2v.load(FILES / "skipgram.bin")
    differ = [word for word in [*vectors, *UNSEEN] if not np.allclose(model[word], vectors[word], atol=1e-6)]
    assert differ == ["</s>"]
