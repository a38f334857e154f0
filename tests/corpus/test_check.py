"""What is wrong with a corpus is found and named, with lines and bytes; the census agrees with plain Python."""

from __future__ import annotations

import bz2
import gzip
import io
import re
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from w2v.corpus._census import Census
from w2v.corpus.check import check_corpus
from w2v.findings import Report

from .reference import split_line

SETTINGS = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
INVISIBLE = "[\u00ad\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]"
WIDE = "[\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
PIECES = [
    b" ",
    b"\n",
    b"\r\n",
    b"\0",
    b"a",
    "\u00a0".encode(),
    "\u200b".encode(),
    "\u3000".encode(),
    "ä한🙂".encode(),
    b"\xff",
    b"\xe4\xb8",
    b"\xf0\x9f",
    b"\xe2\x80",
    "\ufffd".encode(),
    b"\x1c",
    b"\x07",
    b"the same line\n",
]

texts = st.one_of(st.binary(max_size=80), st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join))


def check(data: bytes, **options) -> Report:
    return check_corpus(io.BytesIO(data), **options)


def found(report: Report, *levels: str) -> dict[str, object]:
    return {f.what: f.value for f in report.findings if f.level in (levels or ("fault", "note"))}


@SETTINGS
@given(texts, st.sampled_from(["unicode", "ascii"]), st.integers(1, 9))
def test_the_census_agrees_with_python_whatever_the_blocks(data, whitespace, step):
    census = Census(whitespace == "unicode")
    for start in range(0, len(data), step):
        census.feed(data[start : start + step])
    census.finish()
    lines = data.split(b"\n")
    lines = lines[:-1] if not lines[-1] else lines
    tokens = [split_line(line, whitespace) for line in lines]
    assert census.lines == len(lines)
    assert census.blank == sum(not t for t in tokens)
    assert census.tokens == sum(map(len, tokens))
    assert census.most_tokens == max(map(len, tokens), default=0)
    assert census.longest_line[0] == max((len(line.removesuffix(b"\r")) for line in lines), default=0)
    assert census.longest_token[0] == max((len(t) for line in tokens for t in line), default=0)
    text = data.decode("utf-8", "ignore")
    joined = data.decode("utf-8", "backslashreplace")
    assert census.seen("nul")[0] == data.count(0)
    assert census.seen("crlf")[0] == data.count(b"\r\n")
    assert census.seen("return")[0] == data.count(b"\r") - data.count(b"\r\n")
    assert [at for at, _ in census.seen("return")[1]] == [m.start() for m in re.finditer(rb"\r(?!\n)", data)][:3]
    assert (census.seen("invalid")[0] > 0) == (data.decode("utf-8", "replace").encode() != data)
    if text.encode() == data:
        assert census.seen("invisible")[0] == len(re.findall(INVISIBLE, joined))
        assert census.seen("wide space")[0] == len(re.findall(WIDE, joined))
        assert census.seen("replacement")[0] == joined.count("\ufffd")
    counted = [line for line, words in zip(lines, tokens, strict=True) if words]
    assert census.repeated_lines()[0] == len(counted) - len(set(counted))


@SETTINGS
@given(texts, st.sampled_from(["unicode", "ascii"]), st.integers(1, 3))
def test_tokens_types_and_the_share_of_rare_words_are_right(data, whitespace, min_count):
    report = check(b"x " + data, whitespace=whitespace, min_count=min_count)
    counts = Counter(t for line in (b"x " + data).split(b"\n") for t in split_line(line, whitespace))
    assert (report.facts["tokens"], report.facts["types"]) == (sum(counts.values()), len(counts))
    rare = sum(n for n in counts.values() if n < min_count)
    assert report.facts[f"share below min-count {min_count}"] == round(rare / sum(counts.values()), 6)


def test_a_good_text_has_no_fault_and_no_note():
    report = check("the cat sat\nthe dog ran 한국어 🙂\n\n".encode() + b"a b\n", min_count=1)
    assert found(report) == {}
    wanted = {"format": "text", "lines": 4, "blank lines": 1, "tokens": 10, "types": 9, "most tokens of a line": 5}
    assert {what: report.facts[what] for what in wanted} == wanted


def test_places_are_told_by_line_and_byte():
    report = check(b"fine\nbad \xff here\n\xe4\xb8 cut\nnul \0 byte\n" + b"x" * 1025 + b"\n", min_count=1)
    where = {f.what: (f.value, f.where) for f in report.faults}
    assert where == {
        "invalid UTF-8": (2, "line 2 (byte 9), line 3 (byte 16)"),
        "NUL bytes": (1, "line 4 (byte 27)"),
        "tokens too long": (1, "line 5 (byte 34)"),
    }


def test_what_is_worth_knowing_is_a_note():
    data = ("\ufeffno\u00a0break zero\u200bwidth \ufffd \x07\r\n" + "again and again\n" * 3).encode()
    report = check(data, min_count=1)
    assert report.faults == []
    assert found(report) == {
        "byte order mark": 1,
        "replacement characters": 1,
        "control characters": 1,
        "zero-width characters": 1,
        "no-break and other wide spaces": 1,
        "CRLF line ends": 1,
        "duplicate lines": 2,
    }
    (copies,) = [f for f in report.notes if f.what == "duplicate lines"]
    assert copies.where == "50.0% of the lines; one occurs 3 times"
    assert [f.where for f in report.notes if f.what == "no-break and other wide spaces"] == ["line 1 (byte 5)"]


def test_lone_carriage_returns_are_a_note_with_a_way_out():
    (note,) = check(b"old Mac\rline ends\rthroughout\r", min_count=1).notes
    assert (note.what, note.value, note.where) == (
        "lone carriage returns",
        3,
        "line 1 (byte 7), line 1 (byte 17), line 1 (byte 28)",
    )
    assert "tr '\\r' '\\n'" in note.meaning


def test_a_text_on_one_line_and_a_sentence_that_is_cut_are_noted():
    assert found(check(b"a b " * 600)) == {"one line": 1}
    assert found(check(b"a b " * 6000)) == {"one line": 1, "lines cut": 1}
    assert found(check(b"a b " * 600 + b"\nc\n", min_count=1)) == {}


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_compression_is_seen_through_and_its_damage_is_a_fault(pack):
    text = b"".join(b"line %d of text\n" % i for i in range(200_000))
    whole = check(pack(text), min_count=1)
    assert (whole.faults, whole.facts["lines"]) == ([], 200_000)
    assert whole.facts["bytes"] == len(pack(text))
    report = check(pack(text)[:-1000], min_count=1)
    assert list(found(report, "fault")) == ["packing"]
    assert "cut off" in report.faults[0].meaning
    assert 0 < report.facts["lines"] < 200_000


@pytest.mark.parametrize(
    ("data", "message"),
    [("text".encode("utf-16"), "iconv"), (b"%PDF-1.4 ...", "PDF"), (b"PK\x03\x04", "zip")],
)
def test_what_is_no_text_is_one_fault(data, message):
    (fault,) = check(data).findings
    assert (fault.what, message in fault.meaning) == ("unreadable", True)


@pytest.mark.parametrize("data", [b"", b" \n\n", b"\0\0"])
def test_a_text_without_a_token_is_a_fault(data):
    assert "empty" in found(check(data), "fault")


def test_a_text_of_rare_words_is_a_fault_that_names_the_option():
    report = check(b"a b c a\n")
    assert found(report, "fault") == {"no frequent word": 2}
    assert "min_count=2" in report.faults[0].meaning


def test_beyond_the_bound_duplicates_are_estimated_from_a_sample_of_the_lines():
    lines = [b"line %d\n" % (i % 20_000) for i in range(40_000)]
    exact, _, share = _repeated(lines, 1 << 20)
    assert (exact, share) == (20_000, 1.0)
    estimate, most, share = _repeated(lines, 4096)
    assert (estimate, most, share) == (16 * 1298, 2, 1 / 16)  # 1,298 of 20,000 lines are in the sample, 1,250 expected


def _repeated(lines: list[bytes], most_lines: int) -> tuple[int, int, float]:
    census = Census(True, 0, most_lines)
    census.feed(b"".join(lines))
    census.finish()
    return census.repeated_lines()


def test_blocks_meet_without_a_seam():
    text = "ein Wort, 한국어 und\u00a0mehr\r\n".encode() * 60_000  # more than two blocks
    report = check(text)
    assert report.facts["tokens"] == 60_000 * 5
    assert report.facts["types"] == 5
    assert found(report, "note")["CRLF line ends"] == 60_000
