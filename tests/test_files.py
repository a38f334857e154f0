"""Files opened by what is in them: many small members, hostile headers, what stays open."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import struct
import zlib

import pytest

from w2v import files
from w2v.decoders import XZ_MEMORY, _ZstdBlocks, decoders_for
from w2v.errors import CorpusError, W2VError
from w2v.files import UTF8_BOM, Decompressor, lines_of, open_by_content, without_mark

zstandard = pytest.importorskip("zstandard")


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


PACKERS = {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress, "zstd": zstd}


def unpacked(kind: str, data: bytes, size: int = 1 << 16) -> bytes:
    stream = Decompressor(kind, io.BytesIO(data).read, "packed")
    return b"".join(iter(lambda: stream.read(size), b""))


@pytest.mark.parametrize("kind", PACKERS)
def test_many_small_members_are_read_in_order_whatever_is_between_them(kind):
    texts = [b"line %d\n" % i * (i % 5) for i in range(1000)] + [os.urandom(5000), b"", b"x" * 300_000, b"end"]
    data = b"".join(PACKERS[kind](text) + bytes(i % 3 * 4) for i, text in enumerate(texts))
    for size in (1, 700, 1 << 16) if kind == "gzip" else (700, 1 << 16):
        assert unpacked(kind, data, size) == b"".join(texts)


@pytest.mark.parametrize("kind", PACKERS)
def test_what_a_decoder_is_given_of_a_member_is_in_proportion_to_it(kind, monkeypatch):
    """A decoder copies what it did not use: 13,000 copies of the rest of the input took 14 s for 10 MB."""
    given = 0

    class Counting:
        def __init__(self, decoder):
            self.decoder = decoder

        def __getattr__(self, name):
            return getattr(self.decoder, name)

        def decompress(self, data, size):
            nonlocal given
            given += len(data)
            return self.decoder.decompress(data, size)

    def counted(*arguments):
        make = decoders_for(*arguments)
        return lambda: Counting(make())

    monkeypatch.setattr(files, "decoders_for", counted)
    empty, members = PACKERS[kind](b""), 5000
    assert unpacked(kind, empty * members) == b""
    assert given <= members * files.FIRST_BYTES


def xz_with_dictionary(code: int, text: bytes = b"a b\n") -> bytes:
    """A stream of one block whose LZMA2 dictionary has the size that `code` stands for."""
    data = bytearray(lzma.compress(text, preset=0))
    size = (data[12] + 1) * 4
    assert data[14:16] == b"\x21\x01"  # LZMA2, one byte of properties
    data[16] = code
    data[12 + size - 4 : 12 + size] = struct.pack("<I", zlib.crc32(data[12 : 12 + size - 4]))
    return bytes(data)


def test_an_xz_dictionary_of_more_than_a_gibibyte_is_refused():
    assert XZ_MEMORY == 1 << 30
    assert unpacked("xz", xz_with_dictionary(22)) == b"a b\n"  # 8 MiB, as of xz -6
    for code in (39, 40):  # 3 GiB, 4 GiB - 1
        with pytest.raises(W2VError, match=r"packed: the xz data is damaged .*[Mm]emory usage limit"):
            unpacked("xz", xz_with_dictionary(code))


@pytest.mark.parametrize("kind", PACKERS)
def test_damage_is_named_with_the_byte_where_it_is(kind):
    good = PACKERS[kind](b"some text\n" * 100)
    for wrong in (b"PK\3\4" + bytes(60), b"text behind the data"):
        with pytest.raises(W2VError, match=f"near byte {3 * len(good)} .*neither another member nor zero bytes"):
            unpacked(kind, good * 3 + wrong)
    with pytest.raises(W2VError, match=f"is cut off at byte {2 * len(good) - 1}"):
        unpacked(kind, (good * 2)[:-1])


@pytest.mark.parametrize("text", [b"", b"a", b"\xef", b"\xef\xbb", b"\xef\xbb\xbe b", UTF8_BOM, b"a b\nc\n"])
@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_a_byte_order_mark_is_left_out_in_whatever_pieces_it_comes(text, size):
    for mark in (b"", UTF8_BOM):
        source = io.BytesIO(mark + text)
        read = without_mark(lambda _size, source=source: source.read(size), "text", W2VError)
        expected = text if mark else text.removeprefix(UTF8_BOM)
        assert b"".join(iter(lambda read=read: read(1 << 16), b"")) == expected


@pytest.mark.parametrize("encoding", ["UTF-16", "UTF-32"])
@pytest.mark.parametrize("order", ["LE", "BE"])
@pytest.mark.parametrize("size", [1, 3, 100])
def test_utf16_and_utf32_with_their_mark_are_refused_and_other_bytes_kept(encoding, order, size):
    source = io.BytesIO("\ufeffking\n".encode(f"{encoding}-{order}"))
    read = without_mark(lambda _size: source.read(size), "text", W2VError)
    with pytest.raises(W2VError, match=f"text: the text is {encoding}, not UTF-8; convert it: iconv -f {encoding}"):
        read(1 << 16)
    latin = io.BytesIO(b"\xff\xfe\n")  # a word that is not UTF-8
    assert without_mark(lambda _size: latin.read(100), "text", W2VError)(1 << 16) == b"\xff\xfe\n"


class Dripping(io.FileIO):
    """A file that gives a byte at a time, as a pipe may."""

    def read(self, _size=-1):
        return super().read(1)


@pytest.mark.parametrize("pack", [bytes, *PACKERS.values()], ids=["plain", *PACKERS])
def test_what_comes_a_byte_at_a_time_is_known_by_its_first_bytes(tmp_path, monkeypatch, pack):
    path = tmp_path / "words"
    path.write_bytes(pack(UTF8_BOM[:1]) + pack(UTF8_BOM[1:] + b"king\r\n") + pack("café\r\n東京".encode()))
    monkeypatch.setattr(files, "open", lambda path, *_, **__: Dripping(path), raising=False)
    with open_by_content(path) as file:
        assert file.read() == "king\r\ncafé\r\n東京".encode()
    assert [line.decode() for _, line in lines_of(path)] == ["king", "café", "東京"]


def descriptors() -> set[str]:
    return {
        os.readlink(f"/proc/self/fd/{number}")
        for number in os.listdir("/proc/self/fd")
        if os.path.lexists(f"/proc/self/fd/{number}")
    }


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="/proc")
@pytest.mark.parametrize(
    "content", [b"plain\n", *(pack(b"packed\n") for pack in PACKERS.values())], ids=["plain", *PACKERS]
)
def test_no_file_stays_open(tmp_path, monkeypatch, content):
    path = tmp_path / "file"
    path.write_bytes(content)
    file = open_by_content(path)
    assert str(path) in descriptors()
    file.read()
    file.close()
    assert str(path) not in descriptors()
    with open_by_content(path):
        pass
    assert str(path) not in descriptors()

    def fail(*_):
        raise CorpusError("no decoder")

    monkeypatch.setattr(files, "compression_of", fail)
    with pytest.raises(CorpusError):
        open_by_content(path)
    assert str(path) not in descriptors()


@pytest.mark.parametrize("descriptor", [each for each in range(256) if not each & 8])
def test_a_frame_of_zstd_is_cut_where_its_blocks_end(descriptor):
    """RFC 8878, 3.1.1: blocks of five bytes, of one that is repeated, of none."""
    single, checksum = descriptor >> 5 & 1, 4 * (descriptor >> 2 & 1)
    sizes = (0 if single else 1) + [0, 1, 2, 4][descriptor & 3] + [1 if single else 0, 2, 4, 8][descriptor >> 6]
    head = b"\x28\xb5\x2f\xfd" + bytes([descriptor]) + b"\xff" * sizes
    blocks = [(5 << 3).to_bytes(3, "little") + b"abcde", (2 | 9 << 3).to_bytes(3, "little") + b"x"]
    blocks.append((1).to_bytes(3, "little") + b"\xff" * checksum)
    frame, ends = head + b"".join(blocks), [len(head) + 8, len(head) + 12]
    found, at = _ZstdBlocks(), 0
    for end in (*ends, len(frame)):
        at += found.cut((frame + frame)[at:], 1)
        assert at == end
    for size in (1, 3):
        found, at = _ZstdBlocks(), 0
        while at < len(frame):
            at += found.cut((frame + b"\xff" * 9)[at : at + size], 9)
        assert at == len(frame)
    whole = _ZstdBlocks()
    assert whole.cut(frame + frame, 2) == ends[1]
    assert whole.cut((frame + frame)[ends[1] :], 9) == len(frame) - ends[1]
    skipped = _ZstdBlocks()
    assert skipped.cut(b"\x50\x2a\x4d\x18" + (7).to_bytes(4, "little") + b"abcdefg" + frame, 5) == 15
