"""Counting neighbouring words and joining phrases, over ids; pairs.h explains how."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free

import numpy as np

cdef extern from "pairs.h" nogil:
    enum:
        c_DEEPEST "DEEPEST"
        c_COUNT_BITS "COUNT_BITS"
        BEGINS
        ENDS
        CONNECTOR
        OF_NO_WORD

    ctypedef struct pair_slot:
        uint32_t a, b
        uint64_t rest

    ctypedef struct pair_key:
        uint32_t a, b, between
        uint64_t hash

    ctypedef struct pair_table:
        pair_slot *slots
        uint64_t mask, used, largest, low, high, seed
        uint32_t words
        const uint8_t *marks
        const int32_t *roles
        const float *rarity
        float least
        const float *weight
        float fewest
        const uint8_t *sketch
        uint64_t sketch_mask
        uint32_t base, deepest

    uint64_t sketch_place(uint64_t hash, uint64_t mask)
    uint8_t sketch_bit(uint64_t hash)
    uint64_t pair_hash(uint32_t a, uint32_t b, uint32_t between, uint64_t seed)
    pair_slot *pair_find(pair_slot *slots, uint64_t mask, const pair_key *k)
    int pair_rebuild(pair_table *t, uint64_t size)
    int pair_merge(pair_table *t, const pair_table *other)
    int pair_count(pair_table *t, const int32_t *ids, int64_t n)
    int pair_sketch(const pair_table *t, const int32_t *ids, int64_t n, uint8_t *sketch, uint64_t mask)
    int64_t pair_join(const pair_table *phrases, const int32_t *ids, int64_t n, int32_t *out, int64_t *changes)

HASH_END = 1 << 32
SLOT_BYTES = sizeof(pair_slot)
cdef uint64_t FIRST_SIZE = 1 << 12


def deepest(Py_ssize_t connectors):
    """How many connectors may stand in a row between two words, so that each run of them has a number of 16 bits."""
    cdef uint32_t depth = 0
    cdef uint64_t power = <uint64_t>connectors + 1
    while connectors and depth < c_DEEPEST and power <= 1 << 16:
        depth += 1
        power *= <uint64_t>connectors + 1
    return depth


cdef uint8_t[::1] marks_of(const int32_t[::1] roles, uint8_t of_words):
    """The marks of all ids by their roles, behind that of the end of a sentence."""
    cdef int64_t i
    marks = np.zeros(roles.shape[0] + 1, np.uint8)
    cdef uint8_t[::1] view = marks
    for i in range(roles.shape[0]):
        view[i + 1] = CONNECTOR if roles[i] > 0 else of_words if roles[i] == 0 else 0
    return marks


cdef int raise_for(int64_t status) except -1:
    """MemoryError or ValueError for what pairs.h returns below 0."""
    if status == OF_NO_WORD:
        raise ValueError("an id is of no word")
    if status < 0:
        raise MemoryError("no memory for a table of pairs")
    return 0


cdef class Pairs:
    """A table of pairs of ids, for the walk over ids that `roles` describes: int32 [W], 0 for a word that may be in a
    phrase, -1 for one that may not, c = 1..connectors for a connector.

    `rarity` (float32 [W], or None) leaves out pairs whose smaller value is not `least` times the larger. A pair is
    wanted if it occurs more than `fewest` times + the product of its words' `weight` (float32 [W]).
    """

    cdef pair_table table
    cdef const int32_t[::1] roles
    cdef const uint8_t[::1] marks
    cdef const float[::1] rarity
    cdef const float[::1] weight
    cdef const uint8_t[::1] sketched

    def __init__(
        self, roles, Py_ssize_t connectors, uint64_t seed, weight, float fewest, rarity=None, float least=0.0,
        int64_t memory=1 << 30
    ):
        self.roles = roles
        self.rarity = rarity
        self.marks = marks_of(self.roles, BEGINS | ENDS)
        self.table.marks = &self.marks[1]
        self.table.words = <uint32_t>self.roles.shape[0]
        self.table.roles = &self.roles[0] if self.roles.shape[0] else NULL
        self.table.rarity = &self.rarity[0] if rarity is not None and self.rarity.shape[0] else NULL
        self.weight = weight
        self.table.weight = &self.weight[0] if self.weight.shape[0] else NULL
        self.table.fewest = fewest
        if rarity is not None and self.rarity.shape[0] != self.roles.shape[0] or len(weight) != self.roles.shape[0]:
            raise ValueError("as many values as ids are needed")
        self.table.least = least
        self.table.seed = seed
        self.table.base = <uint32_t>connectors + 1
        self.table.deepest = deepest(connectors)
        self.table.largest = FIRST_SIZE
        while self.table.largest * 2 * sizeof(pair_slot) <= <uint64_t>max(memory, 0):
            self.table.largest *= 2
        self.begin(0, HASH_END)

    def __dealloc__(self):
        free(self.table.slots)

    def __len__(self):
        return self.table.used

    @property
    def high(self):
        """Hashes from here on have not been counted."""
        return self.table.high

    def begin(self, uint64_t low, uint64_t high):
        """Forget everything and count pairs with low <= hash < high."""
        free(self.table.slots)
        self.table.slots = NULL
        self.table.low, self.table.high = low, high
        if pair_rebuild(&self.table, FIRST_SIZE) < 0:
            raise MemoryError("no memory for a table of pairs")

    def walk(self, const int32_t[::1] ids):
        """Count the pairs of whole sentences."""
        cdef int status
        if ids.shape[0] == 0:
            return
        with nogil:
            status = pair_count(&self.table, &ids[0], ids.shape[0])
        raise_for(status)

    def sketch(self, const int32_t[::1] ids, uint8_t[::1] sketch):
        """Count the pairs of whole sentences in `sketch`: a power of two of bytes, each up to 255."""
        cdef int status
        self._check_sketch(sketch)
        if ids.shape[0] == 0:
            return
        with nogil:
            status = pair_sketch(&self.table, &ids[0], ids.shape[0], &sketch[0], <uint64_t>sketch.shape[0] - 1)
        raise_for(status)

    def use_sketch(self, const uint8_t[::1] sketch):
        """From now on leave out pairs that are not wanted by what all ids gave in `sketch`."""
        self._check_sketch(sketch)
        self.sketched = sketch
        self.table.sketch = &sketch[0]
        self.table.sketch_mask = <uint64_t>sketch.shape[0] - 1

    cdef int _check_sketch(self, const uint8_t[::1] sketch) except -1:
        if sketch.shape[0] < 1 or sketch.shape[0] & (sketch.shape[0] - 1):
            raise ValueError("the size of a sketch is a power of two")
        return 0

    def merge(self, Pairs other):
        """Add what another table has counted of other ids, in the same range of hashes; it is empty afterwards."""
        if pair_merge(&self.table, &other.table) < 0:
            raise MemoryError("no memory for a table of pairs")
        other.begin(0, HASH_END)

    def counted(self, int64_t least):
        """(a, b, between, count), arrays of the pairs that were counted at least so often, in any order."""
        cdef int64_t i, n = 0
        cdef uint64_t mask = (<uint64_t>1 << c_COUNT_BITS) - 1
        cdef uint64_t slots = self.table.mask + 1, s
        with nogil:
            for s in range(slots):
                n += self.table.slots[s].rest != 0 and <int64_t>(self.table.slots[s].rest & mask) >= least
        a, b, between, count = (np.empty(n, kind) for kind in (np.int32, np.int32, np.int32, np.int64))
        cdef int32_t[::1] a_, b_, between_
        cdef int64_t[::1] count_
        a_, b_, between_, count_ = a, b, between, count
        cdef uint64_t rest
        i = 0
        with nogil:
            for s in range(slots):
                rest = self.table.slots[s].rest
                if rest and <int64_t>(rest & mask) >= least:
                    a_[i], b_[i] = <int32_t>self.table.slots[s].a, <int32_t>self.table.slots[s].b
                    between_[i] = <int32_t>(rest >> c_COUNT_BITS)
                    count_[i] = <int64_t>(rest & mask)
                    i += 1
        return a, b, between, count


cdef class Joiner:
    """Joins phrases: pairs (a, b, between), each of which becomes the id in `phrases`."""

    cdef pair_table table
    cdef const int32_t[::1] roles
    cdef uint8_t[::1] marks, bits

    def __init__(
        self, const int32_t[::1] roles, Py_ssize_t connectors, const int32_t[::1] a, const int32_t[::1] b,
        const int32_t[::1] between, const int32_t[::1] phrases,
    ):
        cdef int64_t i, n = phrases.shape[0], words = roles.shape[0]
        cdef pair_key key
        cdef pair_slot *slot
        cdef uint64_t size = 16
        if a.shape[0] != n or b.shape[0] != n or between.shape[0] != n:
            raise ValueError("a, b, between and phrases have one length")
        self.roles = roles
        self.table.roles = &roles[0] if words else NULL
        self.table.base = <uint32_t>connectors + 1
        self.table.deepest = deepest(connectors)
        self.table.high = HASH_END
        self.marks = marks_of(roles, 0)
        self.table.marks = &self.marks[1]
        self.table.words = <uint32_t>words
        while size < 2 * <uint64_t>n:
            size *= 2
        if pair_rebuild(&self.table, size) < 0:
            raise MemoryError("no memory for a table of phrases")
        self.bits = np.zeros(size, np.uint8)
        self.table.sketch, self.table.sketch_mask = &self.bits[0], size - 1
        for i in range(n):
            if not (0 <= a[i] < words and 0 <= b[i] < words and 0 <= phrases[i] < words):
                raise ValueError("an id is of no word")
            key.a, key.b, key.between = a[i], b[i], between[i]
            key.hash = pair_hash(key.a, key.b, key.between, self.table.seed)
            slot = pair_find(self.table.slots, self.table.mask, &key)
            slot.a, slot.b = key.a, key.b
            slot.rest = <uint64_t>key.between << c_COUNT_BITS | <uint64_t>(phrases[i] + 1)
            self.bits[sketch_place(key.hash, size - 1)] |= sketch_bit(key.hash)
            self.marks[a[i] + 1] |= BEGINS
            self.marks[b[i] + 1] |= ENDS

    def __dealloc__(self):
        free(self.table.slots)

    def join(self, const int32_t[::1] ids, int32_t[::1] out, int64_t[::1] changes):
        """Join whole sentences; `out` (as long as ids, or ids itself) gets the ids, `changes` [W] how the words' counts
        change. Returns how many ids were written.
        """
        cdef int64_t written
        if out.shape[0] < ids.shape[0] or changes.shape[0] != self.roles.shape[0]:
            raise ValueError("out or changes are too small")
        if ids.shape[0] == 0:
            return 0
        with nogil:
            written = pair_join(&self.table, &ids[0], ids.shape[0], &out[0], &changes[0])
        raise_for(written)
        return written
