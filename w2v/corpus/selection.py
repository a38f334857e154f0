"""Which words are kept, and what each spelling becomes: a final id, several, or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from w2v.corpus._encode import DROPPED, LONGEST_TOKEN, RUN_BASE
from w2v.corpus._rank import rank
from w2v.corpus.tokenizers import changes_spellings, tokenize
from w2v.corpus.vocab import Vocab
from w2v.errors import CorpusError, setting

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from w2v.corpus.config import CorpusConfig
    from w2v.corpus.vocab import TokenCounts

__all__ = ["Selection", "Spelled", "SpellingList", "final_of_words", "require_two", "select", "tally"]

NO_ENDS = np.zeros(1, np.int64)
NO_IDS = np.zeros(0, np.int32)


class Spelled(Protocol):
    """Distinct spellings with their counts."""

    def __len__(self) -> int: ...
    def counts(self) -> NDArray[np.int64]: ...
    def words(self, ids: NDArray[np.int64]) -> list[bytes]: ...


@dataclass
class SpellingList:
    """Spellings that are Python objects already."""

    spellings: list[bytes]
    spelling_counts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.spellings)

    def counts(self) -> NDArray[np.int64]:
        return self.spelling_counts

    def words(self, ids: NDArray[np.int64]) -> list[bytes]:
        return [self.spellings[i] for i in ids.tolist()]


@dataclass
class Selection:
    """The vocabulary, and for each spelling its final id, DROPPED, or RUN_BASE - r for the ids of run r."""

    vocab: Vocab
    final_ids: NDArray[np.int32]
    run_ends: NDArray[np.int64]
    run_ids: NDArray[np.int32]


def select(
    spelled: Spelled, config: CorpusConfig, vocab: Vocab | None, token_counts: TokenCounts, name: str, least: int = 2
) -> Selection:
    """Choose the words and enter into the token counts what is dropped.

    With a vocabulary given, its words and its counts stand (as with the original's -read-vocab), `min_count` and
    `max_vocab` apply to them, and all other words are dropped. Raises CorpusError if fewer than `least` words are left,
    or none of the text is in the vocabulary; never with 0, for a part of a corpus.
    """
    if changes_spellings(config) or vocab is not None:
        return _select_words(spelled, config, vocab, token_counts, name, least)
    counts = spelled.counts()
    token_counts.read += int(counts.sum())
    token_counts.types_read = len(counts)
    enough = np.flatnonzero(counts >= config.min_count)
    chosen, order = _choose(spelled.words(enough), counts[enough], config, token_counts)
    token_counts.below_min_count += int(counts.sum() - counts[enough].sum())
    if len(chosen) < least:
        require_two(chosen, spelled, config, token_counts, name)
    final_ids = np.full(len(counts), DROPPED, np.int32)
    final_ids[enough[order]] = np.arange(len(order), dtype=np.int32)
    return Selection(chosen, final_ids, NO_ENDS, NO_IDS)


def _choose(
    words: list[bytes], counts: NDArray[np.int64], config: CorpusConfig, token_counts: TokenCounts
) -> tuple[Vocab, NDArray[np.int64]]:
    """The vocabulary of words that are frequent enough, and which of them each row is."""
    order = rank(words, counts)
    if config.max_vocab is not None and len(order) > config.max_vocab:
        token_counts.beyond_max_vocab += int(counts[order[config.max_vocab :]].sum())
        order = order[: config.max_vocab]
    return Vocab([words[i] for i in order.tolist()], counts[order]), order


def tally(spelled: Spelled, config: CorpusConfig, token_counts: TokenCounts) -> tuple[list[bytes], NDArray[np.int64]]:
    """Every distinct word and its count, in no order and none left out but what is too long."""
    words, counts, _, _ = _count_words(spelled, config, token_counts)
    short = _lengths(words) <= LONGEST_TOKEN
    token_counts.too_long += int(counts[~short].sum())
    return [words[i] for i in np.flatnonzero(short).tolist()], counts[short]


def _lengths(words: list[bytes]) -> NDArray[np.int64]:
    return np.fromiter(map(len, words), np.int64, len(words))


def _count_words(
    spelled: Spelled, config: CorpusConfig, token_counts: TokenCounts
) -> tuple[list[bytes], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Spellings to words: (distinct words, their counts, places among them of all spellings' words, ends of these)."""
    counts = spelled.counts()
    spellings = spelled.words(np.arange(len(counts), dtype=np.int64))
    if changes_spellings(config):
        words, ends_list = tokenize(spellings, config)
        ends = np.array(ends_list, np.int64)
        places: dict[bytes, int] = {}
        flat = np.fromiter((places.setdefault(w, len(places)) for w in words), np.int64, len(words))
        distinct = list(places)
    else:  # each is a word, and no other
        distinct, flat, ends = spellings, np.arange(len(spellings)), np.arange(len(spellings) + 1, dtype=np.int64)
    per_spelling = np.diff(ends)
    # Sums of float64 are exact here: no count reaches 2^53.
    word_counts = np.bincount(flat, np.repeat(counts, per_spelling), minlength=len(distinct)).astype(np.int64)
    no_word = int(counts[per_spelling == 0].sum())
    token_counts.no_word += no_word
    token_counts.read += int(word_counts.sum()) + no_word
    token_counts.types_read = len(distinct)
    return distinct, word_counts, flat, ends


def _select_words(
    spelled: Spelled, config: CorpusConfig, vocab: Vocab | None, token_counts: TokenCounts, name: str, least: int
) -> Selection:
    """The general case: spellings become words first, and equal words are counted together."""
    distinct, word_counts, flat, ends = _count_words(spelled, config, token_counts)
    chosen, final = final_of_words(distinct, word_counts, config, vocab, token_counts)
    if len(chosen) < least or (vocab is not None and least):
        require_two(chosen, SpellingList(distinct, word_counts), config, token_counts, name, vocab)
    return Selection(chosen, *_runs(final[flat] if len(flat) else NO_IDS, ends))


def final_of_words(
    words: list[bytes], counts: NDArray[np.int64], config: CorpusConfig, vocab: Vocab | None, token_counts: TokenCounts
) -> tuple[Vocab, NDArray[np.int32]]:
    """The vocabulary, and each word's final id or DROPPED."""
    final = np.full(len(words), DROPPED, np.int32)
    if vocab is not None:
        vocab = vocab.pruned(config.min_count, config.max_vocab)
        rows = vocab.rows(words)
        final[rows >= 0] = rows[rows >= 0]
        token_counts.not_in_vocab += int(counts[final == DROPPED].sum())
        return vocab, final
    short = _lengths(words) <= LONGEST_TOKEN  # NFKC can make words longer
    token_counts.too_long += int(counts[~short].sum())
    enough = np.flatnonzero(short & (counts >= config.min_count))
    token_counts.below_min_count += int(counts[short & (counts < config.min_count)].sum())
    chosen, order = _choose([words[i] for i in enough.tolist()], counts[enough], config, token_counts)
    final[enough[order]] = np.arange(len(order), dtype=np.int32)
    return chosen, final


def _runs(
    flat: NDArray[np.int32], ends: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int32]]:
    """(final_ids, run_ends, run_ids) of spellings whose words' final ids are flat[ends[i]:ends[i + 1]]."""
    kept = flat >= 0
    before = np.concatenate([[0], np.cumsum(kept)])
    first, lengths = before[ends[:-1]], np.diff(before[ends])
    final_ids = np.full(len(lengths), DROPPED, np.int32)
    one, several = lengths == 1, lengths > 1
    final_ids[one] = flat[kept][first[one]]
    final_ids[several] = RUN_BASE - np.arange(int(several.sum()), dtype=np.int32)
    run_ends = np.concatenate([[0], np.cumsum(lengths[several])]).astype(np.int64)
    return final_ids, run_ends, np.ascontiguousarray(flat[kept & np.repeat(several, np.diff(ends))])


def require_two(
    chosen: Vocab,
    spelled: Spelled,
    config: CorpusConfig,
    token_counts: TokenCounts,
    name: str,
    vocab: Vocab | None = None,
) -> None:
    """Raise CorpusError where there is nothing to train on."""
    unknown = token_counts.not_in_vocab + token_counts.no_word + token_counts.too_long
    if len(chosen) >= 2 and (vocab is None or token_counts.read > unknown):
        return
    if len(spelled) == 0:
        found = f"{token_counts.text_bytes} bytes read" if token_counts.files else "no tokens"
        if token_counts.too_long:
            found += f"; {token_counts.too_long} are longer than {LONGEST_TOKEN} bytes"
        elif token_counts.no_word:
            found += f"; {token_counts.no_word} tokens, none of them a word"
        raise CorpusError(f"{name}: no words in it ({found})")
    counts = spelled.counts()
    top = int(counts.max())
    word = min(spelled.words(np.flatnonzero(counts == top)))
    most = f'"{word.decode("utf-8", "backslashreplace")}", {top}'
    if vocab is not None:
        if len(chosen) < 2:
            raise CorpusError(
                f"{name}: the vocabulary has {len(chosen)} words that occur {config.min_count} times; "
                f"lower {setting('min_count')} or give another {setting('read_vocab')}"
            )
        raise CorpusError(
            f"{name}: no word of it is in the vocabulary (most frequent: {most}); give another {setting('read_vocab')}"
        )
    if len(spelled) == 1:
        raise CorpusError(f"{name}: only one distinct word in it ({most} times); vectors need at least two")
    times = f"{config.min_count} times" if config.min_count > 1 else "once"
    if len(chosen) == 1:
        raise CorpusError(f"{name}: only one word occurs {times} ({most}); try {setting('min_count', 1)}")
    raise CorpusError(f"{name}: no word occurs {times} (most frequent: {most}); try {setting('min_count', 1)}")
