"""Vocabulary: order, pruning, saving, loading, and reading with one that is given."""

from __future__ import annotations

import gzip
import pickle

import numpy as np
import pytest

from w2v.corpus._rank import rank
from w2v.corpus._words import WordTable
from w2v.corpus.config import CorpusConfig
from w2v.corpus.reader import read_corpus
from w2v.corpus.selection import DROPPED, RUN_BASE, _runs
from w2v.corpus.vocab import Vocab
from w2v.errors import CorpusError


def vocab_of(**counts: int) -> Vocab:
    return Vocab.sorted([w.encode() for w in counts], np.array(list(counts.values())))


def test_equal_counts_are_in_order_of_bytes(tmp_path):
    words = ["b", "a", "ab", "é", "Z", "a" * 20, "a" * 19 + "b", "中"]
    path = tmp_path / "t"
    path.write_text(" ".join(words) + " top top")
    vocab = read_corpus([path], CorpusConfig(min_count=1), threads=2, block_size=3).vocab
    assert vocab.words == [b"top", *sorted(w.encode() for w in words)]
    assert vocab.counts.dtype == np.int64
    assert (vocab.total, len(vocab), vocab.index("é"), vocab.index(b"none")) == (10, 9, 7, None)


def test_max_vocab_keeps_the_most_frequent_and_counts_the_rest(tmp_path):
    path = tmp_path / "t"
    path.write_text("a a a b b b c c d e")
    corpus = read_corpus([path], CorpusConfig(min_count=2, max_vocab=2))
    assert corpus.vocab.words == [b"a", b"b"]
    found = corpus.token_counts
    assert (found.beyond_max_vocab, found.below_min_count, found.kept, found.types_read) == (2, 2, 6, 5)


def test_saved_vocabulary_loads_again(tmp_path):
    vocab = Vocab.sorted([b"x", "한국어".encode(), b"caf\xe9", b"a\xc2\xa0b"], np.array([3, 2**40, 3, 1]))
    vocab.save(tmp_path / "v")
    assert (tmp_path / "v").read_bytes() == "한국어\t1099511627776\n".encode() + b"caf\xe9\t3\nx\t3\na\xc2\xa0b\t1\n"
    assert Vocab.load(tmp_path / "v") == vocab
    (tmp_path / "v.gz").write_bytes(gzip.compress((tmp_path / "v").read_bytes()))
    assert Vocab.load(tmp_path / "v.gz") == vocab
    assert sorted(p.name for p in tmp_path.iterdir()) == ["v", "v.gz"]


def test_vocabulary_of_the_original_program_loads(tmp_path):
    (tmp_path / "v").write_bytes(b"</s> 0\nthe 10\nof 7\n")
    assert Vocab.load(tmp_path / "v") == vocab_of(the=10, of=7)
    (tmp_path / "v").write_bytes(b"</s>\t12\r\nthe\t10")
    assert Vocab.load(tmp_path / "v").words == [b"</s>", b"the"]


def test_a_byte_order_mark_is_no_part_of_the_first_word(tmp_path):
    (tmp_path / "v").write_bytes(b"\xef\xbb\xbfthe\t10\nof\t7\n")
    assert Vocab.load(tmp_path / "v") == vocab_of(the=10, of=7)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"the\t5\nof\n", 'v:2: "of" is not a word'),
        (b"", "v: no words"),
        (b"a\t5\nb\t-1\n", "v:2: the count"),
        (b"a\t5\na\t4\n", 'v:2: the word "a" occurs twice'),
        (b"a\t0\n", "v:1: count 0"),
        (b"a\t5\n\n", "v:2"),
        (b"a b\t5\n", "v:1: .*white space"),
        (b"\t5\n", "v:1"),
        (b"a\t" + b"9" * 30, "v:1: the count"),
        (b"x" * 10**6, "v:1: the line is longer"),
        (b"x" * 1025 + b"\t5\n", "v:1: the word is longer"),
        (b"a\t5.5\n", "v:1: the count"),
        (b"a\t4611686018427387904\nb\t1\n", "add up"),
        (b"a\0b\t3\n", "white space"),
    ],
)
def test_damaged_vocabulary_is_an_error_with_its_line(tmp_path, text, message):
    (tmp_path / "v").write_bytes(text)
    with pytest.raises(CorpusError, match=message):
        Vocab.load(tmp_path / "v")


def test_given_vocabulary_fixes_words_and_counts(tmp_path):
    path = tmp_path / "t"
    path.write_text("a b c a new a\nnew other\n b")
    vocab = vocab_of(b=100, a=50, unseen=20, c=2)
    corpus = read_corpus([path], CorpusConfig(min_count=5), vocab=vocab)
    assert corpus.vocab.words == [b"b", b"a", b"unseen"]
    assert corpus.vocab.counts.tolist() == [100, 50, 20]
    assert corpus.ids.tolist() == [1, 0, 1, 1, -1, 0, -1]
    assert (corpus.token_counts.not_in_vocab, corpus.token_counts.kept, corpus.token_counts.read) == (4, 5, 9)
    with pytest.raises(CorpusError, match="no word of it is in the vocabulary"):
        read_corpus([path], CorpusConfig(min_count=5), vocab=vocab_of(x=9, y=9))
    with pytest.raises(CorpusError, match="the vocabulary has 0 words"):
        read_corpus([path], CorpusConfig(min_count=500), vocab=vocab)


def test_words_are_ranked_as_python_sorts_them():
    rng = np.random.default_rng(11)
    prefixes = [b"", b"https://", b"eightch", b"\xff" * 8, "한국".encode(), b"a" * 15]
    words = {prefixes[rng.integers(6)] + bytes(rng.integers(1, 256, rng.integers(1, 12)).tolist()) for _ in range(5000)}
    words = sorted(words, key=hash)
    counts = rng.choice([1, 2, 255, 256, 2**33, 2**62], len(words))
    order = rank(WordTable(words), counts)
    assert order.tolist() == sorted(range(len(words)), key=lambda i: (-counts[i], words[i]))
    some = counts > 2
    assert rank(WordTable(words), counts, some).tolist() == [i for i in order if some[i]]
    assert rank(WordTable([]), np.zeros(0, np.int64)).tolist() == []


def test_the_words_of_a_vocabulary_are_used_as_a_list():
    listed = [b"b", b"", b"\xff\xfe", "한국".encode(), b"a" * 1000]
    words = Vocab(listed, np.arange(5)).words
    assert [*words] == listed
    assert (len(words), words[0], words[-1], words[1:4], words[::-2]) == (
        5,
        b"b",
        listed[-1],
        listed[1:4],
        listed[::-2],
    )
    assert (words == listed, words == listed[:-1], words == [*listed[:-1], b"z"], words == 5) == (True, *[False] * 3)
    assert (b"\xff\xfe" in words, b"c" in words, "b" in words) == (True, False, False)
    again = pickle.loads(pickle.dumps(words))
    assert (again == words, again.find(b""), again[1:] == words) == (True, 1, False)
    for row in (5, -6):
        with pytest.raises(IndexError):
            words[row]
    assert words + again[:2] == [*listed, *listed[:2]]
    again.keep(np.array([4, 0], np.int32))
    assert (again == [listed[4], listed[0]], again.find(b"b"), again.find(b"")) == (True, 1, -1)
    for bad in (2, -1):
        with pytest.raises(IndexError):
            again.keep(np.array([0, bad], np.int32))


def test_a_word_that_is_not_there_is_in_row_minus_one():
    assert Vocab([b"a", b"b"], [3, 2]).rows([b"b", b"x", b"a"]).tolist() == [1, -1, 0]


def test_a_spelling_that_is_one_kept_word_needs_no_run():
    flat, ends = np.array([7, -1, 3, 4, 5, -1, 6], np.int32), np.array([0, 1, 2, 4, 6, 7])
    final_ids, run_ends, run_ids = _runs(flat, ends)
    assert final_ids.tolist() == [7, DROPPED, RUN_BASE, 5, 6]
    assert (run_ends.tolist(), run_ids.tolist()) == ([0, 2], [3, 4])


def test_every_character_separates_words_where_python_takes_it_for_white_space(tmp_path):
    """Each of the 63,000 below U+10000, alone between two letters on a line."""
    characters = [chr(c) for c in range(1, 0x10000) if not 0xD800 <= c < 0xE000 and c not in (10, 13)]
    lines = [f"a{c}b" for c in characters]
    (tmp_path / "text").write_bytes("\n".join(lines).encode())
    vocab = read_corpus([tmp_path / "text"], CorpusConfig(min_count=1)).vocab
    assert {word.decode() for word in vocab.words} == {word for line in lines for word in line.split()}
