"""From a table of events to neighbours and scores, as processes; a nightly run that goes on."""

from __future__ import annotations

import json
import random
import signal

import pytest

from .conftest import wait_until_it_trains

COLUMNS = ("--session", "user", "--item", "item", "--time", "time")
QUICK = ("--dim", "12", "-t", "1", "--epochs", "3")


@pytest.fixture
def events(tmp_path):
    """Users who stay in one of eight groups of ten items."""
    draw = random.Random(5)
    rows = [(user, 100 + 10 * (user % 8) + draw.randrange(10), draw.randrange(10_000)) for user in range(200)
            for _ in range(8)]  # fmt: skip
    draw.shuffle(rows)
    path = tmp_path / "events.csv"
    path.write_text("user,item,time\n" + "".join(f"{user},{item},{time}\n" for user, item, time in rows))
    return path


def test_a_table_without_a_session_is_an_error_and_writes_nothing(w2v, tmp_path):
    (tmp_path / "events.csv").write_text("user,item\n,a\nu,b\n")
    (tmp_path / "out").write_text("old")
    done = w2v("sessions", "events.csv", *COLUMNS[:4], "-o", "out")
    assert (done.returncode, (tmp_path / "out").read_text()) == (1, "old")
    why = "rows left out: 1 of sessions shorter than 2, 1 without a session"
    assert done.err == f"w2v: error: events.csv: no session in 2 rows ({why})\n"


def test_a_table_becomes_lines_scores_and_neighbours(w2v, events, tmp_path):
    done = w2v("sessions", "events.csv", *COLUMNS, "-o", "train.txt", "--last-out", "heldout.txt")
    assert done.returncode == 0, done.err
    assert "1,600 rows: 200 sessions of" in done.err
    lines = (tmp_path / "train.txt").read_text().splitlines()
    whole = (tmp_path / "heldout.txt").read_text().splitlines()
    assert len(lines) == len(whole) == 200
    assert all(line == session.rpartition(" ")[0] for line, session in zip(lines, whole, strict=True))
    assert w2v("sessions", "-", *COLUMNS, input=events.read_bytes()).out.splitlines() == whole

    trained = w2v(
        "train", "train.txt", "-o", "items.bin", *QUICK, "--preset", "sessions", "--eval", "sessions:heldout.txt"
    )
    assert trained.returncode == 0, trained.err
    assert "preset sessions: --min-count 1 --sample 0 --window 50 --ns-exponent -0.5" in trained.err
    scores = w2v("evaluate", "items.bin", "--sessions", "heldout.txt", "-k", "9")
    table = {row[1]: row for row in (line.split("\t") for line in scores.out.splitlines())}
    assert list(table) == ["section", "hr@9", "ndcg@9", "mrr@9", "catalogue", "coverage"]
    assert float(table["hr@9"][2]) > 0.4  # one of ten of a group; by chance 0.1
    in_json = json.loads(w2v("evaluate", "items.bin", "--sessions", "heldout.txt", "-k", "9", "--json").out)
    assert f"{in_json['hr']:.6f}" == table["hr@9"][2]
    assert w2v("evaluate", "items.bin").returncode == 2


def test_training_on_a_table_is_training_on_its_lines(w2v, events, tmp_path):
    assert w2v("sessions", "events.csv", *COLUMNS, "-o", "lines.txt", "-q").err == ""
    for corpus, out in ((("lines.txt",), "a.bin"), (("events.csv", *COLUMNS), "b.bin")):
        done = w2v("train", *corpus, "-o", out, *QUICK, "--preset", "sessions")
        assert done.returncode == 0, done.err
    assert (tmp_path / "a.bin").read_bytes() == (tmp_path / "b.bin").read_bytes()
    assert "tokens read (" in done.err
    assert "1 file;" in done.err


def test_a_table_given_as_a_text_is_recognised(w2v, events):
    done = w2v("train", "events.csv", "-o", "x.bin")
    assert "looks like comma-separated values (3 columns: user, item, time)" in done.err
    assert "if its rows are events, train with --session COLUMN --item COLUMN" in done.err
    assert "--item: name the column" in w2v("train", "events.csv", "--session", "user", "-o", "x.bin").err


def test_a_run_that_goes_on_every_night_replaces_vectors_and_checkpoint(w2v, events, tmp_path):
    night = ("train", "events.csv", *COLUMNS, "-o", "items.bin", *QUICK, "--min-count", "1", "--continue", "-q")
    first = w2v(*night)
    assert first.err == "w2v: items.bin.checkpoint does not exist: starting from the beginning\n"
    before = (tmp_path / "items.bin").read_bytes()
    second = w2v(*night)
    assert (second.returncode, second.err) == (0, "")
    assert (tmp_path / "items.bin").read_bytes() != before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["events.csv", "items.bin", "items.bin.checkpoint"]


def test_a_night_that_ended_between_its_two_files_is_put_right(w2v, events, tmp_path):
    night = ("train", "events.csv", *COLUMNS, "-o", "items.bin", *QUICK, "--min-count", "1", "--continue", "-q")
    assert w2v(*night).returncode == 0
    kept, following = tmp_path / "items.bin.checkpoint", tmp_path / "items.bin.checkpoint.next"
    old = kept.read_bytes()
    assert w2v(*night).returncode == 0
    second = kept.read_bytes()
    assert w2v(*night).returncode == 0
    wanted = (tmp_path / "items.bin").read_bytes()
    kept.write_bytes(old)  # as a power cut behind the second night's checkpoint would leave it
    following.write_bytes(second)
    assert w2v(*night).returncode == 0
    assert (tmp_path / "items.bin").read_bytes() == wanted
    assert not following.exists()


def test_a_night_that_was_stopped_is_replaced_by_the_next(w2v, start, events, tmp_path):
    night = ("train", "events.csv", *COLUMNS, "-o", "items.bin", *QUICK, "--min-count", "1", "--continue")
    assert w2v(*night, "-q").returncode == 0
    before = (tmp_path / "items.bin").read_bytes()
    process = start(*night, "--epochs", "100000", "--log", "run.jsonl")
    wait_until_it_trains(process, tmp_path / "run.jsonl")
    process.send_signal(signal.SIGINT)
    assert b"--continue --epochs 100000 --log run.jsonl --resume" in process.communicate()[1]
    assert (tmp_path / "items.bin").read_bytes() == before
    done = w2v(*night)
    assert done.returncode == 0, done.err
    assert "items.bin.checkpoint.next: a run that did not end has left this; this run replaces it" in done.err
    assert sorted(p.name for p in tmp_path.glob("items*")) == ["items.bin", "items.bin.checkpoint"]


def test_vectors_without_their_checkpoint_are_not_trained_over(w2v, events, tmp_path):
    assert w2v("train", "events.csv", *COLUMNS, "-o", "items.bin", *QUICK, "-q").returncode == 0
    before = (tmp_path / "items.bin").read_bytes()
    done = w2v("train", "events.csv", *COLUMNS, "-o", "items.bin", *QUICK, "--continue")
    assert done.returncode == 1
    assert done.err == (
        "w2v: error: items.bin.checkpoint: not found, so the training of items.bin cannot be continued; remove "
        "items.bin to begin from the start, or go on from its vectors in another file, once with --init items.bin "
        "--keep-checkpoint in place of --continue\n"
    )
    assert (tmp_path / "items.bin").read_bytes() == before
    said = ("--init", "items.bin", "--keep-checkpoint")
    night = ("train", "events.csv", *COLUMNS, "-o", "other.bin", *QUICK, "-q")
    for more in (said, ("--continue",)):  # what was said helps
        done = w2v(*night, *more)
        assert (done.returncode, done.err) == (0, "")


def test_a_night_on_a_cluster_is_refused_in_one_line(w2v, events, tmp_path):
    (tmp_path / "lines.txt").write_text("100 101\n")
    done = w2v("train", "lines.txt", "-o", "items.bin", "--continue", "--cluster", "auto")
    assert done.returncode == 2
    assert done.err == "w2v: error: --continue: not with --cluster yet; train on one machine for that\n"
