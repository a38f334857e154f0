"""More than 2^31 tokens or matrix elements: files with holes and memory that is never touched stand in for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from w2v.corpus.vocab import Vocab
from w2v.kernel import kernels
from w2v.kernel._state import Model, Worker
from w2v.training.config import TrainConfig
from w2v.training.state import Spans
from w2v.vectors.vectors import load

from ..kernel.cases import span_of

BEYOND = 2**31 + 1000


def long_corpus(folder: Path, *ends: list[int]) -> np.ndarray:
    """BEYOND ids, almost all 0, with `ends` as the last sentences; 8.6 GB of which a page is on the disk."""
    last = span_of(*ends)
    path = folder / "ids"
    with open(path, "wb") as file:
        try:
            file.truncate(4 * (BEYOND + len(last)))
        except OSError as error:
            pytest.skip(f"no file of 8.6 GB can be made here: {error}")
        file.seek(4 * (BEYOND - 1))
        file.write(np.concatenate([[-1], last]).astype(np.int32).tobytes())
    return np.memmap(path, np.int32, "r")


def test_sentences_beyond_2_31_tokens_train_as_those_at_the_beginning(tmp_path):
    sentences = [[0, 1, 2, 3], [3, 2, 1], [1, 3]]
    ids = long_corpus(tmp_path, *sentences)
    made = []
    for corpus, start in ((ids, BEYOND), (span_of(*sentences), 0)):
        model = Model(np.array([2**33, 2**32, 2**31, 5]), TrainConfig(dim=20, threads=1, sample=0).resolved())
        model.fill_inputs(0, 4)
        worker = Worker(model, 0)
        kernels.choose().train(worker, corpus, start, len(corpus), 0.05)
        made.append((worker.trained, model.inputs.tobytes(), model.outputs.tobytes()))
    assert made[0] == made[1]
    assert made[0][0] == 9


def test_spans_beyond_2_31_tokens_end_with_their_sentence(tmp_path):
    ids = long_corpus(tmp_path, [1, 2], [2, 1])
    spans = Spans(ids, 3, 1, [[BEYOND, len(ids)]])
    assert [spans.take(0), spans.take(0)] == [(BEYOND, BEYOND + 3), (BEYOND + 3, len(ids))]
    assert spans.take(0) is None


def test_counts_beyond_2_32_are_kept(tmp_path):
    vocab = Vocab.sorted([b"a", b"b"], np.array([3 * 2**32 + 1, 2**33]))
    vocab.save(tmp_path / "v")
    assert Vocab.load(tmp_path / "v").counts.tolist() == [3 * 2**32 + 1, 2**33]
    assert vocab.total == 5 * 2**32 + 1


def test_rows_beyond_2_31_elements_are_trained():
    """Two matrices of 8.7 GB, of which only the rows that are trained take memory."""
    rows, dim, lr = 33_000, 65_536, 0.05
    counts = np.full(rows, 1000)
    counts[-2:] = 1  # with an exponent of -10, all negatives are these two
    settings = TrainConfig(dim=dim, threads=1, sample=0, window=1, ns_exponent=-10, negative_pool=0)
    try:
        model = Model(counts, settings.resolved())
    except MemoryError:
        pytest.skip("17 GB of addresses cannot be had here")
    a, b, c, d = range(rows - 4, rows)
    assert a * dim > 2**31
    model.inputs[[a, b]] = first = np.random.default_rng(1).normal(0, 0.01, (2, dim)).astype(np.float32)
    kernels.choose().train(Worker(model, 0), span_of([a, b]), 0, 3, lr)
    # All outputs were zero, so each score was 0, its sigmoid one half, and the first centre's input stays.
    np.testing.assert_allclose(model.outputs[[b, a]], lr / 2 * first, rtol=2e-3)
    assert model.outputs[[c, d]].any()
    wrapped = [row - 2**31 // dim for row in (a, b, c, d)]
    assert not model.outputs[wrapped].any()


@pytest.mark.slow  # 8.6 GB are looked through for numbers that are not finite
def test_the_last_row_of_a_file_beyond_2_31_elements_is_read(tmp_path):
    rows, dim = 33_000, 65_536
    header = np.lib.format.header_data_from_array_1_0(np.zeros((1, dim), "<f4"))
    path = tmp_path / "v.npy"
    with open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(file, {**header, "shape": (rows, dim)})
        start = file.tell()
        try:
            file.truncate(start + 4 * rows * dim)
        except OSError as error:
            pytest.skip(f"no file of 8.6 GB can be made here: {error}")
        file.seek(start + 4 * (rows * dim - 1))
        file.write(np.float32(7).tobytes())
    (tmp_path / "v.words.txt").write_text("".join(f"w{i}\n" for i in range(rows)))
    assert load(path)["w32999"][-1] == 7
