"""What `reproducible` costs: scores and processor time of each model and loss, with and without it.

    python scripts/study_reproducible.py CORPUS.ids DATA [--seeds 1 2 3] [--threads 2] [--modes plain reproducible] \\
        [--set window=10] [--models skipgram-ns cbow-hs]

CORPUS.ids is made by `w2v encode`; DATA is a folder with questions-words.txt, wordsim353.tsv and simlex999.txt. Each
line is a row of docs/reproducible.md: scores after five epochs, and million words per second of processor time.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from pathlib import Path
from typing import Any

import w2v
from w2v.vectors.evaluate import evaluate
from w2v.vectors.questions import read_questions

MODELS = ("skipgram-ns", "skipgram-hs", "cbow-ns", "cbow-hs")
FILES = ("questions-words.txt", "wordsim353.tsv", "simlex999.txt")


def row(corpus: w2v.EncodedCorpus, data: Path, settings: dict[str, Any]) -> str:
    """One training and its scores."""
    before = time.process_time()
    vectors = w2v.train(corpus, **settings)
    seconds = time.process_time() - before
    scores = [evaluate(vectors, read_questions(data / name)) for name in FILES]
    analogy, wordsim, simlex = (s.spearman if s.kind == "pairs" else s.total.accuracy for s in scores)
    speed = corpus.token_counts.kept * settings["epochs"] / seconds / 1e6
    digest = hashlib.sha256(vectors.matrix.tobytes()).hexdigest()[:12]
    return f"{100 * analogy:.1f} | {wordsim:.3f} | {simlex:.3f} | {speed:.2f} | {digest}"


def setting(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    return name, float(value) if "." in value else int(value) if value.isdigit() else value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus")
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--modes", nargs="+", default=["plain", "reproducible"], choices=["plain", "reproducible"])
    parser.add_argument("--models", nargs="+", default=MODELS, choices=MODELS)
    parser.add_argument("--set", type=setting, action="append", default=[], metavar="NAME=VALUE")
    args = parser.parse_args()
    corpus = w2v.EncodedCorpus.load(args.corpus)
    print("model, loss | mode | seed | analogy % | WordSim | SimLex | M words per CPU second | digest")
    for seed in args.seeds:
        for name in args.models:
            model, loss = name.split("-")
            for mode in args.modes:
                settings = {
                    "model": model,
                    "loss": loss,
                    "seed": seed,
                    "threads": args.threads,
                    "epochs": args.epochs,
                    "reproducible": mode == "reproducible",
                    **dict(args.set),
                }
                print(f"{name} | {mode} | {seed} | {row(corpus, args.data, settings)}", flush=True)


if __name__ == "__main__":
    main()
