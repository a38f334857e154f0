"""Changes of rows, taken and put in while other threads train the same rows: one pass, a row at a time, no GIL.

A row is read and written within some 50 ns, so that hardly an update of another thread falls in between and is lost.
"""
from libc.stdint cimport int64_t


cdef void subtract_row(const float *model, const float *base, float *change, int64_t dim) noexcept nogil:
    cdef int64_t k
    for k in range(dim):
        change[k] = model[k] - base[k]


cdef void put_row(
    float *model, float *base, const float *change, const float *total, int64_t dim
) noexcept nogil:
    """What was changed here since the change was taken stays: zero, to the bit, where there was nothing."""
    cdef int64_t k
    cdef float since
    for k in range(dim):
        since = (model[k] - base[k]) - change[k]
        base[k] = base[k] + total[k]
        model[k] = base[k] + since


cdef void move_row(float *model, float *base, const float *rows, int64_t dim) noexcept nogil:
    cdef int64_t k
    cdef float since
    for k in range(dim):
        since = model[k] - base[k]
        base[k] = rows[k]
        model[k] = base[k] + since


def subtract(const float[:, :] model, const float[:, ::1] base, float[:, ::1] change):
    """change = model - base; all [rows, dim], the rows of the model may stand apart."""
    cdef int64_t i, rows = check(model, base.shape[0], base.shape[1], change.shape[0], change.shape[1])
    with nogil:
        for i in range(rows):
            subtract_row(&model[i, 0], &base[i, 0], &change[i, 0], base.shape[1])


def put(float[:, :] model, float[:, ::1] base, const float[:, ::1] change, const float[:, ::1] total):
    """base += total; model = base + what the model has changed beyond `change`."""
    cdef int64_t i, rows = check(model, base.shape[0], base.shape[1], change.shape[0], change.shape[1])
    check(model, base.shape[0], base.shape[1], total.shape[0], total.shape[1])
    with nogil:
        for i in range(rows):
            put_row(&model[i, 0], &base[i, 0], &change[i, 0], &total[i, 0], base.shape[1])


def move(float[:, :] model, float[:, ::1] base, const float[:, ::1] rows):
    """base = rows; model = base + what it had changed."""
    cdef int64_t i, count = check(model, base.shape[0], base.shape[1], rows.shape[0], rows.shape[1])
    with nogil:
        for i in range(count):
            move_row(&model[i, 0], &base[i, 0], &rows[i, 0], base.shape[1])


cdef int64_t check(const float[:, :] model, int64_t rows, int64_t dim, int64_t other_rows, int64_t other_dim) except -1:
    """The number of rows, if all arrays have the same shape; columns of the model must follow each other."""
    if not (model.shape[0] == rows == other_rows and model.shape[1] == dim == other_dim):
        raise ValueError("arrays of different shapes")
    if dim > 1 and model.strides[1] != sizeof(float):
        raise ValueError("columns that stand apart")
    return rows
