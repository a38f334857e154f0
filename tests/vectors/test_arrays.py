"""`.npy`, safetensors and the embedding projector's files: round trips, other programs' files, hostile ones."""

from __future__ import annotations

import gzip
import itertools
import json
import threading
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from w2v.errors import SettingsError, VectorsError
from w2v.vectors.formats.npy import npy_header
from w2v.vectors.vectors import Vectors, load

from .small import make, same

NAMES = ["v.bin", "v.txt", "v.vec.gz", "v.npy", "v.safetensors", "v.tsv", "v.glove"]


def save(vectors: Vectors, path) -> None:
    vectors.save(path, "glove" if path.suffix == ".glove" else None)


@pytest.mark.parametrize(("first", "second"), list(itertools.product(NAMES, NAMES)))
def test_through_any_two_formats_the_vectors_stay_the_same(tmp_path, first, second):
    vectors = make(100, 9)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    save(vectors, tmp_path / "a" / first)
    save(load(tmp_path / "a" / first), tmp_path / "b" / second)
    assert same(load(tmp_path / "b" / second), vectors)


@pytest.mark.parametrize("name", ["v.npy", "v.safetensors", "v.tsv", "v.npy.gz", "v.safetensors.gz", "v.tsv.gz"])
@pytest.mark.parametrize(("rows", "dim"), [(1, 1), (13, 7), (3000, 3), (40, 300)])
def test_array_formats_read_back_what_was_written(tmp_path, name, rows, dim):
    vectors = make(rows, dim)
    vectors.save(tmp_path / name)
    found = load(tmp_path / name)
    assert same(found, vectors)
    assert np.allclose(found.norms, vectors.norms)
    assert same(load(tmp_path / name, limit=1), make(1, dim, 1)) or rows > 1
    assert len(load(tmp_path / name, limit=1)) == 1


def test_words_with_spaces_survive_where_a_line_holds_them(tmp_path):
    vectors = Vectors([". . .", "new york"], np.eye(2, dtype=np.float32))
    for name in ("v.npy", "v.safetensors", "v.tsv"):
        vectors.save(tmp_path / name)
        assert same(load(tmp_path / name), vectors)
    with pytest.raises(VectorsError, match=r"row 1: .*white space.*--fix"):
        vectors.save(tmp_path / "v.bin")
    for word in ("a\nb", "a\tb", ""):
        with pytest.raises(VectorsError, match="row 1: the word"):
            Vectors([word], np.ones((1, 1))).save(tmp_path / "v.npy")


def test_words_that_are_not_utf8_survive(tmp_path):
    words = [b"\xff\xfe", b"ok", b"cut\xe4\xb8"]
    for name in ("v.npy", "v.safetensors", "v.tsv"):
        Vectors(words, np.eye(3, dtype=np.float32)).save(tmp_path / name)
        assert [load(tmp_path / name).words.table[i] for i in range(3)] == words


def test_numpy_reads_ours(tmp_path):
    vectors = make(50, 8)
    vectors.save(tmp_path / "v.npy")
    assert np.array_equal(np.load(tmp_path / "v.npy", allow_pickle=False), vectors.matrix)
    assert (tmp_path / "v.words.txt").read_text(encoding="utf-8").split("\n")[:-1] == list(vectors.words)


@pytest.mark.parametrize("name", ["v.npy", "v.safetensors"])
def test_numbers_that_were_loaded_stay_when_the_file_is_overwritten_or_cut_short(tmp_path, name):
    vectors = make(5000, 50)
    vectors.save(tmp_path / name)
    found = load(tmp_path / name)
    with open(tmp_path / name, "r+b") as file:
        file.write(bytes(1_000_000))
    assert same(found, vectors)  # a map would show what was written, and end the process where the file is cut
    with open(tmp_path / name, "r+b") as file:
        file.truncate(100)
    assert same(found, vectors)


@pytest.mark.parametrize("name", ["v.npy", "v.safetensors"])
def test_a_file_that_is_cut_short_while_it_is_read_is_an_error(tmp_path, monkeypatch, name):
    import os

    make(5000, 50).save(tmp_path / name)
    read = os.preadv

    def cut(fd, buffers, offset):
        os.truncate(tmp_path / name, 500_000)
        return read(fd, buffers, offset)

    monkeypatch.setattr(os, "preadv", cut)
    with pytest.raises(VectorsError, match=r"byte 500000: the file ends here.*cut short"):
        load(tmp_path / name)


@pytest.mark.parametrize("dtype", ["<f2", "<f4", ">f4", "<f8", ">f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_we_read_numpys(tmp_path, dtype, order):
    matrix = np.asarray(make(20, 5).matrix, dtype, order=order)
    np.save(tmp_path / "v.npy", matrix)
    (tmp_path / "v.words.txt").write_text("".join(f"w{i}\t{i}\r\n" for i in range(20)))
    found = load(tmp_path / "v.npy")
    assert np.array_equal(found.matrix, matrix.astype(np.float32))
    assert list(found.words) == [f"w{i}" for i in range(20)]


def test_the_safetensors_library_reads_ours(tmp_path):
    load_file = pytest.importorskip("safetensors.numpy").load_file
    vectors = make(50, 8)
    vectors.metadata["settings"] = '{"dim": 8}'
    vectors.save(tmp_path / "v.safetensors")
    found = load_file(tmp_path / "v.safetensors")
    assert np.array_equal(found["vectors"], vectors.matrix)
    assert found["words"].tobytes().decode().split("\n")[:-1] == list(vectors.words)
    assert load(tmp_path / "v.safetensors").metadata == {"settings": '{"dim": 8}'}


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_we_read_the_safetensors_librarys_with_words_beside(tmp_path, dtype):
    save_file = pytest.importorskip("safetensors.numpy").save_file
    matrix = make(20, 5).matrix.astype(dtype)
    save_file({"embedding.weight": matrix, "bias": np.ones(3, np.float32)}, tmp_path / "v.safetensors")
    with pytest.raises(VectorsError, match=r"without words.*v\.safetensors\.words\.txt"):
        load(tmp_path / "v.safetensors")
    (tmp_path / "names").write_text("".join(f"w{i}\n" for i in range(20)))
    found = load(tmp_path / "v.safetensors", words=tmp_path / "names")
    assert np.array_equal(found.matrix, matrix.astype(np.float32))


def test_bfloat16_is_read(tmp_path):
    from w2v.safetensors import make_header

    matrix = np.array([[1, -2.5], [0.125, 3]], np.float32)
    halves = (matrix.view(np.uint32) >> 16).astype(np.uint16)
    head = make_header({"vectors": ("BF16", (2, 2)), "words": ("U8", (4,))})
    (tmp_path / "v").write_bytes(head + halves.tobytes() + b"a\nb\n")
    assert np.array_equal(load(tmp_path / "v").matrix, matrix)


def test_projector_files_have_its_shape(tmp_path):
    vectors = make(20, 5)
    vectors.save(tmp_path / "v.tsv")
    rows = (tmp_path / "v.tsv").read_text().split("\n")
    assert rows.pop() == ""
    assert np.array_equal(np.array([row.split("\t") for row in rows], np.float32), vectors.matrix)
    labels = (tmp_path / "v.metadata.tsv").read_text(encoding="utf-8").split("\n")
    assert labels[:-1] == list(vectors.words)  # one column: without a heading


def test_projector_metadata_of_several_columns_is_read(tmp_path):
    (tmp_path / "v.tsv").write_text("1\t0\n0\t1\n")
    (tmp_path / "v.metadata.tsv").write_text("count\tWord\n7\tking\n6\tqueen\n")
    assert list(load(tmp_path / "v.tsv").words) == ["king", "queen"]
    (tmp_path / "g_tensor.tsv").write_text("1\t0\n0\t1\n")  # as gensim's word2vec2tensor names them
    (tmp_path / "g_metadata.tsv").write_text("a\nb\n")
    assert list(load(tmp_path / "g_tensor.tsv").words) == ["a", "b"]


@pytest.mark.parametrize("name", ["v.npy", "v.safetensors"])
def test_half_precision_is_rounded_once_and_read_back(tmp_path, name):
    vectors = make(30, 6)
    vectors.save(tmp_path / name, float16=True)
    assert np.array_equal(load(tmp_path / name).matrix, vectors.matrix.astype(np.float16).astype(np.float32))
    large = Vectors(["a"], np.array([[1e6]], np.float32))
    with pytest.raises(VectorsError, match=r"row 1: .*float16"):
        large.save(tmp_path / name, float16=True)
    with pytest.raises(SettingsError, match="float16: text"):
        vectors.save(tmp_path / "v.txt", float16=True)


@pytest.mark.parametrize("name", ["v.npy", "v.safetensors", "v.tsv"])
def test_a_named_pipe_is_read_to_its_end(tmp_path, name):
    import os

    vectors = make(5000, 50)
    vectors.save(tmp_path / name, words=tmp_path / "words" if name != "v.safetensors" else None)
    data = (tmp_path / name).read_bytes()
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(data,))
    writer.start()
    found = load(tmp_path / "pipe", words=tmp_path / "words" if name != "v.safetensors" else None)
    writer.join()
    assert same(found, vectors)


@pytest.mark.parametrize("name", ["v.npy", "v.safetensors"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_is_named_by_its_row(tmp_path, name, value):
    vectors = make(3000, 3)
    vectors.save(tmp_path / name)
    data = (tmp_path / name).read_bytes()
    at = data.index(vectors.matrix[2000].tobytes())
    (tmp_path / name).write_bytes(data[:at] + np.float32(value).tobytes() + data[at + 4 :])
    with pytest.raises(VectorsError, match=r'row 2001: a number of "word1987" is NaN or infinite'):
        load(tmp_path / name)


def test_numbers_whose_square_is_too_large_are_not_taken_for_infinite(tmp_path):
    vectors = Vectors(["a", "b"], np.array([[1e30, 0], [1, 1]], np.float32))
    vectors.save(tmp_path / "v.npy")
    assert load(tmp_path / "v.npy").norms.tolist() == [pytest.approx(1e30), pytest.approx(2**0.5)]


def test_words_must_be_as_many_as_rows(tmp_path):
    make(5, 2).save(tmp_path / "v.npy")
    (tmp_path / "v.words.txt").write_text("a\nb\n")
    with pytest.raises(VectorsError, match=r"v\.words\.txt: line 3: .*5 rows"):
        load(tmp_path / "v.npy")
    (tmp_path / "v.words.txt").write_text("a\n\nb\nc\nd\n")
    with pytest.raises(VectorsError, match="line 2: there is no word"):
        load(tmp_path / "v.npy")
    (tmp_path / "v.words.txt").unlink()
    with pytest.raises(VectorsError, match=r"without words; put the words into .*v\.words\.txt, one per line"):
        load(tmp_path / "v.npy")


NPY = npy_header("<f4", 3, 2)
HOSTILE_NPY = {
    "magic alone": NPY[:6],
    "header cut": NPY[:40],
    "header length past the end": NPY[:8] + b"\xff\xff" + NPY[10:],
    "unknown version": NPY[:6] + b"\x09" + NPY[7:] + bytes(24),
    "version 2 with a long header": NPY[:6] + b"\x02\x00\xff\xff\xff\xff" + NPY[10:],
    "code in the header": NPY.replace(b"'<f4'", b"exit") + bytes(24),
    "objects": NPY.replace(b"'<f4'", b"'|O8'") + bytes(24),
    "integers": NPY.replace(b"'<f4'", b"'<i4'") + bytes(24),
    "a record": NPY.replace(b"'<f4'", b"[('a','<f4')]") + bytes(24),
    "half of a type": NPY.replace(b"'<f4'", b"'<f3'") + bytes(24),
    "one dimension": NPY.replace(b"(3, 2)", b"(6,)  ") + bytes(24),
    "three dimensions": NPY.replace(b"(3, 2)", b"(3,2,1)") + bytes(24),
    "no columns": NPY.replace(b"(3, 2)", b"(3, 0)") + bytes(24),
    "negative": NPY.replace(b"(3, 2)", b"(-3,2)") + bytes(24),
    "more rows than bytes": NPY.replace(b"(3, 2)", b"(3333333333, 2)") + bytes(24),
    "rows that overflow": NPY.replace(b"(3, 2)", b"(4611686018427387905, 4)") + bytes(24),
    "numbers cut": NPY + bytes(23),
    "bytes after the end": NPY + bytes(25),
}


@pytest.mark.parametrize("data", HOSTILE_NPY.values(), ids=HOSTILE_NPY)
@pytest.mark.parametrize("packed", [False, True])
def test_hostile_npy_is_refused_in_bounded_memory(tmp_path, data, packed):
    (tmp_path / "v.words.txt").write_text("a\nb\nc\n")
    (tmp_path / "v.npy").write_bytes(gzip.compress(data) if packed else data)
    tracemalloc.start()
    try:
        with pytest.raises(VectorsError, match=r"v\.npy: byte"):
            load(tmp_path / "v.npy")
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()


def tensors(fields: dict, data: bytes) -> bytes:
    text = json.dumps(fields).encode()
    return len(text).to_bytes(8, "little") + text + data


def tensor(dtype: str, shape: list, begin: int, end: int) -> dict:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


MATRIX = tensor("F32", [2, 2], 0, 16)
HOSTILE_TENSORS = {
    "no matrix": tensors({"words": tensor("U8", [4], 0, 4)}, b"a\nb\n"),
    "two matrices": tensors({"a": MATRIX, "b": tensor("F32", [2, 2], 16, 32)}, bytes(32)),
    "integers": tensors({"vectors": tensor("I32", [2, 2], 0, 16)}, bytes(16)),
    "one dimension": tensors({"vectors": tensor("F32", [4], 0, 16)}, bytes(16)),
    "no columns": tensors({"vectors": tensor("F32", [2, 0], 0, 0)}, b""),
    "too few words": tensors({"vectors": MATRIX, "words": tensor("U8", [2], 16, 18)}, bytes(16) + b"a\n"),
    "too many words": tensors({"vectors": MATRIX, "words": tensor("U8", [6], 16, 22)}, bytes(16) + b"a\nb\nc\n"),
    "words without an end": tensors({"vectors": MATRIX, "words": tensor("U8", [5], 16, 21)}, bytes(16) + b"a\nb\nc"),
    "an empty word": tensors({"vectors": MATRIX, "words": tensor("U8", [3], 16, 19)}, bytes(16) + b"a\n\n"),
    "a word twice": tensors({"vectors": MATRIX, "words": tensor("U8", [4], 16, 20)}, bytes(16) + b"a\na\n"),
    "no columns but many rows": tensors(
        {"vectors": tensor("F32", [1 << 61, 0], 0, 0), "words": tensor("U8", [2], 0, 2)}, b"a\n"
    ),
    "numbers cut": tensors({"vectors": MATRIX}, bytes(15)),
    "bytes after the end": tensors({"vectors": MATRIX, "words": tensor("U8", [4], 16, 20)}, bytes(16) + b"a\nb\nx"),
}


@pytest.mark.parametrize("data", HOSTILE_TENSORS.values(), ids=HOSTILE_TENSORS)
@pytest.mark.parametrize("packed", [False, True])
def test_hostile_safetensors_is_refused_in_bounded_memory(tmp_path, data, packed):
    (tmp_path / "v").write_bytes(gzip.compress(data) if packed else data)
    tracemalloc.start()
    try:
        with pytest.raises(VectorsError, match=str(tmp_path / "v")):
            load(tmp_path / "v")
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("1\t2\n3\n", "only 1 numbers"),
        ("1\t2\n3\t4\t5\n", "more numbers"),
        ("1\t2\n3\tx\n", "cannot be read"),
        ("1\t2\nnan\t1\n", "NaN"),
        ("1\t2\n\n3\t4\n", "only 0 numbers"),
    ],
)
def test_hostile_projector_file_is_refused_by_its_line(tmp_path, text, what):
    (tmp_path / "v.tsv").write_text(text)
    (tmp_path / "v.metadata.tsv").write_text("a\nb\nc\n")
    with pytest.raises(VectorsError, match=rf"v\.tsv: row 2 \(line 2, byte 4\): .*{what}"):
        load(tmp_path / "v.tsv")


@pytest.mark.parametrize("name", ["v.npy", "v.safetensors", "v.tsv"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(noise=st.binary(max_size=12), at=st.integers(0, 400), packed=st.booleans())
def test_a_mutated_file_gives_vectors_or_an_error(tmp_path, name, noise, at, packed):
    vectors = make(13, 4)
    vectors.save(tmp_path / name)
    data = bytearray((tmp_path / name).read_bytes())
    at %= len(data)
    data[at : at + len(noise)] = noise
    (tmp_path / name).write_bytes(gzip.compress(bytes(data)) if packed else data)
    try:
        found = load(tmp_path / name)
    except VectorsError:
        return
    assert np.isfinite(found.matrix).all()
    assert len(found.words) == len(found.matrix)


def test_standard_output_takes_two_file_formats_only_with_a_place_for_the_words():
    from w2v.vectors.formats.write import format_of

    assert format_of("-", "safetensors").name == "safetensors"
    with pytest.raises(SettingsError, match="second file for the words"):
        format_of("-", "npy")
    assert format_of("-", "npy", "words.txt").name == "npy"


KILL = """
import os, sys
from w2v.vectors.vectors import Vectors

left = int(sys.argv[2])
for name in ("rename", "replace", "link", "unlink"):
    def call(*arguments, real=getattr(os, name), **more):
        global left
        left -= 1
        if not left:
            os._exit(9)
        return real(*arguments, **more)
    setattr(os, name, call)
Vectors(["new0", "new1", "new2"], [[7, 7], [8, 8], [9, 9]]).save(sys.argv[1])
"""


@pytest.mark.parametrize("name", ["v.npy", "v.tsv"])
def test_numbers_are_never_read_with_the_words_of_another_save(tmp_path, name):
    """Killed before each of the calls that move files: the old pair, the new one, or an error."""
    import subprocess
    import sys

    new = Vectors(["new0", "new1", "new2"], [[7, 7], [8, 8], [9, 9]])
    found = []
    for number in range(1, 20):
        folder = tmp_path / str(number)
        folder.mkdir()
        make(3, 2).save(folder / name)
        done = subprocess.run([sys.executable, "-c", KILL, str(folder / name), str(number)], cwd=folder, check=False)
        try:
            one = load(folder / name)
            assert same(one, make(3, 2)) or same(one, new)
            found.append("new" if same(one, new) else "old")
        except VectorsError as error:
            assert "holds numbers without words" in str(error)
            found.append("error")
        if done.returncode == 0:
            break
    assert (done.returncode, found[-1]) == (0, "new")
    assert set(found) >= {"old", "new", "error"}


@pytest.mark.parametrize(("size", "read"), [(4096, True), (4097, False)])
def test_the_header_of_an_array_has_at_most_4096_bytes(tmp_path, size, read):
    text = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }"
    header = b"\x93NUMPY\x02\x00" + size.to_bytes(4, "little") + text.ljust(size - 1) + b"\n"
    (tmp_path / "v.npy").write_bytes(header + np.array([1, 2], "<f4").tobytes())
    (tmp_path / "v.words.txt").write_text("a\n")
    if read:
        assert load(tmp_path / "v.npy").matrix.tolist() == [[1, 2]]
    else:
        with pytest.raises(VectorsError, match="byte 6: the header of the array"):
            load(tmp_path / "v.npy")


def test_more_rows_may_be_asked_for_than_there_are(tmp_path):
    for name in ("v.npy", "v.safetensors", "v.bin", "v.txt"):
        make(3, 2, 1).save(tmp_path / name)
        assert len(load(tmp_path / name, limit=3)) == len(load(tmp_path / name, limit=4)) == 3
        assert len(load(tmp_path / name, limit=2)) == 2
