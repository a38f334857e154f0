/* The only random numbers of the hot loop: SplitMix64.
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

/* A whole number in 0..n-1 from 32 random bits; the bias is at most n / 2^32. */
static inline uint32_t rng_below(uint32_t bits, uint32_t n) { return (uint32_t)(((uint64_t)bits * n) >> 32); }

/* One draw from an alias table (Walker 1977, Vose 1991): the column from the high bits of a 128-bit product, the coin
 * from what is left of it, so one random number is enough and every column has the same share to 2^-64. */
static inline int32_t rng_alias(uint64_t bits, uint64_t n, const uint32_t *share, const int32_t *alias) {
    unsigned __int128 product = (unsigned __int128)bits * n;
    uint64_t column = (uint64_t)(product >> 64);
    uint32_t coin = (uint32_t)((uint64_t)product >> 32);
    return coin <= share[column] ? (int32_t)column : alias[column];
}
#endif
