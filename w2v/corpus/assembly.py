"""Blocks of provisional ids to the one array of final ids.

Each block is measured on its own, then one short walk over the measures says where each block's ids go and how many
tokens of its first sentence stand in the blocks before; with that each is written on its own. So the result does not
depend on the size of the blocks, nor on the number of threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from w2v.corpus._assembly import Remapping
from w2v.corpus._blocks import Block, block_at, write_all
from w2v.corpus._encode import LONGEST_SENTENCE
from w2v.corpus._ids import uncut
from w2v.corpus.spool import ID_BYTES, Folder, Spool, make_spool, spool_errors, unnamed_file
from w2v.machine import thread_count
from w2v.threads import for_each

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from w2v.corpus.selection import Spelled
    from w2v.corpus.vocab import TokenCounts, Vocab

__all__ = ["assemble", "count_not_utf8", "remapped", "whole_parts", "whole_sentences"]

BLOCK_IDS = 1 << 18  # of a corpus whose ids are changed
BLOCK_WORDS = 1 << 10  # looked at together
NO_RUNS = np.zeros(1, np.int64), np.zeros(0, np.int32)


@dataclass
class Place:
    """Where a block's ids go."""

    start: int
    size: int
    open_tokens: int  # of its first sentence, in the blocks before


def assemble(
    blocks: Sequence[Block], remapping: Remapping, spool: Spool, token_counts: TokenCounts, threads: int
) -> NDArray[np.int32]:
    """int32 [N]: the final ids of all blocks, in order; sentences and kept tokens are entered into the token counts.

    Blocks in memory are given back as they are written.
    """
    places = _lay_out(_measure(blocks, remapping, spool, threads), token_counts)
    total = places[-1].start + places[-1].size if places else 0
    if total * ID_BYTES <= spool.memory_limit and not spool.beside_table(total * ID_BYTES):
        ids = np.empty(total, np.int32)

        def write(i: int) -> None:
            place, block = places[i], blocks[i]
            out = ids[place.start : place.start + place.size]
            remapping.write(block, spool.load(block), place.open_tokens, out)
            block.release()

        for_each(write, len(blocks), threads)
        return ids
    with unnamed_file(spool.folder) as file, spool_errors(spool.folder):
        number = file.fileno()

        def write_out(i: int) -> None:
            place, block = places[i], blocks[i]
            out = np.empty(place.size, np.int32)
            remapping.write(block, spool.load(block), place.open_tokens, out)
            write_all(number, memoryview(out).cast("B"), place.start * ID_BYTES)
            block.release()

        for_each(write_out, len(blocks), threads)
        return np.memmap(file, np.int32, "r", shape=(total,))


def whole_parts(
    blocks: Sequence[Block], words: int, spool: Spool, token_counts: TokenCounts, threads: int
) -> list[NDArray[np.int32]]:
    """int32 in parts of whole sentences, of whatever length: the provisional ids of all blocks in order, where they
    are, but for sentences that go on in the next block. Sentences and kept tokens are entered into the token counts.

    The ids are those of `words` spellings, and all blocks are in memory.
    """
    measures = _measure(blocks, Remapping(np.arange(words, dtype=np.int32), *NO_RUNS), spool, threads)
    _lay_out(measures, token_counts)
    parts: list[NDArray[np.int32]] = []
    begun: list[NDArray[np.int32]] = []  # the sentence at the end of the blocks so far
    for block, (head, tail, ends, *_) in zip(blocks, measures, strict=True):
        ids = np.asarray(block)
        last = len(ids) - tail
        if ends:
            between = np.concatenate([*begun, ids[: head + 1]])
            parts += [part for part in (between, ids[head + 1 : last]) if len(part) > 1]  # not an end without a token
            begun.clear()
        begun.append(ids[last:] if ends else ids)
    return parts


def _measure(blocks: Sequence[Block], remapping: Remapping, spool: Spool, threads: int) -> list[tuple[int, ...]]:
    measures: list[tuple[int, ...]] = [()] * len(blocks)

    def measure(i: int) -> None:
        measures[i] = remapping.measure(blocks[i], spool.load(blocks[i]))

    for_each(measure, len(blocks), threads)
    return measures


def _lay_out(measures: Sequence[tuple[int, ...]], token_counts: TokenCounts) -> list[Place]:
    places = []
    start = open_tokens = 0
    was_cut = False
    for head, tail, ends, between, kept, sentences, cut in measures:
        size, now_open, cuts = _extend(open_tokens, head)
        token_counts.sentences += cuts
        token_counts.cut_sentences += bool(cuts) and not was_cut
        was_cut = was_cut or bool(cuts)
        if ends:
            token_counts.sentences += bool(now_open) + sentences
            token_counts.cut_sentences += cut
            more, after, cuts = _extend(0, tail)
            token_counts.sentences += cuts
            was_cut = bool(cuts)
            token_counts.cut_sentences += was_cut
            size += bool(now_open) + between + more
            now_open = after
        token_counts.kept += kept
        places.append(Place(start, size, open_tokens))
        start += size
        open_tokens = now_open
    return places


def _extend(open_tokens: int, more: int) -> tuple[int, int, int]:
    """(ids written, tokens then open, cuts) when `more` tokens follow in a sentence that has `open_tokens`."""
    if more == 0:
        return 0, open_tokens, 0
    total = open_tokens + more
    cuts = (total - 1) // LONGEST_SENTENCE
    return more + cuts, total - cuts * LONGEST_SENTENCE, cuts


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def count_not_utf8(vocab: Vocab | Spelled, ids: NDArray[np.int32] | None = None) -> int:
    """How many tokens are words that are not UTF-8, by the counts; by the ids where counts are not the text's own."""
    words = vocab.words
    strange = np.zeros(len(words) + 1, bool)  # the last is where -1 points to
    for low in range(0, len(words), BLOCK_WORDS):
        if not _is_utf8(words.joined(b" ", low, low + BLOCK_WORDS)):
            some = words[low : low + BLOCK_WORDS]
            strange[low : low + len(some)] = [not _is_utf8(word) for word in some]
    if ids is None or not strange.any():
        return int(vocab.counts[strange[:-1]].sum())
    return sum(int(np.count_nonzero(strange[ids[at : at + BLOCK_IDS]])) for at in range(0, len(ids), BLOCK_IDS))


# Ids that are final already, changed: the same steps with them in place of provisional ones.


class _Given(Spool):
    """A spool that holds the ids of a corpus already: block n is given by its offset."""

    def __init__(self, blocks: Sequence[NDArray[np.int32]], memory_limit: int, folder: Folder):
        super().__init__(memory_limit, folder)
        self.blocks = blocks

    def load(self, block: Block) -> NDArray[np.int32]:
        return self.blocks[block.offset]


def whole_sentences(
    ids: NDArray[np.int32], token_counts: TokenCounts, *, tmp_dir: Folder = None, memory_limit: int | None = None
) -> NDArray[np.int32]:
    """The ids with every sentence in one piece, however long. The same array where none was cut.

    A sentence of 10,000 tokens is taken for a part of the one that follows it, if any sentence was cut at all.
    """
    if not token_counts.cut_sentences:
        return ids
    out = make_spool(memory_limit, tmp_dir).array(len(ids))
    return out[: uncut(ids, out)]


def remapped(
    parts: Sequence[NDArray[np.int32]],
    final_ids: NDArray[np.int32],
    token_counts: TokenCounts,
    *,
    threads: int | None = None,
    tmp_dir: Folder = None,
    memory_limit: int | None = None,
) -> NDArray[np.int32]:
    """int32 [N]: final_ids[id] for each id, without those that are DROPPED; kept tokens and sentences are added.

    `parts`, one after the other, have -1 behind each sentence, of whatever length; what comes out is cut after 10,000
    tokens.
    """
    limit = make_spool(memory_limit, tmp_dir).memory_limit
    given = [part[start : start + BLOCK_IDS] for part in parts for start in range(0, len(part), BLOCK_IDS)]
    blocks = [block_at(number, len(ids)) for number, ids in enumerate(given)]
    remapping = Remapping(final_ids, *NO_RUNS)
    return assemble(blocks, remapping, _Given(given, limit, tmp_dir), token_counts, thread_count(threads))
