"""`w2v train --cluster auto` as a process: signals to its group, its Ray killed, and what it leaves behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec

import pytest

pytestmark = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: pip install 'w2v[cluster]'")
# As `w2v` does it, but a head node that does not answer is given up sooner.
PROGRAM = (
    "import sys\nfrom w2v.cluster import session\nfrom w2v.cli.main import run\n"
    "session.HEAD_S = 0.5\nsys.exit(run(sys.argv[1:]))"
)
ENDLESS = ["-t", "1", "-d", "64", "-n", "15", "-e", "100000", "--checkpoint-every", "1s"]
SECONDS = 120


class Run:
    """A training in a process group of its own, with a home and a folder for temporary files of its own."""

    def __init__(self, folder, text, *args):
        folder.mkdir()
        self.folder, self.home, self.errors = folder / "work", folder / "home", folder / "errors"
        self.folder.mkdir()
        self.home.mkdir()
        self.temporary = tempfile.mkdtemp(prefix="w2v", dir="/tmp")  # its name is short enough for sockets
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, "train", text, "-o", "v.bin", "--cluster", "auto", *args],
                cwd=self.folder,
                stdout=errors,
                stderr=errors,
                start_new_session=True,
                env={**kept, "HOME": str(self.home), "TMPDIR": self.temporary},
            )
        self.others = {}  # every process that Ray has started

    def wait_until(self, condition):
        deadline = time.monotonic() + SECONDS
        while not condition():
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.05)

    def wait_for_checkpoint(self):
        self.wait_until((self.folder / "v.bin.checkpoint").exists)

    def ray(self, name):
        """Ray's processes of this name."""
        psutil = pytest.importorskip("psutil")

        self.others.update(
            {process.pid: process for process in psutil.Process(self.process.pid).children(recursive=True)}
        )
        return [process for process in self.others.values() if process.is_running() and process.name() == name]

    def end(self):
        """Wait for the end, and for that of all processes; the exit code."""

        def left():
            return [process for process in self.others.values() if is_alive(process)]

        code = self.process.wait(SECONDS)
        deadline = time.monotonic() + SECONDS
        while left() or os.listdir(self.temporary):
            assert time.monotonic() < deadline, (left(), os.listdir(self.temporary), self.said)
            time.sleep(0.05)
        return code

    @property
    def said(self):
        return self.errors.read_text()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.temporary, ignore_errors=True)


def is_alive(process):
    """Not a zombie, which is not ours to reap."""
    import psutil

    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture(scope="module")
def runs(tmp_path_factory, text):
    """Trainings that would go on for hours, started at once: Ray takes seconds to start."""
    folder = tmp_path_factory.mktemp("runs")
    names = ("SIGHUP", "SIGTERM", "SIGINT", "SIGKILL", "gcs_server", "raylet")
    started = {name: Run(folder / name, text, *ENDLESS) for name in names}
    yield started
    for run in started.values():
        run.close()


@pytest.mark.parametrize("name", ["SIGHUP", "SIGTERM", "SIGINT"])
def test_a_signal_to_the_process_group_leaves_a_checkpoint_and_nothing_else(runs, name):
    run = runs[name]
    run.wait_for_checkpoint()
    assert run.ray("raylet")
    os.killpg(run.process.pid, getattr(signal, name))
    assert run.end() == 128 + getattr(signal, name), run.said
    *_, stopped, command, last = run.said.splitlines()
    assert "v.bin.checkpoint holds the run. To continue:" in stopped
    assert "train" in command
    assert last == ("w2v: interrupted" if name == "SIGINT" else "w2v: stopped by a signal")
    assert "lost" not in run.said
    assert all(line.startswith("w2v: ") for line in run.said.splitlines()), run.said
    assert os.listdir(run.folder) == ["v.bin.checkpoint"]


@pytest.mark.parametrize(
    ("name", "said"), [("gcs_server", "has not answered for 0.5 s (Connection refused); "), ("raylet", "are lost")]
)
def test_a_cluster_that_is_killed_ends_the_run_which_names_its_checkpoint(runs, name, said):
    run = runs[name]
    run.wait_for_checkpoint()
    for process in run.ray(name):
        process.kill()
    assert run.end() == 1, run.said
    *_, last = run.said.splitlines()
    assert last.startswith("w2v: error: --cluster: ")
    assert said in last
    assert last.endswith("v.bin.checkpoint holds the run as it was before")
    assert os.listdir(run.folder) == ["v.bin.checkpoint"]
    assert "[33m" not in run.said  # Ray prints what it finds on standard output


def test_a_run_that_is_killed_leaves_its_checkpoint_but_no_process_and_no_folder_of_ray(runs):
    run = runs["SIGKILL"]
    run.wait_for_checkpoint()
    assert run.ray("raylet")
    run.process.kill()
    assert run.end() == -signal.SIGKILL
    assert set(os.listdir(run.folder)) <= {"v.bin.checkpoint", ".v.bin.w2v-part", ".v.bin.checkpoint.w2v-part"}


def test_a_signal_while_ray_starts_ends_all_of_it(text, tmp_path):
    run = Run(tmp_path / "run", text)
    try:
        run.wait_until(lambda: run.ray("gcs_server"))
        os.killpg(run.process.pid, signal.SIGTERM)
        assert run.end() == 143, run.said
        assert run.said == "w2v: stopped by a signal\n"
        assert os.listdir(run.folder) == []
    finally:
        run.close()


def test_one_node_with_one_thread_gives_the_bytes_of_a_run_without_a_cluster(program, text, tmp_path):
    """And leaves nothing else: no line, no folder, no process, no token that others can read."""
    common = ["-t", "1", "-d", "16", "-e", "3", "-q"]
    run = Run(tmp_path / "run", text, *common)
    try:
        subprocess.run([program, "train", text, *common, "-o", "alone.bin"], cwd=tmp_path, check=True)
        run.wait_until(lambda: run.ray("raylet"))
        assert run.end() == 0, run.said
        assert run.said == ""
        assert os.listdir(run.folder) == ["v.bin"]
        assert (run.folder / "v.bin").read_bytes() == (tmp_path / "alone.bin").read_bytes()
        folder = run.home / ".ray"
        assert [oct(path.stat().st_mode)[-3:] for path in (folder, folder / "auth_token")] == ["700", "600"]
    finally:
        run.close()
