"""Measure training on a cluster, with nodes simulated on this machine, one mode at a time:

    python scripts/cluster_bench.py accuracy --text FILE --data FOLDER --nodes 4 --sync 1 [--seeds 1,2,3]
    python scripts/cluster_bench.py speed    --text FILE        2 nodes x 1 thread against 1 process x 2 threads
    python scripts/cluster_bench.py deaths   --text FILE --data FOLDER     kill an actor, a node; add a node
    python scripts/cluster_bench.py bytes    --text FILE        bytes counted, by the formula, on the loopback interface
    python scripts/cluster_bench.py tables                      what was measured, as Markdown

FILE is a text; FOLDER holds questions-words.txt, wordsim353.tsv, simlex999.txt. Results: scripts/bench/cluster.json.
Each simulated node is a Ray node of its own, with its own object store: what nodes send each other goes through TCP.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from make_speed import table

RESULTS = Path(__file__).resolve().parent / "bench" / "cluster.json"
STORE = 400 << 20  # bytes of each node's object store
EPOCHS = 5
TOP_ROWS = 32768
EVENTS = ("actor", "node", "join")  # in mid-run


def cluster(nodes: int, threads: int = 1) -> contextlib.AbstractContextManager[Any]:
    """A Ray cluster of simulated nodes on this machine, connected."""
    from cluster_nodes import simulated_nodes

    return simulated_nodes([threads] * nodes, STORE)


def train(address: str, text: str, seed: int, on_progress: Callable[..., Any] | None = None, **options: Any) -> Any:
    """One run: (the ClusterTrainer, its result)."""
    from w2v.cluster.run import ClusterOptions, ClusterTrainer
    from w2v.corpus.config import CorpusConfig
    from w2v.training.config import TrainConfig

    config = TrainConfig(seed=seed, epochs=EPOCHS)
    with ClusterTrainer([text], CorpusConfig(), config, ClusterOptions(address, **options)) as run:
        run.read()
        return run, run.train(on_progress and (lambda progress: on_progress(run, progress)), tell=tell)


def tell(line: str) -> None:
    print(line, file=sys.stderr)


def scores(vectors: Any, data: str) -> dict[str, float]:
    """Analogies in per cent; WordSim-353 and SimLex-999 as Spearman's rho."""
    found = {"analogy": 100 * vectors.evaluate(f"{data}/questions-words.txt").total.accuracy}
    for name, file in (("wordsim", "wordsim353.tsv"), ("simlex", "simlex999.txt")):
        found[name] = vectors.evaluate(f"{data}/{file}").spearman
    return {name: round(value, 4) for name, value in found.items()}


def figures(run: Any, result: Any) -> dict[str, Any]:
    """What the summary tells; the token counts are checked once more."""
    summary = result.summary
    kept = run.token_counts.kept * EPOCHS
    assert summary.tokens_total == kept == summary.trained + summary.subsampled + summary.alone
    return {
        "words_per_s": round(summary.words_per_s),
        "seconds": round(summary.seconds, 2),
        "loss": round(summary.loss, 4),
        "exchanges": summary.exchanges,
        "bytes": summary.bytes_exchanged,
        "nodes_lost": summary.nodes_lost,
        "chunks_lost": summary.chunks_lost,
        "tokens": summary.tokens_total,
    }


def accuracy(args: argparse.Namespace) -> None:
    """Scores at this number of nodes and interval, for each seed."""
    sync_s = args.sync or 1e9  # 0: only at the end
    with cluster(args.nodes) as made:
        for seed in args.seeds:
            run, result = train(
                made.address, args.text, seed, sync_every_s=sync_s, combine=args.combine, top_rows=args.top
            )
            keep(
                {
                    "mode": "accuracy",
                    "nodes": args.nodes,
                    "threads": 1,
                    "sync_s": args.sync,
                    "seed": seed,
                    "combine": args.combine,
                    "top_rows": args.top,
                    **figures(run, result),
                    **scores(result.vectors, args.data),
                }
            )


def speed(args: argparse.Namespace) -> None:
    """Training words/s of 2 nodes x 1 thread, of 1 node x 2 threads, and of 2 threads without a cluster, in turns."""
    from w2v.corpus.config import CorpusConfig
    from w2v.corpus.reader import read_corpus
    from w2v.training.config import TrainConfig
    from w2v.training.trainer import Trainer

    corpus = read_corpus([args.text], CorpusConfig(), threads=2)
    for seed in args.seeds:
        alone = Trainer(corpus, TrainConfig(seed=seed, epochs=EPOCHS, threads=2)).run().summary
        with cluster(1, threads=2) as made:
            one = figures(*train(made.address, args.text, seed, sync_every_s=args.sync))
        with cluster(2) as made:
            two = figures(*train(made.address, args.text, seed, sync_every_s=args.sync, top_rows=args.top))
        speeds = {"alone": round(alone.words_per_s), "one_node": one["words_per_s"]}
        shares = {"of_" + name: round(two["words_per_s"] / value, 3) for name, value in speeds.items()}
        keep({"mode": "speed", "sync_s": args.sync, "top_rows": args.top, "seed": seed, **speeds, **two, **shares})


def deaths(args: argparse.Namespace) -> None:
    """kill -9 of one of four actors and of one of four nodes in mid-run; a node that is added in mid-run."""
    for what in args.what:
        with cluster(2 if what == "join" else 4) as made:
            for seed in args.seeds:
                done: list[Any] = []

                def at_a_third(run: Any, progress: Any, what: str = what, made: Any = made, done: Any = done) -> None:
                    if progress.tokens_done > progress.tokens_total / 3 and not done:
                        done.append(interfere(what, made, run))

                run, result = train(made.address, args.text, seed, at_a_third)
                members = run.coordinator.members
                keep(
                    {
                        "mode": "deaths",
                        "what": what,
                        "seed": seed,
                        **figures(run, result),
                        "trained_by_the_last": members[-1].done_tokens,
                        **scores(result.vectors, args.data),
                    }
                )
                if what == "node":  # for the next seed
                    made.add_node(num_cpus=1, object_store_memory=STORE)
                elif what == "join":
                    made.remove_node(made.list_all_nodes()[-1])


def interfere(what: str, made: Any, run: Any) -> bool:
    if what == "actor":
        os.kill(run.coordinator.members[1].greeting.pid, signal.SIGKILL)
    elif what == "node":
        made.remove_node(made.list_all_nodes()[-1], allow_graceful=False)  # kill -9 of all its processes
    else:
        made.add_node(wait=False, num_cpus=1, object_store_memory=STORE)
    return True


def loopback_bytes() -> int:
    """Bytes received on the loopback interface so far: all that simulated nodes send each other, and Ray's own."""
    lines = Path("/proc/net/dev").read_text().splitlines()
    return int(next(line for line in lines if line.strip().startswith("lo:")).split()[1])


def bytes_on_the_wire(args: argparse.Namespace) -> None:
    """Bytes of one run by the program's own count, by the formula, and on the interface."""
    from w2v.cluster.synced_rows import Schedule, bytes_exchanged

    for nodes in (2, 4):
        with cluster(nodes) as made:
            marks: list[int] = []

            def mark(_run: Any, _progress: Any, marks: Any = marks) -> None:
                if not marks:
                    marks.append(loopback_bytes())

            for top in (args.top // 4, args.top):
                marks.clear()
                run, result = train(made.address, args.text, 1, mark, sync_every_s=args.sync, top_rows=top)
                wire = loopback_bytes() - marks[0]
                _rows, dim = result.vectors.matrix.shape
                schedule: Schedule = run.coordinator.schedule
                formula = bytes_exchanged(nodes, schedule.rows_in(result.summary.exchanges - 1), dim)
                keep(
                    {
                        "mode": "bytes",
                        "nodes": nodes,
                        "sync_s": args.sync,
                        "top_rows": schedule.top,
                        "formula": formula,
                        "wire": wire,
                        **figures(run, result),
                    }
                )


def keep(row: dict[str, Any]) -> None:
    """Print a result, and put it into the file in the place of the one that it repeats."""
    settings = ("mode", "what", "nodes", "sync_s", "combine", "top_rows", "seed")
    rows = json.loads(RESULTS.read_text())["rows"] if RESULTS.exists() else []
    rows = [old for old in rows if any(old.get(name) != row.get(name) for name in settings)] + [row]
    about = {"machine": platform.machine(), "cpus": os.cpu_count(), "commit": commit()}
    RESULTS.write_text(json.dumps({"about": about, "rows": rows}, indent=1) + "\n")
    print(json.dumps(row), flush=True)


def commit() -> str:
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(["git", "-C", root, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


SCORES = ("analogy", "WordSim", "SimLex", "words/s", "exchanges", "sent", "seeds")


def tables(_args: argparse.Namespace) -> None:
    """The tables of docs/cluster.md."""
    rows = json.loads(RESULTS.read_text())["rows"]

    def of(mode: str, **wanted: Any) -> list[dict[str, Any]]:
        return [r for r in rows if r["mode"] == mode and all(r[name] == value for name, value in wanted.items())]

    settling, at_1_s = of("accuracy", combine="settling"), of("accuracy", sync_s=1)
    intervals = sorted({(r["nodes"], r["sync_s"]) for r in settling}, key=lambda x: (x[0], x[1] or 1e9))
    combiners = sorted({(r["nodes"], r["combine"]) for r in at_1_s if r["nodes"] > 1})
    print(
        table(
            ("nodes", "exchange", *SCORES),
            (
                (
                    str(nodes),
                    "-" if nodes == 1 else f"{sync:g} s" if sync else "end only",
                    *means(of("accuracy", combine="settling", nodes=nodes, sync_s=sync)),
                )
                for nodes, sync in intervals
            ),
        )
    )
    print(
        "\n"
        + table(
            ("combine", "nodes", *SCORES),
            ((how, str(nodes), *means(of("accuracy", sync_s=1, nodes=nodes, combine=how))) for nodes, how in combiners),
        )
    )
    print(
        "\n"
        + table(
            ("event", *SCORES, "chunks again"),
            (
                (what, *means(same), ", ".join(str(r["chunks_lost"]) for r in same))
                for what in EVENTS
                if (same := of("deaths", what=what))
            ),
        )
    )
    print(
        "\n"
        + table(
            ("words/s", "2 threads, no cluster", "1 node x 2 threads", "2 nodes x 1 thread"),
            (
                (f"seed {r['seed']}", *(f"{r[name] / 1e6:.1f}M" for name in ("alone", "one_node", "words_per_s")))
                for r in of("speed")
            ),
        )
    )
    print(
        "\n"
        + table(
            ("nodes", "first tier", "formula", "counted", "on the wire"),
            (
                (
                    str(r["nodes"]),
                    f"{r['top_rows']:,}",
                    *(f"{r[name] / 1e6:,.0f} MB" for name in ("formula", "bytes", "wire")),
                )
                for r in of("bytes")
            ),
        )
    )


def means(rows: list[dict[str, Any]]) -> list[str]:
    """The cells of SCORES."""

    def mean(name: str) -> float:
        return sum(row[name] for row in rows) / len(rows)

    return [
        f"{mean('analogy'):.1f}",
        f"{mean('wordsim'):.3f}",
        f"{mean('simlex'):.3f}",
        f"{mean('words_per_s') / 1e6:.1f}M",
        f"{mean('exchanges'):.0f}",
        f"{mean('bytes') / 1e6:,.0f} MB",
        str(len(rows)),
    ]


MODES = {"accuracy": accuracy, "speed": speed, "deaths": deaths, "bytes": bytes_on_the_wire, "tables": tables}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=MODES)
    parser.add_argument("--text")
    parser.add_argument("--data")
    parser.add_argument("--nodes", type=int, default=2)
    parser.add_argument("--sync", type=float, default=1.0, help="seconds between exchanges; 0: only at the end")
    parser.add_argument("--seeds", type=lambda s: [int(x) for x in s.split(",")], default=[1, 2, 3])
    parser.add_argument("--combine", default="settling")
    parser.add_argument("--top", type=int, default=TOP_ROWS, help="rows of the first tier")
    parser.add_argument("--what", type=lambda s: s.split(","), default=list(EVENTS))
    args = parser.parse_args()
    started = time.time()
    MODES[args.mode](args)
    print(f"{time.time() - started:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
