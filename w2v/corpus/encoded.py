"""A corpus as ids, ready to be trained on, and the token counts: where each token of the text went."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from w2v.threads import for_each

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from w2v.corpus.vocab import Vocab

__all__ = ["CorpusInfo", "EncodedCorpus", "TokenCounts"]

BLOCK_IDS = 1 << 20  # that one thread takes at a time; the digest is made of the blocks' digests


@dataclass
class TokenCounts:
    """Where each token of the text went. A spelling in which the tokenizer finds several words counts once for each."""

    read: int = 0
    kept: int = 0
    below_min_count: int = 0
    beyond_max_vocab: int = 0
    not_in_vocab: int = 0  # of a vocabulary that was given
    too_long: int = 0  # more than 1,024 bytes
    no_word: int = 0  # spellings in which the tokenizer finds none
    joined: int = 0  # to the token before them, as phrases
    sentences: int = 0  # as trained: not empty, long ones in parts
    cut_sentences: int = 0  # longer than 10,000 kept tokens, and cut there
    nul_bytes: int = 0
    bytes_read: int = 0  # of the files, compressed or not
    text_bytes: int = 0  # after decompression
    types_read: int = 0  # distinct words before any were dropped
    files: int = 0

    def dropped(self) -> int:
        """Tokens read and not kept as tokens of their own."""
        return (
            self.below_min_count + self.beyond_max_vocab + self.not_in_vocab + self.too_long + self.no_word
            + self.joined
        )

    def check(self) -> None:
        """Raise ValueError unless read == kept + dropped and nothing is negative."""
        if self.read != self.kept + self.dropped() or any(getattr(self, f.name) < 0 for f in fields(self)):
            raise ValueError(f"the token counts do not add up: {self}")


class CorpusInfo(Protocol):
    """What is known of a corpus wherever its ids are: here, or on the nodes of a cluster."""

    @property
    def vocab(self) -> Vocab: ...
    @property
    def token_counts(self) -> TokenCounts: ...
    def digest(self) -> str: ...


class EncodedCorpus:
    """ids: int32 [N], read-only, contiguous, in memory or memory-mapped; -1 ends each sentence, the last one too.

    No sentence is empty or longer than 10,000 tokens. `settings` are the fields of the CorpusConfig with which it was
    read, if known; `given_vocab` says that its words and counts are not its own; `name` stands for it in messages.
    """

    def __init__(
        self, ids: NDArray[np.int32], vocab: Vocab, token_counts: TokenCounts, *,
        settings: dict[str, Any] | None = None, given_vocab: bool = False, name: str = "the corpus",
        digest: str | None = None,
    ):
        ids.flags.writeable = False
        self.ids = ids
        self.vocab = vocab
        self.token_counts = token_counts
        self.settings = settings
        self.given_vocab = given_vocab
        self.name = name
        self._digest = digest

    def __repr__(self) -> str:
        found = self.token_counts
        return f"<EncodedCorpus of {found.kept} tokens, {found.sentences} sentences, {len(self.vocab)} words>"

    @property
    def spooled(self) -> bool:
        """Whether the ids are in a file instead of in memory."""
        return isinstance(self.ids, np.memmap)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything to one file, in one step; `EncodedCorpus.load` and `w2v train` read it."""
        from w2v.corpus.ids_file import save_corpus

        save_corpus(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> EncodedCorpus:
        """Read a file that `save` or `w2v encode` has written; all of it is checked.

        Raises CorpusError with the place for what is wrong with it, OSError if it cannot be read.
        """
        from w2v.corpus.ids_file import load_corpus

        return load_corpus(path)

    def pruned(self, min_count: int = 1, max_vocab: int | None = None) -> EncodedCorpus:
        """The corpus as it would have been encoded with a higher `min_count`, or with `max_vocab` words at the most."""
        from w2v.corpus.remap import pruned

        return pruned(self, min_count, max_vocab)

    def digest(self) -> str:
        """Hex BLAKE2b of words, counts and ids: equal for equal corpora, however they were read."""
        if self._digest is None:
            starts = range(0, len(self.ids), BLOCK_IDS)
            blocks = [b""] * len(starts)

            def work(i: int) -> None:
                blocks[i] = digest_of_block(self.ids[starts[i] : starts[i] + BLOCK_IDS])

            for_each(work, len(starts))
            self._digest = digest_of(self.vocab, blocks)
        return self._digest

    def close(self) -> None:
        """Give the ids back; a spool's file is gone with its map."""
        self.ids = np.empty(0, np.int32)


def digest_of_block(ids: NDArray[np.int32]) -> bytes:
    """BLAKE2b of at most BLOCK_IDS ids, as little-endian bytes."""
    return hashlib.blake2b(np.ascontiguousarray(ids, "<i4"), digest_size=32).digest()


def digest_of(vocab: Vocab, blocks: list[bytes]) -> str:
    """Hex BLAKE2b of the words, their counts and the digests of all blocks of ids."""
    hash = hashlib.blake2b(b"w2v corpus 2\n", digest_size=32)
    hash.update(b"%d\n" % len(vocab))
    hash.update(b"\n".join(vocab.words))
    hash.update(vocab.counts.astype("<i8", copy=False).tobytes())
    for block in blocks:
        hash.update(block)
    return hash.hexdigest()
