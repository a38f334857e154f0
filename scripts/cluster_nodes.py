"""A Ray cluster whose nodes are simulated on this machine: for tests/cluster and scripts/cluster_bench.py."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator, Sequence
from typing import Any

from w2v.cluster.session import QUIET, apart, at_root, load_ray, only_loopback, signals_kept

__all__ = ["simulated_nodes"]


@contextlib.contextmanager
def simulated_nodes(cpus: Sequence[int], store_bytes: int) -> Iterator[Any]:
    """Ray's `Cluster`, a node for each number of `cpus`, with an object store of `store_bytes` each; connected.

    Each is a Ray node of its own with its own store: what nodes send each other goes through TCP, on loopback.
    """
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(16))  # of these nodes and of the commands that join them
    os.environ.setdefault("RAY_worker_niceness", "0")
    ray = load_ray()
    from ray.cluster_utils import Cluster

    only_loopback()
    head, *others = [{"num_cpus": number, "object_store_memory": store_bytes} for number in cpus]
    with apart() as folder:
        cluster = Cluster(initialize_head=True, head_node_args={**head, "include_dashboard": False, "temp_dir": folder})
        try:
            for node in others:
                cluster.add_node(**node)
            with at_root(), signals_kept():
                ray.init(address=cluster.address, **QUIET)
            yield cluster
        finally:
            ray.shutdown()
            cluster.shutdown()
