"""The report of a training: what somebody needs to repeat it, and where each token went (docs/report.md)."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import platform
import re
import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy

import w2v
from w2v.corpus.open import encoded_path
from w2v.corpus.sources import expand
from w2v.kernel import kernels
from w2v.machine import available_cpus
from w2v.output import AtomicOutput
from w2v.threads import Background

if TYPE_CHECKING:
    from w2v.corpus.config import CorpusConfig
    from w2v.corpus.encoded import CorpusInfo
    from w2v.training.checkpoint import CheckpointFile
    from w2v.training.config import ResolvedConfig
    from w2v.training.progress import TrainResult

__all__ = ["FORMAT", "InputFile", "OutputFile", "Recorder", "Report"]

FORMAT = "w2v report 2"
BLOCK_BYTES = 1 << 20
CPU_FLAGS = re.compile(r"^(?:flags|Features)\s*:\s*(.+)$", re.MULTILINE)
CPU_NAMES = re.compile(r"^(?:model name|Model|Hardware|cpu model)\s*:\s*(.+)$", re.MULTILINE)


@dataclass(frozen=True)
class InputFile:
    """A file that was read. `bytes` and `sha256` are None for a pipe and for a file that has changed meanwhile."""

    path: str
    bytes: int | None
    sha256: str | None


@dataclass(frozen=True)
class OutputFile:
    """A file that was written: its role, its bytes on disk, their SHA-256."""

    path: str
    role: str
    bytes: int
    sha256: str | None


@dataclass(frozen=True)
class Report:
    """What a training was; its fields are the keys of the JSON, in this order, explained in docs/report.md."""

    command: list[str] | None  # None for a training that a Python program asked for
    directory: str
    environment: dict[str, str]
    started: str  # ISO 8601, UTC
    ended: str
    versions: dict[str, str]
    machine: dict[str, Any]
    settings: dict[str, dict[str, Any]]  # every one, also those that were not given
    corpus: dict[str, Any]
    token_counts: dict[str, int]
    training: dict[str, Any]
    resumed: dict[str, Any] | None
    times: dict[str, float]
    outputs: list[OutputFile]

    def as_dict(self) -> dict[str, Any]:
        """Objects that JSON knows."""
        return {"format": FORMAT, **dataclasses.asdict(self)}

    def to_json(self) -> str:
        """ASCII; a path that is not UTF-8 is there with lone surrogates, as Python's `os.fsencode` takes them."""
        return json.dumps(self.as_dict(), indent=2, allow_nan=False) + "\n"

    def write(self, out: Any) -> None:
        """Write it to anything open that takes bytes."""
        out.write(self.to_json().encode())

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it in one step. W2VError or OSError if it cannot be written."""
        with AtomicOutput(path, compress=False) as out:
            self.write(out)


class Recorder:
    """Notes what a report needs while a training runs: made before the corpus is read.

    `corpus` are the paths as they were given (none for sequences of a Python program). The caller adds `times` in
    seconds and `outputs`.
    """

    def __init__(
        self,
        corpus: Sequence[str | os.PathLike[str]] = (),
        *,
        read_vocab: str | None = None,
        command: list[str] | None = None,
    ):
        self.started = _now()
        self.command = command
        self.times: dict[str, float] = {}
        self.outputs: list[OutputFile] = []
        self._files = _Digests(_sources(corpus))
        self._vocab = _Digests([read_vocab] if read_vocab else [])

    def read_again(self) -> None:
        """Take the digests of the files that were read, beside the training."""
        self._files.start()
        self._vocab.start()

    def report(
        self,
        corpus: CorpusInfo,
        result: TrainResult,
        corpus_config: CorpusConfig,
        config: ResolvedConfig,
        before: CheckpointFile | None = None,
    ) -> Report:
        """The report of a training that has ended; `before` is the checkpoint that it went on from."""
        return Report(
            command=self.command,
            directory=os.getcwd(),
            environment={name: value for name, value in sorted(os.environ.items()) if name.startswith("W2V_")},
            started=self.started,
            ended=_now(),
            versions=versions(),
            machine=machine(result.summary.kernel),
            settings={"corpus": dataclasses.asdict(corpus_config), "train": dataclasses.asdict(config)},
            corpus={
                "files": self._files.wait(),
                "vocabulary_file": next(iter(self._vocab.wait()), None),
                "digest": corpus.digest(),
                "words": len(corpus.vocab),
            },
            token_counts=dataclasses.asdict(corpus.token_counts),
            training=dataclasses.asdict(result.summary),
            resumed=None if before is None else _resumed(before),
            times={f"{name}_s": round(seconds, 3) for name, seconds in self.times.items()},
            outputs=list(self.outputs),
        )


def versions() -> dict[str, str]:
    """Of the programs that take part."""
    return {
        "w2v": w2v.__version__,
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "unicode": unicodedata.unidata_version,  # --lower and --normalize follow it
    }


def machine(kernel: str) -> dict[str, Any]:
    """What the training ran on."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "architecture": platform.machine(),
        "byte_order": sys.byteorder,
        "cpu": cpu_name(),
        "cpus": available_cpus(),
        "kernel": kernel,
        "kernels": kernels.available(),
    }


def cpu_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """As the processor calls itself, where the system says so."""
    try:
        found = CPU_NAMES.search(cpuinfo.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        found = None
    return found[1].strip() if found else platform.processor()


def cpu_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> list[str]:
    """The processor's vector instructions, as Linux names them; empty where the system does not say."""
    try:
        found = CPU_FLAGS.search(cpuinfo.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return []
    wanted = ("sse", "ssse", "avx", "fma", "bmi", "f16c", "asimd", "sve", "neon")
    return sorted(flag for flag in found[1].split() if flag.startswith(wanted)) if found else []


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def _sources(corpus: Sequence[str | os.PathLike[str]]) -> list[str]:
    encoded = encoded_path(list(corpus))
    if encoded is not None:
        return [encoded]
    return [source.path for source in expand(list(corpus))] if corpus else []


def _resumed(before: CheckpointFile) -> dict[str, Any]:
    state = before.state
    return {
        "checkpoint": before.name,
        "w2v": state.get("w2v"),
        "kernel": state.get("kernel"),
        "epochs": state["epoch"],
        "tokens": state["tokens_done"],
        "threads": len(state["workers"]),
        "seconds": state["seconds"],
    }


@dataclass
class _Digests:
    """SHA-256 of files, taken in a thread."""

    paths: list[str]
    _marks: list[tuple[int, ...] | None] = field(init=False)
    _taken: Background[list[InputFile]] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._marks = [_mark(path) for path in self.paths]

    def start(self) -> None:
        self._taken = Background(self._run)

    def wait(self) -> list[InputFile]:
        return self._taken.result() if self._taken is not None else self._run()

    def _run(self) -> list[InputFile]:
        found = []
        for path, mark in zip(self.paths, self._marks, strict=True):
            digest = _sha256(path) if mark is not None else None
            same = digest is not None and mark == _mark(path)
            found.append(InputFile(path, mark[0] if mark and same else None, digest if same else None))
        return found


def _mark(path: str) -> tuple[int, ...] | None:
    """Size and what tells that a file has changed; None for what cannot be read twice."""
    if path == "-" or not os.path.isfile(path):
        return None
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns, status.st_ino


def _sha256(path: str) -> str | None:
    digest = hashlib.sha256()
    try:
        with open(path, "rb", buffering=0) as file:
            while block := file.read(BLOCK_BYTES):
                digest.update(block)
    except OSError:
        return None
    return digest.hexdigest()
