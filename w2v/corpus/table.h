/* A hash table: spelling -> provisional id and count.
 *
 * Open addressing over 8-byte slots (tag and id) that point into an array of entries. Spellings of up to 16 bytes, the
 * great majority, live in the entry as two zero-padded words; no spelling holds a NUL, so that the padding tells the
 * length. Longer ones live in an arena. The keys of the hash are drawn afresh for each run, so that no file can be made
 * to collide; nothing that leaves the encoder depends on them.
 *
 * Where several threads read, each has a small table of its own, whose spellings are handed over to the one of the text
 * from time to time (table_hand_over).
 */
#ifndef W2V_TABLE_H
#define W2V_TABLE_H

#include "pages.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define INLINE_BYTES 16
#define LONGEST_TOKEN 1024
#define NO_ENTRY (-1)
#define OUT_OF_MEMORY (-2)

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

typedef struct {
    uint64_t lo, hi; /* short: the bytes; long: hash and place in the arena */
    uint64_t count : 52, length : 12;
} entry;

typedef struct {
    uint32_t tag;
    uint32_t id_plus_1; /* 0: free */
} slot;

typedef struct {
    slot *slots;
    uint64_t mask;
    entry *entries;
    int64_t size, capacity;
    uint8_t *arena;
    uint64_t arena_size, arena_capacity;
    uint64_t key0, key1;
} table;

typedef struct {
    uint64_t lo, hi, hash;
    uint32_t length;
} key;

static inline uint64_t mix(uint64_t a, uint64_t b) {
#ifdef __SIZEOF_INT128__
    __uint128_t r = (__uint128_t)a * b;
    return (uint64_t)r ^ (uint64_t)(r >> 64);
#else
    uint64_t x = (a ^ (b << 32 | b >> 32)) * 0x9E3779B97F4A7C15ull;
    x = (x ^ (x >> 32)) * (b | 1);
    x = (x ^ (x >> 29)) * 0xBF58476D1CE4E5B9ull;
    return x ^ (x >> 32);
#endif
}

/* The first `length` (0-16) of 16 bytes keep their value, the others become zero. */
static inline void mask_bytes(uint64_t *lo, uint64_t *hi, uint32_t length) {
    static const uint8_t ones[32] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
    uint64_t m;
    memcpy(&m, ones + 16 - length, 8);
    *lo &= m;
    memcpy(&m, ones + 24 - length, 8);
    *hi &= m;
}

static inline uint64_t hash_long(const table *t, const uint8_t *p, uint32_t length) {
    uint64_t lo, hi, h = length;
    while (length > 16) {
        memcpy(&lo, p, 8);
        memcpy(&hi, p + 8, 8);
        h = mix(lo ^ t->key0 ^ h, hi ^ t->key1 ^ (h << 32 | h >> 32));
        p += 16;
        length -= 16;
    }
    memcpy(&lo, p, 8);
    memcpy(&hi, p + 8, 8);
    mask_bytes(&lo, &hi, length);
    return mix(lo ^ t->key1 ^ h, hi ^ t->key0 ^ (h << 32 | h >> 32));
}

/* The key of a token; 16 bytes from p on, and 16 behind a long token's end, must be readable. */
static inline key key_of(const table *t, const uint8_t *p, uint32_t length) {
    key k;
    k.length = length;
    if (likely(length <= INLINE_BYTES)) {
        memcpy(&k.lo, p, 8);
        memcpy(&k.hi, p + 8, 8);
        mask_bytes(&k.lo, &k.hi, length);
        k.hash = mix(k.lo ^ t->key0, k.hi ^ t->key1);
    } else {
        k.hash = hash_long(t, p, length);
        k.lo = k.hash;
        k.hi = 0;
    }
    return k;
}

static inline uint64_t hash_of_entry(const table *t, const entry *e) {
    return e->length <= INLINE_BYTES ? mix(e->lo ^ t->key0, e->hi ^ t->key1) : e->lo;
}

static inline uint32_t tag_of(uint64_t hash) { return (uint32_t)(hash >> 32); }

static inline const uint8_t *spelling(const table *t, const entry *e) {
    return e->length <= INLINE_BYTES ? (const uint8_t *)&e->lo : t->arena + e->hi;
}

static inline int holds(const table *t, const entry *e, const key *k, const uint8_t *p) {
    if (likely(k->length <= INLINE_BYTES)) return e->lo == k->lo && e->hi == k->hi && e->length == k->length;
    return e->lo == k->lo && e->length == k->length && memcmp(t->arena + e->hi, p, k->length) == 0;
}

/* At most so many of the slots are taken, so that probes stay short. */
static inline int64_t room_of(uint64_t mask) { return (int64_t)(mask / 8 * 5); }

static int table_init(table *t, uint64_t key0, uint64_t key1) {
    memset(t, 0, sizeof *t);
    t->key0 = key0;
    t->key1 = key1;
    t->mask = (1 << 12) - 1;
    t->slots = calloc(t->mask + 1, sizeof(slot));
    t->capacity = room_of(t->mask);
    t->entries = large_grow(NULL, 0, (size_t)t->capacity * sizeof(entry));
    return t->slots && t->entries ? 0 : OUT_OF_MEMORY;
}

static void table_free(table *t) {
    free(t->slots);
    large_free(t->entries, (size_t)t->capacity * sizeof(entry));
    large_free(t->arena, t->arena_capacity);
    memset(t, 0, sizeof *t);
}

/* Twice the slots. */
static int table_grow(table *t) {
    uint64_t mask = t->mask * 2 + 1;
    slot *slots = large_calloc((mask + 1) * sizeof(slot));
    if (!slots) return OUT_OF_MEMORY;
    entry *entries = large_grow(t->entries, (size_t)t->capacity * sizeof(entry), (size_t)room_of(mask) * sizeof(entry));
    if (!entries) {
        free(slots);
        return OUT_OF_MEMORY;
    }
    t->entries = entries;
    t->capacity = room_of(mask);
    for (uint64_t s = 0; s <= t->mask; s++) {
        slot old = t->slots[s];
        if (!old.id_plus_1) continue;
        uint64_t at = hash_of_entry(t, &entries[old.id_plus_1 - 1]) & mask;
        while (slots[at].id_plus_1) at = (at + 1) & mask;
        slots[at] = old;
    }
    free(t->slots);
    t->slots = slots;
    t->mask = mask;
    return 0;
}

static int64_t arena_put(table *t, const uint8_t *p, uint32_t length) {
    if (t->arena_size + length > t->arena_capacity) {
        uint64_t capacity = t->arena_capacity ? t->arena_capacity * 2 : 1 << 16;
        uint8_t *arena = large_grow(t->arena, t->arena_capacity, capacity);
        if (!arena) return OUT_OF_MEMORY;
        t->arena = arena;
        t->arena_capacity = capacity;
    }
    memcpy(t->arena + t->arena_size, p, length);
    t->arena_size += length;
    return (int64_t)(t->arena_size - length);
}

/* The id of the first entry with the tag of k on its probe path, or NO_ENTRY. Only a guess: the tag is 32 bits. */
static inline int32_t table_guess(const table *t, const key *k) {
    uint32_t tag = tag_of(k->hash);
    for (uint64_t at = k->hash & t->mask;; at = (at + 1) & t->mask) {
        slot s = t->slots[at];
        if (likely(s.id_plus_1 && s.tag == tag)) return (int32_t)(s.id_plus_1 - 1);
        if (!s.id_plus_1) return NO_ENTRY;
    }
}

/* The id of the spelling, entered with count 0 if it is new; or OUT_OF_MEMORY. */
static int32_t table_find_or_add(table *t, const key *k, const uint8_t *p) {
    uint32_t tag = tag_of(k->hash);
    uint64_t at = k->hash & t->mask;
    for (; t->slots[at].id_plus_1; at = (at + 1) & t->mask) {
        slot s = t->slots[at];
        if (s.tag == tag && holds(t, &t->entries[s.id_plus_1 - 1], k, p)) return (int32_t)(s.id_plus_1 - 1);
    }
    if (t->size == t->capacity) {
        if (t->size >= INT32_MAX / 2 || table_grow(t) < 0) return OUT_OF_MEMORY;
        for (at = k->hash & t->mask; t->slots[at].id_plus_1; at = (at + 1) & t->mask) {}
    }
    entry e = {k->lo, k->hi, 0, k->length};
    if (k->length > INLINE_BYTES) {
        int64_t place = arena_put(t, p, k->length);
        if (place < 0) return OUT_OF_MEMORY;
        e.hi = (uint64_t)place;
    }
    t->entries[t->size] = e;
    t->slots[at].tag = tag;
    t->slots[at].id_plus_1 = (uint32_t)(t->size + 1);
    return (int32_t)t->size++;
}

/* Forgets all spellings and keeps the room for them. */
static void table_clear(table *t) {
    memset(t->slots, 0, (t->mask + 1) * sizeof(slot));
    t->size = 0;
    t->arena_size = 0;
}

#define AHEAD 16 /* entries whose slots are fetched before they are looked at, and half as many whose spellings are */

static inline key key_of_entry(const table *t, const entry *e) {
    return (key){e->lo, e->length <= INLINE_BYTES ? e->hi : 0, hash_of_entry(t, e), e->length};
}

/* Adds the counts of the entries of `from` from `low` on to those of `to`, which gets the spellings that are new there;
 * they are 0 then. ids[i] becomes the id in `to` of entry i. 0, or OUT_OF_MEMORY. */
static int table_hand_over(table *to, table *from, int64_t low, int32_t *ids) {
    for (int64_t i = low; i < from->size; i++) {
        if (i + AHEAD < from->size) {
            const key later = key_of_entry(from, &from->entries[i + AHEAD]);
            __builtin_prefetch(&to->slots[later.hash & to->mask], 1);
        }
        if (i + AHEAD / 2 < from->size) {
            const key soon = key_of_entry(from, &from->entries[i + AHEAD / 2]);
            const int32_t guess = table_guess(to, &soon);
            if (guess != NO_ENTRY) __builtin_prefetch(&to->entries[guess], 1);
        }
        entry *e = &from->entries[i];
        const key k = key_of_entry(from, e);
        ids[i] = table_find_or_add(to, &k, spelling(from, e));
        if (ids[i] < 0) return OUT_OF_MEMORY;
        to->entries[ids[i]].count += e->count;
        e->count = 0;
    }
    return 0;
}

/* Adds the counts of entries that have been handed over once already. */
static void table_add_counts(table *to, const table *from, const int32_t *ids) {
    for (int64_t i = 0; i < from->size; i++) {
        if (i + AHEAD < from->size && from->entries[i + AHEAD].count)
            __builtin_prefetch(&to->entries[ids[i + AHEAD]], 1);
        if (from->entries[i].count) to->entries[ids[i]].count += from->entries[i].count;
    }
}

#endif
