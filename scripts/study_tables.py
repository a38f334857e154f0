"""Sessions from a table and neighbours of many rows: time and memory beside pandas, NumPy, faiss, scikit-learn, gensim.

    python scripts/study_tables.py                 1,000,000 events; 1,000,000 rows x 100, some of them asked
    python scripts/study_tables.py --rows 100000   a smaller table and matrix
    python scripts/study_tables.py --whole         w2v similar --all of 100,000 rows, and what 1,000,000 would take

Each task runs in a process of its own, on one CPU, and its processor time is taken; a package that is not installed is
left out. Prints the tables of docs/sessions.md. What is made before the clock starts counts for memory, not for time.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np

import w2v

DIM, TOPN = 100, 10
ASKED = 2000
ASKED_SLOWLY = 256  # where a query takes long
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
ASKED_ONE_BY_ONE = 50  # of gensim, which answers one at a time


def write_events(path: Path, rows: int) -> None:
    """Events of users in any order: 12 a user, 5,000 items, a week."""
    draw = random.Random(1)
    with path.open("w") as file:
        file.write("time,user,item\n")
        for _ in range(rows):
            item = 100_000 + min(4_999, int(draw.paretovariate(0.5)))
            file.write(f"{1_700_000_000 + draw.randrange(604_800)},u{draw.randrange(rows // 12 + 1)},{item}\n")


# --- sessions from a table: each reads the file and writes lines ---


def sessions_w2v(table: Path) -> None:
    found = w2v.sessions(table, "user", "item", time="time", gap="30m")
    with open(os.devnull, "w") as out:
        out.writelines(" ".join(items) + "\n" for items in found)


def sessions_pandas(table: Path) -> None:
    import pandas as pd

    events = pd.read_csv(table, dtype={"item": str})
    events = events.sort_values(["user", "time"], kind="stable")
    same_user = events["user"].eq(events["user"].shift())
    number = (~same_user | (events["time"].diff() > 1800)).cumsum()
    events = events[~(number.eq(number.shift()) & events["item"].eq(events["item"].shift()))]
    lines = events.groupby(number)["item"].agg(list)
    with open(os.devnull, "w") as out:
        out.writelines(" ".join(items) + "\n" for items in lines if len(items) > 1)


# --- neighbours of some rows of a matrix ---


def matrix_of(rows: int) -> np.ndarray:
    return np.random.default_rng(1).standard_normal((rows, DIM), dtype=np.float32)


def unit(matrix: np.ndarray) -> np.ndarray:
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    return matrix


def neighbours_w2v(rows: int) -> Callable[[], object]:
    vectors = w2v.Vectors(map(str, range(rows)), matrix_of(rows))
    _ = vectors.factors
    return lambda: vectors.neighbours(range(ASKED), TOPN)


def neighbours_numpy(rows: int) -> Callable[[], object]:
    units = unit(matrix_of(rows))

    def ask() -> None:
        cosines = units[:ASKED_SLOWLY] @ units.T
        best = np.argpartition(cosines, -TOPN - 1, axis=1)[:, -TOPN - 1 :]
        order = np.argsort(-np.take_along_axis(cosines, best, 1), axis=1)
        np.take_along_axis(best, order, 1)

    return ask


def neighbours_faiss(rows: int) -> Callable[[], object]:
    import faiss

    units = unit(matrix_of(rows))
    index = faiss.IndexFlatIP(DIM)
    index.add(units)
    return lambda: index.search(units[:ASKED], TOPN + 1)


def neighbours_sklearn(rows: int) -> Callable[[], object]:
    from sklearn.neighbors import NearestNeighbors

    matrix = matrix_of(rows)
    fitted = NearestNeighbors(n_neighbors=TOPN + 1, metric="cosine", algorithm="brute").fit(matrix)
    return lambda: fitted.kneighbors(matrix[:ASKED_SLOWLY])


def neighbours_gensim(rows: int) -> Callable[[], object]:
    from gensim.models import KeyedVectors

    vectors = KeyedVectors(DIM)
    vectors.add_vectors([str(row) for row in range(rows)], matrix_of(rows))
    vectors.fill_norms()
    return lambda: [vectors.most_similar(str(row), topn=TOPN) for row in range(ASKED_ONE_BY_ONE)]


SESSIONS = {"w2v": sessions_w2v, "pandas": sessions_pandas}
NEIGHBOURS = {  # name: (function, package, queries that it answers)
    "w2v": (neighbours_w2v, "w2v", ASKED),
    "faiss-cpu, IndexFlatIP": (neighbours_faiss, "faiss", ASKED),
    "NumPy, argpartition": (neighbours_numpy, "numpy", ASKED_SLOWLY),
    "scikit-learn, brute": (neighbours_sklearn, "sklearn", ASKED_SLOWLY),
    "gensim, one by one": (neighbours_gensim, "gensim", ASKED_ONE_BY_ONE),
}


def run_task(kind: str, name: str, argument: str) -> None:
    """One task in this process: its seconds and its peak of memory, as JSON."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    work: Callable[[], object]
    if kind == "sessions":
        work = lambda: SESSIONS[name](Path(argument))  # noqa: E731
    else:
        work = NEIGHBOURS[name][0](int(argument))
    begin = time.process_time()
    work()
    seconds = time.process_time() - begin
    print(json.dumps({"seconds": seconds, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))


def measured(kind: str, name: str, argument: str) -> dict[str, float]:
    command = [sys.executable, "-P", __file__, "--task", kind, name, argument]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env={**os.environ, **ONE_THREAD})
    return json.loads(done.stdout)


def similar_all(folder: Path, rows: int) -> tuple[float, float]:
    """(processor seconds, peak bytes) of the command on as many rows, its answers thrown away."""
    path = folder / f"{rows}.bin"
    w2v.Vectors(map(str, range(rows)), matrix_of(rows)).save(path)
    command = [sys.executable, "-P", "-m", "w2v", "similar", path, "--all", "-k", str(TOPN), "-q"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, **ONE_THREAD})
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{path}: similar --all failed")
    return used.ru_utime + used.ru_stime, used.ru_maxrss * 1024


def whole(rows: int = 100_000, wanted: int = 1_000_000) -> None:
    """The table of `similar --all`: half the rows, all, and by the two what `wanted` rows would take. Time is a part
    that grows with the rows and one that grows with their square; memory grows with the rows."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(f"| w2v similar --all -k {TOPN}, one CPU | processor seconds | peak MB |\n| --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        half, full = (similar_all(Path(folder), some) for some in (rows // 2, rows))
    for some, (seconds, peak) in ((rows // 2, half), (rows, full)):
        print(f"| {some:,} x {DIM} | {seconds:.1f} | {peak / 1e6:.0f} |")
    factor = wanted / rows
    square = max(0.0, 2 * (full[0] - 2 * half[0]))  # of a rows + b rows^2, at `rows`
    seconds = factor**2 * square + factor * (full[0] - square)
    peak = full[1] + (factor - 1) * 2 * (full[1] - half[1])
    print(f"| {wanted:,} x {DIM}, by these two | {seconds:.0f} | {peak / 1e6:.0f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--task", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.whole:
        whole()
        return
    if given.task:
        run_task(*given.task)
        return
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "events.csv"
        write_events(table, given.rows)
        print(f"\n| sessions from {given.rows:,} rows | processor seconds | peak MB |\n| --- | --- | --- |", flush=True)
        for name in SESSIONS:
            if find_spec(name) is not None:
                found = measured("sessions", name, str(table))
                print(f"| {name} | {found['seconds']:.1f} | {found['peak'] / 1e6:.0f} |", flush=True)
    heading = f"neighbours among {given.rows:,} x {DIM}"
    print(f"\n| {heading} | processor ms a query | peak MB |\n| --- | --- | --- |", flush=True)
    for name, (_, package, asked) in NEIGHBOURS.items():
        if find_spec(package) is not None:
            found = measured("neighbours", name, str(given.rows))
            print(f"| {name} | {1000 * found['seconds'] / asked:.2f} | {found['peak'] / 1e6:.0f} |", flush=True)


if __name__ == "__main__":
    main()
