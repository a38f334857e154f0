"""What the corpus arguments may be, and what is refused."""

from __future__ import annotations

import bz2
import gc
import gzip
import json
import lzma
import os
import pickle
import subprocess
import sys
import threading
import zipfile

import pytest
import reference

from w2v.corpus import feed
from w2v.corpus.config import CorpusConfig
from w2v.corpus.feed import _enlarge_pipe
from w2v.corpus.reader import count_words, read_corpus
from w2v.corpus.sources import ReadProgress, check_text, expand, look_at, wide_encoding
from w2v.errors import CorpusError, ThreadError

from ..privileges import without_privileges

zstandard = pytest.importorskip("zstandard")
ALL = CorpusConfig(min_count=1)
TEXT = b"the cat sat\non the mat\r\n" * 3000 + "여기 한국어 문장\n".encode() * 500 + b"no final newline"


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


PACKERS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": zstd}


def ids_of(paths, **how):
    corpus = read_corpus(paths, ALL, **how)
    corpus.token_counts.check()
    return corpus.vocab.words, corpus.vocab.counts.tolist(), corpus.ids.tolist()


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("block_size", [64, 5000, 1 << 19])
def test_compressed_file_reads_as_its_text(tmp_path, kind, block_size):
    path = tmp_path / "corpus.txt"  # content decides, not the name
    path.write_bytes(PACKERS[kind](TEXT))
    assert ids_of([path], block_size=block_size, threads=2) == reference.encode([TEXT])


@pytest.mark.parametrize("kind", PACKERS)
def test_several_members_are_read_to_the_end(tmp_path, kind):
    parts = [TEXT[:5], TEXT[5:20000], b"", TEXT[20000:20001], TEXT[20001:]]
    path = tmp_path / f"corpus.{kind}"
    path.write_bytes(b"".join(map(PACKERS[kind], parts)))
    assert ids_of([path], threads=3) == reference.encode([TEXT])
    path.write_bytes(PACKERS[kind](TEXT) + b"\0" * 512)
    assert ids_of([path]) == reference.encode([TEXT])


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("share", [0.02, 0.5, 0.97, 1.0])
def test_truncated_compressed_file_is_an_error(tmp_path, kind, share):
    packed = PACKERS[kind](os.urandom(20000).hex().encode() + b" " + TEXT)
    path = tmp_path / f"corpus.{kind}"
    cut = min(int(len(packed) * share), len(packed) - 1)
    path.write_bytes(packed[:cut])
    with pytest.raises(CorpusError, match=rf"corpus.{kind}: the \w+ data is cut off at byte {cut}"):
        read_corpus([path], ALL)


@pytest.mark.parametrize("kind", PACKERS)
def test_damaged_compressed_file_is_an_error(tmp_path, kind):
    data = os.urandom(30000).hex().encode() + b" " + TEXT
    if kind == "zst":
        packed = bytearray(zstandard.ZstdCompressor(write_checksum=True).compress(data))
    else:
        packed = bytearray(PACKERS[kind](data))
    packed[len(packed) // 2] ^= 0x55
    path = tmp_path / f"corpus.{kind}"
    path.write_bytes(packed)
    with pytest.raises(CorpusError, match=rf"corpus.{kind}: the \w+ data is damaged near byte \d+"):
        read_corpus([path], ALL)


@pytest.mark.parametrize("kind", PACKERS)
def test_garbage_behind_a_member_is_an_error(tmp_path, kind):
    path = tmp_path / "corpus"
    path.write_bytes(PACKERS[kind](TEXT) + b"plain text behind it")
    with pytest.raises(CorpusError, match="neither another member nor zero bytes"):
        read_corpus([path], ALL)


def test_plain_file_with_a_compressed_name_reads_as_text(tmp_path):
    path = tmp_path / "corpus.gz"
    path.write_bytes(TEXT)
    assert ids_of([path]) == reference.encode([TEXT])


def test_files_keep_their_order_however_they_are_read(tmp_path):
    texts = [b"%d is file a%d b c\n" % (i, i) * (50 + i * 40) + b"end%d" % i for i in range(8)]
    paths = []
    for i, text in enumerate(texts):
        path = tmp_path / f"{i}"
        path.write_bytes([lambda x: x, *PACKERS.values()][i % 5](text))
        paths.append(path)
    for threads in (1, 2, 4):
        for block_size in (100, 1 << 16):
            assert ids_of(paths[::-1], threads=threads, block_size=block_size) == reference.encode(texts[::-1])


def test_folder_is_read_to_the_bottom_in_sorted_order(tmp_path):
    for name in ("b/2.txt", "b/10.txt", "a.txt", "b.txt", "b/c/x"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"in {name}\n")
    found = [s.path[len(str(tmp_path)) + 1 :] for s in expand([tmp_path])]
    assert found == ["a.txt", "b.txt", "b/10.txt", "b/2.txt", "b/c/x"]
    assert [s.path for s in expand([tmp_path / "a.txt"] * 2)] == [str(tmp_path / "a.txt")] * 2
    assert read_corpus(tmp_path, ALL).token_counts.files == 5


def test_links_to_folders_are_not_followed_and_links_to_files_are(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "text").write_text("a b\n")
    (tmp_path / "e").symlink_to(tmp_path / "d")
    (tmp_path / "d" / "again").symlink_to(tmp_path)
    (tmp_path / "f").symlink_to(tmp_path / "d" / "text")
    (tmp_path / ".v.bin.w2v-part").write_text("an output that is being written")
    assert [s.path[len(str(tmp_path)) + 1 :] for s in expand([tmp_path])] == ["f", "d/text"]


def test_hidden_files_of_a_folder_are_left_out(tmp_path):
    for name in ("text", ".DS_Store", "._text", ".git/HEAD", ".ipynb_checkpoints/text"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("a b\n")
    assert [s.path[len(str(tmp_path)) + 1 :] for s in expand([tmp_path])] == ["text"]
    assert [s.path for s in expand([tmp_path / "._text"])] == [str(tmp_path / "._text")]  # one that is named
    (tmp_path / "text").unlink()
    with pytest.raises(CorpusError, match="holds no files, or only hidden ones"):
        expand([tmp_path])


def test_folders_1100_deep_are_read(tmp_path, monkeypatch):
    depth = 1100  # more than Python's limit of recursion
    monkeypatch.chdir(tmp_path)
    for _ in range(depth):
        os.mkdir("d")
        os.chdir("d")
    with open("text", "w") as file:
        file.write("a b a\n")
    try:
        found = expand([tmp_path])
        assert [source.path for source in found] == [os.path.join(tmp_path, "d/" * depth + "text")]
        assert read_corpus(tmp_path, ALL).token_counts.read == 3
    finally:  # so deep that shutil.rmtree fails
        os.remove("text")
        for _ in range(depth):
            os.chdir("..")
            os.rmdir("d")


@pytest.mark.parametrize("allowed", [1, 2, 3, 5])
def test_where_the_system_refuses_threads_those_that_there_are_read(tmp_path, monkeypatch, allowed):
    paths = [tmp_path / name for name in ("a.txt", "b.gz", "c.xz")]
    for path, pack in zip(paths, (bytes, gzip.compress, lzma.compress), strict=True):
        path.write_bytes(pack(TEXT))
    whole = read_corpus(paths, ALL, threads=1).digest()
    real = threading.Thread.start
    started: list[threading.Thread] = []

    def start(thread):
        if len(started) >= allowed:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        real(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    if allowed == 1:
        with pytest.raises(ThreadError, match=r"refused to start thread 2 of \d+; use at most 1 thread"):
            read_corpus(paths, ALL, threads=30, block_size=1000)
        started.clear()
        assert read_corpus(paths[:1], ALL, threads=30, block_size=1000).token_counts.files == 1
    else:
        assert read_corpus(paths, ALL, threads=30, block_size=1000).digest() == whole


def test_sentences_do_not_run_across_files(tmp_path):
    (tmp_path / "1").write_bytes(b"a b")
    (tmp_path / "2").write_bytes(b"c d\n")
    (tmp_path / "3").write_bytes(b"")
    (tmp_path / "4").write_bytes(b"\n\n e")
    corpus = read_corpus(tmp_path, ALL)
    assert [corpus.vocab.words[i] if i >= 0 else None for i in corpus.ids] == [
        b"a",
        b"b",
        None,
        b"c",
        b"d",
        None,
        b"e",
        None,
    ]


@pytest.mark.parametrize("pack", [bytes, *PACKERS.values()])
def test_byte_order_mark_is_dropped_once(tmp_path, pack):
    path = tmp_path / "c"
    text = b"\xef\xbb\xbfone two \xef\xbb\xbfthree"
    path.write_bytes(pack(text))
    for block_size in (1, 2, 3, 4096):
        assert ids_of([path], block_size=block_size) == reference.encode([text])


def test_missing_file_is_found_before_any_work(tmp_path):
    (tmp_path / "good").write_bytes(TEXT)
    with pytest.raises(FileNotFoundError) as e:
        expand([tmp_path / "good", tmp_path / "nothing"])
    assert e.value.filename == str(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CorpusError, match="holds no files"):
        expand([tmp_path / "empty"])


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="this system does not list open files")
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_reading_leaves_no_file_open_however_it_ends(tmp_path, pack):
    path = tmp_path / "text"
    path.write_bytes(pack(TEXT))
    read_corpus([path], ALL)

    def stop(progress):
        raise ValueError("enough")

    for _ in range(3):
        with pytest.raises(ValueError, match="enough"):
            read_corpus([path], ALL, on_progress=stop)
    gc.collect()
    names = {os.path.realpath(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")}
    assert str(path) not in names


def test_unreadable_file_is_found_before_any_work(tmp_path):
    (tmp_path / "closed").write_bytes(TEXT)
    (tmp_path / "closed").chmod(0)

    def check():
        with pytest.raises(PermissionError):
            expand([tmp_path])

    without_privileges(check)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_utf16_and_utf32_are_refused_with_a_hint(tmp_path, encoding, pack):
    path = tmp_path / "wide.txt"
    path.write_bytes(pack("some plain text, and then some more\nof it".encode(encoding)))
    with pytest.raises(CorpusError, match=r"wide.txt: the text is UTF-(16|32)\w*, not UTF-8; convert it: iconv"):
        read_corpus([path], ALL)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (gzip.compress(gzip.compress(TEXT)), r"packed a second time \(gzip\), not text; unpack it once first"),
        (b"ARROW1\0\0" + bytes(100), "an Arrow file"),
        (rb"{\rtf1\ansi the king \par }", "an RTF document"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "a document of an old Office"),
    ],
)
def test_what_is_often_given_for_text_is_named(tmp_path, data, what):
    (tmp_path / "c").write_bytes(data)
    with pytest.raises(CorpusError, match=what):
        read_corpus([tmp_path / "c"], ALL)


@pytest.mark.skipif(not os.path.exists("/proc/self/mem"), reason="/proc")
def test_a_read_that_fails_names_the_file():
    with pytest.raises(OSError, match="/proc/self/mem"):
        expand(["/proc/self/mem"])


WIDE_TEXTS = (
    "Мама мыла раму, а папа читал газету.\n",
    "你好，世界。\n很久很久以前，有一个小村庄。\n",
    "שלום עולם\n",
    "안녕 세상\n",
    "ما هذا؟\n",
)


@pytest.mark.parametrize("text", WIDE_TEXTS)
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark_is_refused_in_any_script(tmp_path, encoding, text):
    path = tmp_path / "wide.txt"
    path.write_bytes((text * 200).encode(encoding))
    with pytest.raises(CorpusError, match=r"wide.txt: the text is UTF-16[LB]E, not UTF-8; convert it: iconv"):
        read_corpus([path], ALL)


@pytest.mark.parametrize(
    ("encoding", "text"), [*zip(["windows-1251", "gb18030", "cp1255", "euc-kr", "cp1256"], WIDE_TEXTS, strict=True)]
)
@pytest.mark.parametrize("end", ["\n", "\0", "\n\0"])
def test_text_in_other_encodings_is_not_taken_for_utf16(tmp_path, encoding, text, end):
    text = text.rstrip("\n") + end
    for data in (text.encode(encoding), text.encode(), text.encode("utf-8")[1:]):
        path = tmp_path / "text.txt"
        path.write_bytes(data * 200)
        assert [source.kind for source in expand([path])] == ["plain"]


def test_known_binary_formats_are_refused_by_name(tmp_path):
    path = tmp_path / "thing"
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("a.txt", "text")
    cases = [
        (path.read_bytes(), "zip archive"),
        (pickle.dumps([1] * 50), "pickle"),
        (b"%PDF-1.7\n...", "PDF"),
        (b"\xba\x16\x4f\x2f" + bytes(20), "fastText"),
        (b"\x93NUMPY\x01\0", "NumPy"),
        (b"2 3\nthe 0.1 0.2 0.3\nof -0.5 1e-3 .25\n", "word vectors"),
        (b"2 3 \nthe 0.1 0.2 0.3 \nof 0.4 0.5 0.6 \n", "word vectors"),
        (b"300 100\nthe " + bytes(range(256)) * 4, "word vectors"),
        (b"name".ljust(257, b"\0") + b"ustar\x0000", "tar archive"),
    ]
    for data, what in cases:
        for pack in (bytes, gzip.compress):
            path.write_bytes(pack(data))
            with pytest.raises(CorpusError, match=what):
                read_corpus([path], ALL)


def test_text_that_begins_with_two_numbers_is_text(tmp_path):
    path = tmp_path / "sessions.txt"
    path.write_bytes(b"3 5\n7 1 2 3 4 5\n5 3\n")
    assert read_corpus([path], ALL).token_counts.read == 10


@pytest.mark.parametrize(("dim", "decimals", "vectors"), [(14, 12, True), (14, 11, False), (2, 2, True), (2, 1, False)])
def test_vectors_have_a_decimal_for_nearly_all_that_the_header_claims(tmp_path, dim, decimals, vectors):
    path = tmp_path / "v.txt"
    fields = ["0.5"] * decimals + ["x"] * (dim - decimals)
    path.write_text(f"2 {dim}\nthe {' '.join(fields)}\nof {' '.join(fields)}\n")
    if vectors:
        with pytest.raises(CorpusError, match="word vectors"):
            read_corpus([path], ALL)
    else:
        assert read_corpus([path], ALL).token_counts.read == 2 + 2 * (dim + 1)


@pytest.mark.parametrize("text", [b"", b"\n \n\t\n", b"\xef\xbb\xbf", b"\0\0\0"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_corpus_without_words_is_an_error(tmp_path, text, pack):
    path = tmp_path / "corpus.txt"
    path.write_bytes(pack(text))
    with pytest.raises(CorpusError, match=r"corpus\.txt: no words in it"):
        read_corpus([path], ALL)


def test_words_that_are_too_rare_are_an_error_with_the_most_frequent(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_bytes(b"the a the b the a")
    with pytest.raises(CorpusError) as e:
        read_corpus([path], CorpusConfig(min_count=5))
    assert str(e.value) == f'{path}: no word occurs 5 times (most frequent: "the", 3); try min_count=1'
    with pytest.raises(CorpusError, match=r'only one word occurs 3 times \("the", 3\); try min_count=1'):
        read_corpus([path], CorpusConfig(min_count=3))
    path.write_bytes(b"solo solo\nsolo")
    with pytest.raises(CorpusError, match="only one distinct word"):
        read_corpus([path], ALL)


CHILD = """
import sys
from w2v.corpus.reader import read_corpus
from w2v.corpus.config import CorpusConfig
c = read_corpus(["-"], CorpusConfig(min_count=1), threads=2)
print(c.digest(), c.token_counts.text_bytes, c.token_counts.bytes_read)
"""


@pytest.mark.parametrize("pack", [bytes, *PACKERS.values()])
def test_standard_input_reads_as_a_file(tmp_path, pack):
    path = tmp_path / "c"
    path.write_bytes(TEXT)
    data = pack(TEXT)
    done = subprocess.run([sys.executable, "-c", CHILD], input=data, capture_output=True, check=True, cwd=tmp_path)
    assert done.stdout.split() == [read_corpus([path], ALL).digest().encode(), b"%d" % len(TEXT), b"%d" % len(data)]


def test_progress_reports_bytes_of_the_files(tmp_path):
    seen: list[ReadProgress] = []
    path = tmp_path / "c.gz"
    path.write_bytes(gzip.compress(TEXT))
    read_corpus([path], ALL, on_progress=seen.append)
    assert seen[-1].bytes_done == seen[-1].bytes_total == path.stat().st_size
    assert seen[-1].tokens == len(TEXT.split())


def test_counting_words_gives_the_same_vocabulary_and_token_counts_that_add_up(tmp_path):
    path = tmp_path / "c"
    path.write_bytes(TEXT)
    config = CorpusConfig(min_count=400)
    vocab, token_counts = count_words([path], config, threads=2, block_size=1000)
    corpus = read_corpus([path], config)
    assert vocab == corpus.vocab
    assert (token_counts.read, token_counts.kept, token_counts.below_min_count) == (
        corpus.token_counts.read,
        corpus.token_counts.kept,
        corpus.token_counts.below_min_count,
    )


def test_error_in_progress_ends_reading(tmp_path):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    keep_open = os.open(path, os.O_RDWR)  # nothing ever comes

    def stop(_):
        raise KeyboardInterrupt

    try:
        with pytest.raises(KeyboardInterrupt):
            read_corpus([path], ALL, on_progress=stop)
    finally:
        os.close(keep_open)


def test_a_pipe_is_read_whoever_comes_first(tmp_path):
    for writer_first in (True, False):
        path = tmp_path / f"fifo{writer_first}"
        os.mkfifo(path)

        def write(path=path):
            with open(path, "wb") as pipe:  # waits for a reader
                for _ in range(3):
                    pipe.write(TEXT)
                    pipe.flush()

        writer = threading.Thread(target=write)
        if writer_first:
            writer.start()
            ticks = lambda _: None  # noqa: E731
        else:
            ticks = lambda _, writer=writer: writer.ident or writer.start()  # noqa: E731
        corpus = read_corpus([path], ALL, on_progress=ticks)
        writer.join()
        assert corpus.token_counts.text_bytes == 3 * len(TEXT)


def test_zstd_without_its_package_is_refused_before_any_work(tmp_path, monkeypatch):
    (tmp_path / "c.zst").write_bytes(zstd(TEXT))
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(CorpusError, match=r"c\.zst: zstd is read with the `zstandard` package: pip install 'w2v"):
        look_at(str(tmp_path / "c.zst"))


def test_small_zstd_file_of_hundreds_of_megabytes_is_decoded_in_steps(tmp_path):
    from w2v.files import Decompressor

    packed = zstd(b"a" * 2**28)  # some 25 KB
    path = tmp_path / "bomb.zst"
    path.write_bytes(packed)
    with open(path, "rb") as file:
        decoder = Decompressor("zstd", file.read, "bomb")
        pieces = [len(piece) for piece in iter(lambda: decoder.read(1 << 19), b"")]
    assert sum(pieces) == 2**28
    assert max(pieces) <= 1 << 19


def test_zstd_frames_of_every_shape_are_read(tmp_path):
    skipped = b"\x51\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"aside"
    frames = [
        zstandard.ZstdCompressor(level=level, write_checksum=checksum, write_content_size=size).compress(text)
        for level in (1, 19)
        for checksum in (False, True)
        for size in (False, True)
        for text in (b"", b"x y\n", os.urandom(300_000).replace(b"\n", b" "), b"run " * 100_000)
    ]
    path = tmp_path / "c.zst"
    path.write_bytes(skipped + skipped.join(frames) + skipped)
    expected = b"".join(zstandard.ZstdDecompressor().decompressobj().decompress(f) for f in frames)
    plain = tmp_path / "c.txt"
    plain.write_bytes(expected)
    assert read_corpus([path], ALL).digest() == read_corpus([plain], ALL).digest()


def test_a_source_stands_for_itself(tmp_path):
    path = tmp_path / "c.txt"
    path.write_bytes(TEXT)
    source = look_at(str(path))
    assert expand(source) == [source]
    assert expand([source, path]) == [source, source]


def test_a_pipe_that_cannot_be_made_larger_is_read_as_it_is(tmp_path):
    with open(tmp_path / "file", "wb") as file:
        _enlarge_pipe(file.fileno())
    _enlarge_pipe(1 << 20)  # no descriptor at all


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"])
def test_a_device_that_never_ends_is_refused_before_any_work(tmp_path, device):
    (tmp_path / "link").symlink_to(device)
    for path in (device, tmp_path / "link"):
        with pytest.raises(CorpusError, match=f"^{path}: is a device that never ends"):
            expand([path])
    with open(device, "rb") as file, pytest.raises(CorpusError, match="is a device that never ends"):
        read_corpus([f"/dev/fd/{file.fileno()}"], CorpusConfig())


@pytest.mark.parametrize("endless", [b"\0", b"x", b" ", b"\n", b"\xe2\x80\x83"])
@pytest.mark.parametrize("threads", [1, 3])
def test_a_stream_that_goes_on_without_a_word_is_an_error_that_names_it(tmp_path, monkeypatch, endless, threads):
    monkeypatch.setattr(feed, "MOST_WITHOUT_WORDS", 1 << 16)
    path = tmp_path / "text.gz"
    text = b"a b a b\n" + endless * (60_000 // len(endless)) + b" c c\n"
    path.write_bytes(gzip.compress(text * 4))  # never so many bytes on end
    config = CorpusConfig(min_count=1)
    if threads == 1:  # several may finish blocks in another order
        assert set(read_corpus([path], config, threads=1, block_size=3000).vocab.words) == {b"a", b"b", b"c"}
    path.write_bytes(gzip.compress(text + endless * 100_000 + b" c c\n"))
    with pytest.raises(CorpusError, match=r"text\.gz: 65,536 bytes on end hold no word of up to 1,024 bytes"):
        read_corpus([path], config, threads=threads, block_size=3000)


def test_a_long_text_without_line_ends_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(feed, "MOST_WITHOUT_WORDS", 1 << 12)
    (tmp_path / "text.gz").write_bytes(gzip.compress(b"a b c " * 20_000))
    assert read_corpus([tmp_path / "text.gz"], CorpusConfig(), block_size=100).token_counts.kept == 60_000


@pytest.mark.parametrize("text", ["5 2\nabout 3.5\n", "1 1\nword 0.5\n", "3 2\na 0.5 is b\n"])
def test_a_text_that_begins_with_two_numbers_is_no_file_of_vectors(text):
    assert check_text(text.encode(), "t") == 0


def test_fields_of_json_are_named_the_first_five_and_the_beginnings_of_long_ones():
    fields = ["f" * 25, "g" * 20, "c", "d", "e", "sixth"]
    with pytest.raises(CorpusError, match=rf"JSON \(fields: {'f' * 20}, {'g' * 20}, c, d, e\), .*jq -r \.{'f' * 25} "):
        check_text(json.dumps(dict.fromkeys(fields, 1)).encode() + b"\n", "t")


ODD = b"\x01"  # a byte that no text has


@pytest.mark.parametrize(
    ("head", "vectors"),
    [
        (b"5 2\nthe 0.1 -.2e-3\n", True),
        (b"5 2 \r\nthe 0.1 -.2e-3\n", True),
        (b"0 2\nthe 0.1 0.2\n", False),
        (b"5 2\nthe 0.1 x\n", False),  # one decimal is no vector
        (b"5 1\nthe 0.1 0.2\n", False),
        (b"5 2\nthe 1 2\n", False),
        (b"5 16\nw" + b" 0.5" * 13 + b" x" * 3 + b"\n", True),  # an eighth of them may be whole numbers
        (b"5 16\nw" + b" 0.5" * 12 + b" x" * 4 + b"\n", False),
        (b"5 100\nw" + b" 0.5" * 20, True),
        (b"5 2\n" + ODD * 3 + b"a" * 97, True),  # more than a fiftieth
        (b"5 2\n" + ODD * 2 + b"a" * 98, False),
        (b"5 2\n" + ODD * 65, True),
        (b"5 2\n" + ODD * 64, False),
    ],
    ids=lambda given: repr(given)[:30],
)
def test_vectors_are_no_text(head, vectors):
    if not vectors:
        assert check_text(head, "t") == 0
        return
    with pytest.raises(CorpusError, match="these are word vectors"):
        check_text(head, "t")


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        *((f"abc def {'x' * 40}".encode(name), name) for name in ("UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE")),
        *((f"abc{'é' * 5}".encode(name)[:16], name) for name in ("UTF-16LE", "UTF-16BE")),
        ("abcdefg".encode("UTF-16LE"), None),  # 14 bytes tell nothing
        (b"\xff\xfea", "UTF-16"),
        (b"plain text of one byte a letter", None),
        (b"a\0\0\0" * 3 + b"abcd" * 30, None),  # some zeros
        (("слово и дело " * 20).encode("UTF-16LE"), "UTF-16LE"),
        (("слово и дело " * 20).encode("UTF-16BE"), "UTF-16BE"),
    ],
)
def test_wide_encodings_are_told_by_their_zero_bytes(head, encoding):
    found = wide_encoding(head)
    assert found == encoding or (encoding == "UTF-16" and found is not None and found.startswith(encoding))
