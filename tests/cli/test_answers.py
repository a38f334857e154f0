from __future__ import annotations

import json
import os
from types import SimpleNamespace

import pytest

from w2v.cli import answers as answers_module
from w2v.cli.answers import Output, answer_lines, each_line, format_answer, json_line, show, words_of
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


NAMES = {"queen": "Queen", "king": "King"}


def test_names_are_shown_beside_words_in_every_form():
    def rows(form):
        return format_answer("king", ANSWER, Output(form, NAMES, "csls"))

    assert rows("tsv") == "king\t1\tqueen\t0.750000\tQueen\nking\t2\t서울\t0.500000\t\n"
    found = [{"rank": 1, "word": "queen", "csls": 0.75, "name": "Queen"},
             {"rank": 2, "word": "서울", "csls": 0.5, "name": None}]  # fmt: skip
    assert [json.loads(line) for line in rows("json").splitlines()] == [{"query": "king", **row} for row in found]
    assert json.loads(rows("nested")) == {"query": "king", "name": "King", "neighbours": found}
    assert rows("aligned").splitlines()[0] == "king"
    assert [line.split()[:2] for line in rows("aligned").splitlines()[1:]] == [["1", "queen"], ["2", "서울"]]
    assert rows("unnamed").splitlines()[0].split()[:2] == ["1", "queen"]
    assert "Queen" in rows("unnamed")
    ranked = [(7, "queen", 0.1234567)]
    assert format_answer("a", ranked, Output("tsv")) == "a\t7\tqueen\t0.123457\n"
    assert json.loads(format_answer("a", ranked, Output("json")))["cosine"] == 0.123457


@pytest.mark.parametrize("form", ["json", "nested", "tsv"])
def test_what_cannot_be_answered_is_an_object_for_programs_and_a_line_for_people(capfdbinary, form):
    def answerer(queries):
        assert queries == ["kong", "\u00a0"]  # a line of spaces and tabs asks nothing
        return [UnknownWordError(query) for query in queries]

    assert answer_lines(["kong", " \t\r", "\u00a0"], answerer, Output(form)) == 2
    out, err = capfdbinary.readouterr()
    assert err.decode().splitlines()[0] == 'w2v: error: "kong" is not in the vocabulary'
    expected = {"query": "kong", "error": '"kong" is not in the vocabulary'}
    assert [json.loads(line) for line in out.splitlines()][:1] == ([] if form == "tsv" else [expected])
    assert answer_lines([" "], answerer, Output(form)) == 0


def test_a_line_is_answered_whole_or_in_part_and_looked_up_with_the_others():
    looked_up = []

    def pick(words):
        looked_up.append(list(words))
        return "vectors", {"kong": UnknownWordError("kong")}

    def rows(vectors, words):
        if words == ["bad"]:
            raise UnknownWordError("bad")
        return [{"of": vectors, "words": " ".join(words)}]

    asked = [["king", "kong"], ["queen"], ["bad"]]
    whole, parts = each_line(pick, rows)(asked), each_line(pick, rows, partly=True)(asked)
    assert looked_up == [["king", "kong", "queen", "bad"]] * 2
    queen = ([{"of": "vectors", "words": "queen"}], [])
    assert [(found, list(map(str, errors))) for found, errors in whole] == [
        ([], ['"kong" is not in the vocabulary']), queen, ([], ['"bad" is not in the vocabulary'])
    ]  # fmt: skip
    assert parts[0][0] == [{"of": "vectors", "words": "king"}]
    assert len(parts[0][1]) == 1
    assert parts[1] == queen


def test_rows_are_shown_in_each_form_and_errors_are_counted(capfdbinary):
    answers = [([{"word": "a", "rank": 1, "cosine": 0.25}, {"word": "a", "rank": 2, "cosine": 1 / 3}], []),
               ([], [UnknownWordError("b"), UnknownWordError("c")])]  # fmt: skip

    def shown(form):
        assert show(answers, form) == 2
        return capfdbinary.readouterr()[0].decode()

    assert shown("tsv") == "a\t1\t0.250000\na\t2\t0.333333\n"
    assert [json.loads(line) for line in shown("json").splitlines()] == [
        {"word": "a", "rank": 1, "cosine": 0.25}, {"word": "a", "rank": 2, "cosine": 1 / 3},
        {"error": '"b" is not in the vocabulary'}, {"error": '"c" is not in the vocabulary'},
    ]  # fmt: skip
    aligned, unnamed = shown("aligned").splitlines(), shown("unnamed").splitlines()
    assert aligned[0] == "a"  # its word once
    assert [line.split()[0] for line in aligned[1:]] == ["1", "2"]
    assert [line.split() for line in unnamed] == [line.split() for line in aligned[1:]]
    assert show([([], [])], "aligned") == 0
    assert capfdbinary.readouterr()[0] == b""


def test_what_is_read_of_standard_input_is_known_of_a_file_alone(monkeypatch):
    here = {"lseek": lambda fd, *_: 2, "fstat": lambda fd: SimpleNamespace(st_size=4)}
    for name, made in here.items():
        monkeypatch.setattr(answers_module.os, name, made)
    assert answers_module.input_read() == (2, 4)
    monkeypatch.setattr(answers_module.os, "fstat", lambda fd: SimpleNamespace(st_size=0))
    assert answers_module.input_read() == (2, None)

    def pipe(*_):
        raise OSError(29, "Illegal seek")

    monkeypatch.setattr(answers_module.os, "lseek", pipe)
    assert answers_module.input_read() == (0, None)
    monkeypatch.undo()
    assert words_of(" a\t\tb c\u00a0d ") == ["a", "b", "c\u00a0d"]
