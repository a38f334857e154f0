"""The Tab key: what is offered for a line, and in real shells."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import time

import pytest

from w2v.cli.command import FILES, Argument
from w2v.cli.main import COMMANDS, cli, joined

from .conftest import w2v_program

TIMEOUT_S = 30


@pytest.fixture
def offered(environment, tmp_path):
    """What is offered for the last of some words: (kind, value) pairs."""

    def ask(*words: str) -> list[tuple[str, str]]:
        line = {"COMP_WORDS": "\n".join(["w2v", *words]), "COMP_CWORD": str(len(words))}
        done = subprocess.run(
            [w2v_program()],
            env={**environment, **line, "_W2V_COMPLETE": "bash_complete"},
            capture_output=True,
            text=True,
            cwd=tmp_path,
        )
        assert done.stderr == ""
        return [tuple(line.split(",", 1)) for line in done.stdout.splitlines() if line]

    return ask


def test_commands_are_offered_in_the_order_of_the_help(offered):
    names = [name for commands in COMMANDS.values() for name in commands]
    assert offered("") == [("plain", name) for name in names]
    assert offered("similar") == [("plain", "similar"), ("plain", "similarity")]


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (["train", "--mod"], ["--model"]),
        (["train", "--si"], []),  # --size: accepted, not offered
        (["train", "--model", ""], ["skipgram", "cbow"]),
        (["train", "--model=c"], ["cbow"]),
        (["train", "--model", "=", "c"], ["cbow"]),
        (["train", "--model", "="], ["skipgram", "cbow"]),
        (["train", "--debug", "x", "--mod"], ["--model"]),
        (["plot", "v.bin", "--method", "t"], ["tsne"]),
        (["completion", ""], ["bash", "zsh", "fish"]),
        (["--deb"], ["--debug"]),
        (["quux", ""], []),
        (["quux", "--"], ["--help"]),
    ],
    ids=" ".join,
)
def test_options_and_values_are_offered(offered, words, values):
    assert offered(*words) == [("plain", value) for value in values]


@pytest.mark.parametrize(
    "words", [["train", "x"], ["train", "-o", "x"], ["similar", "x"], ["plot", "v.bin", "--groups", "x"]], ids=" ".join
)
def test_files_are_left_to_the_shell(offered, words):
    assert offered(*words) == [("file", "x")]


def test_every_argument_that_is_a_file_is_completed_as_one():
    for name in cli.list_commands(None):
        for param in cli.get_command(None, name).params:
            if isinstance(param, Argument) and re.search(r"\b(file|folder)s?\b", param.line):
                assert param.metavar in FILES, f"{name}: {param.metavar}"


@pytest.mark.parametrize(
    ("words", "place", "whole", "number"),
    [
        (["w2v", "a", "="], 2, ["w2v", "a", "="], 2),
        (["w2v", "--a", "=", "b", "c"], 3, ["w2v", "--a=b", "c"], 1),
        (["w2v", "--a", "=", "b", "--c", "=", "d"], 6, ["w2v", "--a=b", "--c=d"], 2),
        (["w2v", "--a", "=", "b", "c"], 4, ["w2v", "--a=b", "c"], 2),
        (["w2v", "--a", "=", "b", "c"], 1, ["w2v", "--a", "=", "b", "c"], 1),
    ],
)
def test_what_bash_splits_at_equals_signs_is_joined_again(words, place, whole, number):
    assert joined(words, place) == (whole, number)


class Terminal:
    """An interactive shell on a terminal of its own."""

    def __init__(self, *command: str, env: dict[str, str], cwd: os.PathLike):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            os.execvpe(command[0], command, env)
        self.seen = ""

    def type(self, text: str, wanted: str) -> str:
        """Send keys and read until the pattern is seen; returns all that came."""
        self.seen = ""
        os.write(self.fd, text.encode())
        limit = time.monotonic() + TIMEOUT_S
        while not re.search(wanted, self.seen):
            ready = select.select([self.fd], [], [], max(0, limit - time.monotonic()))[0]
            assert ready, f"{wanted!r} was not seen in {self.seen!r}"
            new = self.seen + os.read(self.fd, 4096).decode("utf-8", "replace")
            self.seen = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", new)
        return self.seen

    def close(self) -> None:
        os.close(self.fd)
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)


# How to start each shell without a user's own settings, and what makes it ready.
STARTS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'eval "$(w2v completion bash)"'),
    "zsh": (["zsh", "-f", "-i"], 'autoload -Uz compinit; compinit -u -D; eval "$(w2v completion zsh)"'),
    "fish": (["fish", "--no-config", "-i"], "w2v completion fish | source"),
}


@pytest.mark.parametrize("shell", STARTS)
def test_a_real_shell_completes_commands_options_values_and_files(shell, environment, tmp_path):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "tales.txt").write_text("once\n")
    start, ready = STARTS[shell]
    kind = "xterm" if shell == "fish" else "dumb"  # fish needs more than a dumb terminal
    env = {**environment, "TERM": kind, "PS1": "$ ", "HISTFILE": "/dev/null", "HOME": str(tmp_path)}
    terminal = Terminal(*start, env=env, cwd=tmp_path)
    try:
        terminal.type(f"{ready}; echo re''ady\n", "ready")
        terminal.type("w2v odd-\t", "odd-one-out ")
        terminal.type("\x15w2v train --fixed-w\t", "--fixed-window ")
        terminal.type("\x15w2v train --model cb\t", "cbow ")
        terminal.type("\x15w2v train tal\t", r"tales\.txt ")
        if shell == "bash":
            terminal.type("\x15w2v train --loss=h\t", "--loss=hs ")
    finally:
        terminal.close()
