"""Huffman paths: a prefix code of the least expected length, with nodes numbered so that the busiest come first."""

from __future__ import annotations

import heapq
import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from w2v.kernel.tables import huffman_paths


def codes_of(counts) -> list[tuple[list[int], list[int]]]:
    """(nodes, code bits) of each word."""
    start, path = huffman_paths(np.asarray(counts, np.int64))
    assert start[0] == 0
    assert start[-1] == len(path)
    paths = [path[start[i] : start[i + 1]] for i in range(len(counts))]
    return [((steps >> 1).tolist(), (steps & 1).tolist()) for steps in paths]


def least_cost(counts) -> int:
    """Sum of count x code length of an optimal prefix code: that of its inner nodes."""
    heap = [int(n) for n in counts]
    heapq.heapify(heap)
    cost = 0
    while len(heap) > 1:
        both = heapq.heappop(heap) + heapq.heappop(heap)
        cost += both
        heapq.heappush(heap, both)
    return cost


def check_tree(counts) -> None:
    codes = codes_of(counts)
    counts = [max(1, int(n)) for n in counts]  # a word of a given vocabulary may have none: it counts as one
    size = len(counts)
    assert sum(Fraction(1, 2 ** len(bits)) for _, bits in codes) == 1, "Kraft: a full binary tree"
    words = sorted("".join(map(str, bits)) for _, bits in codes)
    assert not any(b.startswith(a) for a, b in itertools.pairwise(words)), "prefix-free"
    assert sum(int(n) * len(bits) for n, (_, bits) in zip(counts, codes, strict=True)) == least_cost(counts)
    # The same prefix of code bits leads to the same node, another prefix to another node.
    node_of: dict[tuple[int, ...], int] = {}
    weight = [0] * (size - 1)
    for count, (nodes, bits) in zip(counts, codes, strict=True):
        assert nodes[0] == 0, "the root is row 0"
        for depth, node in enumerate(nodes):
            assert node_of.setdefault(tuple(bits[:depth]), node) == node
            weight[node] += int(count)
    assert sorted(node_of.values()) == list(range(size - 1)), "every row of the output matrix is one node"
    assert weight == sorted(weight, reverse=True), "the busiest rows come first"


def zipf(size: int) -> np.ndarray:
    return np.maximum(1, 1_000_000 // np.arange(1, size + 1))


FIBONACCI = [1, 1]
while len(FIBONACCI) < 80:
    FIBONACCI.append(FIBONACCI[-1] + FIBONACCI[-2])

COUNTS = {
    "two words": [3, 2],
    "two equal words": [1, 1],
    "three words": [5, 3, 2],
    "a power of two of equal words": [4] * 64,
    "equal words": [4] * 77,
    "ties of words and nodes": [8, 4, 4, 2, 2, 2, 1, 1, 1, 1],
    "Zipf": zipf(3000),
    "Fibonacci": FIBONACCI[::-1],
    "one word has nearly all": [10**15, *[1] * 20],
    "no counts": [0] * 300,
    "some words without counts": [9, 5, 1, *[0] * 500],
}


@pytest.mark.parametrize("counts", COUNTS.values(), ids=COUNTS)
def test_huffman_code_is_an_optimal_prefix_code(counts) -> None:
    check_tree(counts)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 50), min_size=2, max_size=60))
def test_huffman_code_of_any_counts_is_an_optimal_prefix_code(counts: list[int]) -> None:
    check_tree(sorted(counts, reverse=True))


def test_fibonacci_counts_give_codes_as_long_as_the_vocabulary() -> None:
    lengths = [len(bits) for _, bits in codes_of(FIBONACCI[::-1])]
    assert lengths == [*range(1, 79), 79, 79]


@pytest.mark.parametrize(("counts", "lengths"), [
    ([4, 2, 2, 2], [1, 2, 3, 3]),  # the last node weighs as much as word 0, and is joined before it
    ([2, 1, 1], [1, 2, 2]),
    ([3, 3, 2, 1], [1, 2, 3, 3]),
    ([1, 1, 1, 1], [2, 2, 2, 2]),
])  # fmt: skip
def test_a_node_is_joined_before_a_word_of_the_same_weight(counts: list[int], lengths: list[int]) -> None:
    assert [len(bits) for _, bits in codes_of(counts)] == lengths


def test_words_without_counts_have_short_codes() -> None:
    assert max(len(bits) for _, bits in codes_of([0] * 1024)) == 10


def test_single_word_has_an_empty_path() -> None:
    start, path = huffman_paths(np.array([12]))
    assert start.tolist() == [0, 0]
    assert path.size == 0


def test_million_words_have_an_optimal_code() -> None:
    counts = np.maximum(1, 20_000_000 // np.arange(1, 1_000_001))
    start, path = huffman_paths(counts)
    lengths = np.diff(start)
    assert int((lengths * counts).sum()) == least_cost(counts)
    kraft = np.bincount(lengths)
    assert sum(int(n) << (60 - length) for length, n in enumerate(kraft)) == 1 << 60
    nodes = path >> 1
    assert nodes.min() == 0
    assert nodes.max() == len(counts) - 2
    assert (nodes[start[:-1]] == 0).all()
    inside = np.ones(len(nodes), bool)
    inside[start[:-1]] = False
    assert (nodes[inside] > nodes[np.flatnonzero(inside) - 1]).all(), "a child has a higher number than its parent"
