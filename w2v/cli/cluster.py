"""`w2v train --cluster`: one training on many machines, from its files to its files."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from w2v.cli.errors import say
from w2v.cli.job import Job, shown_name
from w2v.cli.keeping import Keeping, reason, resume_command
from w2v.cli.progress import Silence
from w2v.cli.stopping import stop_softly
from w2v.errors import SettingsError
from w2v.numbers import size

if TYPE_CHECKING:
    from w2v.cluster.checkpoint import ClusterCheckpoint, ClusterKeeper
    from w2v.cluster.run import ClusterRun

__all__ = ["ClusterJob"]


@dataclass(frozen=True)
class ClusterJob(Job):
    """An ordinary job whose reading and training are done by the nodes of a cluster."""

    cluster: str = "auto"
    sync_every: float = 1.0

    def check(self) -> None:
        if self.cluster != "auto":
            host, _, port = self.cluster.rpartition(":")
            if not host or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
                raise SettingsError(f"--cluster: {self.cluster!r} is neither auto nor HOST:PORT")
        self.check_alone()
        super().check()

    def check_alone(self) -> None:
        """Raise for options that need the whole corpus or the whole model on one machine while it is trained."""
        config = self.config
        given = {
            "--held-out": config.held_out, "--stop-early": config.stop_early, "--eval": self.eval, "--log": self.log,
            "--report": self.report, "--init": self.init, "--continue": self.continue_from,
            "--keep-checkpoint": self.keep_checkpoint, "--phrases": self.corpus_config.phrases,
        }
        for name, value in given.items():
            if value:
                raise SettingsError(f"{name}: not with --cluster yet; train on one machine for that")

    def run(self, progress: Silence) -> list[str]:
        """Read, train, write; returns the summary."""
        from w2v.cluster.run import ClusterOptions, ClusterRun

        start = time.monotonic()
        options = ClusterOptions(self.cluster, self.sync_every, tmp_dir=self.tmp_dir)
        keeping = Keeping(self.output, self.checkpoint, self.checkpoint_every, self.resume)
        with (
            keeping,
            ClusterRun(self.corpus, self.corpus_config, self.config, options) as run,
            ExitStack() as files,
        ):
            started_s = time.monotonic() - start
            places = self.open_outputs(files)
            before = self.open_checkpoint(keeping, files)
            self.read_on(run, progress)
            read_s = time.monotonic() - start - started_s
            self.reserve(run, places)  # type: ignore[arg-type]
            result = self.train_on(run, keeping, before, progress)
            progress.finish()
            result = self.finished(result)
            self.write(run, result, places)  # type: ignore[arg-type]
            from w2v.cli.summary import summary_lines

            times = {"reading": read_s, "training": result.summary.seconds, "all": time.monotonic() - start}
            lines = summary_lines(run, result, shown_name(self.output), times)  # type: ignore[arg-type]
            lines[-1:-1] = [cluster_line(result.summary)]
            return lines

    def open_checkpoint(self, keeping: Keeping, files: ExitStack) -> ClusterCheckpoint | None:
        """The checkpoint to go on from, checked against the settings; None to begin from the start."""
        from w2v.cluster.checkpoint import ClusterCheckpoint

        checkpoint = keeping.open(ClusterCheckpoint, self.config, self.corpus_config)
        return files.enter_context(checkpoint) if checkpoint is not None else None

    def read_on(self, run: ClusterRun, progress: Silence) -> None:
        from w2v.corpus.vocab import Vocab
        from w2v.training.memory import check_memory

        vocab = Vocab.load(self.read_vocab) if self.read_vocab else None
        if vocab is not None:
            check_memory(self.config, len(vocab.pruned(1, self.corpus_config.max_vocab)))
        run.read(vocab, progress.reading)
        progress.finish()

    def train_on(
        self, run: ClusterRun, keeping: Keeping, before: ClusterCheckpoint | None, progress: Silence
    ) -> Any:
        """Train to the end; KeyboardInterrupt when a signal has stopped it and the checkpoint is written."""
        from w2v.cluster.checkpoint import ClusterKeeper
        from w2v.training.progress import TrainingStopped

        keeper = None
        if keeping.path is not None:
            keeper = ClusterKeeper(keeping.path, self.checkpoint_every, keeping.tell_failure)
        if before is not None:
            before.check_corpus(run)
            if keeper is not None:
                keeper.seconds_before = before.seconds
        tell = (lambda line: None) if self.quiet else say
        with stop_softly() as wish:
            try:
                result = run.train(progress.training, wish, keeper, before, tell)
                if keeper is not None:
                    keeping.keep_result = lambda: keeper.keep_finished(run, result.summary.seconds)
                return result
            except TrainingStopped:
                progress.finish(complete=False)
                tell_stop(run, keeper)
                raise wish.error() from None


def tell_stop(run: ClusterRun, keeper: ClusterKeeper | None) -> None:
    """What is left of a training that was stopped, and how to go on."""
    if keeper is None:
        say("nothing is kept of a training to standard output or a device; --checkpoint FILE keeps it")
    elif keeper.failure is not None:
        say(f"warning: the run could not be kept: {reason(keeper.failure)}")
    else:
        assert run.coordinator is not None
        share = run.coordinator.tokens / max(1, run.coordinator.tokens_total)
        say(f"stopped after {100 * share:.0f} %; {keeper.path} holds the run. Go on with:")
        say(f"  {resume_command()}")


def cluster_line(summary: Any) -> str:
    """What the nodes did together."""
    nodes = f"{summary.nodes} node{'' if summary.nodes == 1 else 's'}"
    line = f"{nodes}, {size(summary.bytes_exchanged)} exchanged in {summary.exchanges:,} exchanges"
    if summary.nodes_lost:
        line += f"; {summary.nodes_lost:,} lost on the way, {summary.chunks_lost:,} chunks trained again"
    return line
