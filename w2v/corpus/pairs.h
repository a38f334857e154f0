/* Pairs of words that stand side by side, counted, and joined where a phrase was found.
 *
 * A walk goes over ids (-1 ends a sentence). Two words are a pair if nothing or a few connectors (of, the) stand between
 * them; which ones is told by a number: 0 for none, else the connectors' numbers 1..C as digits of base C + 1.
 *
 * Counting: one open-addressing table a thread, for its part of the ids; at the end all are added to the first. A table
 * that may not grow any more gives up the upper half of its range of hashes; the caller counts that in another round, so
 * no pair is ever dropped for lack of memory.
 *
 * Most pairs occur once or twice and need no slot. So a walk ahead counts all pairs in one array of bytes, where several
 * pairs may share one: it is small, and no pair occurs more often than its byte says. Those that cannot reach what a
 * phrase of these two words needs by that are left out.
 *
 * All of it goes in batches, a step of the work at a time: what is a pair is as good as random, and a loop that appends
 * every candidate and moves its end on only behind the wanted ones has no branch to predict; and what a step needs from
 * memory, the step before has asked for. */

#ifndef W2V_PAIRS_H
#define W2V_PAIRS_H

#include "pages.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 512 /* ids */
#define BEGINS 1  /* marks of an id: a pair may begin with it, end with it, or it is a connector */
#define ENDS 2
#define CONNECTOR 4
#define COUNT_BITS 48
#define COUNT_MASK ((1ull << COUNT_BITS) - 1)
#define DEEPEST 4       /* connectors between two words */
#define SKETCH_FULL 255 /* so often or more */
#define OF_NO_WORD (-2) /* an id that is neither below `words` nor the end of a sentence */

typedef struct {
    uint32_t a, b;
    uint64_t rest; /* between << 48 | count; 0: the slot is free */
} pair_slot;

typedef struct {
    uint32_t a, b, between;
    uint16_t back, to; /* where b is in its batch, and how far before it a is */
    uint64_t hash;
} pair_key;

typedef struct {
    pair_slot *slots;
    uint64_t mask;
    uint64_t used, largest; /* slots */
    uint64_t low, high;     /* the upper 32 bits of the hashes that are counted here: low <= h < high */
    uint64_t seed;
    /* of the walk */
    uint32_t words;       /* ids are below it */
    const uint8_t *marks; /* of an id; marks[-1] is 0 */
    const int32_t *roles; /* the number of a connector, from 1 */
    const float *rarity;  /* NULL, or ln(tokens / count) of an id */
    float least;          /* with rarity: the smaller must be this share of the larger */
    const float *weight;  /* a pair needs more than fewest + weight of a * weight of b to be a phrase */
    float fewest;
    const uint8_t *sketch; /* NULL, or how often the pairs that share a byte occur; to join: a bit of each phrase */
    uint64_t sketch_mask;
    uint32_t base, deepest; /* C + 1; connectors in a row */
} pair_table;

typedef struct {
    const int32_t *ids;
    int64_t n, begin, end; /* of the batch */
    uint32_t depth;        /* connectors since the last word */
    uint8_t begins;        /* whether a pair may begin with that word */
} pair_walk;

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
    return (pair_key){.a = s->a, .b = s->b, .between = between, .hash = pair_hash(s->a, s->b, between, t->seed)};
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

/* The bit of a phrase in its byte of a sketch. */
static inline uint8_t sketch_bit(uint64_t hash) { return (uint8_t)(1 << (hash >> 17 & 7)); }

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

/* Whether every id is -1 or below `words`. */
static int ids_below(const int32_t *ids, int64_t n, uint32_t words) {
    uint32_t bad = 0;
    for (int64_t i = 0; i < n; i++) bad |= (uint32_t)ids[i] + 1 > words;
    return !bad;
}

/* The pairs that end in the next batch of ids, at most BATCH; or OF_NO_WORD. */
static int64_t pair_next(const pair_table *t, pair_walk *walk, pair_key *found) {
    const uint8_t *marks = t->marks;
    uint32_t depth = walk->depth;
    uint8_t begins = walk->begins;
    uint16_t ends[BATCH + 1];
    int64_t count = 0;
    walk->begin = walk->end;
    walk->end += walk->n - walk->end < BATCH ? walk->n - walk->end : BATCH;
    const int32_t *ids = walk->ids + walk->begin;
    if (!ids_below(ids, walk->end - walk->begin, t->words)) return OF_NO_WORD;
    for (int64_t i = 0; i < walk->end - walk->begin; i++) {
        const uint8_t mark = marks[ids[i]];
        if (__builtin_expect(mark & CONNECTOR, 0)) {
            if (++depth > t->deepest) begins = 0;
            continue;
        }
        ends[count] = (uint16_t)i;
        count += begins & mark / ENDS;
        begins = mark & BEGINS, depth = 0;
    }
    walk->depth = depth, walk->begins = begins;
    for (int64_t j = 0; j < count; j++) {
        const int32_t *b = ids + ends[j], *a = b - 1;
        uint32_t between = 0, place = 1;
        for (; marks[*a] & CONNECTOR; a--, place *= t->base) between += place * (uint32_t)t->roles[*a];
        found[j] = (pair_key){(uint32_t)*a, (uint32_t)*b, between, (uint16_t)(b - a), ends[j], 0};
        found[j].hash = pair_hash(found[j].a, found[j].b, between, t->seed);
    }
    return count;
}

/* Asks for the bytes of pairs in a sketch; keeps those that are counted here. Returns how many. */
static int64_t pair_wanted(const pair_table *t, pair_key *keys, int64_t n, const uint8_t *sketch, uint64_t mask) {
    const int all = t->low == 0 && t->high >> 32;
    int64_t kept = 0;
    for (int64_t i = 0; i < n && sketch; i++) __builtin_prefetch(&sketch[sketch_place(keys[i].hash, mask)]);
    if (all && !t->rarity) return n;
    for (int64_t i = 0; i < n; i++) {
        const pair_key k = keys[i];
        int wanted = (k.hash >> 32 >= t->low) & (k.hash >> 32 < t->high);
        if (t->rarity) {
            const float x = t->rarity[k.a], y = t->rarity[k.b];
            wanted &= x < y ? x >= t->least * y : y >= t->least * x;
        }
        keys[kept] = k;
        kept += wanted;
    }
    return kept;
}

/* Keeps the pairs that may be phrases by the sketch. Returns how many. */
static int64_t pair_sift(const pair_table *t, pair_key *keys, int64_t n) {
    const float share = 1 - 1e-5f; /* rounding may not leave one out */
    const float fewest = t->fewest * share < SKETCH_FULL ? t->fewest * share : SKETCH_FULL;
    int64_t some = 0, kept = 0;
    for (int64_t i = 0; i < n; i++) { /* most have too few for any two words */
        keys[some] = keys[i];
        some += t->sketch[sketch_place(keys[i].hash, t->sketch_mask)] >= fewest;
    }
    for (int64_t i = 0; i < some; i++) {
        const pair_key k = keys[i];
        const uint8_t seen = t->sketch[sketch_place(k.hash, t->sketch_mask)];
        keys[kept] = k;
        kept += (seen == SKETCH_FULL) | (seen >= (t->fewest + t->weight[k.a] * t->weight[k.b]) * share);
    }
    return kept;
}

/* Counts the pairs of n ids of whole sentences. 0, -1 for no memory, or OF_NO_WORD. */
static int pair_count(pair_table *t, const int32_t *ids, int64_t n) {
    pair_key keys[BATCH + 1];
    pair_walk walk = {.ids = ids, .n = n};
    while (walk.end < n) {
        int64_t count = pair_next(t, &walk, keys);
        if (count < 0) return OF_NO_WORD;
        count = pair_wanted(t, keys, count, t->sketch, t->sketch_mask);
        if (t->sketch) count = pair_sift(t, keys, count);
        for (int64_t i = 0; i < count; i++) __builtin_prefetch(&t->slots[keys[i].hash & t->mask], 1);
        for (int64_t i = 0; i < count; i++)
            if (pair_put(t, &keys[i], 1) < 0) return -1;
    }
    return 0;
}

/* The same in a sketch, as often as its bytes can say. 0, or OF_NO_WORD. */
static int pair_sketch(const pair_table *t, const int32_t *ids, int64_t n, uint8_t *sketch, uint64_t mask) {
    pair_key keys[BATCH + 1];
    pair_walk walk = {.ids = ids, .n = n};
    while (walk.end < n) {
        int64_t count = pair_next(t, &walk, keys);
        if (count < 0) return OF_NO_WORD;
        count = pair_wanted(t, keys, count, sketch, mask);
        for (int64_t i = 0; i < count; i++) {
            uint8_t *seen = &sketch[sketch_place(keys[i].hash, mask)];
            *seen += *seen != SKETCH_FULL;
        }
    }
    return 0;
}

/* Joins n ids of whole sentences, from left to right: a pair that is a phrase becomes one id, and the word after it can
 * only begin another pair. `phrases` is a table whose count is the phrase's id + 1. `out` may be `ids`. `changes` of an
 * id gets how much its count changes. Returns ids written, or OF_NO_WORD. */
static int64_t pair_join(const pair_table *phrases, const int32_t *ids, int64_t n, int32_t *out, int64_t *changes) {
    pair_key keys[BATCH + 1];
    pair_walk walk = {.ids = ids, .n = n};
    int64_t written = 0, done = 0; /* ids before `done` are in out, or in a phrase there */
    while (walk.end < n) {
        int64_t count = pair_next(phrases, &walk, keys);
        int64_t some = 0; /* most are no phrases, and few of those share a bit with one */
        if (count < 0) return OF_NO_WORD;
        for (int64_t i = 0; i < count; i++) {
            const uint64_t hash = keys[i].hash;
            keys[some] = keys[i];
            some += (phrases->sketch[sketch_place(hash, phrases->sketch_mask)] & sketch_bit(hash)) != 0;
        }
        for (int64_t i = 0; i < some; i++) __builtin_prefetch(&phrases->slots[keys[i].hash & phrases->mask]);
        for (int64_t i = 0; i < some; i++) {
            const uint64_t found = pair_find(phrases->slots, phrases->mask, &keys[i])->rest & COUNT_MASK;
            if (!found) continue;
            const int64_t to = walk.begin + keys[i].to, from = to - keys[i].back;
            if (from < done) continue; /* its first word is the last one of a phrase */
            for (int64_t j = from; j <= to; j++) changes[ids[j]]--;
            changes[found - 1]++;
            memmove(out + written, ids + done, (size_t)(from - done) * sizeof *ids);
            written += from - done;
            out[written++] = (int32_t)(found - 1);
            done = to + 1;
        }
    }
    memmove(out + written, ids + done, (size_t)(n - done) * sizeof *ids);
    return written + n - done;
}

#endif
