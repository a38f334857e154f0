/* Sizes and sums that the loops and their owner (_state.pyx) agree on. */
#ifndef W2V_BLOCK_H
#define W2V_BLOCK_H
#include <stdint.h>

#define BLOCK_INPUTS 12 /* input rows of one block; a wider window is cut into several */
#define LANES 16        /* pairs are handled in groups of 16 between the passes */

/* The sigmoid table: straight lines for sigmoid(-|x|) over steps of |x| up to SIGMOID_MAX. 32 steps fit in AVX-512 registers. */
#define SIGMOID_SIZE 32
#define SIGMOID_MAX 8.0f

/* -log2 of the product of the probabilities given to the right labels, kept as mantissas and exponents: exact sums of
 * whole numbers, and no logarithm in the loop. The exponents of a span are moved to `total` at its end. */
typedef struct {
    float mantissa[LANES];
    int32_t exponent[LANES];
    int32_t nan[LANES]; /* not 0 once a dot product was not a number */
    int64_t total;
} LossSum;

static inline void loss_drain(LossSum *loss) {
    for (int i = 0; i < LANES; i++) loss->total += loss->exponent[i], loss->exponent[i] = 0;
}
#endif
