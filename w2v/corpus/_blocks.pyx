"""Where provisional ids are: blocks of them, in slabs of memory or in the spool."""

from libc.stdint cimport int32_t, int64_t
from libc.string cimport memcpy

import os

import numpy as np


cdef extern from "<sys/mman.h>" nogil:
    void *mmap(void *address, size_t length, int protection, int flags, int fd, int64_t offset)
    int munmap(void *address, size_t length)
    int PROT_READ, PROT_WRITE, MAP_PRIVATE, MAP_ANON
    void *MAP_FAILED


cdef class Slab:
    """Anonymous memory for the ids of several blocks; freed with the last of them."""

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

    def __len__(self):
        return self.size

    def __getbuffer__(self, Py_buffer* buffer, int flags):
        """The ids where they are: int32 that may be written over. BufferError for those of the spool."""
        if self.slab is None:
            raise BufferError("the ids of a spooled block are not in memory")
        self.length, self.stride = self.size, sizeof(int32_t)
        buffer.buf = self.slab.ids + self.start
        buffer.format = "i"
        buffer.internal = NULL
        buffer.itemsize = sizeof(int32_t)
        buffer.len = self.size * sizeof(int32_t)
        buffer.ndim = 1
        buffer.obj = self
        buffer.readonly = 0
        buffer.shape = &self.length
        buffer.strides = &self.stride
        buffer.suboffsets = NULL

    def __releasebuffer__(self, Py_buffer* buffer):
        pass

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


cdef const int32_t *ids_of(Block block, const int32_t[::1] spooled) except? NULL:
    """The ids of a block, wherever they are; those of a spooled one have been read back into `spooled`."""
    if block.slab is not None:
        return block.slab.ids + block.start
    if spooled is None or spooled.shape[0] != block.size:
        raise ValueError("the ids of a spooled block are needed")
    return &spooled[0] if block.size else NULL
