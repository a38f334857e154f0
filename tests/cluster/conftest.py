"""Two nodes on this machine, shared by all tests; skipped where Ray is not installed."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ON_NODES = pytest.StashKey["TestsOnNodes"]()
collect_ignore = [] if os.environ.get("W2V_TEST_NODES") else ["nodes"]  # run by test_nodes.py


class TestsOnNodes:
    """A process that runs the tests in nodes/. Called, it waits for the end: exit code and output."""

    def __init__(self) -> None:
        program = "import sys, pytest; sys.exit(pytest.main(sys.argv[1:]))"
        options = ["--rootdir", ROOT, "-c", ROOT / "pyproject.toml", "-q", "-p", "no:cacheprovider", "--durations=0"]
        self.folder = tempfile.TemporaryDirectory()
        self.output = Path(self.folder.name, "output")
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", program, ROOT / "tests" / "cluster" / "nodes", *options],
                cwd=self.folder.name,
                env={**os.environ, "W2V_TEST_NODES": "1"},
                stdout=output,
                stderr=output,
            )

    def __call__(self) -> tuple[int, str]:
        code = self.process.wait(600)
        return code, self.output.read_text()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.folder.cleanup()


def pytest_collection_finish(session: pytest.Session) -> None:
    wanted = any("tests_on_nodes" in getattr(item, "fixturenames", ()) for item in session.items)
    if wanted and find_spec("ray") is not None and not session.config.option.collectonly:
        session.config.stash[ON_NODES] = TestsOnNodes()


def pytest_sessionfinish(session: pytest.Session) -> None:
    if ON_NODES in session.config.stash:
        session.config.stash[ON_NODES].close()


@pytest.fixture
def tests_on_nodes(request: pytest.FixtureRequest) -> TestsOnNodes:
    return request.config.stash[ON_NODES]


@pytest.fixture(scope="session")
def program() -> str:
    """The `w2v` that belongs to the Python that runs the tests."""
    found = shutil.which("w2v", path=os.path.dirname(sys.executable)) or shutil.which("w2v")
    assert found, "the command w2v is not installed"
    return found


@pytest.fixture(scope="session")
def text(tmp_path_factory) -> Path:
    """80,000 tokens in 8,000 lines: a few pairs of words that go together."""
    draw = random.Random(1)
    lines = []
    for _ in range(8000):
        topic = draw.randrange(40)
        lines.append(" ".join(f"w{topic}_{min(9, int(draw.expovariate(0.4)))}" for _ in range(10)))
    path = tmp_path_factory.mktemp("cluster") / "text.txt"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="session")
def two_nodes():
    """A Ray cluster of two nodes with two CPUs and one CPU; yields it, connected."""
    if find_spec("ray") is None:
        pytest.skip("Ray is not installed: pip install 'w2v[cluster]'")
    sys.path.insert(0, str(ROOT / "scripts"))
    from cluster_nodes import simulated_nodes

    with simulated_nodes([2, 1], store_bytes=80 << 20) as cluster:
        yield cluster
