"""The inner loop of the neighbour map: edges pull their ends together, random pairs push each other apart."""
from libc.stdint cimport int32_t, int64_t, uint64_t


cdef extern from "rng.h":
    uint64_t rng_next(uint64_t *state) noexcept nogil


cdef inline float limited(float step) noexcept nogil:
    return 4.0 if step > 4.0 else -4.0 if step < -4.0 else step


def settle(float[:, ::1] places, const int32_t[::1] tails, const int32_t[::1] heads, const float[::1] chances,
           int epochs, int negatives, uint64_t seed):
    """Move `places` [n, 2] by stochastic gradient steps over the edges tails -> heads, each used with its chance.

    Source: McInnes et al. 2018 (UMAP), its gradient for a = b = 1; the step falls linearly to zero.
    """
    cdef int64_t edge, edges = tails.shape[0], count = places.shape[0]
    cdef int32_t a, b
    cdef int epoch, _
    cdef float step, dx, dy, distance, pull
    cdef uint64_t state = seed, bits
    if heads.shape[0] != edges or chances.shape[0] != edges or places.shape[1] != 2:
        raise ValueError("edges and places do not fit together")
    for edge in range(edges):
        if not (0 <= tails[edge] < count and 0 <= heads[edge] < count):
            raise ValueError(f"edge {edge} leads to a place that is not there")
    with nogil:
        for epoch in range(epochs):
            step = 1.0 - <float>epoch / epochs
            for edge in range(edges):
                bits = rng_next(&state)
                if <float>(bits >> 40) * (1.0 / (1 << 24)) >= chances[edge]:
                    continue
                a, b = tails[edge], heads[edge]
                dx, dy = places[a, 0] - places[b, 0], places[a, 1] - places[b, 1]
                distance = dx * dx + dy * dy
                pull = -2.0 / (1.0 + distance) * step
                places[a, 0] += limited(pull * dx)
                places[a, 1] += limited(pull * dy)
                places[b, 0] -= limited(pull * dx)
                places[b, 1] -= limited(pull * dy)
                for _ in range(negatives):
                    bits = rng_next(&state)
                    b = <int32_t>(((bits >> 32) * <uint64_t>count) >> 32)
                    dx, dy = places[a, 0] - places[b, 0], places[a, 1] - places[b, 1]
                    distance = dx * dx + dy * dy
                    pull = 2.0 / ((0.001 + distance) * (1.0 + distance)) * step
                    places[a, 0] += limited(pull * dx)
                    places[a, 1] += limited(pull * dy)
