"""Phrases: a few lines of plain Python judge what is found and joined, and gensim where the definitions agree."""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import w2v
from w2v.corpus import phrases as module
from w2v.corpus.config import CorpusConfig
from w2v.corpus.open import open_encoded
from w2v.corpus.phrases import ENGLISH, PhraseSettings, join_phrases, longest_run, read_connectors
from w2v.corpus.reader import read_corpus
from w2v.corpus.sequences import encode_sequences
from w2v.errors import CorpusError, SettingsError

ALL = CorpusConfig(min_count=1)


def candidates(sentence, connectors, longest):
    """(where a pair starts, where it ends) for each pair of words with nothing but connectors between."""
    start = None
    for i, word in enumerate(sentence):
        if word in connectors:
            if start is not None and i - start > longest:
                start = None
            continue
        if start is not None:
            yield start, i
        start = i


def reference_pass(sentences, wanted: PhraseSettings):
    """(joined sentences, {phrase: (count, score)}) by the rules as they are told."""
    connectors = {word.decode() for word in wanted.connectors}
    present = {word for s in sentences for word in s}
    longest = longest_run(len(connectors & present))
    counts = Counter(word for s in sentences for word in s)
    tokens = sum(counts.values())
    pairs = Counter(tuple(s[i : j + 1]) for s in sentences for i, j in candidates(s, connectors, longest))
    found = {}
    for pair, count in pairs.items():
        a, b = counts[pair[0]], counts[pair[-1]]
        if min(a, b, count) < wanted.min_count:
            continue
        if wanted.score == "original":
            score = (count - wanted.min_count) / (a * b) * tokens
        else:
            score = math.log(count * tokens / (a * b)) / -math.log(count / tokens)
        if score > wanted.least:
            found[pair] = count, score
    joined = []
    for s in sentences:
        out, i = [], 0
        ends = dict(candidates(s, connectors, longest))
        while i < len(s):
            end = ends.get(i)
            if end is not None and tuple(s[i : end + 1]) in found:
                out.append("_".join(s[i : end + 1]))
                i = end + 1
            else:
                out.append(s[i])
                i += 1
        joined.append(out)
    return joined, {"_".join(pair): value for pair, value in found.items()}


def as_sentences(joined):
    words = [word.decode() for word in joined.words]
    sentences: list[list[str]] = [[]]
    for id in np.concatenate(joined.parts).tolist():
        if id < 0:
            sentences.append([])
        else:
            sentences[-1].append(words[id])
    return sentences[:-1]


def assert_as_reference(sentences, wanted: PhraseSettings, **options):
    joined = join_phrases(encode_sequences(sentences, ALL), wanted, **options)
    expected = [s for s in sentences if s]
    for number in range(1, wanted.passes + 1):
        expected, found = reference_pass(expected, wanted)
        mine = [p for p in joined.phrases if p.number == number]
        assert {p.phrase.decode(): p.count for p in mine} == {name: count for name, (count, _) in found.items()}
        assert [p.score for p in mine] == pytest.approx([found[p.phrase.decode()][1] for p in mine], rel=1e-12)
        assert [-p.score for p in mine] == sorted(-p.score for p in mine)
    assert as_sentences(joined) == expected
    assert {w.decode(): n for w, n in zip(joined.words, joined.counts.tolist(), strict=True) if n} == Counter(
        word for s in expected for word in s
    )
    assert joined.joined == sum(map(len, sentences)) - sum(map(len, expected))
    return joined


def text(words=40, sentences=600, seed=1):
    """Sentences in which some words stand together often, some across a connector."""
    draw = random.Random(seed)
    usual = [f"w{i}" for i in range(words)]
    names = [["new", "york"], ["new", "york", "city"], ["bank", "of", "england"], ["state", "of", "the", "art"]]
    out = []
    for _ in range(sentences):
        s = []
        for _ in range(draw.randrange(8)):
            s += draw.choice(names) if draw.random() < 0.3 else [draw.choice([*usual, "of", "the"])]
        out.append(s)
    return out


CASES = {
    "original": PhraseSettings(threshold=5),
    "two passes": PhraseSettings(passes=2, threshold=3),
    "npmi": PhraseSettings(score="npmi"),
    "three passes of npmi": PhraseSettings(passes=3, score="npmi", threshold=0.3, min_count=3),
    "connectors": PhraseSettings(passes=2, threshold=4, connectors=tuple(w.encode() for w in ENGLISH)),
    "connectors and npmi": PhraseSettings(score="npmi", threshold=0.4, connectors=(b"of", b"the", b"unseen")),
    "everything": PhraseSettings(threshold=-1e9, min_count=1),
    "everything by npmi": PhraseSettings(score="npmi", threshold=-1, min_count=1),
}


@pytest.mark.parametrize("name", CASES)
def test_phrases_are_those_of_the_reference(name):
    assert assert_as_reference(text(), CASES[name]).phrases


@pytest.mark.parametrize("threads", [1, 3])
def test_phrases_do_not_depend_on_memory_and_threads(threads, tmp_path, monkeypatch):
    """Tables of 4,096 slots for more pairs: they are counted in several rounds, over ids in a file."""
    monkeypatch.setattr(module, "STEP_IDS", 100)
    draw = random.Random(2)
    sentences = [[f"w{int(draw.expovariate(0.02))}" for _ in range(20)] for _ in range(1500)]
    assert len({pair for s in sentences for pair in itertools.pairwise(s)}) > 2 * 4096
    wanted = PhraseSettings(passes=2, threshold=1.5, min_count=2)
    joined = assert_as_reference(sentences, wanted, threads=threads, memory_limit=1, tmp_dir=tmp_path)
    assert isinstance(joined.parts[0], np.memmap)
    assert joined.phrases == join_phrases(encode_sequences(sentences, ALL), wanted).phrases
    assert list(tmp_path.iterdir()) == []


@given(
    st.lists(st.lists(st.sampled_from("abcdef"), max_size=12), min_size=1, max_size=30),
    st.sampled_from(["original", "npmi"]),
    st.floats(-1, 5),
    st.integers(1, 4),
    st.sets(st.sampled_from("abc")),
)
@settings(max_examples=150, deadline=None)
def test_any_sentences_are_joined_as_by_the_reference(sentences, score, threshold, min_count, connectors):
    if len({word for s in sentences for word in s}) < 2:
        return
    names = tuple(sorted(c.encode() for c in connectors))
    assert_as_reference(sentences, PhraseSettings(2, score, threshold, min_count, names), threads=2)


def test_first_pass_is_gensims_where_the_definitions_agree():
    """gensim divides by the number of its words and pairs where word2phrase has the number of tokens; npmi is one."""
    gensim = pytest.importorskip("gensim.models.phrases")
    sentences = [s for s in text(sentences=2000) if s]
    for connectors in (frozenset(), frozenset({"of", "the"})):
        names = tuple(sorted(c.encode() for c in connectors))
        theirs = gensim.Phrases(sentences, min_count=5, threshold=0.4, scoring="npmi", connector_words=connectors)
        mine = assert_as_reference(sentences, PhraseSettings(score="npmi", threshold=0.4, connectors=names))
        assert {p.phrase.decode(): p.score for p in mine.phrases} == pytest.approx(theirs.export_phrases(), rel=1e-9)
        assert as_sentences(mine) == [theirs[s] for s in sentences]
        theirs = gensim.Phrases(sentences, min_count=5, threshold=4, connector_words=connectors)
        scale = sum(map(len, sentences)) / len(theirs.vocab)
        mine = assert_as_reference(sentences, PhraseSettings(threshold=4 * scale, connectors=names))
        scaled = {name: score * scale for name, score in theirs.export_phrases().items()}
        assert {p.phrase.decode(): p.score for p in mine.phrases} == pytest.approx(scaled, rel=1e-9)
        assert as_sentences(mine) == [theirs[s] for s in sentences]


def test_sentences_that_were_cut_are_whole_for_phrases(tmp_path):
    sentence = ["a", "b", "x"] * 9000 + ["a"]
    (tmp_path / "t").write_text(" ".join(sentence) + "\n" + "y z\n" * 3)
    corpus = read_corpus(tmp_path / "t", ALL)
    assert corpus.token_counts.cut_sentences == 1
    joined = join_phrases(corpus, PhraseSettings(threshold=1))
    assert as_sentences(joined)[0] == reference_pass([sentence, *[["y", "z"]] * 3], PhraseSettings(threshold=1))[0][0]
    assert len(as_sentences(joined)) == 4


def test_phrase_that_is_a_word_already_is_that_word():
    sentences = [["new", "york"], ["new_york", "city"]] * 20
    joined = join_phrases(encode_sequences(sentences, ALL), PhraseSettings(passes=2, threshold=0.1))
    assert list(joined.words).count(b"new_york") == 1
    assert as_sentences(joined) == [["new_york"], ["new_york_city"]] * 20


def test_phrase_longer_than_any_word_may_be_is_not_made():
    sentences = [["a" * 600, "b" * 600, "c"]] * 20
    joined = join_phrases(encode_sequences(sentences, ALL), PhraseSettings(threshold=0.1))
    assert [len(p.phrase) for p in joined.phrases] == [602]


def test_runs_of_connectors_have_a_limit_that_depends_on_how_many_there_are():
    assert [longest_run(n) for n in (0, 1, 15, 16, 39, 40, 255, 256, 65535, 65536)] == [0, 4, 4, 3, 3, 2, 2, 1, 1, 0]
    sentences = [["a", *["of"] * n, "b"] for n in range(7)] * 10
    found = assert_as_reference(sentences, PhraseSettings(threshold=0.01, connectors=(b"of",))).phrases
    assert sorted(len(p.phrase.split(b"_")) for p in found) == [2, 3, 4, 5, 6]


@pytest.mark.parametrize("wanted", [{"phrases": 1}, {"phrases": 2, "min_count": 3, "phrase_connectors": "english"}])
def test_encoding_with_phrases_is_encoding_the_joined_text(wanted, tmp_path):
    (tmp_path / "t").write_text("\n".join(" ".join(s) for s in text()))
    config = CorpusConfig(phrase_threshold=5, **wanted)
    corpus = w2v.encode(tmp_path / "t", **vars(config))
    joined = w2v.corpus.open.joined_corpus(
        tmp_path / "t", {}, threads=None, **{k: v for k, v in vars(config).items() if k.startswith("phrase")}
    )
    (tmp_path / "joined").write_text("\n".join(" ".join(s) for s in as_sentences(joined)))
    again = read_corpus(tmp_path / "joined", CorpusConfig(min_count=config.min_count))
    assert corpus.vocab == again.vocab
    assert np.array_equal(corpus.ids, again.ids)
    assert corpus.token_counts.joined == joined.joined > 0
    assert corpus.settings == vars(config)
    given = w2v.Vocab.sorted([b"new_york", b"w1", b"other"], np.array([9, 7, 3]))
    both = [
        w2v.corpus.open.read([tmp_path / name], c, vocab=given)
        for name, c in (("t", config), ("joined", CorpusConfig(min_count=config.min_count)))
    ]
    assert np.array_equal(both[0].ids, both[1].ids)


def test_find_phrases_takes_sequences_files_and_encoded_corpora(tmp_path):
    sentences = text()
    (tmp_path / "t").write_text("\n".join(" ".join(s) for s in sentences))
    found = w2v.find_phrases(sentences, threshold=5)
    assert found[0]._fields == ("phrase", "count", "score", "number")
    assert (
        found
        == w2v.find_phrases(tmp_path / "t", threshold=5)
        == w2v.find_phrases(w2v.encode(sentences, min_count=1), threshold=5)
    )
    with pytest.raises(SettingsError, match="encoded without its rare words, and phrases need all"):
        w2v.find_phrases(w2v.encode(sentences, min_count=2))
    with pytest.raises(SettingsError, match="there is no setting 'pases'; did you mean phrases"):
        w2v.find_phrases(sentences, pases=2)


def test_connectors_are_read_a_word_a_line(tmp_path):
    path = tmp_path / "words"
    for mark in (b"", b"\xef\xbb\xbf"):
        path.write_bytes(mark + "of\r\n\nthe\nüber\nof".encode())
        assert read_connectors(path) == (b"of", b"the", "über".encode())
    for content, message in ((b"of\nof the\n", "words:2: not a single word"), (b"x" * 2000, "words:1: not a single")):
        path.write_bytes(content)
        with pytest.raises(CorpusError, match=message):
            read_connectors(path)


def test_a_corpus_encoded_with_phrases_is_trained_on_with_those_and_no_others():
    encoded = w2v.encode(text(), min_count=2, phrases=1)
    for stated in (["phrases"], []):
        again, settings = open_encoded(encoded, CorpusConfig(min_count=2, phrases=1), stated)
        assert settings.phrases == 1
        assert np.array_equal(again.ids, encoded.ids)
    with pytest.raises(SettingsError, match="encoded with phrases=1; training with phrases=2 needs the text"):
        open_encoded(encoded, CorpusConfig(min_count=2, phrases=2), ["phrases"])
