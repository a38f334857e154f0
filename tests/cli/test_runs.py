"""A run cannot be lost: stopped, killed, out of disk or memory, diverged, started twice (docs/faults.md, "Runs")."""

from __future__ import annotations

import os
import random
import re
import resource
import signal
from pathlib import Path

import pytest

from w2v.training.checkpoint import Checkpoint

from .conftest import LONG, PLAIN, go_on, needs_proc, wait_for, wait_until_it_trains

LATEST_S = 60  # far above what is promised: a busy machine is not a failure
ENDLESS = (*PLAIN, "--epochs", "1000000")


def one_line(done) -> bool:
    return bool(re.fullmatch(r"w2v: error: [^\n]+\n", done.err))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_a_run_stopped_by_a_signal_says_how_to_go_on_and_ends_with_the_same_bytes(
    start_and_stop, w2v, corpus, whole, tmp_path, number
):
    process = start_and_stop("train", corpus, "-o", "v.bin", *LONG)
    _, err = go_on(process, number)
    assert process.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}[number], err
    lines = err.decode().splitlines()
    assert re.fullmatch(r"w2v: stopped after \d+ %; v\.bin\.checkpoint holds the run\. To continue:", lines[0])
    command = lines[1].removeprefix("w2v: ").strip()
    assert command.startswith("w2v train ")
    assert command.endswith(" --resume")
    import shlex

    done = w2v(*shlex.split(command)[1:])  # as it was told, to the letter
    assert done.returncode == 0, done.err
    assert (tmp_path / "v.bin").read_bytes() == whole
    assert os.listdir(tmp_path) == ["v.bin"]


def test_a_second_signal_quits_at_once(start_and_stop, corpus, tmp_path):
    process = start_and_stop("train", corpus, "-o", "v.bin", *ENDLESS)
    _, err = go_on(process, signal.SIGINT, signal.SIGTERM)
    assert (process.returncode, err) == (143, b"")
    assert os.listdir(tmp_path) == ["v.bin.checkpoint"]  # nothing unfinished


def test_a_short_run_that_is_stopped_is_saved_too(start, corpus, tmp_path, log):
    process = start("train", corpus, "-o", "v.bin", "--log", log, *ENDLESS)
    wait_until_it_trains(process, log)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=LATEST_S)
    assert process.returncode == 130
    assert os.listdir(tmp_path) == ["v.bin.checkpoint"]


def test_resume_without_a_checkpoint_begins_from_the_start(w2v, corpus, tmp_path):
    first = w2v("train", corpus, "-o", "v.bin", *PLAIN, "--resume")
    assert first.returncode == 0, first.err
    assert first.err == "w2v: v.bin.checkpoint does not exist: starting from the beginning\n"
    assert w2v("train", corpus, "-o", "w.bin", *PLAIN).returncode == 0
    assert (tmp_path / "v.bin").read_bytes() == (tmp_path / "w.bin").read_bytes()


@pytest.fixture
def stopped(start, corpus, tmp_path) -> Path:
    """The checkpoint of an endless run."""
    process = start("train", corpus, "-o", "v.bin", *ENDLESS, "--checkpoint-every", "0.05s")
    wait_for(process, lambda: (tmp_path / "v.bin.checkpoint").exists())
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=LATEST_S)
    return tmp_path / "v.bin.checkpoint"


def test_a_checkpoint_that_is_there_is_never_overwritten_by_a_run_that_does_not_resume(w2v, corpus, stopped):
    before = stopped.read_bytes()
    done = w2v("train", corpus, "-o", "v.bin", *PLAIN)
    assert done.returncode == 1
    assert "add --resume to continue from it" in done.err
    assert stopped.read_bytes() == before


def test_resume_with_other_settings_or_another_corpus_is_refused_naming_what_differs(w2v, corpus, stopped, tmp_path):
    before = stopped.read_bytes()
    other = tmp_path / "other.txt"
    other.write_text(corpus.read_text(encoding="utf-8") + "king queen\n", encoding="utf-8")
    for place, more, named in (
        (corpus, ("--dim", "31"), "--dim was 30, is 31"),
        (corpus, ("--min-count", "4"), "--min-count was 5, is 4"),
        (other, (), "another corpus"),
    ):
        done = w2v("train", place, "-o", "v.bin", *ENDLESS, *more, "--resume")
        assert done.returncode == 1
        assert one_line(done), done.err
        assert named in done.err
    assert stopped.read_bytes() == before


def test_a_file_that_is_no_checkpoint_is_refused(w2v, corpus, tmp_path):
    (tmp_path / "text").write_text("no checkpoint\n" * 100)
    done = w2v("train", corpus, "-o", "v.bin", *PLAIN, "--resume=text")
    assert (done.returncode, one_line(done)) == (1, True), done.err
    done = w2v("train", corpus, "-o", "v.bin", *PLAIN, "--resume=missing")
    assert (done.returncode, done.err) == (1, "w2v: error: missing: No such file or directory\n")


def test_a_second_run_to_the_same_output_is_refused_while_the_first_runs(start, w2v, corpus, tmp_path, log):
    process = start("train", corpus, "-o", "v.bin", "--log", log, *ENDLESS)
    wait_until_it_trains(process, log)
    for more in (("-o", "v.bin"), ("-o", "other.bin", "--log", log), ("-o", "other.bin", "--save-vocab", log)):
        done = w2v("train", corpus, *more, *PLAIN)
        assert done.returncode == 1
        assert ": another process is writing it" in done.err
        assert str(more[-1]) in done.err
    process.kill()
    process.wait()
    done = w2v("train", corpus, "-o", "v.bin", *PLAIN)  # what a killed run left never blocks
    assert done.returncode == 0, done.err
    assert os.listdir(tmp_path) == ["v.bin"]


def test_divergence_ends_the_run_naming_the_learning_rate_and_writes_nothing(w2v, corpus, tmp_path):
    (tmp_path / "v.bin").write_bytes(b"old")
    done = w2v("train", corpus, "-o", "v.bin", "--lr", "10", "-q", "--threads", "1", "--epochs", "100")
    assert done.returncode == 1
    assert one_line(done), done.err
    assert "diverged" in done.err
    assert "learning rate 10 in epoch 1; try --lr 5" in done.err
    assert (tmp_path / "v.bin").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["v.bin"]


def limited(number: int, size: int):
    return lambda: resource.setrlimit(number, (size, size))


def test_a_final_write_that_fails_keeps_the_vectors_in_the_checkpoint(w2v, corpus, tmp_path):
    """Text is longer than the two matrices of a checkpoint, so that a limit between the two lets only one pass."""
    wide = ("--dim", "200", "--threads", "1", "-q")
    assert w2v("train", corpus, "-o", "good.txt", *wide).returncode == 0
    good = (tmp_path / "good.txt").read_bytes()
    (tmp_path / "v.txt").write_bytes(b"old")
    size = len(good) - 5000
    done = w2v("train", corpus, "-o", "v.txt", *wide, preexec_fn=limited(resource.RLIMIT_FSIZE, size))
    assert done.returncode == 1
    assert one_line(done), done.err
    assert "v.txt: File too large; the trained vectors are kept in v.txt.checkpoint" in done.err
    assert (tmp_path / "v.txt").read_bytes() == b"old"
    assert (tmp_path / "v.txt.checkpoint").stat().st_size < size
    done = w2v("train", corpus, "-o", "v.txt", *wide, "--resume")
    assert done.returncode == 0, done.err
    assert (tmp_path / "v.txt").read_bytes() == good
    assert sorted(os.listdir(tmp_path)) == ["good.txt", "v.txt"]


def test_the_disk_space_of_a_binary_file_is_taken_before_the_training(w2v, corpus, tmp_path):
    done = w2v(
        "train",
        corpus,
        "-o",
        "v.bin",
        *ENDLESS,
        "--dim",
        "3000",
        preexec_fn=limited(resource.RLIMIT_FSIZE, 100_000),
    )
    assert done.returncode == 1
    assert one_line(done), done.err
    assert re.search(r"v\.bin: File too large: [\d,]+ bytes are needed, and a limit \(ulimit -f", done.err)
    assert os.listdir(tmp_path) == []


def test_a_full_device_keeps_the_vectors_in_the_checkpoint_that_was_asked_for(w2v, corpus, tmp_path):
    done = w2v("train", corpus, "-o", "/dev/full", "--format", "bin", "--checkpoint", "c", *PLAIN)
    assert done.returncode == 1
    assert "/dev/full: No space left on device; the trained vectors are kept in c" in done.err
    with Checkpoint(tmp_path / "c") as checkpoint:
        assert checkpoint.state["seconds"] > 0.001  # a run that goes on from here has its time and speed
    done = w2v("train", corpus, "-o", "v.bin", "--checkpoint", "c", *PLAIN, "--resume")
    assert done.returncode == 0, done.err
    assert os.listdir(tmp_path) == ["v.bin"]


def test_more_memory_than_there_is_is_refused_at_the_start_with_the_numbers_and_a_way_out(w2v, tmp_path):
    draw = random.Random(1)
    words = [f"w{i}" for i in range(20_000)]
    draw.shuffle(words)
    (tmp_path / "many.txt").write_text("\n".join(" ".join(words[i : i + 20]) for i in range(0, len(words), 20)))
    with open(tmp_path / "many.txt", "a") as file:
        file.write("\n" + " ".join(words[:20]))
    big = ("many.txt", "-o", "v.bin", "--min-count", "1", "--dim", "60000", "--threads", "1", "-q")
    limit = limited(resource.RLIMIT_AS, 6 << 30)
    done = w2v("train", *big, preexec_fn=limit)
    assert done.returncode == 1
    assert one_line(done), done.err
    numbers = r"20,000 words x 60000 take 9\.6\d* GB \(.*ulimit -v.*try --dim (\d+) or --max-vocab (\d+)"
    found = re.search(numbers, done.err)
    assert found, done.err
    assert int(found[1]) * 20_000 * 8 < 6 << 30
    assert sorted(os.listdir(tmp_path)) == ["many.txt"]
    done = w2v("train", *big, "--max-vocab", "20", "--sample", "0", "--epochs", "1", preexec_fn=limit)
    assert done.returncode == 0, done.err


def test_a_vocabulary_that_is_given_is_measured_before_the_corpus_is_read(w2v, tmp_path):
    (tmp_path / "vocab.tsv").write_text("".join(f"w{i}\t9\n" for i in range(20_000)))
    (tmp_path / "text").write_text("w1 w2\n")
    os.mkfifo(tmp_path / "never")
    done = w2v(
        "train",
        "never",
        "-o",
        "v.bin",
        "--read-vocab",
        "vocab.tsv",
        "--dim",
        "60000",
        "-q",
        preexec_fn=limited(resource.RLIMIT_AS, 6 << 30),
    )
    assert done.returncode == 1
    assert "not enough memory" in done.err


@pytest.mark.parametrize("link", [os.link, os.symlink], ids=["hard", "symbolic"])
def test_an_output_that_is_the_corpus_by_another_name_is_refused(w2v, corpus, tmp_path, link):
    (tmp_path / "text.bin").write_bytes(corpus.read_bytes())
    link(tmp_path / "text.bin", tmp_path / "v.bin")
    done = w2v("train", "text.bin", "-o", "v.bin", *PLAIN)
    assert done.returncode == 2
    assert "is an input too" in done.err


@pytest.mark.parametrize("more", [("--save-vocab", "./v.bin"), ("--save-context", "v.bin"), ("--checkpoint", "v.bin")])
def test_one_file_for_two_outputs_is_refused(w2v, corpus, more):
    done = w2v("train", corpus, "-o", "v.bin", *PLAIN, *more)
    assert done.returncode == 2
    assert "given twice as an output" in done.err


@pytest.mark.parametrize("text", ["10", "x", "-1s", "1e9s", "10 m 5", "nan"])
def test_a_length_of_time_is_checked(w2v, text):
    done = w2v("train", "x", "-o", "v.bin", f"--checkpoint-every={text}")
    assert done.returncode == 2
    assert "write 30s, 10m, 2h or 0" in done.err


# --- the place of a checkpoint ---


@pytest.mark.parametrize(
    "option",
    [
        "-o",
        "--report",
        "--log",
        "--save-vocab",
        "--save-context",
        "--checkpoint",
        "--read-vocab",
        "--init",
        "--continue",
    ],
)
def test_an_empty_name_is_a_usage_error_before_any_work(w2v, option, tmp_path):
    done = w2v("train", "missing.txt", *(() if option == "-o" else ("-o", "v.bin")), option, "")
    assert done.returncode == 2
    assert ": the name is empty; give a file" in done.err
    assert option in done.err
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("option", ["-output", "-save-vocab", "-read-vocab"])
def test_an_empty_name_for_the_original_program_is_a_usage_error_too(w2v, option, tmp_path):
    done = w2v(
        "word2vec",
        "-train",
        "missing.txt",
        *(() if option == "-output" else ("-output", "v")),
        option,
        "",
        "-debug",
        "0",
    )
    assert done.returncode == 2
    assert done.err.startswith(f"w2v: error: {option}: the name is empty; give a file")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("more", [(), ("--resume",)], ids=["", "resume"])
def test_a_checkpoint_that_is_a_pipe_or_a_device_is_refused_at_once(w2v, corpus, tmp_path, more):
    os.mkfifo(tmp_path / "pipe")
    for place in ("/dev/null", "pipe", "/dev/stdout", "/dev/fd/1"):
        done = w2v("train", corpus, "-o", "v.bin", *PLAIN, "--checkpoint", place, *more)
        assert done.returncode == 2, done.err
        assert done.err == f"w2v: error: --checkpoint: {place} is a pipe or a device; give the name of a file\n"
    for option in ("--resume=pipe", "--continue=pipe"):
        done = w2v("train", corpus, "-o", "v.bin", *PLAIN, option)
        assert done.returncode == 1
        assert "pipe: is a pipe or a device; give the file that a run of w2v left" in done.err
    assert os.listdir(tmp_path) == ["pipe"]


def test_a_checkpoint_that_is_a_symbolic_link_stays_one(start_and_stop, w2v, corpus, whole, tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "v.bin.checkpoint").symlink_to(tmp_path / "far" / "far.checkpoint")
    process = start_and_stop("train", corpus, "-o", "v.bin", *LONG)
    go_on(process, signal.SIGINT)
    assert process.returncode == 130
    assert os.listdir(tmp_path / "far") == ["far.checkpoint"]
    assert os.readlink(tmp_path / "v.bin.checkpoint") == str(tmp_path / "far" / "far.checkpoint")
    done = w2v("train", corpus, "-o", "v.bin", *LONG, "--resume")
    assert done.returncode == 0, done.err
    assert (tmp_path / "v.bin").read_bytes() == whole
    assert (tmp_path / "v.bin.checkpoint").is_symlink()
    assert os.listdir(tmp_path / "far") == []
    done = w2v("train", corpus, "-o", "v.bin", *PLAIN)  # a link that leads nowhere is no run that did not end
    assert done.returncode == 0, done.err


@needs_proc
@pytest.mark.parametrize("more", [(), ("--resume",)], ids=["", "resume"])
def test_a_checkpoint_that_a_running_training_keeps_is_not_taken_by_another(start, w2v, corpus, tmp_path, more):
    process = start("train", corpus, "-o", "v.bin", *ENDLESS, "--checkpoint", "c", "--checkpoint-every", "0.05s")
    wait_for(process, (tmp_path / "c").exists)
    done = w2v("train", corpus, "-o", "w.bin", *PLAIN, "--checkpoint", "c", *more)
    assert done.returncode == 1
    assert "c: another process is writing it, a run that has not ended yet; wait for it to end, or give" in done.err
    assert one_line(done)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=LATEST_S)
    assert os.listdir(tmp_path) == ["c"]
    with Checkpoint(tmp_path / "c") as checkpoint:
        assert checkpoint.epoch >= 0


def test_what_a_kill_in_the_midst_of_a_checkpoint_left_is_gone_when_the_run_has_ended(w2v, corpus, tmp_path):
    left = tmp_path / ".v.bin.checkpoint.w2v-part"
    left.write_bytes(b"half a checkpoint")
    done = w2v("train", corpus, "-o", "v.bin", *PLAIN, "--resume")
    assert done.returncode == 0, done.err
    assert os.listdir(tmp_path) == ["v.bin"]
