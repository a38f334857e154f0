"""When a run's checkpoint is written, and what becomes of it when the run ends, in whichever way."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from w2v.errors import SettingsError, TrainingError, W2VError, reason, setting
from w2v.machine import Room, room
from w2v.numbers import size
from w2v.output import HeldOutput, is_being_written
from w2v.places import is_replaced
from w2v.threads import Background
from w2v.training.checkpoint import Checkpoint, CheckpointFile, write_checkpoint
from w2v.training.progress import Reporter, TrainingStopped

if TYPE_CHECKING:
    from w2v.corpus.config import CorpusConfig
    from w2v.corpus.encoded import CorpusInfo
    from w2v.training.config import TrainConfig
    from w2v.training.state import TrainState

__all__ = ["CheckpointSession", "CheckpointSettings", "Checkpointer", "take_up"]

Kind = TypeVar("Kind", bound=CheckpointFile)
LOOK_S = 1.0  # from one look at the free memory to the next


@dataclass(frozen=True)
class CheckpointSettings:
    """Where a run's checkpoint is, None for nowhere; written every `every_s` seconds (0: only when the run is stopped).

    `resume` goes on from it if it is there (True), or from another file. When the vectors are written it is removed, or
    with `keep` kept with the state in which the run ended. `replace_ended` allows another run's to be there before, if
    that has ended. With `replaces` (see `take_up`) it takes that one's place when the vectors are in theirs.
    """

    path: str | None = None
    every_s: float = 600.0
    resume: bool | str = False
    keep: bool = False
    replace_ended: bool = False
    replaces: str | None = None


NEXT = ".next"  # of the checkpoint that is to take another one's place


def take_up(output: str | None, checkpoint: str | None) -> tuple[str | None, str, str]:
    """To go on with vectors at `output` from the checkpoint that is kept beside them: (the checkpoint to go on from,
    None for the first run; where this run's own is; which it replaces in the end).

    The new checkpoint is complete before the vectors are replaced, and takes the old one's place after that. Where a
    run was ended in between, by a power cut, it is found and put into its place here. W2VError where there are vectors
    without a checkpoint, or where a run that did not end has left it.
    """
    if output is None or not is_replaced(output):
        raise SettingsError(
            f"{setting('continue_from')}: needs a file of vectors to continue beside; give {setting('output', 'FILE')}"
        )
    kept = checkpoint or f"{output}.checkpoint"
    following = kept + NEXT
    if has_ended(following) and not is_being_written(following):
        os.replace(following, kept)
    if os.path.exists(kept):
        if not has_ended(kept):
            with Checkpoint(kept):  # what is wrong with it, if it is not whole
                raise W2VError(f"{kept}: a run that did not end has left this; continue that one first, or remove it")
        return kept, following, kept
    if os.path.exists(output):
        raise W2VError(
            f"{kept}: not found, so the training of {output} cannot be continued; remove {output} to begin from the"
            f" start, or go on from its vectors in another file, once with {setting('init', output)}"
            f" {setting('keep_checkpoint', True)} in place of {setting('continue_from')}"
        )
    return None, following, kept


class Checkpointer:
    """Writes a run's checkpoint to its place: every `every_s` seconds (0: only when the run is stopped) and at the end.

    When fewer than `low_memory` bytes are free, the run is saved at once, and `on_low_memory` is told what there is:
    the system may end the process next. Once is enough until more is free again.

    A checkpoint that cannot be written does not end the run: `on_failure` gets the error, and the one before stays. But
    TrainingError goes up: the run has diverged.
    """

    def __init__(
        self,
        place: str | os.PathLike[str] | HeldOutput,
        every_s: float = 600.0,
        corpus_config: CorpusConfig | None = None,
        on_failure: Callable[[Exception], Any] | None = None,
        on_low_memory: Callable[[Room], Any] | None = None,
        low_memory: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.place = place if isinstance(place, HeldOutput) else HeldOutput(place)
        self.every_s = every_s
        self.corpus_config = corpus_config
        self.on_failure = on_failure
        self.on_low_memory = on_low_memory
        self.low_memory = low_memory
        self.clock = clock
        self.failure: Exception | None = None  # why the last one was not written
        self._last = clock()
        self._next_look = self._last + LOOK_S
        self._low: Room | None = None  # what is free, if that is too little
        self._saved_low = False
        self._digest: Background[object] | None = None

    @property
    def path(self) -> str:
        return self.place.path

    def prepare(self, corpus: CorpusInfo) -> None:
        """Take the corpus's digest beside the training, so that a checkpoint does not have to wait for it."""
        self._digest = Background(corpus.digest)

    def due(self) -> bool:
        """Whether it is time for a checkpoint."""
        if self.every_s <= 0:
            return False
        return self.clock() - self._last >= self.every_s or self._memory_is_low()

    def _memory_is_low(self) -> bool:
        now = self.clock()
        if self.low_memory and now >= self._next_look:
            self._next_look = now + LOOK_S
            there = room()
            self._saved_low = self._saved_low and there.size < 2 * self.low_memory
            self._low = there if there.size < self.low_memory and not self._saved_low else None
        return self._low is not None

    def write(self, state: TrainState, stopping: bool = False) -> bool:
        """Write the state of a training that is at rest; False if that failed."""
        if self._low is not None:
            if self.on_low_memory is not None:
                self.on_low_memory(self._low)
            self._low, self._saved_low = None, True
        if self._digest is not None:
            self._digest.result()
        return self.attempt(partial(write_checkpoint, self.place, state, self.corpus_config), stopping)

    def attempt(self, write: Callable[[], object], stopping: bool) -> bool:
        try:
            write()
            self.failure = None
        except TrainingError:
            raise
        except (OSError, W2VError) as error:
            self.failure = error
            if self.on_failure is not None and not stopping:
                self.on_failure(error)
        self._last = self.clock()
        return self.failure is None


class Writer(Protocol):
    """What writes the checkpoints: of one process, or of a cluster."""

    failure: Exception | None


class CheckpointSession:
    """Keeps what a training has done, however it ends. A context manager around everything that may fail.

    `resume_hint` says how to go on from the checkpoint.
    """

    def __init__(self, settings: CheckpointSettings, reporter: Reporter, resume_hint: str):
        self.settings, self.reporter, self.resume_hint = settings, reporter, resume_hint
        self.path = settings.path
        self.place = None if self.path is None else HeldOutput(self.path)
        if settings.keep and self.path is None:
            raise SettingsError(
                f"{setting('keep_checkpoint')}: give its place, {setting('checkpoint', 'FILE')}; standard output has"
                " none"
            )
        if settings.resume is True and self.path is None:
            raise SettingsError(
                f"{setting('resume')}: give the checkpoint, {setting('resume', 'FILE')}; standard output has none"
            )
        self.source = self.path if settings.resume is True else settings.resume or None
        self.writer: Writer | None = None
        self.not_kept = ""  # why the checkpoint of a run that has ended is not there, though it was wanted
        self._keep_result: Callable[[], bool] = lambda: False
        self._kept = False

    def check(self) -> None:
        """Raise for a checkpoint that would be lost, or that another run is keeping."""
        if self.path is None:
            return
        if not is_replaced(self.path):
            raise SettingsError(f"{setting('checkpoint')}: {self.path} is a pipe or a device; give the name of a file")
        if is_being_written(self.path):
            raise W2VError(
                f"{self.path}: another process is writing it, a run that has not ended yet; wait for it to end, or give"
                f" another {setting('checkpoint')}"
            )
        if not os.path.exists(self.path):
            return
        if self.source is not None and os.path.exists(self.source) and os.path.samefile(self.source, self.path):
            return
        if self.settings.replaces is not None:
            self.reporter.warn(f"{self.path}: a run that did not end has left this; this run replaces it")
            return
        ended = has_ended(self.path)
        if ended and not self.settings.replace_ended:
            raise W2VError(
                f"{self.path}: holds a run that was kept when it ended; give another {setting('checkpoint')}, or remove"
                " it"
            )
        if not ended:
            raise W2VError(
                f"{self.path}: a run that did not end has left this; add {setting('resume', True)} to continue from it,"
                " or remove it"
            )

    def open(self, kind: type[Kind], config: TrainConfig, corpus_config: CorpusConfig) -> Kind | None:
        """The checkpoint to go on from, checked against the settings; None to begin from the start."""
        if self.source is None:
            return None
        if self.source == self.path and not os.path.exists(self.source):
            self.reporter.note(f"{self.path} does not exist: starting from the beginning", important=True)
            return None
        checkpoint = kind(self.source)
        try:
            checkpoint.check_settings(config, corpus_config)
        except BaseException:
            checkpoint.close()
            raise
        return checkpoint

    def begin(self, writer: Writer | None) -> None:
        """The training begins; None where there is no place for checkpoints."""
        self.writer = writer

    def trained(self, keep_result: Callable[[], bool]) -> None:
        """The training has ended. `keep_result` brings it into the checkpoint, and says whether it is there."""
        self._keep_result = keep_result

    def keep_first(self) -> None:
        """Before the outputs are moved: the checkpoint that is to take another one's place is complete. TrainingError
        where it cannot be, and all stays as it was."""
        if self.settings.replaces is not None:
            self._keep()
            if self.not_kept:
                raise TrainingError(f"{self.not_kept}; the vectors are as they were before")

    def _keep(self) -> None:
        self._kept = self._kept or self._keep_result()
        if not self._kept:
            failure = self.writer.failure if self.writer is not None else None
            why = reason(failure) if failure is not None else "nothing was trained"
            self.not_kept = f"the checkpoint could not be kept: {why}"

    def tell_failure(self, error: Exception) -> None:
        """A checkpoint on the way could not be written; the training goes on."""
        self.reporter.warn(f"the checkpoint could not be written; the training continues: {reason(error)}")

    def tell_low_memory(self, there: Room) -> None:
        """Little memory is left: the run is saved before its time."""
        self.reporter.warn(f"memory is running out, the run is saved now: {size(there.size)} are {there.limit}")

    def stopped(self, share: float, signal: int) -> TrainingStopped:
        """What to raise when the training was asked to stop: it says what is kept, and how to go on."""
        failure = self.writer.failure if self.writer is not None else None
        return TrainingStopped(share, self.path if self.writer is not None else None, failure, signal, self.resume_hint)

    def failed(self, error: TrainingError) -> TrainingError:
        """The error of a training that cannot go on, which names the checkpoint if there is one."""
        if self.path is None or not os.path.exists(self.path):
            return error
        return TrainingError(f"{reason(error)}; {self.path} holds the run as it was before")

    def __enter__(self) -> CheckpointSession:
        if self.place is not None:
            self.place.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """After success the checkpoint is removed unless it is wanted; vectors that are trained and not written are
        kept in it."""
        try:
            self._end(error)
        finally:
            if self.place is not None:
                self.place.__exit__()

    def _end(self, error: BaseException | None) -> None:
        if error is None and self.settings.keep:
            self._keep()
            if self.settings.replaces is not None and self.path is not None and self._kept:
                os.replace(self.path, self.settings.replaces)
        elif error is None:
            if self.place is not None:
                self.place.remove()
        elif self._keep_result():
            kept = f"the trained vectors are kept in {self.path}; when that is put right: {self.resume_hint}"
            if isinstance(error, (OSError, W2VError)) and not isinstance(error, BrokenPipeError):
                raise TrainingError(f"{reason(error)}; {kept}") from error
            self.reporter.note(kept, important=True)


def has_ended(path: str) -> bool:
    """Whether a file is the checkpoint of a run that has ended."""
    try:
        with Checkpoint(path) as checkpoint:
            return checkpoint.finished
    except (OSError, W2VError):
        return False
