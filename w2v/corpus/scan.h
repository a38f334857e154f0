/* Where tokens begin and end: 64 bytes of text at a time become bit masks (bit i = byte i of the chunk).
 *
 * A separator is one byte, or a UTF-8 sequence of two or three. Their lead bytes (C2 and higher) are never
 * continuation bytes, so a sequence is recognised wherever it stands, in invalid UTF-8 too, just as
 * bytes.decode("utf-8", "surrogateescape").split() sees it. NUL always separates: no key of the hash table holds one.
 */
#ifndef W2V_SCAN_H
#define W2V_SCAN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__) && !defined(W2V_SCALAR)
#include <emmintrin.h>
#define W2V_SCAN_SSE2 1
#elif defined(__aarch64__) && defined(__ARM_NEON) && !defined(W2V_SCALAR)
#include <arm_neon.h>
#define W2V_SCAN_NEON 1
#endif

#define CHUNK 64

/* What separates; the marks are those of scripts that write without spaces, added for the tokenizer `words`: it splits
 * there in any case, and a line of such a script is not one token that is too long. */
enum { WHITESPACE_ASCII = 0, WHITESPACE_UNICODE = 1, WITH_MARKS = 2 };

typedef struct {
    uint64_t space; /* 0x20 */
    uint64_t low;   /* <= 0x20 */
    uint64_t high;  /* >= 0x80 */
} byte_masks;

typedef struct {
    uint64_t separators;
    uint64_t newlines;
    uint64_t nuls;
} chunk_masks;

#if W2V_SCAN_SSE2
static inline byte_masks classify(const uint8_t *p) {
    byte_masks m = {0, 0, 0};
    const __m128i space = _mm_set1_epi8(0x20);
    for (int i = 0; i < 4; i++) {
        __m128i x = _mm_loadu_si128((const __m128i *)(p + 16 * i));
        __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(x, space), x);
        m.space |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(x, space)) << (16 * i);
        m.low |= (uint64_t)(uint32_t)_mm_movemask_epi8(low) << (16 * i);
        m.high |= (uint64_t)(uint32_t)_mm_movemask_epi8(x) << (16 * i);
    }
    return m;
}
#elif W2V_SCAN_NEON
/* Four vectors of 00/FF bytes to 64 bits: weigh each byte by its bit, then add neighbours three times. */
static inline uint64_t movemask(uint8x16_t a, uint8x16_t b, uint8x16_t c, uint8x16_t d) {
    static const uint8_t weights[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t bit = vld1q_u8(weights);
    uint8x16_t ab = vpaddq_u8(vandq_u8(a, bit), vandq_u8(b, bit));
    uint8x16_t cd = vpaddq_u8(vandq_u8(c, bit), vandq_u8(d, bit));
    uint8x16_t abcd = vpaddq_u8(ab, cd);
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(abcd, abcd)), 0);
}

static inline byte_masks classify(const uint8_t *p) {
    const uint8x16_t space = vdupq_n_u8(0x20), top = vdupq_n_u8(0x80);
    uint8x16_t a = vld1q_u8(p), b = vld1q_u8(p + 16), c = vld1q_u8(p + 32), d = vld1q_u8(p + 48);
    byte_masks m;
    m.space = movemask(vceqq_u8(a, space), vceqq_u8(b, space), vceqq_u8(c, space), vceqq_u8(d, space));
    m.low = movemask(vcleq_u8(a, space), vcleq_u8(b, space), vcleq_u8(c, space), vcleq_u8(d, space));
    m.high = movemask(vcgeq_u8(a, top), vcgeq_u8(b, top), vcgeq_u8(c, top), vcgeq_u8(d, top));
    return m;
}
#else
static inline byte_masks classify(const uint8_t *p) {
    byte_masks m = {0, 0, 0};
    for (int i = 0; i < CHUNK; i++) {
        m.space |= (uint64_t)(p[i] == 0x20) << i;
        m.low |= (uint64_t)(p[i] <= 0x20) << i;
        m.high |= (uint64_t)(p[i] >= 0x80) << i;
    }
    return m;
}
#endif

/* Bytes below 0x20 that separate, as bits. ascii: bytes.split()'s 09-0D; unicode: str.split()'s, 1C-1F too. */
static inline uint32_t control_separators(int whitespace) {
    return whitespace & WHITESPACE_UNICODE ? 0xF0003E01u : 0x00003E01u;
}

/* Length of the multi-byte white space at p, or 0. Two bytes behind p must be readable. */
static inline int wide_space(const uint8_t *p) {
    switch (p[0]) {
    case 0xC2: /* U+0085, U+00A0 */ return p[1] == 0x85 || p[1] == 0xA0 ? 2 : 0;
    case 0xE1: /* U+1680 */ return p[1] == 0x9A && p[2] == 0x80 ? 3 : 0;
    case 0xE2: /* U+2000-200A, U+2028, U+2029, U+202F; U+205F */
        if (p[1] == 0x80) return (p[2] >= 0x80 && p[2] <= 0x8A) || p[2] == 0xA8 || p[2] == 0xA9 || p[2] == 0xAF ? 3 : 0;
        return p[1] == 0x81 && p[2] == 0x9F ? 3 : 0;
    case 0xE3: /* U+3000 */ return p[1] == 0x80 && p[2] == 0x80 ? 3 : 0;
    default: return 0;
    }
}

#define BETWEEN(x, first, last) ((uint8_t)((x) - (first)) <= (last) - (first))

/* Length of the punctuation mark at p, or 0: some of those that no word of the tokenizer `words` holds and that no
 * normalisation makes part of one (which leaves out the full-width comma, full stop and hyphen). */
static inline int wide_mark(const uint8_t *p) {
    switch (p[0]) {
    case 0xD8: /* Arabic comma, semicolon, question mark */ return p[1] == 0x8C || p[1] == 0x9B || p[1] == 0x9F ? 2 : 0;
    case 0xDB: /* Urdu full stop */ return p[1] == 0x94 ? 2 : 0;
    case 0xE0: /* dandas; Tibetan */
        return (p[1] == 0xA5 && BETWEEN(p[2], 0xA4, 0xA5)) || (p[1] == 0xBC && BETWEEN(p[2], 0x8B, 0x94)) ? 3 : 0;
    case 0xE1: /* Burmese; Ethiopic; Khmer */
        return (p[1] == 0x81 && BETWEEN(p[2], 0x8A, 0x8F)) || (p[1] == 0x8D && BETWEEN(p[2], 0xA1, 0xA8)) ||
                       (p[1] == 0x9F && BETWEEN(p[2], 0x94, 0x96)) || (p[1] == 0x9F && BETWEEN(p[2], 0x98, 0x9A))
                   ? 3
                   : 0;
    case 0xE2: /* dashes, quotes, bullets, ellipsis */
        return p[1] == 0x80 && (BETWEEN(p[2], 0x92, 0x96) || p[2] == 0x98 || BETWEEN(p[2], 0x9A, 0xA3) || p[2] == 0xA6)
                   ? 3
                   : 0;
    case 0xE3: /* U+3001-3003, 3008-3011, 3014-301F */
        return p[1] == 0x80 && (BETWEEN(p[2], 0x81, 0x83) || BETWEEN(p[2], 0x88, 0x91) || BETWEEN(p[2], 0x94, 0x9F))
                   ? 3
                   : 0;
    case 0xEF: /* full-width ! to &, ( to +, / : ; ? @ [ \ ]; braces, half-width marks */
        return (p[1] == 0xBC &&
                (BETWEEN(p[2], 0x81, 0x86) || BETWEEN(p[2], 0x88, 0x8B) || p[2] == 0x8F || BETWEEN(p[2], 0x9A, 0x9B) ||
                 BETWEEN(p[2], 0x9F, 0xA0) || BETWEEN(p[2], 0xBB, 0xBD))) ||
                       (p[1] == 0xBD && BETWEEN(p[2], 0x9B, 0xA4))
                   ? 3
                   : 0;
    default: return 0;
    }
}

/* The masks of the chunk at p; `spill` carries the rest of a sequence that runs into the next chunk. */
static inline chunk_masks scan_chunk(const uint8_t *p, int whitespace, uint64_t *spill) {
    byte_masks bytes = classify(p);
    chunk_masks m = {bytes.space | *spill, 0, 0};
    *spill = 0;
    uint64_t rest = bytes.low & ~bytes.space;
    if (rest) {
        const uint32_t control = control_separators(whitespace);
        do {
            uint64_t bit = rest & (0 - rest);
            uint8_t byte = p[__builtin_ctzll(rest)];
            if ((control >> byte) & 1) m.separators |= bit;
            if (byte == '\n') m.newlines |= bit;
            if (byte == 0) m.nuls |= bit;
            rest ^= bit;
        } while (rest);
    }
    if (bytes.high && whitespace != WHITESPACE_ASCII) {
        /* A lead byte is one >= C0 that stands before a byte >= 80: nothing to gain from more precision here. */
        for (uint64_t lead = bytes.high; lead; lead &= lead - 1) {
            int i = __builtin_ctzll(lead);
            int length = whitespace & WHITESPACE_UNICODE ? wide_space(p + i) : 0;
            if (!length && whitespace & WITH_MARKS) length = wide_mark(p + i);
            if (!length) continue;
            uint64_t wide = length == 2 ? 3 : 7;
            m.separators |= wide << i;
            if (i + length > CHUNK) *spill = wide >> (CHUNK - i);
        }
    }
    return m;
}

/* Appends the positions of the set bits; writes up to 8 more than there are. Returns how many there are. */
static inline int bit_positions(uint64_t bits, uint32_t base, uint32_t *out) {
    int n = __builtin_popcountll(bits);
    for (int done = 0; done < n; done += 8) {
        for (int j = 0; j < 8; j++) {
            out[done + j] = base + (uint32_t)__builtin_ctzll(bits | (1ull << 63));
            bits &= bits - 1;
        }
    }
    return n;
}

#endif
