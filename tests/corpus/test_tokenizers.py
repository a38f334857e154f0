"""From spellings to words."""

from __future__ import annotations

import itertools
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from w2v.corpus._encode import Encoder, Spellings
from w2v.corpus.config import CorpusConfig
from w2v.corpus.reader import read_corpus
from w2v.corpus.tokenizers import tokenize


def words_of(text: str, **config) -> list[str]:
    spellings = [t.encode("utf-8", "surrogateescape") for t in text.split()]
    return [w.decode("utf-8", "surrogateescape") for w in tokenize(spellings, CorpusConfig(**config)).words]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello, world!", "Hello world"),
        ("(the) \"end\" 'tis dogs' don't", "the end tis dogs don't"),
        ("l’été «mot» well-known re-", "l’été mot well-known re"),
        ("3.14 1,000 1,000,000.5 2. .5", "3.14 1,000 1,000,000.5 2 5"),
        ("and/or a--b x—y", "and or a b x y"),
        ("U.S.A. e.g. etc. end.Next", "U.S.A e.g etc end Next"),
        ("...", ""),
        ("😀 € + -", ""),
        ("我喜欢北京。他、她 「引」", "我喜欢北京 他 她 引"),
        ("हिन्दी में नमस्ते। क्‍ष", "हिन्दी में नमस्ते क्‍ष"),
        ("می‌خواهم، مرحبا؟", "می‌خواهم مرحبا"),
        ("안녕하세요! 한국어.", "안녕하세요 한국어"),
        ("_x_ new_york __ _", "x new_york"),
        ("caf\udce9, \udcff", "caf\udce9 \udcff"),
        ("e\u0301te\u0301!", "e\u0301te\u0301"),
        ("covid-19 3rd 1990s", "covid-19 3rd 1990s"),
        ("ভাষা, বাংলা", "ভাষা বাংলা"),
        ("ג׳ורג׳ צה״ל", "ג׳ורג צה״ל"),
        ("Ինչո՞ւ, ո՛չ։", "Ինչո՞ւ ո՛չ"),
        ("Donau\u00addampf \u00ad", "Donau\u00addampf"),
        ("അവന്\u200d, അവന്\u200d-ല", "അവന്\u200d അവന്\u200d ല"),
        ("ᠮᠣᠩᠭᠣ\u180eᠯ", "ᠮᠣᠩᠭᠣ\u180eᠯ"),
        ("٣٫١٤ ½", "٣٫١٤ ½"),
        ("@user #tag C++", "user tag C"),
        ("zero\u200bwidth", "zero width"),
    ],
)
def test_words_tokenizer_splits_prose(text, words):
    assert words_of(text, tokenizer="words") == words.split()


def test_lower_and_normalize_act_on_whole_words():
    assert words_of("ÀÉ ΣΊΣΥΦΟΣ İ", lower=True) == ["àé", "σίσυφος", "i̇"]
    assert words_of("ΤΕΛΟΣ.ΑΡΧΗ ΤΕΛΟΣ", lower=True, tokenizer="words") == ["τελος", "αρχη", "τελος"]
    assert words_of("e\u0301 ﬁn", normalize="nfc") == ["é", "ﬁn"]
    assert words_of("ﬁn ™ Ⅷ", normalize="nfkc", lower=True) == ["fin", "tm", "viii"]
    assert words_of("H\u0331", normalize="nfc", lower=True) == ["\u1e96"]
    assert words_of("a\u037ab", normalize="nfkc") == ["a", "\u0345b"]  # U+037A becomes a space and U+0345


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.text(min_size=1, max_size=8), max_size=20),
    st.sampled_from(["none", "words"]),
    st.booleans(),
    st.sampled_from(["none", "nfc", "nfkc"]),
    st.sampled_from(["unicode", "ascii"]),
)
def test_no_word_is_empty_or_holds_white_space(texts, tokenizer, lower, normalize, whitespace):
    config = CorpusConfig(tokenizer=tokenizer, lower=lower, normalize=normalize, whitespace=whitespace)
    spellings = [s.encode("utf-8", "replace") for t in texts for s in t.replace("\0", " ").split()]
    words, ends = tokenize(spellings, config)
    assert len(ends) == len(spellings) + 1
    assert ends[-1] == len(words)
    assert all(a <= b for a, b in itertools.pairwise(ends))
    for i, spelling in enumerate(spellings):  # together as alone
        assert words[ends[i] : ends[i + 1]] == tokenize([spelling], config).words
    for word in words:
        text = word.decode()
        assert text
        assert (text.split() == [text]) if whitespace == "unicode" else not set(text) & set(" \t\r\n\v\f\0")
        if normalize != "none" and tokenizer == "none":
            assert unicodedata.is_normalized(normalize.upper(), text)


PARAGRAPHS = {
    "chinese": "今天天气很好，我们去公园。",
    "japanese": "「今日は」、晴れ！",
    "tibetan": "བོད་སྐད་ཡིག།",
    "khmer": "ខ្ញុំទៅ។",
    "amharic": "ሰላም፡ለዓለም።",
    "burmese": "မြန်မာ။",
    "urdu": "اردو۔زبان؟",
    "quotes": "“eins”—„zwei“…",
    "wide": "ｶﾅ｡ﾃｽﾄ､（株）：［２］",
}


@pytest.mark.parametrize("name", PARAGRAPHS)
@pytest.mark.parametrize("block_size", [64, 1000, 1 << 20])
def test_a_long_line_without_spaces_is_split_as_a_short_one(tmp_path, name, block_size):
    piece = PARAGRAPHS[name]
    (tmp_path / "long").write_text(piece * 400 + " x y\n")
    config = CorpusConfig(tokenizer="words", min_count=1)
    corpus = read_corpus([tmp_path / "long"], config, block_size=block_size, threads=3)
    found = [corpus.vocab.words[i].decode() for i in corpus.ids if i >= 0]
    assert found == [*words_of(piece, tokenizer="words") * 400, "x", "y"]
    assert corpus.token_counts.too_long == 0


def test_marks_that_the_encoder_takes_for_separators_are_in_no_word():
    marks = []
    for code in range(0x80, 0x10000):
        if 0xD800 <= code < 0xE000 or chr(code).isspace():
            continue
        encoder = Encoder(Spellings((1, 2)), True, 64, True)
        encoder.encode_bytes(b"", b"a" + chr(code).encode() + b"b ", b"", True)
        marks += [chr(code)] * (encoder.tokens == 2)
    assert len(marks) == 106
    for mark in marks:
        for normalize in ("none", "nfc", "nfkc"):
            for left, right in ("ab", "12", "ḍ̇", "AB", "きゃ", "הי"):
                text = left + mark + right
                assert words_of(text, tokenizer="words", normalize=normalize) == words_of(
                    f"{left} {right}", tokenizer="words", normalize=normalize
                ), (mark, text)


def test_token_counts_are_of_words_and_spellings_without_any(tmp_path):
    path = tmp_path / "t"
    path.write_text("The cat, the dog -- and/or THE cat.\n!!! ok ok rare/ok\n" + "x" * 2000)
    config = CorpusConfig(tokenizer="words", lower=True, min_count=2)
    for threads, block_size in ((1, 1 << 20), (3, 5)):
        corpus = read_corpus([path], config, threads=threads, block_size=block_size)
        assert list(zip(corpus.vocab.words, corpus.vocab.counts.tolist(), strict=True)) == [
            (b"ok", 3),
            (b"the", 3),
            (b"cat", 2),
        ]
        assert corpus.ids.tolist() == [1, 2, 1, 1, 2, -1, 0, 0, 0, -1]
        found = corpus.token_counts
        assert (found.read, found.kept, found.below_min_count, found.no_word, found.too_long) == (15, 8, 4, 2, 1)


def test_run_of_words_is_kept_in_order(tmp_path):
    path = tmp_path / "t"
    path.write_text("a/b/c/a b/zz/c\n" * 3 + "zz1/a")
    corpus = read_corpus([path], CorpusConfig(tokenizer="words", min_count=4))
    assert [corpus.vocab.words[i] if i >= 0 else b"." for i in corpus.ids] == list(
        map(bytes, zip(b"abcabc.abcabc.abcabc.a.", strict=True))
    )


def test_word_longer_than_a_token_after_normalisation_is_counted(tmp_path):
    path = tmp_path / "t"
    path.write_text("a b " + "\u3316" * 300)  # 3 bytes each, 18 under NFKC
    corpus = read_corpus([path], CorpusConfig(normalize="nfkc", min_count=1))
    assert (corpus.vocab.words, corpus.token_counts.too_long, corpus.token_counts.read) == ([b"a", b"b"], 1, 3)


MARKS = (  # first and last of each run
    "\u060c\u060c\u061b\u061b\u061f\u061f\u06d4\u06d4\u0964\u0965\u0f0b\u0f14\u104a\u104f\u1361\u1368"
    "\u17d4\u17d6\u17d8\u17da\u2012\u2016\u2018\u2018\u201a\u2023\u2026\u2026\u3001\u3003\u3008\u3011"
    "\u3014\u301f\uff01\uff06\uff08\uff0b\uff0f\uff0f\uff1a\uff1b\uff1f\uff20\uff3b\uff3d\uff5b\uff64"
)


@pytest.mark.parametrize("unicode", [False, True])
@pytest.mark.parametrize("marks", [False, True])
def test_what_separates_words_beyond_ascii_is_white_space_or_one_of_the_marks_wherever_it_is(unicode, marks):
    """Every character below U+10000 between two letters, one after the other: so at each place of a chunk of 64."""
    characters = [chr(c) for c in range(0x80, 0x10000) if not 0xD800 <= c < 0xE000]
    spellings = Spellings((1, 2))
    Encoder(spellings, unicode, 1 << 20, marks).encode_bytes(
        b"", "".join(f"a{c}b\n" for c in characters).encode(), b"", True
    )
    runs = itertools.zip_longest(*[iter(MARKS)] * 2)
    wanted = {chr(c) for first, last in runs for c in range(ord(first), ord(last) + 1)} if marks else set()
    wanted |= {c for c in characters if c.isspace()} if unicode else set()
    together = {word.decode() for word in spellings.since(0)} - {"a", "b"}
    assert {c for c in characters if f"a{c}b" not in together} == wanted
    assert together == {f"a{c}b" for c in characters if c not in wanted}
