"""The samples that are shown are the samples that are trained on."""

from __future__ import annotations

from collections import defaultdict
from importlib import import_module

import numpy as np
import pytest

from w2v.corpus.config import CorpusConfig
from w2v.corpus.sequences import encode_sequences
from w2v.kernel import kernels
from w2v.kernel._samples import draw, trace
from w2v.kernel._state import Model, Worker
from w2v.training import samples
from w2v.training.config import TrainConfig

from ..kernel import reference

TEXT = [
    line.split()
    for line in (
        "the king and the queen rule the land of the sea",
        "왕 은 나라 를 the 다스린다",
        "alone",
        "in the city a man and a woman see the king on the road to the palace of the queen in the rain and a dog",
        "الملك the القصر 🙂 the king",
    )
] * 3
MODELS = [
    {},
    {"fixed_window": True, "window": 2},
    {"negative_pool": 0, "negative": 3},
    {"share_negatives": False},
    {"exact": True, "negative": 2},
    {"loss": "hs"},
    {"model": "cbow", "negative_pool": 5},
    {"model": "cbow", "loss": "hs", "sample": 0},
    {"window": 30, "sample": 0},
]
CASES = pytest.mark.parametrize("settings", MODELS, ids=lambda s: " ".join(f"{k}={v}" for k, v in s.items()) or "plain")


def corpus_and_config(settings):
    corpus = encode_sequences(TEXT, CorpusConfig(min_count=1))
    return corpus, TrainConfig(**{"dim": 1, "threads": 1, "sample": 0.05, "seed": 3, **settings}).resolved()


class Watched(reference.Worker):
    """The reference, which notes what it trains."""

    def __init__(self, *given):
        super().__init__(*given)
        self.seen: list[tuple[tuple[int, ...], int, int]] = []
        self.left: list[list[int]] = []
        errors = self.model.errors

        def noted(inputs, outputs, labels):
            given = [self.contexts] if self.config.model == "cbow" else [(number(row, self.inputs),) for row in inputs]
            for words in given:
                rows = [number(row, self.outputs) for row in outputs]
                self.seen += [(tuple(words), *each) for each in zip(rows, labels, strict=True)]
            return errors(inputs, outputs, labels)

        self.model.errors = noted

    def subsample(self, sentence):
        self.left.append(super().subsample(sentence))
        return self.left[-1]

    def mean_of(self, contexts):
        self.contexts = tuple(number(row, self.inputs) for row in contexts)
        return super().mean_of(contexts)


def number(row: np.ndarray, rows: reference.Rows) -> int:
    """Which row of the shared matrix a view is."""
    return (row.__array_interface__["data"][0] - rows.shared.__array_interface__["data"][0]) // rows.shared.strides[0]


@CASES
def test_samples_are_those_of_the_reference(settings):
    corpus, config = corpus_and_config(settings)
    judge = Watched(reference.Model(corpus.vocab.counts.tolist(), config), 0)
    judge.train(corpus.ids, 0.01)
    sentences = list(samples.draw_samples(corpus, config))
    rows = [row for sentence in sentences for centre in sentence.centres for row in centre.rows]
    assert [(row.words, *output) for row in rows for output in row.outputs] == judge.seen
    assert [[sentence.words[i] for i in sentence.kept] for sentence in sentences] == judge.left
    assert len(judge.seen) > 100


@CASES
@pytest.mark.parametrize("name", kernels.available())
def test_drawing_moves_a_worker_as_training_does(settings, name):
    """The same random numbers taken, the same pool left, the same counts: the draws were the same."""
    corpus, config = corpus_and_config(settings)
    trained, drawn = (Worker(Model(corpus.vocab.counts, config), 0) for _ in range(2))
    import_module(f"w2v.kernel._loop_{name}").train(trained, corpus.ids, 0, len(corpus.ids), 0.01)
    start = 0
    for stop in samples.sentence_ends(corpus.ids):
        kept, _ = draw(drawn, np.ascontiguousarray(corpus.ids[start:stop]))
        assert len(kept) <= stop - start
        start = stop + 1
    compared = ("random", "pool", "examples", "trained", "alone", "subsampled")
    assert [drawn.get_state()[key] for key in compared] == [trained.get_state()[key] for key in compared]
    assert trained.examples > 100


def test_a_window_is_the_words_around_its_centre():
    corpus, config = corpus_and_config({"window": 3})
    for sentence in samples.draw_samples(corpus, config):
        left = [sentence.words[i] for i in sentence.kept]
        for place, centre in enumerate(sentence.centres):
            assert centre.place == place
            assert max(0, place - 3) <= centre.first <= place <= centre.last <= min(len(left) - 1, place + 3)
            around = left[centre.first : place] + left[place + 1 : centre.last + 1]
            assert [row.words for row in centre.rows] == [(word,) for word in around]
            assert all(row.outputs[0] == (left[place], 1) for row in centre.rows)


def test_ends_of_sentences_are_found_across_blocks():
    ids = np.array([1, 2, -1, 3, -1, 4, 5, 6, -1], np.int32)
    for block in (1, 2, 3, 100):
        assert list(samples.sentence_ends(ids, block)) == [2, 4, 8]
        assert list(samples.sentence_ends(np.array([-1, 0, -1], np.int32), block)) == [0, 2]


def test_words_that_do_not_exist_are_refused():
    corpus, config = corpus_and_config({})
    worker = Worker(Model(corpus.vocab.counts, config), 0)
    for ids in ([-1], [len(corpus.vocab)]):
        with pytest.raises(ValueError, match="there is no word"):
            draw(worker, np.array(ids, np.int32))
    with pytest.raises(ValueError, match="10001 words"):
        draw(worker, np.zeros(10_001, np.int32))


@CASES
def test_traced_steps_are_those_of_the_training(settings):
    """The same vectors to the bit, the same random numbers and counters as the kernel that is compiled with the same
    flags, over several epochs."""
    corpus, config = corpus_and_config({**settings, "dim": 19})
    kernel = kernels.choose("baseline")
    trained, traced = (Model(corpus.vocab.counts, config) for _ in range(2))
    first, second = Worker(trained, 0), Worker(traced, 0)
    for model in (trained, traced):
        model.fill_inputs(0, len(corpus.vocab))
    for lr in (0.05, 0.04, 0.03):
        kernel.train(first, corpus.ids, 0, len(corpus.ids), lr)
        start = 0
        for stop in samples.sentence_ends(corpus.ids):
            trace(second, np.ascontiguousarray(corpus.ids[start:stop]), lr)
            start = stop + 1
    assert trained.inputs.tobytes() == traced.inputs.tobytes()
    assert trained.outputs.tobytes() == traced.outputs.tobytes()
    assert first.get_state() == second.get_state()


def check_updates(updates: list[tuple], lr: float, cbow: bool) -> bool:
    """Updates that start from the same rows: errors from the rows before, and rows after by the changes of all of them;
    False where a row occurs twice in one, which takes its changes one after the other."""
    changes: defaultdict[tuple[str, int], np.ndarray] = defaultdict(lambda: np.zeros(1))
    for words, outputs, inputs, rows, errors, _, _ in updates:
        labels = np.array([label for _, label in outputs], float)[:, None]
        given = inputs.mean(axis=0, keepdims=True) if cbow else inputs
        wrong = labels - 1 / (1 + np.exp(-rows @ given.T))
        np.testing.assert_allclose(errors, wrong, atol=2e-3)  # the kernel's sigmoid is a table of parabolas
        change = lr * errors.T @ rows / (len(inputs) if cbow else 1)
        for word, part in zip(words, np.broadcast_to(change, inputs.shape), strict=True):
            changes["input", word] = changes["input", word] + part
        for (row, _), part in zip(outputs, lr * errors @ given, strict=True):
            changes["output", row] = changes["output", row] + part
    if len({update[1][0] for update in updates}) < len(updates):
        return False
    if any(len(set(numbers)) < len(numbers) for words, outputs, *_ in updates for numbers in (words, outputs)):
        return False
    for words, outputs, inputs, rows, _, inputs_after, rows_after in updates:
        np.testing.assert_allclose(inputs_after, inputs + [changes["input", word] for word in words], atol=1e-5)
        np.testing.assert_allclose(rows_after, rows + [changes["output", row] for row, _ in outputs], atol=1e-5)
    return True


@CASES
def test_the_numbers_of_a_step_are_those_of_the_formulas(settings):
    """From the rows before: dot product, sigmoid, error, and the rows after."""
    corpus, config = corpus_and_config({**settings, "dim": 6, "cbow_gradient": "exact"})
    model = Model(corpus.vocab.counts, config)
    worker = Worker(model, 0)
    model.fill_inputs(0, len(corpus.vocab))
    together = 2 if config.model == "cbow" and config.loss == "ns" and config.share_negatives else 1
    lr, seen, start = 0.05, 0, 0
    for stop in samples.sentence_ends(corpus.ids):
        ids, start = np.ascontiguousarray(corpus.ids[start:stop]), stop + 1
        for _ in range(5):
            updates = [update for _, updates in trace(worker, ids, lr)[1] for update in updates]
            for first in range(0, len(updates), together):
                seen += together * check_updates(updates[first : first + together], lr, config.model == "cbow")
    assert seen > 20


def test_a_step_that_cannot_be_traced_is_refused():
    corpus, config = corpus_and_config({})
    model = Model(corpus.vocab.counts, config)
    ids = np.zeros(3, np.int32)
    with pytest.raises(ValueError, match="not above 0"):
        trace(Worker(model, 0), ids, 0.0)
    with pytest.raises(ValueError, match="private rows"):
        trace(Worker(model, 0, 5), ids, 0.1)
    with pytest.raises(ValueError, match="there is no word"):
        trace(Worker(model, 0), ids + len(corpus.vocab), 0.1)
