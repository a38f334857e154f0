"""Every kernel gives what the reference gives: the same vectors to 1e-5, the same counters, the same loss to 1e-6."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

import numpy as np
import pytest

from w2v.kernel import kernels

from .cases import Case, case, run_kernel, run_reference
from .emulation import emulated_avx512

EMULATED = "avx512 in plain C"
KERNELS = [*kernels.available(), *([] if "avx512" in kernels.available() else [EMULATED])]

MODELS = {
    "skipgram": {"model": "skipgram"},
    "cbow-exact": {"model": "cbow", "cbow_gradient": "exact"},
    "cbow-classic": {"model": "cbow", "cbow_gradient": "classic"},
}
LOSSES = {"ns": {"loss": "ns"}, "hs": {"loss": "hs", "node_sample": 0.1, "epochs": 1000}}
SWITCHES = {
    "shared-pool": {"negative_pool": 7},
    "shared-fresh": {"negative_pool": 0},
    "each-pool": {"negative_pool": 7, "share_negatives": False},
    "each-fresh": {"negative_pool": 0, "share_negatives": False},
    "exact": {"exact": True},
}


def cases() -> dict[str, Case]:
    """Name -> case. Each group varies one thing for every model and loss."""
    found: dict[str, Case] = {}
    for a, model in MODELS.items():
        for b, loss in LOSSES.items():
            name, base = f"{a}-{b}", {**model, **loss}
            for c, switch in SWITCHES.items():
                found[f"{name}-{c}"] = case({**base, **switch})
            for dim in (1, 15, 17, 100, 300):
                found[f"{name}-dim{dim}"] = case({**base, "dim": dim, "negative_pool": 7})
            for window in (1, 13, 30):  # 13 and 30: more contexts than one block takes
                found[f"{name}-window{window}"] = case(
                    {**base, "window": window, "fixed_window": window == 30, "sample": 0, "negative": 1},
                    sentences=(max(10, window + 14), 3, 1),
                    vocab_size=4 if b == "hs" else 23,
                    lr=0.025,
                )
            found[f"{name}-keep-all"] = case({**base, "sample": 0})
            found[f"{name}-fixed-window"] = case({**base, "fixed_window": True, "window": 3})
            found[f"{name}-two-words"] = case({**base, "sample": 0.4}, vocab_size=2, sentences=(9, 1, 2, 17, 3))
            for side in ("context", "vectors"):
                found[f"{name}-frozen-{side}"] = case({**base, "freeze": side, "negative": 8, "dim": 20})
            found[f"{name}-own-first-values"] = case({**base, "dim": 100}, scale=0)
            found[f"{name}-saturated"] = case(base, scale=40)
            found[f"{name}-spans"] = case(base, sentences=(7, 1, 1, 4, 9, 2), spans=3)
            found[f"{name}-workers"] = case(base, sentences=(7, 1, 8, 4, 9, 2), spans=6, workers=3)
            found[f"{name}-private-rows"] = case(base, private_rows=5, merge_after=3)
            found[f"{name}-private-rows-all"] = case(
                {**base, "share_negatives": False}, private_rows=1000, merge_after=1
            )
            found[f"{name}-private-rows-workers"] = case(
                base, private_rows=6, merge_after=4, sentences=(7, 1, 8, 4, 9, 2), spans=6, workers=3
            )
            for window in (1, 5, 13):
                found[f"{name}-subwords-window{window}"] = case(
                    {**base, "window": window, "sample": 0},
                    sentences=(window + 20, 2, 1, window, 7),
                    ngrams=6,
                    lr=0.02,
                )
            for dim in (1, 17, 100, 300):
                found[f"{name}-subwords-dim{dim}"] = case({**base, "dim": dim}, ngrams=6, lr=0.02)
            found[f"{name}-subwords-repeated"] = case(
                {**base, "sample": 0}, sentences=(20, 20), vocab_size=3, ngrams=2, lr=0.02
            )
            found[f"{name}-subwords-whole"] = case(base, sentences=(40, 12, 70), ngrams=6, whole=9, lr=0.02)
            found[f"{name}-subwords-whole-repeated"] = case(
                {**base, "sample": 0}, sentences=(40, 20), vocab_size=3, ngrams=2, whole=3, lr=0.02
            )
            found[f"{name}-subwords-workers"] = case(
                base, ngrams=6, private_rows=6, sentences=(7, 1, 8, 4, 9, 2), spans=6, workers=3, lr=0.02
            )
            found[f"{name}-subwords-exact"] = case({**base, "exact": True}, ngrams=6, lr=0.02)
        for negative in (1, 4, 20, 60):  # 60: more output rows than are summed at a time
            for c, pool in (("pool", 30), ("fresh", 0)):
                settings = {**model, "negative": negative, "negative_pool": pool}
                found[f"{a}-{c}-negative{negative}"] = case(settings, sentences=(8, 5))
        # Word 0 nearly always: most negatives are the centre (skipped) or the same row again.
        found[f"{a}-same-negatives"] = case({**model, "ns_exponent": 3.0, "negative": 9}, vocab_size=5)
        found[f"{a}-rare-negatives"] = case({**model, "ns_exponent": -0.5}, vocab_size=200)
        codes = {**model, "loss": "hs", "sample": 0}
        found[f"{a}-long-codes"] = case({**codes, "node_sample": 0}, vocab_size=60, zipf=2.0)
        found[f"{a}-longest-codes"] = case({**codes, "node_sample": 0}, vocab_size=60, chain=True)
        found[f"{a}-thinned-codes"] = case({**codes, "node_sample": 0.001, "epochs": 1000}, vocab_size=60)
    return found


CASES = cases()


@pytest.fixture(scope="module", params=KERNELS)
def kernel(request, tmp_path_factory) -> ModuleType:
    if request.param == EMULATED:
        return emulated_avx512(tmp_path_factory.mktemp("emulated"))
    return import_module(f"w2v.kernel._loop_{request.param}")


@pytest.mark.parametrize("name", CASES)
def test_kernel_gives_what_the_reference_gives(kernel: ModuleType, name: str) -> None:
    wanted, seed = run_reference(CASES[name])
    found = run_kernel(kernel, CASES[name], seed)
    assert found.counters == wanted.counters
    assert found.loss / found.examples == pytest.approx(wanted.loss / wanted.examples, abs=1e-6)
    for matrix in ("inputs", "outputs"):
        right = getattr(wanted, matrix)
        largest = min(1.0, float(abs(right).max()))  # rows start small: the same digits count there
        np.testing.assert_allclose(getattr(found, matrix), right, rtol=1e-5, atol=1e-5 * largest)
