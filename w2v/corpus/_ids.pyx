"""Passes over final ids: checked, freed of cuts, written as text. All of it runs without the GIL."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.string cimport memcpy

import numpy as np

cdef extern from "encode.h" nogil:
    enum:
        c_LONGEST_SENTENCE "LONGEST_SENTENCE"
        c_LONGEST_TOKEN "LONGEST_TOKEN"
        c_SENTENCE_END "SENTENCE_END"

# Words are copied 16 bytes at a time: what lies behind the words, and room behind the text, must be there.
cdef enum:
    COPY = 16

PADDING = COPY


def check_span(const int32_t[::1] ids, Py_ssize_t words):
    """(first bad place or -1, tokens, sentences) of whole sentences.

    An id is bad that is neither one of a word nor a sentence's end, and an end after no token or more than 10,000.
    """
    cdef Py_ssize_t i, n = ids.shape[0], bad = -1
    cdef int64_t tokens = 0, sentences = 0, length = 0
    cdef uint32_t limit = <uint32_t>words
    cdef int32_t id
    with nogil:
        for i in range(n):
            id = ids[i]
            if <uint32_t>id < limit:
                length += 1
                continue
            if id != c_SENTENCE_END or length == 0 or length > c_LONGEST_SENTENCE:
                bad = i
                break
            tokens += length
            sentences += 1
            length = 0
        if bad < 0 and length:
            bad = n  # the last sentence has no end
    return bad, tokens, sentences


def uncut(const int32_t[::1] ids, int32_t[::1] out):
    """Copies ids without the ends behind exactly 10,000 tokens, which are cuts; returns how many were written."""
    cdef Py_ssize_t i, n = ids.shape[0], written = 0
    cdef int64_t length = 0
    cdef int32_t id
    if out.shape[0] < n:
        raise ValueError("out is too small")
    with nogil:
        for i in range(n):
            id = ids[i]
            if id != c_SENTENCE_END:
                length += 1
            else:
                if length == c_LONGEST_SENTENCE and i + 1 < n:
                    length = 0
                    continue
                length = 0
            out[written] = id
            written += 1
    return written


cdef class SentenceWriter:
    """Words in one run of bytes, for writing ids as text. `blob` has PADDING bytes more behind the words."""

    cdef const uint8_t[::1] blob
    cdef const int64_t[::1] starts

    def __init__(self, words):
        lengths = np.asarray(words.lengths())
        if len(words) and int(lengths.max()) > c_LONGEST_TOKEN:
            raise ValueError("a word is too long")
        self.starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
        self.blob = words.joined() + bytes(PADDING)

    def write(self, const int32_t[::1] ids, Py_ssize_t first, uint8_t[::1] out, bint begun):
        """Text of ids from `first` on, until `out` is full; (the next id's place, bytes written, whether a line is
        begun there). A space stands between words, a newline at each sentence's end.
        """
        cdef Py_ssize_t i = first, n = ids.shape[0], words = self.starts.shape[0] - 1
        cdef Py_ssize_t room = out.shape[0] - c_LONGEST_TOKEN - 2 * COPY, written = 0
        cdef Py_ssize_t length, at
        cdef const uint8_t *source
        cdef uint8_t *place
        cdef int32_t id
        if room <= 0 or first < 0:
            raise ValueError("out is too small, or there is no such place")
        with nogil:
            while i < n and written <= room:
                id = ids[i]
                i += 1
                if id == c_SENTENCE_END:
                    out[written] = c"\n"
                    written += 1
                    begun = False
                    continue
                if <uint32_t>id >= <uint32_t>words:
                    with gil:
                        raise ValueError(f"id {id} is of no word")
                if begun:
                    out[written] = c" "
                    written += 1
                begun = True
                source = &self.blob[self.starts[id]]
                length = self.starts[id + 1] - self.starts[id]
                place = &out[written]
                at = 0
                while at < length:
                    memcpy(place + at, source + at, COPY)
                    at += COPY
                written += length
        return i, written, bool(begun)
