"""The tables of README.md, docs/speed.md and docs/reproducible.md, and a picture, from what bench.py measured.

    python scripts/bench.py all --json scripts/bench/results.json
    python scripts/bench.py sg100 hs100 cbow100 --json scripts/bench/results-avx2.json      # where there is no AVX-512
    python scripts/make_speed.py

A table stands between the lines `<!-- table: NAME -->` and `<!-- end of table -->`; a row that has not been measured is
left out of it. A name that begins with avx2_ takes its rows from the second file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "scripts" / "bench" / "results.json"
NARROW = ROOT / "scripts" / "bench" / "results-avx2.json"
PAGES = (ROOT / "README.md", *(ROOT / "docs" / name for name in ("speed.md", "reproducible.md")))
PICTURE = ROOT / "docs" / "pictures" / "scaling.svg"

Rows = dict[str, dict[str, Any]]

PEERS = {
    "sg100": "skip-gram, negative sampling, dim 100", "sg300": "skip-gram, negative sampling, dim 300",
    "hs100": "skip-gram, hierarchical softmax, dim 100",
    "hs5": "the same, w2v in 5 epochs, which leave out more nodes",
    "cbow100": "CBOW, negative sampling, dim 100",
    "large": "skip-gram, dim 300, generated text of {words:,} words",
    "whole": "5 epochs, dim 100, from a text file to a .bin file",
    "subwords words_per_s": "skip-gram, subwords 3-6, against fastText",
    "subwords made": "vectors of words never seen, against fastText",
    "answer": "first answer from a 1,000,000 x 300 .bin, whole process", "write txt": "writing 1,000,000 x 300 as text",
    "write bin": "writing 1,000,000 x 300 as binary",
}  # fmt: skip
SCORES = {"analogy": 1, "wordsim": 3, "simlex": 3}  # and their decimals
UNTIMED = (
    "accuracy ",
    "switches: ",
    "oversubscribed: ",
    "subwords scores: ",
)  # rows of scores, the same on any machine
FLOPS = 6  # a pair and a dimension: dot product, change of the output row, change of the input row, 2 each


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *map(list, rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def span(values: dict[str, float]) -> str:
    return f"{number(values['median'])} ({number(values['min'])} to {number(values['max'])})"


def peers(rows: Rows) -> str:
    found = []
    for name, what in PEERS.items():
        if name in rows:
            row = rows[name]
            unit = row["unit"]
            words = row.get("vocabulary", 0)
            both = [f"{span(row[program])} {unit}" for program in ("w2v", "gensim" if "gensim" in row else "fasttext")]
            found.append((what.format(words=words), *both, f"{row['ratio']:.1f} x"))
    return table(("what", "w2v", "gensim or fastText", "ratio"), found)


def alone(rows: Rows) -> str:
    found = []
    for name, row in rows.items():
        if name.startswith("encode ") and "threads" in name:
            threads = name.removeprefix("encode ").replace("1 threads", "1 thread")
            what = f"counting and encoding plain text, {threads}"
            found.append((what, f"{span(row['w2v'])} MB/s"))
    if "encode gzip" in rows:
        share = 100 * rows["encode gzip"]["ratio"]
        found.append(("the same from gzip; the decompressor alone is 100 %", f"{share:.0f} %"))
    kinds = (
        ("phrases", "`w2v phrases`, whole process", "MB/s"),
        ("read txt", "opening 1,000,000 x 300 as text", "GB/s"),
    )
    for start, what, unit in kinds:
        for name, row in rows.items():
            if name.startswith(f"{start} "):
                threads = name.removeprefix(f"{start} ").replace("1 threads", "1 thread")
                found.append((f"{what}, {threads}", f"{span(row['w2v'])} {unit}"))
    if "queries" in rows:
        row = rows["queries"]
        found.append(("10,000 queries of 1,000,000 x 300, in one process", f"{span(row['w2v'])} s"))
        found.append(("NumPy's matrix product and partition for the same", f"{span(row['numpy'])} s"))
    if "help" in rows:
        found.append(("`w2v --help`, whole process", f"{span(rows['help']['w2v'])} s"))
    return table(("what", "measured"), found)


def ratios(rows: Rows, start: str) -> str:
    found = [
        (name.removeprefix(start).strip(), span(row["w2v"]), f"{row['ratio']:.2f}")
        for name, row in rows.items()
        if name.startswith(start)
    ]
    return table((start.strip(), "M words/s", "ratio"), found)


def costs(rows: Rows) -> str:
    found = []
    for name, row in measured_costs(rows):
        found.append((
            name.removeprefix("costs: "), f"{row['tokens']:,}", f"{row['vocabulary']:,}", f"{row['seconds']:.2f}",
            span(row["w2v"]), f"{row['examples'] / row['trained']:.1f}", f"{flop_rate(row, name):.0f}",
        ))  # fmt: skip
    return table(("setting", "tokens", "words", "seconds", "ns a token", "pairs a centre", "GFLOP/s"), found)


def measured_costs(rows: Rows) -> list[tuple[str, dict[str, Any]]]:
    return [(name, row) for name, row in rows.items() if name.startswith("costs: ")]


def flop_rate(row: dict[str, Any], name: str) -> float:
    """Useful GFLOP/s of an epoch."""
    dim = int(name.split()[-1]) if " dim " in name else 100
    return FLOPS * dim * row["examples"] / row["seconds"] / 1e9


def scores(rows: Rows, *starts: str) -> str:
    found = []
    for name, row in rows.items():
        if name.startswith(starts):
            means = [f"{row[key]['mean']:.{digits}f}" for key, digits in SCORES.items()]
            found.append((re.sub(r"^\w+:? ", "", name, count=1), *means))
    return table(("run", "analogy %", "WordSim", "SimLex"), found)


PARTS = {
    "dot products": "dot products", "sums and sigmoids": "horizontal sums, sigmoids, loss",
    "updates": "updates of both sides", "random numbers": "random numbers",
}  # fmt: skip


def centre(rows: Rows) -> str:
    """The parts of a centre word, the least of the runs; what is not measured alone is a difference of two of them."""
    found = {name: row["w2v"]["min"] for name, row in rows.items() if name.startswith("centre ")}
    dims = sorted({int(name.split()[1].rstrip(":")) for name in found})
    (few,) = {name.split(": ")[1] for name in found if name.endswith(" words")}
    (threads,) = {name.split(": ")[1] for name in found if name.endswith(" threads")}
    words = few.removeprefix("all, ")

    def line(what: str, value: Callable[[int], float]) -> tuple[str, ...]:
        return (what, *(f"{value(dim):.0f}" for dim in dims))

    def at(dim: int, part: str) -> float:
        return found[f"centre {dim}: {part}"]

    lines = [line(what, lambda dim, part=part: at(dim, part)) for part, what in PARTS.items()]
    lines += [
        line("all else: windows, addresses, counters", lambda dim: at(dim, few) - sum(at(dim, part) for part in PARTS)),
        line(f"a training with {words}, in cache", lambda dim: at(dim, few)),
        line("rows that are not in cache", lambda dim: at(dim, "all") - at(dim, few)),
        line("a training with all words, 1 thread", lambda dim: at(dim, "all")),
        line("rows from another core, memory shared", lambda dim: at(dim, threads) - at(dim, "all")),
        line(f"the same on {threads.removeprefix('all, ')}, ns of a thread", lambda dim: at(dim, threads)),
    ]
    return table(("ns a centre", *(f"dim {dim}" for dim in dims)), lines)


MODELS = {"sg": "skip-gram", "cbow": "CBOW", "hs": "skip-gram, hs", "cbow-hs": "CBOW, hs", "subwords": "subwords"}


def reproducible(rows: Rows) -> str:
    found = [
        (f"{MODELS[model]}, {threads.replace('1 threads', '1 thread')}", span(row["w2v"]), span(row["default"]),
         f"{row['ratio']:.2f}")
        for name, row in rows.items()
        if name.startswith("reproducible ")
        for model, threads in [name.removeprefix("reproducible ").split(" ", 1)]
    ]  # fmt: skip
    return table(("M words/s", "--reproducible", "default", "ratio"), found)


def vocabularies(rows: Rows) -> str:
    found = [
        (f"{row['vocabulary']:,}", name.split()[-1], f"{row['memory'] / 1e9:.1f} GB", f"{row['process_s']:.0f} s",
         number(row["w2v"]["median"]))
        for name, row in rows.items()
        if name.startswith("vocabulary ")
    ]  # fmt: skip
    return table(("words", "dim", "memory", "the whole process", "M words/s"), found)


def machine(rows: Rows) -> str:
    """Which machine the times are of, and which of them are of another one."""
    timed = {name: row for name, row in rows.items() if not name.startswith(UNTIMED)}
    by_cpu: dict[tuple[int, str], list[str]] = {}
    for name, row in timed.items():
        by_cpu.setdefault((row["measured"]["cpus"], row["measured"]["cpu"]), []).append(name)
    usual = max(by_cpu, key=lambda cpu: len(by_cpu[cpu]))
    lines = []
    for (cpus, cpu), names in sorted(by_cpu.items(), key=lambda item: item[0] != usual):
        dates = sorted({rows[name]["measured"]["date"] for name in names})
        which = "Machine" if (cpus, cpu) == usual else f"Rows {', '.join(names)}"
        lines.append(f"{which}: {cpus} CPUs of a shared x86-64 server ({cpu}); {', '.join(dates)}.")
    return "\n".join([*lines, f"Each row's commit is in `scripts/bench/{next(iter(rows.values()))['file']}`."])


def limit_name(row: str) -> str:
    """ "limits: gb_per_s on 2" in words."""
    what, threads = row.removeprefix("limits: ").split(" on ")
    unit = {"gflop_per_s": "GFLOP/s", "gb_per_s": "GB/s"}[what]
    return f"{unit}, {threads} {'thread' if threads == '1' else 'threads'}"


TABLES = {
    "machine": machine, "peers": peers, "reproducible": reproducible, "alone": alone, "vocabularies": vocabularies,
    "kernels": lambda rows: ratios(rows, "kernel "),
    "threads": lambda rows: ratios(rows, "scaling "), "costs": costs, "centre": centre,
    "limits": lambda rows: table(
        ("what", "measured"),
        ((limit_name(name), span(row["machine"])) for name, row in rows.items() if name.startswith("limits")),
    ),
    "switches": lambda rows: scores(rows, "switches: "),
    "accuracy": lambda rows: scores(rows, "accuracy "),
    "oversubscribed": lambda rows: scores(rows, "oversubscribed: "),
}  # fmt: skip


def read(path: Path) -> Rows:
    """Row by name, each with the name of its file."""
    return {row["row"]: {**row, "file": path.name} for row in json.loads(path.read_text())["rows"]}


def fill(page: str, rows: Rows, narrow: Rows) -> str:
    def one(match: re.Match[str]) -> str:
        name = match[1].removeprefix("avx2_")
        table = TABLES[name](rows if name == match[1] else narrow)
        return f"<!-- table: {match[1]} -->\n{table}\n<!-- end of table -->"

    return re.sub(r"<!-- table: (\w+) -->\n.*?<!-- end of table -->", one, page, flags=re.DOTALL)


def draw(rows: Rows) -> None:
    """One panel a setting: nanoseconds a token, on this machine's threads."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "w2v"  # the same file every time
    from matplotlib import pyplot

    found = measured_costs(rows)
    names = {
        "tokens": "million tokens", "max_vocab": "thousand words", "dim": "dim", "window": "window",
        "negative": "negatives",
    }  # fmt: skip
    figure, axes = pyplot.subplots(1, len(names) + 1, figsize=(13, 2.6), layout="constrained")
    for axis, (key, label) in zip(axes, names.items(), strict=False):
        points = [(name.split()[-1], row) for name, row in found if name.startswith(f"costs: {key} ")]
        if key == "tokens":
            x, y = [row["tokens"] / 1e6 for _, row in points], [row["seconds"] for _, row in points]
        else:
            x = [float(value) / (1e3 if key == "max_vocab" else 1) for value, _ in points]
            y = [row["w2v"]["median"] for _, row in points]
        axis.plot(x, y, "o-", color="#0072b2", markersize=4)
        unit = "seconds an epoch" if key == "tokens" else "ns a token"
        axis.set(xlabel=label, ylabel=unit, xlim=(0, None), ylim=(0, None))
    counts = [(row["threads"], row["w2v"]["median"]) for name, row in rows.items() if name.startswith("scaling ")]
    axes[-1].plot(*zip(*counts, strict=True), "o-", color="#0072b2", markersize=4)
    axes[-1].set(xlabel="threads", ylabel="M words/s", xlim=(0, None), ylim=(0, None))
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, metadata={"Date": None})


def main() -> None:
    rows, narrow = read(RESULTS), read(NARROW)
    for page in PAGES:
        page.write_text(fill(page.read_text(), rows, narrow))
    draw(rows)


if __name__ == "__main__":
    main()
