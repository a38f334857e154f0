/* Vectors of the width that this copy is compiled for, their sums and their sigmoid: what simd.h, the only SIMD in w2v,
 * is written in. */
#ifndef W2V_VEC_H
#define W2V_VEC_H
#include "block.h"
#include <stdint.h>
#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#define INLINE static inline __attribute__((always_inline))
#define NOINLINE __attribute__((noinline))

#if defined(__AVX512F__)
#define WIDTH 16
#define ACCUMULATORS 18 /* of 32 registers */
#elif defined(__AVX2__)
#define WIDTH 8
#define ACCUMULATORS 12 /* of 16; the rest hold operands */
#else
#define WIDTH 4
#define ACCUMULATORS 12
#endif

typedef float vec __attribute__((vector_size(WIDTH * 4), may_alias));

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

/* Four vectors to one: four sums with the baseline; partial sums of each, 8 or 16 in all, with wider vectors, which
 * sum_vectors joins. Four together share the shuffles. */
#if WIDTH == 16
typedef __m512 sums4;
INLINE sums4 sum4(vec a, vec b, vec c, vec d) {
    __m512 ab = _mm512_add_ps(_mm512_unpacklo_ps((__m512)a, (__m512)b), _mm512_unpackhi_ps((__m512)a, (__m512)b));
    __m512 cd = _mm512_add_ps(_mm512_unpacklo_ps((__m512)c, (__m512)d), _mm512_unpackhi_ps((__m512)c, (__m512)d));
    return _mm512_add_ps(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xEE));
}
INLINE __m512 sum_quarters(__m512 a, __m512 b) {
    return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xDD));
}
#elif WIDTH == 8
typedef __m256 sums4;
INLINE __m256 sum_pairs(vec a, vec b) { /* a blend in place of the second shuffle: more ports take it */
    return _mm256_add_ps(_mm256_blend_ps((__m256)a, (__m256)b, 0xCC), _mm256_shuffle_ps((__m256)a, (__m256)b, 0x4E));
}
INLINE sums4 sum4(vec a, vec b, vec c, vec d) {
    __m256 ab = sum_pairs(a, b), cd = sum_pairs(c, d);
    return _mm256_add_ps(_mm256_shuffle_ps(ab, cd, 0x88), _mm256_shuffle_ps(ab, cd, 0xDD));
}
INLINE __m256 sum_halves(__m256 a, __m256 b) {
    return _mm256_add_ps(_mm256_blend_ps(a, b, 0xF0), _mm256_permute2f128_ps(a, b, 0x21));
}
#else
typedef vec sums4;
INLINE sums4 sum4(vec a, vec b, vec c, vec d) {
#if defined(__SSE2__)
    __m128 ab = _mm_add_ps(_mm_unpacklo_ps((__m128)a, (__m128)b), _mm_unpackhi_ps((__m128)a, (__m128)b));
    __m128 cd = _mm_add_ps(_mm_unpacklo_ps((__m128)c, (__m128)d), _mm_unpackhi_ps((__m128)c, (__m128)d));
    return (sums4)_mm_add_ps(_mm_movelh_ps(ab, cd), _mm_movehl_ps(cd, ab));
#elif defined(__aarch64__)
    return (sums4)vpaddq_f32(vpaddq_f32((float32x4_t)a, (float32x4_t)b), vpaddq_f32((float32x4_t)c, (float32x4_t)d));
#else
    sums4 sum = {0};
    for (int i = 0; i < WIDTH; i++) sum += (sums4){a[i], b[i], c[i], d[i]};
    return sum;
#endif
}
#endif

/* The horizontal sums of WIDTH vectors, one a lane. */
INLINE vec sum_vectors(const float *v) {
    sums4 s[WIDTH / 4];
#pragma GCC unroll 4
    for (int q = 0; q < WIDTH / 4; q++, v += 4 * WIDTH)
        s[q] = sum4(load(v), load(v + WIDTH), load(v + 2 * WIDTH), load(v + 3 * WIDTH));
#if WIDTH == 16
    return (vec)sum_quarters(sum_quarters(s[0], s[1]), sum_quarters(s[2], s[3]));
#elif WIDTH == 8
    return (vec)sum_halves(s[0], s[1]);
#else
    return s[0];
#endif
}

typedef int32_t ivec __attribute__((vector_size(WIDTH * 4), may_alias));

INLINE vec select_lanes(ivec mask, vec yes, vec no) {
#if WIDTH == 8
    return (vec)_mm256_blendv_ps((__m256)no, (__m256)yes, (__m256)mask);
#else
    return (vec)((mask & (ivec)yes) | (~mask & (ivec)no));
#endif
}

/* `yes` where the sign of x is set. */
INLINE vec select_by_sign(vec x, vec yes, vec no) {
#if WIDTH == 16
    return (vec)_mm512_mask_blend_ps(_mm512_movepi32_mask((__m512i)x), (__m512)no, (__m512)yes);
#elif WIDTH == 8
    return (vec)_mm256_blendv_ps((__m256)no, (__m256)yes, (__m256)x);
#else
    return select_lanes((ivec)x >> 31, yes, no);
#endif
}

/* The lesser of `most` and each x; a NaN stays. */
INLINE vec at_most(float most, vec x) {
#if WIDTH == 16
    return (vec)_mm512_min_ps(_mm512_set1_ps(most), (__m512)x);
#elif WIDTH == 8
    return (vec)_mm256_min_ps(_mm256_set1_ps(most), (__m256)x);
#else
    return select_lanes(x > most, spread(most), x);
#endif
}

/* table[step] for steps 0..SIGMOID_SIZE-1; the other bits of `step`, those of a NaN, do not count. */
INLINE vec look_up(const float *table, ivec step) {
#if WIDTH == 16
    return (vec)_mm512_permutexvar_ps((__m512i)step, _mm512_castps256_ps512(_mm256_load_ps(table)));
#elif WIDTH == 8
    return (vec)_mm256_permutevar8x32_ps(_mm256_load_ps(table), (__m256i)step);
#else
    vec found;
    for (int i = 0; i < WIDTH; i++) found[i] = table[step[i] & (SIGMOID_SIZE - 1)];
    return found;
#endif
}

/* sigmoid(-|x|): a parabola in each step of |x| up to SIGMOID_MAX; beyond the table its last value holds. The small
 * side is tabulated because 1 - (1 - q) would lose the digits of a small q; for the same reason the parabolas are in
 * |x| - 8. */
INLINE vec sigmoid_tail(vec x, const float *table) {
    vec size = at_most(SIGMOID_MAX, (vec)((ivec)x & 0x7FFFFFFF));
    vec place = size - SIGMOID_SIZE, bend;
    ivec step = __builtin_convertvector(size, ivec);
    bend = look_up(table + 2 * SIGMOID_SIZE, step);
    return look_up(table, step) + place * (look_up(table + SIGMOID_SIZE, step) + place * bend);
}
#endif
