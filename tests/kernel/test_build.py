"""The kernels are compiled as setup.py says: what they were compiled with, and ratios between paths of our own.

No time is asserted. The least of several runs is taken, and the bounds are far from what was measured, so that a busy
machine does not fail them: the AVX-512 and the AVX2 kernel did 4.7 to 6.2 and 2.4 to 3.5 times the work of the baseline
(dim 128); against a yardstick that flags do not change, the baseline, the AVX2 and the AVX-512 kernel did 36 to 62, 117
to 173 and 196 to 293 times the work, and 5 to 7, 8 to 12 and 16 to 22 times without optimisation.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np
import pytest

from w2v.kernel import _cpu, kernels
from w2v.kernel._state import Model, Worker
from w2v.training.config import TrainConfig

WIDTHS = {"baseline": 4, "avx2": 8, "avx512": 16}
LEAST_RATIO = {"baseline": 0.99, "avx2": 1.3, "avx512": 1.6}
LEAST_PACE = {"baseline": 15, "avx2": 35, "avx512": 60}
TOKENS = 20_000
DIM = 128
instrumented = pytest.mark.skipif(
    any(os.environ.get(name) for name in ("W2V_DEBUG", "W2V_SANITIZE")), reason="built for looking, not for speed"
)


@pytest.mark.parametrize("name", kernels.available())
def test_kernel_has_the_vectors_that_its_name_says(name: str) -> None:
    assert kernels.choose(name).FLOATS_AT_ONCE == WIDTHS[name]


@instrumented
@pytest.mark.parametrize("name", kernels.available())
def test_kernel_is_optimised(name: str) -> None:
    assert kernels.choose(name).OPTIMIZED


def passes(name: str) -> Callable[[], None]:
    """One pass of a kernel over Zipf's words, about six contexts and six output rows a centre."""
    random = np.random.default_rng(1)
    shares = 1 / (np.arange(2000) + 2.7)
    ids = random.choice(2000, TOKENS, p=shares / shares.sum()).astype(np.int32)
    ids[19::20] = -1
    counts = np.sort(np.bincount(ids[ids >= 0], minlength=2000) + 1)[::-1]
    config = TrainConfig(dim=DIM, sample=0, threads=1).resolved()
    worker, kernel = Worker(Model(counts, config), 0), kernels.choose(name)
    return lambda: kernel.train(worker, ids, 0, TOKENS, 0.01)


def yardstick() -> Callable[[], None]:
    """A hundredth of the multiplications of one pass, without optimisation."""
    values = np.ones(DIM, np.float32)
    rounds = TOKENS * 6 * 6 * 3 // 100
    return lambda: _cpu.plain_dot(values, values, rounds)


def least(jobs: dict[str, Callable[[], None]], runs: int = 9) -> Iterator[dict[str, float]]:
    """The least seconds of each so far, after every `runs` in which they take turns: other work on the machine adds to
    all of them, so a few more runs tell whether a time is the job's own."""
    found = dict.fromkeys(jobs, math.inf)
    while True:
        for _ in range(runs):
            for name, job in jobs.items():
                start = time.perf_counter()
                job()
                found[name] = min(found[name], time.perf_counter() - start)
        yield found


@instrumented
def test_wider_vectors_are_faster_and_all_are_optimised() -> None:
    jobs = {name: passes(name) for name in kernels.available()}
    for times in islice(least({**jobs, "plain": yardstick()}), 5):
        ratios = {name: times["baseline"] / times[name] for name in jobs}
        pace = 100 * times["plain"] / times[kernels.available()[-1]]
        if all(ratios[name] > LEAST_RATIO[name] for name in jobs) and pace > LEAST_PACE[kernels.available()[-1]]:
            return
    pytest.fail(f"times of the baseline in those of each: {ratios}; of the fastest in those of the yardstick: {pace}")


def test_yardstick_sums_what_it_is_given() -> None:
    a, b = np.arange(5, dtype=np.float32), np.full(5, 2, np.float32)
    assert _cpu.plain_dot(a, b, 3) == 60
    with pytest.raises(ValueError, match="same length"):
        _cpu.plain_dot(a, b[:4], 1)
