from libc.stdint cimport int32_t, int64_t


cdef class Slab:
    cdef int32_t *ids
    cdef int64_t capacity, used


cdef class Block:
    cdef Slab slab
    cdef readonly int64_t start, size
    cdef public int64_t offset
    cdef Py_ssize_t length, stride  # for views


cdef const int32_t *ids_of(Block block, const int32_t[::1] spooled) except? NULL
