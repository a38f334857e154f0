"""How often rows change their core with T threads, from the trainer's own draws: what private rows save.

    python scripts/simulate_threads.py CORPUS.ids [--threads 1 2 32 128] [--centres 3000] [--measure] \\
        [--set dim=300] [--set lr=0.05]

CORPUS.ids is made by `w2v encode`. Every thread walks through its part of the corpus, a centre word at a time, and
changes the rows that the trainer would change there. A row that another thread has changed last has to come from that
thread's core: that is one transfer, of as many cache lines as the row has. A private row is changed in the thread's own
copy and touches the shared one only when it is merged. The first half of the walk fills the caches; the second counts.

`--measure` trains on 1 thread, on 1 thread beside another training, and on 2 threads with private rows and without.
What the last takes longer than the second is the time of its transfers; the second and that time predict the third.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import numpy as np
from compare_builds import setting
from numpy.typing import NDArray

import w2v
from w2v.training.config import TrainConfig
from w2v.training.samples import draw_samples
from w2v.training.trainer import ThreadedModel, Trainer

Walk = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


def walk(corpus: w2v.EncodedCorpus, config: TrainConfig, threads: int, centres: int) -> Walk:
    """(thread, time, row) of all changes, int64 each; output rows are numbered behind the input rows."""
    found: list[list[int]] = [[], [], []]
    for thread in range(threads):
        start = len(corpus.ids) * thread // threads
        start += int(np.flatnonzero(corpus.ids[start:] < 0)[0]) + 1
        part: Any = SimpleNamespace(ids=corpus.ids[start:], vocab=corpus.vocab)
        time = 0
        for sentence in draw_samples(part, dataclasses.replace(config, seed=thread + 1)):
            for centre in sentence.centres:
                rows = {word for row in centre.rows for word in row.words}
                rows |= {len(corpus.vocab) + output for row in centre.rows for output, _ in row.outputs}
                found[0] += [thread] * len(rows)
                found[1] += [time] * len(rows)
                found[2] += sorted(rows)
                time += 1
            if time >= centres:
                break
    thread_, time_, row_ = (np.array(column) for column in found)
    return thread_, time_, row_


def transfers(changes: Walk, words: int, private: int, merge_after: int, centres: int) -> float:
    """Rows a centre that come from another core, where the first `private` rows of each matrix are merged after
    `merge_after` changes."""
    thread, time, row = changes
    order = np.lexsort((time, row, thread))
    thread, time, row = thread[order], time[order], row[order]
    begins = np.flatnonzero(np.r_[True, (row[1:] != row[:-1]) | (thread[1:] != thread[:-1])])
    number = np.arange(len(row)) - np.repeat(begins, np.diff(np.r_[begins, len(row)]))
    offset = thread * 7919 % merge_after  # threads do not merge in step
    shared = (row % words >= private) | ((number + offset) % merge_after == merge_after - 1)
    thread, time, row = thread[shared], time[shared], row[shared]
    order = np.lexsort((thread, time, row))
    thread, time, row = thread[order], time[order], row[order]
    moved = (row[1:] == row[:-1]) & (thread[1:] != thread[:-1]) & (time[1:] >= centres // 2)
    return float(moved.sum()) / ((centres - centres // 2) * (thread.max() + 1))


def rule(corpus: w2v.EncodedCorpus, config: TrainConfig, threads: int) -> tuple[int, int]:
    """Private rows and updates between two merges, as the trainer has them."""
    wanted = dataclasses.replace(config, dim=1, threads=threads).resolved()
    model = ThreadedModel(corpus.vocab, wanted, len(corpus.ids), int(corpus.token_counts.kept))
    model.threads = threads
    every = model.merge_after_at(wanted.lr)
    return (0, 1) if threads == 1 or every == 1 else (model.private_rows(), every)


def measured(corpus: w2v.EncodedCorpus, config: TrainConfig, threads: int, hot_rows: int, runs: int) -> float:
    """ns that a thread takes for a centre; the median of some runs of one epoch."""
    wanted = dataclasses.replace(config, threads=threads, hot_rows=hot_rows, epochs=1)
    summaries = [Trainer(corpus, wanted).run().summary for _ in range(runs)]
    return statistics.median(1e9 * each.seconds * each.threads / each.trained for each in summaries)


def beside_another(corpus: w2v.EncodedCorpus, config: TrainConfig, runs: int) -> float:
    """ns that a thread takes for a centre while another training, which shares no row with it, has the second core."""
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(measured, corpus, config, 1, 0, runs) for _ in range(2)]
        return statistics.mean(each.result() for each in both)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2, 4, 8, 16, 32, 64, 128])
    parser.add_argument("--centres", type=int, default=3000, help="of each thread (3000)")
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--set", type=setting, action="append", default=[], metavar="NAME=VALUE")
    options = parser.parse_args()
    corpus, config = w2v.EncodedCorpus.load(options.corpus), TrainConfig(**dict(options.set))
    words, centres = len(corpus.vocab), options.centres
    print("| threads | private rows | merged after | transfers a centre | without private rows |")
    print("| --- | --- | --- | --- | --- |")
    found = {}
    for threads in options.threads:
        changes = walk(corpus, config, threads, centres)
        private, every = rule(corpus, config, threads)
        both = [transfers(changes, words, *each, centres) for each in ((private, every), (0, 1))]
        found[threads] = both
        print(f"| {threads} | {private:,} | {every} | {both[0]:.2f} | {both[1]:.2f} |", flush=True)
    if options.measure:
        with_private, without = found[2]
        one, two, plain = (
            measured(corpus, config, threads, rows, options.runs)
            for threads, rows in ((1, 0), (2, config.resolved().hot_rows), (2, 0))
        )
        apart = beside_another(corpus, config, options.runs)
        transfer = (plain - apart) / without
        print(f"ns a centre: 1 thread {one:.0f}, beside another training {apart:.0f}")
        print(f"2 threads without private rows {plain:.0f}: {transfer:.0f} a transfer")
        print(f"2 threads with private rows: {apart + with_private * transfer:.0f} predicted, {two:.0f} measured")


if __name__ == "__main__":
    main()
