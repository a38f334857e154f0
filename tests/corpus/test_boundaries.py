"""Exact boundaries: blocks, queues, limits and tables at the place where one more or less would be wrong."""

from __future__ import annotations

import gzip
import random
import threading

import numpy as np
import pytest

from w2v.corpus import reader
from w2v.corpus._encode import LONGEST_TOKEN, Encoder, Spellings
from w2v.corpus._words import WordTable
from w2v.corpus.config import CorpusConfig
from w2v.corpus.encoded import Sentences
from w2v.corpus.feed import QUEUE_STEP, Feed
from w2v.corpus.phrases import PhraseSettings, join_phrases
from w2v.corpus.reader import read_corpus, read_sentences
from w2v.corpus.selection import Spelled, select
from w2v.corpus.sequences import encode_sequences
from w2v.corpus.sources import expand
from w2v.corpus.vocab import TokenCounts, Vocab
from w2v.errors import CorpusError

from ..waiting import wait_until

ALL = CorpusConfig(min_count=1)


def test_a_word_over_three_small_gzip_members_is_one_word(tmp_path):
    """What is ahead of a block is read until a whole token can be seen, however small the pieces are."""
    for block_size in (1, 10, 100):
        parts = [b"a b\n" * 2000 + b"x" * 20, b"y" * 20, b"z" * 10 + b" c\n", b"a b\n"]
        (tmp_path / "t.gz").write_bytes(b"".join(map(gzip.compress, parts)))
        corpus = read_corpus([tmp_path / "t.gz"], ALL, block_size=block_size, threads=2)
        assert corpus.vocab.words == [b"a", b"b", b"c", b"x" * 20 + b"y" * 20 + b"z" * 10]


def test_a_reader_waits_while_nobody_takes_its_blocks(tmp_path):
    (tmp_path / "t.gz").write_bytes(gzip.compress(b"a b c d e f\n" * 4000))
    feed = Feed(expand([tmp_path / "t.gz"]), 100, threads=2)
    reader = threading.Thread(target=feed.read_streams)
    reader.start()
    wait_until(lambda: feed._has_room._waiters or not reader.is_alive(), "the reader waits")
    waiting, blocks = reader.is_alive(), len(feed._ready)
    feed.stop()
    reader.join()
    assert waiting
    assert blocks == QUEUE_STEP * 3


@pytest.mark.parametrize("count", [0, 1])
def test_tokens_that_are_too_long_are_named_where_nothing_else_is_there(count):
    found = TokenCounts(too_long=count, read=count, text_bytes=5000, files=1)
    with pytest.raises(CorpusError) as error:
        select(Spelled(WordTable([]), np.zeros(0, np.int64)), ALL, None, found, "t")
    assert ("are longer than 1024 bytes" in str(error.value)) == bool(count)


def test_pruning_to_fewer_words_keeps_the_limit_of_encoding():
    sentences = [[word] * (9 - i) + ["x"] for i, word in enumerate("abcdef")]
    corpus = encode_sequences(sentences, CorpusConfig(min_count=1, max_vocab=5))
    assert corpus.pruned(min_count=7).settings["max_vocab"] == 5
    assert corpus.pruned(max_vocab=3).settings["max_vocab"] == 3


def test_a_phrase_of_exactly_1024_bytes_is_joined_and_a_longer_one_is_not():
    for extra, joined in ((0, 1), (1, 0)):
        first, last = "a" * 500, "b" * (LONGEST_TOKEN - 501 + extra)
        corpus = encode_sequences([[first, last], ["c", "d", "e", "f"]] * 20, ALL)
        found = join_phrases(corpus, PhraseSettings(min_count=1, threshold=0.5))
        assert sum(len(phrase.phrase) > 500 for phrase in found.phrases) == joined


@pytest.mark.parametrize(("most", "threads"), [(0, 2), (7, 3), (10**9, 3)])
def test_what_is_read_does_not_depend_on_when_threads_hand_their_words_over(most, threads, tmp_path, monkeypatch):
    """Blocks of some lines; of the words a third are longer than an entry of a table, and most occur in many blocks."""
    monkeypatch.setattr(reader, "OWN_SPELLINGS", most)
    draw = random.Random(3)
    words = [b"%d" % i + b"long" * (8 * (i % 3 == 0)) for i in range(9000)]
    lines = [b" ".join(words[int(draw.paretovariate(0.3)) % len(words)] for _ in range(9)) for _ in range(8000)]
    path = tmp_path / "text"
    path.write_bytes(b"\n".join(lines))
    config = CorpusConfig(min_count=2)
    whole = read_corpus([path], config, threads=1)
    assert len(whole.vocab) > 3000
    for limit in (None, 1000):
        found = read_corpus([path], config, threads=threads, block_size=5000, memory_limit=limit, tmp_dir=tmp_path)
        assert (found.vocab == whole.vocab, found.token_counts == whole.token_counts) == (True, True)
        assert np.array_equal(found.ids, whole.ids)
    counted, _ = reader.count_words([path], config, threads=threads, block_size=5000)
    assert counted == whole.vocab


@pytest.mark.parametrize("block_size", [5, 64, 1000, 1 << 19])
def test_sentences_are_whole_wherever_blocks_end(block_size, tmp_path):
    """Empty lines at a block's beginning, sentences over several blocks, one longer than any that is trained on, files
    whose last line has no end."""
    draw = random.Random(4)
    lines = [[draw.choice(["a", "bc", "def"]) for _ in range(draw.choice([0, 0, 1, 2, 9]))] for _ in range(400)]
    lines[200] = ["a", "xyz"] * 6000
    for name, some in (("1", lines[:150]), ("2", []), ("3", lines[150:])):
        (tmp_path / name).write_text("\n".join(map(" ".join, some)))
    corpus = read_corpus([tmp_path], ALL)
    for threads in (1, 3):
        found = read_sentences([tmp_path], ALL, threads=threads, block_size=block_size)
        assert isinstance(found, Sentences)
        text = [b" ".join(found.words[i] for i in ids) for part in found.parts for ids in sentences_of(part)]
        assert text == [" ".join(line).encode() for line in lines if line]
        assert found.token_counts == corpus.token_counts
        assert Vocab.sorted(found.words, found.counts) == corpus.vocab


def sentences_of(part):
    """The ids of each sentence; the part ends with one."""
    return np.split(part[part >= 0], (np.flatnonzero(part < 0) - np.arange((part < 0).sum()))[:-1])


def test_a_word_that_makes_a_table_grow_is_found_again():
    """Every long word in every encoder's blocks, of more than a large page: no word twice, each counted in full."""
    words = [b"%05d" % i + b"w" * 20 for i in range(90_000)]
    text = b" ".join(words) + b"\n"
    spellings = Spellings((3, 4))
    encoders = [Encoder(spellings, True, 1 << 20, shared=True) for _ in range(4)]
    for encoder in encoders[:3]:
        for _ in range(2):
            encoder.encode_bytes(b"", text, b"", True)
        encoder.hand_over()
        assert len(spellings) == len(words)
    block = encoders[3].encode_bytes(b"", b"other " + words[7] + b" a third", b"", True)[0]
    encoders[3].settle(block)
    encoders[3].hand_over()
    encoders[2].settle(encoders[2].encode_bytes(b"", b"third", b"", True)[0])  # its count is handed over too
    found, counts = spellings.take()
    once = {b"other": 1, b"a": 1, b"third": 2}
    assert dict(zip(found, counts.tolist(), strict=True)) == {**dict.fromkeys(words, 6), words[7]: 7, **once}
    assert [found[place] for place in block.ids()[:-1]] == [b"other", words[7], b"a", b"third"]
    with pytest.raises(ValueError, match="has been given up"):
        encoders[2].hand_over()
    with pytest.raises(ValueError, match="has been given up"):
        encoders[1].encode_bytes(b"", text, b"", True)
