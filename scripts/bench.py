"""Benchmarks: w2v against gensim on the same machine in the same run, as ratios of medians.

    python scripts/bench.py sg100 whole            # some rows
    python scripts/bench.py --list                 # what there is
    python scripts/bench.py all --json scripts/bench/results.json     # rows that the file holds already are replaced

The corpus is wiki100 of the benchmark data (W2V_BENCH_DATA, or ../shared/data). Runs of the two programs alternate, so
that a machine whose speed drifts treats both alike; medians are quoted, with the least and the most. gensim runs from a
file (corpus_file), its faster mode, with as many workers. Install it with `pip install '.[test]'`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import lzma
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TASKS = ROOT / "scripts" / "bench_tasks.py"


class Bench:
    """Where files are kept, how often things run, and what was found."""

    def __init__(self, options: argparse.Namespace):
        self.data = Path(os.environ.get("W2V_BENCH_DATA", ROOT.parent / "shared" / "data"))
        self.work = Path(options.work_dir or Path(tempfile.gettempdir()) / "w2v-bench")
        self.work.mkdir(parents=True, exist_ok=True)
        self.runs = options.runs
        self.threads = options.threads or len(os.sched_getaffinity(0))
        self.seeds = options.seeds
        self.rows: list[dict[str, Any]] = []

    # --- files ---

    def wiki(self) -> str:
        """The benchmark corpus as plain text."""
        path = self.work / "wiki100.txt"
        packed = self.data / "wiki100.txt.xz"
        if not path.exists():
            if not packed.exists():
                sys.exit(f"bench: {packed}: not here; set W2V_BENCH_DATA to the folder of benchmark data")
            partial = path.with_suffix(".part")
            with lzma.open(packed) as source, open(partial, "wb") as file:
                shutil.copyfileobj(source, file, 1 << 20)
            partial.rename(path)
        return str(path)

    def wiki_gz(self) -> str:
        path = self.work / "wiki100.txt.gz"
        if not path.exists():
            with open(self.wiki(), "rb") as plain, gzip.open(path, "wb", compresslevel=6) as packed:
                shutil.copyfileobj(plain, packed, 1 << 20)
        return str(path)

    def zipf(self) -> str:
        """20M tokens in lines of 20, words by Zipf's law; about 1,000,000 different ones."""
        path = self.work / "zipf.txt"
        if not path.exists():
            import numpy as np

            random = np.random.default_rng(1)
            types = 1_200_000
            shares = 1 / (np.arange(types) + 2.7)
            edges = np.cumsum(shares / shares.sum())
            names = np.array([f"w{i:x}" for i in range(types)])
            partial = path.with_suffix(".part")
            with open(partial, "w") as file:
                for _ in range(20):
                    ids = np.searchsorted(edges, random.random(1_000_000)).clip(max=types - 1)
                    for line in names[ids].reshape(-1, 20):
                        file.write(" ".join(line))
                        file.write("\n")
            partial.rename(path)
        return str(path)

    def large_vectors(self) -> str:
        """A 1,000,000 x 300 binary file."""
        path = self.work / "large.bin"
        if not path.exists():
            import numpy as np

            import w2v

            matrix = np.random.default_rng(1).standard_normal((1_000_000, 300), np.float32)
            w2v.Vectors([b"w%x" % i for i in range(len(matrix))], matrix).save(path)
        return str(path)

    # --- running and reporting ---

    def keep(self, name: str, row: dict[str, Any]) -> None:
        """A row for the JSON file, with what it was measured on."""
        self.rows.append({"row": name, **row, "threads": row.get("threads", self.threads), "measured": machine()})

    def task(self, name: str, env: dict[str, str] | None = None, **settings: Any) -> dict[str, Any]:
        """One task in a process of its own."""
        done = subprocess.run(
            [sys.executable, str(TASKS), name, json.dumps(settings)],
            env={**os.environ, **(env or {})}, capture_output=True, text=True, check=False,
        )
        if done.returncode:
            sys.exit(f"bench: {name} failed\n{done.stderr}")
        return json.loads(done.stdout.splitlines()[-1])

    def command(self, *words: str) -> float:
        """Seconds of a whole command."""
        started = time.perf_counter()
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return time.perf_counter() - started

    def pair(
        self, name: str, unit: str, ours: Callable[[], float], theirs: Callable[[], float], peer: str = "gensim",
        higher: bool = True, **more: Any,
    ) -> None:
        """Alternate two measurements; the ratio is in favour of w2v when above 1."""
        a, b = [], []
        for _ in range(self.runs):
            a.append(ours())
            b.append(theirs())
        ratio = statistics.median(a) / statistics.median(b)
        self.report(
            name, {"w2v": spread(a), peer: spread(b), "unit": unit, "ratio": ratio if higher else 1 / ratio, **more}
        )

    def report(self, name: str, row: dict[str, Any]) -> None:
        self.keep(name, row)
        parts = [f"{name:<22}"]
        if "ratio" in row:
            parts.append(f"{row['ratio']:8.2f} x")
        for key, value in row.items():
            if isinstance(value, dict) and "median" in value:
                least, most = f"{value['min']:.4g}", f"{value['max']:.4g}"
                parts.append(f"{key} {value['median']:.4g} [{least}..{most}] {row.get('unit', '')}")
            elif key not in ("unit", "ratio"):
                parts.append(f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}")
        print("  ".join(parts), flush=True)


def spread(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


# --- the rows -------------------------------------------------------------------------------------------------------


def speed(
    bench: Bench, name: str, corpus: str | None = None, min_count: int = 5, **settings: Any
) -> None:
    settings["threads"] = bench.threads
    work = {"corpus": corpus or bench.wiki(), "epochs": 1, "settings": settings, "min_count": min_count}
    last: dict[str, Any] = {}

    def ours() -> float:
        last.update(bench.task("w2v_train", **work))
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


def cbow100(bench: Bench) -> None:
    """CBOW, negative sampling, dim 100."""
    speed(bench, "cbow100", model="cbow")


def large(bench: Bench) -> None:
    """Skip-gram, dim 300, a generated Zipf corpus with about 1,000,000 words."""
    speed(bench, "large", corpus=bench.zipf(), min_count=1, dim=300)


SWITCHES: dict[str, dict[str, Any]] = {  # the ends, defaults and --exact, are rows of accuracy
    "no private rows": {"hot_rows": 0},
    "no private rows, no pool": {"hot_rows": 0, "negative_pool": 0},
}


def switches(bench: Bench) -> None:
    """Skip-gram, dim 100, five epochs: the departures from plain Hogwild switched off one after the other."""
    for name, settings in SWITCHES.items():
        scores(bench, f"switches: {name}", "w2v_train", settings)


def oversubscribed(bench: Bench) -> None:
    """Scores with far more threads than CPUs: private rows must not overshoot."""
    for threads in (16, 64):
        scores(bench, f"oversubscribed: {threads} threads", "w2v_train", {"threads": threads})


def whole(bench: Bench) -> None:
    """Five epochs, dim 100, from the plain text file to the written .bin: whole process."""
    corpus, out = bench.wiki(), str(bench.work / "whole.bin")
    bench.pair(
        "whole", "s",
        lambda: bench.command("w2v", "train", corpus, "-o", out, "--threads", str(bench.threads), "--quiet"),
        lambda: bench.task("gensim_whole", corpus=corpus, out=out, settings={"threads": bench.threads})["process_s"],
        higher=False,
    )


def scaling(bench: Bench) -> None:
    """Words/s on 1, 2, ... threads, against one; twice as many as CPUs, too."""
    corpus = bench.wiki()
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


def kernels(bench: Bench) -> None:
    """Each kernel against the fastest one that runs here."""
    from w2v.training.kernels import available

    corpus = bench.wiki()
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


def encode(bench: Bench) -> None:
    """Counting and encoding plain text, and from gzip against the decompressor alone."""
    def rate(found: dict[str, Any]) -> float:
        return found["bytes"] / found["seconds"] / 1e6

    for threads in sorted({1, bench.threads}):
        found = [rate(bench.task("w2v_encode", corpus=bench.wiki(), threads=threads)) for _ in range(bench.runs)]
        bench.report(f"encode {threads} threads", {"w2v": spread(found), "unit": "MB/s"})
    packed = bench.wiki_gz()
    bench.pair(
        "encode gzip", "s", lambda: bench.task("w2v_encode", corpus=packed, threads=bench.threads)["seconds"],
        lambda: bench.task("gunzip", corpus=packed)["seconds"], peer="decompressor", higher=False,
    )


def answer(bench: Bench) -> None:
    """First answer of `w2v similar` from a 1,000,000 x 300 .bin, whole process."""
    vectors = bench.large_vectors()
    bench.pair(
        "answer", "s", lambda: bench.command("w2v", "similar", vectors, "w100"),
        lambda: bench.task("gensim_answer", vectors=vectors, word="w100")["process_s"], higher=False,
    )


def queries(bench: Bench) -> None:
    """10,000 queries in one process against NumPy's matrix product and partition."""
    work = {"vectors": bench.large_vectors(), "count": 10_000}
    bench.pair(
        "queries", "s", lambda: bench.task("queries", tool="w2v", **work)["seconds"],
        lambda: bench.task("queries", tool="numpy", **work)["seconds"], peer="numpy", higher=False,
    )


def write(bench: Bench) -> None:
    """Writing 1,000,000 x 300 as text and as binary."""
    for suffix in ("txt", "bin"):
        work = {"vectors": bench.large_vectors(), "out": str(bench.work / f"written.{suffix}")}
        bench.pair(
            f"write {suffix}", "s", lambda work=work: bench.task("save", tool="w2v", **work)["seconds"],
            lambda work=work: bench.task("save", tool="gensim", **work)["seconds"], higher=False,
        )


def help_(bench: Bench) -> None:
    """`w2v --help`, whole process."""
    found = [bench.command("w2v", "--help") for _ in range(max(bench.runs, 9))]
    bench.report("help", {"w2v": spread(found), "unit": "s"})


SCORES = ("analogy", "wordsim", "simlex", "words_per_s")
SETTINGS = {
    "sg": {}, "cbow": {"model": "cbow"}, "hs": {"loss": "hs"}, "sg300": {"dim": 300},
    "cbow-hs": {"model": "cbow", "loss": "hs"},
}  # fmt: skip


def accuracy(bench: Bench, *names: str) -> None:
    """Scores after five epochs, mean over the seeds: defaults and --exact, every model and loss."""
    for name in names or SETTINGS:
        for label, changes in (("", {}), (" exact", {"exact": True})):
            scores(bench, f"accuracy {name}{label}", "w2v_train", {**SETTINGS[name], **changes})


def accuracy_gensim(bench: Bench) -> None:
    """The same scores of gensim; long."""
    for name in ("sg", "cbow", "hs"):
        scores(bench, f"accuracy {name} gensim", "gensim_train", SETTINGS[name])


def scores(bench: Bench, name: str, task: str, settings: dict[str, Any]) -> None:
    vectors = str(bench.work / "scored.bin")
    found = []
    for seed in range(1, bench.seeds + 1):
        run = {"threads": bench.threads, **settings, "seed": seed}
        trained = bench.task(task, corpus=bench.wiki(), epochs=5, settings=run, vectors=vectors)
        scored = bench.task("evaluate", vectors=vectors, data=str(bench.data))
        found.append({**scored, "words_per_s": trained["words_per_s"] / 1e6})
    row: dict[str, Any] = {"seeds": bench.seeds, "settings": settings}
    for key in SCORES:
        values = [each[key] for each in found]
        row[key] = {"mean": statistics.mean(values), "min": min(values), "max": max(values)}
    bench.keep(name, row)
    parts = [f"{k} {v['mean']:.3f} [{v['min']:.3f}..{v['max']:.3f}]" for k, v in row.items() if k in SCORES]
    print(f"{name:<22} {'  '.join(parts)}", flush=True)


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
            values.append(bench.task("w2v_train", corpus=bench.wiki(), epochs=1, settings=settings, **outside))
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


ROWS: dict[str, Callable[[Bench], None]] = {
    "sg100": sg100, "sg300": sg300, "hs100": hs100, "cbow100": cbow100, "large": large, "whole": whole,
    "scaling": scaling, "kernels": kernels, "switches": switches, "oversubscribed": oversubscribed, "costs": costs,
    "limits": limits, "encode": encode,
    "answer": answer, "queries": queries, "write": write, "help": help_, "accuracy": accuracy,
    "accuracy-gensim": accuracy_gensim,
}  # fmt: skip


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    model = ""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "")
    except OSError:
        pass
    commit = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return {
        "cpu": model, "cpus": len(os.sched_getaffinity(0)), "python": platform.python_version(),
        "commit": commit.stdout.strip(), "date": time.strftime("%Y-%m-%d"),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW", help="rows to measure, or all")
    parser.add_argument("--list", action="store_true", help="show the rows")
    parser.add_argument("--runs", type=int, default=3, help="runs of each program; medians are quoted (3)")
    parser.add_argument("--seeds", type=int, default=3, help="seeds whose scores are averaged (3)")
    parser.add_argument("--threads", type=int, help="threads of both programs (the CPUs this process may use)")
    parser.add_argument("--work-dir", help="where corpora and vectors are kept (a folder for temporary files)")
    parser.add_argument("--json", help="write what was found here")
    options = parser.parse_args()
    if options.list or not options.rows:
        for name, row in ROWS.items():
            print(f"{name:<16} {row.__doc__}")
        print(f"accuracy:NAME    One of them: {', '.join(SETTINGS)}.")
        return
    names = list(ROWS) if options.rows == ["all"] else options.rows
    some = {f"accuracy:{name}": name for name in SETTINGS}
    unknown = [name for name in names if name not in ROWS and name not in some]
    if unknown:
        parser.error(f"no row {unknown[0]!r}; there are {', '.join(ROWS)}")
    bench = Bench(options)
    print(json.dumps(machine()), flush=True)
    for name in names:
        if name in some:
            accuracy(bench, some[name])
        else:
            ROWS[name](bench)
        if options.json:
            save(Path(options.json), bench.rows)


def save(path: Path, rows: list[dict[str, Any]]) -> None:
    """Rows into a JSON file; those of the same name are replaced."""
    kept = {row["row"]: row for row in json.loads(path.read_text())["rows"]} if path.exists() else {}
    kept.update({row["row"]: row for row in rows})
    path.write_text(json.dumps({"rows": list(kept.values())}, indent=1) + "\n")


if __name__ == "__main__":
    main()
