"""Text vector files: lines of a plain file read by several threads, and rows of any matrix as text or binary."""

import os

from cpython.bytes cimport PyBytes_AsString
from libc.errno cimport EINTR, errno
from libc.stdint cimport int64_t, uint32_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memchr, memcpy
from posix.unistd cimport pread

from w2v.vectors._scan cimport (
    FLOAT_SLACK, FLOAT_TEXT, NEWLINE_AFTER, ROW_IO, ROW_MEMORY, ROW_OK, ROW_TRUNCATED, TEXT_LONG, Region,
    count_newlines, free_region, keep_word, line_limit, make_plain_locale, put_numbers, raise_status, read_row,
)
from w2v.corpus._words cimport WordTable, adopt_words
from w2v.threads import for_each

cdef extern from "decimal.h" nogil:
    const char* read_float(const char* text, const char* end, float* value)
    int put_float(char* out, float value)

if make_plain_locale() != 0:
    raise MemoryError

cdef enum:
    BLOCK = 1 << 20  # bytes of a task


cdef int64_t read_at(int fd, char* out, int64_t length, int64_t at) noexcept nogil:
    """Bytes read (fewer at the end of the file), or -1 with errno set."""
    cdef int64_t done = 0, got
    while done < length:
        got = pread(fd, out + done, length - done, at + done)
        if got < 0:
            if errno == EINTR:
                continue
            return -1
        if got == 0:
            break
        done += got
    return done


cdef class TextRows:
    """The lines of a plain text vector file from offset `start` to `end` (which leaves out trailing newlines)."""

    cdef int fd
    cdef readonly int64_t start
    cdef readonly int64_t end
    cdef readonly int64_t count
    cdef int64_t* before  # lines that begin before each block
    cdef Region* regions
    cdef int64_t blocks
    cdef readonly WordTable words

    def __init__(self, int fd, int64_t start, int64_t end, threads=None):
        cdef int64_t i, total = 0
        self.fd = fd
        self.start = start
        self.end = end
        self.blocks = (end - start + BLOCK - 1) // BLOCK
        self.before = <int64_t*> calloc(self.blocks + 1, sizeof(int64_t))
        self.regions = <Region*> calloc(self.blocks + 1, sizeof(Region))
        if self.before == NULL or self.regions == NULL:
            raise MemoryError
        for_each(self._count_block, self.blocks, threads)
        for i in range(self.blocks):
            self.before[i], total = total, total + self.before[i]
        self.before[self.blocks] = total
        self.count = total + 1 if end > start else 0

    def __dealloc__(self):
        cdef int64_t i
        free(self.before)
        if self.regions != NULL:
            for i in range(self.blocks):
                free_region(&self.regions[i])
        free(self.regions)

    def _count_block(self, int64_t block):
        cdef int64_t at = self.start + block * BLOCK, length = min(<int64_t> BLOCK, self.end - at), got
        cdef char* text = <char*> malloc(length)
        cdef int error = 0
        if text == NULL:
            raise MemoryError
        with nogil:
            got = read_at(self.fd, text, length, at)
            error = errno
            if got > 0:
                self.before[block] = count_newlines(text, got)
            free(text)
        if got < 0:
            raise OSError(error, os.strerror(error))

    def offset(self, int64_t row) -> int:
        """Offset in the file at which a line starts."""
        cdef int64_t block = 0, at, left
        while block + 1 < self.blocks and self.before[block + 1] < row:
            block += 1
        at = self.start + block * BLOCK
        left = row - self.before[block]
        for line in os.pread(self.fd, BLOCK, at).split(b"\n"):
            if left <= 0:
                break
            at += len(line) + 1
            left -= 1
        return at

    def load(self, float[:, ::1] matrix, int64_t dim, bint spaced, threads=None):
        """Read the lines into `matrix` [rows, dim], or with None only check them; sets `words`."""
        cdef float* values = NULL
        cdef int64_t rows = self.count
        if matrix is not None:
            if matrix.shape[1] != dim or matrix.shape[0] > self.count:
                raise ValueError("wrong shape")
            rows = matrix.shape[0]
            if rows:
                values = &matrix[0, 0]

        def read_some(task):
            self.read_block(task, values, dim, spaced, rows)

        blocks = self.blocks
        while blocks > 1 and self.before[blocks - 1] >= rows:
            blocks -= 1
        for_each(read_some, blocks, threads)
        self.join(rows)

    cdef read_block(self, int64_t block, float* matrix, int64_t dim, bint spaced, int64_t rows):
        """Read the lines that begin in this block."""
        cdef int64_t low = self.start + block * BLOCK, high = min(low + BLOCK, self.end)
        cdef int64_t row = self.before[block], at = low, column = 0
        cdef int status, error
        if block > 0:
            at -= 1  # a line begins here if the byte before is a newline
        with nogil:
            status = self.read_lines(&self.regions[block], &at, high, matrix, dim, spaced, rows, &row, &column)
            error = errno
        if status != ROW_OK:
            raise_status(status, error, row, at, column)

    cdef int read_lines(self, Region* region, int64_t* at, int64_t high, float* matrix, int64_t dim, bint spaced,
                        int64_t rows, int64_t* row, int64_t* column) noexcept nogil:
        cdef int64_t low = at[0], room = high - low + 65536, filled, place = 0, word = 0, more
        cdef char* text = <char*> malloc(room)
        cdef char* wider
        cdef char* end
        cdef float* spare = <float*> malloc(dim * sizeof(float))
        cdef int status = ROW_OK
        if text == NULL or spare == NULL:
            free(text)
            free(spare)
            return ROW_MEMORY
        filled = read_at(self.fd, text, min(room, self.end - low), low)
        if filled < 0:
            status = ROW_IO
        elif low > self.start:
            end = <char*> memchr(text, 10, min(filled, high - low))
            place = filled if end == NULL else end - text + 1
            # A line that began in an earlier block and goes on here, or ends just before this block.
            row[0] += 0 if end == text else 1
        while status == ROW_OK and low + place < high and row[0] < rows:
            at[0] = low + place
            end = <char*> memchr(text + place, 10, filled - place)
            while end == NULL and low + filled < self.end and status == ROW_OK:
                if filled - place > line_limit(dim):
                    status = TEXT_LONG
                    column[0] = -1
                    break
                if filled == room:
                    room += 262144
                    wider = <char*> realloc(text, room)
                    if wider == NULL:
                        status = ROW_MEMORY
                        break
                    text = wider
                more = read_at(self.fd, text + filled, min(room, self.end - low) - filled, low + filled)
                if more <= 0:
                    status = ROW_IO if more < 0 else ROW_TRUNCATED
                    break
                end = <char*> memchr(text + filled, 10, more)
                filled += more
            if status != ROW_OK:
                break
            if end == NULL:
                end = text + filled
            status = read_row(text + place, end, dim, spaced, matrix + row[0] * dim if matrix != NULL else spare, &word,
                              column)
            if status == ROW_OK:
                status = keep_word(region, text + place, word, 0)
            if status == ROW_OK:
                row[0] += 1
                place = end - text + 1
        free(text)
        free(spare)
        return status

    cdef join(self, int64_t rows):
        cdef int64_t block, row = 0, used = 0, i
        cdef char* data
        cdef int64_t* ends
        for block in range(self.blocks):
            used += self.regions[block].used
            row += self.regions[block].rows
        if row != rows:  # the file has changed since its lines were counted
            raise_status(ROW_TRUNCATED, 0, row, self.end, 0)
        data = <char*> malloc(used + 1)
        ends = <int64_t*> malloc((rows + 1) * sizeof(int64_t))
        if data == NULL or ends == NULL:
            free(data)
            free(ends)
            raise MemoryError
        self.words = adopt_words(data, ends, rows)
        ends[0] = row = 0
        for block in range(self.blocks):
            if self.regions[block].used:
                memcpy(data + ends[row], self.regions[block].bytes, self.regions[block].used)
            for i in range(<int64_t> self.regions[block].rows):
                ends[row + 1] = ends[row] + (self.regions[block].lengths[i] & ~NEWLINE_AFTER)
                row += 1
            free_region(&self.regions[block])


def text_rows(const float[:, :] matrix, WordTable words, int64_t low, int64_t high, bytearray spare=None):
    """Rows low <= row < high as lines of text, a word and its numbers: the shortest decimals that read back to the same
    float32; `words` None for the numbers alone, between tabs.

    Returns (bytearray, bytes used of it): `spare` if that is large enough. ValueError(row) at a number that is not
    finite.
    """
    cdef int64_t dim = matrix.shape[1], row, size = 0, length = 0
    check_rows(matrix, words, low, high)
    if words is not None:
        length = words.ends[high] - words.ends[low]
    cdef int64_t most = length + (high - low) * (dim * (FLOAT_TEXT + 1) + 1) + FLOAT_SLACK
    cdef bytearray block = spare if spare is not None and len(spare) >= most else bytearray(most)
    cdef char* start = block
    cdef char* out = start
    cdef char separator = 9 if words is None else 32
    with nogil:
        for row in range(low, high):
            if words is not None:
                length = words.ends[row + 1] - words.ends[row]
                memcpy(out, words.data + words.ends[row], length)
                out[length] = separator
                out += length + 1
            size = put_numbers(out, <const char*> &matrix[row, 0], matrix.strides[1], dim, separator)
            if size < 0:
                break
            out += size
    if size < 0:
        raise ValueError(row)
    return block, out - start


def binary_rows(const float[:, :] matrix, WordTable words, int64_t low, int64_t high, bytearray spare=None):
    """Rows low <= row < high as word2vec binary: word, space, floats, newline. Returns and raises as `text_rows`."""
    cdef int64_t dim = matrix.shape[1], row, length, i
    check_rows(matrix, words, low, high)
    cdef int64_t most = words.ends[high] - words.ends[low] + (high - low) * (4 * dim + 2)
    cdef bytearray block = spare if spare is not None and len(spare) >= most else bytearray(most)
    cdef char* start = block
    cdef char* out = start
    cdef const char* values
    cdef bint finite = True
    with nogil:
        for row in range(low, high):
            length = words.ends[row + 1] - words.ends[row]
            memcpy(out, words.data + words.ends[row], length)
            out += length
            out[0] = 32
            out += 1
            values = <const char*> &matrix[row, 0]
            if matrix.strides[1] == sizeof(float):
                memcpy(out, values, dim * sizeof(float))
            else:
                for i in range(dim):
                    memcpy(out + i * sizeof(float), values + i * matrix.strides[1], sizeof(float))
            finite = all_finite(out, dim)
            if not finite:
                break
            out += dim * sizeof(float)
            out[0] = 10
            out += 1
    if not finite:
        raise ValueError(row)
    return block, out - start


cdef check_rows(const float[:, :] matrix, WordTable words, int64_t low, int64_t high):
    cdef int64_t rows = matrix.shape[0] if words is None else min(words.count, matrix.shape[0])
    if not 0 <= low <= high <= rows or matrix.shape[1] == 0:
        raise IndexError(f"rows {low} to {high}")


cdef bint all_finite(const char* values, int64_t dim) noexcept nogil:
    cdef uint32_t bits, found = 0
    cdef int64_t i
    for i in range(dim):
        memcpy(&bits, values + 4 * i, 4)
        found |= (bits & 0x7F800000) == 0x7F800000
    return not found


def py_read_float(bytes text):
    """(value, bytes read) of the decimal at the start of `text`, or None; for the tests."""
    cdef float value = 0
    cdef const char* start = PyBytes_AsString(text)
    cdef const char* end = read_float(start, start + len(text), &value)
    return None if end == NULL else (value, end - start)


def py_put_float(float value) -> bytes:
    """The shortest decimal of a finite float32; for the tests."""
    cdef char[64] out
    return out[:put_float(out, value)]
