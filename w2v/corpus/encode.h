/* Bytes -> provisional ids (encode_piece), and provisional -> final ids (measure_block, write_block). */
#ifndef W2V_ENCODE_H
#define W2V_ENCODE_H

#include "scan.h"
#include "table.h"

#define SENTENCE_END (-1)
#define DROPPED (-2)
#define RUN_BASE (-16) /* a map value m <= RUN_BASE stands for the ids of run RUN_BASE - m */
#define LONGEST_SENTENCE 10000
#define CONTEXT CHUNK                 /* bytes before the owned ones; the last CONTEXT_BYTES of them count */
#define CONTEXT_BYTES 3               /* the longest separator */
#define LOOKAHEAD (LONGEST_TOKEN + 4) /* so that a token that starts at the last owned byte is seen to its end */
#define PADDING (2 * CHUNK)
#define SPAN 2048 /* bytes of text between two visits of the table: its tokens stay in the L1 cache */

typedef struct {
    int64_t tokens, too_long, nuls;
} tally;

typedef struct {
    key key;
    uint32_t start;
    int32_t guess;
} token;

typedef struct {
    table *table;
    const uint8_t *data;
    uint32_t end; /* tokens that start before it are ours */
    int32_t *out;
    int64_t written;
    int ended;      /* the last thing written is a sentence end */
    int every_line; /* lines without tokens have a sentence end too */
    tally *tally;
    uint32_t edges[SPAN + 2 * CHUNK];
    uint32_t newlines[SPAN + 2 * CHUNK];
    token tokens[SPAN / 2 + CHUNK];
} encoding;

static inline void end_sentence(encoding *c) {
    if (!c->ended || c->every_line) c->out[c->written++] = SENTENCE_END;
    c->ended = 1;
}

/* Looks `n` tokens up, in three sweeps so that the misses of many overlap: hash, slot, entry. */
static int encode_tokens(encoding *c, int n, int newlines) {
    table *t = c->table;
    token *tokens = c->tokens;
    for (int i = 0; i < n; i++) {
        token *k = &tokens[i];
        k->start = c->edges[2 * i];
        uint32_t length = c->edges[2 * i + 1] - k->start;
        if (unlikely(k->start >= c->end)) {
            n = i;
            break;
        }
        if (unlikely(length > LONGEST_TOKEN)) {
            k->key.length = 0;
            k->key.hash = 0;
            continue;
        }
        k->key = key_of(t, c->data + k->start, length);
        __builtin_prefetch(&t->slots[k->key.hash & t->mask]);
    }
    for (int i = 0; i < n; i++) {
        tokens[i].guess = table_guess(t, &tokens[i].key);
        __builtin_prefetch(&t->entries[tokens[i].guess], 1);
    }
    c->newlines[newlines] = UINT32_MAX;
    const uint32_t *newline = c->newlines;
    for (int i = 0; i < n; i++) {
        token *k = &tokens[i];
        while (unlikely(*newline < k->start)) {
            end_sentence(c);
            newline++;
        }
        if (unlikely(k->key.length == 0)) {
            c->tally->too_long++;
            continue;
        }
        int32_t id = k->guess;
        if (unlikely(id < 0 || !holds(t, &t->entries[id], &k->key, c->data + k->start))) {
            id = table_find_or_add(t, &k->key, c->data + k->start);
            if (id < 0) return OUT_OF_MEMORY;
        }
        t->entries[id].count++;
        c->out[c->written++] = id;
        c->ended = 0;
        c->tally->tokens++;
    }
    while (*newline++ != UINT32_MAX) end_sentence(c);
    return 0;
}

/* Encodes the tokens that start in data[CONTEXT:end] and the newlines that stand there.
 *
 * data[:limit] is text (the context filled up with spaces in front), data[limit:limit + PADDING] spaces. `last`: the
 * text ends at `limit`. `out` has room for end - CONTEXT + 2 ids. Returns how many were written, or OUT_OF_MEMORY. */
static int64_t encode_piece(encoding *c, int whitespace, uint32_t limit, int last) {
    uint64_t spill = 0;
    uint64_t before = ~scan_chunk(c->data, whitespace, &spill).separators >> (CHUNK - 1);
    int foreign = (int)before; /* the first edge ends a token that started before our bytes */
    int edges = 0, newlines = 0, done = 0;
    uint32_t base = CONTEXT;
    c->written = 0;
    c->ended = 0;
    while (!done) {
        uint32_t stop = base + SPAN;
        for (; base < stop; base += CHUNK) {
            if (base >= limit + CHUNK || (base >= c->end && !before)) {
                done = 1;
                break;
            }
            chunk_masks m = scan_chunk(c->data + base, whitespace, &spill);
            uint64_t inside = ~m.separators;
            uint64_t edge = inside ^ (inside << 1 | before);
            before = inside >> (CHUNK - 1);
            if (unlikely(base + CHUNK > c->end)) {
                uint64_t owned = base >= c->end ? 0 : (1ull << (c->end - base)) - 1;
                m.newlines &= owned;
                m.nuls &= owned;
            }
            edges += bit_positions(edge, base, c->edges + edges);
            if (m.newlines) newlines += bit_positions(m.newlines, base, c->newlines + newlines);
            if (unlikely(m.nuls)) c->tally->nuls += __builtin_popcountll(m.nuls);
            if (unlikely(foreign && edges)) {
                memmove(c->edges, c->edges + 1, (size_t)--edges * sizeof(uint32_t));
                foreign = 0;
            }
        }
        if (encode_tokens(c, edges / 2, newlines) < 0) return OUT_OF_MEMORY;
        if (edges & 1) c->edges[0] = c->edges[edges - 1];
        edges &= 1;
        newlines = 0;
    }
    if (last) end_sentence(c);
    return c->written;
}

/* Provisional to final ids. */

typedef struct {
    const int32_t *map;      /* provisional id -> final id, DROPPED, or a run */
    uint32_t words;          /* of the map */
    const int64_t *run_ends; /* run r: run_ids[run_ends[r]:run_ends[r + 1]] */
    const int32_t *run_ids;
} remapping;

typedef struct {
    int64_t head, tail; /* kept tokens before the first and behind the last sentence end (head alone if none) */
    int64_t ends;       /* sentence ends found */
    int64_t between;    /* ids, with their sentence ends, of the whole sentences between head and tail */
    int64_t kept;
    int64_t sentences, cut; /* of those between */
} block_measure;

/* Returns the place of an id that the map does not have, -1 where all is well. */
static int64_t measure_block(const int32_t *ids, int64_t n, const remapping *r, block_measure *m) {
    int64_t length = 0;
    memset(m, 0, sizeof *m);
    for (int64_t i = 0; i < n; i++) {
        int32_t id = ids[i];
        if (unlikely(id == SENTENCE_END)) {
            if (m->ends++ == 0) {
                m->head = length;
            } else if (length) {
                int64_t parts = (length + LONGEST_SENTENCE - 1) / LONGEST_SENTENCE;
                m->between += length + parts;
                m->sentences += parts;
                m->cut += parts > 1;
            }
            m->kept += length;
            length = 0;
            continue;
        }
        if (unlikely((uint32_t)id >= r->words)) return i;
        int32_t final = r->map[id];
        if (likely(final >= 0)) {
            length++;
        } else if (final <= RUN_BASE) {
            int32_t run = RUN_BASE - final;
            length += r->run_ends[run + 1] - r->run_ends[run];
        }
    }
    m->kept += length;
    if (m->ends) m->tail = length;
    else m->head = length;
    return -1;
}

#define PUT(id)                              \
    do {                                     \
        if (unlikely(out == end)) return -1; \
        *out++ = (id);                       \
    } while (0)

/* Writes the final ids of a block; `open` tokens of the sentence it begins in are written already. Returns the number
 * of ids written, or -1 where they are not those that were measured. */
static int64_t
write_block(const int32_t *ids, int64_t n, const remapping *r, int64_t open, int32_t *out, int64_t room) {
    int32_t *start = out, *end = out + room;
    for (int64_t i = 0; i < n; i++) {
        int32_t id = ids[i];
        if (unlikely(id == SENTENCE_END)) {
            if (open) PUT(SENTENCE_END);
            open = 0;
            continue;
        }
        if (unlikely((uint32_t)id >= r->words)) return -1;
        int32_t final = r->map[id];
        if (likely(final >= 0)) {
            if (unlikely(open == LONGEST_SENTENCE)) {
                PUT(SENTENCE_END);
                open = 0;
            }
            PUT(final);
            open++;
        } else if (final <= RUN_BASE) {
            int32_t run = RUN_BASE - final;
            for (int64_t j = r->run_ends[run]; j < r->run_ends[run + 1]; j++) {
                if (unlikely(open == LONGEST_SENTENCE)) {
                    PUT(SENTENCE_END);
                    open = 0;
                }
                PUT(r->run_ids[j]);
                open++;
            }
        }
    }
    return out - start;
}

#endif
