"""Words as one run of bytes with offsets, and a hash index over them: a million words without a million objects.

Nothing here imports NumPy, so that one question to a vector file need not wait for it.
"""

import heapq
import os
import threading
from array import array

from cpython.bytes cimport PyBytes_AsString, PyBytes_FromStringAndSize, PyBytes_Size
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcmp, memcpy, memset

from w2v.threads import for_each


cdef extern from "words.h" nogil:
    uint32_t hash_word(const char* word, size_t length, uint64_t seed)
    bint is_text(const char* word, int64_t length)
    int spell(const char* word, size_t length, uint32_t* out, int room)
    int spelling_distance(const uint32_t* a, int m, const uint32_t* b, int n, int limit)
    int SPELLING_ROOM
    int LONGEST_END
    int put_count(char* out, int64_t count)

cdef enum:
    PARTITION_BITS = 4
    PARTITIONS = 16
    ROWS_PER_TASK = 65536

cdef object BUILDING = threading.Lock()
cdef uint64_t SEED = int.from_bytes(os.urandom(8), "little")


cdef WordTable adopt_words(char* data, int64_t* ends, Py_ssize_t count):
    """A table over memory that it frees in the end: `ends` has count + 1 offsets into `data`."""
    cdef WordTable table = WordTable.__new__(WordTable)
    table.data = data
    table.ends = ends
    table.count = count
    return table


cdef WordTable new_words(Py_ssize_t count, int64_t size):
    """A table of `count` words with `size` bytes together: `data` and `ends` are to be filled, the first end is 0."""
    cdef int64_t* ends = <int64_t*> malloc((count + 1) * sizeof(int64_t))
    cdef WordTable table = adopt_words(<char*> malloc(size + 1), ends, count)
    if table.data == NULL or table.ends == NULL:
        raise MemoryError("no memory for the words")
    table.ends[0] = 0
    return table


def words_of(const unsigned char[::1] data, const int[::1] lengths) -> WordTable:
    """A table of words given as one run of bytes and their lengths. ValueError if they do not add up."""
    cdef int64_t row, size = 0
    cdef bint good = True
    with nogil:
        for row in range(lengths.shape[0]):
            good = good and lengths[row] >= 0
            size += lengths[row]
    if not good or size != data.shape[0]:
        raise ValueError("the words' lengths do not add up")
    cdef WordTable table = new_words(lengths.shape[0], size)
    if size:
        memcpy(table.data, &data[0], size)
    with nogil:
        for row in range(lengths.shape[0]):
            table.ends[row + 1] = table.ends[row] + lengths[row]
    return table


cdef size_t grown(void** block, size_t wanted, size_t item) except 0:
    """Make room for `wanted` items and half as many more; returns for how many there is room."""
    cdef size_t room = wanted + wanted // 2
    cdef void* larger = realloc(block[0], room * item)
    if larger == NULL:
        raise MemoryError
    block[0] = larger
    return room


cdef class WordTable:
    """Rows of words (bytes). `build_index` must come before `find`; the owner of the table calls it once."""

    def __init__(self, words):
        """`words` are bytes or str, taken one by one: memory is that of their bytes and eight more for each."""
        cdef bytes word
        if self.data != NULL:
            raise ValueError("a table is filled once")
        cdef size_t room = 4096, rows_room = 256, used = 0
        cdef Py_ssize_t length
        self.data = <char*> malloc(room)
        self.ends = <int64_t*> malloc(rows_room * sizeof(int64_t))
        if self.data == NULL or self.ends == NULL:
            raise MemoryError
        self.ends[0] = 0
        for item in words:
            word = item.encode("utf-8", "surrogateescape") if isinstance(item, str) else item
            length = PyBytes_Size(word)
            if used + length > room:
                room = grown(<void**> &self.data, used + length, 1)
            if <size_t> self.count + 2 > rows_room:
                rows_room = grown(<void**> &self.ends, self.count + 2, sizeof(int64_t))
            memcpy(self.data + used, PyBytes_AsString(word), length)
            used += length
            self.count += 1
            self.ends[self.count] = used

    def __dealloc__(self):
        free(self.data)
        free(self.ends)
        free(self.slots)

    def __len__(self):
        return self.count

    def __getitem__(self, row):
        """A word, or a table of those in a slice."""
        if isinstance(row, slice):
            return self.take(range(*row.indices(self.count)))
        return self.word_at(row)

    cdef bytes word_at(self, Py_ssize_t row):
        if row < 0:
            row += self.count
        if row < 0 or row >= self.count:
            raise IndexError(row)
        return PyBytes_FromStringAndSize(self.data + self.ends[row], self.ends[row + 1] - self.ends[row])

    def __iter__(self):
        cdef Py_ssize_t row
        for row in range(self.count):
            yield self.word_at(row)

    def __contains__(self, word):
        return isinstance(word, bytes) and self.find(word) >= 0

    def __eq__(self, other):
        cdef WordTable table
        if isinstance(other, (list, tuple)):
            return self.count == len(other) and all(mine == theirs for mine, theirs in zip(self, other))
        if not isinstance(other, WordTable):
            return NotImplemented
        table = other
        return self.count == table.count and (self.count == 0 or (
            memcmp(self.ends, table.ends, (self.count + 1) * sizeof(int64_t)) == 0
            and memcmp(self.data, table.data, self.ends[self.count]) == 0))

    def __add__(self, WordTable other):
        """A table of the words of both."""
        cdef int64_t row, own = self.byte_count
        cdef WordTable both = new_words(self.count + other.count, own + other.byte_count)
        if self.count:
            memcpy(both.ends, self.ends, (self.count + 1) * sizeof(int64_t))
            memcpy(both.data, self.data, own)
        memcpy(both.data + own, other.data, other.byte_count)
        with nogil:
            for row in range(other.count):
                both.ends[self.count + row + 1] = own + other.ends[row + 1]
        return both

    def __repr__(self):
        return f"<WordTable of {self.count} words: {', '.join(map(repr, self[:5]))}{', ...' if self.count > 5 else ''}>"

    def __reduce__(self):
        """Pickled and copied as its words; the index is made again when it is needed."""
        return words_of, (self.joined(), self.lengths())

    @property
    def byte_count(self) -> int:
        """Bytes of all words together."""
        return self.ends[self.count] if self.ends != NULL else 0

    def lengths(self, Py_ssize_t low=0, high=None):
        """array('i'): the bytes of each word from `low` to `high`."""
        cdef int64_t row, end = self.count if high is None else min(<Py_ssize_t> high, self.count)
        cdef int[::1] view
        lengths = array("i", bytes(4)) * max(0, end - max(0, low))
        view = lengths
        with nogil:
            for row in range(max(0, low), end):
                view[row - max(0, low)] = <int> (self.ends[row + 1] - self.ends[row])
        return lengths

    def take(self, rows) -> WordTable:
        """A table of some rows, in the order given; quickest as an array of int64."""
        cdef const int64_t[::1] places
        try:
            places = rows
        except (TypeError, ValueError):
            places = array("q", rows)
        cdef int64_t i, n = places.shape[0], size = 0, length, bad = -1
        with nogil:
            for i in range(n):
                if not 0 <= places[i] < self.count:
                    bad = i
                    break
                size += self.ends[places[i] + 1] - self.ends[places[i]]
        if bad >= 0:
            raise IndexError(places[bad])
        cdef WordTable taken = new_words(n, size)
        with nogil:
            for i in range(n):
                length = self.ends[places[i] + 1] - self.ends[places[i]]
                memcpy(taken.data + taken.ends[i], self.data + self.ends[places[i]], length)
                taken.ends[i + 1] = taken.ends[i] + length
        return taken

    def keep(self, const int32_t[::1] rows):
        """Keep some rows, in the order given, in their place: with less memory than `take`, and the others are gone."""
        cdef int64_t i, n = rows.shape[0], size = 0, row, bad = -1
        cdef char* data
        cdef int64_t* ends
        with nogil:
            for i in range(n):
                row = rows[i]
                if not 0 <= row < self.count:
                    bad = i
                    break
                size += self.ends[row + 1] - self.ends[row]
        if bad >= 0:
            raise IndexError(rows[bad])
        data = <char*> malloc(size + 1)
        if data == NULL:
            raise MemoryError("no memory for the words")
        with nogil:
            size = 0
            for i in range(n):
                row = rows[i]
                memcpy(data + size, self.data + self.ends[row], self.ends[row + 1] - self.ends[row])
                size += self.ends[row + 1] - self.ends[row]
            free(self.data)  # before there are two of the ends
        self.data = data
        ends = <int64_t*> malloc((n + 1) * sizeof(int64_t))
        if ends == NULL:
            self.count = self.ends[0] = 0
            raise MemoryError("no memory for the words")
        with nogil:
            ends[0] = 0
            for i in range(n):
                ends[i + 1] = ends[i] + self.ends[rows[i] + 1] - self.ends[rows[i]]
            free(self.ends)
        self.ends = ends
        self.count = n
        self.repeated = None  # the index is made again when it is needed

    def joined(self, bytes separator=b"", Py_ssize_t low=0, high=None) -> bytes:
        """The words from `low` to `high` with a separator between them."""
        cdef int64_t row, length, between = PyBytes_Size(separator)
        cdef int64_t end = self.count if high is None else min(<Py_ssize_t> high, self.count)
        if not 0 <= low < end:
            return b""
        cdef bytes text = PyBytes_FromStringAndSize(NULL, self.ends[end] - self.ends[low] + between * (end - low - 1))
        cdef char* out = PyBytes_AsString(text)
        cdef const char* mark = PyBytes_AsString(separator)
        with nogil:
            for row in range(low, end):
                length = self.ends[row + 1] - self.ends[row]
                memcpy(out, self.data + self.ends[row], length)
                out += length
                if row + 1 < end:
                    memcpy(out, mark, between)
                    out += between
        return text

    def join_runs(self, const int64_t[::1] rows, const int64_t[::1] ends, bytes separator) -> WordTable:
        """A table of words made of several: word i of rows[ends[i]:ends[i + 1]], with a separator between them."""
        cdef int64_t i, j, at, length, between = PyBytes_Size(separator), size = 0, n = max(0, ends.shape[0] - 1)
        cdef const char* mark = PyBytes_AsString(separator)
        cdef bint good = True
        with nogil:
            for i in range(n):
                good = good and 0 <= ends[i] < ends[i + 1] <= rows.shape[0]
            for j in range(rows.shape[0]):
                good = good and 0 <= rows[j] < self.count
                if good:
                    size += self.ends[rows[j] + 1] - self.ends[rows[j]] + between
        if not good:
            raise IndexError("a run of words that are not there")
        cdef WordTable joined = new_words(n, size)
        with nogil:
            for i in range(n):
                at = joined.ends[i]
                for j in range(ends[i], ends[i + 1]):
                    if j > ends[i]:
                        memcpy(joined.data + at, mark, between)
                        at += between
                    length = self.ends[rows[j] + 1] - self.ends[rows[j]]
                    memcpy(joined.data + at, self.data + self.ends[rows[j]], length)
                    at += length
                joined.ends[i + 1] = at
        return joined

    def pieces(self, bytes separator=b""):
        """All words with a separator between them, as bytes of some thousand words each."""
        cdef Py_ssize_t low
        for low in range(0, self.count, ROWS_PER_TASK):
            yield self.joined(separator, low, low + ROWS_PER_TASK)
            if separator and low + ROWS_PER_TASK < self.count:
                yield separator

    def lines(self, const int64_t[::1] counts, Py_ssize_t low, Py_ssize_t high) -> bytes:
        """`word<TAB>count` lines of the words from `low` to `high`."""
        cdef int64_t row, length, size
        if not 0 <= low <= high <= min(self.count, counts.shape[0]):
            raise IndexError(high)
        size = self.ends[high] - self.ends[low] + LONGEST_END * (high - low)
        cdef char* text = <char*> malloc(size + 1)
        cdef char* out = text
        if text == NULL:
            raise MemoryError
        try:
            with nogil:
                for row in range(low, high):
                    length = self.ends[row + 1] - self.ends[row]
                    memcpy(out, self.data + self.ends[row], length)
                    out += length
                    out += put_count(out, counts[row])
            return PyBytes_FromStringAndSize(text, out - text)
        finally:
            free(text)

    def rows_with_prefix(self, bytes prefix, Py_ssize_t most) -> list[int]:
        """The first rows, at most so many, whose words begin with these bytes."""
        cdef const char* start = PyBytes_AsString(prefix)
        cdef int64_t length = PyBytes_Size(prefix), row = 0
        cdef list found = []
        while row < self.count and len(found) < most:
            with nogil:
                while row < self.count:
                    if (self.ends[row + 1] - self.ends[row] >= length
                            and memcmp(self.data + self.ends[row], start, length) == 0):
                        break
                    row += 1
            if row < self.count:
                found.append(row)
                row += 1
        return found

    def first_with(self, bytes separators) -> int:
        """The first row whose word is empty or holds one of these bytes, or -1."""
        cdef int64_t row, i
        cdef bint[256] separates
        memset(separates, 0, sizeof(separates))
        for i in separators:
            separates[i] = True
        with nogil:
            for row in range(self.count):
                if self.ends[row + 1] == self.ends[row]:
                    break
                for i in range(self.ends[row], self.ends[row + 1]):
                    if separates[<unsigned char> self.data[i]]:
                        break
                else:
                    continue
                break
            else:
                row = -1
        return row

    def first_not_text(self, int64_t start=0) -> int:
        """The first row from `start` on whose word is not UTF-8 or holds a control character, or -1."""
        cdef int64_t row
        with nogil:
            for row in range(start, self.count):
                if not is_text(self.data + self.ends[row], self.ends[row + 1] - self.ends[row]):
                    break
            else:
                row = -1
        return row

    def repeats(self, threads=None):
        """Rows, as a rising array('q'), whose word is already in an earlier row; the index is made if need be."""
        self.build_index(threads)
        return self.repeated

    def build_index(self, threads=None):
        """Make `find` work; looking a word up does so too."""
        if self.repeated is None:
            with BUILDING:
                if self.repeated is None:
                    self._fill_index(threads)

    def _fill_index(self, threads):
        """Only for `build_index`."""
        cdef int64_t rows = self.count
        cdef uint32_t* hashes
        cdef int64_t counts[PARTITIONS]
        cdef int64_t row, slots = 0
        cdef int p
        cdef list repeats = []
        if rows >= 0xFFFFFFFE:
            raise MemoryError(f"{rows} words are more than the index can hold")
        hashes = <uint32_t*> large_malloc(rows * sizeof(uint32_t))
        if hashes == NULL:
            raise MemoryError
        try:
            def hash_some(task):
                cdef int64_t low = task * <int64_t> ROWS_PER_TASK, i
                cdef int64_t high = min(low + ROWS_PER_TASK, rows)
                with nogil:
                    for i in range(low, high):
                        hashes[i] = hash_word(self.data + self.ends[i], self.ends[i + 1] - self.ends[i], SEED)

            for_each(hash_some, (rows + ROWS_PER_TASK - 1) // ROWS_PER_TASK, threads)
            for p in range(PARTITIONS):
                counts[p] = 0
            with nogil:
                for row in range(rows):
                    counts[hashes[row] >> (32 - PARTITION_BITS)] += 1
            for p in range(PARTITIONS):
                self.bounds[p] = slots
                slots += counts[p] + counts[p] // 2 + 2
            self.bounds[PARTITIONS] = slots
            free(self.slots)
            self.slots = <uint64_t*> large_malloc(slots * sizeof(uint64_t))
            if self.slots == NULL:
                raise MemoryError

            def insert_some(task):
                self.insert_partition(task, hashes, repeats)

            for_each(insert_some, PARTITIONS, threads)
        finally:
            free(hashes)
        self.repeated = array("q", heapq.merge(*repeats))

    cdef insert_partition(self, uint32_t p, uint32_t* hashes, list repeats):
        cdef int64_t row, rows = self.count, earlier
        rows_again = array("q")
        with nogil:
            memset(self.slots + self.bounds[p], 0, (self.bounds[p + 1] - self.bounds[p]) * sizeof(uint64_t))
            for row in range(rows):
                if hashes[row] >> (32 - PARTITION_BITS) == p:
                    earlier = self.place(hashes[row], self.data + self.ends[row], self.ends[row + 1] - self.ends[row],
                                         row)
                    if earlier >= 0:
                        with gil:
                            rows_again.append(row)
        repeats.append(rows_again)

    cdef int64_t place(self, uint32_t hashed, const char* word, int64_t length, int64_t row) noexcept nogil:
        """Row of an equal word, or -1: then, if row >= 0, the word is put there."""
        cdef uint32_t p = hashed >> (32 - PARTITION_BITS)
        cdef int64_t low = self.bounds[p], high = self.bounds[p + 1]
        cdef uint32_t rest = hashed << PARTITION_BITS
        cdef int64_t at = low + <int64_t> ((<uint64_t> rest * <uint64_t> (high - low)) >> 32)
        cdef uint64_t slot
        cdef int64_t other
        while True:
            slot = self.slots[at]
            if slot == 0:
                if row >= 0:
                    self.slots[at] = (<uint64_t> hashed << 32) | <uint64_t> (row + 1)
                return -1
            if slot >> 32 == hashed:
                other = <int64_t> (<uint32_t> slot) - 1
                if self.ends[other + 1] - self.ends[other] == length and \
                        memcmp(self.data + self.ends[other], word, length) == 0:
                    return other
            at += 1
            if at == high:
                at = low

    def find(self, bytes word) -> int:
        """Row of the word (the first, if it is there again), or -1."""
        cdef const char* text = PyBytes_AsString(word)
        cdef Py_ssize_t length = PyBytes_Size(word)
        if self.repeated is None:
            self.build_index()
        return self.place(hash_word(text, length, SEED), text, length, -1)

    def find_all(self, WordTable words, int32_t[::1] rows):
        """Set rows[i] to the row of word i of another table, or to -1."""
        cdef int64_t i
        if rows.shape[0] != words.count:
            raise ValueError("wrong shape")
        self.build_index()
        with nogil:
            for i in range(words.count):
                rows[i] = <int32_t> self.place(
                    hash_word(words.data + words.ends[i], words.ends[i + 1] - words.ends[i], SEED),
                    words.data + words.ends[i], words.ends[i + 1] - words.ends[i], -1,
                )

    def find_first(self, bytes word) -> int:
        """As `find`, without an index: one look at each word, which a single question has sooner."""
        cdef const char* text = PyBytes_AsString(word)
        cdef Py_ssize_t length = PyBytes_Size(word)
        cdef int64_t row, found = -1
        if self.repeated is not None:
            return self.find(word)
        with nogil:
            for row in range(self.count):
                if self.ends[row + 1] - self.ends[row] == length and \
                        memcmp(self.data + self.ends[row], text, length) == 0:
                    found = row
                    break
        return found

    def closest(self, bytes word, int limit, Py_ssize_t most, threads=None) -> list:
        """At most `most` rows spelled within `limit` edits (ASCII case aside), nearest and lowest first."""
        cdef uint32_t[64] sought
        cdef uint32_t* letters = sought
        cdef int length = spell(PyBytes_AsString(word), PyBytes_Size(word), letters, SPELLING_ROOM)
        cdef list found = []
        if length > SPELLING_ROOM or length == 0:
            return found

        def compare_some(task):
            cdef uint32_t[64] other
            cdef int64_t low = task * <int64_t> ROWS_PER_TASK, row, size
            cdef int64_t high = min(low + ROWS_PER_TASK, self.count)
            cdef int distance, n
            cdef Py_ssize_t kept = 0
            with nogil:
                for row in range(low, high):
                    size = self.ends[row + 1] - self.ends[row]
                    # A letter takes one to four bytes: words far shorter or longer are passed over unread.
                    if size < length - limit or size > 4 * (length + limit):
                        continue
                    n = spell(self.data + self.ends[row], size, other, SPELLING_ROOM)
                    if n > SPELLING_ROOM:
                        continue
                    distance = spelling_distance(letters, length, other, n, limit)
                    if distance <= limit and (kept < 1000 or distance == 0):
                        kept += 1
                        with gil:
                            found.append((distance, row))

        for_each(compare_some, (self.count + ROWS_PER_TASK - 1) // ROWS_PER_TASK, threads)
        found.sort()
        return [row for _, row in found[:most]]
