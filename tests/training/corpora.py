"""Encoded corpora made by hand, for tests that need no text."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace

import numpy as np

from w2v.training.config import TrainConfig
from w2v.training.trainer import Trainer, TrainResult

from ..kernel.cases import span_of


@dataclass
class Corpus:
    """What the trainer asks of an encoded corpus: ids, and a vocabulary in falling order of count."""

    ids: np.ndarray
    words: list[bytes] = field(default_factory=list)
    settings: None = None

    def __post_init__(self) -> None:
        kept = self.ids[self.ids >= 0]
        order = np.argsort(-np.bincount(kept), kind="stable")
        rank = np.empty(len(order), np.int32)
        rank[order] = np.arange(len(order))
        self.ids = np.where(self.ids >= 0, rank[self.ids], -1).astype(np.int32)
        names = self.words or [b"w%d" % i for i in range(len(order))]
        self.vocab = SimpleNamespace(words=[names[i] for i in order], counts=np.bincount(kept)[order])
        self.token_counts = SimpleNamespace(kept=len(kept))

    def digest(self) -> str:
        return "made by hand"


@cache
def zipf_corpus(tokens: int, vocab_size: int = 500, longest: int = 30, seed: int = 1) -> Corpus:
    """Words by Zipf's law, in sentences of 1 to `longest` words."""
    random = np.random.default_rng(seed)
    weights = 1 / np.arange(1, vocab_size + 1)
    words = random.choice(vocab_size, tokens, p=weights / weights.sum())
    words[:vocab_size] = np.arange(vocab_size)  # each occurs
    ends = np.cumsum(random.integers(1, longest + 1, tokens))
    return Corpus(span_of(*(part for part in np.split(words, ends[ends < tokens]) if len(part))))


CLASSES = 6
CLASS_WORDS = 8


@cache
def class_corpus(sentences: int = 3000, seed: int = 1) -> Corpus:
    """Words of six classes. A sentence draws its words from one class, and a third of them from 40 that go with all."""
    random = np.random.default_rng(seed)
    shape = sentences, 10
    words = random.integers(0, CLASSES, sentences)[:, None] * CLASS_WORDS + random.integers(0, CLASS_WORDS, shape)
    noise = CLASSES * CLASS_WORDS + random.integers(0, 40, shape)
    ids = np.where(random.random(shape) < 1 / 3, noise, words)
    names = [b"class%d" % (i // CLASS_WORDS) for i in range(CLASSES * CLASS_WORDS)] + [b"any"] * 40
    return Corpus(span_of(*ids), names)


def trainer_of(corpus: Corpus, **settings) -> Trainer:
    return Trainer(corpus, TrainConfig(**{"dim": 20, "threads": 1, "epochs": 2, **settings}))


def trained(corpus: Corpus, on_progress=None, **settings) -> TrainResult:
    return trainer_of(corpus, **settings).run(on_progress)
