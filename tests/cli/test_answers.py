from __future__ import annotations

import json
import os
from types import SimpleNamespace

import pytest

from w2v.cli.answers import Output, answer_lines, format_answer, json_line
from w2v.cli.streams import argument_text, read_lines
from w2v.errors import UnknownWordError

ANSWER = [("queen", 0.75), ("서울", 0.5)]


def test_tsv_is_query_rank_word_cosine():
    assert format_answer("king", ANSWER, Output("tsv")) == "king\t1\tqueen\t0.750000\nking\t2\t서울\t0.500000\n"


def test_json_lines_have_the_same_names_and_raw_utf8():
    lines = format_answer("king", ANSWER, Output("json")).splitlines()
    assert [json.loads(line) for line in lines] == [
        {"query": "king", "rank": 1, "word": "queen", "cosine": 0.75},
        {"query": "king", "rank": 2, "word": "서울", "cosine": 0.5},
    ]
    assert "서울" in lines[1]


def test_a_tab_in_a_query_does_not_break_the_columns():
    assert format_answer("king\t+ man", ANSWER[:1], Output("tsv")).split("\t")[0] == "king + man"


def test_json_of_bytes_that_are_not_utf8_is_valid_and_reads_back():
    word = b"caf\xe9".decode("utf-8", "surrogateescape")
    line = json_line({"word": word})
    line.encode("utf-8")
    assert json.loads(line)["word"].encode("utf-8", "surrogateescape") == b"caf\xe9"


def test_one_bad_query_does_not_stop_the_others(capfdbinary):
    def answerer(queries):
        return [ANSWER if q == "king" else UnknownWordError(q, ("king",)) for q in queries]

    assert answer_lines(["king", "kong", "", "king"], answerer, Output("tsv")) == 1
    out, err = capfdbinary.readouterr()
    assert out.decode().count("king\t1\tqueen") == 2
    assert err.decode() == 'w2v: error: "kong" is not in the vocabulary; did you mean king?\n'


def test_argument_bytes_come_back():
    data = b"caf\xe9 \xec\x84\x9c"
    assert argument_text(os.fsdecode(data)).encode("utf-8", "surrogateescape") == data


@pytest.fixture
def stdin(monkeypatch):
    """Put bytes on standard input, in the pieces given."""
    import sys

    def put(*pieces: bytes):
        left = list(pieces)
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(fileno=lambda: 0))
        monkeypatch.setattr(os, "read", lambda fd, n: left.pop(0) if left else b"")

    return put


def test_lines_come_as_they_arrive_whole(stdin):
    stdin(b"king\nque", b"en\nm", b"an", b"\r\n", b"last")
    assert list(read_lines()) == [["king"], ["queen"], ["man"], ["last"]]


def test_a_batch_holds_all_lines_that_have_arrived(stdin):
    stdin(b"a\nb\n\nc\n")
    assert list(read_lines()) == [["a", "b", "", "c"]]


def test_words_may_hold_other_white_space(stdin):
    stdin("a\u00a0b\u2028c\x85\n".encode())
    assert list(read_lines()) == [["a\u00a0b\u2028c\x85"]]
