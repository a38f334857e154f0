"""The speed of two builds of w2v, in turn: what a change of the training loop gained, on a machine whose speed drifts.

    pip install --no-deps --target /tmp/before .        # in a checkout of the commit before
    pip install --no-deps --target /tmp/after .
    w2v encode corpus.txt -o corpus.ids
    python scripts/compare_builds.py corpus.ids /tmp/before /tmp/after --set loss=hs --set threads=1

Each build trains in a process of its own, on the first tokens of the corpus, one short run after the other: what slows
the machine for seconds slows both. The ratio is the median over the pairs of runs, and half of them lie in the range
that is told; the first pair is left out. A build against itself shows what the machine makes of nothing.
With one thread two builds whose arithmetic is the same give the same vectors, and that is told too.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

from bench_tasks import shorten


def worker(corpus: str, tokens: int, settings: dict[str, Any]) -> None:
    """Train once for each line of standard input; answer with ns a centre and a checksum of the input matrix."""
    import w2v
    from w2v.errors import W2VError
    from w2v.training.config import TrainConfig
    from w2v.training.trainer import Trainer

    try:
        config = TrainConfig(**{"epochs": 1, **settings})
        encoded = w2v.EncodedCorpus.load(corpus)
    except (W2VError, TypeError) as error:  # TypeError: no such setting
        sys.exit(f"compare_builds: {error}")
    shorten(encoded, tokens)
    print(Path(w2v.__file__).resolve().parent.parent, flush=True)
    for _ in sys.stdin:
        trainer = Trainer(encoded, config)
        summary = trainer.run().summary
        print(1e9 * summary.seconds / summary.trained, zlib.crc32(trainer.model.inputs), flush=True)


class Build:
    """An installed w2v, waiting in a process of its own."""

    def __init__(self, folder: Path, options: argparse.Namespace, settings: dict[str, Any]):
        words = [sys.executable, __file__, "--worker", json.dumps([options.corpus, options.tokens, settings])]
        env = {**os.environ, "PYTHONPATH": str(folder)}
        self.process = subprocess.Popen(words, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        found = self.answer()
        if Path(found) != folder.resolve():
            sys.exit(f"compare_builds: {folder}: holds no w2v (found one in {found}); pip install --target {folder} .")

    def answer(self) -> str:
        line = self.process.stdout.readline()
        return line.rstrip("\n") if line else sys.exit("compare_builds: a build stopped; what it said is above")

    def run(self) -> tuple[float, str]:
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        speed, checksum = self.answer().split()
        return float(speed), checksum


def run_both(builds: list[Build], turn: int) -> list[tuple[float, str]]:
    """A run of each, the other one first every other time."""
    if turn % 2:
        return [build.run() for build in reversed(builds)][::-1]
    return [build.run() for build in builds]


def setting(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def main() -> None:
    if sys.argv[1:2] == ["--worker"]:
        worker(*json.loads(sys.argv[2]))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", metavar="CORPUS.ids", help="what w2v encode wrote")
    parser.add_argument("before", type=Path, metavar="BEFORE", help="a folder with an installed w2v")
    parser.add_argument("after", type=Path, metavar="AFTER", help="another")
    parser.add_argument("--rounds", type=int, default=15, help="pairs of runs (15)")
    parser.add_argument("--tokens", type=int, default=800_000, help="tokens of one run (800000)")
    parser.add_argument("--set", type=setting, action="append", default=[], metavar="NAME=VALUE",
                        help="a keyword argument of w2v.train")  # fmt: skip
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error(f"--rounds: {options.rounds} pairs tell nothing; 1 at least")
    if not Path(options.corpus).is_file():
        parser.error(f"{options.corpus}: no such file; w2v encode TEXT -o {options.corpus} makes it")
    builds = [Build(folder, options, dict(options.set)) for folder in (options.before, options.after)]
    runs = [run_both(builds, turn) for turn in range(options.rounds + 1)][1:]
    for i, name in enumerate(("before", "after")):
        speeds = [pair[i][0] for pair in runs]
        median = statistics.median(speeds)
        print(f"{name:<7} {median:8.1f} ({min(speeds):.1f} to {max(speeds):.1f}) ns a centre word")
    ratios = sorted(before[0] / after[0] for before, after in runs)
    half = f"{ratios[len(ratios) // 4]:.3f} to {ratios[-1 - len(ratios) // 4]:.3f}"
    same = len({checksum for pair in runs for _, checksum in pair}) == 1
    print(
        f"after is {statistics.median(ratios):.3f} times as fast (half of the pairs: {half}); "
        f"{'the same' if same else 'other'} vectors"
    )


if __name__ == "__main__":
    main()
