"""The checkpoint of a command: where it is, when it is written, what is told of it, how to go on from it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import click

from w2v.cli.errors import os_error_text, say
from w2v.cli.output import STDOUT
from w2v.cli.stopping import stop_softly
from w2v.errors import SettingsError, TrainingError, W2VError

if TYPE_CHECKING:
    from w2v.cli.watching import Watching
    from w2v.cluster.checkpoint import ClusterCheckpoint
    from w2v.corpus.config import CorpusConfig
    from w2v.training.checkpoint import Checkpoint, Checkpointer
    from w2v.training.config import TrainConfig
    from w2v.training.trainer import Trainer, TrainResult

__all__ = ["Keeping", "arguments", "resume_command"]

Kind = TypeVar("Kind", "Checkpoint", "ClusterCheckpoint")


class Keeping:
    """Keeps what a training has done, whatever ends it. A context manager around everything that may fail.

    `path` is None where there is no place for a checkpoint: the vectors go to standard output or to a device, and none
    was given. `resume` is None, "" for the checkpoint at `path`, or another file to go on from.
    """

    def __init__(
        self, output: str, path: str | None, every_s: float, resume: str | None, keep_finished: bool = False
    ):
        ordinary = output != STDOUT and not (os.path.exists(output) and not os.path.isfile(output))
        self.path = path or (f"{output}.checkpoint" if ordinary else None)
        self.every_s = every_s
        self.keep_finished = keep_finished
        if keep_finished and self.path is None:
            raise SettingsError("--keep-checkpoint: give its place, --checkpoint FILE; standard output has none")
        self.resume = self.path if resume == "" else resume
        if resume == "" and self.path is None:
            raise SettingsError("--resume: give the checkpoint, --resume=FILE; standard output has none of its own")
        self.keeper: Checkpointer | None = None
        self.trainer: Trainer | None = None
        self.result: TrainResult | None = None
        # Brings a training that has ended into its checkpoint, and says whether it is there.
        self.keep_result: Callable[[], bool] = lambda: False

    def check(self) -> None:
        """Raise for a checkpoint that would be lost."""
        if self.path is None or not os.path.lexists(self.path):
            return
        if self.resume is None or not os.path.exists(self.resume) or not os.path.samefile(self.resume, self.path):
            raise W2VError(f"{self.path}: {what_left(self.path)}")

    def open(self, kind: type[Kind], config: TrainConfig, corpus_config: CorpusConfig) -> Kind | None:
        """The checkpoint to go on from, checked against the settings; None to begin from the start."""
        if self.resume is None:
            return None
        if self.resume == self.path and not os.path.lexists(self.resume):
            say(f"{self.path} is not there: beginning from the start")
            return None
        checkpoint = kind(self.resume)
        try:
            checkpoint.check_settings(config, corpus_config)
        except BaseException:
            checkpoint.close()
            raise
        return checkpoint

    def train(self, trainer: Trainer, corpus_config: CorpusConfig, watching: Watching) -> TrainResult:
        """Train to the end; KeyboardInterrupt when a signal has stopped it and the checkpoint is written."""
        from w2v.training.checkpoint import Checkpointer
        from w2v.training.trainer import TrainingStopped

        self.trainer = trainer
        if self.path is not None:
            self.keeper = Checkpointer(self.path, self.every_s, corpus_config, on_failure=self.tell_failure)
            self.keeper.prepare(trainer.corpus)
        with stop_softly() as wish:
            try:
                self.result = trainer.run(watching.progress, wish, self.keeper, watching.evaluator)
                self.keep_result = self._keep_result
            except TrainingStopped:
                watching.display.finish(complete=False)
                self.tell_stop()
                raise wish.error() from None
            except TrainingError as error:
                if self.path is None or not os.path.exists(self.path):
                    raise
                raise TrainingError(f"{error}; {self.path} holds the run as it was before") from error
        return self.result

    def tell_failure(self, error: Exception) -> None:
        """A checkpoint on the way could not be written; the training goes on."""
        say(f"warning: the checkpoint could not be written, the training goes on: {reason(error)}")

    def tell_stop(self) -> None:
        """What is left of a training that was stopped, and how to go on."""
        assert self.trainer is not None
        share = self.trainer.state.totals().tokens / max(1, self.trainer.state.tokens_total)
        if self.keeper is None:
            say("nothing is kept of a training to standard output or a device; --checkpoint FILE keeps it")
        elif self.keeper.failure is not None:
            say(f"warning: the run could not be kept: {reason(self.keeper.failure)}")
        else:
            say(f"stopped after {100 * share:.0f} %; {self.path} holds the run. Go on with:")
            say(f"  {resume_command()}")

    def __enter__(self) -> Keeping:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """After success the checkpoint is removed unless it is wanted; vectors that are trained and not written are
        kept in it."""
        if error is None and self.keep_finished:
            if not self.keep_result():
                assert self.keeper is not None
                why = reason(self.keeper.failure) if self.keeper.failure is not None else "nothing was trained"
                raise TrainingError(f"the vectors are written, but the checkpoint could not be kept: {why}")
        elif error is None:
            if self.path is not None and os.path.exists(self.path):
                os.unlink(self.path)
        elif self.keep_result():
            kept = f"the trained vectors are kept in {self.path}; when that is put right: {resume_command()}"
            if isinstance(error, (OSError, W2VError)) and not isinstance(error, BrokenPipeError):
                raise TrainingError(f"{reason(error)}; {kept}") from error
            say(kept)

    def _keep_result(self) -> bool:
        if self.keeper is None or self.trainer is None or self.result is None:
            return False
        return self.keeper.write(self.trainer.state, True)


def what_left(path: str) -> str:
    """What a checkpoint that is in the way is, and what to do."""
    from w2v.training.checkpoint import Checkpoint

    try:
        with Checkpoint(path) as checkpoint:
            if checkpoint.finished:
                return "holds a run that was kept when it ended; give another --checkpoint, or remove it"
    except (OSError, W2VError):
        pass
    return "a run that did not end has left this; add --resume to go on from it, or remove it"


def reason(error: BaseException) -> str:
    return os_error_text(error) if isinstance(error, OSError) else str(error)


def arguments() -> list[str]:
    """The present command line, without the program's name."""
    context = click.get_current_context(silent=True)
    return list(context.meta.get("w2v.arguments", ())) if context else []


def resume_command() -> str:
    """The present command line with --resume, as a shell reads it."""
    given = arguments()
    if not any(argument == "--resume" or argument.startswith("--resume=") for argument in given):
        given.append("--resume")
    return shlex.join(["w2v", *given])
