"""A training that tells how it goes: losses, scores, the log; vectors for other uses."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from w2v.vectors.vectors import load

from .test_runs import LATEST_S, needs_proc
from .test_train import FAST, number

QUESTIONS = ": royals\nman king woman queen\nking prince queen princess\n"
PAIRS = "king\tqueen\t8.5\nking\tman\t6\nthe\tprince\t1\n"


@pytest.fixture
def tests(tmp_path):
    (tmp_path / "q.txt").write_text(QUESTIONS)
    (tmp_path / "p.tsv").write_text(PAIRS)
    return ("--eval", "q.txt", "--eval", "p.tsv")


def events(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_each_epoch_tells_its_losses_and_scores(w2v, corpus, tests, tmp_path):
    done = w2v("train", corpus, "-o", "v.bin", *FAST, "-e", "3", "--held-out", "5%", *tests, "--log", "run.jsonl")
    assert done.returncode == 0, done.err
    lines = [line for line in done.err.splitlines() if " of 3: " in line]
    for epoch, line in enumerate(lines, 1):
        losses = r"loss 0\.\d{4}, held-out loss 0\.\d{4}, q\.txt [01]\.\d{4}, p\.tsv -?[01]\.\d{4}"
        assert re.fullmatch(rf"w2v: epoch {epoch} of 3: {losses}", line), line
    log = events(tmp_path / "run.jsonl")
    assert [e["event"] for e in log if e["event"] != "progress"] == ["start", *(["epoch", "eval"] * 3), "end"]
    last = w2v("evaluate", "v.bin", "p.tsv", "--json")
    assert log[-2]["scores"]["p.tsv"] == pytest.approx(json.loads(last.out)["spearman"], abs=1e-6)
    kept, held = number(done.err, "tokens kept"), number(done.err, "held out of training")
    assert 0.03 * kept < held < 0.07 * kept
    assert 3 * (kept - held) == number(done.err, "epochs")
    assert f"loss by epoch: {' '.join(format(e['loss'], '.4f') for e in log if e['event'] == 'epoch')}" in done.err


def test_with_one_thread_the_observers_change_no_byte(w2v, corpus, tests, tmp_path):
    settings = (*FAST, "-e", "3", "--held-out", "5%", "-q")
    assert w2v("train", corpus, "-o", "a.bin", *settings).returncode == 0
    done = w2v("train", corpus, "-o", "b.bin", *settings, *tests, "--log", "l", "--eval-every", "7%")
    assert (done.returncode, done.err) == (0, "")
    assert (tmp_path / "a.bin").read_bytes() == (tmp_path / "b.bin").read_bytes()
    assert len([e for e in events(tmp_path / "l") if e["event"] == "eval"]) == 15


@needs_proc
def test_the_log_of_a_run_that_is_stopped_and_resumed_is_that_of_one_run(start_and_stop, w2v, corpus, tests, tmp_path):
    settings = ("--dim", "30", "--threads", "1", "-e", "40", "-q", "--held-out", "5%", *tests, "--log", "log")
    assert w2v("train", corpus, "-o", "whole.bin", *settings).returncode == 0
    whole = events(tmp_path / "log")
    (tmp_path / "log").unlink()
    process = start_and_stop("train", corpus, "-o", "v.bin", *settings)
    process.kill()
    process.communicate(timeout=LATEST_S)
    assert w2v("train", corpus, "-o", "v.bin", *settings, "--resume").returncode == 0
    assert (tmp_path / "v.bin").read_bytes() == (tmp_path / "whole.bin").read_bytes()
    told = [
        [{k: v for k, v in e.items() if k not in ("time", "words_per_s")} for e in log if e["event"] != "progress"]
        for log in (whole, events(tmp_path / "log"))
    ]
    assert told[0] == told[1]


def test_an_epoch_in_which_nothing_was_trained_shows_no_loss(w2v, tmp_path):
    (tmp_path / "few.txt").write_text("a b c d e f\nb a\n")
    (tmp_path / "p.tsv").write_text("a\tb\t1\na\tc\t2\nb\tc\t3\n")
    settings = ("--min-count", "1", "--sample", "0.003", "--epochs", "8", "--threads", "1", "--seed", "1")
    done = w2v("train", "few.txt", "-o", "v.bin", *settings, "--eval", "p.tsv", "--log", "log")
    assert done.returncode == 0, done.err
    assert "w2v: loss by epoch: 0.6931 - - - - - - -\n" in done.err
    assert "w2v: epoch 2 of 8: loss -, p.tsv " in done.err
    assert re.search(r"warning: nothing was trained in 7 epochs of 8: .*--sample 0 or a smaller --min-c", done.err)
    drawn = w2v("curve", "log", "-o", "c.svg")
    assert drawn.returncode == 0, drawn.err


def test_stopping_early_ends_the_run_and_writes_the_best_epoch(w2v, corpus, tmp_path):
    settings = ("--dim", "8", "--threads", "1", "--lr", "0.3", "--held-out", "10%")
    done = w2v("train", corpus, "-o", "v.bin", *settings, "-e", "200", "--stop-early")
    assert done.returncode == 0, done.err
    best = int(re.search(r"the vectors are those of epoch (\d+)", done.err)[1])
    assert f"stopped early: the held-out loss has not fallen since epoch {best}" in done.err
    assert re.search(rf"tokens in {best + 1} epochs", done.err)


def test_what_cannot_be_asked_is_said_before_the_training(w2v, corpus, tmp_path):
    (tmp_path / "none.tsv").write_text("zebra\tunicorn\t3\n")
    done = w2v("train", corpus, "-o", "v.bin", *FAST, "--eval", "none.tsv", "-e", "1000000")
    assert done.returncode == 1
    first = "(the first: 'zebra', 'unicorn')"
    assert done.err.startswith(f"w2v: error: none.tsv: none of its 1 pairs {first} has both words among the ")
    done = w2v("train", "missing.txt", "-o", "v.bin", "--eval", "gone.tsv")
    assert done.returncode == 1
    assert done.err.startswith("w2v: error: gone.tsv: No such file")


@pytest.mark.parametrize(
    ("options", "code", "named"),
    [
        (("--stop-early",), 2, "--stop-early: goes by the loss of text that is held out; add --held-out 1%"),
        (("--held-out", "much"), 2, "'much' is not a share"),
        (("--held-out", "200%"), 2, "--held-out: must be between 0% and 100% (got 200%)"),
        (("--held-out", "-1%"), 2, "--held-out: must be between 0% and 100% (got -1%)"),
        (("--held-out", "5"), 2, "--held-out: 5 is more than all of it; write 5% or 0.05"),
        (("--checkpoint-every", "5"), 2, "'5' is not a length of time; write 30s, 10m, 2h or 0"),
        (("--sync-every", "0"), 2, "--sync-every: more than 0 is needed, such as 1s"),
        (("--sync-every", "1"), 2, "'1' is not a length of time; write 1s, 10m or 2h"),
        (("--eval-every", "10m"), 2, "--eval-every: '10m' is none of"),
        (("--log", "-"), 2, "only OUT can be standard output"),
        (("--log", "v.bin"), 2, "v.bin: given twice as an output"),
        (("--log", "no/log"), 1, "does not exist"),
        (("--eval", "-"), 2, "--eval: give a file"),
        (("--combine", "add", "--loss", "hs"), 2, "--combine: --loss hs has no context vectors"),
    ],
)
def test_wrong_options_are_found_before_the_corpus_is_read(w2v, options, code, named):
    done = w2v("train", "missing.txt", "-o", "v.bin", *options)
    assert done.returncode == code, done.err
    assert named in done.err
    assert len(done.err.splitlines()) == 1


def test_combined_vectors_are_sums_or_pairs_and_unit_makes_them_of_length_1(w2v, corpus, tmp_path):
    def trained(*options):
        assert w2v("train", corpus, "-o", "v.bin", *FAST, "-q", *options).returncode == 0
        return load(tmp_path / "v.bin")

    plain = trained("--save-context", "c.bin")
    context = load(tmp_path / "c.bin")
    added, joined = trained("--combine", "add"), trained("--combine", "concat")
    assert np.array_equal(added.matrix, plain.matrix + context.matrix)
    assert np.array_equal(joined.matrix, np.hstack([plain.matrix, context.matrix]))
    unit = trained("--combine", "add", "--unit")
    assert np.allclose(unit.norms, 1, atol=1e-6)
    assert np.allclose(unit.matrix * added.norms[:, None], added.matrix, atol=1e-6)
    assert unit.words == plain.words
