"""How text tables of other programs are recognised, at the borders of what leaves no doubt."""

from __future__ import annotations

import io
from base64 import b64encode

import pytest

from w2v.vectors._collect import Collector
from w2v.vectors.formats import table
from w2v.vectors.formats.source import MAX_DIM
from w2v.vectors.formats.table import Layout, Line, batches, layout_of, take


def lines(form: str, count: int = 20, first: int = 0) -> bytes:
    """`count` lines, with the number of each in place of {i}."""
    return b"".join(form.format(i=i).encode() + b"\n" for i in range(first, first + count))


TABS = "w{i}\t0.5\t-1e3\t{i}"


@pytest.mark.parametrize(
    ("head", "layout"),
    [
        (lines(TABS), Layout(b"\t", b"\t", 3)),
        (lines("w{i}\t0.5 -1e3 {i}"), Layout(b"\t", b" ", 3)),
        (lines("w{i}\t0.5,-1e3,{i}"), Layout(b"\t", b",", 3)),
        (lines("w{i}, 0.5,-1e3,{i},"), Layout(b",", b",", 3)),
        (lines("w{i};0.5;2"), Layout(b";", b";", 2)),
        (lines("w{i}|0.5|2"), Layout(b"|", b"|", 2)),
        (lines("w{i} 0.5,2"), Layout(b" ", b",", 2)),
        (lines("w{i} 0.5\t2"), Layout(b" ", b"\t", 2)),
        (lines("w{i};0,5;2,25"), Layout(b";", b";", 2, decimal_comma=True)),
        (lines("{i}\tw{i}\t0.5\t2", first=7), Layout(b"\t", b"\t", 2, numbered=True)),
        (lines("0.5\t2\tw{i}"), Layout(b"\t", b"\t", 2, last=True)),
        (lines('"a, ""{i}""",0.5,2'), Layout(b",", b",", 2, quoted=True)),
        (lines('"w{i}"\t0.5 2'), Layout(b"\t", b" ", 2, quoted=True)),
        (lines("# of\n# two\nw{i}\t1\t2", 1) + lines(TABS), Layout(b"\t", b"\t", 3, 11, 2)),
        (b"word,x1,x2\n" + lines("w{i},0.5,2"), Layout(b",", b",", 2, 11, 1)),
        (b"id,4,5\n" + lines("w{i},0.5,2"), Layout(b",", b",", 2, 7, 1)),  # columns that are numbered
        (b"20\n" + lines("w{i},0.5,2"), Layout(b",", b",", 2, 3, 1)),
        (b"20 3 5\n" + lines("w{i} 1 2 3"), Layout(b" ", b" ", 3, 7, 1, 20)),
        (b"20\t3\n" + lines(TABS), Layout(b"\t", b"\t", 3, 5, 1, 20)),
        (b"20 3\n" + lines(TABS), Layout(b"\t", b"\t", 3, 5, 1, 20)),
        (b"20,3\r\n" + lines("w{i},1,2,3\r"), Layout(b",", b",", 3, 6, 1, 20)),
        (b"#\t1\t2\t3\n" + lines(TABS), Layout(b"\t", b"\t", 3)),  # a word that begins so
        # Nine of ten lines are enough, of the first 20; half of them behind a header.
        (lines(TABS, 18) + lines("w{i}\t1", 2) + b"\n", Layout(b"\t", b"\t", 3)),
        (lines(TABS, 17) + lines("w{i}\t1", 3) + b"\n", None),
        (lines(TABS, 20) + lines("nothing", 9), Layout(b"\t", b"\t", 3)),
        (b"30\t3\n" + lines(TABS, 9) + lines("w{i}\t1", 9), Layout(b"\t", b"\t", 3, 5, 1, 30)),
        (b"30\t3\n" + lines(TABS, 8) + lines("w{i}\t1", 10), None),
        (lines("w{i}\t0.5"), None),  # counts, not vectors
        (lines("{i}\t0.5\t2"), None),  # numbers alone
        (lines("w{i} 0.5 2"), None),  # GloVe
        (b"20 2\n" + lines("w{i} 0.5 2"), None),  # word2vec
        (b"20 2\n" + lines("w{i} 0.5 2", 5) + lines("w{i}\t0.5\t2", 5), None),  # half of it
        (b"20 2\n" + lines("w{i} 0.5 2", 4) + lines("w{i}\t0.5\t2", 5), Layout(b"\t", b"\t", 2, 5, 1, 20)),
        (b"20\t3\n" + lines("{i}\t0.5\t2"), None),
        (("w\t" + "\t".join(["1"] * MAX_DIM) + "\n").encode() * 2, Layout(b"\t", b"\t", MAX_DIM)),
        (("w\t" + "\t".join(["1"] * (MAX_DIM + 1)) + "\n").encode() * 2, None),
        (b"B64:" + b64encode(b"a b") + b" 1 2\n", Layout(b" ", b" ", 2, base64=True)),
    ],
    ids=lambda given: repr(given)[:40],
)
def test_a_table_is_taken_for_one_where_nearly_all_lines_say_so(head, layout):
    assert layout_of(head) == layout


def test_the_words_of_a_line_are_unquoted_decoded_and_set_apart_from_its_numbers():
    assert Layout(b",", b",", quoted=True).split(b'"a, ""b""", 1, 2') == (b'a, "b"', [b"1", b"2"])
    assert Layout(b"\t", b" ", quoted=True).split(b'"a b"\t1  2\r') == (b"a b", [b"1", b"2"])
    assert Layout(b"\t", b"\t", numbered=True).split(b"7\tw\t1\t2") == (b"w", [b"1", b"2"])
    assert Layout(b"\t", b"\t", last=True).split(b"1\t2\tw") == (b"w", [b"1", b"2"])
    assert Layout(b";", b";", decimal_comma=True).split(b"a,b;1,5;2") == (b"a,b", [b"1.5", b"2"])
    assert Layout(b" ", b" ", base64=True).split(b"B64:YSBi 1") == (b"a b", [b"1"])
    assert Layout(b" ", b" ", base64=True).split(b"B64:Y? 1") == (b"B64:Y?", [b"1"])
    assert Layout(b",", b",", numbered=True).split(b"7") == (b"", [])


@pytest.mark.parametrize("block", [1, 3, 7, 1 << 20])
def test_lines_keep_their_rows_numbers_and_bytes_and_blank_ones_at_the_end_are_left_out(monkeypatch, block):
    monkeypatch.setattr(table, "BLOCK", block)
    file = io.BytesIO(b"word\tx\na\t1\n\nb\t2\n \nc\t3")
    found = [line for some in batches(Layout(b"\t", b"\t", 1, 7, 1), file.read, 100) for line in some]
    assert found == [Line(0, 2, 107, b"a\t1"), Line(1, 3, 111, b""), Line(2, 4, 112, b"b\t2"), Line(3, 5, 116, b" "),
                     Line(4, 6, 118, b"c\t3")]  # fmt: skip
    file = io.BytesIO(b"a\t1\n\n \n")
    assert [line for some in batches(Layout(b"\t", b"\t", 1), file.read) for line in some] == [Line(0, 1, 0, b"a\t1")]


def test_a_line_beyond_any_measure_is_cut(monkeypatch):
    monkeypatch.setattr(table, "LINE_LIMIT", 8)
    monkeypatch.setattr(table, "BLOCK", 4)
    found = [line.text for some in batches(Layout(b"\t", b"\t", 1), io.BytesIO(b"a" * 30).read) for line in some]
    assert found == [b"a" * 12, b"a" * 12, b"a" * 6]


def test_lines_with_a_bad_number_or_word_are_named_and_the_others_taken():
    texts = [
        b"a\t1\t2",
        b"b\t1",
        b"\t1\t2",
        b"c\t3\tx",
        b"d" * 65_536 + b"\t5\t6",
        b"e" * 65_537 + b"\t5\t6",
        b"f\t7\t8",
    ]
    bad = []
    collector = Collector(2, text=True)
    given = [Line(i, i + 1, 10 * i, text) for i, text in enumerate(texts)]
    rows, words = take(
        Layout(b"\t", b"\t", 2), collector, given, lambda line, error: bad.append((line.row, error.what))
    )
    assert rows == [0, 4, 6]
    assert [word[:1] for word in words] == [b"a", b"d", b"f"]
    assert sorted(bad) == [(1, "short"), (2, "empty word"), (3, "no number"), (5, "long word")]
    assert list(memoryview(collector.finish()[1])) == [1, 2, 5, 6, 7, 8]
