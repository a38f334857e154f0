from libc.stdint cimport int64_t, uint32_t, uint64_t

cdef extern from "pages.h" nogil:
    void* large_malloc(size_t size)


cdef class WordTable:
    cdef char* data
    cdef int64_t* ends  # count + 1 of them, the first is 0
    cdef readonly Py_ssize_t count
    cdef object repeated  # array of rows, once the index is whole
    cdef uint64_t* slots  # hash in the high half, row + 1 in the low half; 0 is free
    cdef int64_t bounds[17]  # where each partition of the slots begins
    cdef bytes word_at(self, Py_ssize_t row)
    cdef insert_partition(self, uint32_t p, uint32_t* hashes, list repeats)
    cdef int64_t place(self, uint32_t hashed, const char* word, int64_t length, int64_t row) noexcept nogil


cdef WordTable adopt_words(char* data, int64_t* ends, Py_ssize_t count)
cdef WordTable new_words(Py_ssize_t count, int64_t size)
