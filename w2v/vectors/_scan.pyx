"""Binary vector files in place: find the rows, take words, norms, cosines or the whole matrix in one pass each.

Nothing here imports NumPy. Threads are Python threads that call into `nogil` code (see threads.py).
"""

import os
from array import array

from libc.math cimport NAN
from libc.stdint cimport int64_t, uint32_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

from w2v.corpus._words cimport WordTable, adopt_words, large_malloc

from w2v.machine import thread_count
from w2v.threads import for_each


cdef enum:
    ANCHOR = 64  # rows between remembered offsets
    LONG_WORD = 64  # bytes: with a limit on the rows, only so much of the file is split among threads

cdef dict STATUS = {
    ROW_TRUNCATED: "truncated", ROW_EMPTY_WORD: "empty word", ROW_LONG_WORD: "long word",
    ROW_NEWLINE: "newline in word", ROW_NOT_FINITE: "not finite",
    TEXT_SHORT: "short", TEXT_LONG: "long", TEXT_NUMBER: "no number",
}


class BadRow(Exception):
    """A row that cannot be read: `row` and `column` count from 0, `offset` is in bytes, `what` is one of STATUS."""

    def __init__(self, what: str, row: int, offset: int, column: int = 0):
        super().__init__(what, row, offset, column)
        self.what, self.row, self.offset, self.column = what, row, offset, column


cdef raise_status(int status, int error, int64_t row, int64_t offset, int64_t column):
    if status == ROW_MEMORY:
        raise MemoryError
    if status == ROW_IO:
        raise OSError(error, os.strerror(error))
    raise BadRow(STATUS[status], row, offset, column)


cdef class BinaryRows:
    """The rows of a word2vec binary file, found but not read.

    `start` is the offset of the first row, `most` how many are wanted; fewer in the file is a BadRow. Afterwards
    `count` rows are known, `end` is the offset after the last, and `words` holds the words. `promised` is for
    errors: how many the file claims.
    """

    cdef RowFile file
    cdef uint32_t* lengths
    cdef int64_t* anchors
    cdef Region* regions
    cdef int parts
    cdef readonly int64_t count
    cdef readonly int64_t dim
    cdef readonly int64_t end
    cdef public object promised  # an int of any size
    cdef readonly WordTable words

    def __init__(self, int fd, int64_t size, int64_t start, int64_t most, int64_t dim, threads=None,
                 int64_t region_bytes=8 << 20, bint mapped=True):
        self.file.fd = fd
        self.file.size = size
        self.file.row_bytes = 4 * dim
        self.file.map = map_file(fd, size) if mapped else NULL
        self.dim = dim
        self.promised = most
        firsts = self.guess_regions(start, most, region_bytes, thread_count(threads))
        cdef int64_t[::1] starts = array("q", [*firsts, size])
        self.parts = len(firsts)
        self.regions = <Region*> calloc(self.parts, sizeof(Region))
        if self.regions == NULL:
            raise MemoryError

        def find_some(task):
            cdef int64_t part = task
            with nogil:
                find_rows(&self.file, starts[part], starts[part + 1], most, &self.regions[part])

        for_each(find_some, self.parts, threads)
        self._join(starts, most, threads)
        self.free_regions()

    cdef list guess_regions(self, int64_t start, int64_t most, int64_t region_bytes, int threads):
        """Where the regions begin, each at a row if the guess is right; the first at `start`."""
        cdef int64_t end = min(self.file.size, start + most * (self.file.row_bytes + LONG_WORD))
        cdef int64_t guess = start, later, part, parts
        # A region must hold many rows, or looking for its start costs more than it saves.
        region_bytes = max(region_bytes, 64 * (self.file.row_bytes + 16))
        parts = max(<int64_t> 1, min(<int64_t> 4 * threads, (end - start) // region_bytes))
        firsts = [start]
        for part in range(1, parts):
            later = guess_row(&self.file, start + (end - start) // parts * part)
            if later > guess:
                guess = later
                firsts.append(guess)
        return firsts

    cdef free_regions(self):
        for part in range(self.parts):
            free_region(&self.regions[part])
        free(self.regions)
        self.regions = NULL
        self.parts = 0

    def _join(self, const int64_t[::1] starts, int64_t most, threads):
        """One table from the regions; a region whose first row was a wrong guess is read again from the right one."""
        cdef int64_t at = starts[0], rows = 0, used = 0
        cdef int64_t* ends
        cdef char* data
        cdef int part, used_parts = 0
        for part in range(self.parts):
            if rows == most:
                break
            if self.regions[part].first != at:
                free_region(&self.regions[part])
                with nogil:
                    find_rows(&self.file, at, starts[part + 1], most - rows, &self.regions[part])
            rows += min(<int64_t> self.regions[part].rows, most - rows)
            used += self.regions[part].used
            at = self.regions[part].next
            used_parts += 1
            if self.regions[part].status != ROW_OK and rows < most:
                raise_status(self.regions[part].status, self.regions[part].error, rows, at, 0)
        if rows < most:
            raise_status(ROW_TRUNCATED, 0, rows, at, 0)
        self.lengths = <uint32_t*> large_malloc(rows * sizeof(uint32_t))
        self.anchors = <int64_t*> malloc((rows // ANCHOR + 1) * sizeof(int64_t))
        ends = <int64_t*> large_malloc((rows + 1) * sizeof(int64_t))
        data = <char*> large_malloc(used)
        if self.lengths == NULL or self.anchors == NULL or ends == NULL or data == NULL:
            free(ends)
            free(data)
            raise MemoryError
        self.words = adopt_words(data, ends, rows)
        self.count = rows
        ends[0] = 0

        def copy_some(task):
            cdef int64_t part = task, row = 0, place, used = 0
            for place in range(part):
                row += self.regions[place].rows
                used += self.regions[place].used
            with nogil:
                self.copy_region(&self.regions[part], row, used)

        for_each(copy_some, used_parts, threads)
        self.end = self.offset(rows - 1) + self.row_size(rows - 1) if rows else starts[0]

    cdef void copy_region(self, Region* region, int64_t row, int64_t used) noexcept nogil:
        """Put a region's words at their rows, those that are wanted."""
        cdef int64_t place, at = region.first, take = min(<int64_t> region.rows, self.count - row)
        cdef int64_t* ends = self.words.ends
        memcpy(self.lengths + row, region.lengths, take * sizeof(uint32_t))
        memcpy(self.words.data + used, region.bytes, region.used)
        for place in range(row, row + take):
            if place % ANCHOR == 0:
                self.anchors[place // ANCHOR] = at
            used += self.lengths[place] & ~NEWLINE_AFTER
            ends[place + 1] = used
            at += self.row_size(place)

    cdef inline int64_t row_size(self, int64_t row) noexcept nogil:
        return (self.lengths[row] & ~NEWLINE_AFTER) + 1 + self.file.row_bytes + (self.lengths[row] >> 31)

    def __dealloc__(self):
        self.free_regions()
        unmap_file(self.file.map, self.file.size)
        free(self.lengths)
        free(self.anchors)

    def offset(self, int64_t row) -> int:
        """Offset in the file at which a row starts."""
        cdef int64_t at = self.anchors[row // ANCHOR], i
        for i in range(row // ANCHOR * ANCHOR, row):
            at += self.row_size(i)
        return at

    def vector(self, int64_t row, bint finite=True):
        """The numbers of one row, as array('f'); BadRow for one that is not finite, unless they are wanted anyway."""
        cdef float[::1] values = array("f", bytes(4 * self.dim))
        cdef RowWork work
        if row < 0 or row >= self.count:
            raise IndexError(row)
        memset(&work, 0, sizeof(RowWork))
        work.matrix = &values[0]
        try:
            self.walk(row, row + 1, &work)
        except BadRow as bad:
            if finite or bad.what != "not finite":
                raise
        return values.base

    cdef walk(self, int64_t low, int64_t high, RowWork* work):
        cdef Walk walk
        memset(&walk, 0, sizeof(Walk))
        walk.file = &self.file
        walk.lengths = self.lengths + low
        walk.rows = high - low
        walk.work = work
        walk.at = self.offset(low)
        with nogil:
            walk_rows(&walk)
        if walk.status != ROW_OK:
            raise_status(walk.status, walk.error, low + walk.bad, walk.at, 0)

    def cosines(self, const float[:, ::1] queries, threads=None):
        """Cosines of queries (unit length, [n, dim]) with all rows, as a memoryview [n, count]; checks the rows."""
        cdef int64_t n = queries.shape[0]
        cdef FloatBlock block = FloatBlock.__new__(FloatBlock)
        if queries.shape[1] != self.dim:
            raise ValueError("queries have another length than the rows")
        block.shape[0] = n * self.count
        block.values = <float*> large_malloc(n * self.count * sizeof(float))
        if block.values == NULL:
            raise MemoryError
        if n and self.count:
            self.in_parts(NULL, 0, &queries[0, 0], n, block.values, NULL, threads)
        return memoryview(block).cast("B").cast("f", (n, self.count))

    def load(self, float[:, ::1] matrix, double[::1] norms, threads=None):
        """Copy all rows into `matrix` [count, dim] and their norms into `norms` [count]; checks the rows."""
        if matrix.shape[0] != self.count or matrix.shape[1] != self.dim or norms.shape[0] != self.count:
            raise ValueError("wrong shape")
        if self.count:
            self.in_parts(&matrix[0, 0], self.dim, NULL, 0, NULL, &norms[0], threads)

    def take(self, const int64_t[::1] rows, float[:, ::1] matrix, double[::1] norms, threads=None):
        """As `load`, but of some rows only, in the order given."""
        cdef int64_t count = rows.shape[0], step = 4096
        if matrix.shape[0] != count or matrix.shape[1] != self.dim or norms.shape[0] != count:
            raise ValueError("wrong shape")

        def take_some(task):
            cdef int64_t place
            cdef RowWork work
            memset(&work, 0, sizeof(RowWork))
            for place in range(task * step, min(task * step + step, count)):
                if rows[place] < 0 or rows[place] >= self.count:
                    raise IndexError(rows[place])
                work.matrix = &matrix[place, 0]
                work.norms = &norms[place]
                self.walk(rows[place], rows[place] + 1, &work)

        for_each(take_some, (count + step - 1) // step, threads)

    cdef in_parts(self, float* matrix, int64_t stride, const float* queries, int64_t n, float* cosines, double* norms,
                  threads):
        cdef int64_t step = max(<int64_t> 1, (<int64_t> 4 << 20) // (self.file.row_bytes * ANCHOR)) * ANCHOR
        cdef int64_t count = self.count

        def walk_some(task):
            cdef int64_t low = task * step
            cdef RowWork work
            memset(&work, 0, sizeof(RowWork))
            if matrix != NULL:
                work.matrix = matrix + low * stride
                work.stride = stride
            if norms != NULL:
                work.norms = norms + low
            work.queries = queries
            work.n = n
            work.cosines = cosines + low if cosines != NULL else NULL
            work.cosines_stride = count
            self.walk(low, min(low + step, count), &work)

        for_each(walk_some, (count + step - 1) // step, threads)


def row_norms(const float[:, :] matrix, threads=None):
    """Euclidean length of each row [V, D] as array('d'), NaN where a number is not finite."""
    cdef int64_t rows = matrix.shape[0], dim = matrix.shape[1]
    cdef int64_t step = max(<int64_t> 1, (<int64_t> 1 << 18) // (dim + 1))
    norms = array("d", bytes(8 * rows))
    cdef double[::1] out = norms
    if rows == 0 or dim == 0:
        return norms

    def measure_some(task):
        cdef int64_t low = task * step, row
        cdef int64_t high = min(low + step, rows)
        cdef float[::1] spare = array("f", bytes(4 * dim))
        with nogil:
            for row in range(low, high):
                out[row] = norm_of(matrix, row, dim, &spare[0])

    for_each(measure_some, (rows + step - 1) // step, threads)
    return norms


cdef double norm_of(const float[:, :] matrix, int64_t row, int64_t dim, float* spare) noexcept nogil:
    cdef const char* values = <const char*> &matrix[row, 0]
    cdef float unused
    cdef double norm
    cdef int64_t i
    if matrix.strides[1] != sizeof(float):
        for i in range(dim):
            spare[i] = matrix[row, i]
        values = <const char*> spare
    norm = row_cosines(pick_products(), values, NULL, 0, dim, &unused)
    return norm if norm >= 0 else NAN


cdef class FloatBlock:
    """Floats in memory of our own, seen through the buffer protocol."""

    def __dealloc__(self):
        free(self.values)

    def __getbuffer__(self, Py_buffer* buffer, int flags):
        self.strides[0] = sizeof(float)
        buffer.buf = <char*> self.values
        buffer.format = "f"
        buffer.internal = NULL
        buffer.itemsize = sizeof(float)
        buffer.len = self.shape[0] * sizeof(float)
        buffer.ndim = 1
        buffer.obj = self
        buffer.readonly = 0
        buffer.shape = self.shape
        buffer.strides = self.strides
        buffer.suboffsets = NULL

    def __releasebuffer__(self, Py_buffer* buffer):
        pass
