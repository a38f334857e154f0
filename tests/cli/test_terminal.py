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

from .conftest import wait_until_it_sleeps

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
        """All that is still to come of processes that have ended, or end."""
        if self.process_end >= 0:
            os.close(self.process_end)
            self.process_end = -1
        while True:
            try:
                self.seen += os.read(self.end, 65536)
            except OSError:  # nobody has the other end any more
                return self.seen

    def type(self, text: str) -> None:
        os.write(self.end, text.encode())


@pytest.fixture
def screen():
    made = Screen()
    yield made
    os.close(made.end)
    if made.process_end >= 0:
        os.close(made.process_end)


@pytest.mark.parametrize(
    ("columns", "more"),
    [(60, ".*"), (80, r"  [\d.]+[kM] words/s.*"), (200, r"  [\d.]+[kM] words/s  loss \d\.\d+  lr 0\.\d+ *")],
)
def test_training_shows_what_the_terminal_has_room_for(start, corpus, columns, more):
    screen = Screen(columns)
    process = start("train", corpus, "-o", "v.bin", "--epochs", "1000000", "--dim", "300", stderr=screen.process_end)
    line = "\repoch [0-9]+/1000000 (━|─){8,30} [0-9]+% [^\r]* left"
    seen = screen.read_until((line + more + "\r").encode()).decode()
    assert max(map(len, seen.split("\r"))) < columns
    process.send_signal(signal.SIGINT)
    assert process.wait(TIMEOUT_S) == 130
    assert b"w2v: interrupted" in screen.rest()
    assert process.stdout.read() == b""


BARS = """
from types import SimpleNamespace
from w2v.cli.progress import Bars
with Bars() as bars:
    bars.training(
        SimpleNamespace(epoch=1, epochs=2, tokens_done=9, tokens_total=20, words_per_s=5.0, lr=0.02, loss=0.5)
    )
    if {fails}:
        raise SystemExit
"""


@pytest.mark.parametrize("fails", [False, True])
def test_a_bar_ends_full_only_when_the_work_was_done(screen, fails, tmp_path):
    program = [sys.executable, "-c", BARS.format(fails=fails)]
    subprocess.run(program, stderr=screen.process_end, cwd=tmp_path, check=True)
    text = screen.rest()
    assert b" 45% 3 s left" in text
    assert (b" 100% in " in text) == (not fails)


def test_a_terminal_without_a_width_shows_bars_too(start, corpus):
    screen = Screen(columns=0)
    process = start("train", corpus, "-o", "v.bin", "--epochs", "3", stderr=screen.process_end)
    screen.read_until(rb"reading [^\r]* 100%")
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


@pytest.fixture
def prompt(start, vectors, screen, tmp_path):
    """`w2v similar` at its prompt, with a history to write."""
    ends = dict.fromkeys(("stdin", "stdout", "stderr"), screen.process_end)
    process = start("similar", vectors, "-k", "2", env={"XDG_STATE_HOME": str(tmp_path), "TERM": "xterm"}, **ends)
    screen.read_until(rb"x 20\. Try king - man \+ woman; help says more, quit ends\.")
    screen.read_until(rb"similar> ")
    return process


ANSWER = "1  [a-z]+ +0\\.[0-9]{4}  (━)+(╸)?\r\n2  [a-z]+ +0\\.[0-9]{4}".encode()


def test_the_prompt_answers_line_by_line_and_ends_at_end_of_input(prompt, screen, tmp_path):
    screen.type("king\n")
    screen.read_until(b"king\r\n" + ANSWER)
    screen.read_until(rb"similar> ")
    screen.type("kong\n")
    screen.read_until(rb'"kong" is not in the vocabulary')
    screen.read_until(rb"similar> ")
    screen.type("\x04")
    assert prompt.wait(TIMEOUT_S) == 0
    pytest.importorskip("readline")
    assert (tmp_path / "w2v" / "history").read_text().split() == ["king", "kong"]


def test_the_prompt_knows_help_and_quit_and_completes_words(prompt, screen):
    screen.type("help\n")
    screen.read_until(rb"A word, or words joined by \+ and -: .* Tab completes")
    screen.read_until(rb"similar> ")
    pytest.importorskip("readline")
    screen.type("quee\t\n")
    screen.read_until(b"queen \r\n" + ANSWER)
    screen.type("quit\n")
    assert prompt.wait(TIMEOUT_S) == 0


def test_the_prompt_outlives_ctrl_c_but_not_sigterm(prompt, screen):
    for _ in range(3):
        screen.type("ki\x03")  # the terminal makes a signal of it only for its own processes
        wait_until_it_sleeps(prompt)
        prompt.send_signal(signal.SIGINT)
        screen.read_until(rb"similar> ")
    wait_until_it_sleeps(prompt)
    screen.type("king\n")
    screen.read_until(ANSWER)
    screen.read_until(rb"similar> ")
    wait_until_it_sleeps(prompt)
    prompt.send_signal(signal.SIGTERM)
    assert prompt.wait(TIMEOUT_S) == 143


def test_answers_are_lined_up_on_a_terminal_in_the_characters_that_it_has(start, vectors):
    for locale, columns, bar in (("C", 80, "=+"), ("C.UTF-8", 80, "(━)+╸?"), ("C.UTF-8", 24, "")):
        screen = Screen(columns)
        env = {"LC_ALL": locale, "NO_COLOR": "1"}
        done = start("similar", vectors, "king", "서울", "-k", "2", stdout=screen.process_end, env=env)
        assert done.wait(TIMEOUT_S) == 0
        row = rf"  [12]  \S+ +0\.\d{{4}}{'  ' * bool(bar)}{bar}"
        assert re.fullmatch(rf"king\n{row}\n{row}\n서울\n{row}\n{row}\n", screen.rest().decode().replace("\r", ""))


@pytest.mark.parametrize("form", ["tsv", "json"])
def test_a_form_that_is_asked_for_is_kept_on_a_terminal(start, vectors, screen, form):
    done = start("similar", vectors, "king", "-k", "1", "--format", form, stdout=screen.process_end)
    assert done.wait(TIMEOUT_S) == 0
    assert screen.rest().startswith(b"king\t1\t" if form == "tsv" else b'{"query": "king", ')


def test_pairs_does_not_wait_for_a_terminal(start, screen):
    process = start("pairs", stdin=screen.process_end)
    out, err = process.communicate(timeout=TIMEOUT_S)
    assert (process.returncode, out) == (2, b"")
    assert b"TEXT is missing: give a sentence, its words or files; - reads standard input" in err


def test_rows_that_are_redirected_hold_no_prompt(start, vectors, screen):
    process = start("similar", vectors, "-k", "1", stdin=screen.process_end, stderr=screen.process_end)
    screen.read_until(rb"similar> ")
    screen.type("king\n")
    assert process.stdout.readline().startswith(b"king\t1\t")
    screen.type("\x04")
    assert process.wait(TIMEOUT_S) == 0
    assert process.stdout.read() == b""


def test_a_byte_that_is_not_utf8_can_be_typed_at_the_prompt(start, vectors, screen):
    ends = dict.fromkeys(("stdin", "stdout", "stderr"), screen.process_end)
    env = {"TERM": "dumb", "PYTHONIOENCODING": "utf-8:strict"}  # as in most locales, though not in C.UTF-8
    process = start("similar", vectors, "-k", "1", env=env, **ends)
    screen.read_until(rb"similar> ")
    os.write(screen.end, b"caf\xff\n")
    screen.read_until(rb'"caf\\xff" is not in the vocabulary')
    screen.read_until(rb"similar> ")
    screen.type("king\n")
    screen.read_until(rb"1  [a-z]+")
    screen.read_until(rb"similar> ")
    screen.type("\x04")
    assert process.wait(TIMEOUT_S) == 0


# Words that a terminal would obey: its title, a colour, both as one byte and as two of UTF-8, a line end that
# overwrites, text turned round; and words that it should show as they are.
EVIL = ["\x1b]0;owned\x07", "\x1b[31mred", "\u009b31mred", "over\rwritten", "bell\x07", "\u202eturned", "\x7f"]
FINE = ["서울", "می\u200cخواهم", "👩\u200d🚀", "naïve", "a\\nb"]
RAW = b"\x9b31mraw"  # not UTF-8: a byte that some terminals obey


@pytest.fixture
def evil(tmp_path):
    """The vectors, a text and questions with such words."""
    words = [*(word.encode() for word in [*EVIL, *FINE]), RAW]
    rows = [b"%b %d %d\n" % (word, 1 + i, 20 - i) for i, word in enumerate(words)]
    (tmp_path / "v.txt").write_bytes(b"%d 2\n" % len(rows) + b"".join(rows))
    (tmp_path / "text").write_bytes((b" ".join(words).replace(b"\r", b"\x1b") + b"\n") * 20)
    (tmp_path / "questions").write_bytes(b": \x1b[31msection\n" + b" ".join(words[:4]).replace(b"\r", b"") + b"\n")
    return words


@pytest.mark.parametrize(
    "command",
    [
        ("similar", "v.txt", EVIL[0], EVIL[3]),
        ("similar", "v.txt", EVIL[1], "--format", "json"),
        ("similar", "v.txt", "not\x1b[31mthere", "--debug"),
        ("analogy", "v.txt", *EVIL[:3]),
        ("similarity", "v.txt", *EVIL[:2]),
        ("rank", "v.txt", *EVIL[1:3]),
        ("odd-one-out", "v.txt", *EVIL[:4]),
        ("vector", "v.txt", *EVIL),
        ("evaluate", "v.txt", "questions"),
        ("info", "v.txt"),
        ("check", "v.txt", "text"),
        ("diff", "v.txt", "v.txt", "-k", "3"),
        ("show", "v.txt", *EVIL),
        ("show", "v.txt", *EVIL, "--color", "never"),
        ("vocab", "text", "-q"),
        ("vocab", "text", "-q", "--format", "json", "-o", "/dev/stdout"),
        ("phrases", "text", "-q", "--threshold", "0"),
        ("phrases", "text", "-q", "--threshold", "0", "--min-count", "1", "--list"),
        ("pairs", "text"),
        ("pairs", "text", "--steps"),
        ("pairs", "text", "--steps", "--color", "never"),
        ("pairs", "text", "--numbers"),
        ("pairs", "text", "--numbers", "--steps", "--dim", "2"),
        ("train", "text\x1b[31m", "-o", "v.bin"),
    ],
    ids=" ".join,
)
def test_no_word_reaches_a_terminal_with_what_it_would_obey(start, evil, screen, command):
    ends = dict.fromkeys(("stdin", "stdout", "stderr"), screen.process_end)
    process = start(*command, env={"TERM": "xterm-256color", "COLUMNS": "200"}, **ends)
    seen = screen.rest()
    assert process.wait(TIMEOUT_S) in (0, 1, 2)
    styled = (
        re.sub(rb"\x1b\[[0-9;]*m", b"", seen).replace(b"\r\n", b"\n")
        if b"\x1b[0m" in seen
        else (seen.replace(b"\r\n", b"\n"))
    )
    assert b"\x1b" not in styled
    if "--steps" in command or command[0] == "show":
        assert b"\x1b[31m" not in seen  # our own colours are of 256
    text = re.sub("\revaluating: questions[ \r]*", "", styled.decode())  # all of it is UTF-8
    assert all(c.isprintable() or c in "\n\t\u200c\u200d" for c in text), text
    assert re.search(r"\\x1b|\\x9b|\\r", text) or command[0] in ("evaluate", "check"), text
    for word in FINE if command[0] == "vocab" else ():
        assert word in text.replace("\\\\", "\\")


def test_a_pipe_gets_words_as_they_are_but_for_tabs_and_line_breaks(w2v, tmp_path):
    words = [word.encode() for word in EVIL] + [RAW, b"a\tb", b"line\r"]
    rows = b"".join(b"%b " % word + struct.pack("<2f", 1 + i, 20 - i) for i, word in enumerate(words))
    (tmp_path / "v.bin").write_bytes(b"%d 2\n" % len(words) + rows)
    escaped = [word.replace(b"\t", b"\\t").replace(b"\n", b"\\n").replace(b"\r", b"\\r") for word in words]
    rows = w2v("similar", "v.bin", EVIL[0], "-k", "20").stdout.splitlines()
    assert [row.split(b"\t")[2] for row in rows] == escaped[1:]
    assert all(row.count(b"\t") == 3 for row in rows)
    rows = w2v("vector", "v.bin", *words[:3], RAW).stdout.split(b"\n")[:-1]
    assert [row.split(b"\t")[0] for row in rows] == [*words[:3], RAW]
    facts = dict(line.split("\t")[1:] for line in w2v("info", "v.bin").out.split("\n")[:-1])
    assert facts["words"] == str(len(words))
