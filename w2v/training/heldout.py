"""Text that is held out: which sentences, and what the model loses on them.

The rule is in rng.h: a sentence is held out by the seed and its place in the corpus, so neither threads nor spans
matter. The loop skips these sentences; here they lie once more, one behind the other.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from w2v.errors import CorpusError, setting
from w2v.kernel._state import Model, Worker
from w2v.kernel._tables import count_trained, held_out_ids, span_end
from w2v.kernel.tables import held_out_share
from w2v.threads import for_each

if TYPE_CHECKING:
    from w2v.kernel.kernels import Kernel
    from w2v.training.config import ResolvedConfig

__all__ = ["HeldOut", "trained_tokens"]

PART_IDS = 100_000  # each part has its own random numbers: the loss does not depend on the number of threads
FIRST_NUMBER = 1 << 20  # of the workers that evaluate: no worker that trains has their random numbers


class HeldOut:
    """The sentences of a corpus that are not trained on. `ids` int32 [n], -1 behind each sentence; `tokens` in them."""

    def __init__(self, ids: np.ndarray, config: ResolvedConfig):
        self.ids = held_out_ids(ids, 0, len(ids), config.seed, held_out_share(config.held_out))
        self.tokens = int(np.count_nonzero(self.ids >= 0))
        if not self.tokens or len(self.ids) == len(ids):
            which, share = ("every", "smaller") if self.tokens else ("no", "larger")
            raise CorpusError(
                f"{setting('held_out', config.held_out)}: {which} sentence would be held out; take a {share} share, "
                "or a corpus of more sentences (each line is one)"
            )
        cuts = [0]
        while cuts[-1] < len(self.ids):
            cuts.append(span_end(self.ids, cuts[-1], PART_IDS))
        self.parts = list(itertools.pairwise(cuts))

    def loss(self, model: Model, kernel: Kernel, threads: int) -> float:
        """Mean loss of the model on these sentences: the trainer's own sampling with the same random numbers each time.

        The learning rate is 0, so nothing changes. No thread may be training meanwhile.
        """
        sums: list[tuple[float, int]] = [(0.0, 0)] * len(self.parts)

        def work(number: int) -> None:
            worker = Worker(model, FIRST_NUMBER + number)
            worker.take_all()
            kernel.train(worker, self.ids, *self.parts[number], 0.0)
            sums[number] = worker.loss_sum, worker.examples

        for_each(work, len(self.parts), threads)
        examples = sum(examples for _, examples in sums)
        if not examples:
            raise CorpusError(
                f"{setting('held_out')}: of the {self.tokens:,} tokens that are held out none has another one beside"
                f" it; take a larger share, or {setting('sample', 0)}"
            )
        return sum(loss for loss, _ in sums) / examples


def trained_tokens(ids: np.ndarray, first: int, last: int, config: ResolvedConfig) -> int:
    """Tokens of the sentences in ids[first:last] that are not held out."""
    return count_trained(ids, first, last, config.seed, held_out_share(config.held_out))
