"""How changes of several nodes are best put together: nodes in one process, whose exchanges take no time.

    python scripts/study_combining.py --text FILE --data FOLDER [--nodes 4] [--rounds 13] [--combine settling] \\
        [--lr-scale 2] [--pair 0.0833] [--model cbow] [--loss hs] [--seeds 1]

FILE is a text; FOLDER holds questions-words.txt, wordsim353.tsv, simlex999.txt. Each node trains an equal share of the
text on a model of its own; after each of `--rounds` rounds in five epochs all rows of all nodes are combined. Prints a
row of docs/cluster.md for each seed.
"""

from __future__ import annotations

import argparse
import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

EPOCHS = 5
SPAN = 20_000  # ids trained at one learning rate
ROWS = 4096  # combined at a time


def train(corpus: Any, args: argparse.Namespace, seed: int) -> Any:
    """The vectors of one run."""
    from w2v.cluster.synced_rows import COMBINERS
    from w2v.kernel._state import Model, Worker
    from w2v.kernel.kernels import choose
    from w2v.training.config import TrainConfig
    from w2v.training.lanes import pairs_per_token
    from w2v.vectors.vectors import Vectors

    config = TrainConfig(seed=seed, threads=1, epochs=EPOCHS, model=args.model, loss=args.loss).resolved()
    assert config.lr is not None
    assert config.min_lr is not None
    counts, ids, nodes = corpus.vocab.counts, np.ascontiguousarray(corpus.ids), args.nodes
    models = [Model(counts, config) for _ in range(nodes)]
    for model in models:
        model.fill_inputs(0, len(counts))
    workers = [Worker(model, number) for number, model in enumerate(models)]
    matrices = [[m[:, : config.dim] for m in (model.inputs, model.outputs)] for model in models]
    base = [np.ascontiguousarray(matrix) for matrix in matrices[0]]
    pairs = pairs_per_token(counts, config)
    share = len(ids) * EPOCHS / (args.rounds * nodes)  # ids that a node trains in a round
    kernel = choose()

    def lr_at(part: float) -> float:
        return max(config.min_lr, config.lr * args.lr_scale * (1 - part))

    def work(number: int, round_: int) -> None:
        first = (round_ * nodes + number) * share
        for start, stop in spans(ids, first, first + share):
            kernel.train(workers[number], ids, start, stop, lr_at(round_ / args.rounds))

    def combine(matrix: int, spent: float) -> None:
        for first in range(0, len(base[matrix]), ROWS):
            rows = slice(first, min(first + ROWS, len(base[matrix])))
            changes = [node[matrix][rows] - base[matrix][rows] for node in matrices]
            effort = (args.pair * spent * pairs[matrix][rows]).astype(np.float32)
            base[matrix][rows] += COMBINERS[args.combine](changes, [effort] * nodes)
            for node in matrices:
                node[matrix][rows] = base[matrix][rows]

    with ThreadPoolExecutor(2) as pool:
        for round_ in range(args.rounds):
            list(pool.map(work, range(nodes), itertools.repeat(round_)))
            spent = lr_at(round_ / args.rounds) * share
            list(pool.map(combine, range(len(base)), itertools.repeat(spent)))
    return Vectors(list(corpus.vocab.words), base[0])


def spans(ids: np.ndarray, first: float, last: float) -> Any:
    """Whole sentences from `first` to `last`, places in all epochs' text, in spans of some SPAN ids."""
    size = len(ids)
    cuts = [int(first), *range((int(first) // SPAN + 1) * SPAN, int(last), SPAN), int(last)]
    for start, stop in itertools.pairwise(cuts):
        offset = start // size * size
        begin, end = sentence_end(ids, start - offset), sentence_end(ids, min(stop - offset, size))
        if begin < end:
            yield begin, end


def sentence_end(ids: np.ndarray, place: int) -> int:
    """Where the sentence that holds the id before `place` ends."""
    while 0 < place < len(ids) and ids[place - 1] != -1:
        place += 1
    return place


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--nodes", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=13)
    parser.add_argument("--combine", default="settling")
    parser.add_argument("--lr-scale", type=float, default=2.0)
    parser.add_argument("--pair", type=float, help="effort of a pair at learning rate 1 (as in w2v/training/lanes.py)")
    parser.add_argument("--model", default="skipgram")
    parser.add_argument("--loss", default="ns")
    parser.add_argument("--seeds", type=lambda s: [int(x) for x in s.split(",")], default=[1])
    args = parser.parse_args()

    from cluster_bench import scores

    from w2v.corpus.config import CorpusConfig
    from w2v.corpus.reader import read_corpus
    from w2v.training.lanes import PAIR

    args.pair = args.pair or PAIR
    corpus = read_corpus([args.text], CorpusConfig(), threads=2)
    for seed in args.seeds:
        found = scores(train(corpus, args, seed), args.data)
        print(
            f"| {args.model} {args.loss} | {args.combine} | {args.nodes} | {args.rounds} | x {args.lr_scale:g} |"
            f" {args.pair:.3f} | {found['analogy']:.1f} | {found['wordsim']:.3f} | {found['simlex']:.3f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
