"""The order of words in a vocabulary (rank.h)."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

import os

import numpy as np

from w2v.corpus._words cimport WordTable


cdef extern from "rank.h" nogil:
    ctypedef struct ranked:
        uint32_t key, index

    ctypedef struct ranking:
        const char *data
        const int64_t *ends
        const int64_t *counts
        uint64_t random

    void rank_rows(ranking *r, ranked *items, int64_t n)


ctypedef fused count_type:
    int32_t
    int64_t


def rank(WordTable words, const int64_t[::1] counts, which=None):
    """int32 [n]: the order of words by falling count, ties by rising bytes; where bool [V] `which` is true."""
    cdef int64_t i, n = 0, size = len(words)
    cdef const uint8_t[::1] wanted = None if which is None else np.asarray(which).view(np.uint8)
    cdef ranking order
    if counts.shape[0] != size or (which is not None and wanted.shape[0] != size):
        raise ValueError("as many counts as words are needed")
    if size > 0x7FFFFFFF:
        raise ValueError("more than 2^31 - 1 words")
    out = np.empty(2 * (size if which is None else np.count_nonzero(which)), np.int32)
    cdef int32_t[::1] view = out
    if view.shape[0] == 0:
        return out
    cdef ranked *items = <ranked *>&view[0]
    order.data, order.ends, order.counts = words.data, words.ends, &counts[0]
    order.random = int.from_bytes(os.urandom(8), "little")
    with nogil:
        for i in range(size):
            if wanted is None or wanted[i]:
                items[n].index = <uint32_t>i
                n += 1
        rank_rows(&order, items, n)
        for i in range(n):
            (<int32_t *>items)[i] = <int32_t>items[i].index
    view = None
    out.resize(n, refcheck=False)
    return out


def ordered(const count_type[::1] counts, const int32_t[::1] order):
    """int64 [n]: counts[order], without the order as int64 besides."""
    cdef int64_t i, n = order.shape[0]
    out = np.empty(n, np.int64)
    cdef int64_t[::1] view = out
    with nogil:
        for i in range(n):
            view[i] = counts[order[i]]
    return out


def places(const int32_t[::1] order, Py_ssize_t size, int32_t missing):
    """int32 [size]: where each row is in the order, or `missing`."""
    cdef int64_t i
    out = np.full(size, missing, np.int32)
    cdef int32_t[::1] view = out
    with nogil:
        for i in range(order.shape[0]):
            view[order[i]] = <int32_t>i
    return out
