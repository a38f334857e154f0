"""Sweeps: every combination once, scores as of single trainings, results that are gone on with."""

from __future__ import annotations

import json

import pytest

import w2v
from w2v.errors import SettingsError, W2VError
from w2v.machine import Room
from w2v.settings import options_of
from w2v.training.config import TrainConfig
from w2v.training.progress import Progress, Reporter
from w2v.training.sweep import (
    Results,
    Together,
    combinations,
    identity,
    runs_at_once,
    sweep,
    varied_names,
    vectors_name,
)
from w2v.training.trainer import Trainer

from .runs import corpus, sentences

FEW = {"dim": 8, "epochs": 1, "threads": 1}


@pytest.fixture
def pairs(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("w0\tw1\t3\nw0\tw2\t2\nw1\tw3\t1\nking\tqueen\t9\n", encoding="utf-8")
    return path


def test_every_combination_comes_once_and_seeds_change_fastest():
    configs = combinations({"seed": [1, 2], "window": (2, 5), "model": "cbow", "dim": 7})
    assert [(c.window, c.seed) for c in configs] == [(2, 1), (2, 2), (5, 1), (5, 2)]
    assert {(c.model, c.dim, c.lr) for c in configs} == {("cbow", 7, 0.06)}
    assert varied_names({"seed": [1, 2], "window": (2, 5), "dim": [7], "model": "cbow"}) == ["window", "seed"]
    assert len(combinations({})) == 1


@pytest.mark.parametrize(
    ("lists", "named"),
    [
        ({"window": [1, 0]}, "window: must be between 1 and 1000"),
        ({"window": []}, "window: the list is empty"),
        ({"window": [2, 5, 2]}, "window: 2 is given twice"),
        ({"stop_early": [0, 1]}, "stop_early: goes by the loss of text that is held out"),
        ({"seed": list(range(1000)), "dim": list(range(1, 1000))}, "999,000 combinations; at most 100,000"),
    ],
)
def test_a_combination_that_cannot_be_is_refused_before_the_first_run(lists, named):
    with pytest.raises(SettingsError) as caught:
        combinations(lists)
    assert named in str(caught.value)


def test_vectors_are_named_from_where_the_results_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for results, name in (
        ("r.jsonl", "out/dim-3_epochs-1.bin"),
        ("out/r.jsonl", "dim-3_epochs-1.bin"),
        (None, "dim-3_epochs-1.bin"),
    ):
        configs = combinations({**FEW, "dim": [3]})
        (run,) = sweep(corpus(), configs, {}, ["dim"], results=results, folder="out")
        assert run.vectors == "out/dim-3_epochs-1.bin"
        place = tmp_path / (results or "out/results.jsonl")
        assert json.loads(place.read_text())["vectors"] == name
        (again,) = sweep(corpus(), configs, {}, ["dim"], results=results, folder="out")
        assert (again.done_before, (tmp_path / again.vectors).exists()) == (True, True)


def test_every_setting_can_be_a_list_and_is_told_by_the_file_name():
    other = {
        "model": "cbow",
        "loss": "hs",
        "cbow_gradient": "exact",
        "lr": 0.5,
        "min_lr": 0.0125,
        "held_out": 0.25,
        "sample": 0.5,
        "node_sample": 0.5,
        "freeze": "context",
    }
    for name in options_of(TrainConfig):
        if name == "stop_early":
            continue
        default = getattr(TrainConfig().resolved(), name)
        value = not default if isinstance(default, bool) else other.get(name, 7)
        configs = combinations({name: [default, value]})
        names = [vectors_name(config, [name]) for config in configs]
        assert f"{name}-{value}" in names[1], name
        assert len(set(names)) == 2, name


def test_runs_are_those_of_single_trainings(pairs, tmp_path):
    runs = list(w2v.sweep(corpus(), eval=pairs, window=[1, 4], folder=tmp_path / "runs", **FEW))
    for run, window in zip(runs, (1, 4), strict=True):
        alone = w2v.train(corpus(), window=window, **FEW)
        assert run.scores == {"pairs.tsv": alone.evaluate(pairs).spearman}
        assert w2v.load(run.vectors).matrix.tobytes() == alone.matrix.tobytes()
        assert run.vectors.endswith(f"dim-8_window-{window}_epochs-1.bin")


def test_losses_and_scores_are_those_of_the_vectors_that_a_run_keeps(pairs, monkeypatch):
    from w2v.training.evaluation import HeldOut

    losses = [3.0, 1.0, 2.0]
    monkeypatch.setattr(HeldOut, "loss", lambda *_: losses.pop(0))
    settings = {**FEW, "epochs": 9, "held_out": 0.2}
    (run,) = w2v.sweep(corpus(), eval=pairs, **settings, stop_early=1)
    assert (run.epochs, run.held_out_loss) == (3, 1.0)
    reports = []
    monkeypatch.setattr(HeldOut, "loss", lambda *_: 1.0)
    w2v.train(corpus(), **settings, on_epoch=reports.append, eval=pairs)
    assert (run.loss, run.scores) == (reports[1].loss, reports[1].scores)


def test_runs_side_by_side_are_those_of_one_thread_in_their_order(tmp_path):
    lists = {"dim": 8, "epochs": [2, 1], "seed": [1, 2]}
    runs = list(w2v.sweep(corpus(), threads=2, folder=tmp_path / "runs", **lists))
    assert [(run.config.epochs, run.config.seed, run.config.threads) for run in runs] == [
        (2, 1, 1), (2, 2, 1), (1, 1, 1), (1, 2, 1)
    ]  # fmt: skip
    for run in runs:
        alone = w2v.train(corpus(), dim=8, threads=1, epochs=run.config.epochs, seed=run.config.seed)
        assert w2v.load(run.vectors).matrix.tobytes() == alone.matrix.tobytes()
    again = list(w2v.sweep(corpus(), threads=2, folder=tmp_path / "runs", **lists))
    assert [(run.done_before, run.loss) for run in again] == [(True, run.loss) for run in runs]


def test_runs_that_take_turns_have_the_threads_that_were_given():
    runs = list(w2v.sweep(corpus(), dim=8, threads=[3, 2], epochs=1))
    assert [run.config.threads for run in runs] == [3, 2]


@pytest.mark.parametrize(
    ("runs", "lists", "wanted"),
    [
        (4, {}, 4),
        (35, {}, 4),
        (10, {}, 1),  # two threads would be idle in the end
        (4, {"hot_rows": [0, 10]}, 1),
        (4, {"threads": [1, 4]}, 1),
        (4, {"loss": "softmax"}, 1),
        (4, {"dim": 4096}, 1),  # two models would be too large for the memory
    ],
)
def test_as_many_runs_as_threads_go_side_by_side_where_that_is_faster(runs, lists, wanted, monkeypatch):
    monkeypatch.setattr("w2v.training.sweep.room", lambda: Room(4 << 30, "free"))
    configs = combinations({"threads": 4, "seed": list(range(runs)), **lists})
    assert runs_at_once(configs, 100_000) == wanted


def test_runs_side_by_side_are_shown_as_one():
    shown = []
    together = Together([type("Kept", (Reporter,), {"training": lambda _, progress: shown.append(progress)})()])
    first, second = together.part(), together.part()
    first.training(Progress(2, 5, 40, 100, 10.0, 0.02, 0.4, 4.0))
    second.training(Progress(1, 5, 20, 200, 5.0, 0.03, 0.5, 3.0))
    first.ended(None, None)
    second.training(Progress(1, 5, 30, 200, 5.0, 0.03, 0.5, 3.0))
    seen = [(one.epoch, one.tokens_done, one.tokens_total, one.words_per_s) for one in shown]
    assert seen == [(2, 40, 100, 10.0), (1, 60, 300, 15.0), (1, 30, 200, 5.0)]


def test_a_run_side_by_side_with_others_that_fails_ends_them_all(monkeypatch):
    """Without an end of the others the sweep would not return."""

    train = Trainer.run

    def run(self, *args, **kwargs):
        if self.config.seed == 2:
            raise MemoryError("no room")
        return train(self, *args, **kwargs)

    monkeypatch.setattr(Trainer, "run", run)
    with pytest.raises(MemoryError, match="no room"):
        list(w2v.sweep(corpus(), threads=2, dim=8, epochs=1_000_000, seed=[1, 2]))


def test_a_sweep_is_checked_when_it_is_asked_for():
    with pytest.raises(SettingsError, match="there is no setting 'dmi'"):
        w2v.sweep(corpus(), dmi=[2, 4])


def test_results_are_gone_on_with(pairs, tmp_path):
    results = tmp_path / "r.jsonl"

    def sweep(**settings):
        return list(w2v.sweep(corpus(), eval=pairs, results=results, **{**FEW, **settings}))

    first = sweep(window=[1, 2])
    assert [run.done_before for run in first] == [False, False]
    with open(results, "ab") as file:
        file.write(b'{"settings": {"di')  # a run that was killed
    again = sweep(window=[1, 2, 3], threads=2)
    assert [run.done_before for run in again] == [True, True, False]
    assert [run.scores for run in again[:2]] == [run.scores for run in first]
    assert [run.done_before for run in sweep(window=[3, 2])] == [True, True]
    moved = tmp_path / "other.tsv"
    pairs.rename(moved)
    (renamed,) = w2v.sweep(corpus(), eval=moved, results=results, window=1, **FEW)
    assert (renamed.done_before, renamed.scores) == (True, {"other.tsv": first[0].scores["pairs.tsv"]})
    moved.write_text("w0\tw1\t3\nw0\tw2\t1\nw5\tw6\t7\n")  # other questions
    (new,) = w2v.sweep(corpus(), eval=moved, results=results, window=1, **FEW)
    assert not new.done_before


def test_a_number_of_threads_that_is_swept_makes_runs_differ(tmp_path):
    results = tmp_path / "r.jsonl"
    runs = list(w2v.sweep(corpus(), results=results, **{**FEW, "threads": [1, 2]}))
    assert [run.done_before for run in runs] == [False, False]


def test_results_on_another_corpus_or_of_another_kind_are_refused(tmp_path):
    results = tmp_path / "r.jsonl"
    list(w2v.sweep(corpus(), results=results, **FEW))
    with pytest.raises(W2VError, match=r"r\.jsonl:1: a result on another corpus"):
        list(w2v.sweep(sentences(50), results=results, min_count=1, whitespace="ascii", **FEW))
    results.write_text('{"event": "start"}\n')
    with pytest.raises(W2VError, match=r"r\.jsonl:1: this is not a result of w2v sweep"):
        Results(results, "digest")
    with open(results, "wb") as file:  # no end of a line, as of /dev/zero
        file.truncate(1 << 21)
    with pytest.raises(W2VError, match=r"r\.jsonl:1: the line is too long for a result"):
        list(w2v.sweep(corpus(), results=results, **FEW))


def test_a_run_that_diverges_is_told_and_the_others_go_on(pairs, tmp_path):
    results = tmp_path / "r.jsonl"
    runs = list(w2v.sweep(corpus(), eval=pairs, results=results, lr=[9.9, 0.1], negative=50, **{**FEW, "epochs": 40}))
    assert "diverged" in runs[0].error
    assert runs[1].error is None
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    assert [line["error"] is None for line in lines] == [False, True]
    again = list(w2v.sweep(corpus(), eval=pairs, results=results, lr=[9.9], negative=50, **{**FEW, "epochs": 40}))
    assert again[0].done_before


def test_vectors_are_found_from_wherever_the_sweep_is_gone_on_with(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    list(w2v.sweep(corpus(), folder="runs", **FEW))
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    (run,) = w2v.sweep(corpus(), folder="../runs", **FEW)
    assert run.done_before
    assert w2v.load(run.vectors).dim == 8
    (tmp_path / "runs" / "dim-8_epochs-1.bin").unlink()
    assert not next(iter(w2v.sweep(corpus(), folder="../runs", **FEW))).done_before


MANY = {
    "window": [4, 7],
    "negative": 12,
    "ns_exponent": 0.123456789012,
    "sample": 0.000123456789,
    "lr": 0.0123456789,
    "min_lr": 0.00012345678901,
    "held_out": 0.123456789,
    "negative_pool": 64,
    "hot_rows": 100,
    "stop_early": 2,
    "share_negatives": False,
    "fixed_window": True,
    "seed": [2**63 - 1, 2**62],
    "cbow_gradient": "exact",
    "model": "cbow",
    **FEW,
}


def test_names_of_many_settings_are_shortened_and_stay_apart(tmp_path, pairs):
    configs = combinations(MANY)
    names = [vectors_name(config, varied_names(MANY)) for config in configs]
    assert len(set(names)) == len(names) == 4
    assert 180 < max(map(len, names)) <= 205, "as long as a file system takes, with what is added to an unfinished file"
    runs = list(w2v.sweep(corpus(), eval=pairs, folder=tmp_path / "runs", **{**MANY, "seed": 5}))
    assert [w2v.load(run.vectors).dim for run in runs] == [8, 8]


def test_a_place_for_vectors_that_cannot_be_is_found_before_the_first_run(tmp_path, pairs):
    folder = tmp_path / "runs"
    (folder / vectors_name(combinations({"window": 7, **FEW})[0], ["window"])).mkdir(parents=True)
    with pytest.raises(W2VError, match="is a directory"):
        list(w2v.sweep(corpus(), eval=pairs, folder=folder, window=[4, 7], **FEW))
    assert len(list(folder.iterdir())) == 1


def test_the_number_of_threads_makes_runs_differ_only_where_it_is_wanted():
    two, four = (TrainConfig(threads=threads).resolved() for threads in (2, 4))
    assert identity(two) == identity(four)
    assert identity(two, True) != identity(four, True)
    assert identity(two) != identity(TrainConfig(threads=2, seed=2).resolved())


def test_a_learning_rate_that_is_given_is_in_the_name():
    assert vectors_name(TrainConfig(lr=0.5).resolved(), []) == "lr-0.5.bin"
    assert vectors_name(TrainConfig(model="cbow").resolved(), []) == "model-cbow.bin"
    assert vectors_name(TrainConfig().resolved(), []) == "seed-1.bin"
