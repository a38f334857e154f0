"""Real processes of the installed command, in a folder of their own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from ..waiting import wait_until
from .forked import Forks

TIMEOUT_S = 120
PLAIN = ("--dim", "30", "--threads", "1", "--sample", "0", "-q")
LONG = (*PLAIN, "--epochs", "75")  # about a second


Run = Callable[..., subprocess.CompletedProcess]
needs_proc = pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs /proc of Linux")


def wait_for(process: subprocess.Popen, condition: Callable[[], bool]) -> None:
    """Until the condition holds; the process must not have ended before."""

    def happened() -> bool:
        if condition():
            return True
        assert process.poll() is None, process.stderr.read().decode() if process.stderr else process.returncode
        return False

    wait_until(happened, str(process.args))


def wait_until_it_sleeps(process: subprocess.Popen) -> None:
    """Until its main thread waits, twenty looks in a row: for a key, an end of a pipe; not for a moment in between."""
    looks: list[bool] = []

    def asleep() -> bool:
        looks.append("State:\tS" in Path(f"/proc/{process.pid}/status").read_text())
        return len(looks) >= 20 and all(looks[-20:])

    wait_for(process, asleep)


def wait_until_it_trains(process: subprocess.Popen, log: Path) -> None:
    """Until it has logged its first epoch: by then signals ask it to stop."""
    wait_for(process, lambda: log.exists() and b'"event": "epoch"' in log.read_bytes())


def w2v_program() -> str:
    """The `w2v` that belongs to the Python that runs the tests."""
    found = shutil.which("w2v", path=os.path.dirname(sys.executable)) or shutil.which("w2v")
    assert found, "the command w2v is not installed"
    return found


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """The tests' own environment: plain help width, no colours, the program on the PATH."""
    return {
        **{k: v for k, v in os.environ.items() if not k.startswith(("W2V_", "_W2V", "COLUMNS", "PYTHON"))},
        "PATH": os.path.dirname(w2v_program()) + os.pathsep + os.environ.get("PATH", ""),
        "XDG_STATE_HOME": "/dev/null/none",  # cannot be made, not even by root: prompts have no history
    }


@pytest.fixture(scope="session")
def forks(environment: dict[str, str]) -> Iterator[Forks | None]:
    """Quicker than the program, for calls that change no more of the process than its folder and its input."""
    if sys.platform != "linux" or os.environ.get("W2V_TEST_FORKS") == "0":
        yield None
        return
    started = Forks(w2v_program(), environment)
    yield started
    started.close()


@pytest.fixture(scope="session")
def w2v_in(environment: dict[str, str], forks: Forks | None) -> Run:
    """Run the command in the folder `cwd` and return the finished process; `input` is text or bytes."""

    tests = os.getpid()

    def run(*args: str | bytes | Path, cwd: Path, input: str | bytes = b"", **kw):
        data = input.encode() if isinstance(input, str) else input
        if forks is not None and not kw and os.getpid() == tests:  # not a child without privileges
            done = forks.call([os.fspath(arg) for arg in args], data, os.fspath(cwd), TIMEOUT_S)
        else:
            kw.setdefault("stdout", subprocess.PIPE)
            if "stdin" not in kw:
                kw["input"] = data
            kw["env"] = {**environment, **kw.get("env", {})}
            command = [w2v_program(), *map(os.fspath, args)]
            done = subprocess.run(command, stderr=subprocess.PIPE, timeout=TIMEOUT_S, cwd=cwd, **kw)
        done.out = (done.stdout or b"").decode("utf-8", "surrogateescape")
        done.err = done.stderr.decode("utf-8", "surrogateescape")
        return done

    return run


@pytest.fixture
def w2v(w2v_in: Run, tmp_path: Path) -> Run:
    """Run the command in the test's folder and return the finished process; `input` is text or bytes."""
    return partial(w2v_in, cwd=tmp_path)


PEOPLE = {"king": "he", "man": "he", "prince": "he", "queen": "she", "woman": "she", "princess": "she"}
PLACES = {"서울": "한국", "paris": "france", "القاهرة": "مصر", "東京": "日本"}


def small_text(sentences: int = 4000, seed: int = 1) -> str:
    """Sentences about a few people and places, in several scripts; every word occurs often."""
    import random

    draw = random.Random(seed)
    lines = []
    for _ in range(sentences):
        who = draw.choice(list(PEOPLE))
        royal = "crown throne palace" if who in ("king", "queen", "prince", "princess") else "field market house"
        place = draw.choice(list(PLACES))
        words = [
            who,
            "said",
            PEOPLE[who],
            "went",
            "to",
            "the",
            *draw.sample(royal.split(), 2),
            "in",
            place,
            PLACES[place],
            draw.choice(["today", "yesterday", "🙂"]),
        ]
        lines.append(" ".join(words))
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text of 48,000 tokens."""
    path = tmp_path_factory.mktemp("corpus") / "corpus.txt"
    path.write_text(small_text(), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def vectors(corpus: Path, environment: dict[str, str]) -> Path:
    """Vectors trained on that text by the command."""
    path = corpus.parent / "vectors.bin"
    subprocess.run(
        [w2v_program(), "train", corpus, "-o", path, "--dim", "20", "--threads", "1", "--epochs", "20", "-q"],
        check=True,
        env=environment,
        timeout=TIMEOUT_S,
        stdin=subprocess.DEVNULL,
    )
    return path


@pytest.fixture(scope="session")
def whole(corpus: Path, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The vectors of an uninterrupted run with the settings LONG."""
    path = tmp_path_factory.mktemp("whole") / "v.bin"
    subprocess.run([w2v_program(), "train", corpus, "-o", path, *LONG], check=True, env=environment, timeout=TIMEOUT_S)
    return path.read_bytes()


@pytest.fixture
def start(tmp_path: Path, environment: dict[str, str]):
    """Start the command and leave it running; what still runs at the end of the test is killed."""
    started: list[subprocess.Popen] = []

    def run(*args: str | Path, env: dict[str, str] | None = None, **kw) -> subprocess.Popen:
        for stream in ("stdin", "stdout", "stderr"):
            kw.setdefault(stream, subprocess.PIPE)
        kw.setdefault("cwd", tmp_path)
        process = subprocess.Popen(
            [w2v_program(), *map(os.fspath, args)], env={**environment, **(env or {})}, bufsize=0, **kw
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()


# Stops the process, all its threads, when its first checkpoint is in place: no waiting from outside would be sure to
# see that before a short run has ended.
STOP_AT_CHECKPOINT = """
import os, signal

rename = os.rename

def stopping(source, target, **kw):
    rename(source, target, **kw)
    if os.fsdecode(target).endswith("checkpoint"):
        os.rename = rename
        os.kill(os.getpid(), signal.SIGSTOP)

os.rename = stopping
"""


@pytest.fixture
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place for the log of a training, outside the test's folder."""
    return tmp_path_factory.mktemp("log") / "log.jsonl"


@pytest.fixture
def start_and_stop(start, tmp_path_factory):
    """Start a training and return it when it is suspended at its first checkpoint; `go_on` sends signals and lets it
    run on, or `kill` ends it."""
    folder = tmp_path_factory.mktemp("stopping")
    (folder / "sitecustomize.py").write_text(STOP_AT_CHECKPOINT)

    def run(*args: str | Path) -> subprocess.Popen:
        process = start(*args, "--checkpoint-every", "0.000001s", env={"PYTHONPATH": str(folder)})
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), process.stderr.read()
        return process

    return run


def go_on(process: subprocess.Popen, *signals: int) -> tuple[bytes, bytes]:
    """Send signals to a process that is suspended, let it run, and return what it has written by its end."""
    for number in (*signals, signal.SIGCONT):
        process.send_signal(number)
    return process.communicate(timeout=TIMEOUT_S)
