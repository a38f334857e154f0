"""Where a row ends: words with spaces in binary files, text at the border of two tasks; no number is ever made up."""

from __future__ import annotations

import gzip
import io
import struct

import numpy as np
import pytest

import w2v
from w2v.corpus._words import WordTable
from w2v.errors import VectorsError
from w2v.vectors.files.repair import repair
from w2v.vectors.formats import binary_salvage
from w2v.vectors.formats.binary_salvage import _Rows
from w2v.vectors.formats.boundaries import is_text, lost_boundary
from w2v.vectors.formats.salvage import Salvage
from w2v.vectors.formats.source import open_source
from w2v.vectors.query import VectorFile

PLAIN = [f"word{i}" for i in range(40)]


def binary(words: list[bytes], dim: int, newline: bytes, seed: int = 1) -> tuple[bytes, np.ndarray]:
    matrix = np.random.default_rng(seed).normal(size=(len(words), dim)).astype("<f4")
    rows = [word + b" " + row.tobytes() + newline for word, row in zip(words, matrix, strict=True)]
    return b"%d %d\n" % (len(words), dim) + b"".join(rows), matrix


CASES = {
    "one": {7: "New York"},
    "three words": {16: "Leonardo da Vinci"},
    "two apart": {3: "New York", 30: "Los Angeles"},
    "two in a row": {20: "New York", 21: "Los Angeles"},
    "the first": {0: "New York"},
    "four bytes": {9: "Air abc"},
    "Korean": {12: "서울 특별시"},
    "the last": {39: "New York"},
}


@pytest.mark.parametrize("dim", [5, 12, 100])
@pytest.mark.parametrize("spaced", CASES.values(), ids=CASES)
def test_where_rows_end_in_a_newline_it_is_an_error_too(tmp_path, spaced, dim):
    words = [spaced.get(i, word).encode() for i, word in enumerate(PLAIN)]
    (tmp_path / "v.bin").write_bytes(binary(words, dim, b"\n")[0])
    with pytest.raises(VectorsError, match="convert --fix"):
        w2v.load(tmp_path / "v.bin")


@pytest.mark.parametrize("dim", [5, 12, 100])
@pytest.mark.parametrize("spaced", CASES.values(), ids=CASES)
def test_a_word_with_a_space_is_named_and_repaired_with_every_number(tmp_path, spaced, dim):
    words = [spaced.get(i, word).encode() for i, word in enumerate(PLAIN)]
    data, matrix = binary(words, dim, b"")
    path = tmp_path / "v.bin"
    path.write_bytes(data)
    (tmp_path / "v.bin.gz").write_bytes(gzip.compress(data))
    first = spaced[min(spaced)]
    with pytest.raises(VectorsError, match=f'"{first}" holds a space.*convert --fix'):
        w2v.load(path)
    with pytest.raises(VectorsError, match="w2v convert"):  # or that a number is not finite, or that bytes follow
        w2v.load(tmp_path / "v.bin.gz")
    with pytest.raises(VectorsError, match="holds a space"):
        VectorFile(path)
    mended, _ = repair(path)
    assert [word.replace("_", " ") for word in mended.words] == [word.decode() for word in words]
    np.testing.assert_array_equal(mended.matrix, matrix)


@pytest.mark.parametrize("dim", [5, 12, 100])
@pytest.mark.parametrize("spaced", CASES.values(), ids=CASES)
@pytest.mark.parametrize("seed", [1, 2, 3])  # other bytes: numbers that seem infinite, words that are not UTF-8
def test_no_repair_makes_up_a_number_though_the_file_is_packed_piped_or_cut_short(tmp_path, spaced, dim, seed):
    words = [spaced.get(i, word).encode() for i, word in enumerate(PLAIN)]
    data, matrix = binary(words, dim, b"", seed)
    right = {word.decode().replace(" ", "_"): row for word, row in zip(words, matrix.tolist(), strict=True)}
    (tmp_path / "v.bin.gz").write_bytes(gzip.compress(data))
    (tmp_path / "v.bin").write_bytes(data[: -2 * dim])
    for source in (tmp_path / "v.bin.gz", io.BytesIO(data), io.BytesIO(data + b"abc"), tmp_path / "v.bin"):
        mended, _ = repair(source)
        found = dict(zip(mended.words, mended.matrix.tolist(), strict=True))
        assert found == {word: right.get(word) for word in found}
        assert len(found) >= (20 if dim == 5 else 36) - (source == tmp_path / "v.bin")


SPACED = ["New York", "Leonardo da Vinci", "Air abc", "서울 특별시", "a b", "x y z", "San Francisco Bay", "I am"]


@pytest.mark.parametrize("dim", [3, 5])
@pytest.mark.parametrize("seed", range(20))
def test_of_rows_of_few_numbers_those_that_cannot_be_told_apart_are_left_out(tmp_path, dim, seed):
    """Where a word's rest is as long as a row, or a part of it reads as numbers like the others, nothing is certain."""
    words = list(PLAIN)
    for i in range(3):
        words[(seed * 7 + 13 * i) % 40] = f"{SPACED[(seed + i) % len(SPACED)]}{seed if i else ''}"
    data, matrix = binary([word.encode() for word in words], dim, b"", seed)
    right = {word.replace(" ", "_"): row for word, row in zip(words, matrix.tolist(), strict=True)}
    (tmp_path / "v.bin").write_bytes(data)
    (tmp_path / "cut.bin").write_bytes(data[: -2 * dim])
    for source in (tmp_path / "v.bin", io.BytesIO(data), tmp_path / "cut.bin"):
        mended, _ = repair(source)
        found = dict(zip(mended.words, mended.matrix.tolist(), strict=True))
        assert found == {word: right.get(word) for word in found}
        assert len(found) >= 25


def test_words_in_another_encoding_are_not_taken_for_lost_boundaries(tmp_path):
    """Latin-1: nearly every word with an accent is not UTF-8, and all numbers are in proportion."""
    words = [f"caf\xe9{i}".encode("latin-1") if i % 2 else f"\xe9t\xe9{i}".encode("latin-1") for i in range(3000)]
    data, matrix = binary(words, 20, b"", seed=3)
    (tmp_path / "v.bin").write_bytes(data)
    np.testing.assert_array_equal(w2v.load(tmp_path / "v.bin").matrix, matrix)


def test_numbers_of_any_size_are_left_alone_where_words_are_text(tmp_path):
    data, _ = binary([word.encode() for word in PLAIN], 4, b"")
    huge = bytearray(data)
    at = data.index(b"word8 ") - 16
    huge[at : at + 4] = struct.pack("<f", 3e30)
    (tmp_path / "v.bin").write_bytes(bytes(huge))
    assert w2v.load(tmp_path / "v.bin").matrix[7, 0] == np.float32(3e30)


@pytest.mark.parametrize(
    ("word", "text"),
    [
        (b"king", True),
        ("서울".encode(), True),
        (b"caf\xe9", False),
        (b"a\x07", False),
        (b"\x7f", False),
        (b"", True),
        (b"\xc3", False),
        (b"\xe2\x82\xac", True),
        (b"\xe2\x82", False),
        (b"\xf5\x80\x80\x80", False),
    ],
)
def test_what_is_text(word, text):
    assert is_text(word) == text
    assert WordTable([b"x", word + b"z"]).first_not_text() == (-1 if text else 1)


@pytest.mark.parametrize("lead", range(0x80, 0x100))
def test_a_letter_of_utf8_has_as_many_bytes_as_the_first_one_says(lead):
    more = 1 if 0xC2 <= lead <= 0xDF else 2 if 0xE0 <= lead <= 0xEF else 3 if 0xF0 <= lead <= 0xF4 else 0
    words = [bytes([lead]) + bytes([0x80]) * count for count in range(5)]
    assert [WordTable([word]).first_not_text() for word in words] == [
        -1 if 0 < count == more else 0 for count in range(5)
    ]
    for place in range(1, more + 1):
        for wrong in (0x7A, 0xC0):
            broken = bytearray(words[more])
            broken[place] = wrong
            assert WordTable([bytes(broken)]).first_not_text() == 0


@pytest.mark.parametrize("more", [-2, -1, 0, 1, 2])  # bytes by which a row begins behind the border of two tasks
@pytest.mark.parametrize("header", [b"", b"65540 2\n"])
def test_a_row_of_text_that_begins_at_the_border_of_two_tasks_is_read_whole_and_once(tmp_path, header, more):
    lines = [b"w%05d 1.5 %04.2f\n" % (i, i % 10) for i in range(65540)]  # 65,536 lines of 16 bytes are 1 MiB
    lines[0] = lines[0].replace(b" ", b"x" * more + b" ", 1) if more > 0 else lines[0][-more:]
    assert len(b"".join(lines[:65536])) == (1 << 20) + more
    (tmp_path / "v.txt").write_bytes(header + b"".join(lines))
    for threads in (1, 3):
        vectors = w2v.load(tmp_path / "v.txt", threads=threads)
        assert list(vectors.words) == [line.split()[0].decode() for line in lines]
        assert vectors.matrix.tolist() == [[1.5, i % 10] for i in range(65540)]
    for row in (65535, 65536, 65537):
        wrong = [*lines[:row], lines[row][:-2] + b"x\n", *lines[row + 1 :]]
        (tmp_path / "v.txt").write_bytes(header + b"".join(wrong))
        at = len(header) + sum(map(len, lines[:row]))
        with pytest.raises(VectorsError, match=rf"row {row + 1} \(line {row + 1 + (header > b'')}, byte {at}\)"):
            w2v.load(tmp_path / "v.txt")


@pytest.mark.parametrize("dim", [5, 8, 50])
@pytest.mark.parametrize("last", [b" \x12\x80\x3e", b"a \x80\x3e", b"ab \x3e"])  # .25 and the like
def test_numbers_whose_bytes_hold_a_space_are_not_guessed_where_a_word_holds_one(tmp_path, dim, last):
    """The rest of the row's numbers, which is before the next word, is cut again."""
    words = [{7: "New York"}.get(i, word).encode() for i, word in enumerate(PLAIN)]
    data, matrix = binary(words, dim, b"")
    matrix[7, -2:] = 0.5, np.frombuffer(last, "<f4")[0]
    data = b"40 %d\n" % dim + b"".join(word + b" " + row.tobytes() for word, row in zip(words, matrix, strict=True))
    (tmp_path / "v.bin").write_bytes(data)
    right = {word.decode().replace(" ", "_"): row.tolist() for word, row in zip(words, matrix, strict=True)}
    for source in (tmp_path / "v.bin", io.BytesIO(data)):
        mended, _ = repair(source)
        found = dict(zip(mended.words, mended.matrix.tolist(), strict=True))
        assert found == {word: right.get(word) for word in found}
        assert len(found) >= 36


@pytest.mark.parametrize(
    ("end", "hops", "least", "follow"),
    [
        (b"", 3, 0, True),
        (b"", 4, 3, True),  # as many as there are
        (b"", 4, 4, False),
        (b"dd", 4, 2, True),  # the start of a word
        (b"dd", 4, 3, False),
        (b"dd 123", 4, 0, True),  # a row that is cut short
        (b"dd 123", 4, 2, True),
        (b"dd 123", 4, 3, False),
        (b"\x01\x02 12345678", 3, 0, True),
        (b"\x01\x02 12345678", 4, 0, False),
        (b"d " + struct.pack("<2f", 1, np.nan), 3, 0, True),
        (b"d " + struct.pack("<2f", 1, np.nan), 4, 0, False),
        (b" " + struct.pack("<2f", 1, 2), 4, 0, False),  # no word
        (b"d" * 256 + b" " + struct.pack("<2f", 1, 2), 4, 4, True),
        (b"d" * 257 + b" " + struct.pack("<2f", 1, 2), 4, 0, False),
    ],
)
@pytest.mark.parametrize("newline", [b"", b"\n"])
def test_rows_are_sought_where_so_many_follow_each_other(end, hops, least, follow, newline):
    rows = [word + b" " + struct.pack("<2f", 0.5, -1) + newline for word in (b"a", b"bb", "서".encode())]
    with open_source(io.BytesIO(b"9 2\n" + b"".join(rows) + end)) as source:
        salvage = Salvage(source)
        found = _Rows(salvage, salvage.reader())
        found.reader.fill(1 << 20)
        assert found.reader.ended
        assert found.rows_follow(found.reader.position, hops, least=least) == follow


def test_a_word_with_a_space_is_put_right_at_the_border_of_two_blocks(tmp_path):
    """Rows are read 4,096 at a time where words hold spaces."""
    spaced = {4094: "New York", 4095: "Los Angeles", 4096: "San Jose", 8190: "Santa Fe", 8191: "El Paso"}
    words = [spaced.get(i, f"word{i}").encode() for i in range(9000)]
    data, matrix = binary(words, 8, b"")
    (tmp_path / "v.bin").write_bytes(data)
    mended, _ = repair(tmp_path / "v.bin")
    assert [word.replace("_", " ") for word in mended.words] == [word.decode() for word in words]
    np.testing.assert_array_equal(mended.matrix, matrix)


def test_a_header_may_have_plus_signs_and_no_others():
    for start in (b"+2 2\n", b"2 +2\n"):
        assert w2v.load(io.BytesIO(start + b"a 1 2\nb 3 4\n")).matrix.tolist() == [[1, 2], [3, 4]]
    for start in (b"-2 2\n", b"2 -2\n"):
        with pytest.raises(VectorsError, match="the header claims"):
            w2v.load(io.BytesIO(start + b"a 1 2\nb 3 4\n"))


@pytest.mark.parametrize("rest", [b"\x01\x02 " * 300, b"\x01" * 50, b"\x01\x02 \xff"])
def test_damage_behind_which_no_row_follows_ends_the_search(rest):
    data, matrix = binary([word.encode() for word in PLAIN], 8, b"")
    mended, repairs = repair(io.BytesIO(data.replace(b"40 8", b"90 8", 1) + rest))
    assert list(mended.words) in (PLAIN, PLAIN[:-1])
    assert mended.matrix.tolist() == matrix[: len(mended)].tolist()
    assert repairs


@pytest.mark.parametrize("rows", [3, 300])
def test_what_is_out_of_proportion_is_measured_by_the_other_rows(rows):
    small = np.full(6, 0x343F0181, np.uint32).view(np.float32)  # 1.8e-7; four bytes on, it begins anew as 0.5
    data = b"abcA " + small.tobytes()
    torn = np.frombuffer(data[: small.nbytes], np.float32)
    assert 0.1 < np.abs(torn).min() < np.abs(torn).max() < 20
    words = [b"w%d" % row for row in range(rows)]
    words[1], words[2] = b"Air", data[small.nbytes :] + b"w2"
    matrix = np.tile(small, (rows, 1))
    matrix[1] = torn
    found = lost_boundary(WordTable(words), matrix.__getitem__)
    assert found is not None
    assert (found.row, found.word, found.following) == (1, b"Air abcA", b"w2")
    assert found.numbers.tobytes() == small.tobytes()
    assert lost_boundary(WordTable(words[:2] + words[3:] + [b"last"]), matrix.__getitem__) is None


@pytest.mark.parametrize("block", [37, 41, 64])
@pytest.mark.parametrize(("bad", "kind"), [(b"", "no word"), (b"\x01", "nothing left")])
def test_a_row_without_a_word_costs_no_other_one_wherever_a_block_ends(tmp_path, monkeypatch, block, bad, kind):
    monkeypatch.setattr(binary_salvage, "BLOCK", block)
    for place in range(12):
        words = [bad if row == place else b"w%d" % row for row in range(12)]
        rows = [word + b" " + struct.pack("<2f", row + 0.5, -1) for row, word in enumerate(words)]
        (tmp_path / "v.bin").write_bytes(b"12 2\n" + b"".join(rows))
        mended, repairs = repair(tmp_path / "v.bin")
        assert {name: tally.count for name, tally in repairs.items()} == {kind: 1}
        assert mended.matrix[:, 0].tolist() == [row + 0.5 for row in range(12) if row != place]
