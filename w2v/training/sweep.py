"""Several trainings on one reading: every combination of lists of settings, scored, kept in a file, resumed.

The results are JSON lines: one object per run, with its settings, the digest of the corpus, and for each test its score
and the digest of its questions. A run whose line is there is not done again.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from w2v.corpus.config import CorpusConfig
from w2v.errors import SettingsError, TrainingError, W2VError, setting
from w2v.output import check_outputs
from w2v.settings import options_of
from w2v.training.config import DEFAULT_LR, SETTINGS_OF_THE_MACHINE, TrainConfig

if TYPE_CHECKING:
    from w2v.corpus.encoded import EncodedCorpus
    from w2v.training.evaluation import Test
    from w2v.training.progress import Reporter

__all__ = ["Results", "SweepRun", "combinations", "sweep", "varied_names", "vectors_name"]

MOST_RUNS = 100_000
LONGEST_LINE = 1 << 20  # bytes
LONGEST_NAME = 180  # of a file of vectors; a file system takes 255 bytes, and unfinished ones have a longer name


@dataclass
class SweepRun:
    """One finished training. The losses are of the epoch whose vectors it has; `error` says why there are no scores."""

    config: TrainConfig
    scores: dict[str, float | None] = field(default_factory=dict)
    loss: float | None = None
    held_out_loss: float | None = None
    epochs: int = 0
    words_per_s: float = 0.0
    seconds: float = 0.0
    error: str | None = None
    vectors: str | None = None  # where they are kept
    done_before: bool = False


def combinations(lists: Mapping[str, Any]) -> list[TrainConfig]:
    """Every combination of the values; a list or a tuple stands for several, seeds change fastest. Resolved.

    SettingsError for a value that is wrong, and for a combination that is.
    """
    values = {name: list(value) if isinstance(value, (list, tuple)) else [value] for name, value in lists.items()}
    for name, several in values.items():
        if not several:
            raise SettingsError(f"{setting(name)}: the list is empty")
        if len(set(several)) < len(several):
            raise SettingsError(f"{setting(name)}: {max(several, key=several.count)} is given twice")
    fields = list(options_of(TrainConfig))
    order = sorted(values, key=lambda name: (name == "seed", fields.index(name)))
    if math.prod(len(values[name]) for name in order) > MOST_RUNS:
        raise SettingsError(f"sweep: {math.prod(map(len, values.values())):,} combinations; at most {MOST_RUNS:,}")
    products = itertools.product(*(values[name] for name in order))
    return [TrainConfig(**dict(zip(order, each, strict=True))).resolved() for each in products]


def varied_names(lists: Mapping[str, Any]) -> list[str]:
    """The settings with several values, the seed last."""
    several = [n for n in options_of(TrainConfig) if isinstance(lists.get(n), (list, tuple)) and len(lists[n]) > 1]
    return sorted(several, key=lambda name: name == "seed")


def vectors_name(config: TrainConfig, varied: Sequence[str]) -> str:
    """A file name with the settings that differ from the defaults or between the runs."""
    plain = dataclasses.replace(TrainConfig(model=config.model, lr=config.lr).resolved(), lr=DEFAULT_LR[config.model])
    told = [
        name
        for name in options_of(TrainConfig)
        if name in varied or (name not in SETTINGS_OF_THE_MACHINE and getattr(config, name) != getattr(plain, name))
    ]
    if config.model != TrainConfig.model and "model" not in told:
        told.insert(0, "model")
    name = "_".join(f"{name}-{getattr(config, name)}" for name in told or ["seed"])
    if len(name) > LONGEST_NAME:  # the whole of it, as a few digits
        name = f"{name[:LONGEST_NAME]}_{hashlib.blake2b(name.encode(), digest_size=8).hexdigest()}"
    return f"{name}.bin"


def identity(config: TrainConfig, threads: bool = False) -> dict[str, Any]:
    """What makes two runs the same one."""
    return {k: v for k, v in dataclasses.asdict(config).items() if threads or k not in SETTINGS_OF_THE_MACHINE}


class Results:
    """The file of finished runs. W2VError if it is of another corpus or cannot be used, OSError if it cannot be read.

    With `threads` their number makes runs differ too.
    """

    def __init__(self, path: str | os.PathLike[str], corpus_digest: str, threads: bool = False):
        self.threads = threads
        self.path = os.fspath(path)
        self.corpus_digest = corpus_digest
        self.lines: list[dict[str, Any]] = []
        self._whole = True
        try:
            with open(self.path, "rb") as file:
                self._read(file)
        except FileNotFoundError:
            pass

    def _read(self, file: Any) -> None:
        number = 0
        while line := file.readline(LONGEST_LINE):
            number += 1
            self._whole = line.endswith(b"\n")
            if len(line) == LONGEST_LINE:
                raise W2VError(
                    f"{self.path}:{number}: the line is too long for a result; give another {setting('results')}"
                )
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                if number > 1 or not self._whole:
                    continue  # half a line of a run that was killed
                value = None
            if not isinstance(value, dict) or not isinstance(value.get("settings"), dict):
                raise W2VError(
                    f"{self.path}:{number}: this is not a result of w2v sweep; give another {setting('results')}"
                )
            if value.get("corpus") != self.corpus_digest:
                raise W2VError(
                    f"{self.path}:{number}: a result on another corpus, or on other words of it; give another"
                    f" {setting('results')}"
                )
            self.lines.append(value)

    def find(self, config: TrainConfig, tests: Mapping[str, str]) -> SweepRun | None:
        """The run with these settings, if its line has a score for each test (name -> digest)."""
        wanted = identity(config, self.threads)
        for line in reversed(self.lines):
            known = line.get("tests") if isinstance(line.get("tests"), dict) else {}
            if line["settings"] != wanted or any(digest not in known.values() for digest in tests.values()):
                continue
            try:
                by_digest = {digest: line["scores"].get(name) for name, digest in known.items()}
                vectors = line["vectors"] and os.path.join(os.path.dirname(self.path), line["vectors"])
                return SweepRun(
                    config,
                    {name: by_digest[digest] for name, digest in tests.items()},
                    line["loss"],
                    line["held_out_loss"],
                    line["epochs"],
                    line["words_per_s"],
                    line["seconds"],
                    line["error"],
                    vectors,
                    done_before=True,
                )
            except (KeyError, AttributeError, TypeError):
                raise W2VError(
                    f"{self.path}: a line is not complete; remove it, or give another {setting('results')}"
                ) from None
        return None

    def add(self, run: SweepRun, tests: Mapping[str, str]) -> None:
        """Append a line; it is on the disk when this returns."""
        line = {
            "settings": identity(run.config, self.threads),
            "corpus": self.corpus_digest,
            "tests": dict(tests),
            "scores": run.scores,
            "loss": run.loss,
            "held_out_loss": run.held_out_loss,
            "epochs": run.epochs,
            "words_per_s": round(run.words_per_s),
            "seconds": round(run.seconds, 3),
            "error": run.error,
            "vectors": run.vectors and os.path.relpath(run.vectors, os.path.dirname(self.path) or "."),
        }
        self.lines.append(line)
        data = json.dumps(line, ensure_ascii=False, allow_nan=False).encode("utf-8", "surrogateescape") + b"\n"
        with open(self.path, "ab") as file:
            file.write(data if self._whole else b"\n" + data)
            file.flush()
            os.fsync(file.fileno())
        self._whole = True


def sweep(
    corpus: EncodedCorpus,
    configs: Sequence[TrainConfig],
    tests: Mapping[str, Test],
    varied: Sequence[str] = (),
    *,
    results: str | os.PathLike[str] | None = None,
    folder: str | os.PathLike[str] | None = None,
    reporters: Sequence[Reporter] = (),
) -> Iterator[SweepRun]:
    """Train and score each of the resolved configs, in order; those whose line is in `results` are only reported.

    `varied` are the settings that they differ in. `folder` keeps each run's vectors in a .bin file; without `results`,
    the lines are kept there as results.jsonl. A run that diverges has an `error`; the others go on. Raises what
    `w2v.train` raises, before the first run where it can.
    """
    from w2v.training.evaluation import Evaluator
    from w2v.training.memory import check_memory

    if folder is not None:
        os.makedirs(folder, exist_ok=True)
        results = os.path.join(folder, "results.jsonl") if results is None else results
    known = Results(results, corpus.digest(), "threads" in varied) if results is not None else None
    Evaluator(dict(tests)).check(corpus.vocab.words)
    for config in configs:
        check_memory(config, len(corpus.vocab))
    digests = {name: asked.digest() for name, asked in tests.items()}
    places = [None if folder is None else os.path.join(folder, vectors_name(config, varied)) for config in configs]
    check_outputs([place for place in places if place is not None])
    for config, place in zip(configs, places, strict=True):
        run = known.find(config, digests) if known is not None else None
        if run is None or (folder is not None and not run.error and not (run.vectors and os.path.exists(run.vectors))):
            run = one_run(corpus, config, tests, place, reporters)
            if known is not None:
                known.add(run, digests)
        yield run


def one_run(
    corpus: EncodedCorpus,
    config: TrainConfig,
    tests: Mapping[str, Test],
    place: str | None,
    reporters: Sequence[Reporter],
) -> SweepRun:
    from w2v.training.evaluation import score
    from w2v.training.run import Outputs, Run

    try:
        result = Run(corpus, CorpusConfig(min_count=1), config, Outputs(place), reporters=reporters).run().result
    except TrainingError as error:
        return SweepRun(config, dict.fromkeys(tests), error=str(error))
    vectors = result.vectors
    scores = {name: score(vectors, asked) for name, asked in tests.items()}
    summary = result.summary
    written = (summary.best_epoch or summary.epochs) - 1  # the epoch whose vectors these are
    return SweepRun(
        config,
        {name: value if math.isfinite(value) else None for name, value in scores.items()},
        summary.epoch_losses[written],
        summary.held_out_losses[written] if summary.held_out_losses else None,
        summary.epochs,
        summary.words_per_s,
        summary.seconds,
        vectors=place,
    )
