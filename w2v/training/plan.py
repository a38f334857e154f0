"""Before a long run: what it will train on, and what it will take of memory, disk and time on this machine."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from w2v.corpus.encoded import EncodedCorpus
from w2v.corpus.open import SELECTING, encoded_path, open_corpus
from w2v.errors import Message, setting
from w2v.kernel._tables import span_end
from w2v.machine import Room, reserve, room
from w2v.training.memory import memory_needed
from w2v.training.progress import TrainingStopped
from w2v.training.state import Spans
from w2v.training.subwords import find_parts
from w2v.training.trainer import Trainer
from w2v.vectors.formats import FORMATS, Contents

if TYPE_CHECKING:
    from w2v.corpus.config import CorpusConfig
    from w2v.corpus.vocab import Vocab
    from w2v.training.config import ResolvedConfig, TrainConfig
    from w2v.training.progress import Progress

__all__ = ["MIN_COUNTS", "Calibration", "Plan", "disk_needed", "plan_training"]

MIN_COUNTS = (1, 2, 5, 10, 20, 50, 100)
GOLDEN = 0.6180339887498949
WARM_UP_S = 0.3  # first use of the matrices' pages, threads that start
# A float32 as the shortest text that reads back to it, with a space: the mean of vectors trained on 17M words.
TEXT_VALUE_BYTES = 11.7
WORD_OBJECT_BYTES = 49  # a bytes object and its place in a list, beside its bytes
HEADER_BYTES = 1024  # about, of .npy and safetensors
ID_BYTES, SPOOL_SHARE = 4, 4  # as in corpus/spool.py


@dataclass(frozen=True)
class Calibration:
    """A training of a second or two on spans from everywhere in the corpus."""

    words_per_s: float
    seconds: float
    threads: int
    kernel: str


@dataclass(frozen=True)
class Plan:
    """What a training will be. Sizes in bytes, times in seconds; `calibration` is None if none was wanted or possible.

    `at_min_count`: (min_count, words, tokens) for several, None where the encoded corpus does not know. `memory` and
    `disk` are by purpose and by format; of the formats only those that are written take the space.
    """

    tokens_read: int
    types: int
    sentences: int
    text_bytes: int
    files: int
    at_min_count: list[tuple[int, int | None, int | None]]
    words: int
    tokens: int
    epochs: int
    memory: dict[str, int]
    memory_there: Room
    disk: dict[str, int]
    reading_s: float
    calibration: Calibration | None = None
    warnings: list[str] = field(default_factory=list)

    @property
    def memory_total(self) -> int:
        return sum(self.memory.values())

    @property
    def training_s(self) -> float | None:
        """All epochs at the calibrated speed."""
        return self.tokens * self.epochs / self.calibration.words_per_s if self.calibration else None

    def as_dict(self) -> dict[str, Any]:
        """Objects that JSON knows."""
        there = {"bytes": self.memory_there.size, "what": self.memory_there.limit}
        rows = [dict(zip(("min_count", "words", "tokens"), row, strict=True)) for row in self.at_min_count]
        calibration = dataclasses.asdict(self.calibration) if self.calibration else None
        return {
            "tokens_read": self.tokens_read,
            "types": self.types,
            "sentences": self.sentences,
            "text_bytes": self.text_bytes,
            "files": self.files,
            "at_min_count": rows,
            "words": self.words,
            "tokens": self.tokens,
            "epochs": self.epochs,
            "memory": {**self.memory, "total": self.memory_total},
            "memory_there": there,
            "disk": self.disk,
            "time": {"reading_s": self.reading_s, "training_s": self.training_s, "calibration": calibration},
            "warnings": self.warnings,
        }


TOO_LARGE = Message(
    f"it takes more memory than is available: a smaller {setting('dim')} or {setting('max_vocab')}, a larger"
    f" {setting('min_count')} help"
)
NOTHING = Message(
    f"nothing would be trained: no word has another one in its line; {setting('sample', 0)}, a smaller"
    f" {setting('min_count')} or lines that are whole sentences help"
)


def plan_training(
    corpus: Any,
    corpus_config: CorpusConfig,
    config: TrainConfig,
    *,
    stated: set[str] | frozenset[str] = frozenset(),
    seconds: float = 2.0,
    tmp_dir: Any = None,
    on_reading: Callable[..., Any] | None = None,
) -> Plan:
    """Read a corpus as `w2v.train` would, train it for some `seconds` (0: not at all), and say what a run will take.

    `corpus` are paths, token sequences or an encoded corpus. Errors as of the reading.
    """
    start = time.monotonic()
    warnings: list[str] = []
    whole = _read(corpus, corpus_config, stated, config.threads, tmp_dir, on_reading, warnings.append)
    kept = whole.pruned(corpus_config.min_count, corpus_config.max_vocab)
    reading_s = time.monotonic() - start
    there = room()
    memory, disk = _needs(whole, kept, config.resolved(), there)
    fits = sum(memory.values()) <= there.size - reserve(there.size)
    calibration = calibrate(kept, config, seconds) if fits and seconds > 0 else None
    if not fits or (seconds > 0 and calibration is None):
        warnings.append(NOTHING if fits else TOO_LARGE)
    token_counts = whole.token_counts
    return Plan(
        tokens_read=token_counts.read,
        types=token_counts.types_read,
        sentences=kept.token_counts.sentences,
        text_bytes=token_counts.text_bytes,
        files=token_counts.files,
        at_min_count=_at_min_counts(whole),
        words=len(kept.vocab),
        tokens=kept.token_counts.kept,
        epochs=config.epochs,
        memory=memory,
        memory_there=there,
        disk=disk,
        reading_s=round(reading_s, 3),
        calibration=calibration,
        warnings=warnings,
    )


def _needs(
    whole: EncodedCorpus, kept: EncodedCorpus, config: ResolvedConfig, there: Room
) -> tuple[dict[str, int], dict[str, int]]:
    """(bytes of memory by what they are for, bytes of each kind of file)."""
    vocab = kept.vocab
    word_bytes = vocab.words.byte_count
    ngrams = _ngrams(vocab, config)
    memory = memory_needed(config, len(vocab), word_bytes, ngrams.get("ngram_rows"))
    spooled = kept.ids.nbytes > there.size // SPOOL_SHARE
    memory["words"] = word_bytes + WORD_OBJECT_BYTES * len(vocab)
    memory["corpus"] = 0 if spooled or kept.spooled else kept.ids.nbytes
    disk = disk_needed(vocab, config.dim, kept.ids.nbytes, ngrams)
    disk["spool"] = 2 * whole.ids.nbytes if spooled and not kept.spooled else 0  # provisional ids beside the final ones
    return memory, disk


def _ngrams(vocab: Vocab, config: ResolvedConfig) -> dict[str, Any]:
    """What a file says of its n-grams; empty without subwords."""
    parts = find_parts(vocab.words, config, vocab.counts)
    if parts is None:
        return {}
    return {
        "ngrams": config.subwords,
        "buckets": config.buckets,
        "ngram_rows": len(parts.sizes),
        "used": len(parts.buckets),
    }


def _read(
    corpus: Any,
    config: CorpusConfig,
    stated: set[str] | frozenset[str],
    threads: int | None,
    tmp_dir: Any,
    on_reading: Callable[..., Any] | None,
    on_warning: Callable[[str], object],
) -> EncodedCorpus:
    """The corpus with all its words, phrases joined."""
    options: dict[str, Any] = {
        "threads": threads,
        "tmp_dir": tmp_dir,
        "on_progress": on_reading,
        "on_warning": on_warning,
    }
    if not isinstance(corpus, EncodedCorpus) and encoded_path(corpus) is None:
        config = dataclasses.replace(config, min_count=1, max_vocab=None)
    return open_corpus(corpus, config, set(stated) - set(SELECTING), **options)[0]


def _at_min_counts(corpus: EncodedCorpus) -> list[tuple[int, int | None, int | None]]:
    """Words and tokens that are left at each minimum; None below the one with which the corpus was encoded."""
    least = (corpus.settings or {}).get("min_count", 1)
    counts = corpus.vocab.counts
    rows: list[tuple[int, int | None, int | None]] = []
    for minimum in MIN_COUNTS:
        size = int(np.searchsorted(-counts, -minimum, side="right"))
        rows.append((minimum, None, None) if minimum < least else (minimum, size, int(counts[:size].sum())))
    return rows


def disk_needed(vocab: Vocab, dim: int, ids_bytes: int, ngrams: dict[str, Any] | None = None) -> dict[str, int]:
    """Bytes of each file that a run may write; those of text are estimates. `ngrams` are fields of Contents, with
    subwords."""
    words, word_bytes = len(vocab), vocab.words.byte_count
    matrix = 4 * words * dim
    contents = Contents(words, dim, word_bytes, **ngrams or {})
    text = int(words * dim * TEXT_VALUE_BYTES) + word_bytes + words
    sizes: dict[str, int] = {}
    for record in (record for record in FORMATS.values() if record.write is not None):
        name = record.suffixes[0][1:] if record.suffixes else record.name
        sizes[name] = text if record.size is None else record.size(contents)
        if record.size is not None and record.words_beside is not None:
            sizes[name] += word_bytes + words
    return {
        **sizes,
        "checkpoint": matrix + 4 * dim * (contents.ngram_rows or words) + 12 * words + word_bytes + HEADER_BYTES,
        "ids": ids_bytes + 12 * words + word_bytes + HEADER_BYTES,
    }


class _Spread(Spans):
    """Spans from everywhere in the corpus, in no order: what is trained for a moment is like the whole."""

    def __init__(self, ids: np.ndarray, size: int, homes: int):
        super().__init__(ids, size, homes)
        self.taken = 0

    def take(self, _home: int) -> tuple[int, int] | None:
        self.taken += 1
        place = int(len(self.ids) * (self.taken * GOLDEN % 1.0))
        start = span_end(self.ids, place, 1) if place else 0
        start = 0 if start >= len(self.ids) else start
        return start, span_end(self.ids, start, self.size)

    @property
    def empty(self) -> bool:
        return False


def calibrate(corpus: EncodedCorpus, config: TrainConfig, seconds: float) -> Calibration | None:
    """Train for this many seconds with these settings, and forget the vectors; None where no pair was trained."""
    trainer = Trainer(corpus, dataclasses.replace(config, held_out=0.0, stop_early=0))
    trainer.state.spans = _Spread(corpus.ids, trainer.span_size, trainer.threads)
    seen: list[tuple[float, int]] = []
    end = time.monotonic() + seconds + WARM_UP_S

    def look(progress: Progress) -> None:
        seen.append((progress.seconds, progress.tokens_done))

    def enough() -> bool:
        if time.monotonic() < end:
            return False
        sums = trainer.state.totals()
        return bool(seen) or bool(sums.tokens and not sums.examples)  # a span may take longer than all of this

    try:
        trainer.run(look, enough)
    except TrainingStopped:
        pass
    return _slope(seen, trainer) if seen else None


def _slope(seen: list[tuple[float, int]], trainer: Trainer) -> Calibration:
    """Tokens a second between the end of the warm-up and the last look."""
    first = next((mark for mark in seen if mark[0] >= WARM_UP_S), seen[0])
    last = seen[-1]
    if last[1] == first[1]:
        first = (0.0, 0)
    speed = (last[1] - first[1]) / max(last[0] - first[0], 1e-9)
    return Calibration(max(speed, 1e-9), round(last[0], 3), trainer.threads, trainer.kernel.NAME)
