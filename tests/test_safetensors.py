"""Headers of safetensors files: what the library reads and writes, and what no file may claim."""

from __future__ import annotations

import io
import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from w2v.errors import VectorsError, W2VError
from w2v.safetensors import ITEM_BYTES, MAX_HEADER, is_safetensors, make_header, read_header


def read(data: bytes, size: int | None = -1):
    return read_header("f", io.BytesIO(data).read, len(data) if size == -1 else size, VectorsError)


def file_of(fields: object, data: bytes = b"", text: bytes | None = None) -> bytes:
    text = json.dumps(fields).encode() if text is None else text
    return len(text).to_bytes(8, "little") + text + data


def tensor(shape, offsets, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


def test_header_reads_back_and_tensors_begin_aligned():
    head = make_header({"a": ("F32", (3, 4)), "words": ("U8", (5,))}, {"text": "서울"})
    found = read(head + bytes(53))
    assert found.metadata == {"text": "서울"}
    assert (found.tensors["a"].begin, found.tensors["a"].size, found.tensors["a"].shape) == (len(head), 48, (3, 4))
    assert (found.tensors["words"].begin, found.end) == (len(head) + 48, len(head) + 53)
    assert len(head) % 64 == 0
    assert is_safetensors(head)


def test_the_library_reads_ours():
    load = pytest.importorskip("safetensors.numpy").load
    a, b = np.arange(12, dtype=np.float32).reshape(3, 4), np.arange(5, dtype=np.uint8)
    found = load(make_header({"a": ("F32", a.shape), "b": ("U8", b.shape)}, {"k": "v"}) + a.tobytes() + b.tobytes())
    assert np.array_equal(found["a"], a)
    assert np.array_equal(found["b"], b)


def test_we_read_the_librarys():
    save = pytest.importorskip("safetensors.numpy").save
    arrays = {"x": np.ones((2, 3), np.float16), "y": np.arange(4, dtype=np.int64), "none": np.ones((0, 3), np.float32)}
    data = save(arrays, metadata={"k": "v"})
    found = read(data)
    assert found.metadata == {"k": "v"}
    for name, array in arrays.items():
        entry = found.tensors[name]
        assert entry.shape == array.shape
        assert data[entry.begin : entry.begin + entry.size] == array.tobytes()


GOOD = {"a": tensor([2], [0, 8])}
HOSTILE = {
    "empty": b"",
    "length cut": b"\x05\0\0",
    "length of 2^64 - 1": b"\xff" * 8 + b"{}",
    "length over the limit": (MAX_HEADER + 1).to_bytes(8, "little") + b"{" * (MAX_HEADER + 1),
    "length past the end": (500).to_bytes(8, "little") + b"{}",
    "no JSON": file_of(None, text=b"{nonsense}"),
    "deep JSON": file_of(None, text=b"[" * 100_000),
    "long integer": file_of(None, text=b'{"a":' + b"9" * 10_000 + b"}"),
    "not UTF-8": file_of(None, text=b'{"\xff":1}'),
    "not an object": file_of([1]),
    "name twice": file_of(None, bytes(8), b'{"a":%b,"a":%b}' % ((json.dumps(GOOD["a"]).encode(),) * 2)),
    "metadata not text": file_of({"__metadata__": {"a": 1}}),
    "tensor not described": file_of({"a": 3}),
    "unknown type": file_of({"a": tensor([2], [0, 8], "F99")}, bytes(8)),
    "type is a list": file_of({"a": tensor([2], [0, 8], [])}, bytes(8)),
    "negative shape": file_of({"a": tensor([-2], [0, 8])}, bytes(8)),
    "shape of floats": file_of({"a": tensor([2.0], [0, 8])}, bytes(8)),
    "shape of booleans": file_of({"a": tensor([True], [0, 4])}, bytes(4)),
    "shape that overflows": file_of({"a": tensor([1 << 61, 8], [0, 8])}, bytes(8)),
    "shape that wraps to fit": file_of({"a": tensor([1 << 61, 8], [0, 0])}),
    "offsets past the end": file_of({"a": tensor([1 << 40], [0, 1 << 42])}, bytes(8)),
    "offsets turned round": file_of({"a": tensor([2], [8, 0])}, bytes(8)),
    "three offsets": file_of({"a": tensor([2], [0, 4, 8])}, bytes(8)),
    "overlap": file_of({"a": tensor([2], [0, 8]), "b": tensor([2], [4, 12])}, bytes(12)),
    "gap": file_of({"a": tensor([2], [0, 8]), "b": tensor([2], [12, 20])}, bytes(20)),
    "bytes after the end": file_of(GOOD, bytes(9)),
    "data cut": file_of(GOOD, bytes(7)),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_hostile_header_is_refused_in_bounded_memory(data):
    tracemalloc.start()
    try:
        with pytest.raises(VectorsError, match="f: byte"):
            read(data)
        assert tracemalloc.get_traced_memory()[1] < 4 * len(data) + (64 << 20)
    finally:
        tracemalloc.stop()


def test_from_a_pipe_the_size_need_not_be_known():
    assert read(file_of(GOOD), None).end == len(file_of(GOOD)) + 8


@given(st.binary(max_size=200), st.integers(0, 300))
def test_any_bytes_give_a_header_or_an_error(noise, cut):
    data = bytearray(make_header({"a": ("F32", (2, 2)), "b": ("U8", (3,))}, {"k": "v"}) + bytes(19))
    data[cut % len(data) : cut % len(data) + len(noise)] = noise
    try:
        found = read(bytes(data))
    except VectorsError:
        return
    assert all(found.size <= e.begin <= e.begin + e.size <= len(data) for e in found.tensors.values())


def test_what_could_not_be_read_back_is_not_written():
    with pytest.raises(ValueError, match="F99"):
        make_header({"a": ("F99", (1,))})
    with pytest.raises(
        W2VError, match=r"1,048,6.. bytes, of which at most 1,048,576 are read; make its metadata shorter"
    ):
        make_header({}, {"long": "x" * MAX_HEADER})


def test_metadata_take_no_more_bytes_than_their_text():
    text = "한국어\udcff" * 60_000  # 600 KB, and what is no character
    header = make_header({}, {"long": text})
    assert len(header) < 16 * 60_000
    assert read(header).metadata == {"long": text}


def test_every_type_of_number_has_its_size():
    sizes = {"BOOL": 1, "U8": 1, "I8": 1, "U16": 2, "I16": 2, "F16": 2, "BF16": 2, "U32": 4, "I32": 4, "F32": 4}
    sizes |= {"U64": 8, "I64": 8, "F64": 8}
    assert ITEM_BYTES == sizes


def one_tensor(**more) -> str:
    entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **more}
    return json.dumps({"t": entry})


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (one_tensor(), ""),
        (one_tensor(shape=[1] * 31 + [2]), ""),
        (one_tensor(shape=[1] * 32 + [2]), "tensor 't' has no sound shape or place"),
        (one_tensor(shape=[-2]), "tensor 't' has no sound shape or place"),
        (one_tensor(shape=[2.0]), "tensor 't' has no sound shape or place"),
        (one_tensor(shape=[True, 2]), "tensor 't' has no sound shape or place"),
        (one_tensor(shape=[0, (1 << 62) - 1], data_offsets=[0, 0]), ""),
        (one_tensor(shape=[0, 1 << 62], data_offsets=[0, 0]), "tensor 't' has no sound shape or place"),
        (one_tensor(shape=2), "tensor 't' has no sound shape or place"),
        (one_tensor(data_offsets=[0, 8, 8]), "tensor 't' has no sound shape or place"),
        (one_tensor(data_offsets=[0, 7]), "tensor 't' has another size than its shape"),
        (one_tensor(dtype="F99"), "tensor 't' is of an unknown type"),
        (one_tensor(dtype=32), "tensor 't' is of an unknown type"),
        ('{"t": 5}', "tensor 't' is not described"),
        ('{"' + "t" * 90 + '": 5}', f"tensor '{'t' * 80}' is not described"),
        ('{"t": 5, "t": 6}', "a name occurs twice"),
        ('{"__metadata__": {"a": 1}}', "the metadata are not text"),
        ('{"__metadata__": ["a"]}', "the metadata are not text"),
        ("[1]", "it is not an object"),
    ],
    ids=lambda text: text[:60],
)
def test_a_header_that_cannot_be_is_refused_with_the_reason(text, what):
    data = len(text).to_bytes(8, "little") + text.encode()
    if not what:
        header = read_header("f", io.BytesIO(data).read, None)
        assert header.tensors["t"].begin == header.size == len(data)
        return
    with pytest.raises(W2VError) as caught:
        read_header("f", io.BytesIO(data).read, None)
    assert str(caught.value) == f"f: byte 8: the header cannot be read ({what}); the file is damaged"


@pytest.mark.parametrize(
    ("length", "size", "limit"), [((1 << 20) + 1, None, 1 << 20), (93, 100, 92), (1 << 40, 1 << 50, 1 << 20)]
)
def test_a_header_longer_than_can_be_is_not_read(length, size, limit):
    with pytest.raises(W2VError) as caught:
        read_header("f", io.BytesIO(length.to_bytes(8, "little")).read, size)
    assert str(caught.value) == (
        f"f: byte 0: the header claims {length:,} bytes, at most {limit:,} can be; the file is damaged, cut short, or "
        "not of safetensors"
    )
