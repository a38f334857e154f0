"""Signals at any moment: the right exit code, soon, and no file left behind."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

ENDLESS = ("--dim", "50", "--epochs", "1000000", "--threads", "2")
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
LATEST_S = 30  # far above the 2 s that are promised: a busy machine is not a failure


def wait_until_it_trains(process, log) -> None:
    """Until the process has told of the first epochs of its training."""
    for _ in range(600):
        if process.poll() is not None:
            raise AssertionError(process.stderr.read().decode())
        if log.exists() and log.stat().st_size:
            return
        time.sleep(0.05)
    raise AssertionError("nothing was logged")


@pytest.fixture
def log(tmp_path_factory):
    return tmp_path_factory.mktemp("log") / "log.jsonl"


@pytest.mark.parametrize("number", CODES, ids=lambda n: n.name)
def test_a_signal_during_training_ends_it_and_leaves_a_checkpoint(start, corpus, tmp_path, log, number):
    process = start("train", corpus, "-o", "v.bin", "--log", log, *ENDLESS)
    wait_until_it_trains(process, log)
    process.send_signal(number)
    out, err = process.communicate(timeout=LATEST_S)
    assert process.returncode == CODES[number]
    assert out == b""
    lines = err.decode().splitlines()
    assert lines[-1] in ("w2v: interrupted", "w2v: stopped by a signal")
    assert lines[-2].endswith(" --resume")
    assert b"Traceback" not in err
    assert os.listdir(tmp_path) == ["v.bin.checkpoint"]


@pytest.mark.parametrize("number", CODES, ids=lambda n: n.name)
def test_a_signal_while_a_pipe_is_read_ends_it(start, tmp_path, number):
    process = start("train", "-", "-o", "v.bin")
    line = b"a few words that come again and again\n" * 100
    for _ in range(200):
        process.stdin.write(line)
    time.sleep(0.5)
    process.send_signal(number)
    out, err = process.communicate(timeout=LATEST_S)
    assert process.returncode == CODES[number]
    assert out == b""
    assert b"Traceback" not in err
    assert os.listdir(tmp_path) == []


def test_an_output_that_exists_stays_when_training_is_interrupted(start, corpus, tmp_path, log):
    (tmp_path / "v.bin").write_bytes(b"keep")
    process = start("train", corpus, "-o", "v.bin", "--log", log, *ENDLESS)
    wait_until_it_trains(process, log)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=LATEST_S)
    assert process.returncode == 130
    assert (tmp_path / "v.bin").read_bytes() == b"keep"


def test_a_signal_while_similar_waits_for_a_line_ends_it(start, vectors):
    process = start("similar", vectors)
    process.stdin.write(b"king\n")
    assert process.stdout.readline().startswith(b"king\t1\t")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=LATEST_S)
    assert process.returncode == 143


def test_a_job_in_the_background_ignores_ctrl_c_when_told_to(start, vectors):
    process = start("similar", vectors, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    process.stdin.write(b"king\n")
    assert process.stdout.readline().startswith(b"king\t1\t")
    process.send_signal(signal.SIGINT)
    watchdog = threading.Timer(LATEST_S, process.kill)
    watchdog.start()
    process.stdin.write(b"queen\n")
    lines = [process.stdout.readline() for _ in range(10)]
    watchdog.cancel()
    assert lines[-1].startswith(b"queen\t1\t")
    process.stdin.close()
    assert process.wait(LATEST_S) == 0
