"""Spans: every token of the corpus exactly once an epoch, in whole sentences, whoever takes them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from w2v.kernel._tables import span_end
from w2v.training.state import Spans

from ..kernel.cases import span_of

LENGTHS = st.lists(st.integers(1, 40), min_size=1, max_size=60)


def corpus(lengths: list[int]) -> np.ndarray:
    return span_of(*(np.arange(n) for n in lengths))


def take_all(spans: Spans, homes: list[int]) -> list[tuple[int, int, int]]:
    """(home, start, stop) until nothing is left; the homes come in this order, again and again."""
    taken = []
    while True:
        for home in homes:
            span = spans.take(home)
            if span is None:
                return taken
            taken.append((home, *span))


def check_partition(ids: np.ndarray, taken: list[tuple[int, int, int]]) -> None:
    places = sorted((start, stop) for _, start, stop in taken)
    assert places[0][0] == 0
    assert places[-1][1] == len(ids)
    for (_, stop), (start, _) in itertools.pairwise(places):
        assert stop == start, "nothing is left out and nothing comes twice"
    for start, stop in places:
        assert stop > start
        assert ids[stop - 1] == -1, "a span ends with a sentence"


@settings(max_examples=200, deadline=None)
@given(LENGTHS, st.integers(1, 100), st.integers(1, 12), st.randoms(use_true_random=False))
def test_spans_are_a_partition_into_whole_sentences(lengths: list[int], size: int, homes: int, random) -> None:
    ids = corpus(lengths)
    order = [random.randrange(homes) for _ in range(20)]
    check_partition(ids, take_all(Spans(ids, size, homes), order))


@settings(max_examples=100, deadline=None)
@given(LENGTHS, st.integers(1, 100))
def test_one_thread_goes_through_the_corpus_in_order(lengths: list[int], size: int) -> None:
    ids = corpus(lengths)
    taken = take_all(Spans(ids, size, 1), [0])
    assert taken == sorted(taken)
    check_partition(ids, taken)
    for _, start, stop in taken[:-1]:
        assert size <= stop - start < size + max(lengths) + 1


def test_home_is_trained_by_its_own_thread_first() -> None:
    ids = corpus([9] * 40)
    spans = Spans(ids, 20, 4)
    taken = take_all(spans, [0, 1, 2, 3])
    for home, start, stop in taken:
        assert start >= len(ids) * home // 4 - 10
        assert stop <= len(ids) * (home + 1) // 4 + 10


def test_thread_that_is_done_takes_from_the_home_with_the_most_left() -> None:
    spans = Spans(corpus([9] * 40), 50, 3, state=[[0, 50], [50, 100], [100, 400]])
    assert spans.take(0) == (0, 50)
    assert spans.take(0) == (100, 150)  # home 2 has more left than home 1
    assert spans.take(2) == (150, 200)
    assert spans.take(1) == (50, 100)
    assert spans.take(1) == (200, 250)


def test_thread_alone_takes_everything() -> None:
    ids = corpus([3, 8, 1, 1, 30, 2] * 5)
    check_partition(ids, take_all(Spans(ids, 7, 6), [4]))


@pytest.mark.parametrize("homes", [2, 3, 50])
def test_one_long_sentence_is_one_span(homes: int) -> None:
    ids = corpus([500])
    assert [span[1:] for span in take_all(Spans(ids, 10, homes), list(range(homes)))] == [(0, 501)]


def test_nothing_is_left_of_an_empty_corpus() -> None:
    assert Spans(np.empty(0, np.int32), 10, 3).take(1) is None


@settings(max_examples=50, deadline=None)
@given(LENGTHS, st.integers(1, 50), st.integers(1, 5), st.integers(0, 20))
def test_spans_go_on_from_their_state(lengths: list[int], size: int, homes: int, first: int) -> None:
    ids = corpus(lengths)
    spans = Spans(ids, size, homes)
    taken = [span for number in range(first) if (span := spans.take(number % homes))]
    again = Spans(ids, size, homes, state=spans.state())
    rest = [span for _, *span in take_all(again, list(range(homes)))]
    check_partition(ids, [(0, *span) for span in taken + rest])
    assert spans.state() != again.state() or not rest, "the state is a copy"


def test_span_end_is_behind_the_sentence() -> None:
    ids = span_of([1, 2, 3], [4], [5, 6])
    assert [span_end(ids, 0, size) for size in (0, 1, 4, 5, 6, 7, 9, 10**12)] == [4, 4, 4, 6, 6, 9, 9, 9]
    assert span_end(ids, 4, 1) == 6
    assert span_end(ids, 9, 1) == 9
