/* The order of words: falling count, ties by rising bytes. */
#ifndef W2V_RANK_H
#define W2V_RANK_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int64_t count;
    uint64_t prefix; /* the first eight bytes as a number that sorts like them */
    const uint8_t *bytes;
    int32_t length;
    int32_t index;
} ranked;

static inline uint64_t prefix_of(const uint8_t *bytes, int32_t length) {
    uint64_t prefix = 0;
    for (int i = 0; i < 8; i++) prefix = prefix << 8 | (i < length ? bytes[i] : 0);
    return prefix;
}

static int compare_bytes(const void *a, const void *b) {
    const ranked *x = a, *y = b;
    int order = memcmp(x->bytes, y->bytes, (size_t)(x->length < y->length ? x->length : y->length));
    return order ? order : (x->length > y->length) - (x->length < y->length);
}

/* Byte d of the 16-byte sort key, least significant first: the prefix, then the count upside down. */
static inline int key_byte(const ranked *x, int d) {
    return (int)((d < 8 ? x->prefix : ~(uint64_t)x->count) >> (8 * (d & 7)) & 255);
}

/* Radix sort by count and prefix, then a comparison sort of what is equal in both. `items` and `scratch` have n
 * places; returns the one that holds the result. */
static ranked *rank_items(ranked *items, ranked *scratch, int64_t n) {
    int64_t places[16][256];
    memset(places, 0, sizeof places);
    for (int64_t i = 0; i < n; i++)
        for (int d = 0; d < 16; d++) places[d][key_byte(&items[i], d)]++;
    for (int d = 0; d < 16; d++) {
        int64_t sum = 0;
        if (n == 0 || places[d][key_byte(items, d)] == n) continue; /* the same everywhere */
        for (int b = 0; b < 256; b++) {
            int64_t here = places[d][b];
            places[d][b] = sum;
            sum += here;
        }
        for (int64_t i = 0; i < n; i++) scratch[places[d][key_byte(&items[i], d)]++] = items[i];
        ranked *swap = items;
        items = scratch;
        scratch = swap;
    }
    for (int64_t i = 0, j; i < n; i = j) {
        for (j = i + 1; j < n && items[j].count == items[i].count && items[j].prefix == items[i].prefix; j++) {}
        if (j - i > 1) qsort(items + i, (size_t)(j - i), sizeof *items, compare_bytes);
    }
    return items;
}

#endif
