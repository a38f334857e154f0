"""Small corpora and trainers that stop after a given number of spans, for the tests of runs that are cut short."""

from __future__ import annotations

import json
import random
import threading
import zlib
from functools import cache
from types import SimpleNamespace
from typing import ClassVar

from w2v.corpus.config import CorpusConfig
from w2v.corpus.encoded import EncodedCorpus
from w2v.corpus.sequences import encode_sequences
from w2v.training.config import TrainConfig
from w2v.training.state import Spans
from w2v.training.trainer import Trainer, TrainResult

WORDS = ["the", "서울", "القاهرة", "東京", "🙂", "king", "queen", "a\u00a0b", *(f"w{i}" for i in range(40))]


def sentences(count: int = 700, seed: int = 1) -> list[list[str | bytes]]:
    draw = random.Random(seed)
    weights = [1 / (i + 1) for i in range(len(WORDS))]
    text: list[list[str | bytes]] = [list(draw.choices(WORDS, weights, k=draw.randint(1, 20))) for _ in range(count)]
    return [*text, [b"\xff\xfe"] * 6]


@cache
def corpus(count: int = 700, seed: int = 1) -> EncodedCorpus:
    """About 7,000 tokens of 49 words in several scripts, one of them not UTF-8."""
    return encode_sequences(sentences(count, seed), CorpusConfig(min_count=1, whitespace="ascii"))


def config(**settings) -> TrainConfig:
    return TrainConfig(**{"dim": 12, "epochs": 3, "threads": 1, "sample": 0.05, **settings})


class FewSpans(Spans):
    """Gives each thread so many spans and then none, though some are left: the run comes to rest there, and every
    thread has worked."""

    budget: ClassVar[list[int]] = []  # of each thread

    def take(self, home: int) -> tuple[int, int] | None:
        if self.budget[home] <= 0:
            return None
        self.budget[home] -= 1
        return super().take(home)


def rest_after(trainer: Trainer, spans: int, checkpointer=None) -> TrainResult | None:
    """Train so many spans and rest; None when the run was stopped there, its result when it had ended before."""
    threads = trainer.threads
    FewSpans.budget[:] = [spans // threads + (home < spans % threads) for home in range(threads)]
    trainer._new_spans = lambda: FewSpans(trainer.corpus.ids, trainer.span_size, trainer.threads)
    left = trainer.state.spans.state()
    trainer.state.spans = FewSpans(trainer.corpus.ids, trainer.span_size, trainer.threads, left)
    try:
        return trainer.run(should_stop=lambda: not any(FewSpans.budget), checkpointer=checkpointer)
    except KeyboardInterrupt:
        return None


def outcome(result: TrainResult) -> tuple:
    """Everything of a result that may not depend on whether the run was cut short."""
    summary = result.summary
    context = None if result.context is None else result.context.matrix.tobytes()
    counts = (summary.trained, summary.subsampled, summary.alone, summary.examples, summary.tokens_total)
    return result.vectors.matrix.tobytes(), context, counts, summary.loss, summary.epoch_losses


def joined(header: dict | bytes, data: bytes) -> bytes:
    """A checkpoint with this header, and with checksums that fit: what is behind them is to be checked too."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    head = len(text).to_bytes(8, "little") + text
    try:
        entries = [entry["data_offsets"] for name, entry in header.items() if name != "__metadata__"]
        sums = [zlib.crc32(head), *(zlib.crc32(data[begin:end]) for begin, end in entries[:-1])]
        start = header["checksums"]["data_offsets"][0]
    except (KeyError, TypeError, ValueError, AttributeError):
        return head + data
    return head + data[:start] + b"".join(value.to_bytes(4, "little") for value in sums)


class OwnSpans(Spans):
    """Each thread trains its own part of the corpus and takes nothing of the others', however fast they are."""

    def take(self, home: int) -> tuple[int, int] | None:
        place = self.left[home]
        others, self.left = self.left, [place]
        try:
            return super().take(0)
        finally:
            self.left = others


class Turns:
    """Lets the threads of a trainer train a span each in turn: with so many threads the same result every time."""

    def __init__(self, trainer: Trainer):
        self.trainer, self.real = trainer, trainer.kernel
        self.changed = threading.Condition()
        trainer._new_spans = self.new_spans
        trainer.state.spans = self.new_spans()
        trainer.kernel = SimpleNamespace(train=self.train, flush=trainer.kernel.flush, NAME=trainer.kernel.NAME)

    def new_spans(self) -> Spans:
        turns = self
        turns.at_work, turns.turn = list(range(self.trainer.threads)), 0

        class Watched(OwnSpans):
            def take(self, home: int) -> tuple[int, int] | None:
                span = super().take(home)
                if span is None:
                    turns.leave(home)
                return span

        return Watched(self.trainer.corpus.ids, self.trainer.span_size, self.trainer.threads)

    def leave(self, home: int) -> None:
        with self.changed:
            if home in self.at_work:
                self.pass_on(home)
                self.at_work.remove(home)
            self.changed.notify_all()

    def pass_on(self, home: int) -> None:
        if self.turn == home:
            self.turn = min((h for h in self.at_work if h > home), default=min(self.at_work))

    def train(self, worker, ids, start: int, stop: int, lr: float) -> None:
        trainer = self.trainer
        home = trainer.state.workers.index(worker)
        with self.changed:
            assert self.changed.wait_for(lambda: self.turn == home, 60)
            lr = trainer.state.lr_at(trainer.state.totals().tokens)  # of what is done now, not when the span was taken
            worker.merge_after = trainer.merge_after_at(lr)
            self.real.train(worker, ids, start, stop, lr)
            self.pass_on(home)
            self.changed.notify_all()
