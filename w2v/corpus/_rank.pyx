"""The order of words in a vocabulary (rank.h)."""

from libc.stdint cimport int64_t, uint64_t

import os

import numpy as np

from w2v.corpus._words cimport WordTable


cdef extern from "rank.h" nogil:
    ctypedef union ranked:
        int64_t row

    ctypedef struct ranking:
        const char *data
        const int64_t *ends
        const int64_t *counts
        uint64_t random

    void rank_rows(ranking *r, ranked *items, int64_t n)


def rank(WordTable words, const int64_t[::1] counts):
    """int64 [n]: the order of words by falling count, ties by rising bytes."""
    cdef int64_t n = len(words)
    cdef ranking order
    if counts.shape[0] != n:
        raise ValueError("as many counts as words are needed")
    if n > 0x7FFFFFFF:
        raise ValueError("more than 2^31 - 1 words")
    out = np.empty(n, np.int64)
    cdef int64_t[::1] view = out
    if n == 0:
        return out
    order.data, order.ends, order.counts = words.data, words.ends, &counts[0]
    order.random = int.from_bytes(os.urandom(8), "little")
    with nogil:
        rank_rows(&order, <ranked *>&view[0], n)
    return out
