"""Rows that arrive in blocks (a pipe, a decompressor), binary or text; memory grows with the rows seen."""

from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memchr, memcpy

from w2v.vectors._scan cimport (
    NEWLINE_AFTER, ROW_MEMORY, ROW_NOT_FINITE, ROW_OK, ROW_TRUNCATED, TEXT_LONG, FloatBlock, Products, Region,
    free_region, keep_word, line_limit, make_plain_locale, pick_products, raise_status, read_row, row_cosines,
    word_length,
)
from w2v.corpus._words cimport adopt_words


if make_plain_locale() != 0:
    raise MemoryError


cdef class Collector:
    """Words and numbers of the rows seen so far."""

    cdef Region region
    cdef float* values
    cdef size_t room
    cdef readonly int64_t dim
    cdef readonly bint text
    cdef bint spaced
    cdef bint check_newline
    cdef Products products

    def __init__(self, int64_t dim, bint text=False, bint spaced=False):
        self.dim = dim
        self.text = text
        self.spaced = spaced
        self.products = pick_products()

    def __dealloc__(self):
        free_region(&self.region)
        free(self.values)

    @property
    def count(self) -> int:
        return self.region.rows

    def feed(self, const unsigned char[::1] block, int64_t offset, int64_t most, bint last) -> int:
        """Take whole rows from the block until there are `most`; returns how many bytes were used.

        `offset` is the block's place in the stream, for errors; `last` says that nothing follows it.
        """
        return self.feed_text(block, offset, most, last) if self.text else self.feed_binary(block, offset, most)

    cdef int64_t feed_binary(self, const unsigned char[::1] block, int64_t offset, int64_t most) except -1:
        cdef int64_t at = 0, size = block.shape[0], length = 0
        cdef int status = ROW_OK
        cdef const char* text = <const char*> &block[0] if size else NULL
        cdef int64_t row_bytes = 4 * self.dim
        with nogil:
            while True:
                if self.check_newline and at < size:
                    at += text[at] == 10
                    self.check_newline = False
                if <int64_t> self.region.rows >= most or at >= size:
                    break
                length = word_length(text + at, size - at)
                if length == -1 - ROW_TRUNCATED or (length >= 0 and at + length + 1 + row_bytes > size):
                    break
                if length < 0:
                    status = <int> (-1 - length)
                    break
                status = self.take_binary(text + at, length)
                if status != ROW_OK:
                    break
                at += length + 1 + row_bytes
                self.check_newline = True
        if status != ROW_OK:
            raise_status(status, 0, self.region.rows, offset + at, 0)
        return at

    cdef int take_binary(self, const char* row, int64_t length) noexcept nogil:
        cdef float unused
        cdef float* values = self.next_row()
        if values == NULL:
            return ROW_MEMORY
        memcpy(values, row + length + 1, 4 * self.dim)
        if row_cosines(self.products, row + length + 1, NULL, 0, self.dim, &unused) < 0:
            return ROW_NOT_FINITE
        return keep_word(&self.region, row, length, 0)

    cdef int64_t feed_text(self, const unsigned char[::1] block, int64_t offset, int64_t most, bint last) except -1:
        cdef int64_t at = 0, size = block.shape[0], word = 0, column = 0
        cdef int status = ROW_OK
        cdef const char* text = <const char*> &block[0] if size else NULL
        cdef const char* end
        cdef float* values
        with nogil:
            while at < size and <int64_t> self.region.rows < most:
                end = <const char*> memchr(text + at, 10, size - at)
                if end == NULL:
                    if not last:
                        if size - at > line_limit(self.dim):
                            status = TEXT_LONG
                            column = -1
                        break
                    end = text + size
                values = self.next_row()
                if values == NULL:
                    status = ROW_MEMORY
                    break
                status = read_row(text + at, end, self.dim, self.spaced, values, &word, &column)
                if status == ROW_OK:
                    status = keep_word(&self.region, text + at, word, 0)
                if status != ROW_OK:
                    break
                at = min(size, <int64_t> (end - text) + 1)
        if status != ROW_OK:
            raise_status(status, 0, self.region.rows, offset + at, column)
        return at

    cdef float* next_row(self) noexcept nogil:
        """Room for the numbers of one more row, or NULL."""
        cdef size_t wanted = (self.region.rows + 1) * self.dim
        cdef float* values
        if wanted > self.room:
            wanted += wanted // 4 + 16384
            values = <float*> realloc(self.values, wanted * sizeof(float))
            if values == NULL:
                return NULL
            self.values = values
            self.room = wanted
        return self.values + self.region.rows * self.dim

    def finish(self):
        """(WordTable, numbers as a buffer of count * dim floats). The collector is empty afterwards."""
        cdef FloatBlock block = FloatBlock.__new__(FloatBlock)
        cdef size_t rows = self.region.rows, i
        cdef int64_t* ends = <int64_t*> malloc((rows + 1) * sizeof(int64_t))
        if ends == NULL:
            raise MemoryError
        ends[0] = 0
        for i in range(rows):
            ends[i + 1] = ends[i] + (self.region.lengths[i] & ~NEWLINE_AFTER)
        words = adopt_words(self.region.bytes, ends, rows)
        self.region.bytes = NULL
        free_region(&self.region)
        block.values = self.values
        block.shape[0] = rows * self.dim
        self.values = NULL
        self.room = 0
        return words, block
