"""A corpus as ids, ready to be trained on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from w2v.corpus._encode import DROPPED
from w2v.corpus.assembly import count_not_utf8, remapped, whole_sentences
from w2v.corpus.ids_file import IdsFile, digest_of, read_ids_file, write_ids_file
from w2v.errors import CorpusError, setting
from w2v.output import AtomicOutput

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from w2v.corpus._words import WordTable
    from w2v.corpus.spool import Folder
    from w2v.corpus.vocab import TokenCounts, Vocab

__all__ = ["CorpusInfo", "EncodedCorpus", "Sentences"]


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
        self,
        ids: NDArray[np.int32],
        vocab: Vocab,
        token_counts: TokenCounts,
        *,
        settings: dict[str, Any] | None = None,
        given_vocab: bool = False,
        name: str = "the corpus",
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
        with AtomicOutput(path, compress=False) as out:
            self.write(out)

    def write(self, out: AtomicOutput) -> None:
        """Write everything into an open output."""
        content = IdsFile(self.ids, self.vocab, self.token_counts, self.settings, self.given_vocab, self.digest())
        write_ids_file(content, out)

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        *,
        threads: int | None = None,
        tmp_dir: Folder = None,
        memory_limit: int | None = None,
    ) -> EncodedCorpus:
        """Read a file that `save` or `w2v encode` has written; all of it is checked.

        Ids beyond `memory_limit` bytes (by default a quarter of the free memory) go to an unnamed file in `tmp_dir`.
        Raises CorpusError with the place for what is wrong with the file, OSError if it cannot be read.
        """
        found = read_ids_file(path, threads, tmp_dir=tmp_dir, memory_limit=memory_limit)
        return cls(
            found.ids,
            found.vocab,
            found.token_counts,
            settings=found.settings,
            given_vocab=found.given_vocab,
            name=os.fspath(path),
            digest=found.digest,
        )

    def pruned(
        self,
        min_count: int = 1,
        max_vocab: int | None = None,
        *,
        threads: int | None = None,
        tmp_dir: Folder = None,
        memory_limit: int | None = None,
    ) -> EncodedCorpus:
        """The corpus as it would have been encoded with a higher `min_count`, or with `max_vocab` words at the most.

        Itself where all words stay. A sentence is what it was in the text: what was cut after 10,000 tokens is put
        together first. Raises CorpusError if fewer than two words are left.
        """
        vocab = self.vocab.pruned(min_count, max_vocab)
        if len(vocab) == len(self.vocab):
            return self
        if len(vocab) < 2:
            top = self.vocab.words[0].decode("utf-8", "backslashreplace")
            raise CorpusError(
                f"{self.name}: {'only one word occurs' if len(vocab) else 'no word occurs'} {min_count} times "
                f'(most frequent: "{top}", {self.vocab.counts[0]}); try a smaller {setting("min_count")}'
            )
        final_ids = np.full(len(self.vocab), DROPPED, np.int32)
        final_ids[: len(vocab)] = np.arange(len(vocab), dtype=np.int32)
        ids = whole_sentences(self.ids, self.token_counts, tmp_dir=tmp_dir, memory_limit=memory_limit)
        found = self.token_counts.unmapped()
        ids = remapped([ids], final_ids, found, threads=threads, tmp_dir=tmp_dir, memory_limit=memory_limit)
        found.not_utf8 = count_not_utf8(vocab, ids if self.given_vocab else None)
        dropped = self.token_counts.kept - found.kept
        if self.given_vocab:
            found.not_in_vocab += dropped
        else:
            rare = int(self.vocab.counts[self.vocab.counts < min_count].sum())
            found.below_min_count += rare
            found.beyond_max_vocab += dropped - rare
        found.check()
        settings = None
        if self.settings is not None:
            settings = {**self.settings, "min_count": max(min_count, self.settings["min_count"])}
            settings["max_vocab"] = self.settings["max_vocab"] if max_vocab is None else max_vocab
        return EncodedCorpus(ids, vocab, found, settings=settings, given_vocab=self.given_vocab, name=self.name)

    def digest(self) -> str:
        """Hex BLAKE2b of words, counts and ids: equal for equal corpora, however they were read."""
        if self._digest is None:
            self._digest = digest_of(self.vocab, self.ids)
        return self._digest

    def close(self) -> None:
        """Give the ids back; a spool's file is gone with its map."""
        self.ids = np.empty(0, np.int32)


@dataclass
class Sentences:
    """A corpus that was read but not encoded: all its words, in no order, and its sentences in ids of these.

    parts: int32, one after the other, each of whole sentences of any length with -1 behind them, which may be written
    over. counts: int64 [V].
    """

    parts: list[NDArray[np.int32]]
    words: WordTable
    counts: NDArray[np.int64]
    token_counts: TokenCounts
    name: str
