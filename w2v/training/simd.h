/* The block update of one centre word.
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
#include "vec.h"
#include <string.h>

#define FETCHED 3

typedef struct {
    float *in[BLOCK_INPUTS];
    float **out;        /* [m] */
    const float *label; /* [m], or NULL: 1 for the first output row, 0 for the others */
    float *pairs;       /* G: m x n and LANES more */
    float *pair_labels; /* the same size */
    int n, m;
    int64_t stride;     /* floats from row to row, a multiple of 16 */
    float lr;
    const float *sigmoid;
    LossSum *loss;
    const float *fetch[FETCHED]; /* rows that later centres need, asked for during pass 2 */
} Block;

/* The loss of a block while it is summed; see LossSum. */
typedef struct {
    vec product[PARTS];
    ivec exponent[PARTS], nan[PARTS];
} Tally;

INLINE Tally tally_open(const LossSum *loss) {
    Tally t;
    memcpy(&t.product, loss->mantissa, sizeof t.product);
    memcpy(&t.exponent, loss->exponent, sizeof t.exponent);
    memcpy(&t.nan, loss->nan, sizeof t.nan);
    return t;
}

INLINE void tally_close(const Tally *t, LossSum *loss) {
    memcpy(loss->mantissa, &t->product, sizeof t->product);
    memcpy(loss->exponent, &t->exponent, sizeof t->exponent);
    memcpy(loss->nan, &t->nan, sizeof t->nan);
}

/* first, first + 1, ... one a lane */
INLINE ivec count_from(int first) {
#if WIDTH == 16
    return (ivec){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15} + first;
#elif WIDTH == 8
    return (ivec){0, 1, 2, 3, 4, 5, 6, 7} + first;
#else
    return (ivec){0, 1, 2, 3} + first;
#endif
}

/* lr (y - sigmoid(x)) for a vector of pairs, of which the first `count` are there; `zero_label` is set where y is 0. */
INLINE vec gradients(vec x, ivec zero_label, const int count, const Block *b, Tally *t, const int p) {
    const vec one = spread(1);
    const ivec inside = count_from(0) < count;
    vec tail = sigmoid_tail(x, b->sigmoid), rest = one - tail;
    ivec agrees = ~((x < 0.0f) ^ zero_label);      /* does the sign of x say the label? */
    vec error = select_lanes(agrees, tail, rest); /* |y - sigmoid(x)| */
    vec right = select_lanes(agrees, rest, tail); /* probability of the right label */
    vec product = t->product[p] * (count < WIDTH ? select_lanes(inside, right, one) : right);
    ivec bits = (ivec)product;
    t->exponent[p] += (bits >> 23) - 127;
    t->product[p] = (vec)((bits & 0x007FFFFF) | 0x3F800000);
    t->nan[p] |= inside & (x != x);
    return b->lr * (vec)((ivec)error | (zero_label & (int32_t)0x80000000));
}

/* Where the label is 0, for pairs first.. of output rows i.. with n input rows. */
INLINE ivec zero_labels(const int n, int i, const int first, const Block *b) {
    vec y;
    if (!b->label) return count_from(i ? n : first) >= n;
    memcpy(&y, b->pair_labels + i * n + first, sizeof y);
    return y < 0.5f;
}

/* Pass 1 for n input rows against output rows i..i+g-1, n * g <= ACCUMULATORS: dot products and gradients, which never
 * leave the registers between. */
INLINE void dots(const int n, const int g, int i, float *const *in, const Block *b, Tally *t) {
    float *const *out = b->out + i;
    vec acc[ACCUMULATORS], o[ACCUMULATORS];
#pragma GCC unroll 32
    for (int q = 0; q < g * n; q++) acc[q] = spread(0);
    for (int64_t k = 0; k < b->stride; k += WIDTH) {
#pragma GCC unroll 32
        for (int r = 0; r < g; r++) o[r] = load(out[r] + k);
#pragma GCC unroll 32
        for (int j = 0; j < n; j++) {
            vec a = load(in[j] + k);
#pragma GCC unroll 32
            for (int r = 0; r < g; r++) acc[r * n + j] += o[r] * a;
        }
    }
    Pairs x = sum16(g * n, acc);
#pragma GCC unroll 4
    for (int p = 0; p * WIDTH < g * n; p++) {
        vec gradient = gradients(x.part[p], zero_labels(n, i, p * WIDTH, b), g * n - p * WIDTH, b, t, p);
        memcpy(b->pairs + i * n + p * WIDTH, &gradient, sizeof gradient); /* the next rows write over what is too much */
    }
}

/* Pass 1 for all output rows: six at a time (5 negatives and the centre), or three, or two, as the registers allow. */
INLINE void all_dots(const int n, float *const *in, Block *b) {
    const int most = ACCUMULATORS / n, g = most >= 6 ? 6 : most >= 3 ? 3 : most >= 2 ? 2 : 1;
    Tally t = tally_open(b->loss);
    int i = 0;
    for (; i + g <= b->m; i += g) dots(n, g, i, in, b, &t);
    if (g == 6 && i + 3 <= b->m) dots(n, 3, i, in, b, &t), i += 3;
    for (; i < b->m; i++) dots(n, 1, i, in, b, &t);
    tally_close(&t, b->loss);
}

/* y_i for each of the n pairs of every output row, row after row. */
INLINE void spread_labels(int n, Block *b) {
    for (int i = 0; i < b->m; i++) {
        const vec y = spread(b->label[i]);
        for (int p = 0; p * WIDTH < n; p++) /* the next row writes over what is too much */
            memcpy(b->pair_labels + i * n + p * WIDTH, &y, sizeof y);
    }
}

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
INLINE void apply(const int n, const int fixed, const Block *b) {
    float *const *in = b->in, *const *out = b->out, *const *end = out + b->m;
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
            for (float *const *row = out; row < end; row++, g += n) apply_row(n, *row + k, g, a, change);
        }
#pragma GCC unroll 32
        for (int j = 0; j < n; j++) store(in[j] + k, load(in[j] + k) + change[j]); /* one after the other: rows may repeat */
    }
}

#define FOR_EACH_N(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12)

/* Skip-gram: n context rows against m output rows. */
static void block_skipgram(Block *b) {
    if (b->label) spread_labels(b->n, b); /* now: what is stored just before it is loaded otherwise stalls the load */
    switch (b->n) {
#define BLOCK(N) \
    case N: \
        all_dots(N, b->in, b); \
        if (b->m == 6) apply(N, 6, b); /* 5 negatives: the usual case */ \
        else apply(N, 0, b); \
        break;
        FOR_EACH_N(BLOCK)
    }
}

/* CBOW goes over the rows in chunks of up to CHUNK vectors, which stay in registers while the loop runs over the rows: few
 * rounds of a loop whose length no predictor knows. */
#if WIDTH == 16
#define CHUNK 8
#else
#define CHUNK 4
#endif
#define FOR_EACH_C(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8)

/* `c` vectors of the mean of the contexts, from column k. */
INLINE void mean_chunk(const int c, float *const *contexts, int count, float *mean, vec inverse, int64_t k) {
    vec sum[CHUNK];
#pragma GCC unroll 8
    for (int v = 0; v < c; v++) sum[v] = load(contexts[0] + k + v * WIDTH);
    for (int j = 1; j < count; j++) {
        const float *row = contexts[j] + k;
#pragma GCC unroll 8
        for (int v = 0; v < c; v++) sum[v] += load(row + v * WIDTH);
    }
#pragma GCC unroll 8
    for (int v = 0; v < c; v++) store(mean + k + v * WIDTH, sum[v] * inverse);
}

/* Pass 2 for `c` vectors from column k: every output row's change, and the mean's, shared out to the contexts. */
INLINE void share_chunk(const int c, const Block *b, float *const *contexts, int count, const float *mean, vec part, int64_t k) {
    vec h[CHUNK], change[CHUNK];
#pragma GCC unroll 8
    for (int v = 0; v < c; v++) h[v] = load(mean + k + v * WIDTH), change[v] = spread(0);
    for (int i = 0; i < b->m; i++) {
        float *out = b->out[i] + k;
        const vec g = spread(b->pairs[i]);
#pragma GCC unroll 8
        for (int v = 0; v < c; v++) {
            vec old = load(out + v * WIDTH);
            change[v] += g * old;
            store(out + v * WIDTH, old + g * h[v]);
        }
    }
    for (int q = 0; q < c; q++) fetch_columns(b, k + q * WIDTH);
#pragma GCC unroll 8
    for (int v = 0; v < c; v++) change[v] *= part;
    for (int j = 0; j < count; j++) { /* one after the other: rows may repeat */
        float *row = contexts[j] + k;
#pragma GCC unroll 8
        for (int v = 0; v < c; v++) store(row + v * WIDTH, load(row + v * WIDTH) + change[v]);
    }
}

/* CBOW: the mean of `count` context rows is the only input row; its change, times `share`, is added to each of them. */
static void block_cbow(Block *b, float **contexts, int count, float *mean, float share) {
    const int64_t stride = b->stride;
    const vec inverse = spread(1.0f / count), part = spread(share);
    float *in[1] = {mean};
    int64_t k, left;
    if (b->label) spread_labels(1, b);
    for (k = 0; (left = (stride - k) / WIDTH) > 0; k += CHUNK * WIDTH)
        switch (left < CHUNK ? left : CHUNK) {
#define MEAN(C) \
        case C: mean_chunk(C <= CHUNK ? C : CHUNK, contexts, count, mean, inverse, k); break;
            FOR_EACH_C(MEAN)
        }
    all_dots(1, in, b);
    for (k = 0; (left = (stride - k) / WIDTH) > 0; k += CHUNK * WIDTH)
        switch (left < CHUNK ? left : CHUNK) {
#define SHARE(C) \
        case C: share_chunk(C <= CHUNK ? C : CHUNK, b, contexts, count, mean, part, k); break;
            FOR_EACH_C(SHARE)
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
