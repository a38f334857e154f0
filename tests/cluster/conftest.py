"""Two nodes on this machine, shared by all tests; skipped where Ray is not installed."""

from __future__ import annotations

import os
import random
import secrets
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
def two_nodes(tmp_path_factory):
    """A Ray cluster of two nodes with two CPUs and one CPU; yields it, connected."""
    if find_spec("ray") is None:
        pytest.skip("Ray is not installed: pip install 'w2v[cluster]'")
    from w2v.cluster.session import elsewhere, load_ray, only_loopback

    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(16))  # of these nodes and of the commands that join them
    ray = load_ray()
    from ray.cluster_utils import Cluster

    os.environ.setdefault("RAY_worker_niceness", "0")
    only_loopback(ray)
    node = {"object_store_memory": 80 << 20, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, **node})
    try:
        cluster.add_node(num_cpus=1, object_store_memory=80 << 20)
        with elsewhere():
            ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()
