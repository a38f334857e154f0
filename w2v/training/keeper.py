"""When a checkpoint is written, where, and what happens if it cannot be."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from w2v.errors import TrainingError, W2VError
from w2v.threads import Background
from w2v.training.checkpoint import write_checkpoint

if TYPE_CHECKING:
    from w2v.corpus.config import CorpusConfig
    from w2v.corpus.encoded import EncodedCorpus
    from w2v.training.trainer import Trainer

__all__ = ["Keeper"]


class Keeper:
    """Keeps a run's checkpoint at `path`: every `every_s` seconds (0: only when the run is stopped) and at the end.

    A checkpoint that cannot be written does not end the run: `on_failure` gets the error, and the one before stays. But
    TrainingError goes up: the run has diverged.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        every_s: float = 600.0,
        corpus_config: CorpusConfig | None = None,
        on_failure: Callable[[Exception], Any] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.path = os.fspath(path)
        self.every_s = every_s
        self.corpus_config = corpus_config
        self.on_failure = on_failure
        self.clock = clock
        self.kept = False  # whether this run has written a checkpoint
        self.failure: Exception | None = None  # why the last one was not written
        self._last = clock()
        self._digest: Background[object] | None = None

    def prepare(self, corpus: EncodedCorpus) -> None:
        """Take the corpus's digest beside the training, so that a checkpoint does not have to wait for it."""
        self._digest = Background(corpus.digest)

    def due(self) -> bool:
        """Whether it is time for a checkpoint."""
        return self.every_s > 0 and self.clock() - self._last >= self.every_s

    def keep(self, trainer: Trainer, seconds: float, stopping: bool = False) -> bool:
        """Write a checkpoint of a trainer at rest; False if that failed. `seconds` is the length of the present run."""
        if self._digest is not None:
            self._digest.result()
        try:
            write_checkpoint(self.path, trainer, self.corpus_config, seconds)
            self.kept, self.failure = True, None
        except TrainingError:
            raise
        except (OSError, W2VError) as error:
            self.failure = error
            if self.on_failure is not None and not stopping:
                self.on_failure(error)
        self._last = self.clock()
        return self.failure is None
