"""Vector files are not trusted: each way in which one can be bad, read plainly, packed and from a stream."""

from __future__ import annotations

import os
import re
import time

import numpy as np
import pytest

from w2v.errors import VectorsError
from w2v.vectors.expressions import Query
from w2v.vectors.query import VectorFile
from w2v.vectors.vectors import load

from .hostile import HEAVY_FILES, MAKERS, OTHER_HEAVY_FILES, WAYS, binary, peaks, present, text

ROWS = [(b"the", [1.0, 2.0, 3.0]), (b"of", [0.5, -0.25, 4.0]), (b"and", [7.0, 8.0, 9.0])]

both_kinds = pytest.mark.parametrize("kind", ["binary", "text"])
every_way = pytest.mark.parametrize("way", WAYS)


def refused(data: bytes, way: str, folder, message: str, **options) -> str:
    """The error that loading raises; asking the file without loading it says the same."""
    with pytest.raises(VectorsError, match=message) as caught:
        load(present(data, way, folder), **options)
    assert "\n" not in str(caught.value)
    if way == "plain":
        with pytest.raises(VectorsError) as asked:
            VectorFile(present(data, way, folder), **options).nearest([Query((b"the",))])
        assert str(asked.value) == str(caught.value)
    return str(caught.value)


@every_way
@both_kinds
@pytest.mark.parametrize(
    "header",
    [
        b"1099511627776 3\n",
        b"3 70000\n",
        b"3 0\n",
        b"-3 3\n",
        b"3 -3\n",
        b"99999999999999999999 99999999999999999999\n",
    ],
)
def test_a_header_that_claims_too_much_or_nothing_is_refused(tmp_path, way, kind, header):
    refused(MAKERS[kind](ROWS, header=header), way, tmp_path, r"row \d+ \((line \d+, )?byte \d+\)")


@every_way
def test_a_header_of_a_million_digits_is_refused(tmp_path, way):
    refused(b"9" * 1_000_000, way, tmp_path, "no end within 64 bytes")
    refused(b"9" * 1_000_000 + b" 3\n" + b"x" * 100, way, tmp_path, "no end within 64 bytes")


@every_way
@both_kinds
def test_every_truncation_is_refused_with_row_and_byte(tmp_path, way, kind):
    data = MAKERS[kind](ROWS)
    start = data.index(b"\n") + 1
    third = data.index(b"and")
    for end in range(start, len(data) - 1):
        if kind == "text" and end >= third + len(b"and 7 8 9"):
            continue  # only the last newline is gone
        message = refused(data[:end], way, tmp_path, r"\(.*byte \d+\)")
        if way != "plain" and end > third:
            assert "row 3" in message


@every_way
@both_kinds
def test_a_file_cut_within_a_row_names_the_row(tmp_path, way, kind):
    rows = [(b"w%d" % i, [float(i), 1.0]) for i in range(1, 2001)]
    data = MAKERS[kind](rows)
    # Enough rows are promised for the file's size, but the last one is cut.
    message = refused(data[:-3] if kind == "binary" else data[:-4], way, tmp_path, "row 2000 ")
    assert "byte" in message


@every_way
def test_a_text_row_too_short_or_too_long_is_refused_with_its_line(tmp_path, way):
    for bad, what in (
        (b"of 1 2", "only 2 numbers"),
        (b"of 1 2 3 4", "more numbers"),
        (b"of", "only 0 numbers"),
        (b"of 1 2 x", "number 3 cannot be read"),
        (b"of 1 2 3x", "number 3 cannot"),
        (b"", "a word is empty"),
        (b" 1 2 3", "a word is empty"),
        (b"of 1 2 0x1p3", "number 3 cannot"),
        (b"of 1 2 1e", "number 3 cannot"),
        (b"of\t1\t2\t3", "only 0 numbers"),
        (b"of 1 2 3,4", "number 3 cannot"),
    ):
        data = b"3 3\nthe 1 2 3 \n" + bad + b"\nand 7.000 8.000 9.000\n"
        assert "row 2 (line 3, byte 15)" in refused(data, way, tmp_path, what)


@every_way
def test_a_glove_row_too_short_or_too_long_is_refused_with_its_line(tmp_path, way):
    for bad, what in ((b"of 1 2", "only 2 numbers"), (b"of 1 2 3 4", "more numbers"), (b"of 1 2 x", "cannot be read")):
        data = b"the 1 2 3\n" + bad + b"\nand 7 8 9\nto 1 1 1\n"
        assert "row 2 (line 2, byte 10)" in refused(data, way, tmp_path, what)


@every_way
@both_kinds
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_not_finite_are_refused_with_their_row(tmp_path, way, kind, value):
    for place in range(3):
        rows = [(word, list(v)) for word, v in ROWS]
        rows[1][1][place] = value
        assert "row 2 (" in refused(MAKERS[kind](rows), way, tmp_path, "NaN or infinite")


@every_way
def test_text_numbers_beyond_float32_are_refused_with_their_row(tmp_path, way):
    assert "row 1 (" in refused(b"1 2\nthe 1 1e39\n", way, tmp_path, "NaN or infinite")


@every_way
@both_kinds
def test_a_duplicate_word_is_refused_naming_both_rows(tmp_path, way, kind):
    rows = [*ROWS, (b"of", [1.0, 1.0, 1.0]), (b"the", [1.0, 1.0, 1.0])]
    message = refused(MAKERS[kind](rows), way, tmp_path, 'row 4: the word "of" is already in row 2')
    assert "--duplicates first" in message
    found = load(present(MAKERS[kind](rows), way, tmp_path), duplicates="first")
    assert list(found.words) == ["the", "of", "and"]
    assert found.matrix.tolist() == [v for _, v in ROWS]


def test_a_file_with_duplicates_can_be_asked_for_the_first(tmp_path):
    path = present(binary([*ROWS, (b"of", [1.0, 1.0, 1.0])]), "plain", tmp_path)
    assert [w for w, _ in VectorFile(path, duplicates="first").similar(["the"])[0]] == ["and", "of"]


def test_many_duplicates_are_refused_quickly(tmp_path):
    begun = time.monotonic()
    refused(b"200000 1\n" + b"a 0.5\n" * 200_000, "plain", tmp_path, "row 2: the word")
    assert time.monotonic() - begun < 60  # not quadratic


@every_way
@both_kinds
def test_words_that_are_not_utf8_print_back_as_they_were(tmp_path, way, kind):
    rows = [(b"caf\xe9", [1.0]), (b"\xff", [2.0]), ("한".encode()[:2], [3.0])]
    found = load(present(MAKERS[kind](rows), way, tmp_path))
    assert [w.encode("utf-8", "surrogateescape") for w in found.words] == [w for w, _ in rows]
    assert found[found.words[1]].tolist() == [2.0]


@every_way
@both_kinds
def test_words_split_at_the_ascii_space_only(tmp_path, way, kind):
    rows = [
        (w.encode(), [float(i)])
        for i, w in enumerate(["a\u00a0b", "c\u2028d", "e\u3000f", "\ufeffg", "h\x0bi", "j\tk"])
    ]
    found = load(present(MAKERS[kind](rows), way, tmp_path))
    assert [w.encode() for w in found.words] == [w for w, _ in rows]


@every_way
def test_a_word_with_a_newline_is_refused(tmp_path, way):
    assert "row 2 (" in refused(binary([ROWS[0], (b"o\nf", ROWS[1][1])]), way, tmp_path, "holds a newline")


@every_way
@both_kinds
def test_an_empty_word_is_refused(tmp_path, way, kind):
    assert "row 2 (" in refused(MAKERS[kind]([ROWS[0], (b"", ROWS[1][1]), ROWS[2]]), way, tmp_path, "a word is empty")


@every_way
@both_kinds
def test_no_space_for_64_kib_is_refused(tmp_path, way, kind):
    longest = b"x" * 65_536
    assert load(present(MAKERS[kind]([(longest, [1.0])]), way, tmp_path)).words.table[0] == longest
    assert "row 1 (" in refused(MAKERS[kind]([(longest + b"x", [1.0])]), way, tmp_path, "no space within 65,536 bytes")
    endless = binary([ROWS[0]], header=b"2 3\n") + b"x" * 5_000_000
    assert "row 2 (" in refused(endless, way, tmp_path, "no space within 65,536 bytes")


@every_way
def test_a_text_line_without_end_is_refused(tmp_path, way):
    for row in (b"a" + b" 0.5" * 2_000_000, b"a " + b"0" * 5_000_000, b"a" + b" " * 5_000_000):
        refused(b"2 3\nthe 1 2 3\n" + row, way, tmp_path, r"row 2 \(line 3, byte 14\)")


@every_way
@both_kinds
def test_rows_past_the_promised_ones_are_refused_unless_lenient(tmp_path, way, kind):
    data = MAKERS[kind](ROWS, header=b"2 3\n")
    assert "row 3 (byte" in refused(data, way, tmp_path, "--lenient")
    assert list(load(present(data, way, tmp_path), lenient=True).words) == ["the", "of"]
    if way == "plain" and kind == "binary":
        assert VectorFile(present(data, way, tmp_path), lenient=True).similar(["the"])[0][0][0] == "of"


@every_way
@both_kinds
def test_bytes_after_the_end_are_refused_unless_lenient(tmp_path, way, kind):
    data = MAKERS[kind](ROWS) + b"junk"
    refused(data, way, tmp_path, "row 4 .*--lenient")
    assert len(load(present(data, way, tmp_path), lenient=True)) == 3


@every_way
@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"\xba\x16\x4f\x2f\x0c\0\0\0", "ends within its header"),
        (b"\x80\x04\x95abc", "pickle.*save_word2vec_format"),
        (b"PK\x03\x04abc", "zip.*unpack"),
        (b"FiFu\0\0\0\0", "finalfusion.*convert"),
        (b"\x89HDF\r\n\x1a\nabc", "HDF5.*h5py"),
        (b"\n<!DOCTYPE html><html>", "a web page.*download"),
        (b"<html>", "a web page"),
        (b"SQLite format 3\0abc", "database"),
        (b"%PDF-1.5", "PDF"),
        ("the 1".encode("utf-16"), "UTF-16.*iconv"),
        (b"\xef\xbb\xbf3 3\nthe 1 2 3\n", "byte order mark"),
        (b"", "empty"),
        (b"hello world\n", "neither"),
        (b"\0" * 1000, "neither"),
        (b"\n", "neither"),
        (b" ", "neither"),
        (bytes(range(240, 180, -1)), "neither"),
    ],
)
def test_other_formats_are_named_with_what_to_do(tmp_path, way, head, what):
    refused(head + b"\0" * 20 if head[:1] > b"~" else head, way, tmp_path, what)


def test_what_is_packed_twice_is_named(tmp_path):
    import gzip

    refused(gzip.compress(binary(ROWS)), "gzip", tmp_path, "packed a second time")


@pytest.mark.parametrize("way", ["gzip", "bzip2"])
def test_packed_data_that_is_cut_or_damaged_is_refused(tmp_path, way):
    path = present(binary([(b"w%d" % i, [float(i)]) for i in range(5000)]), way, tmp_path)
    whole = path.read_bytes()
    for data in (whole[:-1], whole[: len(whole) // 2], whole[:12], whole[:100] + b"\0\1\2\3" + whole[104:]):
        path.write_bytes(data)
        with pytest.raises(VectorsError, match=r"vectors: the (gzip|bzip2) data is (cut off|damaged)"):
            load(path)


def test_a_folder_and_a_missing_file_are_ordinary_errors(tmp_path):
    for make in (load, VectorFile):
        with pytest.raises(IsADirectoryError):
            make(tmp_path)
        with pytest.raises(FileNotFoundError):
            make(tmp_path / "no")


def test_a_file_that_shrinks_while_it_is_asked_is_an_error(tmp_path):
    path = present(binary([(b"w%d" % i, [float(i), 1.0]) for i in range(100_000)]), "plain", tmp_path)
    asker = VectorFile(path)
    os.truncate(path, 600_000)
    with pytest.raises(VectorsError, match=r"row \d+ \(byte \d+\)"):
        asker.similar(["w5"])


def test_a_word_of_control_bytes_is_shown_on_one_line(tmp_path):
    message = refused(binary([(b"\x1b[31m\r\x00", [1.0])] * 2), "plain", tmp_path, "already in row 1")
    assert re.fullmatch(r"[ -~]*", message.split(": row")[1])


def test_refusing_takes_no_more_than_four_times_the_file_and_64_mib(tmp_path):
    found = list(peaks(tmp_path))
    assert len(found) == 2 * len(HEAVY_FILES) + len(OTHER_HEAVY_FILES)
    for peak in found:
        assert peak.code == 1, peak
        assert peak.taken <= 4 * peak.size + (64 << 20), peak


def test_zero_rows_are_kept(tmp_path):
    found = load(present(text([(b"a", [0.0, 0.0]), (b"b", [1.0, 0.0])]), "plain", tmp_path))
    assert found.similarity("a", "b") == 0
    assert not np.isnan(found.factors).any()
