"""Rows of subwords: w2v with them against fastText and against w2v without. `pip install fasttext-wheel` first."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

from bench.runner import Bench, spread

__all__ = ["subwords", "subwords_answer", "subwords_made", "subwords_scores", "subwords_speed", "subwords_whole"]

SETTINGS = {"dim": 100, "window": 5, "negative": 5, "lr": 0.025, "sample": 1e-3}
NGRAMS = {"subwords": "3-6", "buckets": 2_000_000}
SCORES = ("analogy", "semantic", "syntactic", "wordsim", "simlex")
UNSEEN = "walkingly"


def subwords(bench: Bench) -> None:
    """Subwords 3-6 on 30 MB against fastText and none: the four rows below."""
    for row in (subwords_speed, subwords_scores, subwords_made, subwords_answer):
        row(bench)


def subwords_speed(bench: Bench) -> None:
    """Training words/s, in turn."""
    speed(bench, "subwords", bench.inputs.wiki_start())


def subwords_scores(bench: Bench) -> None:
    """Scores after five epochs, and the most memory that a process had."""
    scores(bench, "subwords", bench.inputs.wiki_start())


def subwords_whole(bench: Bench) -> None:
    """Words/s and scores on the whole of wiki100; long."""
    speed(bench, "subwords whole", bench.inputs.wiki())
    scores(bench, "subwords whole", bench.inputs.wiki())


def programs(bench: Bench) -> dict[str, tuple[str, dict[str, Any]]]:
    """The task and the settings of each."""
    settings = {**SETTINGS, "threads": bench.threads}
    return {
        "w2v": ("w2v_train", {**settings, **NGRAMS}),
        "without": ("w2v_train", settings),
        "fasttext": ("fasttext_train", {**settings, **NGRAMS}),
    }


def speed(bench: Bench, name: str, corpus: str) -> None:
    """One epoch of each in turn, reading left out; by the clock, and by processor seconds, which a busy machine changes
    less."""
    keys = {"words_per_s": "M words/s", "words_per_cpu_s": "M words/processor s"}
    runs: dict[str, list[dict[str, Any]]] = {}
    for _ in range(bench.runs):
        for program, (task, settings) in programs(bench).items():
            runs.setdefault(program, []).append(bench.task(task, corpus=corpus, epochs=1, settings=settings))
    for key, unit in keys.items():
        row: dict[str, Any] = {program: spread([run[key] / 1e6 for run in each]) for program, each in runs.items()}
        row["ratio"] = row["w2v"]["median"] / row["fasttext"]["median"]
        row["of plain"] = row["w2v"]["median"] / row["without"]["median"]
        bench.report(f"{name} {key}", {**row, "unit": unit})


def scores(bench: Bench, name: str, corpus: str) -> None:
    """Five epochs, a run for each seed."""
    vectors = str(bench.work / "subwords.bin")
    for program, (task, settings) in programs(bench).items():
        found = []
        for seed in range(1, bench.seeds + 1):
            work: dict[str, Any] = {
                "corpus": corpus,
                "epochs": 5,
                "settings": {**settings, "seed": seed},
                "vectors": vectors,
            }
            trained = bench.task(task, **work)
            scored = bench.task("evaluate", vectors=vectors, data=str(bench.inputs.folder))
            found.append({**scored, "memory_mb": trained["memory"] / 1e6})
        row: dict[str, Any] = {"seeds": bench.seeds, "settings": settings}
        for key in (*SCORES, "memory_mb"):
            values = [each[key] for each in found]
            row[key] = {"mean": statistics.mean(values), "min": min(values), "max": max(values)}
        bench.keep(f"{name} scores: {program}", row)
        parts = [
            f"{k} {v['mean']:.3f} [{v['min']:.3f}..{v['max']:.3f}]"
            for k, v in row.items()
            if isinstance(v, dict) and "mean" in v
        ]
        print(f"{name + ' scores: ' + program:<26} {'  '.join(parts)}", flush=True)


def subwords_made(bench: Bench) -> None:
    """Vectors of words never seen, from the same file, words/s."""
    corpus = bench.inputs.wiki_start()
    model = str(bench.work / "subwords.ftbin")
    if not Path(model).exists():
        task, settings = programs(bench)["w2v"]
        bench.task(task, corpus=corpus, epochs=1, settings=settings, vectors=model)
    work: dict[str, Any] = {"vectors": model, "count": 200_000}
    bench.pair(
        "subwords made",
        "M words/s",
        lambda: bench.task("w2v_made", threads=bench.threads, **work)["words_per_s"] / 1e6,
        lambda: bench.task("fasttext_made", **work)["words_per_s"] / 1e6,
        peer="fasttext",
    )


def subwords_answer(bench: Bench) -> None:
    """A vector for a word never seen from a model of the size that is published, in the page cache, whole process."""
    model = bench.inputs.fasttext_model()
    bench.command("w2v", "vector", model, UNSEEN)  # into the page cache
    seconds = [bench.command("w2v", "vector", model, UNSEEN) for _ in range(bench.runs)]
    bench.report("subwords answer", {"w2v": spread(seconds), "unit": "s"})
