"""Bytes to provisional ids and counts in one pass; everything long runs without the GIL.

`Spellings` is the hash table of a text. Each thread owns an `Encoder`: a buffer of text and the ids of the blocks it
has encoded. Where there are several, each has a small table too, and hands what is in it over to that of the text under
a lock: new spellings for the ids of a block, counts when it has become large. So memory is that of one table, whatever
the number of threads. What the C files beside this one do is explained at their heads.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.errno cimport EINTR, errno
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

import os
import threading

import numpy as np

from w2v.corpus._blocks cimport Block, Slab
from w2v.corpus._words cimport WordTable, new_words


cdef extern from "<unistd.h>" nogil:
    ssize_t pread(int fd, void *buffer, size_t count, int64_t offset)

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
        WHITESPACE_ASCII
        WHITESPACE_UNICODE
        WITH_MARKS

    ctypedef struct entry:
        int64_t count
        uint32_t length

    ctypedef struct table:
        void *slots
        entry *entries
        int64_t size, capacity
        uint64_t key0, key1

    ctypedef struct tally:
        int64_t tokens, too_long, nuls

    ctypedef struct encoding:
        table *table
        const uint8_t *data
        uint32_t end
        int32_t *out
        int every_line
        tally *tally

    int table_init(table *t, uint64_t key0, uint64_t key1)
    void table_free(table *t)
    void table_clear(table *t)
    int table_hand_over(table *to, table *source, int64_t low, int32_t *ids)
    void table_add_counts(table *to, const table *source, const int32_t *ids)
    void large_forget(void *block, size_t size)
    const uint8_t *spelling(const table *t, const entry *e)
    int64_t encode_piece(encoding *c, int whitespace, uint32_t limit, int last)


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
cdef enum:
    FORGET_ENTRIES = 1 << 19  # given back to the system while the others are taken


cdef class Spellings:
    """The distinct spellings of a text with their counts. The id of one is its place; the order means nothing, but that
    one thread enters them as they are met. `seed` is two 64-bit words.
    """

    cdef table table
    cdef object lock

    def __cinit__(self, tuple seed):
        self.lock = threading.Lock()
        if table_init(&self.table, seed[0], seed[1]) < 0:
            raise MemoryError("no memory for the table of distinct words")

    def __dealloc__(self):
        table_free(&self.table)

    def __len__(self):
        return self.table.size

    cdef int require(self) except -1:
        """ValueError where the table has been given up."""
        if self.table.slots == NULL:
            raise ValueError("the table of distinct words has been given up")
        return 0

    def since(self, int64_t first):
        """The spellings from id `first` on, as a list of bytes."""
        cdef int64_t i
        return [
            PyBytes_FromStringAndSize(
                <const char *>spelling(&self.table, &self.table.entries[i]), self.table.entries[i].length
            )
            for i in range(max(first, 0), self.table.size)
        ]

    def take(self):
        """(words, their counts, int64 [n]) of all spellings. The table is given up."""
        cdef int64_t i, size = 0, forgotten = 0
        cdef table *table = &self.table
        cdef const entry *e
        self.require()
        free(table.slots)
        table.slots = NULL
        counts = np.empty(table.size, np.int64)
        cdef int64_t[::1] view = counts
        with nogil:
            for i in range(table.size):
                size += table.entries[i].length
        cdef WordTable words = new_words(table.size, size)
        with nogil:
            for i in range(table.size):
                e = &table.entries[i]
                view[i] = e.count
                memcpy(words.data + words.ends[i], spelling(table, e), e.length)
                words.ends[i + 1] = words.ends[i] + e.length
                if i - forgotten == FORGET_ENTRIES:
                    large_forget(&table.entries[forgotten], FORGET_ENTRIES * sizeof(entry))
                    forgotten = i
            table_free(table)
        return words, counts


cdef class Encoder:
    """Encodes blocks of a text; their ids are those of its `spellings`.

    `block_size` is the most bytes encoded at once. With `marks`, some punctuation separates too (scan.h). With
    `every_line`, each newline ends a sentence, be it empty. `shared`: other encoders enter spellings too; then `settle`
    must be called for each block whose ids are wanted, and `hand_over` at the end.
    """

    cdef Spellings home
    cdef table own
    cdef table *table
    cdef int32_t[::1] places  # in `home` of what is in the own table, as far as it has been handed over
    cdef int64_t handed
    cdef tally tally
    cdef encoding *work
    cdef uint8_t *buffer
    cdef Py_ssize_t block_size
    cdef int whitespace
    cdef bint every_line, shared
    cdef Slab slab

    def __cinit__(self, Spellings spellings, bint unicode, Py_ssize_t block_size, bint marks=False,
                  bint every_line=False, bint shared=False):
        if not 1 <= block_size <= 1 << 28:
            raise ValueError("block_size is not between 1 and 2^28")
        if spellings is None:
            raise TypeError("an encoder needs a table of spellings")
        self.home, self.shared = spellings, shared
        self.table = &self.own if shared else &spellings.table
        self.places = np.empty(0, np.int32)
        self.every_line = every_line
        self.whitespace = (WHITESPACE_UNICODE if unicode else WHITESPACE_ASCII) | (WITH_MARKS if marks else 0)
        self.block_size = block_size
        self.work = <encoding *>PyMem_Malloc(sizeof(encoding))
        # the two chunks more than the piece: reads of 16 bytes behind a token, and rounding up to a chunk
        self.buffer = <uint8_t *>malloc(c_CONTEXT + block_size + c_LOOKAHEAD + 2 * c_PADDING)
        if self.work == NULL or self.buffer == NULL or (
                shared and table_init(&self.own, spellings.table.key0, spellings.table.key1) < 0):
            raise MemoryError("no memory for an encoder")

    def __dealloc__(self):
        PyMem_Free(self.work)
        free(self.buffer)
        table_free(&self.own)

    @property
    def tokens(self):
        return self.tally.tokens

    @property
    def too_long(self):
        return self.tally.too_long

    @property
    def nuls(self):
        return self.tally.nuls

    def settle(self, Block block):
        """The ids of a block that was encoded since the last `hand_over` become those of `spellings`."""
        cdef int64_t i
        cdef int32_t *ids
        cdef const int32_t *places
        if not self.shared or not block.size:
            return
        self._enter()
        ids, places = block.slab.ids + block.start, &self.places[0] if self.handed else NULL
        with nogil:
            for i in range(block.size):
                if ids[i] != c_SENTENCE_END:
                    ids[i] = places[ids[i]]

    def hand_over(self, Py_ssize_t most=0):
        """Where more than `most` spellings are in the own table, `spellings` gets all that it has counted."""
        if not self.shared or self.own.size <= most:
            return
        self._enter()
        with self.home.lock:
            self.home.require()
            with nogil:
                table_add_counts(&self.home.table, &self.own, &self.places[0])
        table_clear(&self.own)
        self.handed = 0

    cdef _enter(self):
        """Enter the own table's new spellings in that of all."""
        cdef int status
        if self.handed == self.own.size:
            return
        if self.places.shape[0] < self.own.size:
            places = np.empty(self.own.capacity, np.int32)
            places[:self.handed] = self.places[:self.handed]
            self.places = places
        with self.home.lock:
            self.home.require()
            with nogil:
                status = table_hand_over(&self.home.table, &self.own, self.handed, &self.places[0])
        if status < 0:
            raise MemoryError("no memory for the table of distinct words")
        self.handed = self.own.size

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
        if not (0 <= length <= self.block_size and 0 <= origin <= offset and offset + length <= size):
            raise ValueError("the segment is larger than the block, or not inside the text")
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
        self.home.require()
        last = last and length == behind
        if slab is None or slab.capacity - slab.used < room:
            slab = self.slab = Slab(max(room, SLAB_BLOCKS * (self.block_size + 2)))
        with nogil:
            memset(self.buffer + c_CONTEXT + behind, 32, 2 * c_PADDING)
            self.work.table = self.table
            self.work.tally = &self.tally
            self.work.every_line = self.every_line
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
        slab.used += written
        return block
