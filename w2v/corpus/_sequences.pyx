"""Tokens that are Python objects to provisional ids and counts."""

from libc.stdint cimport int32_t, int64_t

from numbers import Integral

import numpy as np

from w2v.corpus._blocks cimport Block, Slab
from w2v.errors import CorpusError


cdef extern from "encode.h" nogil:
    enum:
        c_SENTENCE_END "SENTENCE_END"


cdef class SequenceEncoder:
    """Tokens that come as Python objects: a dict from token to provisional id, and blocks of ids.

    `check(token, sequence, place)` is called once for each distinct token and returns its spelling, or None for one
    that is too long.
    """

    cdef dict ids
    cdef object check
    cdef readonly list spellings
    cdef int64_t[::1] count_view
    cdef object count_array
    cdef readonly int64_t tokens, too_long, sequences

    def __init__(self, check):
        self.ids = {}
        self.check = check
        self.spellings = []
        self.count_array = np.zeros(1024, np.int64)
        self.count_view = self.count_array

    def counts(self):
        """int64 [n], how often each spelling was read."""
        return self.count_array[:len(self.spellings)].copy()

    def encode(self, batch):
        """Encodes a list of token sequences; returns a Block."""
        # A subclass may yield more than its length says.
        cdef list sequences = [s if type(s) is list or type(s) is tuple else list(s) for s in batch]
        cdef Py_ssize_t room = sum(map(len, sequences)) + len(sequences)
        cdef Block block = Block.__new__(Block)
        cdef Py_ssize_t n = 0
        cdef int32_t *out
        cdef int64_t id
        block.slab = Slab(max(room, 1))
        block.offset = -1
        out = block.slab.ids
        for sequence in sequences:
            for place, token in enumerate(sequence):
                try:
                    found = self.ids.get(token)
                except TypeError:  # a list in the place of a token
                    found = None
                id = self._enter(token, place) if found is None else found
                if id < 0:
                    self.too_long += 1
                    continue
                if n >= room - 1:  # code that runs with a token, such as its __hash__, can make a list longer
                    raise CorpusError(f"sequence {self.sequences} became longer while it was read")
                self.count_view[id] += 1
                out[n] = <int32_t>id
                n += 1
            if n >= room:
                raise CorpusError(f"sequence {self.sequences} became longer while it was read")
            out[n] = c_SENTENCE_END
            n += 1
            self.sequences += 1
        self.tokens += n - len(sequences)
        block.size = n
        return block

    cdef int64_t _enter(self, token, place) except -2:
        if isinstance(token, Integral) and not isinstance(token, bool):  # an item's number is the word of its digits
            text = str(int(token))
            known = self.ids.get(text)
            self.ids[token] = self._enter(text, place) if known is None else known
            return self.ids[token]
        spelling_ = self.check(token, self.sequences, place)
        # the same word may come as str and as bytes
        twin = self.ids.get(spelling_ if isinstance(token, str) else token.decode("utf-8", "surrogateescape"))
        if twin is not None:
            self.ids[token] = twin
            return twin
        if spelling_ is None:
            self.ids[token] = -1
            return -1
        cdef Py_ssize_t id = len(self.spellings)
        if id == self.count_view.shape[0]:
            self.count_array = np.concatenate([self.count_array, np.zeros(id, np.int64)])
            self.count_view = self.count_array
        self.spellings.append(spelling_)
        self.ids[token] = id
        return id
