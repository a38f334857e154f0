"""Rows of speed: training against gensim, and against itself on other threads, kernels, settings."""

from __future__ import annotations

import statistics
from functools import partial
from typing import Any

from bench.accuracy import SETTINGS
from bench.runner import Bench, spread

__all__ = [
    "cbow100",
    "costs",
    "hs5",
    "hs100",
    "kernels",
    "large",
    "limits",
    "reproducible",
    "scaling",
    "sg100",
    "sg300",
    "to_score",
    "vocabularies",
    "whole",
]


def speed(
    bench: Bench, name: str, corpus: str | None = None, min_count: int = 5, epochs: int = 1, **settings: Any
) -> None:
    """One epoch of both programs, or more of w2v, reading left out."""
    settings["threads"] = bench.threads
    work = {"corpus": corpus or bench.inputs.wiki(), "epochs": 1, "settings": settings, "min_count": min_count}
    last: dict[str, Any] = {}

    def ours() -> float:
        last.update(bench.task("w2v_train", **{**work, "epochs": epochs}))
        return last["words_per_s"] / 1e6

    def theirs() -> float:
        return bench.task("gensim_train", **work)["words_per_s"] / 1e6

    bench.pair(name, "M words/s", ours, theirs)
    bench.rows[-1].update(kernel=last["kernel"], vocabulary=last["vocabulary"], settings=settings)


def sg100(bench: Bench) -> None:
    """Skip-gram, negative sampling, dim 100: training words/s."""
    speed(bench, "sg100")


def sg300(bench: Bench) -> None:
    """Skip-gram, negative sampling, dim 300."""
    speed(bench, "sg300", dim=300)


def hs100(bench: Bench) -> None:
    """Skip-gram, hierarchical softmax, dim 100."""
    speed(bench, "hs100", loss="hs")


def hs5(bench: Bench) -> None:
    """The same in the usual five epochs, which leave out more nodes than one does; gensim trains all, in one epoch."""
    speed(bench, "hs5", epochs=5, loss="hs")


def cbow100(bench: Bench) -> None:
    """CBOW, negative sampling, dim 100."""
    speed(bench, "cbow100", model="cbow")


def large(bench: Bench) -> None:
    """Skip-gram, dim 300, a generated Zipf corpus with about 1,000,000 words."""
    speed(bench, "large", corpus=bench.inputs.zipf(), min_count=1, dim=300)


def vocabularies(bench: Bench) -> None:
    """Large vocabularies, skip-gram: seconds of a whole process with one epoch, memory, words/s."""
    for types, dim in ((1_000_000, 100), (1_000_000, 300), (5_000_000, 100), (5_000_000, 300), (10_000_000, 100)):
        corpus, settings = bench.inputs.zipf(types, every=True), {"threads": bench.threads, "dim": dim}
        found = bench.task("w2v_train", corpus=corpus, epochs=1, settings=settings, min_count=1)
        row = {key: found[key] for key in ("vocabulary", "tokens", "memory", "process_s")}
        bench.report(
            f"vocabulary {types} x {dim}", {"w2v": spread([found["words_per_s"] / 1e6]), "unit": "M words/s", **row}
        )


def whole(bench: Bench) -> None:
    """Five epochs, dim 100, from the plain text file to the written .bin: whole process."""
    corpus, out = bench.inputs.wiki(), str(bench.work / "whole.bin")
    bench.pair(
        "whole",
        "s",
        lambda: bench.command("w2v", "train", corpus, "-o", out, "--threads", str(bench.threads), "--quiet"),
        lambda: bench.task("gensim_whole", corpus=corpus, out=out, settings={"threads": bench.threads})["process_s"],
        higher=False,
    )


def scaling(bench: Bench) -> None:
    """Words/s on 1, 2, ... threads, against one; twice as many as CPUs, too."""
    corpus = bench.inputs.wiki()
    counts = sorted({1, 2, bench.threads, 2 * bench.threads})
    found: dict[int, list[float]] = {count: [] for count in counts}
    for _ in range(bench.runs):
        for count in counts:
            task = bench.task("w2v_train", corpus=corpus, epochs=1, settings={"threads": count})
            found[count].append(task["words_per_s"] / 1e6)
    one = statistics.median(found[1])
    for count in counts:
        ratio = statistics.median(found[count]) / one
        row = {"w2v": spread(found[count]), "unit": "M words/s", "ratio": ratio, "threads": count}
        bench.report(f"scaling {count} threads", row)


def reproducible(bench: Bench) -> None:
    """Words/s with --reproducible against the default, on one thread and on all; the two take turns."""
    corpus = bench.inputs.wiki()
    for threads in sorted({1, bench.threads}):
        for name, settings in {**SETTINGS, "subwords": {"subwords": "3-6"}}.items():
            if "dim" in settings:
                continue
            work = {"corpus": corpus, "epochs": 1}
            plain, rounds = (
                partial(bench.task, "w2v_train", settings={**settings, "threads": threads, "reproducible": on}, **work)
                for on in (False, True)
            )
            bench.pair(
                f"reproducible {name} {threads} threads",
                "M words/s",
                lambda task=rounds: task()["words_per_s"] / 1e6,
                lambda task=plain: task()["words_per_s"] / 1e6,
                peer="default",
            )


def to_score(bench: Bench) -> None:
    """Seconds of the whole command, with the fewest epochs that score what the original C does in five."""
    corpus, out = bench.inputs.wiki(), str(bench.work / "to-score.bin")
    for name, changes in TO_SCORE.items():
        for epochs in range(2, 9):
            found = []
            for seed in range(1, bench.seeds + 1):
                words = ("--epochs", str(epochs), "--seed", str(seed), "--threads", str(bench.threads), *changes)
                seconds = bench.command("w2v", "train", corpus, "-o", out, "--quiet", *words)
                found.append({"seconds": seconds, **bench.task("evaluate", vectors=out, data=str(bench.inputs.folder))})
            scores = {key: statistics.mean(each[key] for each in found) for key in ("analogy", "wordsim", "simlex")}
            if all(scores[key] >= least for key, least in SCORED.items()):
                break
        row = {"w2v": spread([each["seconds"] for each in found]), "unit": "s", "epochs": epochs, **scores}
        bench.report(f"to-score: {name}", {**row, "seeds": bench.seeds})


def kernels(bench: Bench) -> None:
    """Each kernel against the fastest one that runs here."""
    from w2v.kernel.kernels import available

    corpus = bench.inputs.wiki()
    names = available()
    found: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(bench.runs):
        for name in names:
            settings = {"threads": bench.threads}
            task = bench.task("w2v_train", {"W2V_KERNEL": name}, corpus=corpus, epochs=1, settings=settings)
            found[name].append(task["words_per_s"] / 1e6)
    best = statistics.median(found[names[-1]])
    for name in names:
        row = {"w2v": spread(found[name]), "unit": "M words/s", "ratio": statistics.median(found[name]) / best}
        bench.report(f"kernel {name}", row)


# What word2vec.c scored on wiki100 after five epochs with its defaults, in 317 s on the same kind of machine.
SCORED = {"analogy": 38.6, "wordsim": 0.63}
TO_SCORE: dict[str, tuple[str, ...]] = {
    "default": (), "lr 0.05": ("--lr", "0.05"), "lr 0.05, sample 1e-4": ("--lr", "0.05", "--sample", "1e-4"),
}  # fmt: skip
BASE = {"dim": 100, "window": 5, "negative": 5}
VARIED: dict[str, tuple[Any, ...]] = {
    "dim": (25, 50, 100, 200, 300, 500), "window": (1, 2, 5, 10, 20), "negative": (2, 5, 10, 20),
    "max_vocab": (3_000, 10_000, 30_000), "tokens": (0.25, 0.5, 1.0),
}  # fmt: skip


def costs(bench: Bench) -> None:
    """One epoch's time as one setting varies: tokens, vocabulary, dim, window, negatives, model and loss."""
    runs: list[tuple[str, Any, dict[str, Any]]] = [("base", "", {})]
    runs += [(name, value, {name: value}) for name, values in VARIED.items() for value in values]
    runs += [("model", "cbow", {"model": "cbow"}), ("loss", "hs", {"loss": "hs"})]
    found: list[list[dict[str, Any]]] = [[] for _ in runs]
    for _ in range(bench.runs):
        for (_, _, changes), values in zip(runs, found, strict=True):
            settings = {**BASE, "threads": bench.threads, **changes}
            outside = {key: settings.pop(key) for key in ("max_vocab", "tokens") if key in settings}
            values.append(bench.task("w2v_train", corpus=bench.inputs.wiki(), epochs=1, settings=settings, **outside))
    for (name, value, _), values in zip(runs, found, strict=True):
        row = {
            "w2v": spread([1e3 / (each["words_per_s"] / 1e6) for each in values]), "unit": "ns/token",
            "tokens": values[0]["tokens"], "trained": values[0]["trained"], "examples": values[0]["examples"],
            "vocabulary": values[0]["vocabulary"], "seconds": statistics.median(each["seconds"] for each in values),
        }  # fmt: skip
        bench.report(f"costs: {name} {value}".strip(), row)


def limits(bench: Bench) -> None:
    """What the machine gives: multiply-adds in registers (a matrix product) and memory (read, read, write)."""
    for threads in sorted({1, bench.threads}):
        env = {"OPENBLAS_NUM_THREADS": str(threads)}
        found = [bench.task("machine_limits", env, threads=threads) for _ in range(bench.runs)]
        for key in ("gflop_per_s", "gb_per_s"):
            row = {"machine": spread([each[key] for each in found]), "unit": key, "threads": threads}
            bench.report(f"limits: {key} on {threads}", row)
