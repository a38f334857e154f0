"""Rows of reading, asking and writing: what files and commands take besides training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.runner import Bench, spread

__all__ = ["answer", "encode", "help_", "phrases", "queries", "read_txt", "types", "write_bin", "write_txt"]


def encode(bench: Bench) -> None:
    """Counting and encoding plain text, and from gzip against the decompressor alone."""

    def rate(found: dict[str, Any]) -> float:
        return found["bytes"] / found["seconds"] / 1e6

    for threads in sorted({1, bench.threads}):
        found = [rate(bench.task("w2v_encode", corpus=bench.inputs.wiki(), threads=threads)) for _ in range(bench.runs)]
        bench.report(f"encode {threads} threads", {"w2v": spread(found), "unit": "MB/s"})
    packed = bench.inputs.wiki_gz()
    bench.pair(
        "encode gzip",
        "s",
        lambda: bench.task("w2v_encode", corpus=packed, threads=bench.threads)["seconds"],
        lambda: bench.task("gunzip", corpus=packed)["seconds"],
        peer="decompressor",
        higher=False,
    )


def types(bench: Bench) -> None:
    """Memory of `w2v vocab` and `w2v encode` for 5,000,000 distinct words, beyond that for five, in their own bytes."""
    few, (many, size) = bench.work / "few.txt", bench.inputs.types()
    few.write_text("a b c d e\n" * 2)
    for command in ("vocab", "encode"):
        for threads in sorted({1, bench.threads}):
            options = ["--min-count", "1", "--threads", str(threads), "-o", str(bench.work / f"types.{command}")]
            least = bench.task("usage", words=["w2v", command, str(few), *options])
            found = bench.task("usage", words=["w2v", command, many, *options])
            ratio = (found["memory"] - least["memory"]) / size
            bench.report(f"types: {command}, {threads} threads", {**found, "ratio": ratio})


def phrases(bench: Bench) -> None:
    """`w2v phrases` from a plain text to a text with its phrases joined, whole process."""
    text, out = bench.inputs.wiki(), str(bench.work / "joined.txt")
    size = Path(text).stat().st_size / 1e6
    for threads in sorted({1, bench.threads}):
        found = [
            size / bench.command("w2v", "phrases", text, "-o", out, "--threads", str(threads))
            for _ in range(bench.runs)
        ]
        bench.report(f"phrases {threads} threads", {"w2v": spread(found), "unit": "MB/s"})


def answer(bench: Bench) -> None:
    """First answer of `w2v similar` from a 1,000,000 x 300 .bin, whole process."""
    vectors = bench.inputs.large_vectors()
    bench.pair(
        "answer",
        "s",
        lambda: bench.command("w2v", "similar", vectors, "w100"),
        lambda: bench.task("gensim_answer", vectors=vectors, word="w100")["process_s"],
        higher=False,
    )


def queries(bench: Bench) -> None:
    """10,000 queries in one process against NumPy's matrix product and partition."""
    work = {"vectors": bench.inputs.large_vectors(), "count": 10_000}
    bench.pair(
        "queries",
        "s",
        lambda: bench.task("queries", "read_txt", tool="w2v", **work)["seconds"],
        lambda: bench.task("queries", "read_txt", tool="numpy", **work)["seconds"],
        peer="numpy",
        higher=False,
    )


def write_txt(bench: Bench) -> None:
    """Writing 1,000,000 x 300 as text."""
    write(bench, "txt")


def write_bin(bench: Bench) -> None:
    """Writing 1,000,000 x 300 as binary."""
    write(bench, "bin")


def write(bench: Bench, suffix: str) -> None:
    work = {"vectors": bench.inputs.large_vectors(), "out": str(bench.work / f"written.{suffix}")}
    bench.pair(
        f"write {suffix}",
        "s",
        lambda: bench.task("save", tool="w2v", **work)["seconds"],
        lambda: bench.task("save", tool="gensim", **work)["seconds"],
        higher=False,
    )


def read_txt(bench: Bench) -> None:
    """Opening 1,000,000 x 300 as text, in the page cache, by one thread and by all."""
    path = bench.work / "written.txt"
    if not path.exists():
        bench.task("save", tool="w2v", vectors=bench.inputs.large_vectors(), out=str(path))
    for threads in sorted({1, bench.threads}):
        found = [bench.task("load", vectors=str(path), threads=threads)["gb_per_s"] for _ in range(bench.runs)]
        bench.report(f"read txt {threads} threads", {"w2v": spread(found), "unit": "GB/s"})


def help_(bench: Bench) -> None:
    """`w2v --help`, whole process."""
    found = [bench.command("w2v", "--help") for _ in range(max(bench.runs, 9))]
    bench.report("help", {"w2v": spread(found), "unit": "s"})
