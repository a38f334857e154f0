"""Evaluation on the way: held-out text, scores, reports, early stopping. They must not change what is trained."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

import w2v
from w2v.errors import CorpusError, SettingsError, VectorsError
from w2v.kernel._tables import held_out_ids
from w2v.kernel.tables import held_out_share
from w2v.training.checkpoint import Checkpoint
from w2v.training.checkpointing import Checkpointer
from w2v.training.config import TrainConfig
from w2v.training.evaluation import EvalSchedule, Evaluator, HeldOut, read_tests, trained_tokens
from w2v.training.log import TrainingLog, kept_lines
from w2v.training.progress import EpochReport, Progress
from w2v.training.trainer import Trainer

from .corpora import Corpus, class_corpus, trainer_of, zipf_corpus
from .runs import config, corpus, outcome, rest_after

HELD = {"held_out": 0.2}


@pytest.fixture
def questions(tmp_path):
    """A file of pairs and one of questions about the words of `corpus`."""
    pairs, asked = tmp_path / "pairs.tsv", tmp_path / "questions.txt"
    pairs.write_text("w0\tw1\t3\nw0\tw2\t2\nw1\tw3\t1\nking\tqueen\t9\n", encoding="utf-8")
    asked.write_text(": all\nw0 w1 w2 w3\nking queen w1 w2\n", encoding="utf-8")
    return [pairs, asked]


def sentences_of(ids: np.ndarray) -> list[bytes]:
    ends = np.flatnonzero(ids < 0)
    return [part.tobytes() for part in np.split(ids, ends[:-1] + 1)] if len(ids) else []


# --- held-out text ---------------------------------------------------------------------------------------------------


def test_a_sentence_is_held_out_by_seed_and_place_alone():
    ids = zipf_corpus(20_000).ids
    share = held_out_share(0.1)
    whole = held_out_ids(ids, 0, len(ids), 5, share)
    cuts = [0, *(np.flatnonzero(ids < 0)[[10, 11, 500, 900]] + 1).tolist(), len(ids)]
    parts = [held_out_ids(ids, a, b, 5, share) for a, b in itertools.pairwise(cuts)]
    assert np.array_equal(np.concatenate(parts), whole)
    assert not np.array_equal(held_out_ids(ids, 0, len(ids), 6, share), whole)
    assert set(sentences_of(whole)) <= set(sentences_of(ids))


def test_the_share_that_is_held_out_is_the_one_asked_for():
    ids = np.tile(np.array([0, 1, -1], np.int32), 20_000)
    for share in (0.01, 0.1, 0.5):
        held = np.count_nonzero(held_out_ids(ids, 0, len(ids), 1, held_out_share(share)) < 0)
        assert abs(held - 20_000 * share) < 5 * (20_000 * share * (1 - share)) ** 0.5  # five standard deviations
    assert not len(held_out_ids(ids, 0, len(ids), 1, 0))


@pytest.mark.parametrize("threads", [1, 3])
def test_the_token_counts_add_up_and_what_is_held_out_is_not_trained(threads):
    made = zipf_corpus(20_000)
    trainer = trainer_of(made, threads=threads, epochs=3, held_out=0.2)
    result = trainer.run()
    summary = result.summary
    assert summary.held_out == trainer.held_out.tokens > 2000
    assert summary.tokens_total == summary.trained + summary.subsampled + summary.alone
    assert summary.tokens_total == 3 * (made.token_counts.kept - summary.held_out)


def test_words_that_are_only_in_held_out_sentences_are_never_centres_or_contexts():
    ids = zipf_corpus(4000).ids.copy()
    settings = TrainConfig(held_out=0.3)
    held = held_out_ids(ids, 0, len(ids), settings.seed, held_out_share(0.3))
    assert len(held) > 500
    start = 0
    for end in np.flatnonzero(ids < 0).tolist():  # the sentences that are held out get words of their own
        if len(held_out_ids(ids, start, end + 1, settings.seed, held_out_share(0.3))):
            ids[start:end] = 600 + ids[start:end] % 5
        start = end + 1
    from .corpora import Corpus

    made = Corpus(ids, [b"own" if i >= 600 else b"w" for i in range(605)])
    trainer = trainer_of(made, held_out=0.3)
    before = trainer.model.inputs.copy()
    trainer.run()
    own = np.array([word == b"own" for word in made.vocab.words])
    assert np.array_equal(trainer.model.inputs[own], before[own])
    counted = made.vocab.counts > 0
    assert not np.array_equal(trainer.model.inputs[~own & counted], before[~own & counted])


@pytest.mark.parametrize("settings", [{}, {"model": "cbow"}, {"loss": "hs"}, {"exact": True}], ids=str)
def test_the_held_out_loss_changes_nothing_and_does_not_depend_on_threads(settings, monkeypatch):
    monkeypatch.setattr("w2v.training.evaluation.PART_IDS", 600)
    trainer = trainer_of(zipf_corpus(20_000), held_out=0.2, **settings)
    assert len(trainer.held_out.parts) > 6
    trainer.run()
    before = trainer.model.inputs.tobytes(), trainer.model.outputs.tobytes()
    losses = {trainer.held_out.loss(trainer.model, trainer.kernel, threads) for threads in (1, 1, 2, 5, 50)}
    assert losses == {trainer.state.held_out_losses[-1]}
    assert (trainer.model.inputs.tobytes(), trainer.model.outputs.tobytes()) == before


def test_the_held_out_loss_is_of_every_token_that_is_held_out(monkeypatch):
    monkeypatch.setattr("w2v.training.evaluation.PART_IDS", 600)
    trainer = trainer_of(zipf_corpus(20_000), held_out=0.2)
    real, workers = trainer.kernel, []

    class Watched:
        @staticmethod
        def train(worker, *call):
            real.train(worker, *call)
            workers.append(worker)

    trainer.held_out.loss(trainer.model, Watched, 3)
    assert len(workers) == len(trainer.held_out.parts) > 6
    seen = sum(worker.trained + worker.subsampled + worker.alone for worker in workers)
    assert seen == trainer.held_out.tokens == int((trainer.held_out.ids >= 0).sum()) > 3000


def test_the_held_out_loss_of_a_fresh_model_is_that_of_chance():
    trainer = trainer_of(zipf_corpus(20_000), held_out=0.2)
    assert trainer.held_out.loss(trainer.model, trainer.kernel, 1) == pytest.approx(np.log(2), rel=1e-3)


def test_a_corpus_too_small_to_hold_out_from_is_refused():
    made = zipf_corpus(500, 20)
    with pytest.raises(CorpusError, match=r"held_out=0\.0001: no sentence would be held out"):
        HeldOut(made.ids, TrainConfig(held_out=0.0001))


def test_to_hold_out_everything_is_refused():
    with pytest.raises(CorpusError, match=r"held_out=1\.0: every sentence would be held out"):
        trainer_of(zipf_corpus(500, 20), held_out=1)


def test_held_out_text_of_lone_words_has_no_loss():
    lone = Corpus(np.array([0, -1, 1, -1] * 500 + [2, 3, -1], np.int32))
    seed = next(s for s in range(9) if 3 not in HeldOut(lone.ids, TrainConfig(held_out=0.5, seed=s)).ids)
    with pytest.raises(CorpusError, match=r"held_out: of the [\d,]+ tokens that are held out none has another one"):
        trainer_of(lone, held_out=0.5, seed=seed, sample=0).run()


def test_to_stop_early_without_held_out_text_is_refused():
    with pytest.raises(SettingsError, match=r"stop_early: goes by the loss of text .* held out; add held_out=0\.01"):
        trainer_of(zipf_corpus(500, 20), stop_early=2)


# --- evaluation changes nothing --------------------------------------------------------------------------------------


@pytest.mark.parametrize("every", [1, 2, "7%", "1k"])
def test_with_one_thread_evaluation_changes_no_byte(questions, every):
    reports = []
    evaluator = Evaluator(read_tests(questions), every, "add", reports.append)
    seen = Trainer(corpus(), config()).run(evaluator=evaluator)
    assert outcome(seen) == outcome(Trainer(corpus(), config()).run())
    whole = [report for report in reports if report.whole]
    assert [report.epoch for report in whole] == [1, 2, 3]
    assert tuple(report.loss for report in whole) == seen.summary.epoch_losses
    assert reports[-1].scores.keys() == {"pairs.tsv", "questions.txt"}
    assert seen.summary.scores == reports[-1].scores
    assert len([report for report in reports if report.scores]) == {1: 3, 2: 2, "7%": 15, "1k": 23}[every]


def test_a_rest_for_another_reason_is_not_reported(questions):
    reports = []
    trainer = Trainer(corpus(), config())
    Evaluator(read_tests(questions), on_report=reports.append).look(trainer.state, None, 0, None, False)
    assert reports == []


def test_scores_are_those_of_the_vectors_at_that_time(questions):
    reports = []
    evaluator = Evaluator(read_tests(questions), on_report=reports.append)
    result = Trainer(corpus(), config(epochs=1)).run(evaluator=evaluator)
    assert reports[-1].scores["pairs.tsv"] == result.vectors.evaluate(questions[0]).spearman
    assert reports[-1].scores["questions.txt"] == result.vectors.evaluate(questions[1]).total.accuracy


@pytest.mark.parametrize("settings", [{}, {"stop_early": 1}], ids=str)
@pytest.mark.parametrize("spans", [1, 40, 90, 130])
def test_a_resumed_run_that_is_watched_gives_the_same_bytes_and_losses(tmp_path, questions, settings, spans):
    settings = {**HELD, "epochs": 4, **settings}
    whole = Trainer(corpus(), config(**settings)).run(evaluator=Evaluator(read_tests(questions)))
    checkpointer = Checkpointer(tmp_path / "c")
    assert rest_after(Trainer(corpus(), config(**settings)), spans, checkpointer) is None
    with Checkpoint(checkpointer.path) as checkpoint:
        again = Trainer(corpus(), config(**settings), checkpoint).run(evaluator=Evaluator(read_tests(questions), "3%"))
    assert outcome(again) == outcome(whole)
    assert again.summary.held_out_losses == whole.summary.held_out_losses
    assert (again.summary.best_epoch, again.summary.held_out) == (whole.summary.best_epoch, whole.summary.held_out)


# --- stopping early --------------------------------------------------------------------------------------------------


class Scripted(HeldOut):
    """Held-out text whose losses are given."""

    def __init__(self, real: HeldOut, losses: list[float]):
        self.ids, self.tokens, self.losses = real.ids, real.tokens, losses

    def loss(self, model, kernel, threads):
        return self.losses.pop(0)


@pytest.mark.parametrize(
    ("patience", "losses", "epochs", "best"),
    [
        (1, [3, 2, 1, 0.5], 4, 4),
        (1, [3, 2, 2.5, 0.5], 3, 2),
        (2, [3, 2, 2.5, 0.5], 4, 4),
        (2, [3, 2, 2.5, 2.2], 4, 2),
        (1, [3, 3, 1, 1], 2, 1),
    ],
)
def test_stopping_early_keeps_the_vectors_of_the_best_epoch(tmp_path, questions, patience, losses, epochs, best):
    def run(checkpointer=None, spans=10**9):
        trainer = Trainer(corpus(), config(**HELD, epochs=4, stop_early=patience))
        trainer.held_out = Scripted(trainer.held_out, list(losses))
        return rest_after(trainer, spans, checkpointer)

    result = run()
    assert (result.summary.epochs, result.summary.best_epoch) == (epochs, best)
    assert result.summary.stopped_early == (epochs < 4)
    plain = Trainer(corpus(), config(**HELD, epochs=4))
    states = []
    plain.run(evaluator=Evaluator(on_report=lambda report: states.append(plain.model.inputs[:, :12].tobytes())))
    assert result.vectors.matrix.tobytes() == states[best - 1]
    asked = Evaluator(read_tests(questions), 3)
    trainer = Trainer(corpus(), config(**HELD, epochs=4, stop_early=patience))
    trainer.held_out = Scripted(trainer.held_out, list(losses))
    scores = trainer.run(evaluator=asked).summary.scores
    assert scores["pairs.tsv"] == result.vectors.evaluate(questions[0]).spearman
    checkpointer = Checkpointer(tmp_path / "c")
    assert run(checkpointer, 125) is None  # in the third epoch
    with Checkpoint(checkpointer.path) as checkpoint:
        again = Trainer(corpus(), config(**HELD, epochs=4, stop_early=patience), checkpoint)
    again.held_out = Scripted(again.held_out, list(losses)[again.state.epoch :])
    assert again.run().vectors.matrix.tobytes() == result.vectors.matrix.tobytes()


# --- how often, which files ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "every"),
    [
        ("2", EvalSchedule(epochs=2)),
        (3, EvalSchedule(epochs=3)),
        ("10%", EvalSchedule(share=0.1)),
        ("50M", EvalSchedule(tokens=50_000_000)),
        ("1.5k", EvalSchedule(tokens=1500)),
        ("1k", EvalSchedule(tokens=1000)),
        ("2G", EvalSchedule(tokens=2 * 10**9)),
        ("100%", EvalSchedule(share=1.0)),
        ("0.01%", EvalSchedule(share=0.0001)),
        ("1", EvalSchedule(epochs=1)),
        ("2.0", EvalSchedule(epochs=2)),
    ],
)
def test_how_often_is_written_in_epochs_shares_or_tokens(text, every):
    assert EvalSchedule.of(text) == every


@pytest.mark.parametrize("text", ["0", "", "10m", "0%", "0.009%", "101%", "100.1%", "1.5", "0.5k", "often", "-1"])
def test_another_way_to_write_how_often_is_refused(text):
    with pytest.raises(SettingsError, match=r"eval_every: .* is none of: 2 \(epochs\)"):
        EvalSchedule.of(text)


def test_tests_of_one_file_name_go_by_their_paths(tmp_path, questions):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "pairs.tsv").write_bytes(questions[0].read_bytes())
    both = [questions[0], tmp_path / "sub" / "pairs.tsv"]
    assert list(read_tests(both)) == [str(path) for path in both]
    with pytest.raises(SettingsError, match="is given twice"):
        read_tests([questions[0], questions[0]])


def test_a_test_that_cannot_be_asked_is_found_before_the_training(tmp_path):
    (tmp_path / "pairs").write_text("cat dog 3\n")
    evaluator = Evaluator(read_tests([tmp_path / "pairs"]))
    with pytest.raises(VectorsError, match=r"none of its 1 pairs \(the first: 'cat', 'dog'\) has both words"):
        evaluator.check(corpus().vocab.words)


# --- the log, and the library ----------------------------------------------------------------------------------------


def test_the_library_tells_and_logs_as_the_command_does(tmp_path, questions):
    text = class_corpus(300)
    parts = np.split(text.ids, np.flatnonzero(text.ids < 0) + 1)
    sentences = [[b"%d" % i for i in part[:-1].tolist()] for part in parts[:-1]]
    (tmp_path / "p").write_text("0\t1\t3\n2\t3\t1\n")
    reports = []
    vectors = w2v.train(
        sentences,
        dim=8,
        epochs=2,
        threads=1,
        min_count=1,
        held_out=0.1,
        eval=tmp_path / "p",
        on_epoch=reports.append,
        log=tmp_path / "log",
        combine="concat",
        unit=True,
    )
    assert vectors.matrix.shape[1] == 16
    assert np.allclose(vectors.norms, 1)
    events = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    names = [event["event"] for event in events if event["event"] != "progress"]
    assert names == ["start", "epoch", "eval", "epoch", "eval", "end"]
    epochs = [event for event in events if event["event"] == "epoch"]
    assert [event["held_out_loss"] for event in epochs] == [report.held_out_loss for report in reports]
    assert [event["loss"] for event in epochs] == [report.loss for report in reports]
    assert events[-2]["scores"] == {"p": pytest.approx(reports[-1].scores["p"])}


def test_a_log_has_a_line_a_second_with_the_loss_of_all_since_the_last_one(tmp_path):
    clock = iter([100, 101, 101.5, 101.5, 101.5, 102.25, 102.5, 102.5, 104, 105.25])  # made, started, looks and lines
    with TrainingLog(tmp_path / "log", clock=lambda: next(clock)) as log:
        log.start(1000, 0, 0.5)
        for tokens, loss, examples in ((10, 3.0, 1), (20, 2.0, 1), (30, 1.0, 3)):
            log.training(Progress(1, 2, tokens, 1000, 7.6, 0.05, loss, 1.0, examples))
        log.epoch(EpochReport(1, 2, 500, 1000, 8.4, 0.02, float("nan"), 0.7, {"pairs": 0.5}, 3.0))
        log.epoch(EpochReport(1, 2, 700, 1000, 8.4, 0.01, None, None, {}, 3.0, whole=False))
    first, *others = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert first == {"event": "start", "time": 1.0, "tokens": 0, "tokens_total": 1000}
    place = {"epoch": 1, "tokens_total": 1000}
    speed = {"words_per_s": 8}
    assert others == [
        {"event": "progress", "time": 1.0, **place, "tokens": 10, "lr": 0.05, "loss": 3.0, **speed},
        {"event": "progress", "time": 2.0, **place, "tokens": 30, "lr": 0.05, "loss": 1.25, **speed},
        {
            "event": "epoch",
            "time": 3.5,
            **place,
            "tokens": 500,
            "lr": 0.02,
            "loss": None,
            **speed,
            "held_out_loss": 0.7,
        },
        {"event": "eval", "time": 4.75, **place, "tokens": 500, "scores": {"pairs": 0.5}},
    ]


def test_a_log_that_is_gone_on_with_keeps_what_the_checkpoint_knows(tmp_path):
    path = tmp_path / "log"
    lines = [{"event": "start", "tokens": 0}, {"event": "progress", "tokens": 50}, {"event": "progress", "tokens": 90}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"event": "progr')
    assert [json.loads(line)["tokens"] for line in kept_lines(str(path), 60)] == [0, 50]
    with TrainingLog(path) as log:
        log.start(100, 60, 5.0)
    assert [json.loads(line)["tokens"] for line in path.read_text().splitlines()] == [0, 50]
    assert kept_lines(str(tmp_path / "none"), 60) == []


def test_a_log_on_a_full_disk_ends_and_the_run_goes_on():
    failures = []
    with TrainingLog("/dev/full", failures.append) as log:
        log.start(100)
        log.start(100)
    assert [error.filename for error in failures] == ["/dev/full", "/dev/full"]


def test_tokens_of_parts_that_are_not_held_out_add_up():
    ids, settings = zipf_corpus(20_000).ids, TrainConfig(held_out=0.1)
    ends = np.flatnonzero(ids < 0)[[100, 300]] + 1
    parts = [(0, ends[0]), (ends[0], ends[1]), (ends[1], len(ids))]
    total = trained_tokens(ids, 0, len(ids), settings)
    assert sum(trained_tokens(ids, int(a), int(b), settings) for a, b in parts) == total
    assert total + HeldOut(ids, settings).tokens == trained_tokens(ids, 0, len(ids), TrainConfig()) == 20_000


# --- epochs in which nothing is trained ------------------------------------------------------------------------------


LONE = {"min_count": 1, "sample": 0.003, "epochs": 8, "threads": 1, "dim": 4, "seed": 1}


def test_an_epoch_in_which_nothing_was_trained_has_no_loss_and_is_a_warning(tmp_path):
    reports = []
    with pytest.warns(RuntimeWarning, match=r"nothing was trained in 7 epochs of 8: .*try sample=0 or a smaller"):
        w2v.train(
            [["a", "b", "c", "d", "e", "f"], ["b", "a"]],
            on_epoch=reports.append,
            log=tmp_path / "log",
            report=tmp_path / "report",
            checkpoint=tmp_path / "c",
            **LONE,
        )
    losses = [report.loss for report in reports]
    assert losses == [pytest.approx(np.log(2), rel=1e-4), *[None] * 7]
    events = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [event["loss"] for event in events if event["event"] == "epoch"] == losses
    assert json.loads((tmp_path / "report").read_text())["training"]["epoch_losses"] == losses
    with Checkpoint(tmp_path / "c") as checkpoint:
        made = w2v.encode([["a", "b", "c", "d", "e", "f"], ["b", "a"]], min_count=1)
        state = Trainer(made, TrainConfig(**{k: v for k, v in LONE.items() if k != "min_count"}), checkpoint).state
    assert state.epoch_losses == losses


def test_the_log_of_a_resumed_run_is_complete_or_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "log"
    lines = [{"event": "start", "tokens": 0}, {"event": "progress", "tokens": 50}, {"event": "progress", "tokens": 90}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    before, failures = path.read_bytes(), []

    def full(*_args) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("w2v.output.os.fsync", full)
    with TrainingLog(path, failures.append) as log:
        log.start(100, 60, 5.0)
        log._write({"event": "progress", "tokens": 60})
    assert path.read_bytes() == before
    assert [str(error.filename) for error in failures] == [str(path)]
    monkeypatch.undo()
    with TrainingLog(path) as log:
        log.start(100, 60, 5.0)
        log._write({"event": "progress", "tokens": 60})
    assert [json.loads(line)["tokens"] for line in path.read_text().splitlines()] == [0, 50, 60]
