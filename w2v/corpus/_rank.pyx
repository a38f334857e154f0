"""The order of words in a vocabulary (rank.h)."""

from cpython.bytes cimport PyBytes_AsString, PyBytes_Size
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport free, malloc

import numpy as np


cdef extern from "rank.h" nogil:
    ctypedef struct ranked:
        int64_t count
        uint64_t prefix
        const uint8_t *bytes
        int32_t length
        int32_t index

    uint64_t prefix_of(const uint8_t *bytes, int32_t length)
    ranked *rank_items(ranked *items, ranked *scratch, int64_t n)


def rank(list words, const int64_t[::1] counts):
    """int64 [n]: the order of words by falling count, ties by rising bytes."""
    cdef int64_t i, n = len(words)
    cdef bytes word
    cdef ranked *items
    cdef ranked *ranking
    if counts.shape[0] != n:
        raise ValueError("as many counts as words are needed")
    if n > 0x7FFFFFFF:
        raise ValueError("more than 2^31 - 1 words")
    out = np.empty(n, np.int64)
    cdef int64_t[::1] view = out
    items = <ranked *>malloc(2 * max(n, 1) * sizeof(ranked))
    if items == NULL:
        raise MemoryError("no memory for sorting the words")
    try:
        for i in range(n):
            word = words[i]
            if word is None:
                raise TypeError("a word is None")
            items[i].count = counts[i]
            items[i].bytes = <const uint8_t *>PyBytes_AsString(word)
            items[i].length = <int32_t>PyBytes_Size(word)
            items[i].prefix = prefix_of(items[i].bytes, items[i].length)
            items[i].index = <int32_t>i
        with nogil:
            ranking = rank_items(items, items + n, n)
            for i in range(n):
                view[i] = ranking[i].index
    finally:
        free(items)
    return out
