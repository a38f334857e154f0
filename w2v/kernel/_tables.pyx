"""Tables that are too large to build in Python: alias, Huffman paths, the first values of the input rows."""
from libc.stdint cimport INT64_MAX, int32_t, int64_t, uint8_t, uint32_t, uint64_t

import numpy as np


cdef extern from "rng.h":
    uint64_t rng_mix(uint64_t z) noexcept nogil
    uint64_t rng_next(uint64_t *state) noexcept nogil
    bint rng_held_out(uint64_t seed, int64_t place, uint32_t share) noexcept nogil
    ctypedef struct AliasColumn:
        pass
    int32_t rng_alias(uint64_t bits, uint64_t n, const AliasColumn *table) noexcept nogil


def build_alias(const double[::1] weights):
    """Alias table of probabilities proportional to `weights`: (share uint32 [V], other int32 [V]).

    Column c gives c itself with probability (share[c] + 1) / 2^32, else other[c]. Source: Vose 1991.
    """
    cdef Py_ssize_t size = weights.shape[0], i, small = 0, large = size
    cdef double total = 0, excess
    cdef int32_t low, high
    share_array = np.empty(size, np.uint32)
    other_array = np.arange(size, dtype=np.int32)
    cdef uint32_t[::1] share = share_array
    cdef int32_t[::1] other = other_array
    cdef double[::1] height = np.empty(size)
    cdef int32_t[::1] stack = np.empty(size, np.int32)  # columns below 1 from the left, the others from the right
    with nogil:
        for i in range(size):
            total += weights[i]
        for i in range(size):
            height[i] = weights[i] * size / total
            if height[i] < 1:
                stack[small] = <int32_t>i
                small += 1
            else:
                large -= 1
                stack[large] = <int32_t>i
        while small > 0 and large < size:
            small -= 1
            low = stack[small]
            high = stack[large]
            share[low] = threshold(height[low])
            other[low] = high
            excess = height[high] + height[low] - 1
            height[high] = excess
            if excess < 1:
                large += 1
                stack[small] = high
                small += 1
        while small > 0:  # only rounding is left
            small -= 1
            share[stack[small]] = 0xFFFFFFFF
        while large < size:
            share[stack[large]] = 0xFFFFFFFF
            large += 1
    return share_array, other_array


cdef inline uint32_t threshold(double probability) noexcept nogil:
    """t such that (t + 1) / 2^32 is nearest to the probability; the least possible is 2^-32."""
    cdef double t = probability * 4294967296.0 - 0.5
    return 0 if t < 0 else 0xFFFFFFFF if t >= 4294967295.0 else <uint32_t>t


def build_huffman(const int64_t[::1] counts):
    """Huffman code of words in falling order of count: (start int64 [V + 1], path int32 [start[V]]).

    A path holds (node << 1) | code from the root down; node 0 is the root and nodes are in falling order of count, so
    that the busiest rows come first. Two queues, as in word2vec.c: O(V). A single word has an empty path.
    """
    cdef Py_ssize_t size = counts.shape[0], node, word = size - 1, merged = 0, i, length
    cdef int64_t[::1] weight = np.empty(max(size - 1, 0), np.int64)
    cdef int32_t[::1] parent = np.zeros(max(2 * size - 1, 0), np.int32)  # words 0..V-1, then inner nodes as made
    cdef uint8_t[::1] code = np.zeros(max(2 * size - 1, 0), np.uint8)
    cdef int64_t at
    cdef int32_t child, k
    cdef int64_t total
    start_array = np.zeros(size + 1, np.int64)
    cdef int64_t[::1] start = start_array
    with nogil:
        for node in range(size - 1):
            total = 0
            for k in range(2):
                if word >= 0 and (merged >= node or counts[word] < weight[merged]):
                    child = <int32_t>word
                    total += counts[word]
                    word -= 1
                else:
                    child = <int32_t>(size + merged)
                    total += weight[merged]
                    merged += 1
                parent[child] = <int32_t>(size + node)
                code[child] = k
            weight[node] = total
        for i in range(size):
            length = 0
            at = i
            while size > 1 and at != 2 * size - 2:
                at = parent[at]
                length += 1
            start[i + 1] = start[i] + length
    path_array = np.empty(start[size], np.int32)
    cdef int32_t[::1] path = path_array
    with nogil:
        for i in range(size):
            at = i
            length = start[i + 1]
            while length > start[i]:
                length -= 1
                child = <int32_t>(2 * size - 2 - parent[at])  # the last node made is the root: 0
                path[length] = (child << 1) | code[at]
                at = parent[at]
    return start_array, path_array


def fill_inputs(float[:, ::1] rows, int64_t first, int64_t last, int64_t dim, uint64_t seed):
    """Rows first..last-1: uniform in +-0.5/dim, zeros behind dim; depends on the seed and the row's number alone."""
    cdef int64_t i, k
    cdef uint64_t state
    cdef float scale = <float>(1.0 / (16777216.0 * dim))
    with nogil:
        for i in range(first, last):
            state = rng_mix(seed + rng_mix(<uint64_t>i + 1))
            for k in range(dim):
                rows[i, k] = (<float>(rng_next(&state) >> 40) - 8388607.5) * scale
            for k in range(dim, rows.shape[1]):
                rows[i, k] = 0


def span_end(const int32_t[::1] ids, int64_t start, int64_t size):
    """Where a span from `start` of at least `size` ids ends: behind the next -1, or at the end of the ids."""
    cdef int64_t i = start + (size if size > 0 else 1) - 1, n = ids.shape[0]
    with nogil:
        while i < n and ids[i] >= 0:
            i += 1
    return i + 1 if i < n else n


def held_out_ids(const int32_t[::1] ids, int64_t first, int64_t last, uint64_t seed, uint32_t share):
    """The sentences in ids[first:last] that are held out, each with its -1, one behind the other. int32 [n].

    `share` of 2^32 are. ids[first:last] starts at a sentence and ends with -1.
    """
    cdef int64_t count = 0
    cdef int32_t[::1] out
    if not 0 <= first <= last <= ids.shape[0]:
        raise ValueError(f"{first}:{last} is not inside 0:{ids.shape[0]}")
    with nogil:
        count = copy_held_out(ids, first, last, seed, share, NULL, INT64_MAX)
    found = np.empty(count, np.int32)
    out = found
    if count:
        with nogil:  # a mapped file may have changed: no more than there is room for
            count = copy_held_out(ids, first, last, seed, share, &out[0], count)
    return found[:count]


def count_trained(const int32_t[::1] ids, int64_t first, int64_t last, uint64_t seed, uint32_t share):
    """Tokens in ids[first:last] of sentences that are not held out; arguments as of held_out_ids."""
    cdef int64_t i, start = first, words = 0, count = 0
    if not 0 <= first <= last <= ids.shape[0]:
        raise ValueError(f"{first}:{last} is not inside 0:{ids.shape[0]}")
    with nogil:
        for i in range(first, last):
            if ids[i] >= 0:
                words += 1
                continue
            if not rng_held_out(seed, start, share):
                count += words
            start, words = i + 1, 0
    return count


cdef int64_t copy_held_out(
    const int32_t[::1] ids, int64_t first, int64_t last, uint64_t seed, uint32_t share, int32_t *out, int64_t room
) noexcept nogil:
    """How many ids there are, up to `room`; they go to `out` unless it is NULL."""
    cdef int64_t i, k, start = first, count = 0
    for i in range(first, last):
        if ids[i] < 0:
            if rng_held_out(seed, start, share):
                if count + i + 1 - start > room:
                    return count
                if out != NULL:
                    for k in range(start, i + 1):
                        out[count + k - start] = ids[k]
                count += i + 1 - start
            start = i + 1
    return count


def first_bad_row(const float[:, ::1] rows, int64_t first, int64_t last):
    """Number of the first row in first..last-1 that holds a NaN or an infinity, or -1."""
    cdef int64_t i, k
    cdef float total
    with nogil:
        for i in range(first, last):
            total = 0
            for k in range(rows.shape[1]):
                total += rows[i, k] * 0
            if total != 0:
                with gil:
                    return i
    return -1


def py_rng(uint64_t state, Py_ssize_t count):
    """The next `count` random numbers after `state`, for tests and for the reference."""
    numbers = np.empty(count, np.uint64)
    cdef uint64_t[::1] out = numbers
    cdef Py_ssize_t i
    for i in range(count):
        out[i] = rng_next(&state)
    return numbers


def py_draw(const uint32_t[:, ::1] columns, uint64_t state, Py_ssize_t count):
    """How often each column comes in `count` draws from an alias table, for tests."""
    hits = np.zeros(columns.shape[0], np.int64)
    cdef int64_t[::1] out = hits
    cdef Py_ssize_t _i
    with nogil:
        for _i in range(count):
            out[rng_alias(rng_next(&state), columns.shape[0], <const AliasColumn *>&columns[0, 0])] += 1
    return hits


def worker_seed(uint64_t seed, uint64_t worker):
    """Random state of one worker, far from every other's."""
    return rng_mix(rng_mix(seed) + <uint64_t>0x632BE59BD9B4E019 * (worker + <uint64_t>1))
