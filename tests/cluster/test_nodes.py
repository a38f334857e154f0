"""The tests in nodes/, which connect to a Ray cluster, in a process of their own.

Ray leaves threads and signal handlers in the process that was connected to it, and ends one whose node has died; the
other tests have to run where none of this can reach them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: pip install 'w2v[cluster]'")
def test_everything_that_needs_nodes_holds(tmp_path: Path) -> None:
    program = "import sys, pytest; sys.exit(pytest.main(sys.argv[1:]))"
    options = ["--rootdir", ROOT, "-c", ROOT / "pyproject.toml", "-q", "-p", "no:cacheprovider", "--durations=0"]
    done = subprocess.run(
        [sys.executable, "-c", program, ROOT / "tests" / "cluster" / "nodes", *options], cwd=tmp_path, timeout=600,
        env={**os.environ, "W2V_TEST_NODES": "1"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )
    assert done.returncode == 0, done.stdout
    assert re.search(r"\b([1-9]\d*) passed", done.stdout), done.stdout
