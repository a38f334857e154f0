/* Sizes and sums that the loops and their owner (_state.pyx) agree on. */
#ifndef W2V_BLOCK_H
#define W2V_BLOCK_H
#include <stdint.h>

#define BLOCK_INPUTS 12               /* input rows of one block; a wider window is cut into several */
#define LABEL_1 ((int32_t)0x80000000) /* the sign of a float, which turns where the label is 1 */
#define LANES 16                      /* floats of the widest vector */

#define BLOCK_OUTPUTS 6   /* output rows that the second pass keeps in registers; more are cut into several */
#define SUMMED_OUTPUTS 24 /* output rows whose dot products the first pass sums at a time */

/* The sigmoid table: parabolas for sigmoid(-|x|), one for each step of |x|. Eight of them fit in an AVX2 register, so a
 * look-up is one permutation for each coefficient. */
#define SIGMOID_SIZE 8
#define SIGMOID_MAX 7.9999995f /* the last float before 8: its whole part is the last step */

/* -log2 of the product of the probabilities given to the right labels, kept as mantissas and exponents: exact sums of
 * whole numbers, and no logarithm in the loop. The exponents are moved to `total` every DRAIN_EVERY centres, before they
 * overflow, and at the end of a span: a centre has 2,000 x 1,001 pairs at the most (window and negative 1,000), each of
 * which adds 12 or less, and 64 of them add 1.5e9 < 2^31 even if all were in one lane. */
#define DRAIN_EVERY 64
typedef struct {
    float mantissa[LANES]; /* a kernel with narrower vectors uses the first of the lanes */
    int32_t exponent[LANES];
    int32_t nan[LANES]; /* not 0 once a dot product was not a number */
    int64_t total;
} LossSum;

static inline void loss_drain(LossSum *loss) {
    for (int i = 0; i < LANES; i++) loss->total += loss->exponent[i], loss->exponent[i] = 0;
}
#endif
