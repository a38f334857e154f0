"""What is wrong with a vector file is found and named; what is repaired holds the good rows and nothing else."""

from __future__ import annotations

import gzip
import io
import tempfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from w2v.errors import VectorsError
from w2v.vectors.files.check import check_vectors, describe, glance, oddities_of, plain_spelling
from w2v.vectors.files.repair import repair
from w2v.vectors.formats.salvage import ByteReader
from w2v.vectors.vectors import Vectors, load

from .hostile import binary, text

DIM = 6
SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def rows(count: int = 40, dim: int = DIM) -> list[tuple[bytes, list[float]]]:
    matrix = np.random.default_rng(3).standard_normal((count, dim), dtype=np.float32)
    return [(b"word%d" % i, values) for i, values in enumerate(matrix.tolist())]


def faults(data: bytes) -> dict[str, int]:
    found = check_vectors(io.BytesIO(data)).faults
    return {finding.what: finding.value for finding in found}


def kept(vectors: Vectors) -> list[tuple[bytes, list[float]]]:
    return [(vectors.words.table[i], vectors.matrix[i].tolist()) for i in range(len(vectors))]


both = pytest.mark.parametrize("make", [binary, text], ids=["binary", "text"])


@both
def test_a_good_file_has_facts_and_no_fault(make):
    report = check_vectors(io.BytesIO(make(rows())))
    assert (report.faults, report.notes) == ([], [])
    norms = np.linalg.norm([values for _, values in rows()], axis=1)
    wanted = [40, DIM, norms.mean(), norms.min(), norms.max()]
    what = ("words", "dim", "mean norm", "least norm", "greatest norm")
    assert [report.facts[fact] for fact in what] == [round(value, 6) for value in wanted]
    assert repair(io.BytesIO(make(rows())))[1] == {}


@both
def test_bad_rows_are_counted_with_their_places_and_left_out(make):
    some = rows()
    some[3] = (b"nan", [np.nan] * DIM)
    some[7] = (b"inf", [np.inf, *[1.0] * (DIM - 1)])
    some[12] = (b"zero", [0.0] * DIM)
    some[20] = (b"word1", [5.0] * DIM)
    data = make(some)
    report = check_vectors(io.BytesIO(data))
    found = {finding.what: finding for finding in report.faults}
    assert faults(data) == {"not finite": 2, "zero rows": 1, "duplicates": 1}
    at = data.index(b"nan ")
    assert f"byte {at})" in found["not finite"].where
    assert found["zero rows"].where == 'row 13 "zero"'
    assert found["duplicates"].where == 'row 21 "word1" as in row 2'
    repaired, what = repair(io.BytesIO(data))
    assert kept(repaired) == [row for i, row in enumerate(some) if i not in (3, 7, 12, 20)]
    assert {kind: tally.count for kind, tally in what.items()} == {"not finite": 2, "zero rows": 1, "duplicates": 1}


@both
@pytest.mark.parametrize("promised", [39, 41, 100])
def test_a_wrong_number_of_rows_in_the_header_is_told_and_all_rows_kept(make, promised):
    data = make(rows(), header=b"%d %d\n" % (promised, DIM))
    assert list(faults(data)) == ["rows past the header" if promised < 40 else "cut short"]
    assert kept(repair(io.BytesIO(data))[0]) == rows()


def test_a_wrong_number_of_numbers_in_a_text_header_is_told_and_all_rows_kept():
    data = text(rows(), header=b"40 99\n")
    assert faults(data) == {"numbers a row": 1}
    assert kept(repair(io.BytesIO(data))[0]) == rows()


@both
def test_bytes_after_the_end_are_told_and_left_out(make):
    for more in (b"and some more text that is no row at all", b"\0" * 5000, b"\n" * (make is binary)):
        data = make(rows()) + more
        one_line = {"cut short": 1, "rows past the header": 1}
        assert faults(data) == ({"bytes after the end": len(more)} if make is binary else one_line if more else {})
        assert kept(repair(io.BytesIO(data))[0]) == rows()


@both
@SETTINGS
@given(st.data())
def test_a_file_cut_anywhere_keeps_its_whole_rows(make, data):
    whole = make(rows())
    last = len(whole) - 2 if make is binary else whole.rindex(b" ")  # within the last number nobody can tell
    end = data.draw(st.integers(len(b"40 6\n") + len(make(rows(1))), last))
    cut = whole[:end]
    assert "cut short" in faults(cut)
    found = kept(repair(io.BytesIO(cut))[0])
    assert found == rows()[: len(found)]
    # Binary: the row's newline may be cut off. Text: without it, the last number may be cut, though all are there.
    room = end - len(b"40 6\n") + (make is binary)
    assert len(found) == sum(len(make(rows()[: i + 1], header=b"")) <= room for i in range(40))


def test_rows_after_lost_bytes_are_found_again():
    """All gaps of a few places and sizes. By chance a byte of a number is the newline that is missed: 1 in 256."""
    some = rows(70)[10:]  # all of one length, 32 bytes: the loss of so many shifts nothing
    whole, true = binary(some), [values for _, values in some]
    wrong = tried = 0
    for at in range(61, 190, 3):
        for size in (1, 2, 5, 7, 13, 30, 31, 33, 47, 95, 131, 400):
            found = kept(repair(io.BytesIO(whole[:at] + whole[at + size :]))[0])
            assert len(found) >= 60 - size // 24 - 6
            wrong += any(values not in true for _, values in found)
            tried += 1
    assert wrong < tried / 64


@SETTINGS
@given(st.integers(60, 1000), st.integers(1, 400))
def test_bytes_that_became_zero_cost_few_rows(at, size):
    whole = binary(rows(60))
    found = kept(repair(io.BytesIO(whole[:at] + b"\0" * size + whole[at + size :]))[0])
    assert len(found) >= 60 - size // 24 - 6


@both
def test_damage_of_many_megabytes_is_passed_in_one_go(make):
    some = rows(20_000, 30)
    data = bytearray(make(some))
    if make is binary:
        for place in range(1_000_000, 2_000_000, 64):
            data[place] = 0
        data[500_000:500_001] = b""
    else:
        data[3_000_000:3_200_000] = b"x" * 200_000
    found = kept(repair(io.BytesIO(bytes(data)))[0])
    names = dict(some)
    good = [row for row in found if row[0] in names]
    assert len(good) > 3_000
    assert sum(names[word] == values for word, values in good) > 3_000


def test_words_with_control_characters_are_no_sign_of_lost_bytes_in_a_whole_file(tmp_path):
    some = rows(400, 20)
    for place in (3, 4, 6, 100, 101, 102, 103, 399):
        some[place] = (b"\x01odd\x7f%d" % place, some[place][1])
    path = tmp_path / "v.bin"
    path.write_bytes(binary(some))
    assert {f.what: f.value for f in check_vectors(path).faults} == {"control characters": 8}
    assert len(repair(path)[0]) == 400
    damaged = bytearray(path.read_bytes())
    del damaged[4_000:4_010]
    path.write_bytes(damaged)
    assert "lost bytes" in {f.what for f in check_vectors(path).faults}


def test_a_text_files_bad_lines_are_left_out():
    lines = text(rows()).split(b"\n")
    lines[5] += b" 1"
    lines[6] = lines[6].rpartition(b" ")[0]
    lines[7] = lines[7].replace(b".", b"x", 1)
    lines[8] = b""
    data = b"\n".join(lines)
    assert faults(data) == {"wrong length": 3, "no word": 1}
    assert kept(repair(io.BytesIO(data))[0]) == [row for i, row in enumerate(rows()) if i not in (4, 5, 6, 7)]


def test_words_that_programs_choke_on_are_told_and_renamed():
    words = [
        b"a\xc2\xa0b",
        b"c\xe2\x80\xa8",
        b"\x01d",
        b"cut\xe4\xb8",
        b"ok",
        b"</s>",
        b"zero\xe2\x80\x8bwidth",
        b"\xef\xbf\xbd",
        b"\xc2\xa0",
        b"a_b",
    ]
    data = binary([(word, [1.0, i]) for i, word in enumerate(words)])
    report = check_vectors(io.BytesIO(data))
    assert {f.what: f.value for f in report.faults} == {"unicode space": 3, "control characters": 1, "not UTF-8": 1}
    assert {f.what: f.value for f in report.notes} == {
        "sentence end": 1,
        "invisible characters": 1,
        "replacement character": 1,
    }
    repaired, what = repair(io.BytesIO(data))
    assert list(repaired.words) == ["c_", "d", "cut\ufffd", "ok", "</s>", "zero\u200bwidth", "\ufffd", "a_b"]
    assert repaired.matrix[:, 1].tolist() == [1, 2, 3, 4, 5, 6, 7, 9]
    assert {kind: tally.count for kind, tally in what.items()} == {"renamed": 3, "nothing left": 1, "taken": 1}


def test_words_with_spaces_are_renamed():
    data = b"the 1 2\n. . . 3 4\nnew york 5 6\n"
    assert faults(data) == {"white space": 2}
    assert kept(repair(io.BytesIO(data))[0]) == [(b"the", [1, 2]), (b"._._.", [3, 4]), (b"new_york", [5, 6])]


def test_empty_words_of_a_binary_file_cost_only_their_row():
    some = rows(10)
    some[4] = (b"", [1.0] * DIM)
    some[6] = (b"new\nline", [2.0] * DIM)
    assert faults(binary(some)) == {"no word": 1, "white space": 1}
    found = kept(repair(io.BytesIO(binary(some)))[0])
    some[6] = (b"new_line", some[6][1])
    assert found == some[:4] + some[5:]


@both
def test_a_byte_order_mark_is_told_and_left_out(make):
    data = b"\xef\xbb\xbf" + make(rows())
    assert faults(data) == {"byte order mark": 1}
    assert kept(repair(io.BytesIO(data))[0]) == rows()


@both
def test_damaged_compression_keeps_what_came_before(make):
    data = gzip.compress(make(rows(2000)))[:-500]
    assert faults(data) == {"packing": 1, "cut short": 1}
    there = len(zlib.decompressobj(wbits=31).decompress(data)) - len(b"2000 6\n")
    sizes = [len(make([row], header=b"")) for row in rows(2000)]
    whole = int(np.searchsorted(np.cumsum(sizes), there, side="right"))
    assert 1900 < whole < 2000
    assert kept(repair(io.BytesIO(data))[0]) == rows(2000)[:whole]


@pytest.mark.parametrize("name", ["v.npy", "v.safetensors", "v.tsv", "v.tsv.gz", "v.npy.gz"])
def test_formats_of_numbers_are_checked_with_their_words(tmp_path, name):
    words, matrix = [b"a b", b"c", b"\xff", b"d", b"e", b"f"], np.eye(6, dtype=np.float32)
    Vectors(words, matrix).save(tmp_path / name)
    report = check_vectors(tmp_path / name)
    assert {f.what: f.value for f in report.faults} == {"white space": 1, "not UTF-8": 1}
    repaired, _ = repair(tmp_path / name)
    renamed = [b"a_b", b"c", "\ufffd".encode(), b"d", b"e", b"f"]
    assert kept(repaired) == list(zip(renamed, matrix.tolist(), strict=True))
    if name == "v.npy":
        matrix[1, 1] = np.nan
        matrix[2] = 0
        np.save(tmp_path / name, matrix)
        (tmp_path / "v.words.txt").write_bytes(b"a\nb\nc\n\nc\n")
        found = {f.what: f.value for f in check_vectors(tmp_path / name).faults}
        assert found == {"not finite": 1, "no word": 1, "words missing": 1, "zero rows": 1, "duplicates": 1}
        assert kept(repair(tmp_path / name)[0]) == [(b"a", matrix[0].tolist()), (b"c", matrix[4].tolist())]


def test_a_cut_array_keeps_its_whole_rows(tmp_path):
    Vectors([b"a", b"b", b"c"], np.eye(3)).save(tmp_path / "v.npy")
    data = (tmp_path / "v.npy").read_bytes()
    for name, content in (("v.npy", data[:-5]), ("v.npy.gz", gzip.compress(data[:-5]))):
        (tmp_path / name).write_bytes(content)
        assert {f.what for f in check_vectors(tmp_path / name).faults} == {"cut short"}
        assert kept(repair(tmp_path / name)[0]) == [(b"a", [1, 0, 0]), (b"b", [0, 1, 0])]


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"", "empty"), (b"PK\x03\x04" + b"x" * 50, "zip"), (b"\x80\x04" + b"x" * 50, "pickle"), (b"0 0\n", "0 rows")],
)
def test_what_is_no_vector_file_is_one_fault_that_says_what_it_is(data, message):
    (fault,) = check_vectors(io.BytesIO(data)).faults
    assert fault.what == "unreadable"
    assert message in fault.meaning
    for refuse in (repair, describe):
        with pytest.raises(VectorsError, match=message):
            refuse(io.BytesIO(data))


@st.composite
def damaged(draw) -> bytes:
    """A file of either kind with bytes changed, cut out, put in or doubled."""
    make = draw(st.sampled_from([binary, text]))
    data = bytearray(make(rows(draw(st.integers(1, 12)), draw(st.integers(1, 5)))))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        size = draw(st.integers(0, 40))
        data[at : at + size] = draw(
            st.one_of(
                st.binary(max_size=6),
                st.sampled_from([b" ", b"\n", b"nan", b"\xc2\xa0", bytes(data[at : at + size]), b"\0" * size]),
            )
        )
    return bytes(data)


@settings(SETTINGS, max_examples=250)
@given(damaged(), st.sampled_from(["bin", "text"]))  # told: a few floats in binary may look like text
def test_what_was_repaired_loads_and_has_no_fault(data, form):
    try:
        repaired, _ = repair(io.BytesIO(data))
    except VectorsError:
        assert check_vectors(io.BytesIO(data)).faults
        return
    with tempfile.TemporaryDirectory() as folder:
        repaired.save(Path(folder) / "v", form)
        assert check_vectors(Path(folder) / "v", format=form).faults == []
        assert kept(load(Path(folder) / "v", format=form)) == kept(repaired)


@settings(SETTINGS, max_examples=200)
@given(damaged())
def test_a_file_without_a_fault_is_one_that_loads(data):
    report = check_vectors(io.BytesIO(data))
    try:
        found = kept(load(io.BytesIO(data)))
    except VectorsError:
        assert report.faults
        return
    if not report.faults:
        assert report.facts["words"] == len(found)


def test_a_glance_tells_the_same_as_a_long_look(tmp_path):
    vectors = Vectors([b"a", b"b", b"c"], np.eye(3))
    for name in ("v.bin", "v.txt", "v.npy", "v.safetensors", "v.tsv", "v.bin.gz"):
        vectors.save(tmp_path / name)
        quick, slow = glance(tmp_path / name), describe(tmp_path / name)
        assert (quick.format, quick.words, quick.dim, quick.bytes) == (slow.format, 3, 3, slow.bytes)
        assert slow.bytes == (tmp_path / name).stat().st_size
        assert (slow.norms, slow.first) == ((1.0, 1.0, 1.0), [b"a", b"b", b"c"])


def test_many_words_at_once_are_judged_as_one_by_one():
    words = [b"a", b"\xc3\xa4", b" ", b"a\nb", b"\x7f", b"\xe2\x80\x8b", b"x\xff", b"</s>", b"", b"\xe2\x80", b"\xa8"]
    singly = [(i, kind) for i, word in enumerate(words) for _, kind in oddities_of([word])]
    assert oddities_of(words) == singly
    assert [word for word in words if word and not oddities_of([word])] == [b"a", b"\xc3\xa4"]
    assert [plain_spelling(word) for word in (b" ", b"a\tb", b"\x01", b"_ ")] == [b"", b"a_b", b"", b""]


def test_the_bytes_of_a_damaged_stream_are_counted_from_where_it_begins():
    pieces = iter([b"abc", b"de", b"fghij", VectorsError("the data is damaged"), b"not read"])
    damage = []

    def read(size):
        piece = next(pieces)
        if isinstance(piece, Exception):
            raise piece
        return piece

    reader = ByteReader(read, damage.append, offset=3)
    assert reader.left == 0
    assert reader.fill(4)
    assert (reader.left, bytes(reader.view()), reader.offset) == (5, b"abcde", 3)
    reader.skip(2)
    assert reader.fill(3)
    assert (reader.left, reader.position, reader.offset) == (3, 2, 5)
    assert reader.fill(4)
    assert (bytes(reader.view()), reader.position, reader.offset) == (b"cdefghij", 0, 5)
    assert (damage, reader.ended) == ([], False)
    assert not reader.fill(9)
    assert (damage, reader.ended, reader.left) == (["the data is damaged"], True, 8)
    assert reader.fill(8)
    reader.skip(1)
    assert reader.drain() == 7
    assert (reader.offset, reader.left, reader.drain()) == (13, 0, 0)


ROWS = [b"word%d 0.%d -1.%d 2e-0%d" % (i, i, i, i % 9) for i in range(9)]


def text_of(lines: list[bytes]) -> bytes:
    return b"%d 3\n" % len(ROWS) + b"\n".join(lines) + b"\n"


@pytest.mark.parametrize(
    ("first", "last", "lost"),
    [
        (b"0.2", b"-1.2", {2}),  # within a row
        (b"2e-02", b"word3", {2, 3}),  # over the end of one, and the word of the next
        (b"word4", b"0.4", {4}),
        (b"d4 0", b"d4 0", {4}),  # the rest of a word and its first number
        (b"word5", b"2e-07", {5, 6, 7}),
    ],
)
def test_of_text_in_which_bytes_are_zero_the_other_rows_are_kept_and_no_word_is_made_up(first, last, lost):
    data = text_of(ROWS)
    start, stop = data.index(first), data.index(last) + len(last)
    data = data[:start] + b"\0" * (stop - start) + data[stop:]
    mended, _ = repair(io.BytesIO(data))
    assert list(mended.words) == [f"word{i}" for i in range(9) if i not in lost]
    assert (
        mended.matrix.tolist()
        == load(io.BytesIO(text_of(ROWS))).matrix[[i for i in range(9) if i not in lost]].tolist()
    )
    with pytest.raises(VectorsError):
        load(io.BytesIO(data))


def test_what_may_be_text_or_binary_is_not_repaired_unless_it_is_said_which():
    data = text_of([b"word0 0.5" + bytes(200) + b" 1.5 2.5", *ROWS[1:3]])
    with pytest.raises(VectorsError, match=r"may be text in which bytes were lost; say which it is: .*--from text"):
        repair(io.BytesIO(data))
    assert list(repair(io.BytesIO(data), format="text")[0].words) == ["word1", "word2"]


@pytest.mark.parametrize("numbers", ["int8", "float16"])
def test_rows_that_halving_or_rounding_made_zeros_are_named(tmp_path, numbers):
    vectors = Vectors(["long", "short"], [[60_000, 1], [1e-9, 1e-10]])
    vectors.save(tmp_path / "v.safetensors", **{numbers: True})
    (fault,) = check_vectors(tmp_path / "v.safetensors").faults
    assert (fault.what, fault.where) == ("zero rows", 'row 2 "short"')
    unit = vectors.matrix / np.linalg.norm(vectors.matrix, axis=1, keepdims=True)
    Vectors(vectors.words, unit).save(tmp_path / "v.safetensors", **{numbers: True})
    assert check_vectors(tmp_path / "v.safetensors").faults == []
