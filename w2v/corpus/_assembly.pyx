"""From provisional ids to final ones, a block at a time."""

from libc.stdint cimport int32_t, int64_t, uint32_t

from w2v.corpus._blocks cimport Block, ids_of
from w2v.errors import CorpusError


cdef extern from "encode.h" nogil:
    enum:
        c_RUN_BASE "RUN_BASE"

    ctypedef struct remapping:
        const int32_t *map
        uint32_t words
        const int64_t *run_ends
        const int32_t *run_ids

    ctypedef struct block_measure:
        int64_t head, tail, ends, between, kept, sentences, cut

    int64_t measure_block(const int32_t *ids, int64_t n, const remapping *r, block_measure *m)
    int64_t write_block(
        const int32_t *ids, int64_t n, const remapping *r, int64_t open, int32_t *out, int64_t room
    )


cdef class Remapping:
    """From provisional ids to final ones; a spelling may stand for a run of several."""

    cdef const int32_t[::1] map, run_ids
    cdef const int64_t[::1] run_ends
    cdef remapping pointers

    def __init__(self, map, run_ends, run_ids):
        self.map, self.run_ends, self.run_ids = map, run_ends, run_ids
        self._check()
        self.pointers.words = <uint32_t>self.map.shape[0]
        self.pointers.map = &self.map[0] if self.map.shape[0] else NULL
        self.pointers.run_ends = &self.run_ends[0] if self.run_ends.shape[0] else NULL
        self.pointers.run_ids = &self.run_ids[0] if self.run_ids.shape[0] else NULL

    cdef _check(self):
        """Raises ValueError unless every run of the map lies inside `run_ids`."""
        cdef int64_t i, runs = self.run_ends.shape[0] - 1, end = 0
        cdef bint good = runs >= 0 and self.map.shape[0] <= 0x7FFFFFFF
        with nogil:
            for i in range(runs + 1):
                good = good and end <= self.run_ends[i] <= self.run_ids.shape[0]
                end = self.run_ends[i]
            for i in range(self.map.shape[0]):
                good = good and c_RUN_BASE - <int64_t>self.map[i] < runs
        if not good:
            raise ValueError("a map to ids that are not there")

    def measure(self, Block block, const int32_t[::1] spooled):
        """(head, tail, ends, between, kept, sentences, cut) of a block; see block_measure in encode.h.

        Raises CorpusError for an id that the map does not have.
        """
        cdef block_measure m
        cdef const int32_t *ids = ids_of(block, spooled)
        cdef int64_t bad
        with nogil:
            bad = measure_block(ids, block.size, &self.pointers, &m)
        if bad >= 0:
            raise CorpusError(
                f"the ids hold {ids[bad]}, and there are {self.map.shape[0]:,} words: each id is one of 0 to "
                f"{self.map.shape[0] - 1:,}, or -1 behind a sentence"
            )
        return m.head, m.tail, m.ends, m.between, m.kept, m.sentences, m.cut

    def write(self, Block block, const int32_t[::1] spooled, int64_t open_tokens, int32_t[::1] out):
        """Writes the final ids of a block to `out`; it must have exactly the room that was measured."""
        cdef const int32_t *ids = ids_of(block, spooled)
        cdef int32_t *place = &out[0] if out.shape[0] else NULL
        cdef int64_t written
        if out.shape[0] == 0:
            return
        with nogil:
            written = write_block(ids, block.size, &self.pointers, open_tokens, place, out.shape[0])
        if written != out.shape[0]:
            raise CorpusError("the ids changed while they were read")
