"""Full softmax: the loss is the cross-entropy over all words, and each step goes down its gradient."""

from __future__ import annotations

import math

import numpy as np
import pytest

import w2v
from w2v.errors import SettingsError, TrainingError
from w2v.kernel._samples import draw, draw_windows
from w2v.kernel._state import Model, Worker
from w2v.training.config import TrainConfig
from w2v.training.softmax import step, train
from w2v.training.trainer import Trainer

SENTENCES = [list("abcadbe"), list("ab"), list("cadbcea"), ["a"], list("bdbcad")] * 8


@pytest.fixture(scope="module")
def corpus() -> w2v.EncodedCorpus:
    return w2v.encode(SENTENCES, min_count=1)


def cross_entropy(inputs, outputs, centres, counts, contexts) -> float:
    """-sum of log p(o | c), in float64, word by word."""
    loss, place = 0.0, 0
    for centre, count in zip(centres, counts, strict=True):
        scores = [float(np.dot(row, inputs[centre])) for row in outputs]
        largest = max(scores)
        total = largest + math.log(sum(math.exp(score - largest) for score in scores))
        for context in contexts[place : place + count]:
            loss += total - scores[context]
        place += count
    return loss


def test_a_step_goes_down_the_gradient_of_the_cross_entropy():
    random = np.random.default_rng(3)
    inputs, outputs = random.normal(size=(2, 7, 5))
    case = np.array([4, 1, 4]), np.array([2, 3, 1]), np.array([0, 6, 1, 1, 5, 4])
    changed_inputs, changed_outputs = inputs.copy(), outputs.copy()
    lr, tiny = 1e-3, 1e-6
    loss = step(changed_inputs, changed_outputs, *case, lr)
    assert loss == pytest.approx(cross_entropy(inputs, outputs, *case), rel=1e-12)
    for matrix, changed in ((inputs, changed_inputs), (outputs, changed_outputs)):
        for place in np.ndindex(matrix.shape):
            kept = matrix[place]
            losses = []
            for move in (tiny, -tiny):
                matrix[place] = kept + move
                losses.append(cross_entropy(inputs, outputs, *case))
            matrix[place] = kept
            slope = (losses[0] - losses[1]) / (2 * tiny)
            # lr is multiplied as a float32
            assert (kept - changed[place]) / lr == pytest.approx(slope, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("settings", [{}, {"sample": 0.1}, {"window": 2, "fixed_window": True}, {"held_out": 0.3}])
def test_windows_are_the_loops_own(corpus, settings):
    """Drawn sentence by sentence, without negatives' random numbers, they are the same: hs draws none either."""
    config = TrainConfig(dim=3, threads=1, loss="hs", **{"sample": 0, **settings}).resolved()
    whole, single = (Worker(Model(corpus.vocab.counts, config), 0) for _ in range(2))
    centres, ends, contexts = draw_windows(whole, corpus.ids, 0, len(corpus.ids))
    found = [contexts[low:high].tolist() for low, high in zip([0, *ends], ends, strict=False)]
    if "held_out" in settings:
        assert 0 < whole.trained + whole.alone < len(corpus.ids) - len(SENTENCES)
        return
    expected, middle, start = [], [], 0
    for stop in np.flatnonzero(corpus.ids < 0):
        sentence = np.ascontiguousarray(corpus.ids[start:stop])
        kept, drawn = draw(single, sentence)
        left = sentence[kept].tolist()
        for place, (reach, _) in enumerate(drawn):
            middle.append(left[place])
            expected.append(left[max(0, place - reach) : place] + left[place + 1 : place + reach + 1])
        start = stop + 1
    assert (centres.tolist(), found) == (middle, expected)
    assert (whole.trained, whole.alone, whole.subsampled) == (single.trained, single.alone, single.subsampled)


def test_windows_of_a_wrong_span_are_refused(corpus):
    worker = Worker(Model(corpus.vocab.counts, TrainConfig(dim=2, threads=1).resolved()), 0)
    with pytest.raises(ValueError, match="not inside"):
        draw_windows(worker, corpus.ids, 0, len(corpus.ids) + 1)
    with pytest.raises(ValueError, match="no word 5"):
        draw_windows(worker, np.array([0, 5, -1], np.int32), 0, 3)


def test_the_loss_falls_to_what_the_corpus_can_be_predicted_with():
    """In these sentences a word says exactly which one follows or comes before: two neighbours, one of 2 each time."""
    ring = [[f"w{(start + i) % 12}" for i in range(60)] for start in range(12)]
    corpus = w2v.encode(ring, min_count=1)
    config = TrainConfig(dim=16, loss="softmax", window=1, sample=0, epochs=40, lr=0.1, threads=1)
    losses = Trainer(corpus, config).run().summary.epoch_losses
    assert losses[0] > math.log(2) + 0.5
    assert losses[-1] == pytest.approx(math.log(2), abs=0.02)


def test_a_learning_rate_of_zero_changes_nothing_and_measures_the_perplexity(corpus):
    config = TrainConfig(dim=4, threads=1, loss="softmax", sample=0).resolved()
    model = Model(corpus.vocab.counts, config)
    model.inputs[:, :4] = np.random.default_rng(1).normal(size=(len(corpus.vocab), 4))
    before = model.inputs.copy()
    worker, twin = Worker(model, 0), Worker(model, 0)
    train(worker, corpus.ids, 0, len(corpus.ids), 0.0)
    assert model.inputs.tobytes() == before.tobytes()
    assert worker.loss_sum / worker.examples == pytest.approx(math.log(len(corpus.vocab)), rel=1e-6)  # outputs are zero
    model.outputs[:, :4] = before[::-1, :4]
    centres, ends, contexts = draw_windows(twin, corpus.ids, 0, len(corpus.ids))
    measured = Worker(model, 0)
    train(measured, corpus.ids, 0, len(corpus.ids), 0.0)
    exact = cross_entropy(model.inputs, model.outputs, centres, np.diff(ends, prepend=0), contexts)
    assert measured.loss_sum == pytest.approx(exact, rel=1e-5)
    assert measured.examples == len(contexts)


def test_it_trains_through_the_library_twice_to_the_same_bytes(corpus):
    made = [w2v.train(corpus, loss="softmax", dim=8, epochs=3, seed=5) for _ in range(2)]
    assert made[0].matrix.tobytes() == made[1].matrix.tobytes()


def test_a_rate_that_is_too_high_is_an_error(corpus):
    with pytest.raises(TrainingError, match="diverged"):
        w2v.train(corpus, loss="softmax", dim=8, epochs=40, lr=10)


def test_cbow_is_refused():
    with pytest.raises(SettingsError, match="skipgram"):
        TrainConfig(loss="softmax", model="cbow").resolved()


def test_over_many_words_the_time_is_said_first_and_that_of_negative_sampling(monkeypatch):
    import w2v.training.run as module
    from w2v.corpus.config import CorpusConfig
    from w2v.training.progress import Reporter

    class Notes(Reporter):
        def note(self, text: str, important: bool = False) -> None:
            said.append((str(text), important))

    said: list[tuple[str, bool]] = []
    monkeypatch.setattr(module, "SOFTMAX_TRIAL_S", 0.01)
    config = TrainConfig(loss="softmax", dim=4, epochs=1)
    for most, count in ((4, 1), (1000, 0)):
        monkeypatch.setattr(module, "SOFTMAX_WORDS", most)
        said.clear()
        module.Run(SENTENCES, CorpusConfig(min_count=1), config, reporters=[Notes()]).run()
        assert len(said) == count
        for text, important in said:
            assert important
            assert "loss='softmax' weighs 5 words at each step: about " in text
            assert "loss='ns' would take about " in text
