"""An encoded corpus with another vocabulary: the words of a model that goes on, or phrases as words.

The same steps as at the end of a reading (assembly.py), with the ids of the corpus in place of provisional ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from w2v.corpus._encode import DROPPED
from w2v.corpus._rank import rank
from w2v.corpus.assembly import count_not_utf8, remapped, whole_sentences
from w2v.corpus.encoded import EncodedCorpus, Sentences
from w2v.corpus.selection import Spelled, final_of_words, require_two
from w2v.corpus.vocab import Vocab
from w2v.errors import CorpusError, setting

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from w2v.corpus.config import CorpusConfig
    from w2v.corpus.phrases import Joined
    from w2v.corpus.spool import Folder

__all__ = ["apply_vocab", "extend_vocab"]

STEP_IDS = 1 << 20


def apply_vocab(
    corpus: EncodedCorpus | Sentences,
    found: Joined,
    config: CorpusConfig,
    vocab: Vocab | None = None,
    *,
    threads: int | None = None,
    tmp_dir: Folder = None,
    memory_limit: int | None = None,
) -> EncodedCorpus:
    """The corpus with the phrases that were found in it as words, and of all words those that `config` leaves.

    A `vocab` that is given stands, as in `read_corpus`. Raises CorpusError if fewer than two words are left.
    """
    token_counts = corpus.token_counts.unmapped()
    token_counts.joined += found.joined
    spelled = Spelled(found.words, found.counts)
    words, final_ids = final_of_words(spelled, config, vocab, token_counts)
    require_two(len(words), spelled, config, token_counts, corpus.name, vocab)
    ids = remapped(found.parts, final_ids, token_counts, threads=threads, tmp_dir=tmp_dir, memory_limit=memory_limit)
    token_counts.not_utf8 = count_not_utf8(words, None if vocab is None else ids)
    token_counts.check()
    return EncodedCorpus(
        ids, words, token_counts, settings=config.as_dict(), given_vocab=vocab is not None, name=corpus.name
    )


def extend_vocab(
    corpus: EncodedCorpus,
    known: Vocab,
    min_count: int = 1,
    max_vocab: int | None = None,
    *,
    threads: int | None = None,
    tmp_dir: Folder = None,
    memory_limit: int | None = None,
) -> EncodedCorpus:
    """The corpus with every word of `known`, however rare it is there, and its own words that occur `min_count` times.

    Counts are sums of both, and their order is that of the new vocabulary: subsampling and negative sampling go by all
    of the text that the words have been seen in. `max_vocab` leaves out new words, never known ones. `corpus` should
    have been read with a `min_count` of 1. Raises CorpusError if no word of it is left.
    """
    own, seen = corpus.vocab.words, _occurrences(corpus)
    counts = known.counts.copy()
    row = known.rows(own).astype(np.int64)
    old = row >= 0
    counts[row[old]] += seen[old]
    new = np.flatnonzero(~old & (seen >= min_count))
    new = new[rank(own.take(new), seen[new])]  # in falling frequency
    beyond = new[max(0, max_vocab - len(known)) :] if max_vocab is not None else new[:0]
    new = new[: len(new) - len(beyond)]
    words = known.words + own.take(new)
    row[new] = np.arange(len(known), len(words))
    vocab = Vocab.sorted(words, np.concatenate([counts, seen[new]]))
    final_ids = np.where(row >= 0, vocab.rows(words)[row], DROPPED).astype(np.int32)
    token_counts = corpus.token_counts.unmapped()
    ids = whole_sentences(corpus.ids, corpus.token_counts, tmp_dir=tmp_dir, memory_limit=memory_limit)
    ids = remapped([ids], final_ids, token_counts, threads=threads, tmp_dir=tmp_dir, memory_limit=memory_limit)
    token_counts.not_utf8 = count_not_utf8(vocab, ids)
    token_counts.beyond_max_vocab += int(seen[beyond].sum())
    token_counts.below_min_count += int(seen[row < 0].sum()) - int(seen[beyond].sum())
    token_counts.check()
    if not token_counts.kept:
        raise CorpusError(
            f"{corpus.name}: none of its words is known, and none occurs {min_count} times; try a smaller "
            f"{setting('min_count')}"
        )
    return EncodedCorpus(ids, vocab, token_counts, settings=corpus.settings, name=corpus.name)


def _occurrences(corpus: EncodedCorpus) -> NDArray[np.int64]:
    """int64 [V]: how often each word occurs in the corpus, even if its vocabulary was given other counts."""
    if not corpus.given_vocab:
        return corpus.vocab.counts
    counts = np.zeros(len(corpus.vocab), np.int64)
    for start in range(0, len(corpus.ids), STEP_IDS):
        ids = corpus.ids[start : start + STEP_IDS]
        found = np.bincount(ids[ids >= 0], minlength=len(counts))
        if len(found) > len(counts):
            raise CorpusError(f"{corpus.name}: the ids hold {len(found) - 1}, and there are {len(counts):,} words")
        counts += found
    return counts
