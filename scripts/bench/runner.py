"""How rows are measured, told and kept: the two programs in turn, medians, JSON."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.inputs import Inputs

__all__ = ["Bench", "machine", "save", "spread"]

ROOT = Path(__file__).resolve().parent.parent.parent
TASKS = ROOT / "scripts" / "bench_tasks.py"


class Bench:
    """Where files are kept, how often things run, and what was found."""

    def __init__(self, options: argparse.Namespace):
        self.work = Path(options.work_dir or Path(tempfile.gettempdir()) / "w2v-bench")
        self.work.mkdir(parents=True, exist_ok=True)
        self.inputs = Inputs(Path(os.environ.get("W2V_BENCH_DATA", ROOT.parent / "shared" / "data")), self.work)
        self.runs = options.runs
        self.threads = options.threads or len(os.sched_getaffinity(0))
        self.seeds = options.seeds
        self.rows: list[dict[str, Any]] = []

    def keep(self, name: str, row: dict[str, Any]) -> None:
        """A row for the JSON file, with what it was measured on."""
        self.rows.append({"row": name, **row, "threads": row.get("threads", self.threads), "measured": machine()})

    def task(self, name: str, env: dict[str, str] | None = None, **settings: Any) -> dict[str, Any]:
        """One task in a process of its own."""
        done = subprocess.run(
            [sys.executable, str(TASKS), name, json.dumps(settings)],
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            check=False,
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
        self,
        name: str,
        unit: str,
        ours: Callable[[], float],
        theirs: Callable[[], float],
        peer: str = "gensim",
        higher: bool = True,
        **more: Any,
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


def save(path: Path, rows: list[dict[str, Any]]) -> None:
    """Rows into a JSON file; those of the same name are replaced."""
    kept = {row["row"]: row for row in json.loads(path.read_text())["rows"]} if path.exists() else {}
    kept.update({row["row"]: row for row in rows})
    path.write_text(json.dumps({"rows": list(kept.values())}, indent=1) + "\n")
