"""The encoder against the plain reference, on any bytes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import reference
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from w2v.corpus._encode import LONGEST_SENTENCE, LONGEST_TOKEN
from w2v.corpus.config import CorpusConfig
from w2v.corpus.reader import read_corpus
from w2v.errors import CorpusError

PIECES = [
    b"a",
    b"b",
    b"the",
    b" ",
    b" ",
    b"\n",
    b"\n",
    b"\r\n",
    b"\t",
    b"\0",
    b"\x0b",
    b"\x0c",
    b"\x1c",
    b"\x1f",
    b"\x01",
    b"\xc2\x85",
    b"\xc2\xa0",
    b"\xc2",
    b"\x85",
    b"\xe1\x9a\x80",
    b"\xe2\x80\x80",
    b"\xe2\x80\x8a",
    b"\xe2\x80\x8b",
    b"\xe2\x80\xa8",
    b"\xe2\x80\xa9",
    b"\xe2\x80\xaf",
    b"\xe2\x81\x9f",
    b"\xe2\x80",
    b"\xe2\x81",
    b"\xe3\x80\x80",
    b"\xe3\x80",
    b"\xe3\x80\x81",
    b"\x80",
    b"\xff",
    b"\xf0\x9f\x98\x80",
    "안녕하세요".encode(),
    "мир".encode(),
    "مرحبا".encode(),
    "नमस्ते".encode(),
    "我喜欢北京".encode(),
    b"sixteen-bytes-ab",
    b"seventeen-bytes-a",
    b"x" * 63,
    b"y" * 64,
    b"z" * 1024,
    b"w" * 1025,
    b"\xef\xbb\xbf",
]
texts = st.one_of(st.lists(st.sampled_from(PIECES), max_size=80).map(b"".join), st.binary(max_size=300))


def check(path, text, config, **how):
    path.write_bytes(text)
    words, counts, ids = reference.encode([text], config.min_count, config.whitespace)
    if len(words) < 2:
        with pytest.raises(CorpusError):
            read_corpus([path], config, **how)
        return
    # Text with one token on each line is refused as a whole (test_sample.py), but not as a part of a corpus.
    lone = all(a < 0 or b < 0 for a, b in itertools.pairwise(ids))
    corpus = read_corpus([path], config, part=lone, **how)
    assert corpus.vocab.words == words
    assert corpus.vocab.counts.tolist() == counts
    assert corpus.ids.tolist() == ids
    corpus.token_counts.check()
    assert corpus.token_counts.kept == sum(i >= 0 for i in ids)
    assert corpus.token_counts.sentences == ids.count(-1)
    assert corpus.token_counts.nul_bytes == text.count(0)


@pytest.mark.parametrize("whitespace", ["unicode", "ascii"])
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=texts,
    block_size=st.sampled_from([1, 2, 3, 7, 64, 4096]),
    threads=st.integers(1, 3),
    min_count=st.integers(1, 2),
)
@example(text=b"aa\na\na", block_size=1, threads=1, min_count=1)
@example(text=b"a\xc2\xa0b", block_size=2, threads=1, min_count=1)
@example(text=b"a \xe3\x80", block_size=1, threads=2, min_count=1)
@example(text=b"\xef\xbb\xbfa b", block_size=1, threads=1, min_count=1)
@example(text=b"a b" + b"c" * 1024 + b" " + b"d" * 1025 + b" a", block_size=7, threads=3, min_count=1)
@example(text=b" " * 62 + b"\xe2\x80\xa8a b" + b" " * 58 + b"\xe3\x80\x80c", block_size=4096, threads=1, min_count=1)
def test_encoder_equals_the_reference_on_any_bytes(tmp_path, whitespace, text, block_size, threads, min_count):
    if looks_foreign(text):
        return
    config = CorpusConfig(min_count=min_count, whitespace=whitespace)
    check(tmp_path / "corpus.txt", text, config, threads=threads, block_size=block_size)


def looks_foreign(text: bytes) -> bool:
    """Refused before it is read: not the encoder's business."""
    from w2v.corpus.sources import check_text
    from w2v.files import compression_of

    try:
        check_text(text, "")
    except CorpusError:
        return True
    return compression_of(text) is not None


@pytest.mark.parametrize("block_size", [1, 3, 64, 1000, 1 << 16])
def test_every_separator_is_found_at_every_place_of_a_chunk(tmp_path, block_size):
    separators = [chr(c) for c in range(0x10000) if chr(c).isspace() and chr(c) != "\n"] + ["\0", "\u200b", "\u0301"]
    lines = [f"{'p' * (i % 67)}{s}{'q' * (i % 5)} end" for i, s in enumerate(separators * 40)]
    check(tmp_path / "t.txt", "\n".join(lines).encode(), CorpusConfig(min_count=1), block_size=block_size, threads=2)


def test_ids_do_not_depend_on_threads_or_blocks(tmp_path):
    rng = np.random.default_rng(5)
    words = [f"w{int(i)}" for i in rng.zipf(1.3, 60000) if i < 10**6]
    text = "".join(w + ("\n" if i % 17 == 0 else " ") for i, w in enumerate(words))
    path = tmp_path / "t.txt"
    path.write_text(text)
    digests = {
        read_corpus([path], CorpusConfig(min_count=2), threads=t, block_size=b).digest()
        for t in (1, 2, 3, 5)
        for b in (997, 4096, 1 << 18)
    }
    assert len(digests) == 1
    check(path, text.encode(), CorpusConfig(min_count=2), threads=4, block_size=10000)


def test_many_distinct_long_words_survive_growing_tables(tmp_path):
    words = [f"{'long-prefix-' * (i % 5)}{i * 7919}" for i in range(30000)]
    text = " ".join(words + words[::3]).encode()
    check(tmp_path / "t.txt", text, CorpusConfig(min_count=1), threads=3, block_size=5000)


@pytest.mark.parametrize("length", [9999, 10000, 10001, 20000, 20001, 30005])
@pytest.mark.parametrize(("threads", "block_size"), [(1, 1 << 20), (2, 1 << 16), (2, 1000), (3, 4096)])
def test_long_sentence_is_cut_at_kept_tokens_only(tmp_path, length, threads, block_size):
    tokens = [f"rare{i}" if i % 10 == 3 else "ab"[i % 2] for i in range(length * 10 // 9 + 9)]
    text = "a b\n" + " ".join(tokens) + "\n\n" + "b a " * 5
    path = tmp_path / "t.txt"
    check(path, text.encode(), CorpusConfig(min_count=2), threads=threads, block_size=block_size)
    kept = sum(len(t) == 1 for t in tokens)
    corpus = read_corpus([path], CorpusConfig(min_count=2), threads=threads, block_size=block_size)
    assert corpus.token_counts.cut_sentences == (kept > LONGEST_SENTENCE)
    assert corpus.token_counts.sentences == 2 + -(-kept // LONGEST_SENTENCE)


def test_tokens_of_1024_bytes_are_kept_and_longer_ones_counted(tmp_path):
    path = tmp_path / "t.txt"
    path.write_bytes(b"a " + b"x" * LONGEST_TOKEN + b" " + b"y" * (LONGEST_TOKEN + 1) + b"\n" + b"z" * 5000)
    for block_size in (1, 100, 1024, 1 << 20):
        corpus = read_corpus([path], CorpusConfig(min_count=1), block_size=block_size, threads=2)
        assert corpus.vocab.words == [b"a", b"x" * LONGEST_TOKEN]
        assert (corpus.token_counts.too_long, corpus.token_counts.read, corpus.token_counts.kept) == (2, 4, 2)


def test_words_of_other_scripts_and_invalid_bytes_are_kept_as_they_are(tmp_path):
    words = ["안녕하세요", "مرحبا", "नमस्ते", "我喜欢北京", "😀", "e\u0301", "\u200bzero"]
    text = " ".join(words).encode() + b" caf\xe9 \xff\xfe\xed\xa0\x80 a\xc2\xa0b c\xe3\x80\x80d"
    path = tmp_path / "t.txt"
    path.write_bytes(text)
    corpus = read_corpus([path], CorpusConfig(min_count=1))
    expected = {w.encode() for w in words} | {b"caf\xe9", b"\xff\xfe\xed\xa0\x80", b"a", b"b", b"c", b"d"}
    assert set(corpus.vocab.words) == expected
