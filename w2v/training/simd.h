/* The block update of one centre word, the only SIMD in w2v.
 *
 * One centre is one small dense problem (after Ji et al. 2016, "Parallelizing Word2Vec in shared and distributed
 * memory"): n input rows A, m output rows O, a label y_i for each output row.
 *
 *     pass 1   S = O A^T                     all m x n dot products, each row loaded once a tile
 *              G_ij = lr (y_i - sigmoid(S_ij))
 *     pass 2   O_i += sum_j G_ij A_j         one sweep over the dimensions,
 *              A_j += sum_i G_ij O_i         with the old values of the other side
 *
 * Rows are 64-byte aligned and padded with zeros to 16 floats: no tails, and zeros stay zero. This header is compiled
 * once for each instruction set; the vector width follows the compiler's flags. An input row may occur twice in a block
 * (a word twice in a window), and so may an output row: updates are added one after the other, none is lost.
 */
#ifndef W2V_SIMD_H
#define W2V_SIMD_H
#include "block.h"
#include <stdint.h>
#include <string.h>
#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#define INLINE static inline __attribute__((always_inline))

#if defined(__AVX512F__)
#define WIDTH 16
#define ACCUMULATORS 24 /* of 32 registers; the rest hold operands */
#elif defined(__AVX2__)
#define WIDTH 8
#define ACCUMULATORS 12 /* of 16 */
#else
#define WIDTH 4
#define ACCUMULATORS 12
#endif

typedef float vec __attribute__((vector_size(WIDTH * 4), may_alias));
typedef float lanes_f __attribute__((vector_size(LANES * 4), may_alias));
typedef int32_t lanes_i __attribute__((vector_size(LANES * 4), may_alias));

INLINE vec load(const float *p) { return *(const vec *)p; }
INLINE void store(float *p, vec x) { *(vec *)p = x; }
INLINE vec spread(float x) {
#if WIDTH == 16
    return (vec)_mm512_set1_ps(x);
#elif WIDTH == 8
    return (vec)_mm256_set1_ps(x);
#else
    return (vec){x, x, x, x};
#endif
}

/* The horizontal sums of four vectors, stored as four floats: summing four together shares the shuffles. */
INLINE void sum4(vec a, vec b, vec c, vec d, float *out) {
#if WIDTH == 16
    __m512 ab = _mm512_add_ps(_mm512_unpacklo_ps((__m512)a, (__m512)b), _mm512_unpackhi_ps((__m512)a, (__m512)b));
    __m512 cd = _mm512_add_ps(_mm512_unpacklo_ps((__m512)c, (__m512)d), _mm512_unpackhi_ps((__m512)c, (__m512)d));
    __m512 t = _mm512_add_ps(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xEE));
    __m256 h = _mm256_add_ps(_mm512_castps512_ps256(t), _mm512_extractf32x8_ps(t, 1));
    _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1)));
#elif WIDTH == 8
    __m256 t = _mm256_hadd_ps(_mm256_hadd_ps((__m256)a, (__m256)b), _mm256_hadd_ps((__m256)c, (__m256)d));
    _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(t), _mm256_extractf128_ps(t, 1)));
#elif defined(__SSE2__)
    __m128 ab = _mm_add_ps(_mm_unpacklo_ps((__m128)a, (__m128)b), _mm_unpackhi_ps((__m128)a, (__m128)b));
    __m128 cd = _mm_add_ps(_mm_unpacklo_ps((__m128)c, (__m128)d), _mm_unpackhi_ps((__m128)c, (__m128)d));
    _mm_storeu_ps(out, _mm_add_ps(_mm_movelh_ps(ab, cd), _mm_movehl_ps(cd, ab)));
#elif defined(__aarch64__)
    vst1q_f32(out, vpaddq_f32(vpaddq_f32((float32x4_t)a, (float32x4_t)b), vpaddq_f32((float32x4_t)c, (float32x4_t)d)));
#else
    for (int i = 0; i < 4; i++) out[i] = 0;
    for (int i = 0; i < WIDTH; i++) out[0] += a[i], out[1] += b[i], out[2] += c[i], out[3] += d[i];
#endif
}

INLINE lanes_f select_lanes(lanes_i mask, lanes_f yes, lanes_f no) {
    return (lanes_f)((mask & (lanes_i)yes) | (~mask & (lanes_i)no));
}

/* sigmoid(-|x|): a straight line in each of SIGMOID_SIZE steps of |x| up to SIGMOID_MAX; beyond the table its last value
 * holds, for a NaN too. `table` has all intercepts, then all slopes. The small side is tabulated because 1 - (1 - q) would
 * lose the digits of a small q. */
INLINE lanes_f sigmoid_tail(lanes_f x, const float *table) {
    const lanes_f zero = {0};
    lanes_f size = (lanes_f)((lanes_i)x & 0x7FFFFFFF), base, slope;
    size = select_lanes(size < SIGMOID_MAX, size, zero + SIGMOID_MAX);
    lanes_f at = size * (SIGMOID_SIZE / SIGMOID_MAX);
    lanes_i step = __builtin_convertvector(at, lanes_i);
#if WIDTH == 16 /* the whole table fits in four registers */
    step -= (step == SIGMOID_SIZE) & 1;
    base = (lanes_f)_mm512_permutex2var_ps(_mm512_loadu_ps(table), (__m512i)step, _mm512_loadu_ps(table + 16));
    slope = (lanes_f)_mm512_permutex2var_ps(_mm512_loadu_ps(table + 32), (__m512i)step, _mm512_loadu_ps(table + 48));
#else
    step -= (step == SIGMOID_SIZE) & 1;
    for (int i = 0; i < LANES; i++) base[i] = table[step[i]], slope[i] = table[SIGMOID_SIZE + step[i]];
#endif
    return base + slope * size;
}

/* Sums of g x n accumulators, four at a time, to S[0 .. g n); up to three floats behind are overwritten. */
INLINE void sum_all(const int count, const vec *acc, float *S) {
#pragma GCC unroll 8
    for (int q = 0; q < count; q += 4)
        sum4(acc[q], q + 1 < count ? acc[q + 1] : acc[q], q + 2 < count ? acc[q + 2] : acc[q],
             q + 3 < count ? acc[q + 3] : acc[q], S + q);
}

/* Pass 1 for n input rows against g output rows. */
INLINE void dots(const int n, const int g, float *const *in, float *const *out, int64_t stride, float *S) {
    vec acc[ACCUMULATORS + 4], o[ACCUMULATORS];
#pragma GCC unroll 32
    for (int q = 0; q < g * n; q++) acc[q] = spread(0);
    for (int64_t k = 0; k < stride; k += WIDTH) {
#pragma GCC unroll 32
        for (int i = 0; i < g; i++) o[i] = load(out[i] + k);
#pragma GCC unroll 32
        for (int j = 0; j < n; j++) {
            vec a = load(in[j] + k);
#pragma GCC unroll 32
            for (int i = 0; i < g; i++) acc[i * n + j] += o[i] * a;
        }
    }
    sum_all(g * n, acc, S);
}

/* Pass 1 for all m output rows, as many together as the registers hold. */
INLINE void all_dots(const int n, int m, float *const *in, float *const *out, int64_t stride, float *S) {
    const int most = ACCUMULATORS / n < 1 ? 1 : ACCUMULATORS / n > 6 ? 6 : ACCUMULATORS / n;
    /* 6 output rows (5 negatives) are the common case: 6 = 6, 3 + 3 or 2 + 2 + 2 */
    const int g = most >= 6 ? 6 : most >= 3 ? 3 : most;
    int i = 0;
    for (; i + g <= m; i += g) dots(n, g, in, out + i, stride, S + i * n);
    for (; i < m; i++) dots(n, 1, in, out + i, stride, S + i * n);
}

#define FETCHED 3

typedef struct {
    float *in[BLOCK_INPUTS];
    float **out;      /* [m] */
    const float *label; /* [m] */
    float *pairs;     /* S, then G: m x n and LANES more */
    float *pair_labels;
    int n, m;
    int64_t stride;   /* floats from row to row, a multiple of 16 */
    float lr;
    const float *sigmoid;
    LossSum *loss;
    const float *fetch[FETCHED]; /* rows that later centres need, asked for during pass 2 */
} Block;

/* Ask for columns k.. of the rows that later centres need: a few cache lines at a time, between the arithmetic. All at once
 * they fill the core's miss buffers and it stands still. */
INLINE void fetch_columns(const Block *b, int64_t k) {
    for (int q = 0; q < FETCHED; q++) __builtin_prefetch(b->fetch[q] + k, 1, 3);
}

/* Pass 2 at dimensions k.. for one output row: its change, and what it adds to the change of every input row. */
INLINE void apply_row(const int n, float *out, const float *g, const vec *a, vec *change) {
    vec old = load(out), sum = old;
#pragma GCC unroll 32
    for (int j = 0; j < n; j++) {
        vec part = spread(g[j]);
        sum += part * a[j];
        change[j] += part * old;
    }
    store(out, sum);
}

/* Pass 2 for n input rows and all m output rows; `fixed` is m where it is known to the compiler, else 0. */
INLINE void apply(const int n, const int fixed, int m, const Block *b) {
    float *const *in = b->in, *const *out = b->out;
    const float *G = b->pairs;
    const int64_t stride = b->stride;
    for (int64_t k = 0; k < stride; k += WIDTH) {
        fetch_columns(b, k);
        vec a[BLOCK_INPUTS], change[BLOCK_INPUTS];
#pragma GCC unroll 32
        for (int j = 0; j < n; j++) a[j] = load(in[j] + k), change[j] = spread(0);
        if (fixed) {
#pragma GCC unroll 8
            for (int i = 0; i < fixed; i++) apply_row(n, out[i] + k, G + i * n, a, change);
        } else {
            const float *g = G;
            for (float *const *row = out; row < out + m; row++, g += n) apply_row(n, *row + k, g, a, change);
        }
#pragma GCC unroll 32
        for (int j = 0; j < n; j++) store(in[j] + k, load(in[j] + k) + change[j]); /* one after the other: rows may repeat */
    }
}

/* S -> G in place for `count` pairs whose labels are given; adds to the loss. Both arrays reach to a multiple of LANES. */
INLINE void gradients(float *S, const float *label, int count, float lr, const float *sigmoid, LossSum *loss) {
    const lanes_f one = (lanes_f){0} + 1.0f;
    const lanes_i iota = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    lanes_f product;
    lanes_i exponent, nan;
    memcpy(&product, loss->mantissa, sizeof product);
    memcpy(&exponent, loss->exponent, sizeof exponent);
    memcpy(&nan, loss->nan, sizeof nan);
    for (int p = 0; p < count; p += LANES) {
        lanes_f x, y;
        lanes_i inside = iota < (count - p);
        memcpy(&x, S + p, sizeof x);
        memcpy(&y, label + p, sizeof y);
        lanes_f tail = sigmoid_tail(x, sigmoid), rest = 1.0f - tail;
        lanes_i zero_label = y < 0.5f, agrees = ~((x < 0.0f) ^ zero_label); /* does the sign of x say the label? */
        lanes_f error = select_lanes(agrees, tail, rest); /* |y - sigmoid(x)| */
        lanes_f right = select_lanes(agrees, rest, tail); /* probability of the right label */
        product *= select_lanes(inside, right, one);
        error = (lanes_f)((lanes_i)error | (zero_label & (int32_t)0x80000000));
        nan |= inside & (x != x);
        error *= lr;
        memcpy(S + p, &error, sizeof error);
        lanes_i bits = (lanes_i)product;
        exponent += (bits >> 23) - 127;
        product = (lanes_f)((bits & 0x007FFFFF) | 0x3F800000);
    }
    memcpy(loss->mantissa, &product, sizeof product);
    memcpy(loss->exponent, &exponent, sizeof exponent);
    memcpy(loss->nan, &nan, sizeof nan);
}

/* y_i for each of the n pairs of every output row, row after row. */
INLINE void spread_labels(const float *label, int n, int m, float *pairs) {
    for (int i = 0; i < m; i++) {
        lanes_f y = (lanes_f){0} + label[i];
        memcpy(pairs + i * n, &y, sizeof y); /* n <= LANES: the next row writes over what is too much */
    }
}

#define FOR_EACH_N(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12)

/* Skip-gram: n context rows against m output rows. */
static void block_skipgram(Block *b) {
    switch (b->n) {
#define DOTS(N) case N: all_dots(N, b->m, b->in, b->out, b->stride, b->pairs); break;
        FOR_EACH_N(DOTS)
    }
    spread_labels(b->label, b->n, b->m, b->pair_labels);
    gradients(b->pairs, b->pair_labels, b->n * b->m, b->lr, b->sigmoid, b->loss);
    switch (b->n) {
#define APPLY(N) \
    case N: \
        if (b->m == 6) apply(N, 6, 6, b); /* 5 negatives: the usual case */ \
        else apply(N, 0, b->m, b); \
        break;
        FOR_EACH_N(APPLY)
    }
}

/* Dots of one row with g output rows. */
INLINE void dots_of_one(const int g, const float *row, float *const *out, int64_t stride, float *S) {
    float *in[1] = {(float *)row};
    dots(1, g, in, out, stride, S);
}

/* CBOW: the mean of `count` context rows is the only input row; its change, times `share`, is added to each of them. */
static void block_cbow(Block *b, float **contexts, int count, float *mean, float share) {
    const int64_t stride = b->stride;
    const int m = b->m;
    const vec inverse = spread(1.0f / count);
    for (int64_t k = 0; k < stride; k += WIDTH) {
        vec sum = load(contexts[0] + k);
        for (int j = 1; j < count; j++) sum += load(contexts[j] + k);
        store(mean + k, sum * inverse);
    }
    int i = 0;
    for (; i + 6 <= m; i += 6) dots_of_one(6, mean, b->out + i, stride, b->pairs + i);
    for (; i + 3 <= m; i += 3) dots_of_one(3, mean, b->out + i, stride, b->pairs + i);
    for (; i < m; i++) dots_of_one(1, mean, b->out + i, stride, b->pairs + i);
    gradients(b->pairs, b->label, m, b->lr, b->sigmoid, b->loss);
    const vec part = spread(share);
    for (int64_t k = 0; k < stride; k += WIDTH) {
        fetch_columns(b, k);
        vec h = load(mean + k), change = spread(0);
        for (i = 0; i < m; i++) {
            vec g = spread(b->pairs[i]), old = load(b->out[i] + k);
            change += g * old;
            store(b->out[i] + k, old + g * h);
        }
        change *= part;
        for (int j = 0; j < count; j++) store(contexts[j] + k, load(contexts[j] + k) + change);
    }
}

/* A private row gives its change to the shared one and goes on from the sum. Plain Hogwild: two threads that do this at
 * the same instant may lose one of the two changes, as any two updates may. */
static void merge_row(float *own, float *base, float *shared, int64_t stride) {
    for (int64_t k = 0; k < stride; k += WIDTH) {
        vec sum = load(shared + k) + (load(own + k) - load(base + k));
        store(shared + k, sum);
        store(own + k, sum);
        store(base + k, sum);
    }
}

/* Rows are asked for this many centres before they are used. Measured: 4 is better than 2 where cores do not share a cache
 * (a row comes from another core in 200 ns and more), 6 and 8 are no better. */
#define AHEAD 4

INLINE void prefetch_row(const float *row, int64_t stride) {
    for (int64_t k = 0; k < stride; k += 16) __builtin_prefetch(row + k, 1, 3);
}
#endif
