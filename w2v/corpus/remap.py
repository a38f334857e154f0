"""An encoded corpus from another one: words left out or put into another order, sentences cut anew.

The same steps as at the end of a reading (assembly.py), with the ids of the corpus in place of provisional ones.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from w2v.corpus._assembly import Remapping
from w2v.corpus._blocks import block_at
from w2v.corpus._encode import DROPPED
from w2v.corpus._ids import uncut
from w2v.corpus.assembly import assemble
from w2v.corpus.config import CorpusConfig
from w2v.corpus.encoded import EncodedCorpus, TokenCounts
from w2v.corpus.selection import SpellingList, final_of_words, require_two
from w2v.corpus.spool import ID_BYTES, Spool, make_spool
from w2v.cpus import thread_count
from w2v.errors import CorpusError, setting

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from w2v.corpus._blocks import Block
    from w2v.corpus.config import CorpusConfig
    from w2v.corpus.phrases import Joined
    from w2v.corpus.spool import Folder
    from w2v.corpus.vocab import Vocab

__all__ = ["chosen", "pruned", "remapped", "whole_sentences"]

BLOCK_IDS = 1 << 18
NO_RUNS = np.zeros(1, np.int64), np.zeros(0, np.int32)


class _Given(Spool):
    """A spool that holds the ids of a corpus already."""

    def __init__(self, ids: NDArray[np.int32], memory_limit: int, folder: Folder):
        super().__init__(memory_limit, folder)
        self.ids = ids

    def load(self, block: Block) -> NDArray[np.int32]:
        start = block.offset // ID_BYTES
        return self.ids[start : start + block.size]


def pruned(
    corpus: EncodedCorpus, min_count: int = 1, max_vocab: int | None = None, *, threads: int | None = None,
    tmp_dir: Folder = None, memory_limit: int | None = None,
) -> EncodedCorpus:
    """The corpus as it would have been encoded with a higher `min_count`, or fewer words; itself where all stay.

    A sentence is what it was in the text: what was cut after 10,000 tokens is put together first. Raises CorpusError if
    fewer than two words are left.
    """
    vocab = corpus.vocab.pruned(min_count, max_vocab)
    if len(vocab) == len(corpus.vocab):
        return corpus
    if len(vocab) < 2:
        top = corpus.vocab.words[0].decode("utf-8", "backslashreplace")
        raise CorpusError(
            f"{corpus.name}: {'only one word occurs' if len(vocab) else 'no word occurs'} {min_count} times "
            f'(most frequent: "{top}", {corpus.vocab.counts[0]}); try a smaller {setting("min_count")}'
        )
    final_ids = np.full(len(corpus.vocab), DROPPED, np.int32)
    final_ids[: len(vocab)] = np.arange(len(vocab), dtype=np.int32)
    ids = whole_sentences(corpus, tmp_dir=tmp_dir, memory_limit=memory_limit)
    token_counts = dataclasses.replace(corpus.token_counts, kept=0, sentences=0, cut_sentences=0)
    ids = remapped(ids, final_ids, token_counts, threads=threads, tmp_dir=tmp_dir, memory_limit=memory_limit)
    dropped = corpus.token_counts.kept - token_counts.kept
    if corpus.given_vocab:
        token_counts.not_in_vocab += dropped
    else:
        rare = int(corpus.vocab.counts[corpus.vocab.counts < min_count].sum())
        token_counts.below_min_count += rare
        token_counts.beyond_max_vocab += dropped - rare
    token_counts.check()
    settings = None
    if corpus.settings is not None:
        settings = {**corpus.settings, "min_count": max(min_count, corpus.settings["min_count"])}
        settings["max_vocab"] = corpus.settings["max_vocab"] if max_vocab is None else max_vocab
    return EncodedCorpus(
        ids, vocab, token_counts, settings=settings, given_vocab=corpus.given_vocab, name=corpus.name
    )


def chosen(
    corpus: EncodedCorpus, found: Joined, config: CorpusConfig, vocab: Vocab | None = None, *,
    threads: int | None = None, tmp_dir: Folder = None, memory_limit: int | None = None,
) -> EncodedCorpus:
    """The corpus with the phrases that were found in it as words, and of all words those that `config` leaves.

    A `vocab` that is given stands, as in `read_corpus`. Raises CorpusError if fewer than two words are left.
    """
    token_counts = dataclasses.replace(
        corpus.token_counts, kept=0, sentences=0, cut_sentences=0, joined=corpus.token_counts.joined + found.joined
    )
    words, final_ids = final_of_words(found.words, found.counts, config, vocab, token_counts)
    require_two(words, SpellingList(found.words, found.counts), config, token_counts, corpus.name, vocab)
    ids = remapped(found.ids, final_ids, token_counts, threads=threads, tmp_dir=tmp_dir, memory_limit=memory_limit)
    token_counts.check()
    return EncodedCorpus(
        ids, words, token_counts, settings=config.as_dict(), given_vocab=vocab is not None, name=corpus.name
    )


def whole_sentences(
    corpus: EncodedCorpus, *, tmp_dir: Folder = None, memory_limit: int | None = None
) -> NDArray[np.int32]:
    """The ids with every sentence in one piece, however long. The corpus's own ids where none was cut.

    A sentence of 10,000 tokens is taken for a part of the one that follows it, if any sentence was cut at all.
    """
    if not corpus.token_counts.cut_sentences:
        return corpus.ids
    out = make_spool(memory_limit, tmp_dir).array(len(corpus.ids))
    return out[: uncut(corpus.ids, out)]


def remapped(
    ids: NDArray[np.int32], final_ids: NDArray[np.int32], token_counts: TokenCounts, *, threads: int | None = None,
    tmp_dir: Folder = None, memory_limit: int | None = None,
) -> NDArray[np.int32]:
    """int32 [N]: final_ids[id] for each id, without those that are DROPPED; kept tokens and sentences are added.

    `ids` has -1 behind each sentence, of whatever length; what comes out is cut after 10,000 tokens.
    """
    limit = make_spool(memory_limit, tmp_dir).memory_limit
    blocks = [
        block_at(start * ID_BYTES, min(BLOCK_IDS, len(ids) - start)) for start in range(0, len(ids), BLOCK_IDS)
    ]
    maps = [Remapping(final_ids, *NO_RUNS)]
    return assemble(blocks, maps, _Given(ids, limit, tmp_dir), token_counts, thread_count(threads))
