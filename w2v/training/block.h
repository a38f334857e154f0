/* Sizes and sums that the loops and their owner (_state.pyx) agree on. */
#ifndef W2V_BLOCK_H
#define W2V_BLOCK_H
#include <stdint.h>

#define BLOCK_INPUTS 12 /* input rows of one block; a wider window is cut into several */
#define LANES 16        /* pairs are handled in groups of 16 between the passes */

/* sigmoid(x) for |x| < SIGMOID_MAX in steps of 2 SIGMOID_MAX / SIGMOID_SIZE, at the middle of each step. */
#define SIGMOID_SIZE 1024
#define SIGMOID_MAX 8.0f

/* -log of the product of the probabilities given to the right labels, kept as mantissas and exponents: exact sums of
 * whole numbers, and no logarithm in the loop. */
typedef struct {
    float mantissa[LANES];
    int64_t exponent[LANES];
    int32_t nan[LANES]; /* not 0 once a dot product was not a number */
} LossSum;
#endif
