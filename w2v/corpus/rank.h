/* The order of words: falling count, ties by rising bytes.
 *
 * Multikey quicksort (Bentley and Sedgewick 1997) over keys of four bytes: two hold the count upside down, the others
 * the word. The key of the level that is being sorted lies beside each index, so that eight bytes a word are all that
 * it takes, and a word is looked at only where those before it were equal. */
#ifndef W2V_RANK_H
#define W2V_RANK_H

#include <stdint.h>
#include <string.h>

#define COUNT_LEVELS 2
#define FEW 12 /* so few are sorted by insertion */

typedef struct {
    uint32_t key, index;
} ranked;

typedef struct {
    const char *data;
    const int64_t *ends, *counts;
    uint64_t random;
} ranking;

/* Words hold no NUL: zeros behind a word's end sort it before all that are longer. */
static inline uint32_t rank_key(const ranking *r, uint32_t index, int64_t level) {
    if (level < COUNT_LEVELS) return (uint32_t)(~(uint64_t)r->counts[index] >> (level ? 0 : 32));
    int64_t at = r->ends[index] + 4 * (level - COUNT_LEVELS), end = r->ends[index + 1];
    uint32_t key = 0;
    for (int i = 0; i < 4; i++, at++) key = key << 8 | (at < end ? (uint8_t)r->data[at] : 0);
    return key;
}

/* Whether a word goes on behind the key of this level. */
static inline int rank_goes_on(uint32_t key, int64_t level) { return level < COUNT_LEVELS || (key & 255); }

static inline int rank_before(const ranking *r, ranked a, ranked b, int64_t level) {
    while (a.key == b.key && rank_goes_on(a.key, level)) {
        level++;
        a.key = rank_key(r, a.index, level);
        b.key = rank_key(r, b.index, level);
    }
    return a.key < b.key;
}

static void rank_few(const ranking *r, ranked *items, int64_t n, int64_t level) {
    for (int64_t i = 1; i < n; i++) {
        ranked item = items[i];
        int64_t j = i;
        for (; j > 0 && rank_before(r, item, items[j - 1], level); j--) items[j] = items[j - 1];
        items[j] = item;
    }
}

/* By chance, so that no file makes it slow. */
static inline uint32_t rank_pivot(ranking *r, const ranked *items, int64_t n) {
    uint32_t keys[3];
    for (int i = 0; i < 3; i++) {
        r->random = r->random * 6364136223846793005ull + 1442695040888963407ull;
        keys[i] = items[(r->random >> 33) % (uint64_t)n].key;
    }
    uint32_t low = keys[0] < keys[1] ? keys[0] : keys[1], high = keys[0] < keys[1] ? keys[1] : keys[0];
    return keys[2] < low ? low : keys[2] > high ? high : keys[2];
}

/* Sorts items that are equal in all levels before; their keys are those of this level. */
static void rank_items(ranking *r, ranked *items, int64_t n, int64_t level) {
    while (n > FEW) {
        const uint32_t pivot = rank_pivot(r, items, n);
        int64_t less = 0, more = n, i = 0; /* items[less:i] are equal to the pivot, items[more:] are above it */
        while (i < more) {
            ranked item = items[i];
            if (item.key == pivot) i++;
            else if (item.key < pivot) items[i++] = items[less], items[less++] = item;
            else items[i] = items[--more], items[more] = item;
        }
        rank_items(r, items, less, level);
        rank_items(r, items + more, n - more, level);
        if (!rank_goes_on(pivot, level)) return;
        items += less;
        n = more - less;
        level++;
        for (i = 0; i < n; i++) items[i].key = rank_key(r, items[i].index, level);
    }
    rank_few(r, items, n, level);
}

/* Sorts n words, whose indices are given. */
static void rank_rows(ranking *r, ranked *items, int64_t n) {
    for (int64_t i = 0; i < n; i++) items[i].key = rank_key(r, items[i].index, 0);
    rank_items(r, items, n, 0);
}

#endif
