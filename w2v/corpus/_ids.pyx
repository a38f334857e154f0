"""Passes over final ids: checked, freed of cuts, written as text. All of it runs without the GIL."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.stdlib cimport free
from libc.string cimport memcpy

from w2v.corpus._words cimport WordTable

cdef extern from "pages.h" nogil:
    void *large_calloc(size_t size)

cdef extern from "encode.h" nogil:
    enum:
        c_LONGEST_SENTENCE "LONGEST_SENTENCE"
        c_LONGEST_TOKEN "LONGEST_TOKEN"
        c_SENTENCE_END "SENTENCE_END"

cdef enum:
    SLOT = 16  # bytes that are copied at a time: more than there are of most words, so there must be room behind
    LONG = 255  # in place of a slot's length


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
    """Writes ids as text. Each word has a slot of 16 bytes: its own bytes and, in the last, how many; where there are
    more than 15, those of the table are copied.
    """

    cdef WordTable words
    cdef uint8_t *slots

    def __cinit__(self, WordTable words):
        cdef Py_ssize_t row
        cdef int64_t length
        self.words = words
        self.slots = <uint8_t *>large_calloc(SLOT * (len(words) + 1))
        if self.slots == NULL:
            raise MemoryError("no memory for the words")
        for row in range(len(words)):
            length = words.ends[row + 1] - words.ends[row]
            if length > c_LONGEST_TOKEN:
                raise ValueError("a word is too long")
            if length < SLOT:
                memcpy(self.slots + SLOT * row, words.data + words.ends[row], length)
            self.slots[SLOT * row + SLOT - 1] = <uint8_t>length if length < SLOT else LONG

    def __dealloc__(self):
        free(self.slots)

    def write(self, const int32_t[::1] ids, Py_ssize_t first, uint8_t[::1] out, bint begun):
        """Text of ids from `first` on, until `out` is full; (the next id's place, bytes written, whether a line is
        begun there). A space stands between words, a newline at each sentence's end.
        """
        cdef Py_ssize_t i = first, n = ids.shape[0], room = out.shape[0] - c_LONGEST_TOKEN - 2 * SLOT
        cdef uint32_t words = <uint32_t>len(self.words), id
        cdef int64_t length
        cdef const uint8_t *slot
        cdef uint8_t *start = &out[0] if room > 0 else NULL
        cdef uint8_t *place = start
        cdef bint good = True
        if room <= 0 or first < 0:
            raise ValueError("out is too small, or there is no such place")
        with nogil:
            if begun and i < n:
                place[0] = c" "
                place += 1
            while i < n and place - start <= room:  # a space is behind each word; a sentence's end takes its place
                id = <uint32_t>ids[i]
                if id >= words:
                    if <int32_t>id != c_SENTENCE_END:
                        good = False
                        break
                    place -= begun
                    place[0] = c"\n"
                    place += 1
                    begun = False
                    i += 1
                    continue
                slot = self.slots + SLOT * <size_t>id
                length = slot[SLOT - 1]
                memcpy(place, slot, SLOT)
                if length == LONG:
                    length = self.words.ends[id + 1] - self.words.ends[id]
                    memcpy(place, self.words.data + self.words.ends[id], length)
                place[length] = c" "
                place += length + 1
                begun = True
                i += 1
        if not good:
            raise ValueError(f"id {ids[i]} is of no word")
        if begun and place > start:
            place -= 1
        return i, place - start, bool(begun)
