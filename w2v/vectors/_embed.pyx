"""Vectors of lines: weighted means of their words' rows."""

from libc.stdint cimport int32_t, int64_t
from libc.string cimport memset


def mean_rows(const int32_t[::1] ids, const int32_t[::1] ends, const int32_t[::1] places, const float[::1] weights,
              const float[:, :] rows, const float[:, ::1] made, float[:, ::1] out, int32_t[::1] known):
    """The mean of the rows of each line, each row times its weight, into `out` float32 [lines, D].

    `ids` are those of an encoder, each line ended by -1; id i stands for the rows places[ends[i]:ends[i + 1]], of
    `rows` [V, D] with their `weights` [V], or from V on of `made` [M, D], whose weight is 1. `known` is given the
    number of rows of each line; a line without one has zeros.
    """
    cdef int64_t dim = rows.shape[1], words = rows.shape[0], all_rows = words + made.shape[0]
    cdef int64_t i, j, k, place, line = 0, count = 0
    cdef int64_t last = ends.shape[0] - 1
    cdef float weight, share
    cdef float* sum
    cdef const float* row
    if (
        rows.shape[1] < 1 or rows.strides[1] != sizeof(float) or out.shape[1] != dim or made.shape[1] != dim
        or weights.shape[0] != words or known.shape[0] != out.shape[0]
    ):
        raise ValueError("wrong shape")
    with nogil:
        for i in range(ids.shape[0]):
            if line == out.shape[0]:
                break
            sum = &out[line, 0]
            if i == 0 or ids[i - 1] == -1:
                memset(sum, 0, dim * sizeof(float))
                count = 0
            if ids[i] == -1:
                share = 1 / <float> count if count else 0
                for k in range(dim):
                    sum[k] *= share
                known[line] = <int32_t> count
                line += 1
                continue
            if not 0 <= ids[i] < last:
                line = -1
                break
            for j in range(ends[ids[i]], ends[ids[i] + 1]):
                place = places[j]
                if not 0 <= place < all_rows:
                    continue
                row = &rows[place, 0] if place < words else &made[place - words, 0]
                weight = weights[place] if place < words else 1
                for k in range(dim):
                    sum[k] += weight * row[k]
                count += 1
    if line != out.shape[0] or (ids.shape[0] and ids[ids.shape[0] - 1] != -1):
        raise ValueError("the ids are not those of so many lines")
