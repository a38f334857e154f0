"""Tables of events to sessions: formats, order, times, gaps, and what is wrong with rows."""

from __future__ import annotations

import gzip
import json
import os
import random
import threading
from pathlib import Path

import pytest

import w2v
from w2v.corpus import rows
from w2v.corpus.config import SessionConfig
from w2v.corpus.sessions import Sessions, microseconds
from w2v.errors import CorpusError, SettingsError, W2VError

PLAIN = {"session": "who", "item": "what"}
TIMED = {**PLAIN, "time": "when"}


def table(tmp_path: Path, text: str | bytes, name: str = "t.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def read(path: Path, **settings) -> list[list[str]]:
    return list(w2v.sessions(path, **{**PLAIN, "min_length": 1, **settings}))


def test_rows_in_any_order_become_sessions_in_the_order_of_time(tmp_path):
    path = table(tmp_path, "what,when,who\nc,30,u2\nb,20,u1\na,10,u1\nd,1,u2\nb,21,u1\ne,22,u1\n")
    assert read(path, time="when") == [["a", "b", "e"], ["d", "c"]]
    assert read(path, time="when", keep_repeats=True)[0] == ["a", "b", "b", "e"]
    assert read(path) == [["b", "a", "b", "e"], ["c", "d"]]  # as the rows stand
    assert read(path, time="when", min_length=3) == [["a", "b", "e"]]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes")
def test_a_table_in_a_pipe_is_opened_once(tmp_path, monkeypatch):
    """Who opens it and closes it again ends the program that writes to it, and waits for another one for ever."""
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr(rows, "open", None, raising=False)  # the one that looks at a file's first bytes
    text = "\ufeffwho,what\r\nu,é\r\nu,b\r\n".encode()
    threading.Thread(target=(tmp_path / "pipe").write_bytes, args=[text], daemon=True).start()
    assert read(tmp_path / "pipe") == [["é", "b"]]


def test_line_ends_of_old_macintoshes_are_named(tmp_path):
    with pytest.raises(CorpusError, match=r"t.csv:1: a carriage return alone is no line end; write line feeds: tr"):
        read(table(tmp_path, "who,what\ru,a\ru,b\r"))


def test_a_session_ends_where_nothing_happens_for_longer_than_the_gap(tmp_path):
    path = table(tmp_path, "who,what,when\nu,a,0\nu,b,1800\nu,c,3601\nv,d,3601\n")
    assert read(path, time="when", gap="30m") == [["a", "b"], ["c"], ["d"]]


@pytest.mark.parametrize(
    "times",
    [
        ["1700000000", "1700000060"],
        ["1700000000000", "1700000060000"],
        ["1700000000000000", "1700000060000000"],
        ["1700000000000000000", "1700000060000000000"],
        ["1700000000.5", "1700000060.5"],
        ["2023-11-14T22:13:20Z", "2023-11-14T23:14:20+01:00"],
        ["2023-11-14 22:13:20", "2023-11-14 22:14:20 UTC"],
        ["2023-11-14", "2023-11-14T00:01"],
    ],
)
def test_times_are_read_as_they_are_written(times):
    first, second = map(microseconds, times)
    assert second - first == 60_000_000


@pytest.mark.parametrize(
    "text", ["", "soon", "nan", "1e30", "2023-13-01", "9" * 30, "20241331", "202405312460", "1_000", "\uff11\uff12"]
)
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011  each parser has its own text
        microseconds(text)


def test_days_and_times_before_1970_are_in_order():
    assert microseconds("20240531") == microseconds("2024-05-31")
    assert microseconds("20240531.0") == microseconds(" 20240531 ") == microseconds("2024-05-31")
    assert microseconds("202405311830") == microseconds("2024-05-31T18:30")
    assert microseconds("20240531183007") == microseconds("2024-05-31T18:30:07")
    assert microseconds("20240531183007125") == microseconds("2024-05-31T18:30:07.125")
    assert microseconds("20240531183007000125") == microseconds("2024-05-31T18:30:07.000125")
    assert microseconds("2024053118") == 2024053118 * 10**6  # as many digits as seconds have now
    assert microseconds("1969-12-31T23:59:59Z") == -1_000_000 == microseconds("-1")


EVENTS = [("u1", "10", 1), ("u2", "11", 2), ("u1", "12", 3), ("u2", "13", 4)]


@pytest.mark.parametrize(
    "form", ["csv", "tsv", "semicolons", "jsonl", "gz", "crlf", "bom", "excel", "parquet", "no header"]
)
def test_every_format_gives_the_same_sessions(tmp_path, form):
    lines = ["who,what,when,other", *(f"{who},{what},{when},x" for who, what, when in EVENTS)]
    text = "\n".join(lines) + "\n"
    settings = {"time": "when"}
    if form == "jsonl":
        objects = [{"who": who, "what": int(what), "when": when, "other": [1]} for who, what, when in EVENTS]
        data = "\n".join(map(json.dumps, objects)).encode()
    elif form == "parquet":
        pq, pa = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
        who, what, when = zip(*EVENTS, strict=True)
        columns = {"who": who, "what": [int(x) for x in what], "when": pa.array(when, pa.timestamp("s"))}
        pq.write_table(pa.table(columns), tmp_path / "t")
        data = (tmp_path / "t").read_bytes()
    elif form == "no header":
        data = "\n".join(lines[1:]).encode()
        settings = {"session": "1", "item": "2", "time": "3"}
    else:
        data = {
            "csv": text,
            "tsv": text.replace(",", "\t"),
            "semicolons": text.replace(",", ";"),
            "gz": "",
            "crlf": text.replace("\n", "\r\n"),
            "bom": "\ufeff" + text,
            "excel": "sep=;\n" + text.replace(",", ";"),
        }[form].encode()
        data = gzip.compress(text.encode()) if form == "gz" else data
    assert read(table(tmp_path, data, "t"), **settings) == [["10", "12"], ["11", "13"]]


def test_quoted_fields_hold_separators_quotation_marks_and_line_breaks(tmp_path):
    path = table(tmp_path, 'who,what\n"a,b\n""c""","one, two"\n"a,b\n""c""","three\r\nfour"\n')
    found = w2v.sessions(path, "who", "what")
    assert list(found) == [["one,_two", "three_four"]]
    assert found.counts.renamed.count == 2
    assert found.warnings() == ["white space in the items of 2 rows became _: 'one, two' is one,_two"]
    found = w2v.sessions(table(tmp_path, b"who,what\nu,caf\xe9 1\nu,b\n"), "who", "what")
    assert list(found) == [["caf\udce9_1", "b"]]
    assert found.warnings() == ["white space in the items of 1 row became _: 'caf\\xe9 1' is caf\\xe9_1"]


def test_items_of_any_bytes_become_one_token_each_and_train(tmp_path):
    rows = [
        b"u,tab\there",
        b"u,bell\x07rings",
        b"u,caf\xe9",
        b"u,no\xc2\xa0break",
        b"u,\xe2\x80\xa8",
        b"u,plain",
        b"u, plain ",
    ]
    path = table(tmp_path, b"who,what\n" + b"\n".join(rows) + b"\n")
    (items,) = read(path)
    assert items == ["tab_here", "bell_rings", "caf\udce9", "no_break", "plain"]
    with pytest.warns(RuntimeWarning, match="white space in the items of 4 rows became _"):
        vectors = w2v.train(w2v.sessions(path, "who", "what"), min_count=1, sample=0, dim=4, epochs=1, threads=1)
    assert set(vectors.words) == set(items)


def test_rows_without_an_item_or_a_session_are_counted(tmp_path):
    found = w2v.sessions(table(tmp_path, "who,what\nu,a\nu,\n,b\n\nu,  \nu,c\n"), "who", "what")
    assert list(found) == [["a", "c"]]
    assert (found.counts.rows, found.counts.no_item, found.counts.no_session) == (5, 2, 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("who,what\nu,a\nu,b,c\n", r"t.csv:3: 3 fields, where the first row has 2; mend it, or add lenient=True"),
        ("who,what,when\nu,a,1\nu,b,soon\n", r"t.csv:3: 'soon' is not a time; write 2024-05-31T18:00:00Z, or seconds"),
        ("who,what,when\nu,a,\n", r"t.csv:2: '' is not a time"),
        ('who,what\nu,a\nu,"b\nu,c\n', r"t.csv:3: a quotation mark opens a field here, and none closes it"),
        ("who,what\nu,a\n" + "u" * 200_000 + ",b\n", r"t.csv:\d+: a field is longer than 131,072 characters, or"),
        ('who,what\nu,a\nu,"b"c\n', r"t.csv:3: not a row of CSV"),
        ("who,who,what\nu,v,a\n", r"t.csv: 2 columns are called 'who'; rename one of them"),
        ("Who,what\nu,a\n", r"t.csv: there is no column 'who'; did you mean 'Who'\? \(columns: Who, what\)"),
        ('{"who": "u"}\n', r"t.csv: there is no column 'what'"),
        ('{"who": "u", "what": ["a"]}\n', r"t.csv:1: 'what' holds an object or a list, not a plain value"),
        ('{"who": "u", "what": "a"}\n5\n', r"t.csv:2: not an object of JSON"),
        ('{"who": "u", "what": "a"}\n{"who"\n', r"t.csv:2: not an object of JSON"),
        ("[1]\n", r"t.csv: this is one JSON array; write one object per line"),
        ("", r"t.csv: the table is empty"),
        ("PK\x03\x04xl/workbook.xml", r"t.csv: this is .*, not a table"),
    ],
)
def test_a_wrong_table_is_named_with_its_line(tmp_path, text, said):
    path = table(tmp_path, text)
    settings = {"time": "when"} if "when" in text else {}
    with pytest.raises(CorpusError, match=said):
        read(path, **settings)


def test_wrong_rows_can_be_left_out_and_are_counted(tmp_path):
    path = table(tmp_path, 'who,what,when\nu,a,1\nu,b\nu,c,soon\nu,"d"x,4\nu,e,5\n')
    found = w2v.sessions(path, "who", "what", time="when", lenient=True)
    assert list(found) == [["a", "e"]]
    (line,) = found.warnings()
    assert line == f"3 rows could not be read and were left out: {path}:3, {path}:4, {path}:5"


def test_what_is_sorted_on_disk_is_as_what_is_sorted_in_memory(tmp_path):
    draw = random.Random(3)
    names = ["u", "u\n1", "ü", "u\udce9", "u\\n1", *map(str, range(40))]
    rows = [(draw.choice(names), str(draw.randrange(99)), draw.randrange(50)) for _ in range(3000)]
    path = tmp_path / "t.csv"
    lines = (f'"{who}",{what},{when}\n' for who, what, when in rows)
    path.write_bytes(("who,what,when\n" + "".join(lines)).encode("utf-8", "surrogateescape"))
    wanted = {}
    for who, what, _ in sorted(rows, key=lambda row: row[2]):
        wanted.setdefault(who, []).append(what)
    config = SessionConfig(**TIMED, min_length=1, keep_repeats=True)
    in_memory = Sessions(path, config)
    assert sorted(in_memory) == sorted(wanted.values())
    on_disk = Sessions(path, config, tmp_dir=tmp_path, memory=2000)
    assert list(on_disk) == list(in_memory)
    assert on_disk.counts.runs > 64  # and runs were merged to longer ones
    assert [entry.name for entry in tmp_path.iterdir()] == ["t.csv"]


def test_grouped_rows_are_given_as_they_come(tmp_path):
    path = table(tmp_path, "who,what,when\nz,b,2\nz,a,1\nb,c,3\nb,d,4\n")
    assert read(path, time="when", grouped=True) == [["a", "b"], ["c", "d"]]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"gap": "30m"}, "gap: goes by the time of the rows; add time='COLUMN'"),
        ({"gap": "x", "time": "t"}, "gap: 'x' is not a length of time; write 30m, 2h or 1d"),
        ({"gap": "0", "time": "t"}, "gap: '0' is not a length of time"),
        ({"min_length": 0}, "min_length: must be at least 1"),
        ({"item": ""}, "item: name the column of the table"),
        ({"sesion": "x"}, "sessions: there is no setting 'sesion'; did you mean session?"),
    ],
)
def test_settings_that_make_no_sense_are_refused(tmp_path, settings, said):
    with pytest.raises(SettingsError) as found:
        w2v.sessions(tmp_path / "t.csv", **{**PLAIN, **settings})
    assert said in str(found.value)


def test_whole_numbers_are_items(tmp_path):
    sessions = [[100_001, 100_002, "100003"], ["100001", 100_003, b"100002"]] * 5
    vectors = w2v.train(sessions, min_count=1, sample=0, dim=4, epochs=1, threads=1)
    assert sorted(vectors.words) == ["100001", "100002", "100003"]
    assert vectors.counts is None or sum(vectors.counts) == 30
    assert {word for word, _ in vectors.most_similar(100_001)} == {"100002", "100003"}
    assert 100_001 in vectors.words


HOSTILE = {
    "halves of characters": b'{"who": "u\\ud800", "what": "a\\udfff\\ud800"}\n{"who": "u\\ud800", "what": "b"}\n',
    "bytes that are not UTF-8": b'{"who": "u", "what": "a\xff"}\n{"who": "u", "what": "\xed\xa0\x80"}\n',
    "NULs": b"who,what\nu\0,a\0\nu\0,\0b\n",
    "NULs in JSON": b'{"who": "u\\u0000\\n", "what": "a\\u0000"}\n{"who": "u\\u0000\\n", "what": "b\\u0000c"}\n',
    "a mark before JSON": b'\xef\xbb\xbf{"who": "u", "what": 1}\r\n{"who": "u", "what": 2.0}\r\n',
    "mixed types": b'{"who": 1, "what": true}\n{"who": "1", "what": null}\n{"who": 1.0, "what": NaN}\n{"what": 1}\n',
    "large numbers": b'{"who": 1e400, "what": 123456789012345678901234567890}\n{"who": Infinity, "what": 1e30}\n',
    "wide spaces": "who,what\nu\u2028\u2029,a\u2028b\nu\u2028\u2029,\x1c\x85c\n".encode(),
    "carriage returns": b'who,what\r\nu,"a\rb"\r\nu,c\r\n',
    "quotation marks": b'"who","what"\nu,"""a"""\nu,"b""c"\n',
    "one column too long": b"who,what\nu," + b"a" * 100_000 + b"\nu,b\n",
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_odd_rows_give_the_same_items_from_memory_and_disk_and_can_be_written(tmp_path, data):
    path = table(tmp_path, data)
    in_memory = list(Sessions(path, SessionConfig(**PLAIN, min_length=1)))
    on_disk = Sessions(path, SessionConfig(**PLAIN, min_length=1), tmp_dir=tmp_path, memory=1)
    assert list(on_disk) == in_memory
    assert on_disk.counts.runs
    for items in in_memory:
        line = " ".join(items).encode("utf-8", "surrogateescape")
        assert line.decode("utf-8", "surrogateescape").split() == items  # white space of any kind is in none


@pytest.mark.parametrize(
    "data", [b'who,what\nu,"a', b'who,what\nu,a\nu,"' + b"x\n" * 100_000, b'{"who": ' + b"[" * 100_000]
)
def test_what_is_never_closed_is_named_and_can_be_left_out(tmp_path, data):
    path = table(tmp_path, data)
    with pytest.raises(CorpusError, match=r"t\.csv:\d: (a quotation mark|a field is longer|not an object of JSON)"):
        read(path)
    counts = w2v.sessions(path, "who", "what", lenient=True)
    try:
        list(counts)
    except CorpusError as error:  # no object has the columns
        assert "there is no column" in str(error)
    assert counts.counts.bad.count >= 1


@pytest.mark.parametrize(
    "times", [["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"], ["-99999999999", "1e16"]]
)
def test_the_first_and_the_last_times_are_sorted(tmp_path, times):
    rows = [f"u,{place},{time}" for place, time in enumerate(["1970-01-01", *times])]
    path = table(tmp_path, "who,what,when\n" + "\n".join(rows) + "\n")
    (items,) = read(path, time="when")
    assert items == sorted(items, key=lambda item: microseconds((["1970-01-01", *times])[int(item)]))


def parquet(tmp_path: Path, names, columns) -> Path:
    pq, pa = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
    pq.write_table(pa.table(columns, names=names), tmp_path / "t.parquet")
    return tmp_path / "t.parquet"


def test_times_of_parquet_may_have_more_digits_than_microseconds(tmp_path):
    pa = pytest.importorskip("pyarrow")
    when = pa.array([1_700_000_000_000_000_002, 1_700_000_000_000_001_001, -1], pa.timestamp("ns"))
    path = parquet(tmp_path, ["who", "what", "when"], [["u"] * 3, ["b", "c", "a"], when])
    assert read(path, time="when") == [["a", "b", "c"]]


def test_columns_of_parquet_that_cannot_be_told_apart_or_are_no_times_are_named(tmp_path):
    pa = pytest.importorskip("pyarrow")
    path = parquet(tmp_path, ["who", "what", "what"], [["u"], ["a"], ["b"]])
    with pytest.raises(CorpusError, match="2 columns are called 'what'"):
        read(path)
    clock = pa.array([3_600], pa.time32("s"))
    path = parquet(tmp_path, ["who", "what", "when"], [["u"], ["a"], clock])
    with pytest.raises(CorpusError, match="'01:00:00' is not a time"):
        read(path, time="when")
    path = parquet(tmp_path, ["who", "what"], [["u", "u"], [["a"], ["c"]]])
    with pytest.raises(CorpusError, match="a list or an object in place of a plain value"):
        read(path)
    path = parquet(tmp_path, ["a.who", "what"], [pa.array(["u", "u"]).dictionary_encode(), [1, None]])
    assert read(path, session="a.who") == [["1"]]


@pytest.mark.parametrize("cut", [5, 100, -1, -8, -60])
def test_a_parquet_file_that_is_cut_short_is_an_error(tmp_path, cut):
    path = parquet(tmp_path, ["who", "what"], [["u"] * 50, list(range(50))])
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(W2VError, match=r"t\.parquet: .*cannot be read"):
        read(path)
