"""Each target takes any bytes and raises where w2v does what it may not: anything but an answer or its own error.

`TARGETS` has name -> (function, seeds). tests/test_fuzzing.py runs them on their seeds and on all that was ever found.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import struct
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
for folder in ("corpus", "vectors", "training"):  # two have a reference.py: the encoder's is meant
    sys.path.append(str(ROOT / "tests" / folder))

import hostile  # noqa: E402
import reference  # noqa: E402
from runs import joined, rest_after  # noqa: E402

from w2v.corpus import reader  # noqa: E402
from w2v.corpus.config import CorpusConfig  # noqa: E402
from w2v.corpus.reader import read_corpus  # noqa: E402
from w2v.corpus.sequences import encode_sequences  # noqa: E402
from w2v.corpus.sources import check_text  # noqa: E402
from w2v.errors import CorpusError, TrainingError, VectorsError  # noqa: E402
from w2v.files import compression_of  # noqa: E402
from w2v.training.checkpoint import Checkpoint  # noqa: E402
from w2v.training.checkpointing import Checkpointer  # noqa: E402
from w2v.training.config import TrainConfig  # noqa: E402
from w2v.training.trainer import Trainer  # noqa: E402
from w2v.vectors.formats.load import recognised  # noqa: E402
from w2v.vectors.vectors import Vectors, load  # noqa: E402

MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # where files cost no disk
BLOCKS = (1, 2, 3, 7, 64, 4096)
SLOW_READERS = {"bin": hostile.read_binary, "text": hostile.read_text}


@cache
def place() -> Path:
    """A file of this process."""
    folder = tempfile.TemporaryDirectory(prefix="w2v-fuzz-", dir=MEMORY)
    place.folder = folder  # it lives as long as the process
    return Path(folder.name) / "file"


@cache
def names() -> Path:
    """Words for formats that hold none."""
    path = place().with_name("words")
    path.write_bytes(b"".join(b"%d\n" % i for i in range(1000)))
    return path


def outcome(source: str | os.PathLike[str] | BinaryIO) -> list[tuple[bytes, bytes]] | str:
    """The rows of a file, or the one line that refuses it."""
    try:
        vectors = load(source, threads=1, words=names())
    except VectorsError as error:
        assert "\n" not in str(error), error
        return str(error)
    assert np.isfinite(vectors.matrix).all()
    table = vectors.words.table
    return [(table[row], vectors.matrix[row].tobytes()) for row in range(len(vectors))]


def vectors(data: bytes, kinds: tuple[str, ...]) -> None:
    """A file of vectors: the same from the disk and from a pipe, and what a slow reader finds in it."""
    try:
        kind = recognised("v", data[: 1 << 16]).name
    except VectorsError:
        kind = ""
    if kind and kind not in kinds:
        return
    place().write_bytes(data)
    plain, stream = outcome(place()), outcome(io.BytesIO(data))
    assert isinstance(plain, str) == isinstance(stream, str), (plain, stream)
    if kind not in SLOW_READERS:
        assert isinstance(plain, str) or plain == stream
        return
    try:
        wanted = SLOW_READERS[kind](data)
    except hostile.Refused:
        assert isinstance(plain, str), plain
        return
    assert plain == stream == [(word, values.tobytes()) for word, values in wanted]


def text(data: bytes) -> None:
    vectors(data, ("text", "glove", "projector"))


def binary(data: bytes) -> None:
    vectors(data, ("bin",))


def safetensors(data: bytes) -> None:
    vectors(data, ("safetensors", "npy"))


def fasttext(data: bytes) -> None:
    vectors(data, ("fasttext",))


def encoder(data: bytes) -> None:
    """Two bytes that choose how the corpus is read, and the corpus: the encoder equals its reference."""
    if len(data) < 2:
        return
    choice, corpus = data[0] | data[1] << 8, data[2:]
    config = CorpusConfig(min_count=1 + (choice >> 3) % 2, whitespace=("unicode", "ascii")[(choice >> 4) % 2])
    try:
        check_text(corpus, "")
    except CorpusError:
        return
    if compression_of(corpus) is not None:
        return
    place().write_bytes(corpus)
    with one_after_another():
        compare(corpus, choice, config)


def compare(corpus: bytes, choice: int, config: CorpusConfig) -> None:
    block_size = BLOCKS[choice % 6]
    words, counts, ids = reference.encode([corpus], config.min_count, config.whitespace)
    try:
        found = read_corpus([place()], config, threads=1 + (choice >> 5) % 3, block_size=block_size)
    except CorpusError:
        assert len(words) < 2, words
        return
    assert found.vocab.words == words
    assert found.vocab.counts.tolist() == counts
    assert found.ids.tolist() == ids
    assert found.token_counts.nul_bytes == corpus.count(0)
    found.token_counts.check()


@contextlib.contextmanager
def one_after_another() -> Iterator[None]:
    """The threads of the reader, in this thread: ten times as many inputs. The tests have real ones."""

    def run(works: Sequence[Callable[[], object]], **_: object) -> None:
        # Who reads a stream before who waits for it.
        for work in sorted(works, key=lambda work: getattr(work, "__name__", "") != "read_streams"):
            work()

    threaded, reader.run_all = reader.run_all, run
    try:
        yield
    finally:
        reader.run_all = threaded


@cache
def small_run() -> tuple:
    """A corpus and settings whose training takes a millisecond."""
    sentences = [["a", "b", "c", "d"], ["b", "a"], ["c", "a", "b"]] * 8
    corpus = encode_sequences(sentences, CorpusConfig(min_count=1))
    return corpus, TrainConfig(dim=2, epochs=3, threads=1, sample=0.5, negative_pool=4, lr=0.01)


@cache
def good_checkpoint() -> bytes:
    """A run that has rested within its second epoch."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        checkpointer = Checkpointer(Path(folder) / "c")
        assert rest_after(Trainer(*small_run()), 3, checkpointer) is None
        return Path(checkpointer.path).read_bytes()


def checkpoint(data: bytes) -> None:
    """A checkpoint, or (behind a 0) changes to a good one: refused, or gone on from to the end of the run."""
    corpus, config = small_run()
    place().write_bytes(changed(data[1:]) if data[:1] == b"\0" else data)
    try:
        with Checkpoint(place()) as found:
            found.check_settings(config)
            trainer = Trainer(corpus, config, found)
        result = trainer.run()
    except TrainingError as error:  # CheckpointError, or values so large that the training diverges
        assert "\n" not in str(error), error
        return
    assert np.isfinite(result.vectors.matrix).all()
    assert result.summary.tokens_total == 3 * corpus.token_counts.kept


def changed(data: bytes) -> bytes:
    """The good checkpoint with changes: each a byte that says where, two that say how far in, one that says how many
    bytes, and the bytes; the header stays JSON where a whole value is replaced, and the checksums fit."""
    good = good_checkpoint()
    size = int.from_bytes(good[:8], "little")
    header, tensors = json.loads(good[8 : 8 + size]), bytearray(good[8 + size :])
    state = json.loads(header["__metadata__"]["state"])
    while len(data) >= 4:
        where, at, count = struct.unpack_from("<BHB", data)
        piece, data = data[4 : 4 + count], data[4 + count :]
        if where % 3 == 0:
            at %= len(tensors)
            tensors[at : at + len(piece)] = piece[: len(tensors) - at]
        else:
            replace(state if where % 3 == 1 else header, at, piece)
    header["__metadata__"]["state"] = json.dumps(state)
    return joined(header, bytes(tensors))


def replace(tree: Any, at: int, piece: bytes) -> None:
    """The at-th value of a tree of JSON, replaced by what `piece` is as JSON, or by its text."""
    places = []

    def walk(node: Any) -> None:
        for key in sorted(node) if isinstance(node, dict) else range(len(node)):
            places.append((node, key))
            if isinstance(node[key], (dict, list)):
                walk(node[key])

    walk(tree)
    node, key = places[at % len(places)]
    if isinstance(node[key], dict) and "format" in node[key]:
        return  # what holds the state
    try:
        node[key] = json.loads(piece)
    except (ValueError, RecursionError):
        node[key] = piece.decode("latin-1")


def saved() -> list[bytes]:
    """Two small vectors in safetensors, and as NumPy writes them."""
    matrix = np.array([[1, -0.5], [2e-9, 3]], np.float32)
    first, second = io.BytesIO(), io.BytesIO()
    Vectors([b"the", "서울".encode()], matrix).save(first, "safetensors")
    np.save(second, matrix)
    return [first.getvalue(), second.getvalue()]


def models() -> list[bytes]:
    """A fastText model without n-grams, and one with them."""
    from w2v.vectors._ngrams import FloatRows
    from w2v.vectors.subwords import Subwords

    plain = Vectors([b"the", "서울".encode()], np.array([[1, -0.5], [2e-9, 3]], np.float32))
    first, second = io.BytesIO(), io.BytesIO()
    plain.save(first, "fasttext")
    plain.subwords = Subwords(2, 3, 4, FloatRows(np.arange(8, dtype=np.float32).reshape(4, 2)))
    plain.save(second, "fasttext")
    return [first.getvalue(), second.getvalue()]


ROWS = [(b"the", [1.0, 2.0]), ("서울".encode(), [-1e-5, 0.25]), (b"\xff", [0.0, 3e38])]
TARGETS: dict[str, tuple[Callable[[bytes], None], Callable[[], list[bytes]]]] = {
    "text": (text, lambda: [hostile.text(ROWS), hostile.text(ROWS[:1]), b"the 1 2\nof 3 4e-5\n", b"1\t2\n3\t4\n"]),
    "binary": (binary, lambda: [hostile.binary(ROWS), hostile.binary(ROWS, b""), hostile.binary(ROWS[:1])]),
    "safetensors": (safetensors, saved),
    "fasttext": (fasttext, models),
    "checkpoint": (checkpoint, lambda: [good_checkpoint(), b"\0", b"\0\x01\x05\0\x012", b"\0\0\x10\0\x04\0\0\x80\x7f"]),
    "encoder": (
        encoder,
        lambda: [
            b"\0\0a b a\n",
            b"\x2b\0\xef\xbb\xbfa\xe2\x80\xa8b \xc2\xa0c\0\r\na b\n",
            b"\x04\0" + b"x" * 1024 + b" " + b"y" * 1025 + b" x y\n" * 3,
        ],
    ),
}
