"""What people see: progress bars and the prompt, through a pseudo-terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import pytest

TIMEOUT_S = 60


class Screen:
    """The other end of a terminal."""

    def __init__(self, columns: int = 110):
        self.end, self.process_end = pty.openpty()
        fcntl.ioctl(self.end, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        self.seen = b""

    def read_until(self, pattern: bytes) -> bytes:
        """Everything up to the first match after what was read before."""
        limit = time.monotonic() + TIMEOUT_S
        while not (found := re.search(pattern, self.seen)):
            assert time.monotonic() < limit, (pattern, self.seen)
            if not select.select([self.end], [], [], 1)[0]:
                continue
            try:
                self.seen += os.read(self.end, 65536)
            except OSError:  # the process has gone
                raise AssertionError((pattern, self.seen)) from None
        text, self.seen = self.seen[: found.end()], self.seen[found.end() :]
        return text

    def rest(self) -> bytes:
        while select.select([self.end], [], [], 0.2)[0]:
            try:
                block = os.read(self.end, 65536)
            except OSError:
                break
            if not block:
                break
            self.seen += block
        return self.seen

    def type(self, text: str) -> None:
        os.write(self.end, text.encode())


@pytest.fixture
def screen():
    made = Screen()
    yield made
    os.close(made.end)
    os.close(made.process_end)


def test_training_shows_bars_with_speed_learning_rate_and_loss(start, corpus, screen):
    process = start("train", corpus, "-o", "v.bin", "--epochs", "1000000", "--dim", "300", stderr=screen.process_end)
    screen.read_until(rb"training +\d+%")
    screen.read_until(rb"words/s, lr 0\.\d+, loss \d\.\d+, .* left")
    process.send_signal(signal.SIGINT)
    assert process.wait(TIMEOUT_S) == 130
    assert b"w2v: interrupted" in screen.rest()
    assert process.stdout.read() == b""


BARS = """
from types import SimpleNamespace
from w2v.cli.progress import Bars
with Bars() as bars:
    bars.training(SimpleNamespace(tokens_done=9, tokens_total=20, words_per_s=5.0, lr=0.02, loss=0.5))
    if {fails}:
        raise SystemExit
"""


@pytest.mark.parametrize("fails", [False, True])
def test_a_bar_ends_full_only_when_the_work_was_done(screen, fails, tmp_path):
    program = [sys.executable, "-c", BARS.format(fails=fails)]
    subprocess.run(program, stderr=screen.process_end, cwd=tmp_path, check=True)
    text = screen.rest()
    assert b"training  45%" in text or not fails
    assert (b"training 100%" in text) == (not fails)


def test_a_terminal_without_a_width_shows_bars_too(start, corpus):
    screen = Screen(columns=0)
    process = start("train", corpus, "-o", "v.bin", "--epochs", "3", stderr=screen.process_end)
    screen.read_until(rb"reading: 100%")
    assert process.wait(TIMEOUT_S) == 0


def test_quiet_shows_no_bar_on_a_terminal(start, corpus, screen):
    process = start("train", corpus, "-o", "v.bin", "--epochs", "1", "-q", stderr=screen.process_end)
    assert process.wait(TIMEOUT_S) == 0
    assert screen.rest() == b""


def test_vectors_are_not_written_to_a_terminal(start, corpus, screen):
    process = start("train", corpus, "-o", "-", stdout=screen.process_end)
    _, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 2
    assert b"standard output is a terminal" in err


def test_the_prompt_answers_line_by_line_and_ends_at_end_of_input(start, vectors, screen, tmp_path):
    ends = dict.fromkeys(("stdin", "stdout", "stderr"), screen.process_end)
    env = {"XDG_STATE_HOME": str(tmp_path), "TERM": "xterm"}
    process = start("similar", vectors, "-k", "2", env=env, **ends)
    screen.read_until(rb"similar> ")
    screen.type("king\n")
    screen.read_until(rb"king\t1\t.*\r\nking\t2\t.*\r\n")
    screen.read_until(rb"similar> ")
    screen.type("kong\n")
    screen.read_until(rb'"kong" is not in the vocabulary')
    screen.read_until(rb"similar> ")
    screen.type("\x04")
    assert process.wait(TIMEOUT_S) == 0
    pytest.importorskip("readline")
    assert (tmp_path / "w2v" / "history").read_text().split() == ["king", "kong"]


def test_rows_that_are_redirected_hold_no_prompt(start, vectors, screen):
    process = start("similar", vectors, "-k", "1", stdin=screen.process_end, stderr=screen.process_end)
    screen.read_until(rb"similar> ")
    screen.type("king\n")
    assert process.stdout.readline().startswith(b"king\t1\t")
    screen.type("\x04")
    assert process.wait(TIMEOUT_S) == 0
    assert process.stdout.read() == b""


def test_ctrl_c_at_the_prompt_ends_with_130(start, vectors, screen):
    process = start("similar", vectors, stdin=screen.process_end, stdout=screen.process_end, stderr=subprocess.PIPE)
    screen.read_until(rb"similar> ")
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 130
    assert b"Traceback" not in err
