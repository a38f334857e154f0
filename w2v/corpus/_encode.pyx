"""Bytes to provisional ids and counts in one pass, and from there to final ids; everything long runs without the GIL.

Each thread owns an `Encoder`: a hash table, a buffer of text and the ids of the blocks it has encoded. No locks are
needed. `Spellings` joins the tables of all encoders. What the C files beside this one do is told at their heads.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.errno cimport EINTR, errno
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

import os

import numpy as np

from w2v.errors import CorpusError


cdef extern from "<unistd.h>" nogil:
    ssize_t pread(int fd, void *buffer, size_t count, int64_t offset)

cdef extern from "<sys/mman.h>" nogil:
    void *mmap(void *address, size_t length, int protection, int flags, int fd, int64_t offset)
    int munmap(void *address, size_t length)
    int PROT_READ, PROT_WRITE, MAP_PRIVATE, MAP_ANON
    void *MAP_FAILED

cdef extern from "encode.h" nogil:
    enum:
        c_CONTEXT "CONTEXT"
        c_CONTEXT_BYTES "CONTEXT_BYTES"
        c_LOOKAHEAD "LOOKAHEAD"
        c_PADDING "PADDING"
        c_DROPPED "DROPPED"
        c_RUN_BASE "RUN_BASE"
        c_LONGEST_SENTENCE "LONGEST_SENTENCE"
        c_LONGEST_TOKEN "LONGEST_TOKEN"
        c_SENTENCE_END "SENTENCE_END"

    ctypedef struct entry:
        int64_t count
        uint32_t length
        uint32_t tag

    ctypedef struct table:
        entry *entries
        int64_t size

    ctypedef struct tally:
        int64_t tokens, too_long, nuls

    ctypedef struct encoding:
        table *table
        const uint8_t *data
        uint32_t end
        int32_t *out
        tally *tally

    ctypedef struct remapping:
        const int32_t *map
        const int64_t *run_ends
        const int32_t *run_ids

    ctypedef struct block_measure:
        int64_t head, tail, ends, between, kept, sentences, cut

    int table_init(table *t, uint64_t key0, uint64_t key1)
    void table_free(table *t)
    int table_merge(table *to, const table *frm, uint32_t part, uint32_t parts, int32_t *ids)
    const uint8_t *spelling(const table *t, const entry *e)
    int64_t encode_piece(encoding *c, int whitespace, uint32_t limit, int last)
    void measure_block(const int32_t *ids, int64_t n, const remapping *r, block_measure *m)
    int64_t write_block(const int32_t *ids, int64_t n, const remapping *r, int64_t open, int32_t *out)

cdef extern from "rank.h" nogil:
    ctypedef struct ranked:
        int64_t count
        uint64_t prefix
        const uint8_t *bytes
        int32_t length
        int32_t index

    uint64_t prefix_of(const uint8_t *bytes, int32_t length)
    ranked *rank_items(ranked *items, ranked *scratch, int64_t n)


CONTEXT_BYTES = c_CONTEXT_BYTES
LOOKAHEAD = c_LOOKAHEAD
DROPPED = c_DROPPED
RUN_BASE = c_RUN_BASE
LONGEST_SENTENCE = c_LONGEST_SENTENCE
LONGEST_TOKEN = c_LONGEST_TOKEN
SENTENCE_END = c_SENTENCE_END

# Ids are written straight into slabs. A slab has room for the worst block (an id a byte and two) several times over;
# pages that are never touched cost nothing.
cdef int64_t SLAB_BLOCKS = 2


cdef class Slab:
    """Anonymous memory for the ids of several blocks; freed with the last of them."""

    cdef int32_t *ids
    cdef int64_t capacity, used

    def __cinit__(self, int64_t capacity):
        cdef void *memory = mmap(
            NULL, <size_t>capacity * sizeof(int32_t), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0
        )
        if memory == MAP_FAILED:
            raise MemoryError(f"no memory for {capacity * 4} bytes of ids")
        self.ids = <int32_t *>memory
        self.capacity = capacity

    def __dealloc__(self):
        if self.ids != NULL:
            munmap(self.ids, <size_t>self.capacity * sizeof(int32_t))


cdef class Block:
    """The provisional ids of one block of text: in a slab, or in the spool from byte `offset` on."""

    cdef Slab slab
    cdef readonly int64_t start, size
    cdef public int64_t offset
    cdef readonly int encoder

    def __len__(self):
        return self.size

    def ids(self):
        """A copy as an array, for the spool and for tests."""
        out = np.empty(self.size, np.int32)
        cdef int32_t[::1] view = out
        if self.size:
            memcpy(&view[0], self.slab.ids + self.start, <size_t>self.size * sizeof(int32_t))
        return out

    def release(self):
        """Lets go of the memory; a slab is freed with its last block.

        Not sooner: giving pages back block by block interrupts all other threads each time: `write` took twice as long.
        """
        self.slab = None

    def spool(self, int fd, int64_t offset):
        """Writes the ids to the spool, from byte `offset` on, and forgets them, as `discard` does."""
        if self.size:
            write_all(fd, memoryview(self.ids()).cast("B"), offset)
        self.offset = offset
        self.discard()

    def discard(self):
        """Forgets the ids; the encoder writes over them. Only for the newest block, by the encoder's own thread."""
        if self.slab.used == self.start + self.size:
            self.slab.used = self.start
        self.slab = None


def block_at(int64_t offset, int64_t size):
    """A Block whose ids are not in a slab but wherever its spool finds them: `size` ids from byte `offset` on."""
    cdef Block block = Block.__new__(Block)
    block.size = size
    block.offset = offset
    return block


def write_all(int fd, data, offset):
    """os.pwrite until everything is written."""
    while len(data):
        written = os.pwrite(fd, data, offset)
        data = data[written:]
        offset += written


cdef class Encoder:
    """One thread's table of spellings, and its blocks.

    `seed` is two 64-bit words, the same for all encoders of a corpus. `block_size` is the most bytes encoded at once.
    """

    cdef table table
    cdef tally tally
    cdef encoding *work
    cdef uint8_t *buffer
    cdef Py_ssize_t block_size
    cdef int whitespace
    cdef int number
    cdef Slab slab
    cdef bint ready

    def __cinit__(self, int number, bint unicode, tuple seed, Py_ssize_t block_size):
        if not 1 <= block_size <= 1 << 28:
            raise ValueError("block_size is not between 1 and 2^28")
        self.number = number
        self.whitespace = unicode
        self.block_size = block_size
        self.work = <encoding *>PyMem_Malloc(sizeof(encoding))
        # the two chunks more than the piece: reads of 16 bytes behind a token, and rounding up to a chunk
        self.buffer = <uint8_t *>malloc(c_CONTEXT + block_size + c_LOOKAHEAD + 2 * c_PADDING)
        if self.work == NULL or self.buffer == NULL or table_init(&self.table, seed[0], seed[1]) < 0:
            raise MemoryError("no memory for an encoder")
        self.ready = True

    def __dealloc__(self):
        PyMem_Free(self.work)
        free(self.buffer)
        table_free(&self.table)

    @property
    def tokens(self):
        return self.tally.tokens

    @property
    def too_long(self):
        return self.tally.too_long

    @property
    def nuls(self):
        return self.tally.nuls

    def __len__(self):
        return self.table.size

    def encode_segment(self, int fd, int64_t origin, int64_t offset, Py_ssize_t length, int64_t size):
        """Encodes bytes [offset, offset + length) of an open file whose text is [origin, size); returns a Block.

        Raises OSError, or EOFError if the file has become shorter.
        """
        cdef int64_t first = max(origin, offset - c_CONTEXT_BYTES)
        cdef int64_t stop = min(size, offset + length + c_LOOKAHEAD)
        cdef Py_ssize_t context = <Py_ssize_t>(offset - first)
        cdef Py_ssize_t wanted = <Py_ssize_t>(stop - first)
        cdef Py_ssize_t have = 0
        cdef ssize_t n
        if length > self.block_size or length < 0:
            raise ValueError("segment larger than the block")
        with nogil:
            memset(self.buffer, 32, c_CONTEXT)
            while have < wanted:
                n = pread(fd, self.buffer + c_CONTEXT - context + have, wanted - have, first + have)
                if n <= 0:
                    if n < 0 and errno == EINTR:
                        continue
                    break
                have += n
        if have < wanted:
            if n < 0:
                raise OSError(errno, os.strerror(errno))
            raise EOFError(first + have)
        return self._encode(length, wanted - context, stop == size)

    def encode_bytes(self, bytes before, const uint8_t[::1] data, ahead, bint last):
        """Encodes `data`, which follows `before` and is followed by `ahead`; returns a list of Blocks.

        `ahead` holds LOOKAHEAD bytes unless the text ends sooner; `last`: nothing follows, `ahead` is empty.
        """
        cdef Py_ssize_t size = data.shape[0]
        cdef Py_ssize_t length, behind, at = 0
        cdef const uint8_t[::1] tail = ahead
        cdef bytes head
        blocks = []
        while at < size:
            length = min(self.block_size, size - at)
            head = before if at == 0 else (before + bytes(data[max(0, at - c_CONTEXT_BYTES):at]))
            head = head[-c_CONTEXT_BYTES:]
            memset(self.buffer, 32, c_CONTEXT)
            memcpy(self.buffer + c_CONTEXT - len(head), <const char *>head, len(head))
            behind = min(size - at, length + c_LOOKAHEAD)
            with nogil:
                memcpy(self.buffer + c_CONTEXT, &data[at], behind)
            if behind < length + c_LOOKAHEAD and tail.shape[0]:
                n = min(tail.shape[0], length + c_LOOKAHEAD - behind)
                memcpy(self.buffer + c_CONTEXT + behind, &tail[0], n)
                behind += n
            blocks.append(self._encode(length, behind, last))
            at += length
        return blocks

    cdef Block _encode(self, Py_ssize_t length, Py_ssize_t behind, bint last):
        # Text is in the buffer from CONTEXT on: `length` bytes of ours, `behind` bytes in all. The last block of a
        # text is the one whose own bytes reach its end.
        cdef int64_t room = length + 2
        cdef int64_t written
        cdef Block block = Block.__new__(Block)
        cdef Slab slab = self.slab
        last = last and length == behind
        if slab is None or slab.capacity - slab.used < room:
            slab = self.slab = Slab(max(room, SLAB_BLOCKS * (self.block_size + 2)))
        with nogil:
            memset(self.buffer + c_CONTEXT + behind, 32, 2 * c_PADDING)
            self.work.table = &self.table
            self.work.tally = &self.tally
            self.work.data = self.buffer
            self.work.end = <uint32_t>(c_CONTEXT + length)
            self.work.out = slab.ids + slab.used
            written = encode_piece(self.work, self.whitespace, <uint32_t>(c_CONTEXT + behind), last)
        if written < 0:
            raise MemoryError("no memory for the table of distinct words")
        block.slab = slab
        block.start = slab.used
        block.size = written
        block.offset = -1
        block.encoder = self.number
        slab.used += written
        return block


cdef class Spellings:
    """The distinct spellings of several encoders, joined. `merge_part` may run for all parts at once, in any order.

    The id of a spelling is its part's offset plus its place there; the order means nothing.
    """

    cdef table *tables
    cdef int parts
    cdef list encoders, maps
    cdef bint shared
    cdef int64_t[::1] offsets

    def __cinit__(self, list encoders, int parts, tuple seed):
        cdef int p
        busy = [e for e in encoders if len(e)] or encoders[:1]
        self.encoders = encoders
        self.shared = len(busy) == 1  # nothing to join: its table is used as it is
        self.parts = 1 if self.shared else parts
        self.tables = <table *>PyMem_Malloc(self.parts * sizeof(table))
        if self.tables == NULL:
            raise MemoryError()
        memset(self.tables, 0, self.parts * sizeof(table))
        self.maps = []
        if self.shared:
            self.tables[0] = (<Encoder>busy[0]).table
            return
        for p in range(self.parts):
            if table_init(&self.tables[p], seed[0], seed[1]) < 0:
                raise MemoryError("no memory for the table of distinct words")
        self.maps = [np.empty(len(e), np.int32) for e in encoders]

    def __dealloc__(self):
        cdef int p
        if self.tables != NULL and not self.shared:
            for p in range(self.parts):
                table_free(&self.tables[p])
        PyMem_Free(self.tables)

    @property
    def part_count(self):
        return self.parts

    def merge_part(self, int part):
        """Joins the spellings whose hash falls into one part."""
        cdef int32_t[::1] ids
        cdef Encoder encoder
        cdef int status = 0
        if self.shared:
            return
        for number, encoder in enumerate(self.encoders):
            ids = self.maps[number]
            if ids.shape[0] == 0:
                continue
            with nogil:
                status = table_merge(&self.tables[part], &encoder.table, part, self.parts, &ids[0])
            if status < 0:
                raise MemoryError("no memory for the table of distinct words")

    def finish(self):
        """To be called once every part is merged; from here on ids are known."""
        cdef int p
        self.offsets = np.zeros(self.parts + 1, np.int64)
        for p in range(self.parts):
            self.offsets[p + 1] = self.offsets[p] + self.tables[p].size

    def __len__(self):
        return self.offsets[self.parts]

    def counts(self):
        """int64 [n]: how often each spelling was read."""
        out = np.empty(len(self), np.int64)
        cdef int64_t[::1] view = out
        cdef int64_t i, at = 0
        cdef int p
        for p in range(self.parts):
            for i in range(self.tables[p].size):
                view[at] = self.tables[p].entries[i].count
                at += 1
        return out

    def words(self, const int64_t[::1] ids):
        """The spellings with these ids, as bytes."""
        cdef list out = []
        cdef int64_t i
        cdef int p = 0
        cdef entry *e
        for i in range(ids.shape[0]):
            while not self.offsets[p] <= ids[i] < self.offsets[p + 1]:
                p = p + 1 if p + 1 < self.parts else 0
            e = &self.tables[p].entries[ids[i] - self.offsets[p]]
            out.append(PyBytes_FromStringAndSize(<const char *>spelling(&self.tables[p], e), e.length))
        return out

    def encoder_map(self, int number, const int32_t[::1] final_ids):
        """int32: the final id of each provisional id of one encoder, given that of each spelling."""
        cdef Encoder encoder = self.encoders[number]
        if self.shared:
            return np.asarray(final_ids) if len(encoder) else np.empty(0, np.int32)
        cdef int32_t[::1] ids = self.maps[number]
        cdef int64_t i, n = ids.shape[0]
        cdef uint32_t part
        with nogil:
            for i in range(n):
                part = <uint32_t>((<uint64_t>encoder.table.entries[i].tag * <uint64_t>self.parts) >> 32)
                ids[i] = final_ids[self.offsets[part] + ids[i]]
        return self.maps[number]


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
            items[i].count = counts[i]
            items[i].bytes = <const uint8_t *>PyBytes_AS_STRING(word)
            items[i].length = <int32_t>PyBytes_GET_SIZE(word)
            items[i].prefix = prefix_of(items[i].bytes, items[i].length)
            items[i].index = <int32_t>i
        with nogil:
            ranking = rank_items(items, items + n, n)
            for i in range(n):
                view[i] = ranking[i].index
    finally:
        free(items)
    return out


cdef class Remapping:
    """From the provisional ids of one encoder to final ids; a spelling may stand for a run of several."""

    cdef const int32_t[::1] map, run_ids
    cdef const int64_t[::1] run_ends
    cdef remapping pointers

    def __init__(self, map, run_ends, run_ids):
        self.map, self.run_ends, self.run_ids = map, run_ends, run_ids
        self.pointers.map = &self.map[0] if self.map.shape[0] else NULL
        self.pointers.run_ends = &self.run_ends[0] if self.run_ends.shape[0] else NULL
        self.pointers.run_ids = &self.run_ids[0] if self.run_ids.shape[0] else NULL

    def measure(self, Block block, const int32_t[::1] spooled):
        """(head, tail, ends, between, kept, sentences, cut) of a block; see block_measure in encode.h."""
        cdef block_measure m
        cdef const int32_t *ids = _ids_of(block, spooled)
        with nogil:
            measure_block(ids, block.size, &self.pointers, &m)
        return m.head, m.tail, m.ends, m.between, m.kept, m.sentences, m.cut

    def write(self, Block block, const int32_t[::1] spooled, int64_t open_tokens, int32_t[::1] out):
        """Writes the final ids of a block to `out`; it must have exactly the room that the measure told."""
        cdef const int32_t *ids = _ids_of(block, spooled)
        cdef int32_t *place = &out[0] if out.shape[0] else NULL
        cdef int64_t written
        if out.shape[0] == 0:
            return
        with nogil:
            written = write_block(ids, block.size, &self.pointers, open_tokens, place)
        if written != out.shape[0]:
            raise CorpusError(f"the books of a block do not balance: {written} ids instead of {out.shape[0]}")


cdef const int32_t *_ids_of(Block block, const int32_t[::1] spooled) except? NULL:
    if block.slab is not None:
        return block.slab.ids + block.start
    if spooled is None or spooled.shape[0] != block.size:
        raise ValueError("the ids of a spooled block are needed")
    return &spooled[0] if block.size else NULL


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
        cdef list sequences = [s if isinstance(s, (list, tuple)) else list(s) for s in batch]
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
                found = self.ids.get(token)
                id = self._enter(token, place) if found is None else found
                if id < 0:
                    self.too_long += 1
                    continue
                self.count_view[id] += 1
                out[n] = <int32_t>id
                n += 1
            out[n] = c_SENTENCE_END
            n += 1
            self.sequences += 1
        self.tokens += n - len(sequences)
        block.size = n
        return block

    cdef int64_t _enter(self, token, place) except -2:
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
