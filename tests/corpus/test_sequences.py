"""Sequences of tokens as a corpus."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar

import numpy as np
import pytest

import w2v
from w2v.corpus.config import CorpusConfig
from w2v.corpus.reader import ReadProgress, read_corpus
from w2v.corpus.sequences import encode_sequences
from w2v.errors import CorpusError

ALL = CorpusConfig(min_count=1)


def test_sequences_equal_the_same_text_read_from_a_file(tmp_path):
    rng = np.random.default_rng(3)
    sequences = [[f"item{int(i)}" for i in rng.zipf(1.5, n)] for n in rng.integers(0, 30, 3000)]
    sequences.append([f"w{i % 7}" for i in range(25000)])
    path = tmp_path / "t"
    path.write_text("\n".join(" ".join(s) for s in sequences))
    for config in (CorpusConfig(min_count=3), CorpusConfig(min_count=2, max_vocab=40)):
        from_file = read_corpus([path], config)
        once = (tuple(s) for s in sequences)
        for corpus in (encode_sequences(once, config), encode_sequences(sequences, config, memory_limit=0, threads=2)):
            assert corpus.digest() == from_file.digest()
            assert corpus.token_counts.read == from_file.token_counts.read
            assert corpus.token_counts.cut_sentences == 1


def test_progress_is_told_in_tokens():
    seen = []
    encode_sequences([["a", "b"], ["c"]], ALL, on_progress=seen.append)
    assert seen == [ReadProgress(0, None, 3)]


def test_str_and_bytes_are_the_same_word():
    corpus = encode_sequences([["é", "é".encode(), "b"], iter([b"b", "b", b"caf\xe9", "caf\udce9"])], ALL)
    assert corpus.vocab.words == [b"b", b"caf\xe9", "é".encode()]
    assert corpus.vocab.counts.tolist() == [3, 2, 2]
    assert corpus.ids.tolist() == [2, 2, 0, -1, 0, 0, 1, 1, -1]


@pytest.mark.parametrize(
    ("sequences", "message"),
    [
        ("a whole text", "the corpus is one str; give a list"),
        ([["a", "b"], "a text"], "sequence 1 is one str"),
        ([["a"], ["b", "c d"]], "sequence 1, token 1: 'c d' holds white space"),
        ([["a\u3000b"]], "white space"),
        ([["a", "b\n"]], "white space"),
        ([["a", "b\0"]], "white space"),
        ([["a", ""]], "sequence 0, token 1 is empty"),
        ([["a", 5.5]], "5.5 is of type float; tokens are str, bytes or whole numbers"),
        ([["\ud800"]], "surrogate"),
        ([5], "sequence 0 is of type int"),
        ([], "no words"),
        ([[], []], "no words"),
        ([["a"]], "only one distinct"),
        ([[b"a b"]], "white space"),
    ],
)
def test_what_is_no_sequence_of_tokens_is_an_error(sequences, message):
    with pytest.raises(CorpusError, match=message):
        encode_sequences(sequences, ALL)


def test_ascii_white_space_rule_lets_other_spaces_into_tokens():
    config = CorpusConfig(min_count=1, whitespace="ascii")
    assert encode_sequences([["a\u00a0b", "c"]], config).vocab.words == ["a\u00a0b".encode(), b"c"]
    with pytest.raises(CorpusError):
        encode_sequences([["a b", "c"]], config)


@pytest.mark.parametrize(
    ("corpus", "message"),
    [
        ([{"id": 1, "text": "a b"}, {"id": 2, "text": "c d"}], "sequence 0 is of type dict, of which only keys"),
        ([["a", "b"], Counter("ab")], "sequence 1 is of type Counter, of which only keys"),
        ([{"a", "b"}], "sequence 0 is of type set, which has no order"),
        ([["a"], frozenset("ab")], "sequence 1 is of type frozenset, which has no order"),
        ([{"a": 1}.keys()], "sequence 0 is of type dict_keys, which has no order"),
        ({"first": ["a", "b"]}, "the corpus is of type dict, of which only keys would be read; give its values"),
        ({("a", "b"), ("c", "d")}, "the corpus is of type set, which has no order"),
        ([["a", "b"], None], "sequence 1 is of type NoneType, not a list of tokens"),
        ([["a"], 3.5], "sequence 1 is of type float, not a list of tokens"),
        ([["a"], b"b c"], "sequence 1 is one bytes"),
        ([bytearray(b"a b")], "sequence 0 is one bytearray"),
        (b"a b", "the corpus is one bytes; give a list of sentences"),
        (5, "the corpus is of type int; give a path"),
        (None, "the corpus is of type NoneType; give a path"),
        (np.array(["a b", "c d"]), "sequence 0 is one str_"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else type(value).__name__,
)
def test_what_python_goes_through_but_is_no_list_of_tokens_is_refused_by_name(corpus, message):
    with pytest.raises(CorpusError, match=message):
        encode_sequences(corpus, ALL)
    with pytest.raises(CorpusError, match=message):
        w2v.encode(corpus, min_count=1)


def test_a_generator_of_strings_is_refused_with_the_way_to_split_them():
    with pytest.raises(CorpusError, match=r"sequence 0 is one str, .*split it into words first: text.split\(\)"):
        w2v.train(line for line in ("a b", "c d"))


def test_an_open_file_is_refused_with_the_way_to_read_it(tmp_path):
    (tmp_path / "t").write_text("a b c\n" * 50)
    for mode in ("r", "rb"):
        with open(tmp_path / "t", mode) as file, pytest.raises(CorpusError, match=r"an open file.*; give its path, or"):
            w2v.train(file)


SENTENCES = [
    ["a b", "c d"],
    ["the king rules.", "the queen rules."],
    ["king", "queen"],
    "a b c",
    "x" * 300,
    ["x" * 3000],
    ["a\nb"],
    ("a b",),
    ["a\0b"],
    "first line\nsecond line/third",
    ["It costs 3.5 pounds"],
]


@pytest.mark.parametrize("corpus", SENTENCES, ids=lambda corpus: repr(corpus)[:20])
@pytest.mark.parametrize("function", ["train", "encode", "find_phrases"])
def test_sentences_that_are_strings_are_refused_with_the_way_to_write_them(monkeypatch, tmp_path, function, corpus):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CorpusError, match="no such file or folder, and a string is the name of one; sentences are"):
        getattr(w2v, function)(corpus)


@pytest.mark.parametrize("corpus", ["no", ["no.txt"], ["my text.txt"], "a folder/of texts", ["a.txt", "b.txt"]])
def test_a_file_that_is_missing_is_an_error_of_the_system(monkeypatch, tmp_path, corpus):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError):
        w2v.train(corpus)


def test_files_whose_names_have_spaces_are_read(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a text").write_text("a b a\n")
    (tmp_path / "another one").write_text("b a b\n")
    assert w2v.encode(["a text", "another one"], min_count=1).token_counts.read == 6
    with pytest.raises(CorpusError, match=r"^one more: no such file or folder"):
        w2v.encode(["a text", "one more"], min_count=1)


@pytest.mark.parametrize("token", [["a", "b"], {"a": 1}, 7.5, True, None, ("a", "b")])
def test_what_is_no_token_is_refused_with_its_place(token):
    with pytest.raises(
        CorpusError, match=r"sequence 1, token 2: .* is of type \w+; tokens are str, bytes or whole numbers"
    ):
        encode_sequences([["a"], ["b", "c", token]], CorpusConfig(min_count=1))


def test_tokenizer_applies_to_tokens():
    config = CorpusConfig(min_count=1, tokenizer="words", lower=True)
    corpus = encode_sequences([["The", "the.", "--", "a/b", "x" * 2000]], config)
    assert corpus.vocab.words == [b"the", b"a", b"b"]
    assert corpus.ids.tolist() == [0, 0, 1, 2, -1]
    assert (corpus.token_counts.read, corpus.token_counts.no_word, corpus.token_counts.too_long) == (6, 1, 1)


class Longer(list):
    """A list that yields more than its length says."""

    def __iter__(self):
        for _ in range(5000):
            yield from super().__iter__()


def test_a_list_that_yields_more_than_its_length_is_read_whole():
    corpus = encode_sequences([Longer(["a", "b"]), ["b", "c"]], ALL)
    assert dict(zip(corpus.vocab.words, corpus.vocab.counts.tolist(), strict=True)) == {b"a": 5000, b"b": 5001, b"c": 1}
    assert np.count_nonzero(corpus.ids >= 0) == corpus.token_counts.kept == 10_002


class Greedy(str):
    """A token that makes its sentence longer each time it is looked up."""

    sentence: ClassVar[list[str]] = []

    def __hash__(self):
        if len(Greedy.sentence) < 100_000:
            Greedy.sentence.extend(["b"] * 10_000)
        return str.__hash__(self)


def test_a_list_that_grows_while_it_is_read_is_an_error():
    Greedy.sentence = ["a", "b", Greedy("a")]
    with pytest.raises(CorpusError, match="sequence 0 became longer while it was read"):
        encode_sequences([Greedy.sentence], ALL)
