"""The n-grams of words and their hashes are fastText's, and vectors are the means of their rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from w2v.corpus._words import WordTable
from w2v.vectors._ngrams import FloatRows, NgramRows, count_ngrams, fill_buckets, fnv, ngrams

WORDS = st.one_of(st.binary(max_size=12), st.text(max_size=10).map(lambda text: text.encode("utf-8", "surrogatepass")))
RANGES = st.tuples(st.integers(1, 7), st.integers(0, 5)).map(lambda pair: (pair[0], pair[0] + pair[1]))


def reference_hash(ngram: bytes) -> int:
    """fastText, src/dictionary.cc, Dictionary::hash: each byte is widened as a signed char."""
    found = 2166136261
    for byte in ngram:
        widened = byte if byte < 128 else byte + 0xFFFFFF00
        found = (found ^ widened) * 16777619 % 2**32
    return found


def reference_ngrams(word: bytes, least: int, most: int) -> list[bytes]:
    """fastText, src/dictionary.cc, Dictionary::computeSubwords and initNgrams, line by line."""
    if word == b"</s>":
        return []
    word = b"<" + word + b">"
    found = []
    for i in range(len(word)):
        if word[i] & 0xC0 == 0x80:
            continue
        j, n = i, 1
        while j < len(word) and n <= most:
            j += 1
            while j < len(word) and word[j] & 0xC0 == 0x80:
                j += 1
            if n >= least and not (n == 1 and (i == 0 or j == len(word))):
                found.append(word[i:j])
            n += 1
    return found


@given(WORDS, RANGES)
def test_ngrams_are_those_of_fasttext(word, reach):
    assert ngrams(word, *reach) == reference_ngrams(word, *reach)


@given(st.binary(max_size=20))
def test_the_hash_widens_bytes_with_their_sign(text):
    assert fnv(text) == reference_hash(text)


def test_hashes_that_fasttext_itself_gives():
    # model.get_subwords(word) of fasttext-wheel 0.9.2, bucket 2000000, minus the words.
    known = {"<wh": 167652, "<пр": 1411283, "東京>": 163715, "\N{GRINNING FACE}": 31496}
    assert {text: fnv(text.encode()) % 2_000_000 for text in known} == known


@given(st.lists(WORDS, max_size=6), RANGES, st.integers(1, 50))
def test_buckets_of_many_words_are_the_hashes_of_each(words, reach, buckets):
    table = WordTable(words)
    starts = np.empty(len(words) + 1, np.int64)
    count_ngrams(table, *reach, starts)
    found = np.empty(starts[-1], np.uint32)
    fill_buckets(table, *reach, buckets, starts, found)
    for row, word in enumerate(words):
        right = [reference_hash(ngram) % buckets for ngram in reference_ngrams(word, *reach)]
        assert found[starts[row] : starts[row + 1]].tolist() == right


@pytest.mark.parametrize("word", [b"", b"a", b"ab", "é".encode(), b"\x80\x80", b"<", b">", b"</s>", b"abcabc"])
@pytest.mark.parametrize("used", [False, True])
@pytest.mark.parametrize("known", [False, True])
def test_a_vector_is_the_mean_of_the_rows(word, used, known):
    random = np.random.default_rng(1)
    buckets, dim = 40, 5
    rows = random.normal(size=(buckets, dim)).astype(np.float32)
    own = random.normal(size=(1, dim)).astype(np.float32)
    places = np.arange(0, buckets, 2)  # with `used`, only the even buckets have rows
    made = (
        NgramRows(FloatRows(rows[places]), 2, 4, buckets, places.astype(np.uint32), np.arange(len(places)))
        if used
        else NgramRows(FloatRows(rows), 2, 4, buckets)
    )
    if used:
        rows[1::2] = 0
    out, counts = np.full((1, dim), 9, np.float32), np.zeros(1, np.int32)
    made.vectors(WordTable([word]), out, FloatRows(own) if known else None, counts)
    parts = [rows[reference_hash(ngram) % buckets] for ngram in reference_ngrams(word, 2, 4)]
    assert counts[0] == len(parts)
    parts += [own[0]] if known else []
    np.testing.assert_allclose(out[0], np.mean(parts, axis=0) if parts else np.zeros(dim), atol=1e-6)
    if known:
        back = np.empty((1, dim), np.float32)
        made.own_rows(WordTable([word]), back, FloatRows(out))
        np.testing.assert_allclose(back, own, atol=1e-5)


def test_rows_of_any_alignment_give_the_same_vectors():
    rows = np.random.default_rng(1).normal(size=(30, 7)).astype("<f4")
    raw = bytearray(rows.nbytes + 1)
    raw[1:] = rows.tobytes()
    loose = np.ndarray(rows.shape, "<f4", raw, 1)
    words = WordTable([b"one", b"two"])
    found, right = np.empty((2, 7), np.float32), np.empty((2, 7), np.float32)
    NgramRows(FloatRows(loose), 3, 6, 30).vectors(words, found)
    NgramRows(FloatRows(rows), 3, 6, 30).vectors(words, right)
    assert found.tobytes() == right.tobytes()


@pytest.mark.parametrize(
    ("used", "places"), [([1, 1], [0, 1]), ([0, 9], [0, 1]), ([0, 1], [0, 2]), ([0, 1], [0]), ([0, 1], [-1, 0])]
)
def test_buckets_out_of_order_or_range_are_refused(used, places):
    rows = FloatRows(np.zeros((2, 3), np.float32))
    with pytest.raises(ValueError, match=r"bucket|shape"):
        NgramRows(rows, 3, 6, 9, np.array(used, np.uint32), np.array(places, np.int64))
