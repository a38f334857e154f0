/* The only random numbers of the training loop: SplitMix64.
 *
 * One 64-bit word of state, one addition, two multiplications and three shifts a draw; equidistributed over 2^64
 * draws and passes BigCrush. Source: Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators".
 */
#ifndef W2V_RNG_H
#define W2V_RNG_H
#include <stdint.h>

static inline uint64_t rng_mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

static inline uint64_t rng_next(uint64_t *state) { return rng_mix(*state += 0x9E3779B97F4A7C15ull); }

/* The number that comes after `skipped` others. */
static inline uint64_t rng_peek(uint64_t state, uint64_t skipped) {
    return rng_mix(state + (skipped + 1) * 0x9E3779B97F4A7C15ull);
}

/* A whole number in 0..n-1 from 32 random bits; the bias is at most n / 2^32. */
static inline uint32_t rng_below(uint32_t bits, uint32_t n) { return (uint32_t)(((uint64_t)bits * n) >> 32); }

/* Whether the sentence that begins at this place of the corpus is held out: so many of 2^32 are. It depends on the seed
 * and the place alone, never on threads or spans. */
static inline int rng_held_out(uint64_t seed, int64_t place, uint32_t share) {
    return share && (uint32_t)(rng_mix(rng_mix(seed + 0x5851F42D4C957F2Dull) + (uint64_t)place) >> 32) < share;
}

/* One column of an alias table (Walker 1977, Vose 1991): itself if a 32-bit coin is at most `share`, else `other`. */
typedef struct {
    uint32_t share;
    int32_t other;
} AliasColumn;

/* The high half of a product of 128 bits; the low half is written to `low`. 32-bit machines have no such integers. */
static inline uint64_t rng_product(uint64_t a, uint64_t b, uint64_t *low) {
#ifdef __SIZEOF_INT128__
    unsigned __int128 product = (unsigned __int128)a * b;
    *low = (uint64_t)product;
    return (uint64_t)(product >> 64);
#else
    uint64_t ends = (a & 0xFFFFFFFFu) * (b & 0xFFFFFFFFu), middle = (a >> 32) * (b & 0xFFFFFFFFu) + (ends >> 32);
    uint64_t cross = (a & 0xFFFFFFFFu) * (b >> 32) + (middle & 0xFFFFFFFFu);
    *low = cross << 32 | (ends & 0xFFFFFFFFu);
    return (a >> 32) * (b >> 32) + (middle >> 32) + (cross >> 32);
#endif
}

/* The column that 64 random bits fall on: the high bits of a 128-bit product, so every column has the same share to
 * 2^-64. What is left of the product is the coin: one random number is enough. */
static inline const AliasColumn *rng_column(uint64_t bits, uint64_t n, const AliasColumn *table) {
    uint64_t coin;
    return table + rng_product(bits, n, &coin);
}

static inline int32_t rng_alias(uint64_t bits, uint64_t n, const AliasColumn *table) {
    uint64_t coin;
    const AliasColumn *column = table + rng_product(bits, n, &coin);
    int32_t itself = (int32_t)(column - table), stays = (uint32_t)(coin >> 32) <= column->share;
    return column->other ^ ((itself ^ column->other) & -stays); /* no branch: it would wait for the column */
}
#endif
