"""The best rows for each of many questions, and scores that are not plain cosines.

Nothing here imports NumPy. Threads are Python threads that call into `nogil` code (see w2v/threads.py).
"""

from array import array
from math import prod

from libc.math cimport sqrt
from libc.stdint cimport int64_t
from libc.stdlib cimport calloc, free, malloc

from w2v.threads import for_each

EPSILON = 1e-6  # keeps 3CosMul's quotient finite
cdef enum:
    CHUNK = 32  # scores looked at together

SPARE = 8  # candidates beyond those asked for: float32 may put two that are nearly equal in the wrong order


cdef class Best:
    """The k best rows for each of n queries, from blocks of scores; a tie goes to the lower row. NaN is never best."""

    cdef float* scores  # [n, k], each row a heap with the worst at its root
    cdef int64_t* rows
    cdef int64_t* sizes
    cdef readonly int64_t n
    cdef readonly int64_t k

    def __init__(self, int64_t n, int64_t k):
        if n < 0 or k < 0:
            raise ValueError("negative size")
        self.n = n
        self.k = k
        self.scores = <float*> malloc(n * k * sizeof(float) + 1)
        self.rows = <int64_t*> malloc(n * k * sizeof(int64_t) + 1)
        self.sizes = <int64_t*> calloc(n + 1, sizeof(int64_t))
        if self.scores == NULL or self.rows == NULL or self.sizes == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.scores)
        free(self.rows)
        free(self.sizes)

    def offer(self, const float[:, ::1] block, int64_t first, const float[::1] factors=None, threads=None):
        """Consider block [n, rows] for rows `first` and up, in rising order of rows; each multiplied by its factor."""
        cdef int64_t n = block.shape[0], count = block.shape[1]
        cdef int64_t step = max(<int64_t> 1, (n + 63) // 64)
        cdef const float* factor = NULL
        if n != self.n or (factors is not None and factors.shape[0] < first + count):
            raise ValueError("wrong shape")
        if n == 0 or count == 0 or self.k == 0:
            return
        if factors is not None:
            factor = &factors[first]

        def offer_some(task):
            cdef int64_t q
            for q in range(task * step, min(task * step + step, n)):
                with nogil:
                    self.offer_one(q, &block[q, 0], factor, count, first)

        for_each(offer_some, (n + step - 1) // step, 1 if n * count < 100_000 else threads)

    cdef void offer_one(self, int64_t q, const float* values, const float* factor, int64_t count,
                        int64_t first) noexcept nogil:
        cdef float* heap = self.scores + q * self.k
        cdef int64_t* rows = self.rows + q * self.k
        cdef int64_t i = 0, j, above
        cdef float score
        while i < count and self.sizes[q] < self.k:
            score = values[i] * factor[i] if factor != NULL else values[i]
            if score == score:
                j = self.sizes[q]
                self.sizes[q] += 1
                while j > 0:
                    above = (j - 1) // 2
                    if heap[above] < score:  # an equal one has the lower row and is better
                        break
                    heap[j] = heap[above]
                    rows[j] = rows[above]
                    j = above
                heap[j] = score
                rows[j] = first + i
            i += 1
        if factor == NULL:
            while i < count:
                if values[i] > heap[0]:
                    sift(heap, rows, self.k, values[i], first + i)
                i += 1
        else:
            while i < count:
                if i + CHUNK <= count and not any_above(values + i, factor + i, heap[0]):  # nearly always
                    i += CHUNK
                    continue
                for j in range(i, min(i + CHUNK, count)):
                    score = values[j] * factor[j]
                    if score > heap[0]:
                        sift(heap, rows, self.k, score, first + j)
                i += CHUNK

    def result(self, int64_t q) -> list:
        """(row, score) of one query, best first."""
        cdef int64_t i
        if q < 0 or q >= self.n:
            raise IndexError(q)
        pairs = [(self.rows[q * self.k + i], self.scores[q * self.k + i]) for i in range(self.sizes[q])]
        pairs.sort(key=lambda pair: (-pair[1], pair[0]))
        return pairs

    def cosines(self, const float[:, :] matrix, const double[:, ::1] targets, int64_t[:, ::1] rows, double[:, ::1] out,
                const int64_t[::1] row_of=None, threads=None):
        """The best `rows` [n, k'] of each query with their cosines `out` [n, k'] with `targets` [n, D], best first; a
        row that is not there is -1 with cosine 0.

        As `exact_cosines`, in float64, so that an answer does not depend on how its candidates were found. `row_of`
        gives the row of the matrix that each row that was offered stands for.
        """
        cdef int64_t n = rows.shape[0], step = 64
        if n != self.n or out.shape[0] != n or targets.shape[0] != n or rows.shape[1] != out.shape[1]:
            raise ValueError("wrong shape")
        if targets.shape[1] != matrix.shape[1]:
            raise ValueError("the targets have another length than the rows")

        def rank_some(task):
            cdef int64_t q, i, row
            for q in range(task * step, min(task * step + step, n)):
                with nogil:
                    for i in range(self.sizes[q]):
                        row = self.rows[q * self.k + i]
                        if row_of is not None:
                            row = row_of[row]
                        insert(&rows[q, 0], &out[q, 0], rows.shape[1], min(i, rows.shape[1]), row,
                               cosine_of(matrix, row, &targets[q, 0]))
                    for i in range(self.sizes[q], rows.shape[1]):
                        rows[q, i] = -1
                        out[q, i] = 0

        if rows.shape[1] > 0:
            for_each(rank_some, (n + step - 1) // step, threads)


cdef inline bint any_above(const float* values, const float* factor, float limit) noexcept nogil:
    """Whether any of CHUNK scores is better; without a branch in the loop, so that it is done several at a time."""
    cdef int i, found = 0
    for i in range(CHUNK):
        found |= values[i] * factor[i] > limit
    return found


cdef inline void insert(int64_t* rows, double* scores, int64_t k, int64_t size, int64_t row,
                        double score) noexcept nogil:
    """Put a row into its place among `size` that are in order; of k, the worst falls out."""
    cdef int64_t j = size
    while j > 0 and (scores[j - 1] < score or (scores[j - 1] == score and rows[j - 1] > row)):
        if j < k:
            scores[j] = scores[j - 1]
            rows[j] = rows[j - 1]
        j -= 1
    if j < k:
        scores[j] = score
        rows[j] = row


cdef inline void sift(float* heap, int64_t* rows, int64_t k, float score, int64_t row) noexcept nogil:
    """Replace the root, which is the worst, and let the newcomer sink to its place."""
    cdef int64_t j = 0, child
    while True:
        child = 2 * j + 1
        if child >= k:
            break
        if child + 1 < k and (heap[child + 1] < heap[child] or
                              (heap[child + 1] == heap[child] and rows[child + 1] > rows[child])):
            child += 1
        if heap[child] > score:  # an equal child has the lower row and is better
            break
        if heap[child] == score and rows[child] < row:
            break
        heap[j] = heap[child]
        rows[j] = rows[child]
        j = child
    heap[j] = score
    rows[j] = row


def shifted_quotient(const float[:, ::1] cosines, positive, negative):
    """3CosMul scores [rows] as array('f') from the cosines with some words, [words, rows] (see neighbours.py)."""
    cdef int64_t count = cosines.shape[1], i, word
    result = array("f", bytes(4 * count))
    cdef float[::1] out = result
    cdef float epsilon = EPSILON
    cdef float[::1] divisor = array("f", bytes(4 * count))
    for i in range(count):
        out[i] = divisor[i] = 1
    for word in positive:
        for i in range(count):
            out[i] *= (1 + cosines[word, i]) / 2
    for word in negative:
        for i in range(count):
            divisor[i] *= (1 + cosines[word, i]) / 2
    if negative:
        for i in range(count):
            out[i] /= divisor[i] + epsilon
    return result


def exact_cosines(const float[:, :] matrix, const int64_t[::1] rows, const double[::1] target):
    """Cosines of some rows of `matrix` [V, D] with `target` [D], which has length 1 or 0, as array('d').

    In float64 and within -1 and 1; 0 for a row of zeros.
    """
    cdef int64_t count = rows.shape[0], dim = matrix.shape[1], i
    cosines = array("d", bytes(8 * count))
    cdef double[::1] out = cosines
    if target.shape[0] != dim:
        raise ValueError("the target has another length than the rows")
    for i in range(count):
        if rows[i] < 0 or rows[i] >= matrix.shape[0]:
            raise IndexError(rows[i])
    if count and dim:
        with nogil:
            for i in range(count):
                out[i] = cosine_of(matrix, rows[i], &target[0])
    return cosines


cdef inline double cosine_of(const float[:, :] matrix, int64_t row, const double* target) noexcept nogil:
    cdef double product = 0, square = 0, value
    cdef int64_t j
    for j in range(matrix.shape[1]):
        value = matrix[row, j]
        product += value * target[j]
        square += value * value
    return max(-1.0, min(1.0, product / sqrt(square))) if square > 0 else 0


def best_of(rows, cosines, score, Py_ssize_t topn):
    """The `topn` best (row, score) of candidates, best first; a tie goes to the lower row.

    `cosines` [words of the question][rows] are those in float64, so that an answer does not depend on how its
    candidates were found; `score` makes one number of a row's.
    """
    scored = [(row, score(values)) for row, values in zip(rows, zip(*cosines))]
    scored.sort(key=lambda pair: (-pair[1], pair[0]))
    return scored[:topn]


def product_score(Py_ssize_t positive, cosines):
    """3CosMul from the cosines with a question's words, the first `positive` of which are to be near."""
    near = prod((1 + cosine) / 2 for cosine in cosines[:positive])
    if len(cosines) == positive:
        return near
    return near / (prod((1 + cosine) / 2 for cosine in cosines[positive:]) + EPSILON)
