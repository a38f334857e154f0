"""Sequences of tokens that are Python objects (sessions, playlists, tokenised sentences) to an EncodedCorpus."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import TYPE_CHECKING

from w2v.corpus._assembly import Remapping
from w2v.corpus._encode import LONGEST_TOKEN
from w2v.corpus._sequences import SequenceEncoder
from w2v.corpus._words import WordTable
from w2v.corpus.assembly import assemble
from w2v.corpus.config import CorpusConfig
from w2v.corpus.encoded import EncodedCorpus
from w2v.corpus.selection import Spelled, select
from w2v.corpus.sources import OnProgress, Path, ReadProgress
from w2v.corpus.spool import make_spool
from w2v.corpus.vocab import TokenCounts
from w2v.errors import CorpusError

if TYPE_CHECKING:
    from w2v.corpus.config import CorpusConfig
    from w2v.corpus.vocab import Vocab

__all__ = ["encode_sequences"]

BATCH = 1000  # sequences
ASCII_SEPARATOR = re.compile("[ \t\n\r\x0b\x0c\0]")


def encode_sequences(
    sequences: Iterable[Sequence[str | bytes | int]],
    config: CorpusConfig,
    *,
    vocab: Vocab | None = None,
    tmp_dir: Path | None = None,
    memory_limit: int | None = None,
    threads: int | None = None,
    on_progress: OnProgress | None = None,
    name: str = "sequences",
) -> EncodedCorpus:
    """Encode any iterable of token sequences, gone through once; each sequence is a sentence.

    Tokens are str, bytes or whole numbers and stay whole: one that is empty or holds white space raises CorpusError,
    because no file of vectors could hold it. Normalisation, lower-casing and the tokenizer of the config apply to each
    token.
    """
    _require_corpus(sequences)
    spool = make_spool(memory_limit, tmp_dir)
    encoder = SequenceEncoder(_Checker(config))
    blocks = []
    try:
        for batch in _batches(sequences):
            block = encoder.encode(batch)
            spool.keep(block)
            blocks.append(block)
            if on_progress:
                on_progress(ReadProgress(0, None, encoder.tokens))
        token_counts = TokenCounts(read=encoder.too_long, too_long=encoder.too_long)
        selection = select(Spelled(WordTable(encoder.spellings), encoder.counts()), config, vocab, token_counts, name)
        remapping = Remapping(selection.final_ids, selection.run_ends, selection.run_ids)
        del encoder
        ids = assemble(blocks, remapping, spool, token_counts, threads or 1)
        token_counts.check()
        return EncodedCorpus(
            ids,
            selection.vocab,
            token_counts,
            settings=config.as_dict(),
            given_vocab=vocab is not None,
            name=name,
        )
    finally:
        spool.close()


def _require_corpus(corpus: object) -> None:
    """Raise CorpusError for what cannot be gone through sentence by sentence, or in no certain order."""
    kind = type(corpus).__name__
    if isinstance(corpus, (str, bytes, bytearray)):
        raise CorpusError(f"the corpus is one {kind}; give a list of sentences, each a list of tokens: text.split()")
    if isinstance(corpus, Mapping):
        raise CorpusError(f"the corpus is of type {kind}, of which only keys would be read; give its values, as a list")
    if isinstance(corpus, Set):
        raise CorpusError(f"the corpus is of type {kind}, which has no order; give a list of sentences")
    if hasattr(corpus, "read"):
        raise CorpusError(f"the corpus is an open file, {kind}; give its path, or (line.split() for line in file)")
    if not isinstance(corpus, Iterable):
        raise CorpusError(
            f"the corpus is of type {kind}; give a path, a list of paths, or a list of sentences, each a list of tokens"
        )


def _require_sequence(sequence: object, number: int) -> None:
    """Raise CorpusError for what is no sequence of tokens."""
    kind, place = type(sequence).__name__, f"sequence {number}"
    if isinstance(sequence, (str, bytes, bytearray)):
        raise CorpusError(
            f"{place} is one {kind}, not a list of tokens, and would be split into letters; split it into words "
            "first: text.split()"
        )
    if isinstance(sequence, Mapping):
        raise CorpusError(f"{place} is of type {kind}, of which only keys would be read; give a list of tokens")
    if isinstance(sequence, Set):
        raise CorpusError(f"{place} is of type {kind}, which has no order; give a list of tokens")
    if not isinstance(sequence, Iterable):
        raise CorpusError(f"{place} is of type {kind}, not a list of tokens")


def _batches(sequences: Iterable[Sequence[str | bytes | int]]) -> Iterator[list[Sequence[str | bytes | int]]]:
    iterator = iter(sequences)
    first = 0
    while batch := list(itertools.islice(iterator, BATCH)):
        for i, sequence in enumerate(batch):
            _require_sequence(sequence, first + i)
        yield batch
        first += len(batch)


class _Checker:
    """Called with each distinct token; returns its bytes, or None if it is too long."""

    def __init__(self, config: CorpusConfig):
        self.unicode = config.whitespace == "unicode"

    def __call__(self, token: object, sequence: int, place: int) -> bytes | None:
        where = f"sequence {sequence}, token {place}"
        if isinstance(token, bytes):
            text, spelling = token.decode("utf-8", "surrogateescape"), token
        elif isinstance(token, str):
            text = token
            try:
                spelling = token.encode("utf-8", "surrogateescape")
            except UnicodeEncodeError:
                raise CorpusError(f"{where}: {token!r} holds a lone surrogate; no file could hold it") from None
        else:
            raise CorpusError(
                f"{where}: {token!r} is of type {type(token).__name__}; tokens are str, bytes or whole numbers"
            )
        if not text:
            raise CorpusError(f"{where} is empty; leave empty tokens out")
        if "\0" in text or (text.split() != [text] if self.unicode else ASCII_SEPARATOR.search(text)):
            raise CorpusError(f"{where}: {token!r} holds white space; no file of vectors could hold it; join it with _")
        return spelling if len(spelling) <= LONGEST_TOKEN else None
