/* Input rows that are made of several rows of the matrix: the mean of a word's own and those of its n-grams (Bojanowski et
 * al. 2017, section 3.2), where one row may stand for several that are equal. The block update reads and changes the
 * mean as it would a row of the matrix; later its change is added, in full, to each part: the mean then moves by just
 * that change, which is fastText's update of each part. */
#ifndef W2V_COMPOSE_H
#define W2V_COMPOSE_H
#include "simd.h"

/* Where part j is: at `places`, or, without them, in the matrix. */
INLINE float *part_at(const float *matrix, int64_t stride, const int32_t *parts, float *const *places, int j) {
    return places ? places[j] : (float *)matrix + parts[j] * stride;
}

/* `c` vectors of the sum of the parts, from column k, in two copies. */
INLINE void compose_chunk(
    const int c, const float *matrix, int64_t stride, const int32_t *parts, float *const *places, const float *weights,
    int count, float *row, float *base, int64_t k
) {
    vec sum[CHUNK];
#pragma GCC unroll 8
    for (int v = 0; v < c; v++) sum[v] = spread(0);
    for (int j = 0; j < count; j++) {
        const float *part = part_at(matrix, stride, parts, places, j) + k;
        const vec weight = spread(weights[j]);
#pragma GCC unroll 8
        for (int v = 0; v < c; v++) sum[v] += weight * load(part + v * WIDTH);
    }
#pragma GCC unroll 8
    for (int v = 0; v < c; v++) {
        store(row + k + v * WIDTH, sum[v]);
        store(base + k + v * WIDTH, sum[v]);
    }
}

INLINE void compose(
    const float *matrix, int64_t stride, int64_t columns, const int32_t *parts, float *const *places,
    const float *weights, int count, float *row, float *base
) {
    int64_t k, left;
    for (k = 0; (left = (columns - k) / WIDTH) > 0; k += CHUNK * WIDTH) switch (left < CHUNK ? left : CHUNK) {
#define COMPOSE(C) \
    case C: compose_chunk(C <= CHUNK ? C : CHUNK, matrix, stride, parts, places, weights, count, row, base, k); break;
            FOR_EACH_C(COMPOSE)
        }
}

/* Make `row` the sum of the parts by their weights, and `base` what it is now. */
NOINLINE static void compose_row(
    const float *matrix, int64_t stride, int64_t columns, const int32_t *parts, const float *weights, int count,
    float *row, float *base
) {
    compose(matrix, stride, columns, parts, NULL, weights, count, row, base);
}

/* The same of parts at some places: a lane's copies, or rows that are its alone. */
NOINLINE static void
compose_places(float *const *places, int64_t columns, const float *weights, int count, float *row, float *base) {
    compose(NULL, 0, columns, NULL, places, weights, count, row, base);
}

/* `c` vectors of the change, from column k, to each part. */
INLINE void scatter_chunk(
    const int c, float *matrix, int64_t stride, const int32_t *parts, float *const *places, int count, const float *row,
    const float *base, int64_t k
) {
    vec change[CHUNK];
#pragma GCC unroll 8
    for (int v = 0; v < c; v++) change[v] = load(row + k + v * WIDTH) - load(base + k + v * WIDTH);
    for (int j = 0; j < count; j++) { /* one after the other: n-grams may repeat */
        float *part = part_at(matrix, stride, parts, places, j) + k;
#pragma GCC unroll 8
        for (int v = 0; v < c; v++) store(part + v * WIDTH, load(part + v * WIDTH) + change[v]);
    }
}

INLINE void scatter(
    float *matrix, int64_t stride, int64_t columns, const int32_t *parts, float *const *places, int count,
    const float *row, const float *base
) {
    int64_t k, left;
    for (k = 0; (left = (columns - k) / WIDTH) > 0; k += CHUNK * WIDTH) switch (left < CHUNK ? left : CHUNK) {
#define SCATTER(C) \
    case C: scatter_chunk(C <= CHUNK ? C : CHUNK, matrix, stride, parts, places, count, row, base, k); break;
            FOR_EACH_C(SCATTER)
        }
}

/* Add to each part how far `row` has moved from `base`. */
NOINLINE static void scatter_row(
    float *matrix, int64_t stride, int64_t columns, const int32_t *parts, int count, const float *row, const float *base
) {
    scatter(matrix, stride, columns, parts, NULL, count, row, base);
}

NOINLINE static void
scatter_places(float *const *places, int64_t columns, int count, const float *row, const float *base) {
    scatter(NULL, 0, columns, NULL, places, count, row, base);
}

/* Into the second-level cache: so many rows at a time would fill the miss buffers of the first. */
INLINE void prefetch_part(const float *row, int64_t stride) {
    for (int64_t k = 0; k < stride; k += 16) __builtin_prefetch(row + k, 0, 2);
    HAS_EFFECT;
}
#endif
