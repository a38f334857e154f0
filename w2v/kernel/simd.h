/* The block update of one centre word.
 *
 * One centre is one small dense problem (after Ji et al. 2016, "Parallelizing Word2Vec in shared and distributed
 * memory"): n input rows A, m output rows O, a label y_i for each output row.
 *
 *     pass 1   S = O A^T                     all m x n dot products, each row loaded once a tile
 *              G_ij = lr (y_i - sigmoid(S_ij))
 *     pass 2   A_j += sum_i G_ij O_i         one sweep over the dimensions,
 *              O_i += sum_j G_ij A_j         with the old values of the other side
 *
 * Pass 1 goes by tiles of a few input and output rows, whose dot products stay in registers; horizontal sums and what
 * follows are then done for all pairs at once. Pass 2 takes BLOCK_OUTPUTS output rows at a time, which stay in
 * registers while the input rows go by; input rows are changed with the last of them.
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

#define FETCHED 9
#define FETCHED_FEW 3
#define FETCHED_TWO 5

enum { FROZEN_INPUTS = 1, FROZEN_OUTPUTS }; /* as in _state.pyx */

typedef struct {
    float *in[BLOCK_INPUTS];
    float **out;                /* [m] */
    const int32_t *label_signs; /* [m] LABEL_1 or 0, or NULL: label 1 for the first output row, 0 for the others */
    float *gradients;           /* G: m x n and LANES more */
    float *dots;                /* dot products before horizontal sums, a vector each: SUMMED_OUTPUTS x n, LANES more */
    int32_t *pair_signs;        /* of each pair, where `label_signs` is not NULL; as many as `dots` */
    float *waiting;             /* changes of the input rows between the cuts of pass 2: a vector of each row in turn */
    int n, m;
    int frozen;      /* which rows keep their values: FROZEN_INPUTS, FROZEN_OUTPUTS or 0 */
    int64_t columns; /* floats of a row that may not be zero, a multiple of WIDTH */
    float lr;
    const float *sigmoid;
    LossSum *loss;
    const float *fetch[FETCHED]; /* rows that later centres need, asked for during pass 2; FETCHED_FEW for two labels */
} Block;

/* CBOW, two neighbouring centres at a time. The first two output rows are the centres, the others their negatives. */
typedef struct {
    float **contexts; /* rows of the words in both windows, then in the first alone, in the second alone */
    int shared;       /* how many are in both */
    int ends[2];      /* where those of the first alone end, of the second alone */
    float *means[2];  /* of the contexts of each */
    float inverse[2]; /* 1 / their number */
    float share[2];   /* of a mean's change that each of its contexts gets */
} TwoCentres;

/* Exponents out of the product, before it is too small: a factor is more than 2^-12, so ten are safe. */
#define FACTORS 10
INLINE void settle(vec *product, LossSum *loss) {
    ivec bits = (ivec)*product, exponent, nan;
    memcpy(&exponent, loss->exponent, sizeof exponent);
    memcpy(&nan, loss->nan, sizeof nan);
    exponent += (bits >> 23) - 127;
    nan |= *product != *product;
    memcpy(loss->exponent, &exponent, sizeof exponent);
    memcpy(loss->nan, &nan, sizeof nan);
    *product = (vec)((bits & 0x007FFFFF) | 0x3F800000);
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

/* Loaded once into a register, and not again by each instruction that uses it: loads would decide, not arithmetic. */
INLINE vec load_once(const float *p) {
    vec x = load(p);
#if defined(__AVX2__)
    __asm__("" : "+v"(x));
#endif
    return x;
}

/* Pass 1 for `n` input rows from the first-th on and `g` output rows from the i-th: n * g dot products, each still a
 * vector. The fewer rows stay in registers while the others go by. */
INLINE void dot_tile(const int n, const int g, int first, int i, float *dots, const Block *b) {
    const int few = n < g ? n : g, many = n < g ? g : n;
    float *const *kept = n < g ? b->in + first : b->out + i, *const *passing = n < g ? b->out + i : b->in + first;
    const int gap = b->n * WIDTH;
    const int64_t columns = b->columns;
    vec acc[ACCUMULATORS], x[ACCUMULATORS];
#pragma GCC unroll 32
    for (int q = 0; q < few * many; q++) acc[q] = spread(0);
    for (int64_t k = 0; k < columns; k += WIDTH) {
#pragma GCC unroll 32
        for (int r = 0; r < few; r++) x[r] = load_once(kept[r] + k);
#pragma GCC unroll 32
        for (int j = 0; j < many; j++) {
            vec y = few > 1 ? load_once(passing[j] + k) : load(passing[j] + k);
#pragma GCC unroll 32
            for (int r = 0; r < few; r++) acc[r * many + j] += x[r] * y;
        }
    }
#pragma GCC unroll 32
    for (int r = 0; r < g; r++, dots += gap)
#pragma GCC unroll 32
        for (int j = 0; j < n; j++) store(dots + j * WIDTH, acc[n < g ? j * g + r : r * n + j]);
}

/* Pass 1 for `n` input rows from the first-th on and `c` output rows from the i-th, as many at a time as fit. */
INLINE void dot_strip(const int n, int first, int i, int c, const Block *b) {
    const int most = ACCUMULATORS / n, g = most < 6 ? most : 6;
    float *dots = b->dots + first * WIDTH;
    for (; c >= g; c -= g, i += g, dots += g * b->n * WIDTH) dot_tile(n, g, first, i, dots, b);
    switch (c) {
#define REST(C)                                                   \
    case C:                                                       \
        if (C < g) dot_tile(n, C < g ? C : 1, first, i, dots, b); \
        break;
        REST(1) REST(2) REST(3) REST(4) REST(5)
    }
}

/* Pass 1 for all input rows and `c` output rows from the i-th on: up to six input rows at a time. */
INLINE void all_dots(int i, int c, const Block *b) {
    for (int left = b->n, first = 0, n; left; left -= n, first += n) {
        n = left > 6 ? (left + 1) / 2 : left;
        switch (n) {
#define DOTS(N) \
    case N: dot_strip(N, first, i, c, b); break;
            DOTS(1) DOTS(2) DOTS(3) DOTS(4) DOTS(5) DOTS(6)
        }
    }
}

/* G for all input rows and `c` output rows from the i-th on, and the loss. With the sign of a dot product turned where
 * the label is 1 both labels are one case: it says how wrong the pair is. `positive` pairs have label 1, or, below 0,
 * those of `pair_signs`. Of two `centres` each has label 1 with its own mean, and is no pair with the other's. */
INLINE void compute_gradients(const int centres, int i, int c, int positive, const Block *b) {
    const vec one = spread(1), rate = spread(-b->lr);
    const int count = c * b->n;
    const float *dots = b->dots, *sigmoid = b->sigmoid;
    const int32_t *pair_signs = b->pair_signs;
    float *gradients = b->gradients + i * b->n;
    LossSum *loss = b->loss;
    vec product;
    memcpy(&product, loss->mantissa, sizeof product);
    for (int p = 0, factors = 1; p < count; p += WIDTH, factors++) {
        vec x = sum_vectors(dots + p * WIDTH);
        ivec label_sign = (count_from(p) < positive) & LABEL_1, used = count_from(p) < count;
        if (centres == 2) {
            ivec pair = count_from(p + 2 * i);
            label_sign = ((pair == 0) | (pair == 3)) & LABEL_1;
            used &= (pair == 0) | (pair > 2);
        }
        if (positive < 0) memcpy(&label_sign, pair_signs + p, sizeof label_sign);
        x = (vec)((ivec)x ^ label_sign);
        vec tail = sigmoid_tail(x, sigmoid), rest = one - tail;
        vec error = select_by_sign(x, tail, rest); /* |y - sigmoid| */
        vec right = select_by_sign(x, rest, tail); /* probability of the right label; a NaN stays one */
        product *= select_lanes(used, right, one);
        vec gradient = rate * (vec)((ivec)error ^ label_sign);
        if (centres == 2) gradient = (vec)((ivec)gradient & used);
        memcpy(gradients + p, &gradient, sizeof gradient); /* what is too much is written over by the next rows */
        if (factors == FACTORS) settle(&product, loss), factors = 0;
    }
    settle(&product, loss);
    memcpy(loss->mantissa, &product, sizeof product);
}

/* Labels of output rows to those of pairs. */
INLINE void spread_label_signs(int i, int c, const Block *b) {
    const int32_t *label_signs = b->label_signs + i;
    int32_t *pair_signs = b->pair_signs;
    const int n = b->n;
    for (int r = 0; r < c; r++, pair_signs += n) {
        ivec label_sign = (ivec){0} + label_signs[r];
        for (int j = 0; j < n; j += WIDTH) /* what is too much is written over by the next row */
            memcpy(pair_signs + j, &label_sign, sizeof label_sign);
    }
}

/* Pass 1: dot products, gradients and loss of all pairs. */
NOINLINE static void pass_1(const Block *b) {
    for (int i = 0, c; i < b->m; i += c) {
        c = b->m - i < SUMMED_OUTPUTS ? b->m - i : SUMMED_OUTPUTS;
        if (b->label_signs) spread_label_signs(i, c, b);
        all_dots(i, c, b);
        compute_gradients(1, i, c, b->label_signs ? -1 : i ? 0 : b->n, b);
    }
}

INLINE void fetch_rows(const int first, const int stop, const Block *b, int64_t k) {
    if (k % 16) return; /* the line is on its way */
#pragma GCC unroll 16
    for (int q = first; q < stop; q++) __builtin_prefetch(b->fetch[q] + k, 1, 3);
}

/* Ask for columns k.. of the rows that later centres need: a few cache lines at a time, between the arithmetic. All at
 * once they fill the core's miss buffers and it stands still. */
INLINE void fetch_columns(const Block *b, int64_t k) {
    fetch_rows(0, FETCHED_FEW, b, k);
    if (b->label_signs) fetch_rows(FETCHED_FEW, FETCHED, b, k);
}

/* Which of the cuts of a block: the only one, the first, one between, the last. */
enum { ONLY, FIRST, BETWEEN, LAST };

/* Pass 2 at dimensions k.. for one input row: its change by `c` output rows, and what it adds to the change of each.
 * The gradients of the pairs are `gap` apart. Until the last cut of the block the row's change waits in `waiting`. */
INLINE void apply_row(
    const int c, const int cut, float *in, float *waiting, const float *g, int64_t gap, const vec *o, vec *change
) {
    vec a = load(in), sum = cut == ONLY ? a : cut == FIRST ? spread(0) : load(waiting);
#pragma GCC unroll 8
    for (int i = 0; i < c; i++) {
        vec part = spread(g[i * gap]);
        sum += part * o[i];
        change[i] += part * a;
    }
    if (cut == ONLY) store(in, sum);
    else if (cut == LAST) store(in, a + sum);
    else store(waiting, sum);
}

/* Pass 2 for `c` output rows from the i-th on and all n input rows; `fixed` is n where the compiler knows it, or 0. */
INLINE void apply(const int c, const int cut, const int fixed, int i, const Block *b) {
    float *const *in = b->in, *const *out = b->out + i, *waiting = b->waiting;
    const float *G = b->gradients + i * b->n;
    const int64_t columns = b->columns, n = fixed ? fixed : b->n;
    for (int64_t k = 0; k < columns; k += WIDTH) {
        if (cut <= FIRST) fetch_columns(b, k);
        vec o[BLOCK_OUTPUTS], change[BLOCK_OUTPUTS];
#pragma GCC unroll 8
        for (int r = 0; r < c; r++) o[r] = load(out[r] + k), change[r] = spread(0);
        if (fixed) {
#pragma GCC unroll 16
            for (int j = 0; j < fixed; j++) apply_row(c, cut, in[j] + k, waiting, G + j, n, o, change);
        } else {
            for (int j = 0; j < n; j++, waiting += WIDTH) apply_row(c, cut, in[j] + k, waiting, G + j, n, o, change);
        }
#pragma GCC unroll 8
        for (int r = 0; r < c; r++) store(out[r] + k, load(out[r] + k) + change[r]); /* in turn: rows may repeat */
    }
}

/* Pass 2 for any number of output rows: as few cuts as possible, all of about the same size. */
NOINLINE static void apply_all(const Block *b) {
    const int cuts = (b->m + BLOCK_OUTPUTS - 1) / BLOCK_OUTPUTS;
    for (int left = cuts, i = 0, c; left; left--, i += c) {
        c = (b->m - i + left - 1) / left;
        switch (c * 4 + (cuts == 1 ? ONLY : left == cuts ? FIRST : left > 1 ? BETWEEN : LAST)) {
#define CUT(C, WHICH) \
    case C * 4 + WHICH: apply(C, WHICH, 0, i, b); break;
#define CUTS(C) CUT(C, ONLY) CUT(C, FIRST) CUT(C, BETWEEN) CUT(C, LAST)
            CUTS(1) CUTS(2) CUTS(3) CUTS(4) CUTS(5) CUTS(6)
        }
    }
}

/* to += factor * row */
INLINE void add_scaled(float *to, const float *row, float factor, int64_t columns) {
    const vec scale = spread(factor);
    for (int64_t k = 0; k < columns; k += WIDTH) store(to + k, load(to + k) + scale * load(row + k));
}

/* Pass 2 where one side keeps its values: the other's changes, a pair at a time. Apart from the rest, which pays nothing
 * for it; a run of this kind is slower. */
NOINLINE static void apply_frozen(const Block *b) {
    for (int i = 0; i < b->m; i++)
        for (int j = 0; j < b->n; j++) {
            const float gradient = b->gradients[i * b->n + j];
            if (b->frozen == FROZEN_INPUTS) add_scaled(b->out[i], b->in[j], gradient, b->columns);
            else add_scaled(b->in[j], b->out[i], gradient, b->columns);
        }
}

#define FOR_EACH_N(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12)

/* Skip-gram: n context rows against the centre and its negatives, or the nodes on the centre's path. */
static void block_skipgram(Block *b) {
    pass_1(b);
    if (b->frozen) return apply_frozen(b);
    if (b->m == 6) switch (b->n) { /* 5 negatives: the usual case */
#define SIX(N) \
    case N: return apply(6, ONLY, N, 0, b);
            FOR_EACH_N(SIX)
        }
    apply_all(b);
}

/* CBOW goes over the rows in chunks of up to CHUNK vectors, which stay in registers while the loop runs over the rows:
 * few rounds of a loop whose length no predictor knows. */
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
INLINE void
share_chunk(const int c, const Block *b, float *const *contexts, int count, const float *mean, vec part, int64_t k) {
    vec h[CHUNK], change[CHUNK];
#pragma GCC unroll 8
    for (int v = 0; v < c; v++) h[v] = load(mean + k + v * WIDTH), change[v] = spread(0);
    int q = 0; /* vectors that are asked for, one with each output row: all at once they fill the miss buffers */
    for (int i = 0; i < b->m; i++) {
        float *out = b->out[i] + k;
        const vec g = spread(b->gradients[i]);
        if (q < c) fetch_columns(b, k + q++ * WIDTH);
#pragma GCC unroll 8
        for (int v = 0; v < c; v++) {
            vec old = load(out + v * WIDTH);
            change[v] += g * old;
            store(out + v * WIDTH, old + g * h[v]);
        }
    }
    for (; q < c; q++) fetch_columns(b, k + q * WIDTH);
#pragma GCC unroll 8
    for (int v = 0; v < c; v++) change[v] *= part;
    for (int j = 0; j < count; j++) { /* one after the other: rows may repeat */
        float *row = contexts[j] + k;
#pragma GCC unroll 8
        for (int v = 0; v < c; v++) store(row + v * WIDTH, load(row + v * WIDTH) + change[v]);
    }
}

/* As apply_frozen, for CBOW: the output rows' changes, or the mean's, which takes its place and is shared out. */
NOINLINE static void share_frozen(const Block *b, float **contexts, int count, float *mean, float share) {
    if (b->frozen == FROZEN_INPUTS) return apply_frozen(b);
    memset(mean, 0, b->columns * sizeof(float));
    apply_frozen(b);
    for (int j = 0; j < count; j++) add_scaled(contexts[j], mean, share, b->columns);
}

/* CBOW: the mean of `count` context rows is the only input row; its change, times `share`, is added to each of them. */
static void block_cbow(Block *b, float **contexts, int count, float *mean, float share) {
    const int64_t columns = b->columns;
    const vec inverse = spread(1.0f / count), part = spread(share);
    int64_t k, left;
    b->n = 1;
    b->in[0] = mean;
    for (k = 0; (left = (columns - k) / WIDTH) > 0; k += CHUNK * WIDTH) switch (left < CHUNK ? left : CHUNK) {
#define MEAN(C) \
    case C: mean_chunk(C <= CHUNK ? C : CHUNK, contexts, count, mean, inverse, k); break;
            FOR_EACH_C(MEAN)
        }
    pass_1(b);
    if (b->frozen) return share_frozen(b, contexts, count, mean, share);
    for (k = 0; (left = (columns - k) / WIDTH) > 0; k += CHUNK * WIDTH) switch (left < CHUNK ? left : CHUNK) {
#define SHARE(C) \
    case C: share_chunk(C <= CHUNK ? C : CHUNK, b, contexts, count, mean, part, k); break;
            FOR_EACH_C(SHARE)
        }
}

/* The same for two centres: four vectors in registers where one has two. */
#if WIDTH == 16
#define CHUNK_TWO 7
#else
#define CHUNK_TWO 3
#endif
#define FOR_EACH_C_TWO(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7)

/* sum += rows first..stop-1, at `c` vectors from column k */
INLINE void sum_chunk(const int c, vec *sum, float *const *rows, int first, int stop, int64_t k) {
    for (int j = first; j < stop; j++)
#pragma GCC unroll 8
        for (int v = 0; v < c; v++) sum[v] += load(rows[j] + k + v * WIDTH);
}

/* Rows first..stop-1 += change, one after the other: rows may repeat. */
INLINE void add_chunk(const int c, const vec *change, float *const *rows, int first, int stop, int64_t k) {
    for (int j = first; j < stop; j++)
#pragma GCC unroll 8
        for (int v = 0; v < c; v++) store(rows[j] + k + v * WIDTH, load(rows[j] + k + v * WIDTH) + change[v]);
}

/* `c` vectors of both means, from column k. */
INLINE void two_means_chunk(const int c, const TwoCentres *two, int64_t k) {
    vec first[CHUNK_TWO], second[CHUNK_TWO];
#pragma GCC unroll 8
    for (int v = 0; v < c; v++) first[v] = spread(0);
    sum_chunk(c, first, two->contexts, 0, two->shared, k);
#pragma GCC unroll 8
    for (int v = 0; v < c; v++) second[v] = first[v];
    sum_chunk(c, first, two->contexts, two->shared, two->ends[0], k);
    sum_chunk(c, second, two->contexts, two->ends[0], two->ends[1], k);
#pragma GCC unroll 8
    for (int v = 0; v < c; v++) {
        store(two->means[0] + k + v * WIDTH, first[v] * spread(two->inverse[0]));
        store(two->means[1] + k + v * WIDTH, second[v] * spread(two->inverse[1]));
    }
}

/* Pass 2 for `c` vectors from column k, as share_chunk: each row is loaded and stored once for both centres. */
INLINE void share_two_chunk(const int c, const Block *b, const TwoCentres *two, int64_t k) {
    vec h[2][CHUNK_TWO], change[2][CHUNK_TWO], both[CHUNK_TWO];
#pragma GCC unroll 8
    for (int v = 0; v < c; v++)
#pragma GCC unroll 2
        for (int s = 0; s < 2; s++) h[s][v] = load(two->means[s] + k + v * WIDTH), change[s][v] = spread(0);
    int q = 0;
    for (int i = 0; i < b->m; i++) {
        float *out = b->out[i] + k;
        if (q < c) fetch_rows(0, FETCHED_TWO, b, k + q++ * WIDTH);
        const vec g = spread(b->gradients[2 * i]), g_second = spread(b->gradients[2 * i + 1]);
#pragma GCC unroll 8
        for (int v = 0; v < c; v++) {
            vec old = load_once(out + v * WIDTH);
            change[0][v] += g * old;
            change[1][v] += g_second * old;
            store(out + v * WIDTH, old + g * h[0][v] + g_second * h[1][v]);
        }
    }
    for (; q < c; q++) fetch_rows(0, FETCHED_TWO, b, k + q * WIDTH);
#pragma GCC unroll 8
    for (int v = 0; v < c; v++) {
        change[0][v] *= spread(two->share[0]), change[1][v] *= spread(two->share[1]);
        both[v] = change[0][v] + change[1][v];
    }
    add_chunk(c, both, two->contexts, 0, two->shared, k);
    add_chunk(c, change[0], two->contexts, two->shared, two->ends[0], k);
    add_chunk(c, change[1], two->contexts, two->ends[0], two->ends[1], k);
}

/* CBOW for two neighbouring centres, both from the same old values: most of their contexts are the same rows, and they
 * share their negatives. */
static void block_cbow_two(Block *b, const TwoCentres *two) {
    const int64_t columns = b->columns;
    int64_t k, left;
    b->n = 2;
    b->in[0] = two->means[0], b->in[1] = two->means[1];
    for (k = 0; (left = (columns - k) / WIDTH) > 0; k += CHUNK_TWO * WIDTH)
        switch (left < CHUNK_TWO ? left : CHUNK_TWO) {
#define TWO_MEANS(C) \
    case C: two_means_chunk(C <= CHUNK_TWO ? C : CHUNK_TWO, two, k); break;
            FOR_EACH_C_TWO(TWO_MEANS)
        }
    for (int i = 0, c; i < b->m; i += c) {
        c = b->m - i < SUMMED_OUTPUTS ? b->m - i : SUMMED_OUTPUTS;
        all_dots(i, c, b);
        compute_gradients(2, i, c, 0, b);
    }
    for (k = 0; (left = (columns - k) / WIDTH) > 0; k += CHUNK_TWO * WIDTH)
        switch (left < CHUNK_TWO ? left : CHUNK_TWO) {
#define SHARE_TWO(C) \
    case C: share_two_chunk(C <= CHUNK_TWO ? C : CHUNK_TWO, b, two, k); break;
            FOR_EACH_C_TWO(SHARE_TWO)
        }
}

/* A private row gives its change to the shared one and goes on from the sum. Plain Hogwild: two threads that do this at
 * the same instant may lose one of the two changes, as any two updates may. */
static void merge_row(float *copy, float *base, float *shared, int64_t stride) {
    for (int64_t k = 0; k < stride; k += WIDTH) {
        vec sum = load(shared + k) + (load(copy + k) - load(base + k));
        store(shared + k, sum);
        store(copy + k, sum);
        store(base + k, sum);
    }
}

INLINE void copy_row(float *to, const float *row, int64_t stride) {
    for (int64_t k = 0; k < stride; k += WIDTH) store(to + k, load(row + k));
}

/* Several lanes' changes of a row, added up in the order of the lanes. All have started from the same row, so where each
 * goes a share x of its way, their sum goes too far; it is scaled by 1 / (1 + (count - 1) x / 2), which is what one after
 * the other would do, to the second order. x is in proportion to the steps that a lane takes (`effort`, which is x / 2
 * for a row of usual length), and for longer rows to their squared length: so are the steps' own changes. */
#define USUAL_SQUARE 7 /* squared length of a frequent word's row on wiki100 */
static void merge_copies(float *row, float *const *copies, int count, float effort, int64_t stride) {
    vec squares = spread(0);
    float square = 0, parts[WIDTH];
    for (int64_t k = 0; k < stride; k += WIDTH) squares += load(row + k) * load(row + k);
    memcpy(parts, &squares, sizeof parts);
    for (int i = 0; i < WIDTH; i++) square += parts[i];
    const float length = square > USUAL_SQUARE ? square / USUAL_SQUARE : 1;
    const vec share = spread(1 / (1 + (count - 1) * effort * length));
    for (int64_t k = 0; k < stride; k += WIDTH) {
        vec base = load(row + k), sum = load(copies[0] + k) - base;
        for (int j = 1; j < count; j++) sum += load(copies[j] + k) - base;
        store(row + k, base + share * sum);
    }
}

/* Rows are asked for this many centres before they are used. Measured: 4 is better than 2 where cores share no cache
 * (a row comes from another core in 200 ns and more), 6 and 8 are no better. */
#define AHEAD 4

/* To GCC 12 a function that only asks for memory is one without an effect, and its calls are left out; an empty statement
 * that the compiler may not remove prevents it. */
#define HAS_EFFECT __asm__ volatile("")

INLINE void prefetch(const void *address) {
    __builtin_prefetch(address);
    HAS_EFFECT;
}

INLINE void prefetch_row(const float *row, int64_t stride) {
    for (int64_t k = 0; k < stride; k += 16) __builtin_prefetch(row + k, 1, 3);
    HAS_EFFECT;
}
#endif
