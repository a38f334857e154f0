"""Ids and vocabularies that a Python program makes itself: what is wrong with them is an error, never memory that is
not theirs."""

from __future__ import annotations

import numpy as np
import pytest

from w2v.corpus._assembly import Remapping
from w2v.corpus._encode import DROPPED, RUN_BASE, Encoder, Spellings
from w2v.corpus._ids import SentenceWriter
from w2v.corpus._words import WordTable
from w2v.corpus.assembly import remapped
from w2v.corpus.config import CorpusConfig
from w2v.corpus.encoded import EncodedCorpus
from w2v.corpus.phrases import PhraseSettings, join_phrases
from w2v.corpus.remap import extend_vocab
from w2v.corpus.vocab import TokenCounts, Vocab
from w2v.errors import CorpusError

VOCAB = Vocab([b"a", b"b", b"c"], np.array([4, 3, 1]))
BAD = (3, 1 << 20, 2**31 - 1, -2, -(2**31))


def corpus(bad: int, *, given_vocab: bool = False, settings: dict | None = None) -> EncodedCorpus:
    ids = np.array([0, 1, 2, -1, 0, 1, bad, 0, 1, 0, -1], np.int32)
    return EncodedCorpus(
        ids, VOCAB, TokenCounts(read=9, kept=9, sentences=2), settings=settings, given_vocab=given_vocab
    )


@pytest.mark.parametrize("bad", BAD)
def test_an_id_of_no_word_is_an_error_wherever_ids_are_put_into_another_order(bad):
    with pytest.raises(CorpusError, match=f"the ids hold {bad}, and there are 3 words"):
        corpus(bad).pruned(min_count=2)
    with pytest.raises(CorpusError, match=f"the ids hold {bad}, and there are 3 words"):
        extend_vocab(corpus(bad), VOCAB)
    if bad >= 0:
        with pytest.raises(CorpusError, match="and there are 3 words"):
            extend_vocab(corpus(min(bad, 1000), given_vocab=True), VOCAB)
    with pytest.raises(ValueError, match="an id is of no word"):
        join_phrases(corpus(bad), PhraseSettings(min_count=1))


def test_ids_that_change_between_two_looks_at_them_write_nothing_else():
    """The ids of a block are measured, then written: room is what was measured."""
    block = Encoder(Spellings((1, 2)), True, 1000).encode_bytes(b"", b"a b c d\n" * 20, b"", True)[0]
    whole = Remapping(np.arange(4, dtype=np.int32), np.zeros(1, np.int64), np.zeros(0, np.int32))
    kept = whole.measure(block, None)[4]
    assert kept == 80
    out = np.full(kept + 20 + 1000, 7, np.int32)
    few = Remapping(np.array([0, DROPPED, DROPPED, DROPPED], np.int32), np.zeros(1, np.int64), np.zeros(0, np.int32))
    room = 2 * few.measure(block, None)[4]
    with pytest.raises(CorpusError, match="the ids changed while they were read"):
        whole.write(block, None, 0, out[:room])
    assert np.all(out[room:] == 7)


@pytest.mark.parametrize(
    ("ids", "ends", "run_ids"),
    [
        ([0, RUN_BASE - 1], [0, 2], [1, 1]),
        ([RUN_BASE], [0], []),
        ([0, -(2**31)], [0, 1], [0]),
        ([RUN_BASE], [0, 5], [1, 1]),
        ([RUN_BASE], [-1, 1], [1, 1]),
        ([RUN_BASE], [2, 1], [1, 1]),
        ([0], [], []),
    ],
)
def test_a_map_to_ids_that_are_not_there_is_refused(ids, ends, run_ids):
    with pytest.raises(ValueError, match="a map to ids that are not there"):
        Remapping(np.array(ids, np.int32), np.array(ends, np.int64), np.array(run_ids, np.int32))


def test_places_outside_a_text_are_refused(tmp_path):
    spellings = Spellings((1, 2))
    encoder = Encoder(spellings, True, 100)
    (tmp_path / "t").write_bytes(b"a b c d e f")
    with open(tmp_path / "t", "rb") as file:
        for origin, offset, length, size in ((0, 20, 5, 11), (5, 2, 4, 11), (0, 0, 101, 200), (-9, 0, 5, 11)):
            with pytest.raises(ValueError, match="not inside the text"):
                encoder.encode_segment(file.fileno(), origin, offset, length, size)
    encoder.encode_bytes(b"", b"a b c", b"", True)
    words, _ = spellings.take()
    for id in (-1, 3, 2**40):
        with pytest.raises(IndexError):
            words.take(np.array([0, id]))
    with pytest.raises(ValueError, match="has been given up"):
        spellings.take()
    with pytest.raises(ValueError, match="has been given up"):
        encoder.encode_bytes(b"", b"a b c", b"", True)


def test_what_is_no_word_is_refused():
    for words in ([b"a", None], [b"a", 5]):
        with pytest.raises(TypeError):
            Vocab.sorted(words, np.array([2, 1]))
    out = np.empty(4096, np.uint8)
    with pytest.raises(ValueError, match="no such place"):
        SentenceWriter(WordTable([b"a"])).write(np.zeros(3, np.int32), -2, out, False)


def test_sentences_are_written_whole_wherever_the_room_for_them_ends():
    words = [bytes([97 + length % 26]) * length for length in (*range(1, 20), 1024)]
    ids = np.random.default_rng(1).integers(-1, len(words), 3000).astype(np.int32)
    lines = b" ".join(b"\n" if id < 0 else words[id] for id in ids.tolist())
    writer, out = SentenceWriter(WordTable(words)), np.empty(1024 + 33, np.uint8)
    text, place, begun = b"", 0, False
    while place < len(ids):
        place, size, begun = writer.write(ids, place, out, begun)
        text += out[:size].tobytes()
    assert text == lines.replace(b" \n", b"\n").replace(b"\n ", b"\n")


def test_remapping_a_given_array_checks_every_id():
    with pytest.raises(CorpusError, match="the ids hold 5, and there are 2 words: each id is one of 0 to 1"):
        remapped([np.array([0, 5, -1], np.int32)], np.array([0, 1], np.int32), TokenCounts())


def test_the_same_corpus_without_a_bad_id_is_read():
    config = CorpusConfig(min_count=1)
    good = corpus(0, settings=config.as_dict())
    good.vocab.counts[:] = [5, 3, 1]
    assert good.pruned(min_count=2).ids.tolist() == [0, 1, -1, 0, 1, 0, 0, 1, 0, -1]
