"""From files to vectors on a cluster."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import w2v
from w2v.cluster.checkpoint import ClusterCheckpoint, ClusterCheckpointer, ClusterState
from w2v.cluster.chunks import cut
from w2v.cluster.coordinator import ClusterProgress, Coordinator
from w2v.cluster.counting import count_corpus
from w2v.cluster.files import find_files
from w2v.cluster.leases import Lease, Leases, Ledger
from w2v.cluster.node import Setup
from w2v.cluster.session import HeadLost, session
from w2v.cluster.synced_rows import Schedule
from w2v.corpus.vocab import TokenCounts
from w2v.errors import SettingsError, TrainingError, setting
from w2v.kernel._tables import first_bad_row
from w2v.training.progress import TrainingStopped, TrainResult, TrainSummary
from w2v.training.run import Run
from w2v.vectors.vectors import Vectors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from w2v.corpus.config import CorpusConfig
    from w2v.corpus.encoded import CorpusInfo
    from w2v.corpus.sources import OnProgress
    from w2v.corpus.vocab import Vocab
    from w2v.training.config import TrainConfig

    Matrices = list[NDArray[np.float32]]

__all__ = ["ClusterOptions", "ClusterRun", "ClusterSummary", "ClusterTrainer"]

TOP_ROWS = 32768  # of each matrix, exchanged every time
MOST_ROWS_BYTES = 128 << 20  # of one matrix, in one step of an exchange


@dataclass(frozen=True)
class ClusterOptions:
    """How the nodes work together.

    `address` is auto or HOST:PORT; `chunk_bytes` and `top_rows` are for studies.
    """

    address: str = "auto"
    sync_every_s: float = 1.0
    combine: str = "settling"
    top_rows: int = TOP_ROWS
    chunk_bytes: int | None = None
    tmp_dir: str | os.PathLike[str] | None = None


@dataclass(frozen=True)
class ClusterSummary(TrainSummary):
    """What a training on a cluster did; `threads` are those of all nodes that took part to the end."""

    nodes: int = 1
    exchanges: int = 0
    bytes_exchanged: int = 0
    nodes_lost: int = 0
    chunks_lost: int = 0  # leased to a node that died, and trained by another


class ClusterTrainer:
    """One training on the nodes of a cluster: `read` counts the corpus, `train` trains.

    A context manager that holds the connection to Ray.
    """

    setup: Setup  # once it is read
    coordinator: Coordinator  # once it is trained on

    def __init__(
        self,
        paths: Sequence[str | os.PathLike[str]],
        corpus_config: CorpusConfig,
        config: TrainConfig,
        options: ClusterOptions,
    ):
        self.paths, self.corpus_config, self.options = list(paths), corpus_config, options
        self.threads = config.threads  # on each node; None: all CPUs of it
        self.config = config.resolved()
        if self.config.reproducible:
            raise SettingsError(
                f"{setting('reproducible')}: is not for a cluster, whose nodes exchange what they have learned by the"
                " clock; train on one machine"
            )
        self.token_counts = TokenCounts()

    def __enter__(self) -> ClusterTrainer:
        self.sources = find_files(self.paths)  # a missing file is found before any work
        self._session: AbstractContextManager[Any] = session(self.options.address, self.threads)
        self.ray = self._session.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._session.__exit__(*error)

    @property
    def vocab(self) -> Vocab:
        return self.setup.vocab

    def read(self, vocab: Vocab | None = None, on_progress: OnProgress | None = None) -> Vocab:
        """Cut and count the corpus on all nodes; returns the vocabulary."""
        options = self.options
        pruned = None if vocab is None else vocab.pruned(self.corpus_config.min_count, self.corpus_config.max_vocab)
        name = self.sources[0].name + (f" and {len(self.sources) - 1} more" if len(self.sources) > 1 else "")
        counted = count_corpus(
            self.ray, cut(self.sources, options.chunk_bytes), self.corpus_config, pruned, name, on_progress
        )
        self.token_counts = counted.token_counts
        self.token_counts.files = len(self.sources)
        chunks = [dataclasses.replace(chunk, number=number) for number, chunk in enumerate(counted.chunks)]
        self.setup = Setup(
            version=w2v.__version__,
            vocab=counted.vocab,
            kept=self.token_counts.kept,
            chunks=chunks,
            tokens=counted.tokens,
            corpus_config=self.corpus_config,
            config=self.config,
            combine=options.combine,
            tmp_dir=options.tmp_dir,
        )
        return counted.vocab

    def digest(self) -> str:
        """Hex BLAKE2b over words, counts, where each chunk begins and ends, and its text."""
        hash = hashlib.blake2b(b"w2v cluster corpus 2\n", digest_size=32)
        for piece in self.setup.vocab.words.pieces(b"\n"):
            hash.update(piece)
        hash.update(self.setup.vocab.counts.astype("<i8", copy=False))
        for chunk in self.setup.chunks:
            source = chunk.source
            hash.update(f"{source.path}\n{source.origin}:{source.stop}:{source.size}:{chunk.digest}\n".encode())
        return hash.hexdigest()

    def train(
        self,
        on_progress: Callable[[ClusterProgress], object] | None = None,
        should_stop: Callable[[], bool] | None = None,
        checkpointer: ClusterCheckpointer | None = None,
        before: ClusterCheckpoint | None = None,
        tell: Callable[[str], object] = lambda _: None,
    ) -> TrainResult:
        """Train to the end, from the start or from a checkpoint.

        TrainingStopped if `should_stop` says so, HeadLost if the cluster's head node is gone; the checkpoint is written
        then, unless `checkpointer.failure` says why not.
        """
        return asyncio.run(self._train(on_progress, should_stop or (lambda: False), checkpointer, before, tell))

    async def _train(
        self,
        on_progress: Callable[[ClusterProgress], object] | None,
        should_stop: Callable[[], bool],
        checkpointer: ClusterCheckpointer | None,
        before: ClusterCheckpoint | None,
        tell: Callable[[str], object],
    ) -> TrainResult:
        coordinator = self.coordinator = self.new_coordinator(before, tell)
        self.seconds_before = before.seconds if before is not None else 0.0

        def look() -> None:
            if on_progress is not None:
                on_progress(coordinator.progress())
            if checkpointer is not None and checkpointer.due() and not coordinator.exchange.turn.locked():
                coordinator.spawn(self.keep_running(checkpointer))

        try:
            await coordinator.run(look, should_stop)
            self.matrices = await self.fetch()
        except (TrainingStopped, HeadLost):
            if checkpointer is not None and coordinator.members:
                checkpointer.write_cluster(self.state(await self.fetch()), stopping=True)
            elif checkpointer is not None:
                checkpointer.failure = TrainingError("no node was ready yet")
            raise
        finally:
            await coordinator.close()
        self.seconds = coordinator.seconds + self.seconds_before
        self.finish_token_counts()
        return self.result()

    def new_coordinator(self, before: ClusterCheckpoint | None, tell: Callable[[str], object]) -> Coordinator:
        setup = self.setup
        rows = len(setup.vocab)
        most = max(1, MOST_ROWS_BYTES // (4 * self.config.dim))
        return Coordinator(
            self.ray,
            setup,
            Leases(len(setup.chunks), self.config.epochs, before.done() if before else ()),
            before.ledger() if before else Ledger(),
            Schedule(rows, self.options.top_rows, most),
            sync_every_s=self.options.sync_every_s,
            threads=self.threads,
            model=before.model(rows) if before else None,
            workers=before.workers if before else 0,
            tell=tell,
        )

    async def keep_running(self, checkpointer: ClusterCheckpointer) -> None:
        """A checkpoint while the nodes go on training: bring all rows together, then write."""
        coordinator = self.coordinator
        async with coordinator.exchange.turn:
            if checkpointer.due():
                done = coordinator.done()  # what is done after that is trained again: it may miss the exchange
                await coordinator.exchange_all()
                checkpointer.write_cluster(self.state(await self.fetch(), done))

    async def fetch(self) -> Matrices:
        """Both matrices from the nodes; TrainingError if they are not finite."""
        matrices = await self.coordinator.nodes.fetch()
        for matrix in matrices:
            if first_bad_row(matrix, 0, len(matrix)) >= 0:
                raise TrainingError(
                    "training diverged (a value is not a number); try"
                    f" {setting('lr', float(f'{self.config.lr / 2:.2g}'))} or a shorter {setting('sync_every')}"
                )
        return matrices

    def state(self, matrices: Matrices, so_far: tuple[list[Lease], Ledger] | None = None) -> ClusterState:
        """What a checkpoint with these matrices is made of; without `so_far` the nodes have stopped."""
        coordinator = self.coordinator
        done, ledger = so_far or coordinator.done()
        return ClusterState(
            config=self.config,
            corpus_config=self.corpus_config,
            digest=self.digest(),
            chunks=len(self.setup.chunks),
            kept=self.setup.kept,
            workers=coordinator.nodes.workers,
            seconds=coordinator.seconds + self.seconds_before,
            done=done,
            ledger=ledger,
            matrices=matrices,
        )

    def keep_finished(self, checkpointer: ClusterCheckpointer) -> bool:
        """Whether the training, which has ended, is in the checkpoint."""
        return checkpointer.write_cluster(
            dataclasses.replace(self.state(self.matrices), seconds=self.seconds), stopping=True
        )

    def finish_token_counts(self) -> None:
        """Add sentences, which are known since every chunk was trained; raise unless the token counts add up."""
        ledger = self.coordinator.ledger
        for name in ("sentences", "cut_sentences"):
            setattr(self.token_counts, name, sum(getattr(found, name) for found in ledger.chunks.values()))
        self.token_counts.check()
        if ledger.totals.tokens != self.setup.kept * self.config.epochs:
            raise ValueError(
                f"the token counts do not add up: {ledger.totals.tokens} tokens trained, of"
                f" {self.setup.kept} x {self.config.epochs}"
            )

    def result(self) -> TrainResult:
        words = self.setup.vocab.words
        vectors = Vectors(words, self.matrices[0])
        vectors.metadata.update(self.config.as_text())
        context = Vectors(words, self.matrices[1]) if self.config.loss == "ns" else None
        return TrainResult(vectors, context, self.summary())

    def summary(self) -> ClusterSummary:
        coordinator, seconds = self.coordinator, self.seconds
        ledger, members = coordinator.ledger, coordinator.members
        sums = ledger.totals
        sums.check()
        return ClusterSummary(
            tokens_total=sums.tokens,
            trained=sums.trained,
            subsampled=sums.subsampled,
            alone=sums.alone,
            examples=sums.examples,
            epochs=self.config.epochs,
            seconds=seconds,
            words_per_s=sums.tokens / max(seconds, 1e-9),
            loss=sums.loss / sums.examples,
            epoch_losses=tuple(ledger.losses()),
            kernel=", ".join(sorted({m.greeting.kernel for m in members})),
            threads=sum(m.greeting.threads for m in members),
            lr=self.config.lr,
            min_lr=self.config.min_lr,
            nodes=len(members),
            exchanges=coordinator.exchange.rounds,
            bytes_exchanged=coordinator.exchange.bytes,
            nodes_lost=len(coordinator.nodes.lost),
            chunks_lost=coordinator.leases.lost,
        )


@dataclass
class ClusterRun(Run):
    """A run whose corpus is read and trained on by the nodes of a cluster."""

    address: str = "auto"
    sync_every_s: float = 1.0
    cluster: ClusterTrainer = field(init=False, repr=False)

    def check(self) -> None:
        if self.address != "auto":
            host, _, port = self.address.rpartition(":")
            if not host or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
                raise SettingsError(f"{setting('cluster')}: {self.address!r} is neither auto nor HOST:PORT")
        # What needs the whole corpus or the whole model on one machine while it is trained.
        given = {
            "held_out": self.config.held_out,
            "stop_early": self.config.stop_early,
            "eval": self.eval,
            "log": self.outputs.log,
            "report": self.outputs.report,
            "init": self.init,
            "continue_from": self.continue_from,
            "keep_checkpoint": self.checkpoint.keep,
            "phrases": self.corpus_config.phrases,
            "loss": self.config.loss == "softmax",
            "subwords": self.config.ngram_range,  # nodes exchange rows of words
        }
        for name, value in given.items():
            if value:
                raise SettingsError(
                    f"{setting(name)}: not with {setting('cluster')} yet; train on one machine for that"
                )
        super().check()

    def connect(self, files: ExitStack) -> None:
        self.before = self.open_checkpoint(ClusterCheckpoint, files)  # one of other settings is refused at once
        options = ClusterOptions(self.address, self.sync_every_s, tmp_dir=self.tmp_dir)
        self.cluster = files.enter_context(ClusterTrainer(self.corpus, self.corpus_config, self.config, options))

    def read(self, _files: ExitStack, _last: ExitStack) -> CorpusInfo:
        self.cluster.read(self.given_vocab(), self.reporter.reading)
        self.reporter.finish()
        return self.cluster

    def train(self) -> TrainResult:
        cluster, session = self.cluster, self.session
        before = self.before if isinstance(self.before, ClusterCheckpoint) else None
        if before is not None:
            before.check_corpus(cluster.digest())
        checkpointer = None
        if session.place is not None:
            checkpointer = ClusterCheckpointer(session.place, self.checkpoint.every_s, on_failure=session.tell_failure)
        session.begin(checkpointer)
        with self.stopping() as request:
            try:
                result = cluster.train(self.reporter.training, request, checkpointer, before, self.reporter.note)
            except TrainingStopped:
                raise session.stopped(cluster.coordinator.share, request.signal) from None
            except TrainingError as error:
                raise session.failed(error) from error
        if checkpointer is not None:
            session.trained(partial(cluster.keep_finished, checkpointer))
        return result
