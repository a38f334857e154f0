"""One worker: private rows, state that can be kept and taken up again, and arguments that are not trusted."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from w2v.kernel import kernels
from w2v.kernel._state import Arena, Model, Worker
from w2v.training.config import TrainConfig

from ..training.corpora import zipf_corpus
from . import reference
from .cases import span_of

EVERY = [
    pytest.param({"model": model, "loss": loss}, id=f"{model}-{loss}")
    for model in ("skipgram", "cbow")
    for loss in ("ns", "hs")
]
KERNELS = [import_module(f"w2v.kernel._loop_{name}") for name in kernels.available()]
BY_NAME = pytest.mark.parametrize("kernel", KERNELS, ids=kernels.available())


def model_of(counts, **settings) -> Model:
    model = Model(np.asarray(counts), TrainConfig(**{"dim": 20, "threads": 1, **settings}).resolved())
    model.fill_inputs(0, model.vocab_size)
    return model


def matrices(model: Model) -> np.ndarray:
    return np.concatenate([model.inputs, model.outputs])


def spans_of(ids: np.ndarray, count: int) -> list[np.ndarray]:
    """About `count` spans of whole sentences."""
    ends = np.flatnonzero(ids < 0) + 1
    return [part for part in np.split(ids, ends[len(ends) // count :: len(ends) // count]) if len(part)]


def train_all(kernel: ModuleType, worker: Worker, spans: list[np.ndarray], lr: float = 0.05) -> None:
    for ids in spans:
        kernel.train(worker, ids, 0, len(ids), lr)


# --- private rows ----------------------------------------------------------------------------------------------------


@BY_NAME
@pytest.mark.parametrize(("private_rows", "merge_after"), [(1, 8), (50, 2), (50, 32), (10_000, 300)])
@pytest.mark.parametrize("settings", EVERY)
def test_private_rows_of_one_worker_change_nothing(
    kernel: ModuleType, settings: dict, private_rows: int, merge_after: int
) -> None:
    corpus = zipf_corpus(3000)
    spans = spans_of(corpus.ids, 7)
    plain, private = (model_of(corpus.vocab.counts, **settings) for _ in range(2))
    without, worker = Worker(plain, 0), Worker(private, 0, private_rows, merge_after)
    first = matrices(plain)
    train_all(kernel, without, spans)
    for number, span in enumerate(spans):
        train_all(kernel, worker, [span])
        if number % 3 == 2:
            kernel.flush(worker)  # after it, training goes on from the shared rows
    kernel.flush(worker)
    change = abs(matrices(plain) - first).max()
    assert change > 0.02
    # The sums of a row's changes are the same; only where they are rounded differs.
    assert abs(matrices(private) - matrices(plain)).max() < 1e-4 * change
    assert worker.examples == without.examples


@BY_NAME
def test_changes_wait_in_private_rows_until_they_are_merged(kernel: ModuleType) -> None:
    ids = span_of([0, 1] * 3)
    model = model_of([5, 4], model="skipgram", loss="hs", sample=0, window=1)
    first = matrices(model)
    worker = Worker(model, 0, 10, 1000)
    train_all(kernel, worker, [ids])
    np.testing.assert_array_equal(matrices(model), first)
    kernel.flush(worker)
    flushed = matrices(model)
    assert (flushed != first).any(axis=1).all()
    kernel.flush(worker)
    np.testing.assert_array_equal(matrices(model), flushed)


@BY_NAME
def test_changes_of_several_workers_add_up(kernel: ModuleType) -> None:
    # Two workers that start from the same rows and merge at the end: the shared change is the sum of their own.
    spans = spans_of(zipf_corpus(600, vocab_size=30).ids, 2)[:2]
    counts = zipf_corpus(600, vocab_size=30).vocab.counts
    changes = []
    for chosen in ([0], [1], [0, 1]):
        model = model_of(counts, loss="hs")
        first = matrices(model)
        workers = [Worker(model, number, 30, 60_000) for number in chosen]
        for worker, number in zip(workers, chosen, strict=True):
            train_all(kernel, worker, [spans[number]])
        for worker in workers:
            kernel.flush(worker)
        changes.append(matrices(model) - first)
    assert min(abs(changes[0]).max(), abs(changes[1]).max()) > 0.01
    np.testing.assert_allclose(changes[2], changes[0] + changes[1], atol=1e-6)


@pytest.mark.parametrize(("updates", "kept"), [(-3, 1), (0, 1), (1, 1), (60_000, 60_000), (65_536, 60_000)])
def test_private_rows_are_merged_before_their_updates_are_too_many_to_count(updates: int, kept: int) -> None:
    worker = Worker(model_of([5, 4]), 0, 2, updates)
    assert worker.merge_after == kept
    worker.merge_after = 7
    worker.merge_after = updates
    assert worker.merge_after == kept


def test_exact_training_has_no_private_rows() -> None:
    model = model_of([5, 4], loss="ns", exact=True, sample=0)
    worker = Worker(model, 0, 10, 1000)
    kernels.choose().train(worker, span_of([0, 1, 0, 1]), 0, 5, 0.05)
    assert model.outputs[:, :20].any(), "the shared rows change at once"


# --- counters and loss -----------------------------------------------------------------------------------------------


@BY_NAME
@pytest.mark.parametrize("settings", EVERY)
def test_first_loss_is_log_2_an_example(kernel: ModuleType, settings: dict) -> None:
    corpus = zipf_corpus(20_000)
    worker = Worker(model_of(corpus.vocab.counts, **settings), 0)
    train_all(kernel, worker, [corpus.ids], lr=0.0)
    assert worker.loss_sum / worker.examples == pytest.approx(math.log(2), rel=1e-6)  # all dot products are 0
    assert worker.trained + worker.subsampled + worker.alone == corpus.token_counts.kept


@BY_NAME
def test_loss_of_many_examples_loses_no_digits(kernel: ModuleType) -> None:
    # Two words, one Huffman node, lr 0: every example costs the same two values, which count exactly.
    model = model_of([2, 2], loss="hs", sample=0, window=1, dim=1)
    model.inputs[:, 0] = [3.0, -2.0]
    model.outputs[0, 0] = 1.0
    worker = Worker(model, 0)
    tokens = 10_000
    for _ in range(20):
        kernel.train(worker, span_of(np.arange(tokens) % 2), 0, tokens + 1, 0.0)
    # Word 0's context is word 1 (dot -2), and the other way round (dot 3); the bits of the two codes differ.
    first = 1 - (reference.tables.huffman_paths(np.array([2, 2]))[1] & 1)
    cost = {
        (dot, label): -math.log(reference.table_sigmoid(dot) if label else 1 - reference.table_sigmoid(dot))
        for dot in (-2.0, 3.0)
        for label in (0, 1)
    }
    each = 20 * (tokens - 1)
    assert worker.examples == 2 * each
    assert worker.loss_sum == pytest.approx(each * (cost[-2.0, first[0]] + cost[3.0, first[1]]), rel=1e-6)


WRONG = math.log1p(math.exp(8))  # loss of an example whose dot product is 8 on the wrong side, where the table ends


def all_wrong(negative: int, window: int, length: int) -> tuple[Worker, np.ndarray]:
    """A worker whose model is wrong about every pair of a sentence, and the sentence: rare words against frequent ones,
    which all negatives are."""
    frequent, rare = 100, 50
    counts = [10**6] * frequent + [1] * rare
    model = model_of(counts, dim=1, negative=negative, window=window, fixed_window=True, sample=0, ns_exponent=10)
    model.inputs[:, 0] = 10
    model.outputs[:frequent, 0], model.outputs[frequent:, 0] = 10, -10
    return Worker(model, 0), span_of(frequent + np.arange(length) % rare)


@BY_NAME
def test_loss_is_exact_where_every_example_is_wrong(kernel: ModuleType) -> None:
    worker, ids = all_wrong(negative=60, window=6, length=40)
    kernel.train(worker, ids, 0, len(ids), 0.0)
    assert worker.examples == 61 * (40 * 12 - 6 * 7)
    assert worker.loss_sum / worker.examples == pytest.approx(WRONG, rel=1e-6)


def test_loss_does_not_wrap_in_a_span_of_more_than_2_31_halvings_a_lane() -> None:
    worker, ids = all_wrong(negative=1000, window=1000, length=900)
    kernels.choose("baseline").train(worker, ids, 0, len(ids), 0.0)
    assert worker.loss_sum / math.log(2) > 2**31 * 4  # lanes of the baseline
    assert worker.loss_sum / worker.examples == pytest.approx(WRONG, rel=1e-6)


@BY_NAME
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("settings", EVERY)
def test_dot_product_that_is_not_a_number_is_noticed(kernel: ModuleType, settings: dict, bad: float) -> None:
    model = model_of([9, 8, 7], sample=0, **settings)
    worker = Worker(model, 0)
    ids = span_of([0, 1, 2, 0, 1, 2])
    train_all(kernel, worker, [ids])
    assert not worker.diverged
    model.inputs[1, 5] = bad
    train_all(kernel, worker, [ids] * 3)
    assert worker.diverged
    assert math.isfinite(worker.loss_sum)


# --- state -----------------------------------------------------------------------------------------------------------


@BY_NAME
@pytest.mark.parametrize("settings", [*EVERY, pytest.param({"exact": True}, id="exact")])
def test_worker_goes_on_from_its_state_to_the_same_bytes(kernel: ModuleType, settings: dict) -> None:
    corpus = zipf_corpus(3000)
    spans = spans_of(corpus.ids, 4)
    whole = model_of(corpus.vocab.counts, **settings)
    worker = Worker(whole, 0)
    train_all(kernel, worker, spans)

    parts = model_of(corpus.vocab.counts, **settings)
    early = Worker(parts, 0)
    train_all(kernel, early, spans[:2])
    state = json.loads(json.dumps(early.get_state()))  # plain values: a checkpoint may hold it as JSON
    late = Worker(parts, 0)
    late.set_state(state)
    train_all(kernel, late, spans[2:])

    np.testing.assert_array_equal(matrices(parts), matrices(whole))
    assert late.get_state() == worker.get_state()
    assert late.loss_sum == worker.loss_sum
    assert (late.trained, late.subsampled, late.alone) == (worker.trained, worker.subsampled, worker.alone)


@pytest.mark.parametrize("pool", [[0] * 7, [0] * 9, [0, 1, 2, 3, -1, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 4]])
def test_state_with_a_pool_that_does_not_fit_is_refused(pool: list[int]) -> None:
    worker = Worker(model_of([9, 8, 7, 6], negative_pool=8), 0)
    state = {**worker.get_state(), "pool": pool}
    with pytest.raises(ValueError, match="the pool of negatives"):
        worker.set_state(state)


# --- arguments -------------------------------------------------------------------------------------------------------


@BY_NAME
@pytest.mark.parametrize(("start", "stop"), [(-1, 4), (0, 9), (5, 4), (9, 9), (2**40, 2**40 + 1)])
def test_span_outside_the_corpus_is_refused(kernel: ModuleType, start: int, stop: int) -> None:
    worker = Worker(model_of([5, 4]), 0)
    with pytest.raises(ValueError, match="is not inside 0:8"):
        kernel.train(worker, span_of([0, 1, 0], [0, 1, 0]), start, stop, 0.1)


@BY_NAME
def test_span_that_ends_within_a_sentence_is_refused(kernel: ModuleType) -> None:
    worker = Worker(model_of([5, 4]), 0)
    with pytest.raises(ValueError, match="span 0:3 does not end with a sentence"):
        kernel.train(worker, span_of([0, 1, 0], [0, 1, 0]), 0, 3, 0.1)


@BY_NAME
@pytest.mark.parametrize("word", [2, 3, 2**31 - 1])
def test_word_outside_the_vocabulary_is_refused_before_anything_is_trained(kernel: ModuleType, word: int) -> None:
    model = model_of([5, 4])
    worker = Worker(model, 0)
    first = matrices(model)
    with pytest.raises(ValueError, match=f"span 0:8 holds id {word}; the vocabulary has 2 words"):
        kernel.train(worker, span_of([0, 1, 0], [0, word, 1]), 0, 8, 0.1)
    np.testing.assert_array_equal(matrices(model), first)
    assert worker.trained == 0


CHANGING_IDS = """
import sys, threading
import numpy as np
from w2v.kernel import kernels
from w2v.kernel._state import Model, Worker
from w2v.training.config import TrainConfig
ids = np.tile(np.array([0, 1, 2, 3, -1], np.int32), 400)
config = TrainConfig(dim=20, threads=1, sample=float(sys.argv[2])).resolved()
worker = Worker(Model(np.array([5, 4, 3, 2]), config), 0)
end = threading.Event()

def change():
    while not end.is_set():
        ids[:-1:7] = 2**31 - 1
        ids[:-1:7] = 0

other = threading.Thread(target=change)
other.start()
try:
    while True:
        try:
            kernels.choose(sys.argv[1]).train(worker, ids, 0, len(ids), 0.01)
        except ValueError as error:
            assert "holds id 2147483647" in str(error)
except Exception as error:
    print(type(error).__name__, error)
finally:
    end.set()
"""


@BY_NAME
@pytest.mark.parametrize("sample", [0, 0.1])
def test_ids_that_change_while_they_are_trained_on_are_an_error(
    kernel: ModuleType, sample: float, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", CHANGING_IDS, kernel.NAME, str(sample)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.stdout.startswith("CorpusError ids 0:2000 changed while they were trained on"), done


@BY_NAME
@pytest.mark.parametrize("length", [9_999, 10_000, 10_001, 20_001, 35_000])
def test_sentence_that_is_too_long_is_cut(kernel: ModuleType, length: int) -> None:
    model = model_of([5, 4], dim=1, sample=0, loss="hs", window=1)
    worker = Worker(model, 0)
    kernel.train(worker, span_of(np.arange(length) % 2), 0, length + 1, 0.01)
    parts = [min(10_000, length - start) for start in range(0, length, 10_000)]
    assert worker.trained == sum(n for n in parts if n > 1)
    assert worker.alone == sum(n for n in parts if n == 1)
    assert worker.examples == sum(2 * (n - 1) for n in parts)


@BY_NAME
def test_sentence_ends_without_words_are_nothing(kernel: ModuleType) -> None:
    ids = np.array([-1, -1, 0, 1, -1, -1, -1, 1, 0, 1, -1, -1], np.int32)
    spaced, dense = model_of([5, 4], sample=0), model_of([5, 4], sample=0)
    kernel.train(Worker(spaced, 0), ids, 0, len(ids), 0.1)
    kernel.train(Worker(dense, 0), span_of([0, 1], [1, 0, 1]), 0, 7, 0.1)
    np.testing.assert_array_equal(matrices(spaced), matrices(dense))


def test_empty_span_is_nothing() -> None:
    worker = Worker(model_of([5, 4]), 0)
    kernels.choose().train(worker, span_of([0, 1]), 3, 3, 0.1)
    assert worker.trained == 0


@pytest.mark.parametrize("counts", [[], [7]])
def test_model_of_fewer_than_two_words_is_refused(counts: list[int]) -> None:
    with pytest.raises(ValueError, match="at least two words"):
        model_of(counts)


@pytest.mark.parametrize("dim", [1, 15, 16, 17, 100])
def test_rows_are_aligned_to_cache_lines(dim: int) -> None:
    model = model_of([3, 2, 1], dim=dim)
    for matrix in (model.inputs, model.outputs):
        assert matrix.ctypes.data % 64 == 0
        assert matrix.strides[0] % 64 == 0
        assert matrix.dtype == np.float32
        assert 0 <= matrix.shape[1] - dim < 16


def test_arrays_of_an_arena_are_zeros_that_begin_at_cache_lines_and_do_not_overlap():
    arena = Arena()
    shapes = [(3, 5), (1,), (0,), (1 << 19, 2), (7,), (600_000,), (2, 2)]  # 4 and 2.4 MB between small ones
    arrays = [arena.zeros(shape, np.float32) for shape in shapes]
    assert not any(array.any() for array in arrays)
    assert [array.shape for array in arrays] == shapes
    for number, array in enumerate(arrays):
        array[...] = number
        assert not array.size or array.ctypes.data % 64 == 0
    assert all((array == number).all() for number, array in enumerate(arrays))
    assert (arena.copy(arrays[0]) == arrays[0]).all()


def test_small_arrays_of_an_arena_share_a_page():
    arena = Arena()
    first, _, second = (arena.zeros((size,)) for size in (5, 1 << 20, 7))
    assert abs(second.ctypes.data - first.ctypes.data) < 1 << 21


def test_memory_that_the_system_does_not_have_is_a_memory_error():
    with pytest.raises(MemoryError):
        Arena().zeros((1 << 60,), np.uint8)
