"""A corpus whose vocabulary begins with known words, against a slow reference."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from w2v.corpus.config import CorpusConfig
from w2v.corpus.remap import extend_vocab
from w2v.corpus.sequences import encode_sequences
from w2v.corpus.vocab import Vocab
from w2v.errors import CorpusError

KNOWN = Vocab([b"king", b"queen", b"old"], np.array([10, 4, 4]))
TEXT = [["king", "new", "rare"], ["new", "queen", "other", "other"], ["rare2"], ["new", "other"]]


def corpus(text=TEXT):
    return encode_sequences(text, CorpusConfig(min_count=1))


def words_of(made) -> list[list[bytes]]:
    sentences: list[list[bytes]] = [[]]
    for i in made.ids.tolist():
        if i < 0:
            sentences.append([])
        else:
            sentences[-1].append(made.vocab.words[i])
    return sentences[:-1]


@pytest.mark.parametrize(
    ("min_count", "new"), [(1, {"new", "other", "rare", "rare2"}), (3, {"new", "other"}), (4, set())]
)
def test_known_words_stay_and_new_ones_join_when_they_are_frequent_enough(min_count, new):
    made = extend_vocab(corpus(), KNOWN, min_count)
    own = Counter(word for line in TEXT for word in line)
    kept = {"king", "queen", *new}
    assert words_of(made) == [w for line in TEXT if (w := [word.encode() for word in line if word in kept])]
    counts = {"old": 4, "king": 11, "queen": 5, **{word: own[word] for word in new}}
    order = sorted(counts, key=lambda word: (-counts[word], word))
    assert [word.decode() for word in made.vocab.words] == order
    assert made.vocab.counts.tolist() == [counts[word] for word in order]
    assert made.token_counts.kept + made.token_counts.below_min_count == made.token_counts.read == 10
    made.token_counts.check()


def test_max_vocab_leaves_out_new_words_and_never_known_ones():
    made = extend_vocab(corpus(), KNOWN, 1, 4)
    assert set(made.vocab.words) == {*KNOWN.words, b"new"}
    assert made.token_counts.beyond_max_vocab == 5
    assert set(extend_vocab(corpus(), KNOWN, 1, 2).vocab.words) == set(KNOWN.words)


def test_text_of_which_nothing_is_left_is_refused():
    with pytest.raises(CorpusError, match="none of its words is known, and none occurs 9 times; try a smaller"):
        extend_vocab(corpus([["a", "b"], ["c"]]), KNOWN, 9)


def test_a_corpus_that_adds_nothing_keeps_its_ids():
    made = corpus()
    same = extend_vocab(made, Vocab(made.vocab.words, made.vocab.counts))
    assert words_of(same) == words_of(made)
    assert same.vocab.counts.tolist() == (2 * made.vocab.counts).tolist()


def test_given_counts_are_not_added_to_known_ones_but_what_the_text_holds():
    given = Vocab([b"new", b"king", b"queen", b"other", b"unseen"], np.array([900, 800, 700, 3, 2]))
    made = extend_vocab(encode_sequences(TEXT, CorpusConfig(min_count=1), vocab=given), KNOWN, 3)
    assert dict(zip(made.vocab.words, made.vocab.counts.tolist(), strict=True)) == {
        b"king": 11,
        b"queen": 5,
        b"old": 4,
        b"new": 3,
        b"other": 3,
    }
    assert words_of(made) == [
        [b"king", b"new"],
        [b"new", b"queen", b"other", b"other"],
        [b"new", b"other"],
    ]
    made.token_counts.check()


@pytest.mark.parametrize(("min_count", "max_vocab"), [(4, None), (1, 4)])
def test_words_of_a_given_vocabulary_can_be_dropped_and_the_token_counts_add_up(min_count, max_vocab):
    given = Vocab([b"king", b"other", b"new"], np.array([9, 6, 5]))
    made = extend_vocab(encode_sequences(TEXT, CorpusConfig(min_count=1), vocab=given), KNOWN, min_count, max_vocab)
    made.token_counts.check()
    new = {b"new"} if max_vocab else set()  # as often as "other" here, and before it in order of bytes
    assert set(made.vocab.words) == {*KNOWN.words, *new}
    assert made.token_counts.kept == 1 + 3 * len(new)
