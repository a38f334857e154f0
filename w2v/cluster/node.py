"""One node of the cluster: the Ray actor around a replica. The coordinator calls its methods, several at a time."""

from __future__ import annotations

import dataclasses
import os
import socket
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

import w2v
from w2v.cluster.leases import Done, Lease
from w2v.cluster.replica import Replica
from w2v.cluster.synced_rows import SyncedRows, combine_packed
from w2v.corpus.reader import read_corpus
from w2v.errors import CorpusError, TrainingError, W2VError
from w2v.machine import available_memory
from w2v.threads import Group
from w2v.training.memory import check_memory

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from w2v.cluster.chunks import Chunk
    from w2v.cluster.synced_rows import Part
    from w2v.corpus.config import CorpusConfig
    from w2v.corpus.vocab import TokenCounts, Vocab
    from w2v.training.config import ResolvedConfig

__all__ = ["Greeting", "Node", "Report", "Setup"]

ID_SHARE = 4  # ids may take a quarter of the memory that is free; the others are in unnamed files


@dataclass(frozen=True)
class Setup:
    """What every node has to know of the run."""

    version: str
    vocab: Vocab
    kept: int  # tokens of the corpus that are in the vocabulary
    chunks: list[Chunk]
    tokens: list[int]  # read in each chunk when it was counted
    corpus_config: CorpusConfig
    config: ResolvedConfig
    combine: str
    tmp_dir: str | os.PathLike[str] | None = None


@dataclass(frozen=True)
class Greeting:
    """What a node says of itself."""

    host: str
    pid: int
    threads: int
    kernel: str


@dataclass
class Report:
    """What a node has done since its last report."""

    tokens: int  # trained on this node, of unfinished chunks too
    done: list[Done]
    ahead: int  # tokens that it still has to train
    error: W2VError | OSError | None = None


@dataclass
class Reading:
    """Ids of the chunks that this node has read, and what is still to be read; by a thread of its own."""

    ids: dict[int, NDArray[np.int32]] = field(default_factory=dict)
    token_counts: dict[int, TokenCounts] = field(default_factory=dict)  # not reported yet
    wanted: deque[Lease] = field(default_factory=deque)
    size: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)
    stop: bool = False
    threads: Group = field(default_factory=Group)


class Node:
    """A replica that trains what it is leased and takes part in exchanges."""

    def __init__(self) -> None:
        self.synced: SyncedRows | None = None
        self.lock = threading.Lock()  # held by what changes the synced rows
        self.stamp = 0  # of the last call that did
        self.applied = 0  # of the last exchange whose results were put in
        self.error: W2VError | OSError | None = None
        self.reading = Reading()

    def load(self, setup: Setup, threads: int, first_worker: int) -> Greeting:
        """Build the replica. TrainingError where it does not fit, or this is another version of w2v."""
        host = socket.gethostname()
        if setup.version != w2v.__version__:
            raise TrainingError(
                f"{host}: w2v {w2v.__version__} is installed here and {setup.version} where the run was started;"
                " install the same version on all nodes"
            )
        self.setup = setup
        config = dataclasses.replace(setup.config, threads=threads)
        check_memory(config, len(setup.vocab))
        self.replica = Replica(setup.vocab, setup.kept, config, first_worker)
        self.memory_limit = available_memory() // ID_SHARE
        return self.greet()

    def start(self, share: bool) -> None:
        """Begin to train what comes; `share`: there are other nodes."""
        if share:
            self.share()
        self.replica.start()
        self.reading.threads.start_all([self._read])

    def greet(self) -> Greeting:
        return Greeting(socket.gethostname(), os.getpid(), self.replica.threads, self.replica.kernel.NAME)

    # Work

    def work(self, tokens_elsewhere: int, lr_scale: float, leases: list[Lease], wait_s: float) -> Report:
        """Take these leases; come back when a chunk is trained, or after `wait_s`."""
        self.replica.tokens_elsewhere = tokens_elsewhere
        self.replica.lr_scale = lr_scale
        if leases:
            with self.reading.changed:
                self.reading.wanted.extend(leases)
                self.reading.changed.notify_all()
        done = [
            Done(job.lease, job.totals, self.reading.token_counts.pop(job.lease.chunk, None))
            for job in self.replica.wait(0 if self.error else wait_s)
        ]
        return Report(self.replica.own_tokens, done, self._ahead(), self.error or self._failure())

    def _ahead(self) -> int:
        waiting = sum(self.setup.tokens[lease.chunk] for lease in list(self.reading.wanted))
        return waiting + self.replica.ahead

    def _failure(self) -> W2VError | OSError | None:
        error = self.replica.error
        if error is None or isinstance(error, (W2VError, OSError)):
            return error
        return TrainingError(f"{socket.gethostname()}: a thread failed, {type(error).__name__}: {error}")

    def _read(self) -> None:
        """The thread that turns leased chunks into ids, one ahead of the training."""
        reading = self.reading
        try:
            while True:
                with reading.changed:
                    reading.changed.wait_for(lambda: reading.wanted or reading.stop)
                    if reading.stop:
                        return
                    lease = reading.wanted[0]
                ids = self._ids(lease.chunk)
                with reading.changed:
                    reading.wanted.popleft()
                    self.replica.add(lease, ids)
        except (W2VError, OSError) as error:
            self.error = error
        except BaseException as error:
            self.error = TrainingError(f"{socket.gethostname()}: {type(error).__name__}: {error}")

    def _ids(self, number: int) -> NDArray[np.int32]:
        """int32 ids of a chunk, kept from the first time on: in memory, past a limit in an unnamed file."""
        reading, setup = self.reading, self.setup
        if number in reading.ids:
            return reading.ids[number]
        chunk = setup.chunks[number]
        corpus = read_corpus(
            chunk.source,
            setup.corpus_config,
            threads=1,
            vocab=setup.vocab,
            tmp_dir=setup.tmp_dir,
            part=True,
            memory_limit=max(0, self.memory_limit - reading.size),
        )
        if corpus.token_counts.read != setup.tokens[number]:
            raise CorpusError(
                f"{chunk.name}: has changed: {setup.tokens[number]:,} tokens when it was counted, now"
                f" {corpus.token_counts.read:,}; leave the corpus alone while it is trained on"
            )
        if not corpus.spooled:
            reading.size += corpus.ids.nbytes
        reading.ids[number], reading.token_counts[number] = corpus.ids, corpus.token_counts
        return corpus.ids

    # Exchange

    def share(self) -> None:
        """Begin to keep what this node has in common with others: from now on there are some."""
        if self.synced is None:
            self.synced = SyncedRows(self.replica.model, self.setup.vocab.counts, self.replica.spent)

    def accepts(self, stamp: int) -> bool:
        """Whether a call is still wanted: not if it comes later than one that was made after it."""
        if stamp < self.stamp:
            return False
        self.stamp = stamp
        return True

    def settle(self, stamp: int) -> bool:
        """What this node has trained, alone, is the common state: nobody else's is averaged with it."""
        with self.lock:
            if not self.accepts(stamp):
                return False
            self.synced = None  # its memory is free before the next one is made
            self.share()
            return True

    def collect(self, stamp: int, part: Part, owners: int) -> list[Any]:
        """Whether it was accepted, and this node's changes of the part's rows: packed, one array for each owner."""
        with self.lock:
            if not self.accepts(stamp):
                return [False] * (owners + 1)
            assert self.synced is not None
            return [True, *self.synced.collect(part, owners, self.replica.spent)]

    def combine(self, *given: NDArray[np.uint8]) -> tuple[bool, NDArray[np.uint8]]:
        """True, and what the nodes' changes of the same rows come to, packed."""
        return True, combine_packed(self.setup.combine, given)

    def apply(self, stamp: int, part: Part, *combined: NDArray[np.uint8]) -> bool:
        """Put in the results of the exchange of this number, if that is the last thing that was begun here."""
        with self.lock:
            if stamp != self.stamp:
                return False
            assert self.synced is not None
            self.synced.apply(part, list(combined))
            self.applied = stamp
            return True

    def close(self, stamp: int) -> int:
        """Take part in no older exchange from now on; the number of the last one whose results were put in."""
        with self.lock:
            self.accepts(stamp)
            return self.applied

    # The whole model

    def rows(self, matrix: int, first: int, stop: int, alone: bool = False) -> NDArray[np.float32]:
        """Rows of the common state; of the model itself where there are no other nodes, or not any more (`alone`)."""
        if self.synced is not None and not alone:
            return self.synced.base[matrix][first:stop]
        model = self.replica.model
        return np.ascontiguousarray((model.inputs, model.outputs)[matrix][first:stop, : model.dim])

    def give(self, matrix: int, first: int, stop: int) -> tuple[bool, NDArray[np.float32]]:
        """True, and these rows for another node: from now on there are others."""
        self.share()
        return True, self.rows(matrix, first, stop)

    def adopt(self, stamp: int, matrix: int, first: int, rows: NDArray[np.float32]) -> bool:
        """Take the common state of another node, and keep what was changed here since the last exchange."""
        with self.lock:
            if not self.accepts(stamp):
                return False
            self.share()
            assert self.synced is not None
            self.synced.adopt(matrix, first, np.asarray(rows))
            return True

    def halt(self) -> None:
        """Stop training after the present spans."""
        with self.reading.changed:
            self.reading.stop = True
            self.reading.changed.notify_all()
        self.replica.stop()
