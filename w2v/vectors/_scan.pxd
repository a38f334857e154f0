from libc.stdint cimport int64_t, uint32_t


cdef extern from "text.h" nogil:  # which includes rows.h
    enum:
        ROW_OK
        ROW_TRUNCATED
        ROW_EMPTY_WORD
        ROW_LONG_WORD
        ROW_NEWLINE
        ROW_NOT_FINITE
        ROW_IO
        ROW_MEMORY
        TEXT_SHORT
        TEXT_LONG
        TEXT_NUMBER
    const uint32_t NEWLINE_AFTER
    ctypedef struct RowFile:
        int fd
        const char* map
        int64_t size
        int64_t row_bytes
    ctypedef struct Region:
        char* bytes
        size_t used
        uint32_t* lengths
        size_t rows
        int64_t first
        int64_t next
        int status
        int error
    ctypedef struct RowWork:
        float* matrix
        int64_t stride
        const float* queries
        int64_t n
        float* cosines
        int64_t cosines_stride
        double* norms
    ctypedef double (*Products)(const char*, const float*, int64_t, int64_t, float*) noexcept nogil
    Products pick_products()
    double row_cosines(Products products, const char* row, const float* queries, int64_t n, int64_t dim, float* out)
    void free_region(Region* region)
    int keep_word(Region* region, const char* word, size_t length, uint32_t flag)
    int64_t word_length(const char* text, int64_t length)
    void find_rows(const RowFile* file, int64_t at, int64_t stop, int64_t most, Region* out)
    int64_t guess_row(const RowFile* file, int64_t start)
    ctypedef struct Walk:
        const RowFile* file
        const uint32_t* lengths
        int64_t rows
        const RowWork* work
        int64_t at
        int64_t bad
        int status
        int error
    void walk_rows(Walk* walk)
    const char* map_file(int fd, int64_t size)
    void unmap_file(const char* map, int64_t size)
    int read_row(const char* text, const char* end, int64_t dim, int spaced, float* out, int64_t* word, int64_t* column)
    int64_t line_limit(int64_t dim)
    int64_t count_newlines(const char* text, int64_t length)
    int64_t put_numbers(char* out, const char* values, int64_t step, int64_t dim, char separator)
    int make_plain_locale()
    int FLOAT_TEXT
    int FLOAT_SLACK


cdef raise_status(int status, int error, int64_t row, int64_t offset, int64_t column)


cdef class FloatBlock:
    cdef float* values
    cdef Py_ssize_t[1] shape
    cdef Py_ssize_t[1] strides
