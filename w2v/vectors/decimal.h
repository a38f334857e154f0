/* float32 to the shortest decimal that reads back to it, and decimal to the nearest float32; both without the locale. */
#ifndef W2V_DECIMAL_H
#define W2V_DECIMAL_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <locale.h>
#if defined(__APPLE__) || defined(__FreeBSD__)
#include <xlocale.h>
#endif
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* --- writing --------------------------------------------------------------------------------------------------------
   Raffaello Giulietti, "The Schubfach way to render doubles" (2020), for float32 with 64-bit powers. */

/* 10^k = g 2^r with 2^63 <= g < 2^64, rounded up, for k = -31 ... 45. */
static const uint64_t POWERS[77] = {
    0x81CEB32C4B43FCF5u, 0xA2425FF75E14FC32u, 0xCAD2F7F5359A3B3Fu, 0xFD87B5F28300CA0Eu, 0x9E74D1B791E07E49u,
    0xC612062576589DDBu, 0xF79687AED3EEC552u, 0x9ABE14CD44753B53u, 0xC16D9A0095928A28u, 0xF1C90080BAF72CB2u,
    0x971DA05074DA7BEFu, 0xBCE5086492111AEBu, 0xEC1E4A7DB69561A6u, 0x9392EE8E921D5D08u, 0xB877AA3236A4B44Au,
    0xE69594BEC44DE15Cu, 0x901D7CF73AB0ACDAu, 0xB424DC35095CD810u, 0xE12E13424BB40E14u, 0x8CBCCC096F5088CCu,
    0xAFEBFF0BCB24AAFFu, 0xDBE6FECEBDEDD5BFu, 0x89705F4136B4A598u, 0xABCC77118461CEFDu, 0xD6BF94D5E57A42BDu,
    0x8637BD05AF6C69B6u, 0xA7C5AC471B478424u, 0xD1B71758E219652Cu, 0x83126E978D4FDF3Cu, 0xA3D70A3D70A3D70Bu,
    0xCCCCCCCCCCCCCCCDu, 0x8000000000000000u, 0xA000000000000000u, 0xC800000000000000u, 0xFA00000000000000u,
    0x9C40000000000000u, 0xC350000000000000u, 0xF424000000000000u, 0x9896800000000000u, 0xBEBC200000000000u,
    0xEE6B280000000000u, 0x9502F90000000000u, 0xBA43B74000000000u, 0xE8D4A51000000000u, 0x9184E72A00000000u,
    0xB5E620F480000000u, 0xE35FA931A0000000u, 0x8E1BC9BF04000000u, 0xB1A2BC2EC5000000u, 0xDE0B6B3A76400000u,
    0x8AC7230489E80000u, 0xAD78EBC5AC620000u, 0xD8D726B7177A8000u, 0x878678326EAC9000u, 0xA968163F0A57B400u,
    0xD3C21BCECCEDA100u, 0x84595161401484A0u, 0xA56FA5B99019A5C8u, 0xCECB8F27F4200F3Au, 0x813F3978F8940985u,
    0xA18F07D736B90BE6u, 0xC9F2C9CD04674EDFu, 0xFC6F7C4045812297u, 0x9DC5ADA82B70B59Eu, 0xC5371912364CE306u,
    0xF684DF56C3E01BC7u, 0x9A130B963A6C115Du, 0xC097CE7BC90715B4u, 0xF0BDC21ABB48DB21u, 0x96769950B50D88F5u,
    0xBC143FA4E250EB32u, 0xEB194F8E1AE525FEu, 0x92EFD1B8D0CF37BFu, 0xB7ABC627050305AEu, 0xE596B7B0C643C71Au,
    0x8F7E32CE7BEA5C70u, 0xB35DBF821AE4F38Cu,
};

static inline uint32_t round_to_odd(uint64_t power, uint32_t number) {
#ifdef __SIZEOF_INT128__
    const __uint128_t product = (__uint128_t)power * number;
    const uint32_t high = (uint32_t)(product >> 64), low = (uint32_t)(product >> 32);
#else
    const uint64_t lower = (power & 0xFFFFFFFFu) * number, upper = (power >> 32) * number + (lower >> 32);
    const uint32_t high = (uint32_t)(upper >> 32), low = (uint32_t)upper;
#endif
    return high | (low > 1);
}

/* Digits and power of ten of a finite, positive float: the shortest, and of those the nearest. */
static inline uint32_t shortest_digits(uint32_t bits, int32_t *power) {
    const uint32_t fraction = bits & 0x7FFFFF, exponent = bits >> 23;
    const uint32_t c = exponent ? fraction | 0x800000 : fraction;
    const int32_t q = (int32_t)(exponent ? exponent : 1) - 150;
    if (q <= 0 && q > -24 && !(c & ((1u << -q) - 1))) { /* a whole number below 2^24 */
        *power = 0;
        return c >> -q;
    }
    const uint32_t odd = c & 1;                                    /* an even float owns the ends of its interval */
    const uint32_t closer = !fraction && exponent > 1;             /* the float below is at half the distance */
    const int32_t k = (q * 1262611 - (closer ? 524031 : 0)) >> 22; /* floor(log10(2^q)), or of 3/4 2^q */
    const int32_t h = q + ((-k * 1741647) >> 19) + 1;              /* floor(log2(10^-k)) */
    const uint64_t g = POWERS[-k + 31];
    const uint32_t lower = round_to_odd(g, (4 * c - 2 + closer) << h) + odd;
    const uint32_t middle = round_to_odd(g, (4 * c) << h);
    const uint32_t upper = round_to_odd(g, (4 * c + 2) << h) - odd;
    const uint32_t s = middle / 4;
    if (s >= 10) {
        const uint32_t tens = s / 10;
        const int below = lower <= 40 * tens, above = 40 * tens + 40 <= upper;
        if (below != above) {
            *power = k + 1;
            return tens + above;
        }
    }
    *power = k;
    const int below = lower <= 4 * s, above = 4 * s + 4 <= upper;
    if (below != above) return s + above;
    return s + (middle > 4 * s + 2 || (middle == 4 * s + 2 && (s & 1)));
}

#define FLOAT_TEXT 18  /* the most bytes that a float takes: -1.1754944e-38 has 14, a whole number with a sign 17 */
#define FLOAT_SLACK 32 /* bytes after `out` that put_float may overwrite: it stores eight at a time */

/* The decimal digits of a number below 10^8 as bytes 0 to 9, the first in the lowest byte. */
static inline uint64_t split_digits(uint32_t number) {
    const uint64_t halves = number / 10000 | (uint64_t)(number % 10000) << 32;
    const uint64_t hundreds = (halves * 10486 >> 20) & 0x0000007F0000007Fu;
    const uint64_t pairs = hundreds | (halves - 100 * hundreds) << 16;
    const uint64_t tens = (pairs * 103 >> 10) & 0x000F000F000F000Fu;
    return tens | (pairs - 10 * tens) << 8;
}

static inline int count_digits(uint32_t number) {
    return 1 + (number >= 10) + (number >= 100) + (number >= 1000) + (number >= 10000) + (number >= 100000) +
           (number >= 1000000) + (number >= 10000000) + (number >= 100000000);
}

/* Write a finite float, return the bytes written. Plain notation for 1e-5 <= |x| < 1e16, as Python's repr. */
static inline int put_float(char *out, float value) {
    static const uint32_t WIDEN[10] = {1, 100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};
    char *start = out, text[24];
    uint32_t bits;
    int32_t power;
    memcpy(&bits, &value, 4);
    *out = '-';
    out += bits >> 31;
    bits &= 0x7FFFFFFF;
    if (!bits) {
        *out++ = '0';
        return (int)(out - start);
    }
    const uint32_t digits = shortest_digits(bits, &power); /* at most nine digits, perhaps with zeros at the end */
    const int count = count_digits(digits), point = count + power; /* digits before the decimal point */
    const uint32_t nine = digits * WIDEN[count], rest = nine % 100000000;
    uint64_t eight = split_digits(rest);
    const int kept = rest ? 9 - __builtin_clzll(eight) / 8 : 1; /* digits without the zeros at the end */
    eight |= 0x3030303030303030u;
    text[0] = (char)('0' + nine / 100000000);
    memcpy(text + 1, &eight, 8);
    if (point <= 0 && point >= -4) {
        memcpy(out, "0.000000", 8);
        out += 2 - point;
        out[0] = text[0];
        memcpy(out + 1, &eight, 8);
        return (int)(out + kept - start);
    }
    if (point > 0 && point <= 16) {
        out[0] = text[0];
        memcpy(out + 1, &eight, 8);
        if (point >= kept) {
            memcpy(out + 9, "00000000", 8);
            return (int)(out + point - start);
        }
        memcpy(out + point + 1, text + point, 8);
        out[point] = '.';
        return (int)(out + kept + 1 - start);
    }
    const int exponent = point - 1, size = exponent < 0 ? -exponent : exponent;
    *out++ = text[0];
    if (kept > 1) {
        *out = '.';
        memcpy(out + 1, &eight, 8);
        out += kept;
    }
    *out++ = 'e';
    *out++ = exponent < 0 ? '-' : '+';
    *out++ = (char)('0' + size / 10);
    *out++ = (char)('0' + size % 10);
    return (int)(out - start);
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

/* 10^-64 ... 10^64, each the nearest double. */
static const double TENS[129] = {
    1e-64, 1e-63, 1e-62, 1e-61, 1e-60, 1e-59, 1e-58, 1e-57, 1e-56, 1e-55, 1e-54, 1e-53, 1e-52, 1e-51, 1e-50,
    1e-49, 1e-48, 1e-47, 1e-46, 1e-45, 1e-44, 1e-43, 1e-42, 1e-41, 1e-40, 1e-39, 1e-38, 1e-37, 1e-36, 1e-35,
    1e-34, 1e-33, 1e-32, 1e-31, 1e-30, 1e-29, 1e-28, 1e-27, 1e-26, 1e-25, 1e-24, 1e-23, 1e-22, 1e-21, 1e-20,
    1e-19, 1e-18, 1e-17, 1e-16, 1e-15, 1e-14, 1e-13, 1e-12, 1e-11, 1e-10, 1e-9,  1e-8,  1e-7,  1e-6,  1e-5,
    1e-4,  1e-3,  1e-2,  1e-1,  1e0,   1e1,   1e2,   1e3,   1e4,   1e5,   1e6,   1e7,   1e8,   1e9,   1e10,
    1e11,  1e12,  1e13,  1e14,  1e15,  1e16,  1e17,  1e18,  1e19,  1e20,  1e21,  1e22,  1e23,  1e24,  1e25,
    1e26,  1e27,  1e28,  1e29,  1e30,  1e31,  1e32,  1e33,  1e34,  1e35,  1e36,  1e37,  1e38,  1e39,  1e40,
    1e41,  1e42,  1e43,  1e44,  1e45,  1e46,  1e47,  1e48,  1e49,  1e50,  1e51,  1e52,  1e53,  1e54,  1e55,
    1e56,  1e57,  1e58,  1e59,  1e60,  1e61,  1e62,  1e63,  1e64,
};

static locale_t plain_locale; /* set once, when the module is loaded */

static int make_plain_locale(void) {
    if (!plain_locale) plain_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    return plain_locale ? 0 : -1;
}

/* The C library's correctly rounded reading, for the few numbers that need it. `end` is past the number. */
static float read_float_slowly(const char *text, const char *end) {
    char small[128], *copy = small;
    const size_t length = end - text;
    if (length >= sizeof small && !(copy = malloc(length + 1))) return 0.0f / 0.0f; /* shows as not finite */
    memcpy(copy, text, length);
    copy[length] = 0;
    const float value = strtof_l(copy, NULL, plain_locale);
    if (copy != small) free(copy);
    return value;
}

static inline int read_word(const char *text, const char *end, const char *small) {
    for (; *small; text++, small++)
        if (text >= end || (*text | 0x20) != *small) return 0;
    return 1;
}

/* Eight bytes of text; digits become 0 to 9, anything else more. */
static inline uint64_t digits_at(const char *text) {
    uint64_t chunk;
    memcpy(&chunk, text, 8);
    return chunk ^ 0x3030303030303030u;
}

/* How many of them are digits before the first that is none. */
static inline int leading_digits(uint64_t chunk) {
    const uint64_t others =
        (((chunk & 0x7F7F7F7F7F7F7F7Fu) + 0x7676767676767676u) | chunk) & 0x8080808080808080u; /* above nine */
    return others ? __builtin_ctzll(others) / 8 : 8;
}

/* The number that the first `count` of them make, 1 to 8. */
static inline uint64_t join_digits(uint64_t chunk, int count) {
    chunk <<= 64 - 8 * count; /* zeros before it */
    chunk = chunk * 10 + (chunk >> 8);
    return (uint32_t)(((chunk & 0x000000FF000000FFu) * 0x000F424000000064u +
                       ((chunk >> 16) & 0x000000FF000000FFu) * 0x0000271000000001u) >>
                      32);
}

/* The float that `digits` times 10^power is nearest to, if that is certain and it is normal; 0 otherwise.

   The double is within 2^-51 of the true value (one rounding of digits, power and product each, and less than 10^-18 for
   digits that were cut): if both ends of a wider span round to one float, so does the truth. */
static inline float nearest_float(uint64_t digits, int64_t power) {
    const double near = (double)digits * TENS[64 + power];
    const float low = (float)(near * (1 - 0x1p-50)), high = (float)(near * (1 + 0x1p-50));
    return low == high && low > 1.2e-38f && high < 3.4e38f ? low : 0.0f;
}

/* Numbers as vectors have them, with one digit before the point and 1 to 15 after it: what read_float does, in a few
   steps. NULL for any other. */
static inline const char *read_usual(const char *text, const char *end, float *value) {
    static const uint64_t WIDEN[9] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
    if (end - text < 20) return NULL;
    const int negative = *text == '-';
    text += negative;
    uint64_t digits = (unsigned char)(*text - '0');
    if (digits > 9 || text[1] != '.') return NULL;
    text += 2;
    uint64_t chunk = digits_at(text);
    int count = leading_digits(chunk), power = count;
    if (!count) return NULL;
    digits = digits * WIDEN[count] + join_digits(chunk, count);
    text += count;
    if (count == 8) {
        chunk = digits_at(text);
        count = leading_digits(chunk);
        if (count == 8) return NULL;
        if (count) digits = digits * WIDEN[count] + join_digits(chunk, count);
        text += count;
        power += count;
    }
    if ((*text | 0x20) == 'e') return NULL;
    const float found = nearest_float(digits, -power);
    if (found == 0.0f && digits) return NULL;
    *value = negative ? -found : found;
    return text;
}

/* Read the decimal at `text` (before `end`) as the nearest float32. Returns the byte after it, or NULL if there is none.
   Too large a number gives infinity; "nan" and "inf" are read, so that the caller can name the row. */
static inline const char *read_float(const char *text, const char *end, float *value) {
    const char *start = text, *first = read_usual(text, end, value);
    if (first) return first;
    uint64_t digits = 0, chunk;
    int64_t power = 0;
    int count = 0, negative = 0, point = 0; /* count: significant digits taken; any after the 19th are cut */
    if (text < end && (*text == '-' || *text == '+')) negative = *text++ == '-';
    first = text;
    for (; text < end && (unsigned)(*text - '0') < 10u; text++) {
        if (count < 19) {
            digits = digits * 10 + (*text - '0');
            count += digits != 0;
        } else power++;
    }
    int64_t seen = text - first;
    if (text < end && *text == '.') {
        point = 1;
        first = ++text;
        while (count <= 11 && end - text >= 8 && leading_digits(chunk = digits_at(text)) == 8) {
            const uint32_t eight = (uint32_t)join_digits(chunk, 8);
            count = digits ? count + 8 : eight ? count_digits(eight) : 0; /* leading zeros do not count */
            digits = digits * 100000000u + eight;
            text += 8;
            power -= 8;
        }
        for (; text < end && (unsigned)(*text - '0') < 10u; text++) {
            if (count < 19) {
                digits = digits * 10 + (*text - '0');
                count += digits != 0;
                power--;
            }
        }
        seen += text - first;
    }
    if (!seen) {
        if (point) return NULL; /* a point alone, or before a word: .nan */
        if (read_word(text, end, "nan")) text += 3;
        else if (read_word(text, end, "infinity")) text += 8;
        else if (read_word(text, end, "inf")) text += 3;
        else return NULL;
        *value = read_float_slowly(start, text);
        return text;
    }
    if (text < end && (*text | 0x20) == 'e') {
        const char *mark = text++;
        int64_t exponent = 0;
        int down = 0;
        if (text < end && (*text == '-' || *text == '+')) down = *text++ == '-';
        if (text >= end || (unsigned)(*text - '0') >= 10u) return mark; /* the caller finds the 'e' out of place */
        for (; text < end && (unsigned)(*text - '0') < 10u; text++)
            if (exponent < 1000000000) exponent = exponent * 10 + (*text - '0');
        power += down ? -exponent : exponent;
    }
    if (!digits) {
        *value = negative ? -0.0f : 0.0f;
        return text;
    }
    const float found = power >= -64 && power <= 38 ? nearest_float(digits, power) : 0.0f;
    if (found == 0.0f) *value = read_float_slowly(start, text); /* the C library decides */
    else *value = negative ? -found : found;
    return text;
}

#endif
