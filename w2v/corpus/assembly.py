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
from w2v.corpus._blocks import Block, write_all
from w2v.corpus._encode import LONGEST_SENTENCE
from w2v.corpus.encoded import TokenCounts
from w2v.corpus.spool import ID_BYTES, Spool, spool_errors, unnamed_file
from w2v.threads import for_each

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["assemble"]


@dataclass
class Place:
    """Where a block's ids go."""

    start: int
    size: int
    open_tokens: int  # of its first sentence, in the blocks before


def assemble(
    blocks: Sequence[Block], maps: Sequence[Remapping], spool: Spool, token_counts: TokenCounts, threads: int
) -> NDArray[np.int32]:
    """int32 [N]: the final ids of all blocks, in order; sentences and kept tokens are entered into the token counts.

    `maps[e]` belongs to the blocks of encoder e. Blocks in memory are given back as they are written.
    """
    measures: list[tuple[int, ...]] = [()] * len(blocks)

    def measure(i: int) -> None:
        measures[i] = maps[blocks[i].encoder].measure(blocks[i], spool.load(blocks[i]))

    for_each(measure, len(blocks), threads)
    places = _lay_out(measures, token_counts)
    total = places[-1].start + places[-1].size if places else 0
    if total * ID_BYTES <= spool.memory_limit:
        ids = np.empty(total, np.int32)

        def write(i: int) -> None:
            place, block = places[i], blocks[i]
            out = ids[place.start : place.start + place.size]
            maps[block.encoder].write(block, spool.load(block), place.open_tokens, out)
            block.release()

        for_each(write, len(blocks), threads)
        return ids
    with unnamed_file(spool.folder) as file, spool_errors(spool.folder):
        number = file.fileno()

        def write_out(i: int) -> None:
            place, block = places[i], blocks[i]
            out = np.empty(place.size, np.int32)
            maps[block.encoder].write(block, spool.load(block), place.open_tokens, out)
            write_all(number, memoryview(out).cast("B"), place.start * ID_BYTES)
            block.release()

        for_each(write_out, len(blocks), threads)
        return np.memmap(file, np.int32, "r", shape=(total,))


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
