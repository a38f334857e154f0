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
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from w2v.corpus.config import CorpusConfig
from w2v.errors import SettingsError, TrainingError, W2VError, setting
from w2v.machine import reserve, room
from w2v.places import check_outputs
from w2v.settings import options_of
from w2v.threads import in_order
from w2v.training.config import DEFAULT_LR, SETTINGS_OF_THE_MACHINE, TrainConfig
from w2v.training.evaluation import Evaluator, score
from w2v.training.memory import check_memory, memory_needed
from w2v.training.progress import Reporter, Reporters
from w2v.training.run import Outputs, Run, StopRequest, graceful_stop

if TYPE_CHECKING:
    from w2v.corpus.encoded import EncodedCorpus
    from w2v.training.evaluation import Test
    from w2v.training.progress import Progress, TrainSummary
    from w2v.training.state import TrainState

__all__ = ["Results", "SweepRun", "combinations", "sweep", "varied_names", "vectors_name"]

MOST_RUNS = 100_000
LONGEST_LINE = 1 << 20  # bytes
EFFICIENCY = 0.9  # of one training's threads, against as many that train alone
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
    the lines are kept there as results.jsonl. A run that diverges has an `error`; the others go on. Where that is
    faster, runs go side by side, each on one thread (`runs_at_once`); their threads then call the reporters, one at a
    time. Raises what `w2v.train` raises, before the first run where it can.
    """
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
    done = [None if known is None else kept_run(known, config, digests, folder) for config in configs]
    missing = [i for i, run in enumerate(done) if run is None]
    at_once = runs_at_once([configs[i] for i in missing], len(corpus.vocab))
    together = Together(reporters)
    stop = threading.Event()

    def train(i: int) -> SweepRun:
        if at_once == 1:
            run = one_run(corpus, configs[i], tests, places[i], reporters)
        else:
            one = dataclasses.replace(configs[i], threads=1)
            run = one_run(corpus, one, tests, places[i], [together.part()], lambda: nullcontext(StopWith(stop)))
        if known is not None:
            with together.lock:
                known.add(run, digests)
        return run

    with closing(in_order(train, missing, at_once, stop)) as runs:
        for before in done:
            yield next(runs) if before is None else before


def kept_run(
    known: Results, config: TrainConfig, digests: Mapping[str, str], folder: str | os.PathLike[str] | None
) -> SweepRun | None:
    """The run of a config that is in the results, if its vectors are still there where they are kept."""
    run = known.find(config, digests)
    if run is not None and folder is not None and not run.error and not os.path.exists(run.vectors or ""):
        return None
    return run


def runs_at_once(configs: Sequence[TrainConfig], words: int) -> int:
    """How many runs go side by side, each on one thread: as many as there are threads, if that is faster and memory
    suffices.

    One thread has nothing to share and to wait for, so that k of them do more than one run with k; but where the last
    ones would leave threads idle, runs take turns. So they do where threads or what is for several of them are the
    question, and for full softmax, whose matrix products use all CPUs.
    """
    alike = {(config.threads or 1, config.hot_rows) for config in configs}
    if len(alike) != 1 or any(config.loss == "softmax" for config in configs):
        return 1
    threads = alike.pop()[0]
    if -(-len(configs) // threads) * threads * EFFICIENCY > len(configs):
        return 1
    needed = max(
        sum(memory_needed(dataclasses.replace(config, threads=1).resolved(), words).values()) for config in configs
    )
    there = room().size
    return max(1, min(threads, (there - reserve(there)) // needed))


class StopWith(StopRequest):
    """Asks a training to stop when the others do."""

    def __init__(self, stop: threading.Event):
        self.stop = stop

    def __call__(self) -> bool:
        return self.stop.is_set()


class Together:
    """Runs at the same time, as one progress: that of the run that is least far, with the tokens of all."""

    def __init__(self, reporters: Sequence[Reporter]):
        self.reporters = Reporters(reporters)
        self.lock = threading.Lock()
        self.running: dict[Reporter, Progress] = {}

    def part(self) -> Reporter:
        """What one of the runs reports to."""
        return _Part(self)

    def training(self, part: Reporter, progress: Progress) -> None:
        with self.lock:
            self.running[part] = progress
            each = self.running.values()
            self.reporters.training(
                dataclasses.replace(
                    min(each, key=lambda one: one.tokens_done / max(1, one.tokens_total)),
                    tokens_done=sum(one.tokens_done for one in each),
                    tokens_total=sum(one.tokens_total for one in each),
                    words_per_s=sum(one.words_per_s for one in each),
                )
            )

    def ended(self, part: Reporter) -> None:
        with self.lock:
            self.running.pop(part, None)


class _Part(Reporter):
    def __init__(self, together: Together):
        self.together = together

    def training(self, progress: Progress) -> None:
        self.together.training(self, progress)

    def ended(self, state: TrainState, summary: TrainSummary) -> None:  # noqa: ARG002
        self.together.ended(self)

    def warn(self, text: str) -> None:
        with self.together.lock:
            self.together.reporters.warn(text)


def one_run(
    corpus: EncodedCorpus,
    config: TrainConfig,
    tests: Mapping[str, Test],
    place: str | None,
    reporters: Sequence[Reporter],
    stopping: Callable[[], AbstractContextManager[StopRequest]] = graceful_stop,
) -> SweepRun:
    run = Run(corpus, CorpusConfig(min_count=1), config, Outputs(place), reporters=reporters, stopping=stopping)
    try:
        result = run.run().result
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
