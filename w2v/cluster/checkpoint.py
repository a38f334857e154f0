"""The checkpoint of a training on a cluster: the common model after an exchange of all rows, and which leases are done.

It is a file like that of an ordinary run, with another name for its format: chunks instead of a place, and no random
states. What a node was training when it was written is trained again.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from w2v.cluster.coordinator import Ledger
from w2v.cluster.leases import Lease
from w2v.corpus.encoded import TokenCounts
from w2v.errors import TrainingError, W2VError
from w2v.kernel._tables import first_bad_row
from w2v.output import HeldOutput
from w2v.training.checkpoint import CheckpointFile
from w2v.training.state import Totals
from w2v.training.tensors import Tensor, file_size, header_of, matrix_tensor, write_tensors

if TYPE_CHECKING:
    from w2v.cluster.run import ClusterRun

__all__ = ["ClusterCheckpoint", "ClusterKeeper", "write_cluster_checkpoint"]

FORMAT = "w2v cluster checkpoint 2"
TOKEN_COUNTS = [field.name for field in dataclasses.fields(TokenCounts)]
TOTALS = [field.name for field in dataclasses.fields(Totals)]


def write_cluster_checkpoint(
    place: str | HeldOutput, run: ClusterRun, matrices: list[np.ndarray], done: list[Lease], ledger: Ledger,
    seconds: float,
) -> None:
    """Write what the nodes have in common, in one step. TrainingError if it is not finite, OSError, W2VError."""
    import w2v

    run.check_finite(matrices)
    assert run.setup is not None
    assert run.coordinator is not None
    state = {
        "w2v": w2v.__version__,
        "train": dataclasses.asdict(run.config),
        "corpus": dataclasses.asdict(run.corpus_config),
        "digest": run.digest(),
        "chunks": len(run.setup.chunks),
        "kept": run.setup.kept,
        "workers": run.coordinator.workers,
        "seconds": seconds,
    }
    epochs = run.config.epochs
    sums = np.array(
        [[getattr(ledger.epochs.get(epoch, Totals()), name) for name in TOTALS] for epoch in range(epochs)], np.float64
    )
    token_counts = np.full((len(run.setup.chunks), len(TOKEN_COUNTS)), -1, np.int64)
    for chunk, found in ledger.chunks.items():
        token_counts[chunk] = [getattr(found, name) for name in TOKEN_COUNTS]
    tensors = {
        "done": Tensor.of(np.array([(x.epoch, x.chunk) for x in sorted(done)], np.int64).reshape(-1, 2)),
        "chunk_token_counts": Tensor.of(token_counts),
        "epoch_sums": Tensor.of(sums),
        "vectors": matrix_tensor(matrices[0], run.config.dim),
        "outputs": matrix_tensor(matrices[1], run.config.dim),
    }
    header = header_of(tensors, {"format": FORMAT, "state": json.dumps(state, sort_keys=True)})
    place = place if isinstance(place, HeldOutput) else HeldOutput(place)
    with place.replace(file_size(header, tensors)) as out:
        write_tensors(out, header, tensors)


class ClusterCheckpoint(CheckpointFile):
    """A checkpoint open for reading; a context manager. CheckpointError says what is wrong with it."""

    FORMAT = FORMAT
    OTHERWISE = "a run is resumed as it was started, with or without --cluster"

    @property
    def workers(self) -> int:
        """Numbers of workers that are used up."""
        return self.state["workers"]

    def check_corpus(self, run: ClusterRun) -> None:
        """Raise CheckpointError if the corpus or its vocabulary is another one."""
        if self.state["digest"] != run.digest():
            raise self.error(
                "another corpus", "its files, words or counts are not those that the run was started with"
            )

    def done(self) -> list[Lease]:
        """Leases that need not be trained again."""
        rows = self._file.read("done", "I64", 2)
        epochs, chunks = self.state["train"].get("epochs", 0), self.state["chunks"]
        if rows.shape[1:] != (2,) or np.any(rows < 0) or np.any(rows >= (epochs, chunks)):
            raise self.error("the leases", "one is not of this run")
        leases = [Lease(*row) for row in rows.tolist()]
        if len(set(leases)) != len(leases):
            raise self.error("the leases", "one stands there twice")
        return leases

    def ledger(self) -> Ledger:
        """What was counted so far."""
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
        return ledger

    def model(self, words: int) -> list[np.ndarray]:
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
        wanted = {"train": dict, "corpus": dict, "digest": str, "chunks": int, "kept": int, "workers": int}
        for name, kind in wanted.items():
            value = state.get(name) if isinstance(state, dict) else None
            if type(value) is not kind or (kind is int and not 0 <= value < 2**40):
                raise self.error("the state", f"{name} is missing or wrong")
        seconds = state.get("seconds")
        if type(seconds) not in (int, float) or not 0 <= seconds < 2**40:
            raise self.error("the state", "seconds are missing or wrong")
        return state


class ClusterKeeper:
    """Writes the checkpoint of a run every `every_s` seconds (0: only when it is stopped).

    As with an ordinary run, one that cannot be written does not end the training: `on_failure` gets the error.
    """

    def __init__(self, place: str | HeldOutput, every_s: float, on_failure: Callable[[Exception], Any]):
        self.place, self.every_s, self.on_failure = place, every_s, on_failure
        self.seconds_before = 0.0
        self.failure: Exception | None = None
        self._started = self._last = time.monotonic()

    def due(self) -> bool:
        return self.every_s > 0 and time.monotonic() - self._last >= self.every_s

    async def keep_running(self, run: ClusterRun) -> None:
        """While the nodes go on training: bring all rows together, then write."""
        assert run.coordinator is not None
        async with run.coordinator.turn:
            if self.due():
                done = run.coordinator.done()  # what is done after that is trained again: it may miss the exchange
                await run.coordinator.exchange_all()
                await self.keep(run, done)

    async def keep(self, run: ClusterRun, so_far: tuple[list[Lease], Ledger] | None = None) -> bool:
        """Write what the nodes have in common; without `so_far` they have stopped."""
        coordinator = run.coordinator
        assert coordinator is not None
        self._last = time.monotonic()
        done, ledger = so_far or coordinator.done()
        matrices = await coordinator.fetch()
        seconds = self.seconds_before + time.monotonic() - self._started
        try:
            write_cluster_checkpoint(self.place, run, matrices, done, ledger, seconds)
            self.failure = None
        except TrainingError:
            raise
        except (OSError, W2VError) as error:
            self.failure = error
            if so_far is not None:
                self.on_failure(error)
        self._last = time.monotonic()
        return self.failure is None

    def keep_finished(self, run: ClusterRun, seconds: float) -> bool:
        """Whether the training, which has ended after `seconds`, is in the checkpoint."""
        assert run.coordinator is not None
        try:
            write_cluster_checkpoint(self.place, run, run.matrices, *run.coordinator.done(), seconds)
            return True
        except (OSError, W2VError) as error:
            self.failure = error
            return False
