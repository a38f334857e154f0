/* Hash of a word, its line in a file of counts, and distance between two spellings. */
#ifndef W2V_WORDS_H
#define W2V_WORDS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t fold_product(uint64_t a, uint64_t b) {
#ifdef __SIZEOF_INT128__
    __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
#else
    uint64_t low = (a & 0xFFFFFFFFu) * (b & 0xFFFFFFFFu), high = (a >> 32) * (b >> 32);
    uint64_t cross = (a >> 32) * (b & 0xFFFFFFFFu) ^ (a & 0xFFFFFFFFu) * (b >> 32);
    return low ^ high ^ (cross << 32) ^ (cross >> 32);
#endif
}

/* Eight bytes a step, in the manner of wyhash (Wang Yi, public domain). The seed is drawn for each process, so that
   nobody can prepare a file whose words all collide. */
static inline uint32_t hash_word(const char *word, size_t length, uint64_t seed) {
    uint64_t hash = seed ^ (length * 0x9E3779B97F4A7C15u), chunk;
    for (; length >= 8; word += 8, length -= 8) {
        memcpy(&chunk, word, 8);
        hash = fold_product(hash ^ chunk, 0xA0761D6478BD642Fu);
    }
    if (length) {
        chunk = 0;
        memcpy(&chunk, word, length);
        hash = fold_product(hash ^ chunk, 0xE7037ED1A0B428DBu);
    }
    return (uint32_t)(fold_product(hash, 0x8EBC6AF09C88C6E3u) >> 32);
}

#define LONGEST_END 22 /* a tab, a sign and 19 digits, a line feed */

/* Writes a tab, the count and a line feed; returns how many bytes. */
static inline int put_count(char *out, int64_t count) {
    char digits[20], *p = digits + sizeof digits;
    uint64_t rest = count < 0 ? 0 - (uint64_t)count : (uint64_t)count;
    do *--p = (char)('0' + rest % 10);
    while (rest /= 10);
    if (count < 0) *--p = '-';
    int size = (int)(digits + sizeof digits - p);
    out[0] = '\t';
    memcpy(out + 1, p, (size_t)size);
    out[size + 1] = '\n';
    return size + 2;
}

/* UTF-8 to code points, ASCII letters in lower case; a byte that is not UTF-8 counts as one. At most `room` are written;
   returns how many there are, or room + 1 if more. */
static inline int spell(const char *word, size_t length, uint32_t *out, int room) {
    int count = 0;
    const unsigned char *p = (const unsigned char *)word, *end = p + length;
    while (p < end) {
        uint32_t c = *p;
        int more = c < 0xC2 ? 0 : c < 0xE0 ? 1 : c < 0xF0 ? 2 : c < 0xF5 ? 3 : 0;
        if (more > end - p - 1) more = 0;
        if (more) c &= 0x3F >> more;
        for (int i = 1; i <= more; i++) c = c << 6 | (p[i] & 0x3F);
        p += more + 1;
        if (c - 'A' < 26u) c += 'a' - 'A';
        if (count == room) return room + 1;
        out[count++] = c;
    }
    return count;
}

/* Whether a word is UTF-8, but for surrogates and what is beyond Unicode, and holds no control character. */
static inline int is_text(const char *word, int64_t length) {
    const unsigned char *p = (const unsigned char *)word, *end = p + length;
    while (p < end) {
        unsigned c = *p++;
        if (c < 0x80) {
            if (c < 0x20 || c == 0x7F) return 0;
            continue;
        }
        int more = c < 0xC2 ? 0 : c < 0xE0 ? 1 : c < 0xF0 ? 2 : c < 0xF5 ? 3 : 0;
        if (more == 0 || more > end - p) return 0;
        while (more--)
            if ((*p++ & 0xC0) != 0x80) return 0;
    }
    return 1;
}

#define SPELLING_ROOM 48

/* Optimal string alignment distance (insert, delete, replace, swap neighbours), or limit + 1 if it is more. */
static inline int spelling_distance(const uint32_t *a, int m, const uint32_t *b, int n, int limit) {
    if (m - n > limit || n - m > limit) return limit + 1;
    int rows[3][SPELLING_ROOM + 1];
    int *before = rows[0], *last = rows[1], *row = rows[2], *spare;
    for (int j = 0; j <= n; j++) last[j] = j;
    for (int i = 1; i <= m; i++) {
        int best = row[0] = i;
        for (int j = 1; j <= n; j++) {
            int cost = last[j - 1] + (a[i - 1] != b[j - 1]);
            if (last[j] + 1 < cost) cost = last[j] + 1;
            if (row[j - 1] + 1 < cost) cost = row[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < cost)
                cost = before[j - 2] + 1;
            row[j] = cost;
            if (cost < best) best = cost;
        }
        if (best > limit) return limit + 1;
        spare = before, before = last, last = row, row = spare;
    }
    return last[n];
}

#endif
