"""From files to vectors on a cluster."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from w2v.cluster.chunks import cut
from w2v.cluster.coordinator import Coordinator, Ledger
from w2v.cluster.counting import count_corpus
from w2v.cluster.files import find_files
from w2v.cluster.leases import Leases
from w2v.cluster.node import Setup
from w2v.cluster.progress import ClusterProgress, ClusterSummary
from w2v.cluster.schedule import Schedule
from w2v.cluster.session import HeadLost, session
from w2v.corpus.config import CorpusConfig
from w2v.corpus.encoded import TokenCounts
from w2v.corpus.progress import OnProgress
from w2v.corpus.vocab import Vocab
from w2v.errors import SettingsError, TrainingError, setting
from w2v.kernel._tables import first_bad_row
from w2v.training.config import TrainConfig
from w2v.training.progress import TrainingStopped, TrainResult
from w2v.training.run import Run

if TYPE_CHECKING:
    from contextlib import ExitStack

    from w2v.cluster.checkpoint import ClusterCheckpoint, ClusterKeeper
    from w2v.corpus.encoded import CorpusInfo

__all__ = ["ClusterOptions", "ClusterRun", "ClusterTraining"]

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


class ClusterRun:
    """One run: `read` counts the corpus, `train` trains. A context manager that holds the connection to Ray."""

    def __init__(
        self, paths: Sequence[str | os.PathLike[str]], corpus_config: CorpusConfig, config: TrainConfig,
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
        self.vocab: Vocab  # once it is read
        self.setup: Setup | None = None
        self.coordinator: Coordinator | None = None
        self.matrices: list[np.ndarray] = []  # of the finished training, vectors and outputs

    def __enter__(self) -> ClusterRun:
        self.sources = find_files(self.paths)  # said before any work
        self._session = session(self.options.address, self.threads)
        self.ray = self._session.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._session.__exit__(*error)

    def read(self, vocab: Vocab | None = None, on_progress: OnProgress | None = None) -> Vocab:
        """Cut and count the corpus on all nodes; returns the vocabulary."""
        import w2v

        options = self.options
        pruned = None if vocab is None else vocab.pruned(self.corpus_config.min_count, self.corpus_config.max_vocab)
        name = self.sources[0].name + (f" and {len(self.sources) - 1} more" if len(self.sources) > 1 else "")
        counted = count_corpus(
            self.ray, cut(self.sources, options.chunk_bytes), self.corpus_config, pruned, name, on_progress
        )
        self.token_counts, self.vocab = counted.token_counts, counted.vocab
        self.token_counts.files = len(self.sources)
        chunks = [dataclasses.replace(chunk, number=number) for number, chunk in enumerate(counted.chunks)]
        self.setup = Setup(
            version=w2v.__version__, vocab=counted.vocab, kept=self.token_counts.kept, chunks=chunks,
            tokens=counted.tokens, corpus_config=self.corpus_config, config=self.config, combine=options.combine,
            tmp_dir=options.tmp_dir,
        )
        return counted.vocab

    def digest(self) -> str:
        """Hex BLAKE2b over words, counts, where each chunk begins and ends, and its text."""
        assert self.setup is not None
        hash = hashlib.blake2b(b"w2v cluster corpus 2\n", digest_size=32)
        hash.update(b"\n".join(self.setup.vocab.words))
        hash.update(self.setup.vocab.counts.astype("<i8", copy=False).tobytes())
        for chunk in self.setup.chunks:
            source = chunk.source
            hash.update(f"{source.path}\n{source.origin}:{source.stop}:{source.size}:{chunk.digest}\n".encode())
        return hash.hexdigest()

    def train(
        self, on_progress: Callable[[ClusterProgress], Any] | None = None,
        should_stop: Callable[[], bool] | None = None, keeper: ClusterKeeper | None = None,
        resume: ClusterCheckpoint | None = None, tell: Callable[[str], Any] = lambda line: None,
    ) -> TrainResult:
        """Train to the end. TrainingStopped when `should_stop` says so and the checkpoint is written."""
        return asyncio.run(self._train(on_progress, should_stop, keeper, resume, tell))

    async def _train(self, on_progress: Any, should_stop: Any, keeper: Any, resume: Any, tell: Any) -> TrainResult:
        assert self.setup is not None
        config, setup = self.config, self.setup
        ledger, done, model = Ledger(), [], None
        if resume is not None:
            ledger, done, model = resume.ledger(), resume.done(), resume.model(len(setup.vocab))
        most = max(1, MOST_ROWS_BYTES // (4 * config.dim))
        coordinator = self.coordinator = Coordinator(
            self.ray, setup, Leases(len(setup.chunks), config.epochs, done), ledger,
            Schedule(len(setup.vocab), self.options.top_rows, most), sync_every_s=self.options.sync_every_s,
            threads=self.threads, model=model, tell=tell,
        )
        if resume is not None:
            coordinator.workers = resume.workers
        def look() -> None:
            if on_progress is not None:
                on_progress(coordinator.progress())
            if keeper is not None and keeper.due() and not coordinator.turn.locked():
                coordinator.spawn(keeper.keep_running(self))

        try:
            await coordinator.run(look, should_stop or (lambda: False))
            matrices = await coordinator.fetch()
        except (TrainingStopped, HeadLost):
            if keeper is not None and coordinator.members:
                await keeper.keep(self)
            elif keeper is not None:
                keeper.failure = TrainingError("no node was ready yet")
            raise
        finally:
            await coordinator.close()
        self.check_finite(matrices)
        self.matrices = matrices
        self.enter_token_counts(ledger)
        seconds = time.perf_counter() - coordinator.started + (resume.seconds if resume is not None else 0.0)
        return self.result(matrices, seconds)

    def check_finite(self, matrices: list[np.ndarray]) -> None:
        for matrix in matrices:
            if first_bad_row(matrix, 0, len(matrix)) >= 0:
                raise TrainingError(
                    "training diverged (a value is not a number); try"
                    f" {setting('lr', float(f'{self.config.lr / 2:.2g}'))} or a shorter {setting('sync_every')}"
                )

    def enter_token_counts(self, ledger: Ledger) -> None:
        """Sentences, which are known since every chunk was trained; raise unless the token counts add up."""
        assert self.setup is not None
        for name in ("sentences", "cut_sentences"):
            setattr(self.token_counts, name, sum(getattr(found, name) for found in ledger.chunks.values()))
        self.token_counts.check()
        if ledger.totals.tokens != self.setup.kept * self.config.epochs:
            raise ValueError(
                f"the token counts do not add up: {ledger.totals.tokens} tokens trained, of"
                f" {self.setup.kept} x {self.config.epochs}"
            )

    def result(self, matrices: list[np.ndarray], seconds: float) -> TrainResult:
        from w2v.vectors.vectors import Vectors

        assert self.setup is not None
        words = self.setup.vocab.words
        vectors = Vectors(words, matrices[0])
        vectors.metadata.update(self.config.as_text())
        context = Vectors(words, matrices[1]) if self.config.loss == "ns" else None
        return TrainResult(vectors, context, self.summary(seconds))

    def summary(self, seconds: float) -> ClusterSummary:
        coordinator = self.coordinator
        assert coordinator is not None
        ledger, members = coordinator.ledger, coordinator.members
        sums = ledger.totals
        sums.check()
        return ClusterSummary(
            tokens_total=sums.tokens, trained=sums.trained, subsampled=sums.subsampled, alone=sums.alone,
            examples=sums.examples, epochs=self.config.epochs, seconds=seconds,
            words_per_s=sums.tokens / max(seconds, 1e-9), loss=sums.loss / sums.examples,
            epoch_losses=tuple(ledger.losses()), kernel=", ".join(sorted({m.greeting.kernel for m in members})),
            threads=sum(m.greeting.threads for m in members), lr=self.config.lr, min_lr=self.config.min_lr,
            nodes=len(members), exchanges=coordinator.exchange.rounds, bytes_exchanged=coordinator.exchange.bytes,
            nodes_lost=len(coordinator.lost), chunks_lost=coordinator.leases.lost,
        )


@dataclass
class ClusterTraining(Run):
    """A run whose corpus is read and trained on by the nodes of a cluster."""

    address: str = "auto"
    sync_every_s: float = 1.0
    cluster: ClusterRun = field(init=False, repr=False)

    def check(self) -> None:
        if self.address != "auto":
            host, _, port = self.address.rpartition(":")
            if not host or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
                raise SettingsError(f"{setting('cluster')}: {self.address!r} is neither auto nor HOST:PORT")
        # What needs the whole corpus or the whole model on one machine while it is trained.
        given = {
            "held_out": self.config.held_out, "stop_early": self.config.stop_early, "eval": self.eval,
            "log": self.outputs.log, "report": self.outputs.report, "init": self.init,
            "continue_from": self.continue_from, "keep_checkpoint": self.checkpoint.keep,
            "phrases": self.corpus_config.phrases,
        }
        for name, value in given.items():
            if value:
                raise SettingsError(
                    f"{setting(name)}: not with {setting('cluster')} yet; train on one machine for that"
                )
        super().check()

    def connect(self, files: ExitStack) -> None:
        options = ClusterOptions(self.address, self.sync_every_s, tmp_dir=self.tmp_dir)
        self.cluster = files.enter_context(ClusterRun(self.corpus, self.corpus_config, self.config, options))

    def read(self, files: ExitStack, last: ExitStack) -> CorpusInfo:
        from w2v.cluster.checkpoint import ClusterCheckpoint

        self.before = self.open_checkpoint(ClusterCheckpoint, files)
        self.cluster.read(self.given_vocab(), self.reporter.reading)
        self.reporter.finish()
        return self.cluster

    def train(self, files: ExitStack) -> TrainResult:
        from w2v.cluster.checkpoint import ClusterCheckpoint, ClusterKeeper

        cluster, session = self.cluster, self.session
        before = self.before if isinstance(self.before, ClusterCheckpoint) else None
        keeper = None
        if session.place is not None:
            keeper = ClusterKeeper(session.place, self.checkpoint.every_s, session.tell_failure)
        if before is not None:
            before.check_corpus(cluster)
            if keeper is not None:
                keeper.seconds_before = before.seconds
        session.begin(keeper)
        with self.stopping() as request:
            try:
                result = cluster.train(self.reporter.training, request, keeper, before, self.reporter.note)
            except TrainingStopped:
                coordinator = cluster.coordinator
                share = coordinator.tokens / max(1, coordinator.tokens_total) if coordinator is not None else 0.0
                raise session.stopped(share, request.signal) from None
            except TrainingError as error:
                raise session.failed(error) from error
        if keeper is not None:
            session.trained(partial(keeper.keep_finished, cluster, result.summary.seconds))
        return result
