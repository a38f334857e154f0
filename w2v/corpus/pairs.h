/* Pairs of words that stand side by side, counted, and joined where a phrase was found.
 *
 * A walk goes over ids (-1 ends a sentence). Two words are a pair if nothing or a few connectors (of, the) stand between
 * them; which ones is told by a number: 0 for none, else the connectors' numbers 1..C as digits of base C + 1.
 *
 * Counting: one open-addressing table a thread, for its part of the ids; at the end all are added to the first. A table
 * that may not grow any more gives up the upper half of its range of hashes; the caller counts that in another round, so
 * no pair is ever dropped for lack of memory. What a pair needs from memory is fetched 32 pairs ahead.
 *
 * Most pairs occur once or twice and need no slot. So a walk ahead counts all pairs in one array of bytes, where several
 * pairs may share one: it is small, and no pair occurs more often than its byte says. Those that cannot reach what a
 * phrase of these two words needs by that are left out. */

#ifndef W2V_PAIRS_H
#define W2V_PAIRS_H

#include "pages.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PENDING 32
#define SENTENCE -1
#define COUNT_BITS 48
#define COUNT_MASK ((1ull << COUNT_BITS) - 1)
#define DEEPEST 4       /* connectors between two words */
#define SKETCH_FULL 255 /* so often or more */

typedef struct {
    uint32_t a, b;
    uint64_t rest; /* between << 48 | count; 0: the slot is free */
} pair_slot;

typedef struct {
    uint32_t a, b, between;
    uint64_t hash;
} pair_key;

typedef struct {
    pair_slot *slots;
    uint64_t mask;
    uint64_t used, largest; /* slots */
    uint64_t low, high;     /* the upper 32 bits of the hashes that are counted here: low <= h < high */
    uint64_t seed;
    /* of the walk */
    const int32_t
        *roles;          /* of an id: 0 a word that may be in a phrase, -1 one that may not, c > 0 connector number c */
    const float *rarity; /* NULL, or ln(tokens / count) of an id */
    float least;         /* with rarity: the smaller must be this share of the larger */
    const float *weight; /* a pair needs more than fewest + weight of a * weight of b to be a phrase */
    float fewest;
    const uint8_t *sketch; /* NULL, or how often the pairs that share a byte occur */
    uint64_t sketch_mask;
    uint32_t base, deepest; /* C + 1; connectors in a row */
    int32_t start;          /* the word before, -1 for none */
    uint32_t between, depth;
    pair_key pending[PENDING];
    uint32_t at, filled;
} pair_table;

static inline uint64_t pair_hash(uint32_t a, uint32_t b, uint32_t between, uint64_t seed) {
    uint64_t x = ((uint64_t)a << 32 | b) ^ seed;
    x += between * 0x9E3779B97F4A7C15ull;
    x = (x ^ x >> 32) * 0xD6E8FEB86659FD93ull; /* https://nullprogram.com/blog/2018/07/31/ */
    x = (x ^ x >> 32) * 0xD6E8FEB86659FD93ull;
    return x ^ x >> 32;
}

static inline pair_slot *pair_find(pair_slot *slots, uint64_t mask, const pair_key *k) {
    uint64_t i = k->hash & mask;
    for (;; i = (i + 1) & mask) {
        pair_slot *s = &slots[i];
        if (s->rest == 0 || (s->a == k->a && s->b == k->b && s->rest >> COUNT_BITS == k->between)) return s;
    }
}

static inline pair_key key_of_slot(const pair_table *t, const pair_slot *s) {
    const uint32_t between = (uint32_t)(s->rest >> COUNT_BITS);
    return (pair_key){s->a, s->b, between, pair_hash(s->a, s->b, between, t->seed)};
}

/* Puts the slots within the range into a new table of `size` slots. 0, or -1 for no memory. */
static int pair_rebuild(pair_table *t, uint64_t size) {
    pair_slot *slots = large_calloc(size * sizeof(pair_slot));
    if (!slots) return -1;
    uint64_t used = 0;
    for (uint64_t i = 0; t->slots && i <= t->mask; i++) {
        pair_slot *s = &t->slots[i];
        if (s->rest == 0) continue;
        const pair_key k = key_of_slot(t, s);
        if (k.hash >> 32 >= t->high) continue;
        *pair_find(slots, size - 1, &k) = *s;
        used++;
    }
    free(t->slots);
    t->slots = slots;
    t->mask = size - 1;
    t->used = used;
    return 0;
}

/* Room for another pair: a larger table, or a smaller range of hashes. */
static int pair_make_room(pair_table *t) {
    uint64_t size = t->mask + 1;
    if (size < t->largest) return pair_rebuild(t, size * 2);
    if (t->high - t->low < 2) return -1;
    t->high = t->low + (t->high - t->low) / 2;
    return pair_rebuild(t, size);
}

/* The byte of a pair in a sketch: by other bits of its hash than its slot and its range. */
static inline uint64_t sketch_place(uint64_t hash, uint64_t mask) { return hash >> 20 & mask; }

static inline int pair_may_be_phrase(const pair_table *t, const pair_key *k) {
    if (!t->sketch) return 1;
    uint8_t seen = t->sketch[sketch_place(k->hash, t->sketch_mask)];
    float needed = (t->fewest + t->weight[k->a] * t->weight[k->b]) * (1 - 1e-5f); /* rounding may not leave one out */
    return seen == SKETCH_FULL || seen >= needed;
}

/* Counts a pair `count` times more. 0, or -1 for no memory. */
static int pair_put(pair_table *t, const pair_key *k, uint64_t count) {
    if (k->hash >> 32 >= t->high) return 0; /* the range has shrunk meanwhile */
    pair_slot *s = pair_find(t->slots, t->mask, k);
    if (s->rest) {
        s->rest += count;
        return 0;
    }
    if (t->used >= t->mask / 2 + t->mask / 8) return pair_make_room(t) < 0 ? -1 : pair_put(t, k, count);
    s->a = k->a;
    s->b = k->b;
    s->rest = (uint64_t)k->between << COUNT_BITS | count;
    t->used++;
    return 0;
}

static inline int pair_count(pair_table *t, const pair_key *k) {
    return pair_may_be_phrase(t, k) ? pair_put(t, k, 1) : 0;
}

/* Adds what `from` has counted, for the hashes that both have counted to the end. 0, or -1 for no memory. */
static int pair_merge(pair_table *t, const pair_table *from) {
    if (from->high < t->high) {
        t->high = from->high;
        if (pair_rebuild(t, t->mask + 1) < 0) return -1;
    }
    for (uint64_t i = 0; i <= from->mask; i++) {
        const pair_slot *s = &from->slots[i];
        if (s->rest == 0) continue;
        const pair_key k = key_of_slot(t, s);
        if (pair_put(t, &k, s->rest & COUNT_MASK) < 0) return -1;
    }
    return 0;
}

static inline int pair_add(pair_table *t, uint32_t a, uint32_t b, uint32_t between) {
    pair_key k = {a, b, between, pair_hash(a, b, between, t->seed)};
    uint64_t h = k.hash >> 32;
    if (h < t->low || h >= t->high) return 0;
    if (t->sketch) __builtin_prefetch(&t->sketch[sketch_place(k.hash, t->sketch_mask)]);
    else __builtin_prefetch(&t->slots[k.hash & t->mask], 1);
    if (t->filled == PENDING) {
        if (pair_count(t, &t->pending[t->at]) < 0) return -1;
    } else {
        t->filled++;
    }
    t->pending[t->at] = k;
    t->at = (t->at + 1) % PENDING;
    return 0;
}

/* Counts what waits. 0, or -1 for no memory. */
static int pair_flush(pair_table *t) {
    uint32_t first = t->filled == PENDING ? t->at : 0;
    for (uint32_t i = 0; i < t->filled; i++)
        if (pair_count(t, &t->pending[(first + i) % PENDING]) < 0) return -1;
    t->filled = t->at = 0;
    return 0;
}

/* Counts the pairs of n more ids: in `sketch` where there is one, else in the table. 0, or -1 for no memory. */
static inline __attribute__((always_inline)) int
pair_visit(pair_table *t, const int32_t *ids, int64_t n, uint8_t *sketch, uint64_t mask) {
    int32_t start = t->start;
    uint32_t between = t->between, depth = t->depth;
    for (int64_t i = 0; i < n; i++) {
        int32_t id = ids[i];
        if (id < 0) {
            start = SENTENCE;
            continue;
        }
        int32_t role = t->roles[id];
        if (role > 0) {
            between = between * t->base + (uint32_t)role;
            if (++depth > t->deepest) start = SENTENCE;
            continue;
        }
        if (role == 0 && start >= 0) {
            int may = 1;
            if (t->rarity) {
                float x = t->rarity[start], y = t->rarity[id];
                may = x < y ? x >= t->least * y : y >= t->least * x;
            }
            if (sketch && may) {
                uint8_t *seen = &sketch[sketch_place(pair_hash((uint32_t)start, (uint32_t)id, between, t->seed), mask)];
                *seen += *seen != SKETCH_FULL;
            } else if (may && pair_add(t, (uint32_t)start, (uint32_t)id, between) < 0) return -1;
        }
        start = role == 0 ? id : SENTENCE; /* a word that may not be in a phrase begins none */
        between = depth = 0;
    }
    t->start = start;
    t->between = between;
    t->depth = depth;
    return 0;
}

static int pair_walk(pair_table *t, const int32_t *ids, int64_t n) { return pair_visit(t, ids, n, NULL, 0); }

static void pair_sketch(pair_table *t, const int32_t *ids, int64_t n, uint8_t *sketch, uint64_t mask) {
    pair_visit(t, ids, n, sketch, mask);
}

/* Joins n ids of whole sentences, from left to right: a pair that is a phrase becomes one id, and the word after it can
 * only begin another pair. `phrases` is a table whose count is the phrase's id + 1. `marks` of an id: 1 a phrase may begin
 * with it, 2 end with it, 4 a connector. `out` may be `ids`. `changes` of an id gets how much its count changes. Returns ids written. */
static int64_t pair_join(
    const pair_table *phrases, const uint8_t *marks, const int32_t *ids, int64_t n, int32_t *out, int64_t *changes
) {
    int64_t written = 0, from = 0; /* from: where the pair that is begun stands in out */
    int32_t start = SENTENCE;
    uint32_t between = 0, depth = 0;
    for (int64_t i = 0; i < n; i++) {
        int32_t id = ids[i];
        if (id < 0) {
            start = SENTENCE;
            out[written++] = id;
            continue;
        }
        uint8_t mark = marks[id];
        if (mark & 4) {
            out[written++] = id;
            between = between * phrases->base + (uint32_t)phrases->roles[id];
            if (++depth > phrases->deepest) start = SENTENCE;
            continue;
        }
        if (start >= 0 && mark & 2) {
            pair_key k = {(uint32_t)start, (uint32_t)id, between, 0};
            k.hash = pair_hash(k.a, k.b, k.between, phrases->seed);
            uint64_t found = pair_find(phrases->slots, phrases->mask, &k)->rest & COUNT_MASK;
            if (found) {
                for (int64_t j = from; j < written; j++) changes[out[j]]--;
                changes[id]--;
                int32_t phrase = (int32_t)(found - 1);
                changes[phrase]++;
                written = from;
                out[written++] = phrase;
                start = SENTENCE;
                continue;
            }
        }
        start = mark & 1 ? id : SENTENCE;
        between = depth = 0;
        from = written;
        out[written++] = id;
    }
    return written;
}

#endif
