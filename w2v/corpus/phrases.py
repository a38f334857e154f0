"""Collocations: words that occur together more often than by chance, found in ids and joined there.

A pair (a, b) is a phrase if both words and the pair occur `min_count` times or more and its score is over `threshold`.
With N tokens in the corpus, and n(.) for how often something occurs:

- original:  (n(ab) - min_count) N / (n(a) n(b)), as in word2phrase.c (Mikolov et al. 2013b, section 4, times N)
- npmi:      ln(n(ab) N / (n(a) n(b))) / -ln(n(ab) / N), from -1 to 1 (Bouma 2009)

Phrases are joined from left to right: where a pair is one, the two become a word, and the word after it can only begin
another pair; else the second word may begin a pair with the third. So a pass makes phrases of two words, and another
pass, which counts the joined corpus anew, up to twice as long ones. Connectors (of, the) between two words belong to
the phrase, and are no word of a pair themselves; runs of more of them than `longest_run` separate.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from w2v.corpus._encode import LONGEST_TOKEN
from w2v.corpus._phrases import HASH_END, SLOT_BYTES, Joiner, Pairs, deepest
from w2v.corpus._rank import rank
from w2v.corpus.assembly import whole_sentences
from w2v.corpus.encoded import EncodedCorpus, Sentences
from w2v.corpus.spool import Spool, make_spool
from w2v.errors import CorpusError, SettingsError, setting
from w2v.files import open_by_content
from w2v.machine import thread_count
from w2v.threads import for_each

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from w2v.corpus._words import WordTable
    from w2v.corpus.config import CorpusConfig
    from w2v.corpus.spool import Folder

__all__ = [
    "ENGLISH",
    "Joined",
    "Phrase",
    "PhraseSettings",
    "join_phrases",
    "longest_run",
    "read_connectors",
    "whole_pieces",
]

# Articles, prepositions and conjunctions: what stands inside names (Bank of England) and makes no phrase with its
# neighbours. The list of gensim's ENGLISH_CONNECTOR_WORDS.
ENGLISH = ("a", "an", "the", "for", "of", "with", "without", "at", "from", "to", "in", "on", "by", "and", "or")
THRESHOLDS = {"original": 100.0, "npmi": 0.5}
MOST_CONNECTORS = (1 << 16) - 1
STEP_IDS = 1 << 20  # between two looks at whether to stop
LOOK_IDS = 1 << 14  # in which a sentence's end is sought
MOST_WORDS = 2**31 - 2

longest_run = deepest


@dataclass(frozen=True)
class PhraseSettings:
    """How phrases are found: `passes` over the corpus, `threshold` None for the score's own."""

    passes: int = 1
    score: str = "original"
    threshold: float | None = None
    min_count: int = 5
    connectors: tuple[bytes, ...] = ()
    delimiter: bytes = b"_"

    @classmethod
    def of(cls, config: CorpusConfig) -> PhraseSettings:
        """From the settings of a corpus. CorpusError or OSError for a file of connectors that is wrong."""
        given = config.phrase_connectors
        if given == "":
            raise SettingsError(f"{setting('phrase_connectors')}: the name is empty; give a file, or english")
        if given is None:
            connectors: tuple[bytes, ...] = ()
        else:
            connectors = tuple(word.encode() for word in ENGLISH) if given == "english" else read_connectors(given)
        return cls(
            passes=config.phrases,
            score=config.phrase_score,
            threshold=config.phrase_threshold,
            min_count=config.phrase_min_count,
            connectors=connectors,
        )

    @property
    def least(self) -> float:
        """The threshold."""
        return THRESHOLDS[self.score] if self.threshold is None else self.threshold


class Phrase(NamedTuple):
    """A phrase: its words joined, how often the pair was counted, its score, the pass that found it (from 1)."""

    phrase: bytes
    count: int  # type: ignore[assignment]  # instead of that of tuples, which nobody asks of a phrase
    score: float
    number: int


class Found(NamedTuple):
    """The phrases of one pass, the highest score first: their names, how often each was counted, their scores."""

    names: WordTable
    counts: NDArray[np.int64]
    scores: NDArray[np.float64]


@dataclass
class Joined:
    """A corpus with its phrases joined, as ids of `words` in `parts` of whole sentences, of whatever length."""

    parts: list[NDArray[np.int32]]
    words: WordTable
    counts: NDArray[np.int64]
    found: list[Found] = field(default_factory=list)  # by each pass
    joined: int = 0  # tokens that are now part of the one before them

    @property
    def phrases(self) -> list[Phrase]:
        """All phrases, by pass, the highest score first."""
        return [
            Phrase(name, count, score, number)
            for number, found in enumerate(self.found, 1)
            for name, count, score in zip(found.names, found.counts.tolist(), found.scores.tolist(), strict=True)
        ]


def read_connectors(path: str | os.PathLike[str]) -> tuple[bytes, ...]:
    """Connector words from a file, one per line. Raises CorpusError with the line for what is no word."""
    found: dict[bytes, None] = {}
    with open_by_content(path, CorpusError) as file:
        number = 0
        while line := file.readline(LONGEST_TOKEN + 3):
            number += 1
            word = line.strip(b" \t\r\n")
            if len(word) > LONGEST_TOKEN or len(word.split()) > 1 or b"\0" in word:
                raise CorpusError(f"{os.fspath(path)}:{number}: not a single word; give one connector word per line")
            if word:
                found[word] = None
            if len(found) > MOST_CONNECTORS:
                raise CorpusError(f"{os.fspath(path)}:{number}: more than {MOST_CONNECTORS:,} connector words")
    return tuple(found)


def join_phrases(
    corpus: EncodedCorpus | Sentences,
    settings: PhraseSettings,
    *,
    threads: int | None = None,
    tmp_dir: Folder = None,
    memory_limit: int | None = None,
    give_up: bool = False,
) -> Joined:
    """Find the phrases of a corpus that holds all its words (encoded with min_count 1), and join them.

    An encoded corpus stays as it is, unless it is to `give_up` its ids, which are then written over, as those of
    sentences are. Tables of pairs take at most `memory_limit` bytes (a quarter of what is free unless told); where that
    is too little, the ids are gone over more often. The result depends on neither, nor on `threads`.
    """
    spool = make_spool(memory_limit, tmp_dir)
    if isinstance(corpus, Sentences):
        state, own = Joined(corpus.parts, corpus.words, corpus.counts), True
    else:
        require_all_words(corpus)
        ids = whole_sentences(corpus.ids, corpus.token_counts, tmp_dir=tmp_dir, memory_limit=memory_limit)
        own = ids is not corpus.ids  # whether they may be written over
        if give_up and not own and not corpus.spooled:
            own = ids.flags.writeable = True
        parts = [ids[piece] for piece in whole_pieces(ids)]
        state = Joined(parts, corpus.vocab.words, corpus.vocab.counts.copy())
    for _ in range(settings.passes):
        one = _Pass(state, settings, thread_count(threads), spool)
        if not len(one.phrases):
            break
        one.join(own)
        own = True
    return state


def without_phrases(config: CorpusConfig) -> CorpusConfig:
    """How the text is read where phrases are wanted: rare words still stand between the others."""
    return replace(config, phrases=0, min_count=1, max_vocab=None)


def require_all_words(corpus: EncodedCorpus) -> None:
    settings = corpus.settings or {}
    if settings.get("min_count", 1) > 1 or settings.get("max_vocab") is not None or corpus.given_vocab:
        raise SettingsError(
            f"{corpus.name}: it was encoded without its rare words, and phrases need all; encode the text again with "
            f"{setting('min_count', 1)}, or with {setting('phrases')}"
        )


class _Pass:
    """One pass: `phrases` are the (a, b, between) of those that it has found, in the order of their names."""

    def __init__(self, state: Joined, settings: PhraseSettings, threads: int, spool: Spool):
        self.state = state
        self.settings = settings
        self.threads = threads
        self.spool = spool
        self.tokens = int(state.counts.sum())
        self.connectors = self._connector_ids()
        self.roles, self.rarity = self._roles()
        self.phrases = self._name(*self._count())

    def _connector_ids(self) -> list[int]:
        rows = [self.state.words.find(word) for word in set(self.settings.connectors)]
        return sorted(row for row in rows if row >= 0)

    def _roles(self) -> tuple[NDArray[np.int32], NDArray[np.float32] | None]:
        """What each id may be in a phrase, by its count alone; and for npmi a bound for pairs.

        A pair occurs at most as often as its rarer word. So its score is below N / n of the more frequent one
        (original), or at most the ratio of the two words' ln(N / n) (npmi): pairs that cannot reach the threshold need
        not be counted, which are nearly half of all.
        """
        counts, least = self.state.counts, self.settings.least
        good = counts >= self.settings.min_count
        rarity = None
        if self.settings.score == "original" and least > 0:
            good &= counts <= self.tokens / least + 1
        if self.settings.score == "npmi" and least > 0:
            rarity = np.log(self.tokens / np.maximum(counts, 1)).astype(np.float32)
        roles = np.where(good, 0, -1).astype(np.int32)
        roles[self.connectors] = np.arange(1, len(self.connectors) + 1)
        return roles, rarity

    def _count(self) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
        """(a, b, between, count) of all pairs that occur often enough and score over the threshold."""
        pieces = self.state.parts
        new_pairs = self._new_pairs(secrets.randbits(64))
        sketch = self._sketch(new_pairs)
        tables = [new_pairs() for _ in range(max(1, min(self.threads, len(pieces))))]
        parts: list[tuple[NDArray[Any], ...]] = []
        for pairs in tables:
            pairs.use_sketch(sketch)
        low = 0
        while low < HASH_END:
            for pairs in tables:
                pairs.begin(low, HASH_END)
            share(lambda thread, i: tables[thread].walk(pieces[i]), len(pieces), len(tables))
            for other in tables[1:]:
                tables[0].merge(other)
            counted = tables[0].counted(max(1, self.settings.min_count))
            over = self.scores(*counted) > self.settings.least
            parts.append(tuple(column[over] for column in counted))
            low = tables[0].high
        columns = zip(*parts, strict=True)
        a, b, between, number = (np.concatenate(column) for column in columns)
        return a, b, between, number

    def _new_pairs(self, seed: int) -> Callable[[], Pairs]:
        """Makes tables of pairs that hash alike."""
        least = self.settings.least
        memory = max(self.spool.memory_limit // self.threads, 4 * SLOT_BYTES)
        # the count that `original` asks of a pair: min_count + least n(a) n(b) / N
        factor = max(0.0, least) / max(1, self.tokens) if self.settings.score == "original" else 0.0
        weight = (self.state.counts * factor**0.5).astype(np.float32)
        bound = max(0.0, least * (1 - 1e-5))
        return partial(
            Pairs, self.roles, len(self.connectors), seed, weight, self.settings.min_count, self.rarity, bound, memory
        )

    def _sketch(self, new_pairs: Callable[[], Pairs]) -> NDArray[np.uint8]:
        """uint8: how often the pairs that share a byte occur, up to 255. Few bytes for many pairs tell less, and more
        of them are counted for nothing."""
        pieces = self.state.parts
        room = max(1, self.spool.memory_limit // (4 * self.threads))
        size = 1 << (max(1, min(sum(map(len, pieces)) // 4, room)).bit_length() - 1)
        sketches = [np.zeros(size, np.uint8) for _ in range(max(1, min(self.threads, len(pieces))))]
        pairs = new_pairs()
        share(lambda thread, i: pairs.sketch(pieces[i], sketches[thread]), len(pieces), len(sketches))
        whole = sketches[0]
        for other in sketches[1:]:
            np.add(whole, np.minimum(other, 255 - whole), out=whole)
        return whole

    def scores(
        self, a: NDArray[np.int32], b: NDArray[np.int32], _between: NDArray[np.int32], count: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """float64 [n]: the scores of pairs."""
        counts = self.state.counts.astype(np.float64) if len(a) else np.ones(0)
        both = counts[a] * counts[b]
        if self.settings.score == "original":
            return (count - self.settings.min_count) / both * self.tokens
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.log(count * float(self.tokens) / both) / -np.log(count / self.tokens)
        return np.where(count >= self.tokens, 1.0, ratio)

    def _name(
        self, a: NDArray[np.int32], b: NDArray[np.int32], between: NDArray[np.int32], count: NDArray[np.int64]
    ) -> NDArray[np.int32]:
        """int32 [n, 3]: the pairs in falling order of score, ties in order of their names, which the state gets."""
        score = self.scores(a, b, between, count)
        rows = self._rows(a, b, between)
        ends = np.concatenate([np.zeros(1, np.int64), np.cumsum((rows >= 0).sum(axis=1))])
        names = self.state.words.join_runs(rows[rows >= 0], ends, self.settings.delimiter)
        order = rank(names, _ascending(score)).astype(np.int64)
        order = order[np.asarray(names.lengths(), np.int32)[order] <= LONGEST_TOKEN]
        self.state.found.append(Found(names.take(order), count[order], score[order]))
        return np.stack([a, b, between], axis=1)[order]

    def _rows(self, a: NDArray[np.int32], b: NDArray[np.int32], between: NDArray[np.int32]) -> NDArray[np.int64]:
        """int64 [n, most]: the words of each pair, connectors by the number that pairs.h gives them; -1 for none."""
        connectors = np.array([-1, *self.connectors])
        columns = [b]
        while between.any():
            between, digits = np.divmod(between, len(connectors))
            columns.append(connectors[digits])
        return np.stack([a, *reversed(columns)], axis=1).astype(np.int64)

    def join(self, own: bool) -> None:
        """Join what was found, in the state's ids, or in a copy unless they are its `own`."""
        state = self.state
        ids = self._numbered()
        roles = np.concatenate([self.roles, np.full(len(state.words) - len(self.roles), -1, np.int32)])
        a, b, between = (np.ascontiguousarray(column) for column in self.phrases.T)
        joiner = Joiner(roles, len(self.connectors), a, b, between, ids)
        pieces = state.parts
        ends = np.cumsum([len(piece) for piece in pieces])
        out = pieces if own else np.split(self.spool.array(ends[-1]), ends[:-1])
        written = [0] * len(pieces)
        changes = [np.zeros(len(state.words), np.int64) for _ in range(min(self.threads, len(pieces)))]

        def join(thread: int, i: int) -> None:
            written[i] = joiner.join(pieces[i], out[i], changes[thread])

        share(join, len(pieces), len(changes))
        state.joined += int(ends[-1]) - sum(written)
        state.parts = [part[:length] for part, length in zip(out, written, strict=True)]
        state.counts = np.concatenate([state.counts, np.zeros(len(state.words) - len(state.counts), np.int64)])
        for change in changes:
            state.counts += change

    def _numbered(self) -> NDArray[np.int32]:
        """int32: the id of each phrase. One that is a word already gets the word's; others are new words."""
        words, names = self.state.words, self.state.found[-1].names
        ids, first = np.full(len(names), -1, np.int32), np.empty(len(names), np.int32)
        named = np.empty(len(words), np.int32)
        names.find_all(words, named)
        ids[named[named >= 0]] = np.flatnonzero(named >= 0)
        names.find_all(names, first)  # two pairs may have one name
        new = np.flatnonzero((ids < 0) & (first == np.arange(len(names))))
        ids[new] = np.arange(len(words), len(words) + len(new))
        ids = ids[first]
        self.state.words = words + names.take(new)
        if len(self.state.words) > MOST_WORDS:
            raise CorpusError(
                f"more than {MOST_WORDS:,} words and phrases; try a higher {setting('phrase_min_count')} or "
                f"{setting('phrase_threshold')}"
            )
        return ids


def share(work: Callable[[int, int], object], pieces: int, threads: int) -> None:
    """work(thread, i) for each piece i; a thread takes the next that is left, as they differ in size."""
    free = list(range(threads))

    def run(i: int) -> None:
        thread = free.pop()
        work(thread, i)
        free.append(thread)

    for_each(run, pieces, threads)


def _ascending(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """int64 [n] whose bits, taken as unsigned numbers, are in the order of the values."""
    bits = (values + 0.0).view(np.int64)  # -0.0 and 0.0 are one value
    return np.where(bits < 0, ~bits, bits | np.iinfo(np.int64).min)


def whole_pieces(ids: NDArray[np.int32], step: int = STEP_IDS) -> Iterable[slice]:
    """Whole sentences, about `step` ids at a time."""
    start = 0
    while start < len(ids):
        stop = min(start + step, len(ids))
        while stop < len(ids):
            ends = np.flatnonzero(ids[stop : stop + LOOK_IDS] == -1)
            if len(ends):
                stop += int(ends[0]) + 1
                break
            stop = min(stop + LOOK_IDS, len(ids))
        yield slice(start, stop)
        start = stop
