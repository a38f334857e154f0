/* AVX-512 in plain C, for processors without it: the intrinsics that vec.h uses there, lane by lane, so that the
 * kernel's tests go through that kernel's code on every machine. */
#pragma once
#include <stdint.h>

typedef float __m256 __attribute__((vector_size(32), may_alias));
typedef float __m512 __attribute__((vector_size(64), may_alias));
typedef int32_t __m512i __attribute__((vector_size(64), may_alias));
typedef uint16_t __mmask16;

#define EMULATED static inline __attribute__((always_inline))
#define EACH_LANE(VALUE)                         \
    __m512 r;                                    \
    for (int i = 0; i < 16; i++) r[i] = (VALUE); \
    return r

EMULATED __m512 _mm512_set1_ps(float x) { EACH_LANE(x); }
EMULATED __m512 _mm512_add_ps(__m512 a, __m512 b) { EACH_LANE(a[i] + b[i]); }
EMULATED __m512 _mm512_min_ps(__m512 a, __m512 b) { EACH_LANE(a[i] < b[i] ? a[i] : b[i]); }
EMULATED __m512 _mm512_mask_blend_ps(__mmask16 m, __m512 a, __m512 b) { EACH_LANE(m >> i & 1 ? b[i] : a[i]); }
EMULATED __m512 _mm512_permutexvar_ps(__m512i at, __m512 a) { EACH_LANE(a[at[i] & 15]); }

/* Upper lanes are undefined there: here they are what no test can pass with. */
EMULATED __m512 _mm512_castps256_ps512(__m256 a) { EACH_LANE(i < 8 ? a[i] : 1e30f); }

/* Within each 128 bits: two numbers from the middle of a and b alternate. */
EMULATED __m512 _mm512_unpacklo_ps(__m512 a, __m512 b) { EACH_LANE((i & 1 ? b : a)[(i & 12) + (i >> 1 & 1)]); }
EMULATED __m512 _mm512_unpackhi_ps(__m512 a, __m512 b) { EACH_LANE((i & 1 ? b : a)[(i & 12) + 2 + (i >> 1 & 1)]); }

/* Two of a, then two of b, chosen by two bits each: within each 128 bits, or of the four 128 bits. */
EMULATED __m512 _mm512_shuffle_ps(__m512 a, __m512 b, int by) {
    EACH_LANE((i & 2 ? b : a)[(i & 12) + (by >> 2 * (i & 3) & 3)]);
}
EMULATED __m512 _mm512_shuffle_f32x4(__m512 a, __m512 b, int by) {
    EACH_LANE((i & 8 ? b : a)[4 * (by >> 2 * (i >> 2) & 3) + (i & 3)]);
}

EMULATED __mmask16 _mm512_movepi32_mask(__m512i a) {
    __mmask16 m = 0;
    for (int i = 0; i < 16; i++) m |= (__mmask16)((a[i] < 0) << i);
    return m;
}

EMULATED __m256 _mm256_load_ps(const float *p) {
    if ((uintptr_t)p % 32) __builtin_trap();
    return *(const __m256 *)p;
}
