"""`w2v sweep` as a process."""

from __future__ import annotations

import json
import os
import signal
import statistics

import pytest

from w2v.cli.main import cli
from w2v.cli.sweep import Table
from w2v.settings import options_of
from w2v.training.config import TrainConfig
from w2v.training.sweep import SweepRun

from .test_runs import LATEST_S

FAST = ("--dim", "8", "--epochs", "1", "--threads", "1")
PAIRS = "king\tqueen\t8.5\nking\tman\t6\nthe\tprince\t1\nsaid\ttoday\t2\n"


@pytest.fixture
def pairs(tmp_path):
    (tmp_path / "p.tsv").write_text(PAIRS)
    return ("--eval", "p.tsv")


def rows(done) -> list[list[str]]:
    assert done.returncode == 0, done.err
    return [line.split("\t") for line in done.out.splitlines()]


def test_a_table_has_a_row_for_each_combination(w2v, corpus, pairs):
    table = rows(w2v("sweep", corpus, *FAST, *pairs, "--window", "2,5", "--seeds", "1,2"))
    assert table[0] == ["window", "seed", "p.tsv", "loss", "words_per_s", "seconds"]
    assert [row[:2] for row in table[1:]] == [["2", "1"], ["2", "2"], ["5", "1"], ["5", "2"]]
    assert w2v("train", corpus, "-o", "v.bin", *FAST, "--window", "5", "--seed", "2").returncode == 0
    alone = json.loads(w2v("evaluate", "v.bin", "p.tsv", "--json").out)
    assert table[4][2] == f"{alone['spearman']:.4f}"


def test_finished_rows_are_not_done_again_and_means_are_over_seeds(w2v, corpus, pairs, tmp_path):
    settings = (*FAST, *pairs, "-o", "runs", "--held-out", "5%")
    first = rows(w2v("sweep", corpus, *settings, "--seeds", "1,2"))
    names = {f"dim-8_epochs-1_seed-{seed}_held_out-0.05.bin" for seed in (1, 2)}
    assert set(os.listdir(tmp_path / "runs")) == {"results.jsonl", *names}
    kept = (tmp_path / "runs" / "results.jsonl").read_bytes()
    assert rows(w2v("sweep", corpus, *settings, "--seeds", "1,2")) == first
    assert (tmp_path / "runs" / "results.jsonl").read_bytes() == kept
    header, mean = rows(w2v("sweep", corpus, *settings, "--seeds", "1,2", "--mean"))
    assert header == ["runs", "p.tsv", "+-", "loss", "held_out_loss", "words_per_s", "seconds"]
    scores = [json.loads(line)["scores"]["p.tsv"] for line in kept.splitlines()]
    assert mean[:3] == ["2", f"{statistics.fmean(scores):.4f}", f"{statistics.stdev(scores):.4f}"]
    done = w2v("sweep", corpus, *settings, "--seeds", "1,2", "--json")
    assert [json.loads(line)["scores"]["p.tsv"] for line in done.out.splitlines()] == scores


def test_a_sweep_that_is_stopped_goes_on_with_the_same_command(start, w2v, corpus, pairs, tmp_path):
    command = ("sweep", corpus, "--dim", "8", "-t", "1", *pairs, "--epochs", "1,2,1000000", "--results", "r.jsonl")
    process = start(*command)
    shown = b"".join(process.stdout.readline() for _ in range(3))  # the header and two runs
    process.send_signal(signal.SIGINT)
    rest, err = process.communicate(timeout=LATEST_S)
    out = shown + rest
    assert process.returncode == 130
    assert b"2 of 3 runs are done; the same command continues" in err
    assert len(out.splitlines()) == 3
    again = rows(w2v("sweep", corpus, "--dim", "8", "-t", "1", *pairs, "--epochs", "1,2", "--results", "r.jsonl"))
    assert ["\t".join(row) for row in again] == out.decode().splitlines()


@pytest.mark.parametrize(
    ("options", "code", "named"),
    [
        (("--window", "2,x"), 2, "'x' is not a whole number"),
        (("--window", "2,2"), 2, "--window: 2 is given twice"),
        (("--model", "cbow,glove"), 2, "'glove' is not one of"),
        (("--exact", "maybe"), 2, "'maybe' is not a valid boolean"),
        (("--results", "-"), 2, "standard output carries the table"),
        (("--results", "no/r.jsonl"), 1, "does not exist"),
        (("--eval", "gone.tsv"), 1, "gone.tsv: No such file"),
    ],
)
def test_wrong_options_are_found_before_the_corpus_is_read(w2v, options, code, named):
    done = w2v("sweep", "missing.txt", *options)
    assert (done.returncode, done.out) == (code, ""), done.err
    assert named in done.err
    assert len(done.err.splitlines()) == 1


def test_nothing_is_printed_where_the_results_are_none(w2v, corpus, tmp_path):
    (tmp_path / "r.jsonl").write_text("no results\n")
    done = w2v("sweep", corpus, "--dim", "8", "--results", "r.jsonl")
    assert (done.returncode, done.out) == (1, ""), done.err
    assert "r.jsonl" in done.err.splitlines()[-1]


def test_every_hyper_parameter_is_an_option_that_takes_a_list():
    command = cli.get_command(None, "sweep")
    spellings = [s for p in command.params for s in (*p.opts, *p.secondary_opts)]
    assert sorted(spellings) == sorted(set(spellings))
    assert {"--" + name.replace("_", "-") for name in options_of(TrainConfig)} <= set(spellings)
    given = ["c", "--window", "2,5", "--exact", "on,off", "--lr", ".1,.2", "--seeds", "3"]
    with command.make_context("sweep", given) as c:
        assert (c.params["window"], c.params["exact"]) == ((2, 5), (True, False))
        assert (c.params["lr"], c.params["seed"]) == ((0.1, 0.2), (3,))


def test_a_run_that_fails_is_named_by_what_varies(capsys):
    configs = [TrainConfig(dim=dim, seed=7) for dim in (8, 9)]
    table = Table(configs, ["dim", "seed"], [], False, "json")
    table.add(SweepRun(configs[1], {}, error="the training diverged"))
    out, err = capsys.readouterr()
    assert err == "w2v: warning: dim 9, seed 7: the training diverged\n"
    assert json.loads(out)["error"] == "the training diverged"


def lines_of_a_table(capsys, runs, *given) -> list[str]:
    table = Table([run.config for run in runs], *given)
    for run in runs:
        table.add(run)
    assert table.runs == len(runs)
    return capsys.readouterr().out.splitlines()


def runs_of_two_seeds() -> list[SweepRun]:
    one, two = (TrainConfig(dim=dim, lr=0.05, exact=True, seed=3, held_out=0.1) for dim in (8, 100))
    other = TrainConfig(dim=8, lr=0.05, exact=True, seed=4, held_out=0.1)
    return [
        SweepRun(one, {"a": 0.25, "b": None}, 0.5, 0.75, 1, 1000.4, 2.25, vectors="v.bin"),
        SweepRun(other, {"a": 0.75, "b": 0.125}, 0.25, 0.5, 1, 2001.4, 4.05),
        SweepRun(two, {"a": 1.0, "b": 0.5}, None, None, 1, 10.0, 0.04),
        SweepRun(two, {"a": 9.0}, 3.0, 3.0, 1, 3.0, 3.0, error="it failed"),
    ]


def test_a_row_has_its_values_scores_losses_and_times(capsys):
    assert lines_of_a_table(capsys, runs_of_two_seeds(), ["dim", "lr", "exact"], ["a", "b"], False, None) == [
        "dim\tlr\texact\ta\tb\tloss\theld_out_loss\twords_per_s\tseconds",
        "8\t0.05\ton\t0.2500\t\t0.5000\t0.7500\t1000\t2.2",
        "8\t0.05\ton\t0.7500\t0.1250\t0.2500\t0.5000\t2001\t4.0",
        "100\t0.05\ton\t1.0000\t0.5000\t\t\t10\t0.0",
        "100\t0.05\ton\t\t\t\t\t\t",
    ]


def test_means_are_of_the_runs_that_did_not_fail(capsys):
    assert lines_of_a_table(capsys, runs_of_two_seeds(), ["dim", "seed"], ["a", "b"], True, None) == [
        "dim\truns\ta\t+-\tb\t+-\tloss\theld_out_loss\twords_per_s\tseconds",
        f"8\t2\t0.5000\t{statistics.stdev([0.25, 0.75]):.4f}\t0.1250\t\t0.3750\t0.6250\t1501\t3.1",
        "100\t1\t1.0000\t\t0.5000\t\t\t\t10\t0.0",
    ]
    found = lines_of_a_table(capsys, runs_of_two_seeds(), ["dim", "seed"], ["a", "b", "c"], True, "json")
    assert [json.loads(line) for line in found] == [
        {
            "dim": 8,
            "runs": 2,
            "means": {"a": 0.5, "b": 0.125, "c": None},
            "scores": {"a": [0.25, 0.75], "b": [None, 0.125], "c": [None, None]},
        },
        {
            "dim": 100,
            "runs": 2,
            "means": {"a": 1.0, "b": 0.5, "c": None},
            "scores": {"a": [1.0], "b": [0.5], "c": [None]},
        },
    ]


def test_json_has_a_run_whole(capsys):
    first, *_ = lines_of_a_table(capsys, runs_of_two_seeds()[:1], ["lr"], ["a", "b"], False, "json")
    assert json.loads(first) == {
        "lr": 0.05, "scores": {"a": 0.25, "b": None}, "loss": 0.5, "held_out_loss": 0.75, "words_per_s": 1000,
        "seconds": 2.25, "error": None, "vectors": "v.bin",
    }  # fmt: skip


def test_columns_of_a_terminal_are_as_wide_as_their_widest_value(capsys, monkeypatch):
    monkeypatch.setattr("w2v.cli.sweep.is_terminal", lambda stream: True)
    runs = [SweepRun(TrainConfig(dim=dim), {"pairs.tsv": 0.5}, 0.25, None, 1, 12345678.0, 1.0) for dim in (8, 1000)]
    assert lines_of_a_table(capsys, runs, ["dim"], ["pairs.tsv"], False, None) == [
        " dim  pairs.tsv      loss  words_per_s   seconds",
        "   8     0.5000    0.2500     12345678       1.0",
        "1000     0.5000    0.2500     12345678       1.0",
    ]
