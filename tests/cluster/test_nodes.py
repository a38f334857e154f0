"""The tests in nodes/, which connect to a Ray cluster, in a process of their own.

Ray leaves threads and signal handlers in the process that was connected to it, and ends one whose node has died; the
other tests have to run where none of this can reach them. Most of the time these tests wait for Ray: they run beside
the others, from the start on (conftest.py).
"""

from __future__ import annotations

import re
from importlib.util import find_spec

import pytest


@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: pip install 'w2v[cluster]'")
def test_everything_that_needs_nodes_holds(tests_on_nodes) -> None:
    code, output = tests_on_nodes()
    assert code == 0, output
    assert re.search(r"\b([1-9]\d*) passed", output), output
