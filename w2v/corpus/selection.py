"""Which words are kept, and what each spelling becomes: a final id, several, or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from w2v.corpus._encode import DROPPED, LONGEST_TOKEN, RUN_BASE
from w2v.corpus._rank import ordered, places, rank
from w2v.corpus._words import WordTable
from w2v.corpus.tokenizers import changes_spellings, tokenize
from w2v.corpus.vocab import Vocab
from w2v.errors import CorpusError, setting

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from w2v.corpus.config import CorpusConfig
    from w2v.corpus.vocab import TokenCounts

__all__ = ["Selection", "Spelled", "final_of_words", "require_two", "select", "tally"]

NO_ENDS = np.zeros(1, np.int64)
NO_IDS = np.zeros(0, np.int32)
NO_COUNTS = np.zeros(0, np.int64)


@dataclass
class Spelled:
    """Distinct spellings or words with their counts, int64 [n]."""

    words: WordTable
    counts: NDArray[np.int64]

    def some(self, which: NDArray[np.bool_]) -> Spelled:
        """Those for which `which` is true."""
        return Spelled(self.words.take(np.flatnonzero(which)), self.counts[which])


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
    or none of the text is in the vocabulary; never with 0, for a part of a corpus. `spelled` is used up.
    """
    if changes_spellings(config) or vocab is not None:
        return _select_words(spelled, config, vocab, token_counts, name, least)
    token_counts.read += int(spelled.counts.sum())
    token_counts.types_read = len(spelled.words)
    token_counts.below_min_count += int(spelled.counts[spelled.counts < config.min_count].sum())
    order = _choose(spelled, spelled.counts >= config.min_count, config, token_counts)
    if len(order) < least:
        require_two(len(order), spelled, config, token_counts, name)
    counts: NDArray[np.int64] | NDArray[np.int32] = spelled.counts
    spelled.counts = NO_COUNTS
    if counts.max(initial=0) <= np.iinfo(np.int32).max:  # memory is scarcest while `keep` has all words twice
        counts = counts.astype(np.int32)
    spelled.words.keep(order)
    vocab = Vocab(spelled.words, ordered(counts, order))
    return Selection(vocab, places(order, token_counts.types_read, DROPPED), NO_ENDS, NO_IDS)


def _choose(
    words: Spelled, enough: NDArray[np.bool_], config: CorpusConfig, token_counts: TokenCounts
) -> NDArray[np.int32]:
    """int32: the rows of the words that are chosen, in the order of the vocabulary."""
    order = rank(words.words, words.counts, enough)
    if config.max_vocab is not None and len(order) > config.max_vocab:
        token_counts.beyond_max_vocab += int(words.counts[order[config.max_vocab :]].sum())
        order = order[: config.max_vocab]
    return order


def tally(spelled: Spelled, config: CorpusConfig, token_counts: TokenCounts) -> Spelled:
    """Every distinct word and its count, in no order and none left out but what is too long."""
    words, _, _ = _count_words(spelled, config, token_counts)
    short = _short(words)
    token_counts.too_long += int(words.counts[~short].sum())
    return words.some(short)


def _short(words: Spelled) -> NDArray[np.bool_]:
    """Which words are no longer than a token may be."""
    return np.asarray(words.words.lengths()) <= LONGEST_TOKEN


def _count_words(
    spelled: Spelled, config: CorpusConfig, token_counts: TokenCounts
) -> tuple[Spelled, NDArray[np.int64], NDArray[np.int64]]:
    """Spellings to words: (distinct words, places among them of all spellings' words, ends of these)."""
    counts, distinct = spelled.counts, spelled.words
    if changes_spellings(config):
        words, ends_list = tokenize(list(spelled.words), config)
        ends = np.array(ends_list, np.int64)
        places: dict[bytes, int] = {}
        flat = np.fromiter((places.setdefault(w, len(places)) for w in words), np.int64, len(words))
        distinct = WordTable(places)
    else:  # each is a word, and no other
        flat, ends = np.arange(len(counts)), np.arange(len(counts) + 1, dtype=np.int64)
    per_spelling = np.diff(ends)
    # Sums of float64 are exact here: no count reaches 2^53.
    word_counts = np.bincount(flat, np.repeat(counts, per_spelling), minlength=len(distinct)).astype(np.int64)
    no_word = int(counts[per_spelling == 0].sum())
    token_counts.no_word += no_word
    token_counts.read += int(word_counts.sum()) + no_word
    token_counts.types_read = len(distinct)
    return Spelled(distinct, word_counts), flat, ends


def _select_words(
    spelled: Spelled, config: CorpusConfig, vocab: Vocab | None, token_counts: TokenCounts, name: str, least: int
) -> Selection:
    """The general case: spellings become words first, and equal words are counted together."""
    words, flat, ends = _count_words(spelled, config, token_counts)
    chosen, final = final_of_words(words, config, vocab, token_counts)
    if len(chosen) < least or (vocab is not None and least):
        require_two(len(chosen), words, config, token_counts, name, vocab)
    return Selection(chosen, *_runs(final[flat] if len(flat) else NO_IDS, ends))


def final_of_words(
    words: Spelled, config: CorpusConfig, vocab: Vocab | None, token_counts: TokenCounts
) -> tuple[Vocab, NDArray[np.int32]]:
    """The vocabulary, and each word's final id or DROPPED."""
    if vocab is not None:
        vocab = vocab.pruned(config.min_count, config.max_vocab)
        rows = vocab.rows(words.words)
        token_counts.not_in_vocab += int(words.counts[rows < 0].sum())
        return vocab, np.where(rows >= 0, rows, DROPPED).astype(np.int32)
    short = _short(words)  # NFKC can make words longer
    token_counts.too_long += int(words.counts[~short].sum())
    enough = words.counts >= config.min_count
    token_counts.below_min_count += int(words.counts[short & ~enough].sum())
    order = _choose(words, short & enough, config, token_counts)
    chosen = Vocab(words.words.take(order.astype(np.int64)), ordered(words.counts, order))
    return chosen, places(order, len(words.words), DROPPED)


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
    chosen: int,
    spelled: Spelled,
    config: CorpusConfig,
    token_counts: TokenCounts,
    name: str,
    vocab: Vocab | None = None,
) -> None:
    """Raise CorpusError where there is nothing to train on."""
    unknown = token_counts.not_in_vocab + token_counts.no_word + token_counts.too_long
    if chosen >= 2 and (vocab is None or token_counts.read > unknown):
        return
    if len(spelled.words) == 0:
        found = f"{token_counts.text_bytes} bytes read" if token_counts.files else "no tokens"
        if token_counts.too_long:
            found += f"; {token_counts.too_long} are longer than {LONGEST_TOKEN} bytes"
        elif token_counts.no_word:
            found += f"; {token_counts.no_word} tokens, none of them a word"
        raise CorpusError(f"{name}: no words in it ({found})")
    top = int(spelled.counts.max())
    word = min(spelled.words.take(np.flatnonzero(spelled.counts == top)))
    most = f'"{word.decode("utf-8", "backslashreplace")}", {top}'
    if vocab is not None:
        if chosen < 2:
            raise CorpusError(
                f"{name}: the vocabulary has {chosen} words that occur {config.min_count} times; "
                f"lower {setting('min_count')} or give another {setting('read_vocab')}"
            )
        raise CorpusError(
            f"{name}: no word of it is in the vocabulary (most frequent: {most}); give another {setting('read_vocab')}"
        )
    if len(spelled.words) == 1:
        raise CorpusError(f"{name}: only one distinct word in it ({most} times); vectors need at least two")
    times = f"{config.min_count} times" if config.min_count > 1 else "once"
    if chosen == 1:
        raise CorpusError(f"{name}: only one word occurs {times} ({most}); try {setting('min_count', 1)}")
    raise CorpusError(f"{name}: no word occurs {times} (most frequent: {most}); try {setting('min_count', 1)}")
