"""Compressed files in parts: what the parts hold is what the file holds, wherever members begin and end."""

from __future__ import annotations

import bz2
import dataclasses
import gzip
import io
import itertools
import lzma
import random
import struct
import tracemalloc
import zlib

import numpy as np
import pytest

from w2v.cluster import chunks, packed
from w2v.cluster.chunks import align, begins, cut
from w2v.cluster.files import find_files
from w2v.cluster.packed import XzBlocks, is_gzip_member, is_zstd_frame, member_starts, varint, varints, xz_blocks
from w2v.corpus.config import CorpusConfig
from w2v.corpus.reader import read_corpus, tally_words
from w2v.errors import CorpusError

BGZF_HEAD = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0"


def bgzf(data):
    raw = zlib.compressobj(6, zlib.DEFLATED, -15)
    body = raw.compress(data) + raw.flush()
    return BGZF_HEAD + struct.pack("<H", len(body) + 25) + body + struct.pack("<II", zlib.crc32(data), len(data))


def zstd(data, checksum=True):
    zstandard = pytest.importorskip("zstandard", reason="pip install 'w2v[zstd]'")
    return zstandard.ZstdCompressor(write_checksum=checksum).compress(data)


def pzstd(data):
    frame = zstd(data, checksum=False)
    return b"\x50\x2a\x4d\x18" + struct.pack("<II", 4, len(frame)) + frame


PACK = {"gz": gzip.compress, "bgzf": bgzf, "bz2": bz2.compress, "xz": lzma.compress, "zst": zstd, "pzst": pzstd}


def one_xz_stream(streams):
    """The blocks (bytes, size without padding, size of the text) of several streams in a single one, as of `xz -T`."""
    blocks = list(itertools.chain.from_iterable(streams))
    return xz_stream(b"".join(data for data, _, _ in blocks), [sizes for _, *sizes in blocks])


def xz_stream(body, sizes, records=None):
    """A stream whose index holds these sizes and says that they are `records`."""
    records = len(sizes) if records is None else records
    index = b"\0" + varint(records) + b"".join(varint(unpadded) + varint(text) for unpadded, text in sizes)
    index += bytes(-len(index) % 4)
    index += struct.pack("<I", zlib.crc32(index))
    tail = struct.pack("<I", len(index) // 4 - 1) + b"\0\4"
    header = b"\xfd7zXZ\0\0\4" + struct.pack("<I", zlib.crc32(b"\0\4"))
    return header + body + index + struct.pack("<I", zlib.crc32(tail)) + tail + b"YZ"


def pieces(text, seed, longest=700):
    """The text cut anywhere, in words and between them; some pieces are empty."""
    draw = random.Random(seed)
    while text:
        length = draw.choice([0, 1, draw.randrange(longest), draw.randrange(longest)])
        yield text[:length]
        text = text[length:]


def some_text(seed, lines=1500, end="\n"):
    draw = random.Random(seed)
    return (
        "\n".join(
            " ".join(f"w{min(60, int(draw.expovariate(0.1)))}" for _ in range(draw.choice([0, 1, 5, 10, 200])))
            for _ in range(lines // 10)
        )
        + end
    ).encode()


def in_parts(path, size=3000):
    found = cut(find_files([path]), size)
    return [align(chunk, begins(found, number)) for number, chunk in enumerate(found)]


def check_whole(path, parts):
    """The parts hold the ids, sentences and tokens of the file."""
    config = CorpusConfig(min_count=1)
    whole = read_corpus([path], config)
    read = [read_corpus(part.source, config, vocab=whole.vocab, part=True) for part in parts]
    np.testing.assert_array_equal(np.concatenate([part.ids for part in read]), whole.ids)
    assert sum(part.token_counts.sentences for part in read) == whole.token_counts.sentences
    assert sum(tally_words([part.source], config)[1].read for part in parts) == whole.token_counts.read
    assert sum(part.bytes for part in parts) == path.stat().st_size


@pytest.mark.parametrize("end", ["", "\n"])
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("kind", PACK)
def test_parts_at_members_hold_the_text_wherever_members_begin(tmp_path, kind, seed, end):
    path, text = tmp_path / "text", some_text(seed, end=end)
    path.write_bytes(b"".join(map(PACK[kind], pieces(text, seed))))
    parts = in_parts(path)
    assert len(parts) > 3
    assert b"".join(b"".join(part.source.pieces()) for part in parts) == text
    check_whole(path, parts)


def test_blocks_of_one_xz_stream_are_parts(tmp_path):
    path, text, streams = tmp_path / "text", some_text(3), []
    for piece in filter(None, pieces(text, 3, 2000)):
        path.write_bytes(lzma.compress(piece))
        with open(path, "rb") as file:
            index = xz_blocks(file)
        streams.append(
            [
                (path.read_bytes()[place : place + -(-unpadded // 4) * 4], unpadded, text)
                for place, unpadded, text in zip(index.places, index.unpadded, index.texts, strict=True)
            ]
        )
    half = len(streams) // 2
    both = one_xz_stream(streams[:half]), one_xz_stream(streams[half:])
    assert lzma.decompress(b"".join(both)) == text
    path.write_bytes(bytes(8).join(both))
    parts = in_parts(path)
    assert len(parts) > 3
    check_whole(path, parts)
    with open(path, "rb") as file:  # each block checks its own text
        index = xz_blocks(file)
        index.texts[0] += 1
        stream = XzBlocks(file, index)
        with pytest.raises(lzma.LZMAError):
            lzma.decompress(b"".join(iter(lambda: stream.read(0), b"")))


ONE = lzma.compress(b"a b\n")


@pytest.mark.parametrize(
    "content",
    [
        xz_stream(b"", [(0, 0)] * 1000),
        xz_stream(bytes(16), [(4, 0)] * 4),
        xz_stream(bytes(16), [(8, 4)], 2),
        xz_stream(bytes(16), [(8, 4)], 2**62),
        xz_stream(b"", [(2**62, 1)] * 8),
        xz_stream(bytes(8), [(20, 4)]),
        xz_stream(bytes(8), [(8, 2**63)]),
        xz_stream(bytes(8), [(2**80, 1)]),
        ONE[12:],
        ONE[:-1],
        b"x" + ONE,
        b"YZ",
        bytes(12) + ONE[12:],
        ONE[:7] + b"\1" + ONE[8:],
        ONE[:8] + ONE[-12:],
    ],
    ids=range(15),
)
def test_an_odd_index_of_xz_blocks_is_not_used(tmp_path, content):
    path = tmp_path / "odd.xz"
    path.write_bytes(content)
    with open(path, "rb") as file:
        assert len(xz_blocks(file)) == 0


def test_streams_without_blocks_are_passed_over():
    empty = lzma.compress(b"")
    assert len(empty) == 32
    assert list(xz_blocks(io.BytesIO(empty + ONE + empty + bytes(4) + ONE)).places) == [44, 76 + len(ONE) + 4]


@pytest.mark.parametrize(
    ("number", "written"), [(0, b"\0"), (127, b"\x7f"), (128, b"\x80\1"), (16383, b"\xff\x7f"), (16384, b"\x80\x80\1")]
)
def test_a_number_of_an_xz_index_has_seven_bits_in_each_byte(number, written):
    assert varint(number) == written
    assert list(varints(written + varint(2**63 - 1) + written)) == [number, 2**63 - 1, number]


class Counting(io.BytesIO):
    """Counts what is read."""

    reads = taken = 0

    def read(self, size=-1):
        data = super().read(size)
        Counting.reads += 1
        Counting.taken += len(data)
        return data


@pytest.mark.parametrize("content", [ONE * 3000, (ONE + bytes(4)) * 1000, ONE + bytes(1_000_000) + ONE])
def test_the_index_of_many_xz_streams_takes_steps_and_memory_in_proportion_to_the_file(content):
    Counting.reads = Counting.taken = 0
    streams = content.count(b"YZ")
    tracemalloc.start()
    found = xz_blocks(Counting(content))
    current, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found) == streams
    assert found.places[0] == 12
    assert list(found.places) == sorted(found.places)
    assert Counting.reads <= 5 * streams + 100
    assert Counting.taken <= 2 * len(content)
    assert current < len(content) / 2 + 5000
    assert peak < 1.2 * len(content) + 1_000_000  # a window of padding


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", "zst"])
@pytest.mark.parametrize("text", [b"one two three " * 2000, b"x" * 9000, b"a\n" + b"b c" * 5000 + b"\nd\n" * 500])
def test_lines_longer_than_the_longest_are_cut_as_in_plain_files(tmp_path, monkeypatch, kind, text):
    monkeypatch.setattr(chunks, "LONGEST_LINE", 3000)
    path = tmp_path / "text"
    path.write_bytes(b"".join(map(PACK[kind], pieces(text, 5))))
    assert b"".join(b"".join(part.source.pieces()) for part in in_parts(path, 300)) == text


@pytest.mark.parametrize("kind", PACK)
def test_a_file_of_one_member_stays_whole(tmp_path, kind):
    path = tmp_path / "text"
    path.write_bytes(PACK[kind](some_text(4)))
    parts = in_parts(path, 300)
    assert [part.source.stop for part in parts] == [None]
    check_whole(path, parts)


def test_a_byte_order_mark_is_dropped_where_the_file_begins_and_only_there(tmp_path):
    path = tmp_path / "text"
    path.write_bytes(b"".join(gzip.compress(b"\xef\xbb\xbf" + some_text(seed)) for seed in range(6)))
    check_whole(path, in_parts(path))


def test_no_file_in_a_stored_block_is_taken_for_a_member(tmp_path):
    """A .gz in a .gz, not packed any further: it looks like a member, and no other one follows it."""
    inner = gzip.compress(random.Random(1).randbytes(400))
    path = tmp_path / "text"
    path.write_bytes(gzip.compress(b"a b\n" * 200 + inner + b"\nc d\n" * 900, compresslevel=0))
    assert inner in path.read_bytes()
    assert len(in_parts(path, 900)) == 1


@pytest.mark.parametrize(("kind", "whole"), [(0, True), (1, False), (2, False), (3, False)])
def test_a_frame_with_a_reserved_or_longer_block_is_none(kind, whole):
    last_block = (1 | kind << 1 | 5 << 3).to_bytes(3, "little") + b"abcde"  # raw: five bytes, and the file ends
    frame = b"\x28\xb5\x2f\xfd" + bytes([1 << 5, 5]) + last_block
    assert is_zstd_frame(io.BytesIO(frame), 0) == (whole or kind == 2)
    if kind == 1:  # one byte, repeated
        assert is_zstd_frame(io.BytesIO(frame[:-4]), 0)


@pytest.mark.parametrize("descriptor", [each for each in range(256) if not each & 8])
def test_a_frame_is_measured_by_what_its_descriptor_says(descriptor):
    """RFC 8878, 3.1.1.1: a window, the number of a dictionary, the size of the text, a checksum."""
    single, checksum = descriptor >> 5 & 1, 4 * (descriptor >> 2 & 1)
    sizes = (0 if single else 1) + [0, 1, 2, 4][descriptor & 3] + [1 if single else 0, 2, 4, 8][descriptor >> 6]
    frame = b"\x28\xb5\x2f\xfd" + bytes([descriptor]) + b"\xff" * sizes
    frame += (0 << 3).to_bytes(3, "little") + (1 | 5 << 3).to_bytes(3, "little") + b"abcde" + b"\xff" * checksum
    assert is_zstd_frame(io.BytesIO(b"before" + frame), 6)
    assert is_zstd_frame(io.BytesIO(frame + frame), 0)
    assert not is_zstd_frame(io.BytesIO(frame + b"x" + frame), 0)
    assert not is_zstd_frame(io.BytesIO(frame[:5] + bytes([0xFF]) + frame[5:]), 0)


def test_members_that_are_longer_than_the_window_are_not_looked_through():
    data = random.Random(1).randbytes(2 << 20)
    stored = {len(gzip.compress(data[:length], 0)): length for length in range((2 << 20) - 300, (2 << 20) - 100)}
    at_most, longer = (gzip.compress(data[: stored[length]], 0) for length in (2 << 20, (2 << 20) + 1))
    assert is_gzip_member(io.BytesIO(at_most), 0)
    assert not is_gzip_member(io.BytesIO(longer), 0)
    block = (128 << 10 << 3).to_bytes(3, "little") + bytes(128 << 10)
    head, last = b"\x28\xb5\x2f\xfd\0\0", b"\1\0\0"
    assert is_zstd_frame(io.BytesIO(head + 127 * block + last), 0)
    assert not is_zstd_frame(io.BytesIO(head + 128 * block + last), 0)


def test_a_member_is_unpacked_up_to_a_bound(monkeypatch):
    member = gzip.compress(bytes(5000))
    monkeypatch.setattr(packed, "MOST_TEXT", 5000)
    assert is_gzip_member(io.BytesIO(member), 0)
    monkeypatch.setattr(packed, "MOST_TEXT", 4999)
    assert not is_gzip_member(io.BytesIO(member), 0)


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", "zst"])
def test_cuts_are_at_the_first_member_behind_each_step(tmp_path, kind):
    member = PACK[kind](b"one line\n")
    for count in range(1, 12):
        path = tmp_path / f"text{count}"
        path.write_bytes(count * member)
        (source,) = find_files([path])
        size, head = path.stat().st_size, 12 if kind == "xz" else 0  # a block is behind its stream's header
        members = [number * len(member) + head for number in range(1, count)]
        for step in (len(member) - 1, len(member), len(member) + 1, 2 * len(member), 2 * len(member) + 2):
            starts = [0]
            for place in members if kind == "xz" else range(step, size, step):
                last = size - place >= step // 2 if kind == "xz" else size - place > step // 2
                if kind == "xz" and last and place - starts[-1] >= step:
                    starts.append(place)
                elif kind != "xz" and last:
                    starts += [each for each in members if place <= each < place + step][:1]
            assert member_starts(source, step) == (starts if size >= step * 3 // 2 else [0]), (count, step)


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", "zst"])
def test_damage_in_a_part_is_an_error_with_the_name_of_the_file(tmp_path, kind):
    path = tmp_path / "text"
    path.write_bytes(b"".join(PACK[kind](some_text(seed, 400)) for seed in range(8)))
    found = cut(find_files([path]), 3000)
    assert len(found) > 3
    data = bytearray(path.read_bytes())
    place = found[1].source.origin + 40
    data[place : place + 30] = bytes(30)
    path.write_bytes(data)

    def count(part, number):
        tally_words([align(part, begins(found, number)).source], CorpusConfig())

    count(found[-1], len(found) - 1)
    with pytest.raises(CorpusError, match=f"{path}: "):
        count(found[1], 1)


def test_a_file_that_was_cut_elsewhere_is_an_error(tmp_path):
    path = tmp_path / "text"
    path.write_bytes(b"".join(gzip.compress(some_text(seed)) for seed in range(6)))
    first = cut(find_files([path]), 3000)[0].source
    with pytest.raises(CorpusError, match="no gzip data begin at byte"):
        tally_words([dataclasses.replace(first, stop=first.stop + 5, extra=0)], CorpusConfig())


def test_files_given_twice_and_many_of_them_are_read_each_time(tmp_path, monkeypatch):
    path, plain = tmp_path / "text.gz", tmp_path / "text"
    path.write_bytes(b"".join(map(gzip.compress, pieces(some_text(7), 7))))
    plain.write_bytes(some_text(7))
    config = CorpusConfig(min_count=1)
    for files in ([path, path], [plain, plain], [plain, path]):
        found = cut(find_files(files), 3000)
        parts = [align(chunk, begins(found, number)) for number, chunk in enumerate(found)]
        assert sum(tally_words([part.source], config)[1].read for part in parts) == 2 * len(some_text(7).split())
    monkeypatch.setattr(chunks, "MOST_LOOKED_INTO", 1)
    assert len(cut(find_files([path, path]), 3000)) == 2


def test_members_are_looked_for_in_a_bounded_part_of_the_file(tmp_path, monkeypatch):
    monkeypatch.setitem(packed.WINDOW, "gzip", 1000)
    path = tmp_path / "text"
    path.write_bytes(b"".join(gzip.compress(random.Random(seed).randbytes(3000)) for seed in range(6)))
    assert len(in_parts(path, 3000)) == 1
