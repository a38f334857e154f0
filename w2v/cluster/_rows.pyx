"""Changes of rows, taken and put in while other threads train the same rows: one pass, a row at a time, no GIL.

A row is read and written within some 50 ns, so that hardly an update of another thread falls in between and is lost.

Rows travel packed: a byte for each number, in steps of 1/127 of the row's largest, then that step and one number more
for the row, both float32. What rounding takes from a change stays with the node and goes with the next one.
"""
from libc.math cimport NAN
from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t
from libc.string cimport memcpy, memset

import numpy as np

cdef enum:
    LARGEST = 127
    FOR_STEP = 4
    FOR_NUMBER = 4
    INFINITE = 0x7F800000  # its bits; those of a NaN are more

cdef float HALF = 0.5
cdef float SMALLEST_STEP = 1e-37  # 1 / step must be finite

PACKED_EXTRA = FOR_STEP + FOR_NUMBER  # bytes of a packed row besides one for each dimension


cdef void pack_row(const float *row, uint8_t *packed, int64_t dim) noexcept nogil:
    """Pack a row; its step is NaN where a number is not finite."""
    cdef const int32_t *bits = <const int32_t *>row
    cdef int8_t *numbers = <int8_t *>packed
    cdef int64_t k
    cdef int32_t size, most_bits = 0
    cdef float most, step, inverse
    for k in range(dim):  # as whole numbers: these the compiler takes several at a time
        size = bits[k] & 0x7FFFFFFF
        most_bits = size if size > most_bits else most_bits
    memcpy(&most, &most_bits, sizeof(float))
    step = most / LARGEST
    if most_bits >= INFINITE:
        step = NAN
        memset(numbers, 0, dim)
    elif step < SMALLEST_STEP:  # next to nothing
        step = 0
        memset(numbers, 0, dim)
    else:
        inverse = 1 / step
        for k in range(dim):
            numbers[k] = <int8_t><int32_t>(row[k] * inverse + (HALF if row[k] >= 0 else -HALF))
    memcpy(packed + dim, &step, FOR_STEP)


cdef inline float step_of(const uint8_t *packed, int64_t dim) noexcept nogil:
    cdef float step
    memcpy(&step, packed + dim, FOR_STEP)
    return step


cdef void put_row(
    float *model, float *base, const uint8_t *given, const uint8_t *total, int64_t dim
) noexcept nogil:
    """What was changed here since the change was given stays: zero, to the bit, where there was nothing."""
    cdef float given_step = step_of(given, dim), total_step = step_of(total, dim), since
    cdef int64_t k
    for k in range(dim):
        since = (model[k] - base[k]) - <int8_t>given[k] * given_step
        base[k] = base[k] + <int8_t>total[k] * total_step
        model[k] = base[k] + since


cdef void move_row(float *model, float *base, const float *rows, int64_t dim) noexcept nogil:
    cdef int64_t k
    cdef float since
    for k in range(dim):
        since = model[k] - base[k]
        base[k] = rows[k]
        model[k] = base[k] + since


def take(const float[:, :] model, const float[:, ::1] base, const float[::1] numbers, uint8_t[:, ::1] packed):
    """packed = model - base, [rows, dim] each; its rows may have gaps between them; `numbers` [rows] go along."""
    cdef int64_t i, k, dim = base.shape[1], rows = check(model, base.shape[0], dim, packed.shape[0], packed.shape[1])
    cdef float[::1] change
    if numbers.shape[0] != rows:
        raise ValueError("arrays of different shapes")
    change = np.empty(dim, np.float32)
    with nogil:
        for i in range(rows):
            for k in range(dim):
                change[k] = model[i, k] - base[i, k]
            pack_row(&change[0], &packed[i, 0], dim)
            memcpy(&packed[i, dim + FOR_STEP], &numbers[i], FOR_NUMBER)


def pack(const float[:, ::1] rows, uint8_t[:, ::1] packed):
    """packed = rows, with 0 as the number that goes with each."""
    cdef int64_t i, dim = rows.shape[1], count = check(rows, rows.shape[0], dim, packed.shape[0], packed.shape[1])
    cdef float nothing = 0
    with nogil:
        for i in range(count):
            pack_row(&rows[i, 0], &packed[i, 0], dim)
            memcpy(&packed[i, dim + FOR_STEP], &nothing, FOR_NUMBER)


def unpack(const uint8_t[:, ::1] packed, float[:, ::1] rows, float[::1] numbers):
    """rows, [rows, dim], and numbers, [rows], are those that were packed."""
    cdef int64_t i, k, dim = rows.shape[1], count = check(rows, rows.shape[0], dim, packed.shape[0], packed.shape[1])
    cdef float step
    if numbers.shape[0] != count:
        raise ValueError("arrays of different shapes")
    with nogil:
        for i in range(count):
            step = step_of(&packed[i, 0], dim)
            for k in range(dim):
                rows[i, k] = <int8_t>packed[i, k] * step
            memcpy(&numbers[i], &packed[i, dim + FOR_STEP], FOR_NUMBER)


def put(float[:, :] model, float[:, ::1] base, const uint8_t[:, ::1] given, const uint8_t[:, ::1] total):
    """base += total; model = base + what the model has changed beyond `given`."""
    cdef int64_t i, dim = base.shape[1], rows = check(model, base.shape[0], dim, given.shape[0], given.shape[1])
    check(model, base.shape[0], dim, total.shape[0], total.shape[1])
    with nogil:
        for i in range(rows):
            put_row(&model[i, 0], &base[i, 0], &given[i, 0], &total[i, 0], dim)


def move(float[:, :] model, float[:, ::1] base, const float[:, ::1] rows):
    """base = rows; model = base + what it had changed."""
    cdef int64_t i, count = check(model, base.shape[0], base.shape[1], rows.shape[0], rows.shape[1] + PACKED_EXTRA)
    with nogil:
        for i in range(count):
            move_row(&model[i, 0], &base[i, 0], &rows[i, 0], base.shape[1])


cdef int64_t check(const float[:, :] model, int64_t rows, int64_t dim, int64_t packed, int64_t width) except -1:
    """The number of rows, if all arrays have the same shape; columns of the model must follow each other."""
    if not (model.shape[0] == rows == packed and model.shape[1] == dim == width - PACKED_EXTRA):
        raise ValueError("arrays of different shapes")
    if dim > 1 and model.strides[1] != sizeof(float):
        raise ValueError("columns with gaps between them")
    return rows
