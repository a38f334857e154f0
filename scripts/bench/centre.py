"""The row `centre`: where the time of a centre word goes."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path

from bench.runner import ROOT, Bench, spread

__all__ = ["centre"]

DIMS = (100, 300)
FEW_WORDS = 300  # whose rows stay in a core's own caches, or nearly
PAIRS = 6 * 5.9  # of a centre in centre.c
FLAGS = ["-O3", "-std=gnu11", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math", "-w"]
KERNEL_FLAGS = {  # as in setup.py
    "baseline": [], "avx2": ["-mavx2", "-mfma", "-mbmi2"],
    "avx512": ["-mavx2", "-mfma", "-mbmi2", "-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl",
               "-mprefer-vector-width=512"],
}  # fmt: skip


def centre(bench: Bench) -> None:
    """Where the time of a centre word goes (skip-gram, dim 100 and 300): its parts alone, caches, threads."""
    from w2v.kernel.kernels import choose

    kernel = choose().NAME
    program = build(bench.work / "centre", kernel)
    for dim in DIMS:
        found: dict[str, list[float]] = {}
        for _ in range(bench.runs):
            for part, ns in parts_alone(program, dim).items():
                found.setdefault(part, []).append(ns)
            wholes = {
                f"all, {FEW_WORDS} words": whole(bench, dim, 1, max_vocab=FEW_WORDS),
                "all": whole(bench, dim, 1),
                f"all, {bench.threads} threads": whole(bench, dim, bench.threads),
            }
            for name, ns in wholes.items():
                found.setdefault(name, []).append(ns)
        for part, values in found.items():
            bench.report(f"centre {dim}: {part}", {"w2v": spread(values), "unit": "ns", "kernel": kernel})


def build(path: Path, kernel: str) -> Path:
    """Compile centre.c with the flags of a kernel."""
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    source, include = ROOT / "scripts" / "bench" / "centre.c", ROOT / "w2v" / "kernel"
    command = [*compiler, *FLAGS, *KERNEL_FLAGS[kernel], f"-I{include}", str(source), "-o", str(path)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"bench: centre.c does not compile\n{done.stderr}")
    return path


def parts_alone(program: Path, dim: int) -> dict[str, float]:
    """Part -> ns a centre."""
    done = subprocess.run([str(program), str(dim)], capture_output=True, text=True, check=True)
    return {part: float(ns) for part, ns in (line.split("\t") for line in done.stdout.splitlines())}


def whole(bench: Bench, dim: int, threads: int, **words: int) -> float:
    """ns of a thread for a centre, of an epoch over a sixth of the corpus, at as many pairs a centre as in centre.c."""
    settings = {"threads": threads, "dim": dim}
    task = bench.task("w2v_train", corpus=bench.inputs.wiki(), epochs=1, settings=settings, tokens=1 / 6, **words)
    return 1e9 * threads * task["seconds"] / task["examples"] * PAIRS
