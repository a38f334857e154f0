"""Signals at any moment: the right exit code, soon, and no file left behind."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from .conftest import needs_proc, wait_for, wait_until_it_sleeps, wait_until_it_trains

ENDLESS = ("--dim", "50", "--epochs", "1000000", "--threads", "2")
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
LATEST_S = 30  # far above the 2 s that are promised: a busy machine is not a failure


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


@needs_proc
@pytest.mark.parametrize("number", CODES, ids=lambda n: n.name)
def test_a_signal_while_a_pipe_is_read_ends_it(start, tmp_path, number):
    process = start("train", "-", "-o", "v.bin")
    line = b"a few words that come again and again\n" * 100
    for _ in range(200):
        process.stdin.write(line)
    # It has its output's temporary file, and waits for more text.
    wait_for(process, lambda: (tmp_path / ".v.bin.w2v-part").exists())
    wait_until_it_sleeps(process)
    process.send_signal(number)
    out, err = process.communicate(timeout=LATEST_S)
    assert process.returncode == CODES[number]
    assert out == b""
    assert b"Traceback" not in err
    assert os.listdir(tmp_path) == []


def test_ctrl_c_ends_the_reading_of_a_text_that_never_ends(start, tmp_path):
    with subprocess.Popen(["yes", "a b"], stdout=subprocess.PIPE) as endless:
        process = start("train", "-", "-o", "v.bin", stdin=endless.stdout)
        wait_for(process, lambda: (tmp_path / ".v.bin.w2v-part").exists())
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=LATEST_S)
        endless.kill()
    assert process.returncode == 130
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
    out, err = process.communicate(b"queen\n", timeout=LATEST_S)
    assert (process.returncode, err) == (0, b"")
    assert b"\nqueen\t1\t" in out


# Sends the signal when a module is looked for: a moment of the start that no waiting from outside would hit.
SIGNAL_AT = """
import os, sys

class Finder:
    def find_spec(name, path=None, target=None):
        if name == os.environ["SIGNAL_AT"]:
            sys.meta_path.remove(Finder)
            os.kill(os.getpid(), int(os.environ["SIGNAL"]))

sys.meta_path.insert(0, Finder)
"""


@pytest.mark.parametrize("number", CODES, ids=lambda n: n.name)
@pytest.mark.parametrize("module", ["w2v.cli.main", "click", "difflib", "w2v.cli.diff", "numpy", "numpy.linalg"])
def test_a_signal_while_modules_are_imported_ends_it_with_one_line(w2v, vectors, tmp_path, module, number):
    (tmp_path / "sitecustomize.py").write_text(SIGNAL_AT)
    env = {"PYTHONPATH": str(tmp_path), "SIGNAL_AT": module, "SIGNAL": str(int(number))}
    done = w2v("diff", vectors, vectors, env=env)
    assert (done.returncode, done.out) == (CODES[number], "")
    assert done.err == ("w2v: interrupted\n" if number == signal.SIGINT else "w2v: stopped by a signal\n")
