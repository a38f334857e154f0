/* The parts of a centre word's update, each alone: what bench.py's row `centre` compiles and runs.
 *
 *     cc -O3 ... -Iw2v/kernel centre.c -o centre && ./centre DIM
 *
 * Skip-gram with 5 negatives: 6 output rows, and as many context rows as a window of 1 to 5 words to each side gives.
 * How many, and which output rows, is drawn beforehand; context rows enter the window one after the other. There are so
 * few rows that they stay in the first two caches. One line a part, in ns a centre: the least of several rounds.
 */
#include "simd.h"
#include "rng.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define CENTRES 100000
#define ROUNDS 7
#define ROWS 100
#define OUTPUTS 6
#define VOCAB 70000

enum { DOTS, GRADIENTS, UPDATE, RANDOM, PARTS };
static const char *NAMES[] = {"dot products", "sums and sigmoids", "updates", "random numbers"};

static Block block;
static float *rows[2][ROWS];
static uint8_t contexts[CENTRES], places[CENTRES];

static void *room(size_t bytes) {
    void *p = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (!p) exit(1);
    return memset(p, 0, bytes);
}

NOINLINE static void only_dots(const Block *b) { all_dots(0, b->m, b); }
NOINLINE static void only_gradients(const Block *b) { compute_gradients(1, 0, b->m, b->n, b); }

NOINLINE static void only_update(const Block *b) {
    switch (b->n) {
#define WITH(N) \
    case N: return apply(OUTPUTS, ONLY, N, 0, b);
        FOR_EACH_N(WITH)
    }
}

/* What a centre draws: about 1.4 words are kept or dropped, a window, a column of the alias table, a place in the pool,
 * five picks. */
static uint64_t draws(uint64_t *state, const AliasColumn *table, uint32_t *pool) {
    uint64_t found = rng_next(state) + (*state & 4 ? rng_next(state) : 0), bits = rng_next(state);
    found += rng_below((uint32_t)(bits >> 32), 5);
    pool[rng_below((uint32_t)bits, 128)] = (uint32_t)rng_alias(rng_next(state), VOCAB, table);
    for (int k = 0; k < OUTPUTS - 1; k++, bits >>= 16) {
        if (k % 4 == 0) bits = rng_next(state);
        found += pool[((bits & 0xFFFF) * 128) >> 16];
    }
    return found;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

static double once(int part, uint64_t *state, const AliasColumn *table, uint32_t *pool) {
    static volatile uint64_t sink;
    uint64_t sum = 0;
    double start = now();
    for (int c = 0; c < CENTRES; c++) {
        if (part == RANDOM) {
            sum += draws(state, table, pool);
            continue;
        }
        block.n = contexts[c];
        for (int j = 0; j < block.n; j++) block.in[j] = rows[0][(c + j) % ROWS];
        for (int i = 0; i < OUTPUTS; i++) block.out[i] = rows[1][(places[c] + 7 * i) % ROWS];
        if (part == DOTS) only_dots(&block);
        else if (part == GRADIENTS) only_gradients(&block);
        else only_update(&block);
    }
    sink = sum;
    (void)sink;
    return (now() - start) / CENTRES;
}

int main(int argc, char **argv) {
    const int dim = argc > 1 ? atoi(argv[1]) : 100, stride = (dim + 15) / 16 * 16;
    uint64_t state = 1;
    if (dim < 1 || dim > 10000) return 2;
    for (int side = 0; side < 2; side++)
        for (int r = 0; r < ROWS; r++) {
            float *row = rows[side][r] = room(sizeof(float) * (size_t)stride);
            for (int k = 0; k < dim; k++)
                row[k] = ((float)rng_below((uint32_t)rng_next(&state), 1000) / 1000 - 0.5f) / (float)dim;
        }
    for (int c = 0; c < CENTRES; c++) { /* one in ten centres stands near the end of its sentence */
        int reach = 1 + (int)rng_below((uint32_t)rng_next(&state), 5), lost = (int)rng_below((uint32_t)rng_next(&state), 10);
        contexts[c] = (uint8_t)(2 * reach - (lost == 0));
        places[c] = (uint8_t)rng_below((uint32_t)rng_next(&state), ROWS);
    }
    float *sigmoid = room(sizeof(float) * 3 * SIGMOID_SIZE), *none = room(sizeof(float) * (size_t)stride);
    LossSum *loss = room(sizeof *loss);
    for (int i = 0; i < SIGMOID_SIZE; i++) sigmoid[i] = 0.5f / (float)(i + 1);
    for (int i = 0; i < LANES; i++) loss->mantissa[i] = 1;
    block.out = room(sizeof(float *) * OUTPUTS);
    block.gradients = room(sizeof(float) * (OUTPUTS * BLOCK_INPUTS + LANES));
    block.dots = room(sizeof(float) * (SUMMED_OUTPUTS * BLOCK_INPUTS + LANES) * LANES);
    block.waiting = room(sizeof(float) * (size_t)stride * BLOCK_INPUTS);
    block.m = OUTPUTS, block.columns = (dim + WIDTH - 1) / WIDTH * WIDTH, block.lr = 1e-6f;
    block.sigmoid = sigmoid, block.loss = loss;
    for (int q = 0; q < FETCHED; q++) block.fetch[q] = none;
    AliasColumn *table = room(sizeof *table * VOCAB);
    for (int i = 0; i < VOCAB; i++) table[i] = (AliasColumn){(uint32_t)rng_next(&state), i / 2};
    uint32_t *pool = room(sizeof *pool * 128);
    for (int part = 0; part < PARTS; part++) {
        double least = 1e9;
        for (int round = 0; round < ROUNDS; round++) {
            double found = once(part, &state, table, pool);
            least = found < least ? found : least;
        }
        printf("%s\t%.1f\n", NAMES[part], least);
    }
    return 0;
}
