"""The checkpoint file: safetensors that others read, whole or not there, and nothing in it is trusted."""

from __future__ import annotations

import json
import random
import tracemalloc

import numpy as np
import pytest

from w2v.errors import CheckpointError, W2VError
from w2v.safetensors import MAX_HEADER
from w2v.training.checkpoint import Checkpoint, write_checkpoint
from w2v.training.checkpointing import Checkpointer
from w2v.training.tensors import TensorFile
from w2v.training.trainer import Trainer

from .runs import config, corpus, joined, rest_after


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> bytes:
    """A checkpoint in the middle of the second epoch."""
    path = tmp_path_factory.mktemp("good") / "c"
    assert rest_after(Trainer(corpus(), config()), 110, Checkpointer(path)) is None
    return path.read_bytes()


def load(path) -> Trainer:
    with Checkpoint(path) as checkpoint:
        return Trainer(corpus(), config(), checkpoint)


def parts(data: bytes) -> tuple[dict, bytes]:
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def refused(path, data: bytes, match: str = ".") -> None:
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match=match) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_the_safetensors_library_reads_a_checkpoint(good, tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy")
    tensors = safetensors.load(good)
    trainer = load(write(tmp_path, good))
    assert np.array_equal(tensors["vectors"], trainer.model.inputs[:, :12])
    assert np.array_equal(tensors["outputs"], trainer.model.outputs[:, :12])
    assert np.array_equal(tensors["counts"], corpus().vocab.counts)
    ends = np.cumsum(tensors["word_lengths"])
    packed = tensors["words"].tobytes()
    starts = [0, *ends[:-1]]
    assert [packed[a:b] for a, b in zip(starts, ends, strict=True)] == corpus().vocab.words


def write(folder, data: bytes):
    path = folder / "c"
    path.write_bytes(data)
    return path


def test_a_checkpoint_holds_all_that_is_needed_to_go_on(good, tmp_path):
    header, _ = parts(good)
    state = json.loads(header["__metadata__"]["state"])
    assert state["train"]["dim"] == 12
    assert state["train"]["seed"] == 1
    assert state["digest"] == corpus().digest()
    assert state["epoch"] == 1
    assert 0 < state["lr"] < 0.025
    assert state["w2v"]
    trainer = load(write(tmp_path, good))
    assert trainer.state.epoch == 1
    assert trainer.state.totals().tokens == state["tokens_done"]
    assert len(trainer.state.epoch_losses) == 1
    assert trainer.state.seconds > 0


def test_tensors_are_aligned_and_cover_the_file(good):
    header, data = parts(good)
    del header["__metadata__"]
    end = 0
    for entry in sorted(header.values(), key=lambda e: e["data_offsets"]):
        width = {"U8": 1, "I32": 4, "F32": 4, "I64": 8, "U64": 8, "F64": 8}[entry["dtype"]]
        assert entry["data_offsets"][0] == end
        assert end % width == 0
        end = entry["data_offsets"][1]
    assert end == len(data)
    assert (len(good) - len(data)) % 8 == 0


def test_a_checkpoint_cut_short_anywhere_is_refused(good, tmp_path):
    draw = random.Random(1)
    for size in [0, 1, 7, 8, 9, 10, len(good) - 1, *(draw.randrange(len(good)) for _ in range(40))]:
        refused(tmp_path / "c", good[:size])
    refused(tmp_path / "c", good + b"\0", "continues after its last tensor")


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"\xff" * 8 + b"{}" * 50, "not a checkpoint, or cut or damaged at its start"),
        ((MAX_HEADER + 1).to_bytes(8, "little") + b"{" + b" " * MAX_HEADER + b"}", "the header claims"),
        (joined(b"{" + b"[" * 100_000, b""), "header cannot be read"),
        (joined(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", b""), "header cannot be read"),
        (joined(b'{"a":' + b"9" * 100_000 + b"}", b""), "header cannot be read"),
        (joined(b"[]", b""), "not a checkpoint"),
        (joined(b"{}", b""), "not a 'w2v checkpoint 2'"),
        (joined(b'{"__metadata__":{"format":1}}', b""), "not text"),
        (joined(b'{"a":{},"a":{}}', b""), "twice"),
        (b"a corpus of words and words and words\n" * 100, "not a checkpoint"),
        (b"\x80\x04\x95" + b"x" * 100, "not a checkpoint"),
    ],
)
def test_what_is_no_checkpoint_is_refused(tmp_path, data, match):
    refused(tmp_path / "c", data, match)


@pytest.mark.parametrize(
    "change",
    [
        {"dtype": "F16"},
        {"dtype": 4},
        {"shape": [-1, 12]},
        {"shape": [1 << 40, 1 << 40]},
        {"shape": "12"},
        {"shape": [49.0, 12]},
        {"shape": [True, 12]},
        {"shape": [0, 1 << 61]},
        {"data_offsets": [0]},
        {"data_offsets": [0, 1 << 62]},
        {"data_offsets": [-8, 0]},
        {"data_offsets": None},
    ],
    ids=str,
)
def test_a_header_that_lies_about_a_tensor_is_refused(good, tmp_path, change):
    header, data = parts(good)
    header["vectors"] = {**header["vectors"], **change}
    refused(tmp_path / "c", joined(header, data), "tensor 'vectors'|tensor vectors|overlap")


def test_missing_and_overlapping_tensors_are_refused(good, tmp_path):
    header, data = parts(good)
    for name in [n for n in header if n != "__metadata__"]:
        refused(tmp_path / "c", joined({n: e for n, e in header.items() if n != name}, data))
    header["outputs"]["data_offsets"] = header["vectors"]["data_offsets"]
    refused(tmp_path / "c", joined(header, data), "overlap or leave gaps")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epoch", -1),
        ("epoch", 7),
        ("epoch", 1.5),
        ("epoch", 0),
        ("seconds", "1"),
        ("seconds", -1),
        ("tokens_per_epoch", None),
        ("digest", 5),
        ("train", []),
        ("train", {}),
        ("corpus", "x"),
        ("epoch_start", {}),
        ("carried", {"loss": 1}),
        ("carried", None),
        ("workers", None),
        ("workers", []),
        ("workers", [{}]),
        ("workers", [{"random": 1.5}]),
        ("workers", [{"random": 1 << 64}]),
        ("carried", {"trained": 1, "subsampled": 0, "alone": 0, "examples": 0, "loss": 0.0}),
        ("carried", {"trained": -1, "subsampled": 1, "alone": 0, "examples": 0, "loss": 0.0}),
        ("carried", {"trained": 0, "subsampled": 0, "alone": 0, "examples": 0, "loss": float("nan")}),
        ("best_epoch", 0),
        ("best_epoch", 2),
        ("best_epoch", True),
        ("best_epoch", 1.0),
        ("scores", [1]),
        ("scores", {"a": "0.5"}),
        ("scores", {"a": None}),
    ],
    ids=str,
)
def test_a_state_that_cannot_be_is_refused(good, tmp_path, name, value):
    header, data = parts(good)
    state = json.loads(header["__metadata__"]["state"])
    state[name] = value
    header["__metadata__"]["state"] = json.dumps(state)
    refused(tmp_path / "c", joined(header, data))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("trained", -1),
        ("trained", 3),
        ("random", -1),
        ("random", 1 << 63),
        ("examples", -(1 << 60)),
        ("loss_total", 1 << 63),
        ("pool", 3),
    ],
    ids=str,
)
def test_a_worker_that_cannot_be_is_refused(good, tmp_path, name, value):
    header, data = parts(good)
    state = json.loads(header["__metadata__"]["state"])
    state["workers"][0][name] = value
    header["__metadata__"]["state"] = json.dumps(state)
    if (name, value) in (("random", 1 << 63), ("pool", 3)):  # any random state is good; the pool is elsewhere
        load(write(tmp_path, joined(header, data)))
    else:
        refused(tmp_path / "c", joined(header, data))


@pytest.mark.parametrize(
    ("tensor", "type_", "at", "value"),
    [
        ("vectors", "<f4", 100, np.nan),
        ("outputs", "<f4", 3, np.inf),
        ("left", "<i8", 0, -5),
        ("left", "<i8", 0, 1 << 60),
        ("left", "<i8", 1, 3),
        ("worker_pool", "<i4", 2, 5000),
        ("worker_pool", "<i4", 2, -1),
        ("worker_loss", "<f4", 0, 0.0),
        ("worker_loss", "<f4", 0, np.nan),
        ("epoch_losses", "<f8", 0, np.nan),
        ("counts", "<i8", 1, 1),
        ("word_lengths", "<i4", 1, 1 << 30),
        ("words", "<u1", 1, 65),
    ],
    ids=str,
)
def test_a_value_that_cannot_be_is_refused(good, tmp_path, tensor, type_, at, value):
    header, data = parts(good)
    changed = bytearray(data)
    start, stop = header[tensor]["data_offsets"]
    np.frombuffer(changed, np.uint8)[start:stop].view(type_)[at] = value
    refused(tmp_path / "c", joined(header, bytes(changed)))


def test_what_is_left_in_rows_of_one_number_is_refused(good, tmp_path):
    header, data = parts(good)
    header["left"]["shape"] = header["left"]["shape"][::-1]
    refused(tmp_path / "c", joined(header, data))


def test_mutated_checkpoints_give_a_checkpoint_error_or_load(good, tmp_path):
    draw = random.Random(7)
    header_end = 8 + int.from_bytes(good[:8], "little")
    refusals = loaded = 0
    for number in range(300):
        data = bytearray(good)
        for _ in range(draw.randint(1, 3)):
            data[draw.randrange(header_end if number % 3 else len(data))] = draw.randrange(256)
        path = write(tmp_path, bytes(data))
        try:
            load(path)
        except W2VError as error:
            refusals += str(error).startswith(f"{path}: ")
        else:
            loaded += 1
    assert refusals + loaded == 300, "every refusal names the file"
    assert refusals > 100


def test_a_flipped_bit_anywhere_is_refused(good, tmp_path):
    draw = random.Random(11)
    header = 8 + int.from_bytes(good[:8], "little")
    bits = [draw.randrange(8 * header) for _ in range(300)] + [draw.randrange(8 * len(good)) for _ in range(700)]
    for bit in [*range(64), *bits, *range(8 * len(good) - 100, 8 * len(good))]:
        data = bytearray(good)
        data[bit // 8] ^= 1 << bit % 8
        refused(tmp_path / "c", bytes(data))


def resumed(path, settings) -> None:
    with Checkpoint(path) as checkpoint:
        Trainer(corpus(), config(**settings), checkpoint)


@pytest.mark.parametrize("settings", [{"held_out": 0.2, "stop_early": 1}, {"loss": "hs"}, {"threads": 3}], ids=str)
def test_a_flipped_bit_in_any_tensor_is_refused_naming_it(tmp_path, settings):
    path = tmp_path / "c"
    trainer = Trainer(corpus(), config(**settings))
    trainer.run()
    write_checkpoint(path, trainer.state, None)
    with Checkpoint(path) as checkpoint:
        entries = checkpoint._file.entries
    assert len(entries) > 9
    good = path.read_bytes()
    for name, entry in entries.items():
        for place in {entry.begin, entry.begin + entry.size // 2, entry.begin + entry.size - 1} if entry.size else ():
            data = bytearray(good)
            data[place] ^= 16
            path.write_bytes(data)
            with pytest.raises(CheckpointError, match="its checksum is wrong; the file is damaged") as caught:
                resumed(path, settings)
            assert name == "checksums" or f"tensor {name}: " in str(caught.value)


@pytest.mark.parametrize("losses", [[], [0.5], [0.5, 0.4, 0.3], [0.5, np.nan], [np.inf, 0.4]], ids=str)
def test_held_out_losses_that_cannot_be_are_refused(tmp_path, losses):
    trainer = Trainer(corpus(), config(held_out=0.2))
    checkpointer = Checkpointer(tmp_path / "c")
    assert rest_after(trainer, 200, checkpointer) is None
    assert trainer.state.epoch == 2
    resumed(checkpointer.path, {"held_out": 0.2})
    trainer.state.held_out_losses = losses
    assert checkpointer.write(trainer.state)
    with pytest.raises(CheckpointError, match=rf"the held-out losses: {len(losses)} of them after 2 epochs"):
        resumed(checkpointer.path, {"held_out": 0.2})


def test_a_checkpoint_without_checksums_is_refused(good, tmp_path):
    header, data = parts(good)
    start = header.pop("checksums")["data_offsets"][0]
    refused(tmp_path / "c", joined(header, data[:start]), "there are no checksums")


def test_refusing_a_hostile_file_takes_little_memory(good, tmp_path):
    header, data = parts(good)
    hostile = [
        joined({"vectors": {"dtype": "F64", "shape": [1 << 40, 1 << 15], "data_offsets": [0, 1 << 58]}}, b""),
        joined(b'{"a":[' + b"[]," * 300_000 + b"[]]}", b""),
        joined({**header, "vectors": {**header["vectors"], "shape": [1 << 50, 12]}}, data),
    ]
    for text in hostile:
        path = write(tmp_path, text)
        tracemalloc.start()
        with pytest.raises(CheckpointError):
            load(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 4 * len(text) + (64 << 20)


def test_a_file_of_any_kind_of_error_is_named(tmp_path):
    path = write(tmp_path, b"nothing")
    with pytest.raises(W2VError, match="byte 7: the file ends within its header") as caught:
        TensorFile(path)
    assert type(caught.value) is W2VError


def test_a_loss_of_zero_is_one_that_can_be(tmp_path):
    trainer = Trainer(corpus(), config())
    checkpointer = Checkpointer(tmp_path / "c")
    assert rest_after(trainer, 200, checkpointer) is None
    trainer.state.epoch_losses = [0.0] * trainer.state.epoch
    assert checkpointer.write(trainer.state)
    resumed(checkpointer.path, {})
