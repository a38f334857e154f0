"""Digests of what one thread writes, for every model, loss and switch: a change of the code that is meant to change no
byte prints the same table before and after.

    python scripts/digests.py                     # on data/world.txt.gz, with the kernel of this CPU
    W2V_KERNEL=avx2 python scripts/digests.py
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import w2v

WORLD = Path(__file__).resolve().parent.parent / "data" / "world.txt.gz"
ROWS: dict[str, dict[str, object]] = {
    f"{model} {loss}": {"model": model, "loss": loss} for model in ("skipgram", "cbow") for loss in ("ns", "hs")
} | {
    "exact": {"exact": True},
    "exact cbow": {"exact": True, "model": "cbow"},
    "exact hs": {"exact": True, "loss": "hs"},
    "exact gradient": {"model": "cbow", "cbow_gradient": "exact"},
    "no shared negatives": {"share_negatives": False},
    "no pool": {"negative_pool": 0},
    "dim 37": {"dim": 37},
    "dim 300": {"dim": 300},
    "window 20": {"window": 20},
    "fixed window": {"fixed_window": True, "window": 10},
    "negative 30": {"negative": 30},
    "sample 0": {"sample": 0},
    "held out": {"held_out": 0.02},
    "add": {"combine": "add"},
}


def digest(corpus: w2v.EncodedCorpus, settings: dict[str, object]) -> str:
    """The first 16 digits of the SHA-256 of the vectors' bytes."""
    vectors = w2v.train(corpus, threads=1, epochs=2, **settings)
    return hashlib.sha256(vectors.matrix.tobytes()).hexdigest()[:16]


def main() -> None:
    corpus = w2v.encode(sys.argv[1] if len(sys.argv) > 1 else WORLD)
    for name, settings in ROWS.items():
        print(f"{name:20}  {digest(corpus, settings)}", flush=True)


if __name__ == "__main__":
    main()
