"""Constant memory whatever the text looks like; Ctrl-C."""

from __future__ import annotations

import array
import fcntl
import os
import signal
import subprocess
import sys
import termios

import pytest

from ..waiting import wait_until

CHILD = """
import resource, sys
import numpy
from w2v.corpus.reader import read_corpus
from w2v.corpus.config import CorpusConfig
def peak():
    try:  # of this program: on Linux ru_maxrss begins with that of the process that started it
        return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
c = read_corpus([sys.argv[1]], CorpusConfig(min_count=1), threads=2)
print(peak() - before, c.token_counts.read, c.token_counts.too_long, c.token_counts.sentences)
"""


def run(path: str, pieces, repeat: int) -> list[int]:
    """Feed pieces through a pipe or a file; [KiB of memory taken, read, too_long, sentences]."""
    command = [sys.executable, "-c", CHILD, path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/") as child:  # not the checkout
        if path == "-":
            child.stdin.write(b"a b\n")
            for _ in range(repeat):
                child.stdin.write(pieces)
        out, _ = child.communicate()
        assert child.returncode == 0
    return [int(x) for x in out.split()]


def test_huge_token_takes_constant_memory(tmp_path):
    taken, read, too_long, sentences = run("-", b"x" * 2**20, 300)
    assert (read, too_long, sentences) == (3, 1, 1)
    assert taken < 40_000
    path = tmp_path / "t"
    with open(path, "wb") as f:
        f.write(b"a b\n")
        f.truncate(4 + 2**28)
        f.seek(0, 2)
        f.write(b"c")
    taken, read, too_long, sentences = run(str(path), b"", 0)
    assert (read, too_long, sentences) == (3, 0, 2)
    assert taken < 40_000


def test_line_of_hundreds_of_megabytes_takes_four_bytes_a_token():
    taken, read, too_long, sentences = run("-", b"fourteen-bytes " * 2**16, 200)
    tokens = 2**16 * 200
    assert (read, too_long, sentences) == (tokens + 2, 0, 1 + -(-tokens // 10000))
    assert taken < tokens * 4 / 1024 * 1.35 + 40_000


def test_distinct_words_take_little_more_than_a_table_of_each_thread():
    """Of twelve bytes each, with two tokens each; with a Python object for each it was 330 bytes a word."""
    types = 600_000
    taken, read, _, _ = run("-", b"".join(b"word%08d\n" % (i * 7919 % types) for i in range(types)), 2)
    assert read == 2 * types + 2
    assert taken < types * 130 / 1024 + 10_000


def waiting_bytes(pipe: int) -> int:
    """How many bytes nobody has read."""
    count = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, count)
    return count[0]


def test_interrupt_ends_reading_of_a_silent_pipe(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    code = CHILD.replace("import resource, sys", "import resource, sys; print('ready', flush=True)")
    command = [sys.executable, "-c", code, fifo]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path) as child:
        writer = os.open(fifo, os.O_RDWR)
        os.write(writer, b"a b c ")
        child.stdout.readline()
        wait_until(lambda: waiting_bytes(writer) == 0, "the pipe is read")
        child.send_signal(signal.SIGINT)
        try:
            _, err = child.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            child.kill()
            pytest.fail("did not end")
        finally:
            os.close(writer)
    assert b"KeyboardInterrupt" in err
