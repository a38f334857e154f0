"""Round trips of every format, and files of other programs."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import threading
import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest

from w2v.errors import SettingsError, VectorsError
from w2v.vectors._scan import BadRow
from w2v.vectors.formats import row_writer
from w2v.vectors.formats.rows import Rows, row_error
from w2v.vectors.vectors import Vectors, load

from .small import make, same

NAMES = ["v.bin", "v.txt", "v.vec", "v.bin.gz", "v.txt.gz"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("rows", "dim"), [(1, 1), (13, 7), (3000, 3), (40, 300)])
def test_every_format_reads_back_what_was_written(tmp_path, name, rows, dim):
    vectors = make(rows, dim)
    vectors.save(tmp_path / name)
    assert same(load(tmp_path / name), vectors)


def test_glove_format_reads_back_without_a_header(tmp_path):
    vectors = make(500, 12)
    vectors.save(tmp_path / "glove.txt", format="glove")
    assert (tmp_path / "glove.txt").read_bytes().startswith(b"the ")
    assert same(load(tmp_path / "glove.txt"), vectors)


@pytest.mark.parametrize("name", ["v.bin", "v.txt"])
@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed_files_are_told_by_content(tmp_path, name, pack):
    vectors = make(2000, 20)
    vectors.save(tmp_path / name)
    (tmp_path / "renamed").write_bytes(pack((tmp_path / name).read_bytes()))
    assert same(load(tmp_path / "renamed"), vectors)


def test_zstd_is_read_where_its_package_is(tmp_path):
    zstandard = pytest.importorskip("zstandard")
    vectors = make(2000, 20)
    vectors.save(tmp_path / "v.bin")
    (tmp_path / "v.zst").write_bytes(zstandard.compress((tmp_path / "v.bin").read_bytes()))
    assert same(load(tmp_path / "v.zst"), vectors)


@pytest.mark.parametrize("format", ["bin", "text", "glove"])
def test_a_named_pipe_is_read_to_its_end(tmp_path, format):
    vectors = make(5000, 50)
    vectors.save(tmp_path / "file", format=format)
    data = (tmp_path / "file").read_bytes()
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(data,))
    writer.start()
    found = load(tmp_path / "pipe")
    writer.join()
    assert same(found, vectors)


@pytest.mark.parametrize("format", ["bin", "text", "glove"])
def test_limit_reads_the_first_rows_only(tmp_path, format):
    vectors = make(4000, 30)
    vectors.save(tmp_path / "v", format=format)
    packed = tmp_path / "v.gz"
    packed.write_bytes(gzip.compress((tmp_path / "v").read_bytes()))
    for path in (tmp_path / "v", packed):
        for limit in (1, 999, 4000, 9999):
            found = load(path, limit=limit)
            assert list(found.words) == list(vectors.words)[:limit]
            assert np.array_equal(found.matrix, vectors.matrix[:limit])


def test_binary_file_without_newlines_after_rows_loads(tmp_path):
    vectors = make(3000, 9)
    body = b"".join(w.encode() + b" " + row.tobytes() for w, row in zip(vectors.words, vectors.matrix, strict=True))
    (tmp_path / "v").write_bytes(b"3000 9\n" + body)
    assert same(load(tmp_path / "v"), vectors)


@pytest.mark.parametrize("rows", [2, 7, 40])
def test_binary_rows_that_begin_with_a_newline_load(tmp_path, rows):
    matrix = np.full((rows, 6000), 0x3F80000B, "<u4")  # floats a little above 1, without a space or a newline
    matrix[:, 0] = 0x3F80000A
    vectors = Vectors([f"w{i}" for i in range(rows)], matrix.view("<f4"))
    vectors.save(tmp_path / "v.bin")
    (tmp_path / "v").write_bytes((tmp_path / "v.bin").read_bytes())  # nothing in the name
    assert same(load(tmp_path / "v"), vectors)


def test_binary_file_without_final_newline_loads(tmp_path):
    vectors = make()
    vectors.save(tmp_path / "v.bin")
    (tmp_path / "v").write_bytes((tmp_path / "v.bin").read_bytes()[:-1])
    assert same(load(tmp_path / "v"), vectors)


def test_text_file_with_trailing_spaces_and_crlf_loads(tmp_path):
    text = b"2 3 \r\nthe 0.1 -2e-3 3 \r\nof  1  2.50  .5\n\n"
    (tmp_path / "v").write_bytes(text)
    found = load(tmp_path / "v")
    assert list(found.words) == ["the", "of"]
    assert np.array_equal(found.matrix, np.array([[0.1, -2e-3, 3], [1, 2.5, 0.5]], np.float32))


def test_text_file_without_final_newline_loads(tmp_path):
    (tmp_path / "v").write_bytes(b"2 2\na 1 2\nb 3 4")
    assert load(tmp_path / "v").matrix.tolist() == [[1, 2], [3, 4]]


def test_glove_words_with_spaces_keep_them(tmp_path):
    (tmp_path / "v").write_bytes(b"the 1 2\n. . . 3 4\nat name@domain.com 5 6\nof 7 8\n")
    found = load(tmp_path / "v")
    assert list(found.words) == ["the", ". . .", "at name@domain.com", "of"]
    assert found.matrix.tolist() == [[1, 2], [3, 4], [5, 6], [7, 8]]


@pytest.mark.parametrize("name", ["v.bin", "v.txt", "v.npy", "v.tsv", "v.safetensors", "v.ftbin"])
def test_vectors_without_a_word_are_not_written(tmp_path, name):
    with pytest.raises(VectorsError, match="there is no word to write"):
        Vectors([], np.zeros((0, 3))).save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_word_with_a_space_is_refused_at_write_and_named(tmp_path):
    for word in ("a b", "a\nb", "a\tb", ""):
        with pytest.raises(VectorsError, match="row 2"):
            Vectors(["ok", word], np.ones((2, 2), np.float32)).save(tmp_path / "v.bin")
    assert not list(tmp_path.iterdir())


def test_numbers_that_are_not_finite_are_never_written(tmp_path):
    for value in (np.nan, np.inf, -np.inf):
        matrix = np.ones((2, 2), np.float32)
        matrix[1, 1] = value
        for name in ("v.bin", "v.txt"):
            with pytest.raises(VectorsError, match='row 2: the vector of "b"'):
                Vectors(["a", "b"], matrix).save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_strided_views_are_written_as_they_look(tmp_path):
    wide = np.random.default_rng(3).standard_normal((300, 32), dtype=np.float32)
    for view in (wide[:, :20], wide[:, ::2], wide[::-1, 3:9], wide.T[:20]):
        words = [f"w{i}" for i in range(len(view))]
        for name in NAMES:
            Vectors(words, view).save(tmp_path / name)
            assert np.array_equal(load(tmp_path / name).matrix, view)


def test_the_same_vectors_give_the_same_compressed_bytes(tmp_path):
    for name in ("a.bin.gz", "b.bin.gz"):
        make(500).save(tmp_path / name)
    assert (tmp_path / "a.bin.gz").read_bytes() == (tmp_path / "b.bin.gz").read_bytes()


@pytest.mark.parametrize(("dim", "sizes"), [(4, [3, 3, 2]), (22, [1] * 8), (9, [1] * 8), (8, [2] * 4)])
def test_rows_are_written_in_order_in_blocks_of_bounded_size(monkeypatch, dim, sizes):
    monkeypatch.setattr(row_writer, "BLOCK", 100)  # bytes; a row of text counts 16 more than its numbers
    vectors = make(8, dim)
    written: list[bytes] = []
    out = SimpleNamespace(write=lambda view: written.append(bytes(view)))
    writer = row_writer.RowWriter(Rows(vectors.words.table, vectors.matrix), "v")
    writer.write_blocks(out, writer.numbers)
    assert [len(block) // (4 * dim) for block in written] == sizes
    assert b"".join(written) == vectors.matrix.tobytes()
    for row in range(8):
        matrix = np.ones((8, dim))
        matrix[row, -1] = -254
        assert row_writer.RowWriter(Rows(vectors.words.table, matrix), "v", "int8").step == 2


def test_a_name_that_tells_no_format_is_refused(tmp_path):
    with pytest.raises(SettingsError, match=r"\.bin, \.txt or \.vec"):
        make().save(tmp_path / "vectors")


def test_words_that_are_not_utf8_survive(tmp_path):
    words = [b"\xff\xfe", b"ok", b"cut\xe4\xb8"]
    vectors = Vectors(words, np.eye(3, dtype=np.float32))
    for name in NAMES:
        vectors.save(tmp_path / name)
        found = load(tmp_path / name)
        assert [found.words.table[i] for i in range(3)] == words
        assert found[words[2].decode("utf-8", "surrogateescape")].tolist() == [0, 0, 1]


def test_sentence_end_rows_of_the_original_load(tmp_path):
    (tmp_path / "v").write_bytes(b"2 1\n</s> 0\nthe 1\n")
    assert list(load(tmp_path / "v").words) == ["</s>", "the"]


@pytest.mark.parametrize("binary", [True, False])
def test_gensim_reads_ours(tmp_path, binary):
    vectors = make(200, 20)
    vectors.save(tmp_path / "v", format="bin" if binary else "text")
    theirs = pytest.importorskip("gensim.models").KeyedVectors.load_word2vec_format(str(tmp_path / "v"), binary=binary)
    assert theirs.index_to_key == list(vectors.words)
    assert np.array_equal(theirs.vectors, vectors.matrix)


@pytest.mark.parametrize("binary", [True, False])
def test_we_read_gensims(tmp_path, binary):
    vectors = make(200, 20)
    theirs = pytest.importorskip("gensim.models").KeyedVectors(20)
    theirs.add_vectors(list(vectors.words), vectors.matrix)
    theirs.save_word2vec_format(str(tmp_path / "v"), binary=binary)
    assert same(load(tmp_path / "v"), vectors)


@pytest.mark.parametrize("mapped", [True, False])
@pytest.mark.parametrize("region_bytes", [1, 5_000, 1 << 20])
@pytest.mark.parametrize("deceptive", [False, True])
def test_rows_are_found_the_same_wherever_the_file_is_split(tmp_path, mapped, region_bytes, deceptive):
    """With `deceptive`, the numbers look like words with spaces, so that a row seems to start anywhere."""
    from w2v.vectors._scan import BinaryRows

    vectors = make(20_000, 5)
    if deceptive:
        vectors.matrix[:] = np.frombuffer(b"abc ", np.float32)
    vectors.save(tmp_path / "v.bin")
    with open(tmp_path / "v.bin", "rb") as file:
        size = os.fstat(file.fileno()).st_size
        rows = BinaryRows(file.fileno(), size, len(b"20000 5\n"), 20_000, 5, 4, region_bytes, mapped)
        assert [rows.words[i] for i in range(20_000)] == [vectors.words.table[i] for i in range(20_000)]
        assert rows.end == size
        assert rows.vector(12_345).tolist() == vectors.matrix[12_345].tolist()
        few = BinaryRows(file.fileno(), size, len(b"20000 5\n"), 7_000, 5, 4, region_bytes, mapped)
        assert len(few.words) == 7_000
        assert few.words[6_999] == b"word6986"


@pytest.mark.parametrize("rows", [n + more for n in (64, 128, 192, 256, 320, 64 * 21, 64 * 22) for more in (-1, 0, 1)])
def test_rows_are_found_beside_every_place_that_is_remembered(tmp_path, rows):
    """A place is kept for each 64 rows."""
    from w2v.vectors._scan import BinaryRows

    vectors = make(rows, 2)
    vectors.save(tmp_path / "v.bin")
    with open(tmp_path / "v.bin", "rb") as file:
        size = os.fstat(file.fileno()).st_size
        found = BinaryRows(file.fileno(), size, len(b"%d 2\n" % rows), rows, 2)
        places = [found.offset(row) for row in range(rows)]
        assert found.end == size
        for row in (*range(0, rows, 61), rows - 1):
            assert found.vector(row).tolist() == vectors.matrix[row].tolist()
            assert os.pread(file.fileno(), 30, places[row]).startswith(vectors.words.table[row] + b" ")


MORE, MENDED = "the rows of this file have more", "w2v convert --fix leaves such rows out"


@pytest.mark.parametrize(
    ("bad", "promised", "line", "says"),
    [
        (("truncated", 4, 100, 0), 9, None, "byte 100): the file ends here, its header promises 9 rows; fetch or "
         "write it again, or keep the rows that are there: w2v convert --fix"),
        (("truncated", 4, 100, 1), 9, None, "byte 100): the file ends here, its header promises 9 rows; fetch or "
         "write it again, or keep the rows that are there: w2v convert --fix, or --lenient"),
        (("short", 4, 100, 2), 9, b"a 1 2", f"line 6, byte 100): only 2 numbers; {MORE}; {MENDED}"),
        (("short", 4, 100, 0), None, b"a\t1\t2\t3", f"line 5, byte 100): only 0 numbers; {MORE}, with spaces and not "
         f"tabs between them; {MENDED}"),
        (("short", 4, 100, 0), None, b"a;1;2;3", f"line 5, byte 100): only 0 numbers; {MORE}, with spaces and not "
         f"semicolons between them; {MENDED}"),
        (("short", 4, 100, 0), None, b"a", f"line 5, byte 100): only 0 numbers; {MORE}; {MENDED}"),
        (("short", 4, 100, 1), None, b"a 1,2", f"line 5, byte 100): only 1 numbers; {MORE}; {MENDED}"),
        (("no number", 4, 9, 2), None, b"a 1 2 x", f"line 5, byte 9): number 3 cannot be read; {MENDED}"),
        (("no number", 4, 9, 0), None, b"new york 1 2 3", 'line 5, byte 9): the word "new york" holds a space; w2v '
         "convert --fix writes it without"),
        (("long", 4, 9, 3), None, b"a 1 2 3 4", "line 5, byte 9): more numbers than the rows of this file have; "
         f"{MENDED}"),
        (("long", 4, 9, -1), None, b"a", f"line 5, byte 9): the line is far too long; {MENDED}"),
    ],
)  # fmt: skip
def test_a_bad_row_is_told_with_its_place_and_what_to_do(bad, promised, line, says):
    assert str(row_error("v", BadRow(*bad), promised, line, 3)) == f"v: row 5 ({says}"


@pytest.mark.parametrize("dim", [0, 65_537])
@pytest.mark.parametrize("name", ["v.bin", "v.txt", "v.npy", "v.safetensors", "v.tsv"])
def test_rows_that_no_reader_takes_are_not_written(tmp_path, name, dim):
    with pytest.raises(VectorsError, match=rf"rows of {dim:,} numbers; files hold 1 to 65,536"):
        Vectors(["a"], np.zeros((1, dim), np.float32)).save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_what_python_would_take_for_something_else_is_refused(tmp_path):
    two, path = np.eye(2), tmp_path / "v.txt"
    for words in ({"a", "b"}, "ab", b"ab", frozenset("ab")):
        with pytest.raises(TypeError, match="give a list of them, in the order of the rows"):
            Vectors(words, two)
    assert list(Vectors(dict.fromkeys("ab").keys(), two).words) == ["a", "b"]
    with pytest.raises(VectorsError, match="complex"):
        Vectors(["a", "b"], two * 1j)
    vectors = Vectors(["a", "b"], two)
    for place in (None, 3):
        with pytest.raises(TypeError, match="saved to a path or an open binary file, not to"):
            vectors.save(place)
    vectors.save(path)
    with open(path) as file, pytest.raises(TypeError, match="read as bytes"):
        load(file)
    for limit in (0, "5", 1.5):
        with pytest.raises(SettingsError, match=r"limit: .* is not a whole number of at least 1"):
            load(path, limit=limit)
    with pytest.raises(SettingsError, match="restrict_vocab: '5' is not a whole number of at least 0"):
        vectors.most_similar("a", restrict_vocab="5")
    for count in (-1, "5"):
        with pytest.raises(SettingsError, match=r"top: .* is not a whole number of at least 0"):
            vectors.top(count)


def test_of_a_projectors_file_no_more_is_kept_than_the_rows_that_are_wanted(tmp_path):
    (tmp_path / "v.tsv").write_bytes(b"1\t2\n" * 6_000_000)
    (tmp_path / "v.metadata.tsv").write_text("a\nb\nc\n")
    tracemalloc.start()
    found = load(tmp_path / "v.tsv", limit=2)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (list(found.words), found.matrix.tolist()) == (["a", "b"], [[1, 2], [1, 2]])
    assert peak < 12_000_000
