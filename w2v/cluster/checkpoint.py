"""The checkpoint of a training on a cluster: the common model after an exchange of all rows, and which leases are done.

It is a file like that of an ordinary run, with another name for its format: chunks instead of a place, and no random
states. What a node was training when it was written is trained again.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

import w2v
from w2v.cluster.leases import Lease, Ledger
from w2v.corpus.vocab import TokenCounts
from w2v.kernel._tables import first_bad_row
from w2v.training.checkpoint import CheckpointFile
from w2v.training.checkpointing import Checkpointer
from w2v.training.state import Totals
from w2v.training.tensors import Tensor, file_size, header_of, matrix_tensor, write_tensors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from w2v.corpus.config import CorpusConfig
    from w2v.output import HeldOutput
    from w2v.training.config import ResolvedConfig

__all__ = ["ClusterCheckpoint", "ClusterCheckpointer", "ClusterState", "write_cluster_checkpoint"]

FORMAT = "w2v cluster checkpoint 2"
TOKEN_COUNTS = [field.name for field in dataclasses.fields(TokenCounts)]
TOTALS = [field.name for field in dataclasses.fields(Totals)]


@dataclass
class ClusterState:
    """What a checkpoint of a cluster is made of; `matrices` are float32 without padding, and finite."""

    config: ResolvedConfig
    corpus_config: CorpusConfig
    digest: str  # of the corpus
    chunks: int
    kept: int  # tokens of the corpus that are in the vocabulary
    workers: int  # numbers of workers that are used up
    seconds: float
    done: list[Lease]
    ledger: Ledger
    matrices: list[NDArray[np.float32]]


def write_cluster_checkpoint(place: HeldOutput, state: ClusterState) -> None:
    """Write it in one step. Raises OSError, W2VError."""
    numbers = {
        "w2v": w2v.__version__,
        "train": dataclasses.asdict(state.config),
        "corpus": dataclasses.asdict(state.corpus_config),
        **{name: getattr(state, name) for name in ("digest", "chunks", "kept", "workers", "seconds")},
    }
    sums = np.array(
        [
            [getattr(state.ledger.epochs.get(epoch, Totals()), name) for name in TOTALS]
            for epoch in range(state.config.epochs)
        ],
        np.float64,
    )
    token_counts = np.full((state.chunks, len(TOKEN_COUNTS)), -1, np.int64)
    for chunk, found in state.ledger.chunks.items():
        token_counts[chunk] = [getattr(found, name) for name in TOKEN_COUNTS]
    tensors = {
        "done": Tensor.of(np.array([(x.epoch, x.chunk) for x in sorted(state.done)], np.int64).reshape(-1, 2)),
        "chunk_token_counts": Tensor.of(token_counts),
        "epoch_sums": Tensor.of(sums),
        "vectors": matrix_tensor(state.matrices[0], state.config.dim),
        "outputs": matrix_tensor(state.matrices[1], state.config.dim),
    }
    header = header_of(tensors, {"format": FORMAT, "state": json.dumps(numbers, sort_keys=True)})
    with place.replace(file_size(header, tensors)) as out:
        write_tensors(out, header, tensors)


class ClusterCheckpointer(Checkpointer):
    """Writes a run's checkpoint as a Checkpointer does."""

    def write_cluster(self, state: ClusterState, stopping: bool = False) -> bool:
        """Write the state of a training on a cluster; False if that failed."""
        return self.attempt(partial(write_cluster_checkpoint, self.place, state), stopping)


class ClusterCheckpoint(CheckpointFile):
    """A checkpoint open for reading; a context manager. CheckpointError says what is wrong with it."""

    FORMAT = FORMAT
    OTHERWISE = "a run is resumed as it was started, with or without a cluster"

    @property
    def workers(self) -> int:
        """Numbers of workers that are used up."""
        return int(self.state["workers"])

    def check_corpus(self, digest: str) -> None:
        """Raise CheckpointError if the corpus or its vocabulary is another one."""
        if self.state["digest"] != digest:
            raise self.error(
                "another corpus", "its files, words, counts or text are not those that the run was started with"
            )

    def done(self) -> list[Lease]:
        """Leases that need not be trained again."""
        rows = self._file.read("done", "I64", 2)
        epochs, chunks = self.state["train"].get("epochs", 0), self.state["chunks"]
        if rows.shape[1:] != (2,) or np.any(rows < 0) or np.any(rows >= (epochs, chunks)):
            raise self.error("the leases", "one is not of this run")
        leases = [Lease(*row) for row in rows.tolist()]
        if len(set(leases)) != len(leases):
            raise self.error("the leases", "one occurs twice")
        return leases

    def ledger(self) -> Ledger:
        """What was counted so far: of each epoch the tokens of the chunks that are done in it."""
        sums = self._file.read("epoch_sums", "F64", 2)
        token_counts = self._file.read("chunk_token_counts", "I64", 2)
        right = (self.state["train"]["epochs"], len(TOTALS)), (self.state["chunks"], len(TOKEN_COUNTS))
        if (sums.shape, token_counts.shape) != right or not np.all(np.isfinite(sums)) or np.any(sums < 0):
            raise self.error("the token counts", "they are not those of this run")
        ledger = Ledger()
        for epoch, row in enumerate(sums.tolist()):
            numbers = {name: value if name == "loss" else int(value) for name, value in zip(TOTALS, row, strict=True)}
            if any(numbers.values()):
                ledger.epochs[epoch] = Totals(**numbers)
        ledger.totals = sum(ledger.epochs.values(), start=Totals())
        for chunk, row in enumerate(token_counts.tolist()):
            if min(row) >= 0:
                ledger.chunks[chunk] = TokenCounts(**dict(zip(TOKEN_COUNTS, row, strict=True)))
        self._check_sums(ledger)
        return ledger

    def _check_sums(self, ledger: Ledger) -> None:
        kept = dict.fromkeys(range(self.state["train"]["epochs"]), 0)
        for lease in self.done():
            if lease.chunk not in ledger.chunks:
                raise self.error("the token counts", f"those of chunk {lease.chunk + 1}, which is done, are missing")
            kept[lease.epoch] += ledger.chunks[lease.chunk].kept
        for epoch, tokens in kept.items():
            if tokens != ledger.epochs.get(epoch, Totals()).tokens:
                raise self.error("the token counts", f"those of epoch {epoch + 1} do not add up to its chunks")

    def model(self, words: int) -> list[NDArray[np.float32]]:
        """Both matrices, float32 without padding."""
        config = self.state["train"]
        matrices = []
        for name, rows in (("vectors", words), ("outputs", words - (config["loss"] == "hs"))):
            matrix = np.empty((rows, config["dim"]), np.float32)
            self._file.read_rows(name, matrix)
            bad = first_bad_row(matrix, 0, rows)
            if bad >= 0:
                raise self.error(f"tensor {name}, row {bad + 1}", "a value is not finite")
            matrices.append(matrix)
        return matrices

    def _parse(self, state: Any) -> dict[str, Any]:
        if not isinstance(state, dict):
            raise self.error("the state", "it is not an object")
        for name, kind in (("train", dict), ("corpus", dict), ("digest", str)):
            if type(state.get(name)) is not kind:
                raise self.error("the state", f"{name} is missing or wrong")
        for name in ("chunks", "kept", "workers", "seconds"):
            value: Any = state.get(name)
            number = type(value) is int or (name == "seconds" and type(value) is float)
            if not number or not 0 <= value < 2**40:
                raise self.error("the state", f"{name} is missing or wrong")
        return state
