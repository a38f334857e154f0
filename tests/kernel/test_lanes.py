"""Training in rounds: every kernel gives what the reference gives, and the same bytes with any number of threads."""

from __future__ import annotations

import threading
from itertools import pairwise
from types import ModuleType

import numpy as np
import pytest

from w2v.kernel._lanes import LANES_AT_MOST, Lanes
from w2v.kernel._state import Model

from . import reference
from .cases import Case, case, counters, span_of
from .reference_lanes import Lane, train_rounds
from .test_kernels import LOSSES, MODELS, SWITCHES, kernel

__all__ = ["kernel"]

SENTENCES = (1, 12, 2, 19, 1, 3, 0, 7, 30, 2, 2, 9, 1, 1, 14, 5)
CENTRES = 5  # rounds end within sentences
LAST_STAMP = 255  # as in _lanes.pxd
THREADS = [1, 2, 3, 7]


def cases() -> dict[str, Case]:
    found: dict[str, Case] = {}
    for a, model in MODELS.items():
        for b, loss in LOSSES.items():
            for c, switch in SWITCHES.items():
                found[f"{a}-{b}-{c}"] = case({**model, **loss, **switch}, sentences=SENTENCES)
            base = {**model, **loss}
            found[f"{a}-{b}-window13"] = case({**base, "window": 13, "sample": 0}, sentences=SENTENCES, lr=0.02)
            found[f"{a}-{b}-two-words"] = case({**base, "sample": 0.4}, vocab_size=2, sentences=SENTENCES)
            found[f"{a}-{b}-many-words"] = case({**base, "dim": 37}, vocab_size=400, sentences=SENTENCES * 3)
            found[f"{a}-{b}-mostly-left-out"] = case({**base, "sample": 1e-6}, sentences=(40, 0, 1, 70, 90) * 9)
            found[f"{a}-{b}-subwords"] = case(base, sentences=SENTENCES, ngrams=4)
            found[f"{a}-{b}-subwords-window13"] = case(
                {**base, "window": 13, "sample": 0}, sentences=SENTENCES, ngrams=9
            )
            found[f"{a}-{b}-subwords-many-parts"] = case(base, sentences=SENTENCES * 2, ngrams=100, lr=0.003)
            found[f"{a}-{b}-subwords-whole"] = case(
                {**base, "sample": 0.4}, sentences=SENTENCES * 3, ngrams=6, whole=9, lr=0.02
            )
            found[f"{a}-{b}-held-out"] = case({**base, "held_out": 0.4}, sentences=SENTENCES * 2)
            found[f"{a}-{b}-one-sentence"] = case({**base, "fixed_window": True}, sentences=(60,))
    return found


CASES = cases()
CASES["skipgram-ns-longest"] = case({"sample": 1e-7}, sentences=(9_999, 3, 10_000, 2, 10_001, 20_003), vocab_size=200)


def config_of(wanted: Case):
    settings = {**dict(wanted.settings), "lr": wanted.lr, "min_lr": wanted.lr / 3, "reproducible": True}
    return Case(tuple(settings.items())).config(1)


def parts_of(ids: np.ndarray, count: int) -> list[tuple[int, int]]:
    """The ids in parts of whole sentences; some may be empty."""
    ends = np.flatnonzero(ids < 0) + 1
    cuts = [0, *(int(ends[len(ends) * i // count - 1]) if len(ends) * i // count else 0 for i in range(1, count))]
    return list(pairwise([*cuts, len(ids)]))


def weights_of(model) -> list[np.ndarray]:
    return [np.linspace(9, 1, len(matrix)).astype(np.float32) for matrix in (model.inputs, model.outputs)]


def model_of(wanted: Case, config) -> Model:
    model = Model(wanted.counts(), config, wanted.parts(1))
    model.fill_inputs(0, len(model.inputs))
    values = wanted.first_values(1, *model.inputs.shape[:1], len(model.outputs), config.dim)
    assert values is not None
    model.inputs[:, : config.dim], model.outputs[:, : config.dim] = values
    model.begin_whole()
    return model


def lanes_of(wanted: Case, count: int, threads: int, batch: int = 3, ids: np.ndarray | None = None) -> Lanes:
    if ids is None:
        ids = wanted.spans_of_ids(1)[0]
    model = model_of(wanted, config_of(wanted))
    lanes = Lanes(model, ids, count, CENTRES, batch, weights_of(model), threads, int(np.count_nonzero(ids >= 0)))
    for worker, part in zip(lanes.workers, parts_of(ids, count), strict=True):
        worker.left = part
    return lanes


def train(kernel: ModuleType, lanes: Lanes, looks: int = 1 << 30) -> int:
    """Train until the lanes have ended or have been looked at so often; returns how often they were."""
    seen = []

    def work(home: int) -> None:
        while kernel.train_rounds(lanes, home):
            seen.append(home)
            if lanes.ended or len(seen) >= looks:
                lanes.close()
            else:
                lanes.go_on()

    lanes.open()
    threads = [threading.Thread(target=work, args=(home,)) for home in range(lanes.threads)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return len(seen)


def moved(first: Lanes, second: Lanes) -> Lanes:
    """The second lanes where the first ones are."""
    for matrix in ("inputs", "outputs"):
        getattr(second.model, matrix)[:] = getattr(first.model, matrix)
    for before, after in zip(first.workers, second.workers, strict=True):
        after.left = before.left
        after.set_state(before.get_state())
    return second


def outcome(lanes: Lanes) -> tuple:
    model = lanes.model
    return model.inputs.tobytes(), model.outputs.tobytes(), [(*counters(w), w.loss_sum) for w in lanes.workers]


@pytest.mark.parametrize(("name", "count"), [*((name, 4) for name in CASES), ("skipgram-ns-many-words", LANES_AT_MOST)])
def test_a_kernel_gives_what_the_reference_of_rounds_gives(kernel: ModuleType, name: str, count: int) -> None:
    wanted = CASES[name]
    config, ids = config_of(wanted), wanted.spans_of_ids(1)[0]
    parts = wanted.parts(1)
    pairs = None if parts is None else parts.pairs()
    model = reference.Model(wanted.counts().tolist(), config, parts=pairs, whole=wanted.whole)
    values = wanted.first_values(1, *model.inputs.shape[:1], *model.outputs.shape)
    assert values is not None
    model.inputs[:], model.outputs[:] = values
    model.begin_whole()
    parts = parts_of(ids, count)
    judges = [Lane(model, number, ids[slice(*part)].tolist(), part[0]) for number, part in enumerate(parts)]
    train_rounds(judges, CENTRES, weights_of(model), int(np.count_nonzero(ids >= 0)))

    lanes = lanes_of(wanted, count, 2)
    train(kernel, lanes)
    assert [counters(worker) for worker in lanes.workers] == [counters(judge) for judge in judges]
    loss, right = (sum(each.loss_sum for each in those) for those in (lanes.workers, judges))
    assert loss == pytest.approx(right, rel=2e-6)
    dim = config.dim
    np.testing.assert_allclose(lanes.model.inputs[:, :dim], model.inputs, rtol=1e-5, atol=2e-5)
    np.testing.assert_allclose(lanes.model.outputs[:, :dim], model.outputs, rtol=1e-5, atol=2e-5)
    assert not lanes.model.inputs[:, dim:].any()


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("skipgram-ns-shared-pool", 7),
        ("cbow-classic-hs-exact", 7),
        ("skipgram-ns-many-words", 7),
        ("cbow-exact-hs-exact", 16),
        ("cbow-classic-ns-shared-pool", 7),
        ("skipgram-ns-subwords", 7),
        ("skipgram-ns-subwords-whole", 7),
    ],
)
def test_threads_that_sleep_at_random_change_no_byte(kernel: ModuleType, name: str, count: int, threads: int) -> None:
    calm, shaken = lanes_of(CASES[name], count, 1), lanes_of(CASES[name], count, threads)
    shaken.jitter(200)
    train(kernel, calm)
    train(kernel, shaken)
    assert outcome(shaken) == outcome(calm)


@pytest.mark.parametrize("batch", [1, 2, 50])
def test_looks_change_no_byte(kernel: ModuleType, batch: int) -> None:
    name = "skipgram-ns-shared-pool"
    wanted, found = lanes_of(CASES[name], 3, 2), lanes_of(CASES[name], 3, 2, batch=batch)
    train(kernel, wanted)
    train(kernel, found)
    assert outcome(found) == outcome(wanted)


@pytest.mark.parametrize(
    "name",
    ["skipgram-ns-shared-pool", "cbow-exact-hs-shared-fresh", "skipgram-hs-one-sentence", "skipgram-ns-subwords-whole"],
)
@pytest.mark.parametrize("looks", [1, 2, 3, 4])
def test_lanes_go_on_within_a_sentence_from_their_state_to_the_same_bytes(
    kernel: ModuleType, name: str, looks: int
) -> None:
    wanted, first, second = (lanes_of(CASES[name], 3, threads, batch=1) for threads in (1, 3, 2))
    train(kernel, wanted)
    train(kernel, first, looks)
    assert not first.ended
    assert looks < 2 or any(worker.in_hand for worker in first.workers)
    train(kernel, moved(first, second))
    assert outcome(second) == outcome(wanted)


def test_stamps_that_are_used_up_begin_anew(kernel: ModuleType) -> None:
    # 255 rounds later the stamp is the same again: rows that both lanes touched then, and nobody since, are not shared
    # by that. Each sentence is a round; words 10 to 19 come in the first ten rounds and in their stamps' next ones.
    rounds = [[10 + i % LAST_STAMP, 1, 2, 3, 4] if i % LAST_STAMP < 10 else [5, 6, 7, 8, 9] for i in range(520)]
    wanted = case({"model": "skipgram", "loss": "ns", "sample": 0}, vocab_size=20)
    ids = span_of(*rounds, *rounds)
    found, right = (lanes_of(wanted, 2, threads, 50, ids) for threads in (3, 1))
    train(kernel, found)
    while train(kernel, right, 2) == 2:
        right = moved(right, lanes_of(wanted, 2, 1, 50, ids))  # in new lanes nothing is marked
    assert outcome(found) == outcome(right)


@pytest.mark.parametrize(
    ("name", "value"), [("start", -1), ("end", 10**6), ("length", 10**6), ("centre", 99), ("start", 10**6)]
)
def test_a_sentence_in_hand_that_cannot_be_is_refused(name: str, value: int) -> None:
    worker = lanes_of(CASES["skipgram-ns-shared-pool"], 2, 1).workers[0]
    with pytest.raises(ValueError, match="the sentence in hand is not inside the corpus"):
        worker.set_state({**worker.get_state(), f"sentence_{name}": value})


@pytest.mark.parametrize("part", [(-1, 3), (3, 2), (0, 10**6)])
def test_a_part_outside_the_corpus_is_refused(part: tuple[int, int]) -> None:
    worker = lanes_of(CASES["skipgram-ns-shared-pool"], 2, 1).workers[0]
    with pytest.raises(ValueError, match="is not inside"):
        worker.left = part


@pytest.mark.parametrize("ids", [span_of([0, 1])[:-1], span_of([0, 23]), np.empty(0, np.int32)])
def test_ids_that_no_lane_may_train_are_refused(ids: np.ndarray) -> None:
    model = model_of(CASES["skipgram-ns-shared-pool"], config_of(CASES["skipgram-ns-shared-pool"]))
    with pytest.raises(ValueError, match="the ids"):
        Lanes(model, ids, 2, CENTRES, 1, weights_of(model), 1, 2)


@pytest.mark.parametrize("count", [0, LANES_AT_MOST + 1])
def test_lanes_are_neither_none_nor_too_many(count: int) -> None:
    with pytest.raises(ValueError, match="lanes"):
        lanes_of(CASES["skipgram-ns-shared-pool"], count, 1)


@pytest.mark.parametrize(
    ("settings", "counts", "most"),
    [
        ({"negative": 5}, [9, 5, 3], 6),
        ({"negative": 1}, [9, 5, 3], 2),
        ({"loss": "hs"}, [4, 2, 2, 2], 3),
        ({"loss": "hs"}, [64, 32, 16, 8, 4, 2, 1], 6),
        ({"loss": "hs"}, [1, 1], 1),
    ],
)
def test_a_block_has_room_for_all_output_rows_of_a_centre(settings: dict, counts: list[int], most: int) -> None:
    assert Model(np.array(counts), case(settings).config(1)).most_outputs() == most
