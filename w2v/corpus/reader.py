"""Text to an EncodedCorpus.

One pass: each thread takes a block of text from the feed, and encodes it to provisional ids. Then the vocabulary is
chosen, and the ids are put into final form.
"""

from __future__ import annotations

import hashlib
import itertools
import secrets
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from w2v.corpus._assembly import Remapping
from w2v.corpus._encode import Encoder, Spellings
from w2v.corpus.assembly import assemble, count_not_utf8, whole_parts
from w2v.corpus.config import CorpusConfig
from w2v.corpus.encoded import EncodedCorpus, Sentences
from w2v.corpus.feed import Feed
from w2v.corpus.sample import SAMPLE_BYTES, carriage_returns, lone_tokens, oddity, strange_words
from w2v.corpus.selection import Selection, Spelled, select, tally
from w2v.corpus.sources import OnProgress, Path, ReadProgress, Source, expand, repeated_file
from w2v.corpus.spool import Spool, make_spool
from w2v.corpus.tokenizers import changes_spellings
from w2v.corpus.vocab import TokenCounts, Vocab
from w2v.errors import CorpusError
from w2v.machine import thread_count
from w2v.threads import run_all

if TYPE_CHECKING:
    from w2v.corpus._blocks import Block
    from w2v.corpus.config import CorpusConfig

__all__ = ["count_words", "read_corpus", "read_sentences", "tally_words"]

BLOCK_BYTES = 1 << 19
SPELLING_BYTES = 48  # of the table of all, with its empty slots
OWN_SPELLINGS = 100_000  # in a thread's table before it is emptied: with those of a block more, 6 MB and in its cache


def read_corpus(
    paths: Path | Source | Sequence[Path | Source],
    config: CorpusConfig,
    *,
    threads: int | None = None,
    vocab: Vocab | None = None,
    tmp_dir: Path | None = None,
    memory_limit: int | None = None,
    on_progress: OnProgress | None = None,
    on_warning: Callable[[str], object] | None = None,
    block_size: int = BLOCK_BYTES,
    part: bool = False,
) -> EncodedCorpus:
    """Read files, folders and standard input (`-`) once and return them as ids.

    `vocab` fixes the words and their counts. Ids beyond `memory_limit` bytes (a quarter of the free memory by default)
    are kept in unnamed files in `tmp_dir`. `on_progress` is called about ten times a second in the calling thread.
    `part`: this is a part of a corpus, which may hold no word of the vocabulary that is given. The result depends on
    the text and the config alone. Raises CorpusError, or OSError with the file's name.
    """
    spool = make_spool(memory_limit, tmp_dir)
    reading = _Reading(expand(paths), config, threads, block_size, on_progress)
    try:
        reading.run(reading.keep_in(spool))
        return reading.encoded(spool, vocab, part, on_warning)
    finally:
        spool.close()


def read_sentences(
    paths: Path | Source | Sequence[Path | Source],
    config: CorpusConfig,
    *,
    threads: int | None = None,
    tmp_dir: Path | None = None,
    memory_limit: int | None = None,
    on_progress: OnProgress | None = None,
    on_warning: Callable[[str], object] | None = None,
    block_size: int = BLOCK_BYTES,
) -> Sentences | EncodedCorpus:
    """As `read_corpus`, for all words of a text, without putting them into an order, which takes a third of the time.

    It is encoded all the same where its spellings are not its words, or its ids are too many for the memory.
    """
    spool = make_spool(memory_limit, tmp_dir)
    reading = _Reading(expand(paths), config, threads, block_size, on_progress)
    try:
        reading.run(reading.keep_in(spool))
        if changes_spellings(config) or spool.has_file or len(reading.spellings) < 2:
            return reading.encoded(spool, None, False, on_warning)
        return reading.sentences(spool, on_warning)
    finally:
        spool.close()


def count_words(
    paths: Path | Sequence[Path],
    config: CorpusConfig,
    *,
    threads: int | None = None,
    on_progress: OnProgress | None = None,
    on_warning: Callable[[str], object] | None = None,
    block_size: int = BLOCK_BYTES,
) -> tuple[Vocab, TokenCounts]:
    """Count the words of a corpus, keeping no ids; sentences are not counted. Errors as in `read_corpus`."""
    reading = _Reading(expand(paths), config, threads, block_size, on_progress)
    reading.run(None)
    vocab = reading.select(None, least=1).vocab
    reading.token_counts.kept = vocab.total
    reading.token_counts.not_utf8 = count_not_utf8(vocab)
    reading.token_counts.check()
    reading.warn(on_warning, vocab)
    return vocab, reading.token_counts


def tally_words(
    sources: Sequence[Path | Source],
    config: CorpusConfig,
    *,
    threads: int | None = None,
    block_size: int = BLOCK_BYTES,
    digest: hashlib.blake2b | None = None,
) -> tuple[Spelled, TokenCounts]:
    """Every distinct word of a corpus with its count, in no order, rare ones too; token_counts.kept is their sum.

    For counting a corpus in parts. `digest` is fed the text, as its spellings and their order; with one thread only.
    Errors as in `read_corpus`, but a part without words is none.
    """
    reading = _Reading(expand(sources), config, threads, block_size, None)
    if digest is None:
        reading.run(None)
        spelled = reading.spelled()
    else:

        def feed(block: Block) -> None:
            digest.update(memoryview(block.ids()))
            block.discard()

        reading.run(feed)
        spelled = reading.spelled()  # of the one thread, in the order in which they were met
        for piece in spelled.words.pieces(b"\n"):
            digest.update(piece)
    words = tally(spelled, config, reading.token_counts)
    reading.token_counts.kept = int(words.counts.sum())
    reading.token_counts.check()
    return words, reading.token_counts


class _Reading:
    """The state of one pass over the text."""

    def __init__(
        self,
        sources: list[Source],
        config: CorpusConfig,
        threads: int | None,
        block_size: int,
        on_progress: OnProgress | None,
    ):
        self.config = config
        self.sources = sources
        self.name = sources[0].name + (f" and {len(sources) - 1} more" if len(sources) > 1 else "")
        self.token_counts = TokenCounts(files=len(sources))
        self.on_progress = on_progress
        self.threads = _useful_threads(threads, sources, block_size)
        self.feed = Feed(sources, block_size, self.threads)
        self.spellings = Spellings((secrets.randbits(64), secrets.randbits(64)))
        unicode = config.whitespace == "unicode"
        marks, shared = config.tokenizer == "words", self.threads > 1
        self.encoders = [
            Encoder(self.spellings, unicode, block_size, marks, shared=shared) for _ in range(self.threads)
        ]
        self._results: list[list[tuple[tuple[int, int], list[Block]]]] = [[] for _ in self.encoders]

    def run(self, keep: Callable[[Block], None] | None) -> None:
        """Encode everything; `keep` gets each block, and without it no ids are kept."""

        def encode(number: int) -> Callable[[], None]:
            def work() -> None:
                encoder, results = self.encoders[number], self._results[number]
                while (job := self.feed.next(number)) is not None:
                    tokens = encoder.tokens
                    blocks = job.encode(encoder)
                    for block in blocks:
                        if keep:
                            encoder.settle(block)
                            keep(block)
                        else:
                            block.discard()
                    if keep:
                        results.append((job.key, blocks))
                    encoder.hand_over(OWN_SPELLINGS)
                    self.feed.done(job, encoder.tokens > tokens)
                encoder.hand_over()

            return work

        readers = [self.feed.read_streams] * min(self.feed.stream_count, self.threads)
        works = [encode(0), *readers[:1], *map(encode, range(1, self.threads)), *readers[1:]]
        run_all(works, least=1 + len(readers[:1]), on_stop=self.feed.stop, on_tick=self._report)
        self.token_counts.bytes_read = self.feed.bytes_read
        self.token_counts.text_bytes = self.feed.text_bytes
        self.token_counts.nul_bytes = sum(e.nuls for e in self.encoders)
        self.token_counts.too_long = sum(e.too_long for e in self.encoders)
        self.token_counts.read = self.token_counts.too_long
        self.encoders.clear()

    def keep_in(self, spool: Spool) -> Callable[[Block], None]:
        """What keeps blocks in a spool, which is told how large the table of spellings is."""
        return lambda block: spool.keep(block, SPELLING_BYTES * len(self.spellings))

    def spelled(self) -> Spelled:
        """The table of all threads, which is given up."""
        return Spelled(*self.spellings.take())

    def select(self, vocab: Vocab | None, least: int = 2) -> Selection:
        """Choose the words; CorpusError if there are fewer than `least`."""
        spelled = self.spelled()
        try:
            return select(spelled, self.config, vocab, self.token_counts, self.name, least)
        except CorpusError as error:
            if not self.lone():
                raise
            raise CorpusError(f"{self.name}: {self.lone()}") from error

    def encoded(
        self, spool: Spool, vocab: Vocab | None, part: bool, on_warning: Callable[[str], object] | None
    ) -> EncodedCorpus:
        """The corpus with the words that are chosen; see `read_corpus`."""
        selection = self.select(vocab, 0 if part else 2)
        remapping = Remapping(selection.final_ids, selection.run_ends, selection.run_ids)
        ids = assemble(self.blocks(), remapping, spool, self.token_counts, self.threads)
        self.token_counts.not_utf8 = count_not_utf8(selection.vocab, None if vocab is None else ids)
        self.check(part)
        self.warn(on_warning, selection.vocab)
        settings, given = self.config.as_dict(), vocab is not None
        return EncodedCorpus(
            ids, selection.vocab, self.token_counts, settings=settings, given_vocab=given, name=self.name
        )

    def sentences(self, spool: Spool, on_warning: Callable[[str], object] | None) -> Sentences:
        """The corpus with all spellings as its words; see `read_sentences`."""
        words, counts = self.spellings.take()
        self.token_counts.read += int(counts.sum())
        self.token_counts.types_read = len(words)
        parts = whole_parts(self.blocks(), len(words), spool, self.token_counts, self.threads)
        self.token_counts.not_utf8 = count_not_utf8(Spelled(words, counts))
        self.check()
        self.warn(on_warning, Vocab(words, counts))
        return Sentences(parts, words, counts, self.token_counts, self.name)

    def check(self, part: bool = False) -> None:
        """Raise for token counts that do not add up, and CorpusError where each sentence is one token."""
        self.token_counts.check()
        if not part and self.token_counts.kept == self.token_counts.sentences and self.lone():
            raise CorpusError(f"{self.name}: {self.lone()}")

    def lone(self) -> str:
        """What is seen where nearly every line is one token."""
        return lone_tokens(self.feed.sample, len(self.feed.sample) < SAMPLE_BYTES, self.config)

    def warn(self, on_warning: Callable[[str], object] | None, vocab: Vocab) -> None:
        """Say what the text looks like, if that is hardly what was meant."""
        if on_warning is None:
            return
        sample = self.feed.sample
        found = carriage_returns(sample) or oddity(sample, len(sample) < SAMPLE_BYTES, self.config)
        for line in [found] if found else strange_words(vocab, self.token_counts, self.config):
            on_warning(f"{self.name}: {line}")
        if repeated := repeated_file(self.sources):
            on_warning(repeated)

    def blocks(self) -> list[Block]:
        """All blocks in the order of the text."""
        results = sorted(itertools.chain.from_iterable(self._results), key=lambda r: r[0])
        self._results.clear()
        return [block for _, blocks in results for block in blocks]

    def _report(self) -> None:
        if self.on_progress:
            tokens = sum(e.tokens for e in self.encoders)
            self.on_progress(ReadProgress(self.feed.bytes_read, self.feed.total_bytes, tokens))


def _useful_threads(threads: int | None, sources: Iterable[Source], block_size: int) -> int:
    """As many as asked for, or as there is work for."""
    threads = thread_count(threads)
    work = 0
    for source in sources:
        if source.size is None or source.kind != "plain":
            return threads
        work += -(-source.size // block_size)
    return max(1, min(threads, work))
