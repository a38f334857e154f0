"""Rows of accuracy: scores after five epochs, as means over seeds."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.runner import Bench

__all__ = ["SETTINGS", "accuracy", "accuracy_gensim", "oversubscribed", "switches"]

SCORES = ("analogy", "wordsim", "simlex", "words_per_s")
SETTINGS = {
    "sg": {}, "cbow": {"model": "cbow"}, "hs": {"loss": "hs"}, "sg300": {"dim": 300},
    "cbow-hs": {"model": "cbow", "loss": "hs"},
}  # fmt: skip
SWITCHES: dict[str, dict[str, Any]] = {  # the ends, defaults and --exact, are rows of accuracy
    "no private rows": {"hot_rows": 0},
    "no private rows, no pool": {"hot_rows": 0, "negative_pool": 0},
}


def accuracy(bench: Bench, *names: str) -> None:
    """Scores after five epochs, mean over the seeds: defaults and --exact, every model and loss."""
    for name in names or SETTINGS:
        for label, changes in (("", {}), (" exact", {"exact": True})):
            scores(bench, f"accuracy {name}{label}", "w2v_train", {**SETTINGS[name], **changes})


def accuracy_gensim(bench: Bench) -> None:
    """The same scores of gensim; long."""
    for name in ("sg", "cbow", "hs"):
        scores(bench, f"accuracy {name} gensim", "gensim_train", SETTINGS[name])


def switches(bench: Bench) -> None:
    """Skip-gram, dim 100, five epochs: the departures from plain Hogwild switched off one after the other."""
    for name, settings in SWITCHES.items():
        scores(bench, f"switches: {name}", "w2v_train", settings)


def oversubscribed(bench: Bench) -> None:
    """Scores with far more threads than CPUs: private rows must not overshoot."""
    for threads in (16, 64):
        scores(bench, f"oversubscribed: {threads} threads", "w2v_train", {"threads": threads})


def scores(bench: Bench, name: str, task: str, settings: dict[str, Any]) -> None:
    vectors = str(bench.work / "scored.bin")
    found = []
    for seed in range(1, bench.seeds + 1):
        run = {"threads": bench.threads, **settings, "seed": seed}
        trained = bench.task(task, corpus=bench.inputs.wiki(), epochs=5, settings=run, vectors=vectors)
        scored = bench.task("evaluate", vectors=vectors, data=str(bench.inputs.folder))
        found.append({**scored, "words_per_s": trained["words_per_s"] / 1e6})
    row: dict[str, Any] = {"seeds": bench.seeds, "settings": settings}
    for key in SCORES:
        values = [each[key] for each in found]
        row[key] = {"mean": statistics.mean(values), "min": min(values), "max": max(values)}
    bench.keep(name, row)
    parts = [f"{k} {v['mean']:.3f} [{v['min']:.3f}..{v['max']:.3f}]" for k, v in row.items() if k in SCORES]
    print(f"{name:<22} {'  '.join(parts)}", flush=True)
