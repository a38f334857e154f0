"""Two nodes on this machine, shared by all tests; skipped where Ray is not installed."""

from __future__ import annotations

import os
import random
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

collect_ignore = [] if os.environ.get("W2V_TEST_NODES") else ["nodes"]  # run by test_nodes.py


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
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
    from cluster_nodes import simulated_nodes

    with simulated_nodes([2, 1], store_bytes=80 << 20) as cluster:
        yield cluster
