"""What a training on a cluster tells beyond an ordinary one."""

from __future__ import annotations

from dataclasses import dataclass

from w2v.training.progress import Progress, TrainSummary

__all__ = ["ClusterProgress", "ClusterSummary", "NodeRate"]


@dataclass(frozen=True)
class NodeRate:
    """One node's speed."""

    name: str
    words_per_s: float


@dataclass(frozen=True)
class ClusterProgress(Progress):
    """How far the training is; words_per_s and loss are of all nodes together."""

    nodes: tuple[NodeRate, ...] = ()
    bytes_exchanged: int = 0


@dataclass(frozen=True)
class ClusterSummary(TrainSummary):
    """What a training on a cluster did; `threads` are those of all nodes that took part to the end."""

    nodes: int = 1
    exchanges: int = 0
    bytes_exchanged: int = 0
    nodes_lost: int = 0
    chunks_lost: int = 0  # leased to a node that died, and trained by another
