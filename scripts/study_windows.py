"""Do small windows give interchangeable words and large ones related words? The figures of docs/windows.md.

    python scripts/study_windows.py                          # benchmark data in W2V_BENCH_DATA, or ../shared/data
    python scripts/study_windows.py --corpus data/text8 --data folder-with-simlex999-and-wordsim353

Runs `w2v encode` once and `w2v sweep` over windows and seeds; prints the table, the neighbours of a few words with the
smallest and the largest window, and how far these agree (`w2v diff`). What is done is kept in --work-dir: the script
goes on where it was stopped; --seeds 1, then --seeds 1,2 and so on do the study in pieces.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WINDOWS = "1,2,5,10,20"
WORDS = ("hospital", "running", "oxford")
FILES = ("simlex999.txt", "wordsim353.tsv", "questions-words.txt")


def w2v(*args: str | Path) -> str:
    """The output of one command; its progress goes to stderr."""
    program = shutil.which("w2v", path=os.path.dirname(sys.executable)) or "w2v"
    return subprocess.run([program, *map(str, args)], check=True, stdout=subprocess.PIPE, text=True).stdout


def markdown(table: str) -> str:
    rows = [line.split("\t") for line in table.splitlines()]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])


def vectors_of(folder: Path, seed: str) -> dict[str, Path]:
    """The vectors of each window that the sweep has kept, for one seed."""
    lines = [json.loads(line) for line in (folder / "results.jsonl").read_text(encoding="utf-8").splitlines()]
    return {
        str(line["settings"]["window"]): folder / line["vectors"]
        for line in lines
        if str(line["settings"]["seed"]) == seed
    }


def indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines()).rstrip("\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("W2V_BENCH_DATA", ROOT.parent / "shared" / "data"))
    parser.add_argument("--corpus", type=Path, help="text [DATA/wiki100.txt.xz]")
    parser.add_argument("--work-dir", type=Path, default=Path(tempfile.gettempdir()) / "w2v-windows")
    parser.add_argument("--windows", default=WINDOWS, help=f"[{WINDOWS}]")
    parser.add_argument("--seeds", default="1,2,3", help="[1,2,3]")
    options = parser.parse_args()
    work, data = options.work_dir, Path(options.data)
    work.mkdir(parents=True, exist_ok=True)
    tests = [part for name in FILES if (data / name).exists() for part in ("--eval", data / name)]
    if not (work / "corpus.ids").exists():
        w2v("encode", options.corpus or data / "wiki100.txt.xz", "-o", work / "corpus.ids")
    table = w2v(
        "sweep",
        work / "corpus.ids",
        "-o",
        work / "runs",
        "--window",
        options.windows,
        "--seeds",
        options.seeds,
        *tests,
        "--mean",
    )
    print(markdown(table))
    windows = options.windows.split(",")
    seed = options.seeds.split(",")[0]
    kept = vectors_of(work / "runs", seed)
    for window in (windows[0], windows[-1]):
        print(f"\nwindow {window}:\n")
        print(indented(w2v("similar", kept[window], *WORDS, "-k", "5", "--format", "tsv")))
    print(f"\nwindow {windows[0]} against window {windows[-1]}:\n")
    print(indented(w2v("diff", kept[windows[0]], kept[windows[-1]], "-k", "10", "--words", "8")))


if __name__ == "__main__":
    main()
