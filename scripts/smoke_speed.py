"""Has one of w2v's paths become slower? Their times against each other, in some seconds, on any machine.

    python scripts/smoke_speed.py                # exit code 1 and the path's name where one has lost a fifth
    python scripts/smoke_speed.py --write        # keep the present times as those to compare with

Each path does a little work, in turn with the others; the least processor time of many counts. Divided by what it took
when it was last kept (scripts/bench/smoke.json, by kernel and processor) every path gives the same number, which is how
busy this machine is. A path whose number is far above the second least of all, and stays so when it is measured again,
is slower than it was. (The five trainings share a kernel and become slower together, so a mean of all would move with
them. The least alone would make one path that has become faster look like six that have become slower: keep the times
again after two have.) Another processor has other ratios: where none are kept, nothing is compared.

Builds in which one path wasted time were told, each by its name, on an idle machine (2026-11-28): skip-gram at 1.37 of
what is usual, CBOW 1.49, hierarchical softmax 1.41, subwords 1.36, reproducible 1.43, reading 1.57, asking 1.33; with
a slower kernel three of the five trainings (1.29, 1.15, 1.33, 1.08, 1.20). The build as it is had 1.00 to 1.09.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import json
import math
import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from bench.runner import machine

import w2v
from w2v.kernel import kernels
from w2v.training.config import TrainConfig
from w2v.training.trainer import Trainer
from w2v.vectors.expressions import Query

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "scripts" / "bench" / "smoke.json"
WORLD = ROOT / "data" / "world.txt.gz"
SLOWER = 1.2  # seconds; a path that has lost a fifth of its speed takes 1.25 times as long
TRIES = 8  # before a path is called slow: others on the machine come and go
PAUSE_S = 5  # between two of them
TRAININGS: dict[str, dict[str, Any]] = {
    "skip-gram": {}, "CBOW": {"model": "cbow"}, "hierarchical softmax": {"loss": "hs"},
    "subwords": {"subwords": (3, 6)}, "reproducible": {"reproducible": True},
}  # fmt: skip


def jobs(text: Path) -> dict[str, Callable[[], float]]:
    """Each path's function, which returns seconds of processor time."""
    corpus = w2v.encode(text)
    words = [f"w{i}" for i in range(20_000)]
    model = w2v.Vectors(words, np.random.default_rng(1).standard_normal((len(words), 100), np.float32))
    asked = [Query((word,)) for word in words[:256]]

    def training(settings: dict[str, Any]) -> float:
        trainer = Trainer(corpus, TrainConfig(threads=1, epochs=1, **settings))
        return timed(trainer.run)

    found: dict[str, Callable[[], float]] = {
        name: lambda settings=settings: training(settings)  # type: ignore[misc]
        for name, settings in TRAININGS.items()
    }
    found["reading"] = lambda: timed(lambda: [w2v.encode(text, threads=1) for _ in range(4)])
    found["asking"] = lambda: timed(lambda: model.nearest(asked))
    return found


def timed(job: Callable[[], Any]) -> float:
    started = time.process_time()
    job()
    return time.process_time() - started


def measure(runs: int) -> dict[str, float]:
    """The least seconds of each path.

    In a process of its own: for one of them reading took 166 ms, for another 210, in each of seven runs or more.
    """
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(measure_here, runs).result()


def measure_here(runs: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "world.txt"
        text.write_bytes(gzip.decompress(WORLD.read_bytes()))
        paths = jobs(text)
        found: dict[str, list[float]] = {name: [] for name in paths}
        for _ in range(runs):
            for name, job in paths.items():
                found[name].append(job())
    return {name: min(times) for name, times in found.items()}


def main() -> None:
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":  # for NumPy's products in asking
        clean = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}
        os.execve(sys.executable, [sys.executable, *sys.argv], {**clean, "OPENBLAS_NUM_THREADS": "1"})
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    place = f"{kernels.choose().NAME}, {processor()}"
    kept: dict[str, dict[str, float]] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    if options.write:
        found = measure(options.runs)
        kept[place] = {name: round(value, 5) for name, value in found.items()}
        KEPT.write_text(json.dumps(kept, indent=1) + "\n")
        return
    if place not in kept:
        print(f"smoke_speed: nothing is kept of {place}; --write keeps the present times")
        return
    found = dict.fromkeys(kept[place], math.inf)
    for number in range(TRIES):
        time.sleep(PAUSE_S if number else 0)
        found = {name: min(found[name], seconds) for name, seconds in measure(options.runs).items()}
        shares = compare(found, kept[place])
        slow = [name for name, share in shares.items() if share > SLOWER]
        if not slow:
            break
    for name, share in shares.items():
        print(f"{name:<22} {1000 * found[name]:8.1f} ms   {share:5.2f} of what is usual", flush=True)
    if slow:
        sys.exit(f"smoke_speed: slower than the others by more than a fifth: {', '.join(slow)}")


def processor() -> str:
    """Its name, and the numbers that tell processors of one name apart."""
    numbers = {}
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            name, _, value = line.partition(":")
            numbers.setdefault(name.strip(), value.strip())
    kinds = [numbers[name] for name in ("cpu family", "model", "stepping") if name in numbers]
    return " ".join([machine()["cpu"], "-".join(kinds)])


def compare(found: dict[str, float], kept: dict[str, float]) -> dict[str, float]:
    """What each path takes of what it took, in terms of the second least of all paths."""
    shares = {name: seconds / kept[name] for name, seconds in found.items()}
    usual = sorted(shares.values())[1]
    return {name: share / usual for name, share in shares.items()}


if __name__ == "__main__":
    main()
