"""What C code allocates is freed: the bytes that the C library has given out are as many after ten turns as before."""

from __future__ import annotations

import ctypes
import gc
import io
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import w2v
from w2v.corpus.config import CorpusConfig
from w2v.corpus.reader import read_corpus
from w2v.errors import W2VError
from w2v.vectors.query import VectorFile


class Given(ctypes.Structure):
    """struct mallinfo2 of glibc 2.33."""

    _fields_ = [(name, ctypes.c_size_t) for name in (
        "arena", "ordblks", "smblks", "hblks", "mapped", "usmblks", "fsmblks", "given", "fordblks", "keepcost",
    )]  # fmt: skip


def bytes_given() -> int:
    gc.collect()
    library = ctypes.CDLL(None)
    library.mallinfo2.restype = Given
    found = library.mallinfo2()
    return found.given + found.mapped


draw = random.Random(1)
WORDS = [f"{'long' * (number % 30)}{number}" for number in range(3000)]
TEXT = "".join(" ".join(draw.choices(WORDS, k=12)) + "\n" for _ in range(3000))
VECTORS = w2v.Vectors(WORDS, np.random.default_rng(1).normal(size=(len(WORDS), 10)))


def counted(folder, **settings):
    read_corpus([folder / "corpus.txt"], CorpusConfig(min_count=1, **settings), threads=2)


def refused(call: Callable[[], object]) -> None:
    with pytest.raises(W2VError):
        call()


def asked(path):
    with VectorFile(path) as file:
        file.similar([WORDS[5]], 3)
        file.similar([WORDS[7]], 3)


TURNS: dict[str, Callable] = {
    "corpus": counted,
    "corpus, many words": lambda folder: read_corpus([folder / "many.txt"], CorpusConfig(min_count=1), threads=1),
    "corpus, few words": lambda folder: counted(folder, max_vocab=100),
    "phrases": lambda folder: counted(folder, phrases=2, phrase_threshold=0.1, phrase_min_count=1),
    "lists": lambda folder: w2v.train(
        [line.split() for line in TEXT.splitlines()[:300]], dim=5, epochs=1, min_count=1, threads=2
    ),
    "hs": lambda folder: w2v.train(folder / "corpus.txt", dim=5, epochs=1, loss="hs", threads=2),
    "cbow": lambda folder: w2v.train(folder / "corpus.txt", dim=5, epochs=1, model="cbow", threads=2, hot_rows=10),
    "subwords": lambda folder: w2v.train(
        folder / "corpus.txt", dim=5, epochs=1, subwords="3-4", buckets=999, threads=2
    ),
    "binary": lambda folder: w2v.load(folder / "v.bin", threads=2),
    "binary, a few rows": lambda folder: w2v.load(folder / "v.bin", limit=9, threads=2),
    "binary, cut": lambda folder: refused(lambda: w2v.load(folder / "cut.bin", threads=2)),
    "binary stream": lambda folder: w2v.load(io.BytesIO((folder / "v.bin").read_bytes())),
    "text": lambda folder: w2v.load(folder / "v.txt", threads=2),
    "text, cut": lambda folder: refused(lambda: w2v.load(folder / "cut.txt", threads=2)),
    "text stream": lambda folder: w2v.load(io.BytesIO((folder / "v.txt").read_bytes())),
    "fasttext": lambda folder: w2v.load(folder / "m.ftbin", threads=2)["unseen"],
    "asked of binary": lambda folder: asked(folder / "v.bin"),
    "asked of text": lambda folder: asked(folder / "v.txt"),
    "asked of fasttext": lambda folder: asked(folder / "m.ftbin"),
    "nearest": lambda folder: VECTORS.query(WORDS[3], 500),
    "words": lambda folder: [VECTORS.words.table.take(range(0, 3000, 2)), w2v.Vectors(WORDS, VECTORS.matrix)],
}


def grown_by(turn: Callable[[], object]) -> int:
    before = bytes_given()
    for _ in range(10):
        turn()
    return bytes_given() - before


def grown(folder: Path) -> dict[str, int]:
    """Turn -> bytes that are left of ten of them: the least of three times (caches grow as well)."""
    (folder / "corpus.txt").write_text(TEXT)
    many = (f"{number:050}" + (" " if number % 9 else "\n") for number in range(70_000))  # more than a large page
    (folder / "many.txt").write_text("".join(many))
    for name in ("v.bin", "v.txt"):
        VECTORS.save(folder / name)
    w2v.train(folder / "corpus.txt", dim=5, epochs=1, min_count=1, subwords="3-4", buckets=999).save(folder / "m.ftbin")
    for kind in ("bin", "txt"):
        (folder / f"cut.{kind}").write_bytes((folder / f"v.{kind}").read_bytes()[:-20])
    found = {}
    for name, turn in TURNS.items():
        for _ in range(3):
            turn(folder)
        found[name] = min(grown_by(lambda: turn(folder)) for _ in range(3))  # noqa: B023
    return found


@pytest.fixture(scope="module")
def left(tmp_path_factory):
    """Of a process of its own, all of whose threads share one arena: no other one is counted."""
    done = subprocess.run(
        [sys.executable, "-P", __file__, tmp_path_factory.mktemp("leaks")],
        env={**os.environ, "MALLOC_ARENA_MAX": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="glibc 2.33")
@pytest.mark.parametrize("turn", TURNS)
def test_what_is_allocated_is_freed(left, turn):
    assert left[turn] < 5000


if __name__ == "__main__":
    print(json.dumps(grown(Path(sys.argv[1]))))
