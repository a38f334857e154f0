"""Bytes to provisional ids and counts in one pass; everything long runs without the GIL.

Each thread owns an `Encoder`: a hash table, a buffer of text and the ids of the blocks it has encoded. No locks are
needed. `Spellings` joins the tables of all encoders. What the C files beside this one do is explained at their heads.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.errno cimport EINTR, errno
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

import os

import numpy as np

from w2v.corpus._blocks cimport Block, Slab
from w2v.corpus._words cimport WordTable, new_words
from w2v.threads import for_each


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
        int64_t size

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
    void table_forget_slots(table *t)
    void table_seek(table *to, const table *source, int64_t low, int64_t high, int32_t *ids)
    void large_forget(void *block, size_t size)
    int table_adopt(table *to, const table *source, int32_t *ids)
    void table_link(table *t, int64_t low, int64_t high)
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
    TASK_ENTRIES = 1 << 16  # of a table that is joined: one thread's step
    FORGET_ENTRIES = 1 << 19  # given back to the system while the others are taken


cdef class Encoder:
    """One thread's table of spellings, and its blocks.

    `seed` is two 64-bit words, the same for all encoders of a corpus. `block_size` is the most bytes encoded at once.
    With `marks`, some punctuation separates too (scan.h). With `every_line`, each newline ends a sentence, be it empty.
    """

    cdef table table
    cdef tally tally
    cdef encoding *work
    cdef uint8_t *buffer
    cdef Py_ssize_t block_size
    cdef int whitespace
    cdef int number
    cdef bint every_line
    cdef Slab slab
    cdef bint ready

    def __cinit__(self, int number, bint unicode, tuple seed, Py_ssize_t block_size, bint marks=False,
                  bint every_line=False):
        if not 1 <= block_size <= 1 << 28:
            raise ValueError("block_size is not between 1 and 2^28")
        self.number = number
        self.every_line = every_line
        self.whitespace = (WHITESPACE_UNICODE if unicode else WHITESPACE_ASCII) | (WITH_MARKS if marks else 0)
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

    def spellings(self, int64_t first):
        """The spellings from id `first` on, as bytes."""
        cdef int64_t i
        return [
            PyBytes_FromStringAndSize(
                <const char *>spelling(&self.table, &self.table.entries[i]), self.table.entries[i].length
            )
            for i in range(max(first, 0), self.table.size)
        ]

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
        if self.table.slots == NULL:
            raise ValueError("the encoder's table has been given up")
        last = last and length == behind
        if slab is None or slab.capacity - slab.used < room:
            slab = self.slab = Slab(max(room, SLAB_BLOCKS * (self.block_size + 2)))
        with nogil:
            memset(self.buffer + c_CONTEXT + behind, 32, 2 * c_PADDING)
            self.work.table = &self.table
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
        block.encoder = self.number
        slab.used += written
        return block


cdef class Spellings:
    """The distinct spellings of several encoders, joined in the table of one of them; those of the others are given up
    one by one. The id of a spelling is its place there; the order means nothing.
    """

    cdef Encoder home
    cdef list encoders, maps
    cdef readonly int64_t count

    def __init__(self, list encoders, threads=None):
        cdef Encoder encoder
        self.encoders = encoders
        self.home = max(encoders, key=len)
        self.maps = [np.empty(0 if encoder is self.home else len(encoder), np.int32) for encoder in encoders]
        for encoder in encoders:
            if encoder is not self.home:
                table_forget_slots(&encoder.table)
        for number, encoder in enumerate(encoders):
            if encoder is not self.home:
                self._join(encoder, self.maps[number], threads)
                table_free(&encoder.table)
        table_forget_slots(&self.home.table)
        self.count = self.home.table.size

    def _join(self, Encoder encoder, int32_t[::1] ids, threads):
        cdef table *home = &self.home.table
        cdef int64_t size = encoder.table.size, known = home.size
        cdef int status
        if not size:
            return

        def seek(task):
            cdef int64_t low = task * <int64_t>TASK_ENTRIES
            with nogil:
                table_seek(home, &encoder.table, low, min(low + TASK_ENTRIES, size), &ids[0])

        def link(task):
            cdef int64_t low = known + task * <int64_t>TASK_ENTRIES
            with nogil:
                table_link(home, low, min(low + TASK_ENTRIES, home.size))

        for_each(seek, (size + TASK_ENTRIES - 1) // TASK_ENTRIES, threads)
        with nogil:
            status = table_adopt(home, &encoder.table, &ids[0])
        if status < 0:
            raise MemoryError("no memory for the table of distinct words")
        for_each(link, (home.size - known + TASK_ENTRIES - 1) // TASK_ENTRIES, threads)

    def __len__(self):
        return self.count

    def take(self):
        """(words, their counts, int64 [n]) of all spellings. The table is given up; `encoder_map` remains."""
        cdef int64_t i, size = 0, forgotten = 0
        cdef table *home = &self.home.table
        cdef const entry *e
        counts = np.empty(self.count, np.int64)
        cdef int64_t[::1] view = counts
        with nogil:
            for i in range(home.size):
                size += home.entries[i].length
        cdef WordTable words = new_words(self.count, size)
        with nogil:
            for i in range(home.size):
                e = &home.entries[i]
                view[i] = e.count
                memcpy(words.data + words.ends[i], spelling(home, e), e.length)
                words.ends[i + 1] = words.ends[i] + e.length
                if i - forgotten == FORGET_ENTRIES:
                    large_forget(&home.entries[forgotten], FORGET_ENTRIES * sizeof(entry))
                    forgotten = i
            table_free(home)
        return words, counts

    def encoder_map(self, int number, const int32_t[::1] final_ids):
        """int32: the final id of each provisional id of one encoder, given that of each spelling."""
        cdef int32_t[::1] ids = self.maps[number]
        cdef int64_t i
        if final_ids.shape[0] != self.count:
            raise ValueError("as many final ids as spellings are needed")
        if self.encoders[number] is self.home:
            return np.asarray(final_ids)
        self.maps[number] = None  # its places become final ids
        with nogil:
            for i in range(ids.shape[0]):
                ids[i] = final_ids[ids[i]]
        return np.asarray(ids)
