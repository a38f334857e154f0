"""`w2v embed` beside loops in Python: seconds and peak memory for lines cut from a text.

    python scripts/study_embed.py VECTORS TEXT [--lines 1000000]

Each way runs in a process of its own, reads the same file and writes the same .npy. The table is for docs/embedding.md.
"""

from __future__ import annotations

import argparse
import multiprocessing
import multiprocessing.connection
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np


def make_lines(text: Path, lines: Path, count: int) -> None:
    """Lines of 5 to 25 words, cut from the text one after the other, from its start again where it ends."""
    words = text.read_text(encoding="utf-8").split()
    lengths, at = random.Random(1), 0
    with lines.open("w", encoding="utf-8") as out:
        for _ in range(count):
            length = lengths.randint(5, 25)
            at = 0 if at + length > len(words) else at
            out.write(" ".join(words[at : at + length]) + "\n")
            at += length


def tokens(lines: Path) -> Iterator[list[str]]:
    with lines.open(encoding="utf-8") as file:
        for line in file:
            yield line.split()


def numpy_loop(vectors: Path, lines: Path, out: Path) -> None:
    """The mean of a dictionary's rows."""
    import w2v

    loaded = w2v.load(vectors)
    row = {word: i for i, word in enumerate(loaded.words)}
    made = []
    for line in tokens(lines):
        found = [row[word] for word in line if word in row]
        made.append(loaded.matrix[found].mean(axis=0) if found else np.zeros(loaded.dim, np.float32))
    np.save(out, np.array(made))


def gensim_loop(vectors: Path, lines: Path, out: Path) -> None:
    """gensim's get_mean_vector."""
    from gensim.models import KeyedVectors

    loaded = KeyedVectors.load_word2vec_format(str(vectors), binary=True)
    made = []
    for line in tokens(lines):
        try:
            made.append(loaded.get_mean_vector(line, pre_normalize=False))
        except ValueError:  # no word is known
            made.append(np.zeros(loaded.vector_size, np.float32))
    np.save(out, np.array(made))


def command(*options: str) -> Callable[[Path, Path, Path], None]:
    def run(vectors: Path, lines: Path, out: Path) -> None:
        program = Path(sys.executable).with_name("w2v")
        subprocess.run([program, "embed", vectors, lines, "-o", out, "-q", *options], check=True)

    return run


WAYS = {
    "w2v embed": command(),
    "w2v embed, 1 thread": command("--threads", "1"),
    "w2v embed --sif": command("--sif"),
    "NumPy, a line at a time": numpy_loop,
    "gensim get_mean_vector": gensim_loop,
}


def measured(way: str, vectors: Path, lines: Path, out: Path) -> tuple[float, int, np.ndarray]:
    """(seconds, peak bytes, the first rows)."""

    def work(pipe: multiprocessing.connection.Connection) -> None:
        start = time.perf_counter()
        WAYS[way](vectors, lines, out)
        peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        pipe.send((time.perf_counter() - start, peak * 1024))

    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=work, args=(there,))
    process.start()
    seconds, peak = here.recv()
    process.join()
    return seconds, peak, np.load(out, mmap_mode="r")[:1000].copy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("vectors", type=Path, help="a word2vec binary file")
    parser.add_argument("text", type=Path)
    parser.add_argument("--lines", type=int, default=1_000_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "lines.txt"
        make_lines(given.text, lines, given.lines)
        print(f"| {given.lines:,} lines | seconds | peak MB |\n| --- | --: | --: |")
        first = None
        for way in WAYS:
            seconds, peak, rows = measured(way, given.vectors, lines, Path(folder) / "rows.npy")
            first = rows if first is None else first
            same = "" if "--sif" in way or np.allclose(rows, first, atol=1e-5) else " (other numbers)"
            print(f"| {way}{same} | {seconds:.1f} | {peak / 1e6:.0f} |", flush=True)


if __name__ == "__main__":
    main()
