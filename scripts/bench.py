"""Benchmarks: w2v against gensim on the same machine in the same run, as ratios of medians.

    python scripts/bench.py sg100 whole            # some rows
    python scripts/bench.py --list                 # what there is
    python scripts/bench.py all --json scripts/bench/results.json     # rows that the file holds already are replaced

The corpus is wiki100 of the benchmark data (W2V_BENCH_DATA, or ../shared/data). Runs of the two programs alternate, so
that a machine whose speed drifts treats both alike; medians are quoted, with the least and the most. gensim runs from a
file (corpus_file), its faster mode, with as many workers. Install it with `pip install '.[test-all]'`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

from bench.accuracy import SETTINGS, accuracy, accuracy_gensim, oversubscribed, switches
from bench.centre import centre
from bench.files import answer, encode, help_, phrases, queries, read_txt, types, write_bin, write_txt
from bench.runner import Bench, machine, save
from bench.speed import (
    cbow100,
    costs,
    hs5,
    hs100,
    kernels,
    large,
    limits,
    reproducible,
    scaling,
    sg100,
    sg300,
    to_score,
    vocabularies,
    whole,
)
from bench.subwords import (
    subwords,
    subwords_answer,
    subwords_made,
    subwords_scores,
    subwords_speed,
    subwords_whole,
)

ROWS: dict[str, Callable[[Bench], None]] = {
    "sg100": sg100, "sg300": sg300, "hs100": hs100, "hs5": hs5, "cbow100": cbow100, "large": large,
    "vocabularies": vocabularies, "whole": whole,
    "to-score": to_score, "scaling": scaling, "reproducible": reproducible, "kernels": kernels, "switches": switches,
    "oversubscribed": oversubscribed, "costs": costs, "limits": limits, "centre": centre, "encode": encode,
    "phrases": phrases, "types": types, "answer": answer, "queries": queries,
    "write-txt": write_txt, "write-bin": write_bin, "read-txt": read_txt,
    "help": help_, "accuracy": accuracy, "accuracy-gensim": accuracy_gensim,
    "subwords": subwords, "subwords-speed": subwords_speed, "subwords-scores": subwords_scores,
    "subwords-made": subwords_made, "subwords-answer": subwords_answer, "subwords-whole": subwords_whole,
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


if __name__ == "__main__":
    main()
