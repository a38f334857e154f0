"""Text that is hardly what was meant: said with what was seen; a few commas are no table."""

from __future__ import annotations

import gzip
import json
import random
import re

import numpy as np
import pytest

import w2v
from w2v.corpus.check import check_corpus
from w2v.corpus.config import CorpusConfig
from w2v.corpus.reader import count_words, read_corpus
from w2v.corpus.remap import extend_vocab
from w2v.corpus.sample import _columns, strange_words, tokens_of
from w2v.corpus.vocab import TokenCounts, Vocab
from w2v.errors import CorpusError, Message, render

ONE = CorpusConfig(min_count=1)
DRAW = random.Random(3)
NAMES = ["king", "queen", "man", "woman", "cat", "dog", "hen", "rabbit"]
HAN = "大小上下左右天地人日月木水火土金"


def walks(separator: str) -> str:
    return "\n".join(separator.join(DRAW.choices(NAMES, k=6)) for _ in range(60)) + "\n"


LONE = {
    "commas": (walks(","), "there are commas in them: tr ',' ' '"),
    "semicolons": (walks(";"), "there are semicolons in them"),
    "bars": (walks("|"), "there are vertical bars"),
    "Chinese": ("\n".join("".join(DRAW.choices(HAN, k=9)) for _ in range(50)), "it looks like Chinese or Japanese"),
    "Thai": ("\n".join("สวัสดีชาวโลกวันนี้" for _ in range(50)), "it looks like Thai"),
    "words": ("\n".join(DRAW.choices(NAMES, k=50)), "write a sentence"),
}


@pytest.mark.parametrize("name", LONE)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("min_count", [1, 5, 50])
def test_lines_of_one_token_are_an_error_with_what_was_seen(tmp_path, name, pack, min_count):
    text, seen = LONE[name]
    (tmp_path / "text").write_bytes(pack(text.encode()))
    with pytest.raises(CorpusError, match="nearly every line is one token; separate tokens by spaces") as found:
        read_corpus([tmp_path / "text"], CorpusConfig(min_count=min_count))
    assert seen in str(found.value)


JSON = [
    ("\n".join(json.dumps({"id": i, "text": "the king rules the land"}) for i in range(300)), ".text"),
    (json.dumps([{"id": i, "text": "the king rules the land"} for i in range(3)]), "'.[].text'"),
    (json.dumps({"text": "x " * 9000}), ".text"),
    (json.dumps([{"id": 1, "text": "the king"}], indent=2), "'.[].text'"),
    ("\n".join(json.dumps(["a", "b"]) for _ in range(9)), "'join(\" \")'"),
    (json.dumps([["a", "b"]] * 9), "'.[] | join(\" \")'"),
]


@pytest.mark.parametrize(("text", "way"), JSON)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_json_is_refused_with_the_way_to_take_its_text(tmp_path, text, way, pack):
    (tmp_path / "text").write_bytes(pack(text.encode()))
    wanted = rf"this is JSON.*, not text; write its text as lines: jq -r {re.escape(way)} "
    with pytest.raises(CorpusError, match=wanted):
        read_corpus([tmp_path / "text"], ONE)


TABLES = {
    "id,label,text\n" + "".join(f'{i},1,"the king, who rules"\n' for i in range(30)): "comma-separated values (3",
    "id\ttext\n" + "".join(f"{i}\tthe king rules\n" for i in range(30)): "tab-separated values (2 columns: id, text)",
    "1\tthe\tDET\t_\n2\tking\tNOUN\t_\n\n" * 9: "tab-separated values (4 columns: 1, the, DET, _)",  # CoNLL
    "the king rules\rthe land\r" * 30: "carriage returns alone",
    "user,item,note\n" + "".join(f'u{i},"Milk, 2%\n{i}","a\nb"\n' for i in range(30)): "comma-separated values (3",
    "the milk,whole milk,rice\nbread,white eggs\n" * 30: "commas without a space after them",
    "".join(f"{i}\n00:00:0{i},007 --> 00:00:0{i},900\nthe king rules\n\n" for i in range(9)): "subtitles",
    "WEBVTT\n\n" + "".join(f"00:0{i}.007 --> 00:0{i}.900\nthe king rules\n\n" for i in range(9)): "subtitles",
    "From a@b Sat Nov 28 10:00:00 2026\nFrom: a\nTo: b\nDate: now\nSubject: c\n\nthe king\n\n" * 9: "like mail",
    "From: a\r\nTo: b\r\nDate: now\r\nSubject: c\r\nMIME-Version: 1.0\r\n\r\nthe king\r\n": "like mail",
    "<?xml version='1.0'?>\n<page>\n<text>the king</text>\n": "XML or HTML",
}


def test_a_column_of_numbers_is_one_where_more_than_half_of_its_rows_are_numbers():
    for numbers, table, count in ((2, False, 4), (3, True, 4), (2, False, 5), (3, True, 5)):
        rows = [f"{row if row < numbers else 'x'},the king rules" for row in range(count)]
        assert bool(_columns(["n,text", *rows], ONE)) == table, numbers
        assert bool(_columns(["7,text", *rows], ONE)) is False  # no name


@pytest.mark.parametrize("text", TABLES)
def test_a_table_or_markup_is_named(tmp_path, text):
    (tmp_path / "text").write_text(text)
    for read in (read_corpus, count_words):
        said: list[str] = []
        read([tmp_path / "text"], ONE, on_warning=said.append)
        assert len(said) == 1
        assert TABLES[text] in said[0]


@pytest.mark.parametrize(
    "text",
    [
        "Well, he said, yes.\nNo, she said, and left, and came back.\nThe king, the queen\n" * 20,
        "the king rules the land\n" * 30,
        "\n".join("\t".join(DRAW.choices(NAMES, k=6)) for _ in range(30)),
        '{curly} words [in] "quotes"\nand so on\nand on\n' * 9,
        "3,5 km\n4,5 km\n" * 20,
        "From: the king\nTo: the queen\nthe subject: land\n" * 9,
        "at 10:00 --> the king\nand 3,400 a;b words\nthe land\n" * 9,
        'he said "no,\nnever, ever"\nand left, then\n' * 20,
        "a b\n",
        "[music] the king\n" * 5,
    ],
)
def test_ordinary_text_is_read_without_a_word(tmp_path, text):
    (tmp_path / "text").write_text(text)
    words = CorpusConfig(min_count=1, tokenizer="words")
    read_corpus([tmp_path / "text"], words, on_warning=lambda said: pytest.fail(said))


def test_lower_case_of_turkish_is_told(tmp_path):
    (tmp_path / "text").write_text("Isparta ve kadın ile kız İzmir yolunda\n" * 9)
    said: list[str] = []
    read_corpus([tmp_path / "text"], CorpusConfig(min_count=1, lower=True), on_warning=said.append)
    assert [text.partition(",")[0] for text in said] == [f"{tmp_path}/text: 29% of the tokens hold a dotless ı"]
    read_corpus([tmp_path / "text"], ONE, on_warning=lambda text: pytest.fail(text))


def test_a_pointer_of_git_lfs_is_named(tmp_path):
    for name in ("corpus.txt", "corpus.gz"):
        (tmp_path / name).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 1647046227\n")
        with pytest.raises(CorpusError, match=r"a pointer of Git LFS, not .*git lfs pull"):
            read_corpus([tmp_path / name], ONE)


def test_tokens_that_are_not_utf_8_are_counted(tmp_path):
    (tmp_path / "text").write_bytes(b"caf\xe9 na\xefve plain caf\xc3\xa9\n" * 7)
    assert read_corpus([tmp_path / "text"], ONE).token_counts.not_utf8 == 14
    assert count_words([tmp_path / "text"], ONE)[1].not_utf8 == 14


def test_tokens_that_are_not_utf_8_are_counted_anew_with_another_vocabulary(tmp_path):
    (tmp_path / "text").write_bytes(b"caf\xe9 na\xefve plain\n" * 3 + b"caf\xe9 plain word\n" * 4)
    whole = read_corpus([tmp_path / "text"], ONE)
    assert [whole.token_counts.not_utf8, whole.pruned(4).token_counts.not_utf8] == [10, 7]
    given = Vocab([b"na\xefve", b"plain", b"word"], np.array([900, 800, 2]))
    read = read_corpus([tmp_path / "text"], ONE, vocab=given)
    assert [read.token_counts.not_utf8, read.pruned(3).token_counts.not_utf8] == [3, 3]
    assert extend_vocab(whole, given, 4).token_counts.not_utf8 == 10


def test_the_library_warns_of_a_table_wherever_it_reads_text(tmp_path):
    path = tmp_path / "text.csv"
    path.write_text(next(iter(TABLES)))
    for read in (
        lambda: w2v.encode(path, min_count=1),
        lambda: w2v.find_phrases(path),
        lambda: list(w2v.sweep(path, min_count=1, dim=2, epochs=1, threads=1)),
        lambda: w2v.train(path, min_count=1, dim=2, epochs=1, threads=1),
    ):
        with pytest.warns(RuntimeWarning, match="looks like comma-separated values") as said:
            read()
        assert len(said) == 1
    assert "comma-separated values" in check_corpus(path).notes[0].meaning
    path.write_text(next(iter(LONE.values()))[0])
    assert "nearly every line is one token" in check_corpus(path).notes[0].meaning


def warnings_of(paths, **settings) -> list[str]:
    said: list[str] = []
    read_corpus(paths, CorpusConfig(min_count=1, **settings), on_warning=said.append)
    return [render(line, lambda name, value: f"{name}={value}") for line in said]


def test_punctuation_that_makes_other_words_is_told_with_what_takes_it_off(tmp_path):
    (tmp_path / "text").write_text("He said, that it was so.\nThen he went home , and slept .\n" * 20)
    assert warnings_of([tmp_path / "text"]) == [
        f"{tmp_path}/text: 14% of the tokens end in punctuation (said, so. ...), which makes other words of them; "
        "tokenizer=words takes it off"
    ]
    assert warnings_of([tmp_path / "text"], tokenizer="words") == []


def test_text_that_is_not_utf8_is_told_with_how_to_convert_it(tmp_path):
    (tmp_path / "text").write_bytes("le café est très loin d ici\n".encode("latin-1") * 20)
    (said,) = warnings_of([tmp_path / "text"])
    assert said.endswith("29% of the tokens are not UTF-8; to convert the text: iconv -f LATIN1 -t UTF-8 FILE > NEW")
    (tmp_path / "text").write_bytes("le \u201ccafé\u201d est loin d ici\n".encode("cp1252") * 20)
    assert "iconv -f WINDOWS-1252 " in warnings_of([tmp_path / "text"])[0]


@pytest.mark.parametrize("encoding", ["koi8-r", "gb18030", "shift_jis"])
def test_no_encoding_is_guessed_for_other_alphabets(tmp_path, encoding):
    words = {"koi8-r": "мир и война", "gb18030": "我 你 他 的", "shift_jis": "私 は 猫 です"}[encoding]
    (tmp_path / "text").write_bytes(f"{words}\n".encode(encoding) * 20)
    (said,) = warnings_of([tmp_path / "text"])
    assert "iconv -f ENCODING -t UTF-8 FILE > NEW, where ENCODING is the one it was written in" in said


def test_a_file_that_is_there_twice_is_named(tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "a").write_text("one two three\n" * 5)
    (folder / "b").write_text("four five six\n" * 5)
    assert warnings_of([folder]) == []
    assert warnings_of([folder, folder / "b"]) == [f"{folder}/b: is given twice, and its text counts twice"]
    (folder / "c").symlink_to(folder / "a")
    assert warnings_of([folder]) == [f"{folder}/c: is the same file as {folder}/a, and its text counts twice"]
    (folder / "c").unlink()
    (folder / "c").write_text("one two three\n" * 4 + "one two other\n")
    assert warnings_of([folder]) == []
    for name, word in (("a", b"first"), ("c", b"other")):  # as long, and the same in the last 64 KiB
        (folder / name).write_bytes(word + b" and more\n" * 20_000)
    assert warnings_of([folder]) == []
    (folder / "c").write_bytes((folder / "b").read_bytes())
    assert warnings_of([folder]) == [f"{folder}/c: looks like a copy of {folder}/b, and its text counts twice"]


def test_tokens_of_a_sample_are_about_those_of_a_reading():
    line = "It's\u00a0a b-c\n"
    assert tokens_of(line, CorpusConfig(tokenizer="words")) == ["It", "s", "a", "b", "c"]
    assert tokens_of(line, CorpusConfig(whitespace="unicode")) == ["It's", "a", "b-c"]
    assert tokens_of(line, CorpusConfig(whitespace="ascii")) == ["It's\u00a0a", "b-c"]


def test_words_that_end_in_punctuation_are_named_the_most_frequent_first():
    words = [b"the", b"x" * 19 + b",", b"y" * 20 + b".", b"zz!", b"b?", b"..", b"caf\xe9;"]
    vocab = Vocab(words, np.array([60, 9, 8, 8, 7, 5, 3]))
    counts = TokenCounts(read=100, kept=100, not_utf8=11)
    said = (
        f"35% of the tokens end in punctuation ({'x' * 19}, {'y' * 20} zz! ...), which makes other words of them; "
        "tokenizer='words' takes it off"
    )
    latin = "11% of the tokens are not UTF-8; to convert the text: iconv -f LATIN1 -t UTF-8 FILE > NEW"
    assert list(map(str, map(Message, strange_words(vocab, counts, CorpusConfig())))) == [latin, said]
    assert strange_words(vocab, counts, CorpusConfig(tokenizer="words")) == [latin]
    few = Vocab([b"the", b"a,", b".."], np.array([90, 10, 9]))
    counts = TokenCounts(read=100, kept=100, not_utf8=10)
    assert strange_words(few, counts, CorpusConfig()) == []  # a tenth is usual
