"""Character n-grams of words, the buckets that they fall into, and vectors made from the buckets' rows (ngrams.h)."""
from array import array

from cpython.bytes cimport PyBytes_AsString, PyBytes_Size
from libc.errno cimport EIO
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t, uintptr_t
from libc.stdlib cimport free
from libc.string cimport memset

from w2v.corpus._words cimport WordTable, adopt_words, large_malloc

from w2v.threads import for_each


cdef extern from "mapped.h" nogil:
    const char* map_file(int fd, int64_t size)
    void unmap_file(const char* map, int64_t size)
    int guarded(void (*work)(void*) noexcept nogil, void* argument)

cdef extern from "fasttext.h" nogil:
    ctypedef struct Dictionary:
        const char* data
        int64_t size
        int64_t at
        int64_t entries
        int64_t longest
        int64_t word_bytes
        int64_t words
        int64_t bad
        int64_t end
        char* bytes
        int64_t* ends
        int64_t* counts
    void read_dictionary(void* argument) noexcept

cdef extern from "ngrams.h" nogil:
    uint32_t FNV_OFFSET
    uint32_t fnv_step(uint32_t hash, char byte)
    ctypedef struct Ngrams:
        size_t start
        size_t end
        uint32_t hash
    Ngrams ngrams_of(const char* word, size_t length, int least, int most)
    int next_ngram(Ngrams* ngrams)
    ctypedef struct NgramRowsC "NgramRows":
        int least
        int most
        uint32_t buckets
        const uint32_t* used
        const int64_t* places
        int64_t used_count
        bint pruned
        const char* rows
        int64_t row_bytes
        int64_t dim
    ctypedef struct WordVectors:
        const NgramRowsC* ngrams
        const char* words
        const int64_t* ends
        int64_t first
        int64_t last
        const char* own
        int64_t own_bytes
        float* out
        int32_t* counts
    ctypedef struct RowCopy:
        void* to
        const char* data
        int64_t row_bytes
        int64_t rows
        int64_t size
        const int64_t* places
    void copy_rows(void* argument) noexcept
    void make_vectors(void* argument) noexcept
    void own_rows(void* argument) noexcept

cdef enum:
    WORDS_PER_TASK = 4096


cdef shrunk(held):
    """The error for a page of a mapped file that cannot be read; `held` is the file."""
    name = held.name if isinstance(held, MappedFile) else None
    return OSError(EIO, "the file was cut short or could not be read while it was in use", name)


def fnv(bytes text) -> int:
    """fastText's hash of an n-gram."""
    cdef uint32_t hash = FNV_OFFSET
    cdef Py_ssize_t i
    for i in range(PyBytes_Size(text)):
        hash = fnv_step(hash, PyBytes_AsString(text)[i])
    return hash


def ngrams(bytes word, int least, int most) -> list:
    """The n-grams of a word, bytes, in the order of fastText; one that occurs twice is there twice."""
    cdef Ngrams each = ngrams_of(PyBytes_AsString(word), PyBytes_Size(word), least, most)
    cdef bytes whole = b"<" + word + b">"
    found = []
    while next_ngram(&each):
        found.append(whole[each.start:each.end])
    return found


def count_ngrams(WordTable words, int least, int most, int64_t[::1] starts, threads=None):
    """Set starts[i + 1] to how many n-grams the words 0..i have together; starts [len(words) + 1]."""
    cdef int64_t i, count = words.count
    if starts.shape[0] != count + 1:
        raise ValueError("wrong shape")

    def count_some(task):
        cdef int64_t low = task * <int64_t> WORDS_PER_TASK, row
        cdef int64_t high = min(low + WORDS_PER_TASK, count), found
        cdef Ngrams each
        with nogil:
            for row in range(low, high):
                each = ngrams_of(words.data + words.ends[row], words.ends[row + 1] - words.ends[row], least, most)
                found = 0
                while next_ngram(&each):
                    found += 1
                starts[row + 1] = found

    for_each(count_some, (count + WORDS_PER_TASK - 1) // WORDS_PER_TASK, threads)
    starts[0] = 0
    with nogil:
        for i in range(count):
            starts[i + 1] += starts[i]


def fill_buckets(WordTable words, int least, int most, uint32_t buckets, const int64_t[::1] starts, uint32_t[::1] out,
                 threads=None):
    """The bucket of each n-gram, in the places that `count_ngrams` gave: those of word i are
    out[starts[i]:starts[i + 1]]."""
    cdef int64_t count = words.count
    if starts.shape[0] != count + 1 or out.shape[0] != starts[count] or not buckets:
        raise ValueError("wrong shape")

    def fill_some(task):
        cdef int64_t low = task * <int64_t> WORDS_PER_TASK, row, place
        cdef int64_t high = min(low + WORDS_PER_TASK, count)
        cdef Ngrams each
        with nogil:
            for row in range(low, high):
                each = ngrams_of(words.data + words.ends[row], words.ends[row + 1] - words.ends[row], least, most)
                place = starts[row]
                while place < starts[row + 1] and next_ngram(&each):
                    out[place] = each.hash % buckets
                    place += 1

    for_each(fill_some, (count + WORDS_PER_TASK - 1) // WORDS_PER_TASK, threads)


def bucket_signatures(const uint32_t[::1] buckets, const int64_t[::1] starts, const uint64_t[::1] word_signatures,
                      uint64_t[::1] signatures, int64_t[::1] met):
    """Add to each bucket's signature those of the words that it is an n-gram of, once an occurrence; `met`, which is -1
    before, is given the place where it comes first.

    Buckets that belong to the same words have the same signature.
    """
    cdef int64_t word, place, words = word_signatures.shape[0], most = signatures.shape[0]
    if starts.shape[0] != words + 1 or starts[words] != buckets.shape[0] or met.shape[0] != most:
        raise ValueError("wrong shape")
    with nogil:
        for word in range(words):
            for place in range(starts[word], starts[word + 1]):
                if buckets[place] < most:
                    signatures[buckets[place]] += word_signatures[word]
                    if met[buckets[place]] < 0:
                        met[buckets[place]] = place


def join_parts(const uint32_t[::1] buckets, const int64_t[::1] starts, const int32_t[::1] own,
               const int32_t[::1] row_of, const int64_t[::1] sizes, int64_t[::1] part_starts, int32_t[::1] rows,
               float[::1] weights):
    """Each word's distinct rows, and the share of its vector that each is; returns how many there are in all.

    `own` is the row of each word, `row_of` that of each bucket; `sizes` how many of these each row stands for. A row
    that stands for n-grams which occur k times in a word is there k times.
    """
    cdef int64_t word, place, first, at = 0, words = starts.shape[0] - 1, most = row_of.shape[0]
    cdef int64_t[::1] slot = array("q", bytes(8 * sizes.shape[0]))  # past the row's place among those of the last word
    cdef int32_t row
    cdef float total, found, times
    if starts[words] != buckets.shape[0] or own.shape[0] != words or part_starts.shape[0] != words + 1 or \
            rows.shape[0] != buckets.shape[0] + words or weights.shape[0] != rows.shape[0]:
        raise ValueError("wrong shape")
    with nogil:
        for word in range(words):
            part_starts[word] = first = at
            total = starts[word + 1] - starts[word] + 1
            for place in range(starts[word] - 1, starts[word + 1]):
                row = own[word] if place < starts[word] else row_of[buckets[place]] if buckets[place] < most else 0
                if slot[row] <= first or rows[slot[row] - 1] != row or slot[row] > at:
                    rows[at] = row
                    weights[at] = 0
                    at += 1
                    slot[row] = at
                weights[slot[row] - 1] += 1
            for place in range(first, at):
                found = weights[place]
                times = found / sizes[rows[place]]
                weights[place] = found / times / total
                for _ in range(1, <int64_t>times):
                    rows[at] = rows[place]
                    weights[at] = weights[place]
                    at += 1
        part_starts[words] = at
    return at


cdef class MappedFile:
    """A file seen through a read-only map, or bytes that have been read. Only what this module does with it survives
    the file's shrinking (see mapped.h): OSError then."""

    cdef const char* data
    cdef readonly int64_t size
    cdef bint mapped
    cdef readonly str name
    cdef object keep_alive

    def __init__(self, int fd, int64_t size, const unsigned char[::1] read=None, str name=None):
        self.name = name
        if read is not None:
            self.keep_alive = read
            self.size = read.shape[0]
            self.data = <const char*> &read[0] if self.size else NULL
            return
        self.data = map_file(fd, size)
        if self.data == NULL:
            raise OSError("the file cannot be mapped into memory")
        self.size = size
        self.mapped = True

    def __dealloc__(self):
        if self.mapped:
            unmap_file(self.data, self.size)

    def dictionary(self, int64_t start, int64_t entries, int64_t longest):
        """(words, their counts as array('q'), the offset behind the last entry) of a fastText model's dictionary.

        ValueError(entry, offset) for one that cannot be read.
        """
        cdef Dictionary found
        cdef int64_t[::1] counts
        memset(&found, 0, sizeof(found))
        found.data, found.size, found.at, found.entries, found.longest = self.data, self.size, start, entries, longest
        self.read(&found)
        if found.bad >= 0:
            raise ValueError(found.bad, found.end)
        found.bytes = <char*> large_malloc(found.word_bytes + 1)
        found.ends = <int64_t*> large_malloc((found.words + 1) * sizeof(int64_t))
        if found.bytes == NULL or found.ends == NULL:
            free(found.bytes)
            free(found.ends)
            raise MemoryError
        words = adopt_words(found.bytes, found.ends, found.words)
        counts = array("q", [0]) * max(found.words, 1)
        found.counts = &counts[0]
        self.read(&found)
        return words, counts.base[:found.words], found.end

    def bytes(self, int64_t offset, int64_t count):
        """At most `count` bytes from an offset on, fewer at the end of the file."""
        cdef RowCopy copy
        cdef int failed
        cdef int64_t whole = max(0, min(count, self.size - offset))
        room = bytearray(whole)
        cdef unsigned char[::1] to = room
        if whole:
            copy.to, copy.data, copy.row_bytes, copy.rows = &to[0], self.data + offset, whole, 1
            copy.size, copy.places = whole, NULL
            with nogil:
                failed = guarded(copy_rows, &copy)
            if failed:
                raise shrunk(self)
        return bytes(room)

    cdef read(self, Dictionary* found):
        cdef int failed
        with nogil:
            failed = guarded(read_dictionary, found)
        if failed:
            raise shrunk(self)


cdef class FloatRows:
    """Rows of float32: of a matrix, or of a file at any byte of it."""

    cdef const char* data
    cdef int64_t row_bytes
    cdef readonly int64_t count
    cdef readonly int64_t dim
    cdef object keep_alive

    def __init__(self, matrix):
        """`matrix` float32 [rows, dim]; each row without gaps."""
        if matrix.ndim != 2 or matrix.dtype.str != "<f4" or (matrix.shape[1] > 1 and matrix.strides[1] != 4):
            raise ValueError("the rows are not runs of float32")
        self.keep_alive = matrix
        self.count, self.dim = matrix.shape
        self.row_bytes = matrix.strides[0]
        self.data = <const char*> <uintptr_t> matrix.__array_interface__["data"][0]

    @staticmethod
    def of_file(MappedFile file, int64_t offset, int64_t count, int64_t dim):
        """Rows in a file, one behind the other."""
        cdef FloatRows rows = FloatRows.__new__(FloatRows)
        if offset < 0 or count < 0 or dim < 1 or (file.size - offset) // 4 // dim < count:
            raise ValueError("the rows are not inside the file")
        rows.keep_alive = file
        rows.data, rows.row_bytes, rows.count, rows.dim = file.data + offset, 4 * dim, count, dim
        return rows

    def slice(self, int64_t first, int64_t last):
        """Some of the rows."""
        cdef FloatRows rows = FloatRows.__new__(FloatRows)
        if not 0 <= first <= last <= self.count:
            raise ValueError("no such rows")
        rows.keep_alive = self.keep_alive
        rows.data, rows.row_bytes, rows.count, rows.dim = (
            self.data + first * self.row_bytes, self.row_bytes, last - first, self.dim)
        return rows

    def read(self, int64_t first, int64_t last):
        """A copy of some rows, float32 [last - first, dim]."""
        import numpy as np

        cdef RowCopy copy
        cdef int failed
        cdef float[:, ::1] out
        if not 0 <= first <= last <= self.count:
            raise ValueError("no such rows")
        out = np.empty((last - first, self.dim), np.float32)
        if first == last:
            return out.base
        copy.to, copy.places = &out[0, 0], NULL
        copy.data = self.data + first * self.row_bytes
        copy.row_bytes, copy.rows, copy.size = self.row_bytes, last - first, 4 * self.dim
        with nogil:
            failed = guarded(copy_rows, &copy)
        if failed:
            raise shrunk(self.keep_alive)
        return out.base

    def take(self, const int64_t[::1] places):
        """A copy of the rows at some places, float32 [len(places), dim]."""
        import numpy as np

        cdef RowCopy copy
        cdef int failed
        cdef int64_t i
        cdef float[:, ::1] out = np.empty((places.shape[0], self.dim), np.float32)
        for i in range(places.shape[0]):
            if not 0 <= places[i] < self.count:
                raise ValueError("no such row")
        if not places.shape[0]:
            return out.base
        copy.to, copy.data, copy.places = &out[0, 0], self.data, &places[0]
        copy.row_bytes, copy.rows, copy.size = self.row_bytes, places.shape[0], 4 * self.dim
        with nogil:
            failed = guarded(copy_rows, &copy)
        if failed:
            raise shrunk(self.keep_alive)
        return out.base


cdef class NgramRows:
    """The rows of n-grams, from which vectors of words are made.

    `source` has them; n-grams have `least` to `most` characters and are hashed to `buckets`. `used` uint32 are the
    buckets that have rows, rising, and `places` int64 the row of each; without them every bucket has the row of its
    number. A bucket without a row counts as zeros, or not at all in a `pruned` model; buckets may share one.
    """

    cdef NgramRowsC rows
    cdef readonly FloatRows source
    cdef object keep_alive

    def __init__(self, FloatRows source, int least, int most, uint32_t buckets, const uint32_t[::1] used=None,
                 const int64_t[::1] places=None, bint pruned=False):
        if not 1 <= least <= most or not buckets:
            raise ValueError("wrong ranges")
        self.source = source
        self.keep_alive = (used, places)
        self.rows.least = least
        self.rows.most = most
        self.rows.buckets = buckets
        self.rows.pruned = pruned
        self.rows.dim = source.dim
        self.rows.row_bytes = source.row_bytes
        self.rows.rows = source.data
        if used is None:
            if source.count < buckets:
                raise ValueError("a bucket has no row")
            return
        if places is None or places.shape[0] != used.shape[0]:
            raise ValueError("wrong shape")
        cdef int64_t i
        for i in range(used.shape[0]):
            if not 0 <= places[i] < source.count or used[i] >= buckets or (i and used[i] <= used[i - 1]):
                raise ValueError("a bucket is out of order or has no row")
        self.rows.used_count = used.shape[0]
        if used.shape[0]:
            self.rows.used, self.rows.places = &used[0], &places[0]
        else:  # a bucket beyond all
            self.rows.used, self.rows.places = &NO_BUCKETS[0], &NO_PLACES[0]

    def vectors(self, WordTable words, float[:, ::1] out, FloatRows own=None, int32_t[::1] counts=None, threads=None):
        """Each word's vector into `out` [words, dim]: the mean of its own row and its n-grams' rows.

        `own` are the rows of the words, or None for words that have none. `counts` is given the number of n-grams of
        each. OSError where a page of a mapped file cannot be read.
        """
        self.work(words, out, own, counts, False, threads)

    def own_rows(self, WordTable words, float[:, ::1] out, FloatRows vectors, threads=None):
        """The rows of their own that words must have for their vectors to be `vectors`, into `out`."""
        self.work(words, out, vectors, None, True, threads)

    cdef work(self, WordTable words, float[:, ::1] out, FloatRows own, int32_t[::1] counts, bint inverse, threads):
        cdef WordVectors shared
        cdef int64_t count = words.count
        if out.shape[0] != count or out.shape[1] != self.rows.dim or (counts is not None and counts.shape[0] != count):
            raise ValueError("wrong shape")
        if own is not None and (own.count != count or own.dim != self.rows.dim):
            raise ValueError("wrong shape")
        if not count:
            return
        shared.ngrams = &self.rows
        shared.words = words.data
        shared.ends = words.ends
        shared.out = &out[0, 0]
        shared.counts = &counts[0] if counts is not None else NULL
        shared.own = own.data if own is not None else NULL
        shared.own_bytes = own.row_bytes if own is not None else 0

        def make_some(task):
            cdef WordVectors some = shared
            cdef int failed
            some.first = task * <int64_t> WORDS_PER_TASK
            some.last = min(some.first + WORDS_PER_TASK, count)
            with nogil:
                failed = guarded(own_rows if inverse else make_vectors, &some)
            if failed:
                raise shrunk(self.source.keep_alive)

        for_each(make_some, (count + WORDS_PER_TASK - 1) // WORDS_PER_TASK, threads)


cdef uint32_t[1] NO_BUCKETS
cdef int64_t[1] NO_PLACES
