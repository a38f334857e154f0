/* One pass over text that sees what a look at it by hand would miss: a byte at a time, so that it can say where. */
#ifndef W2V_CENSUS_H
#define W2V_CENSUS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    SEEN_INVALID,
    SEEN_NUL,
    SEEN_WIDE_SPACE,
    SEEN_INVISIBLE,
    SEEN_REPLACEMENT,
    SEEN_CONTROL,
    SEEN_CRLF,
    SEEN_RETURN,
    SEEN_LONG_TOKEN,
    SEEN_LONG_SENTENCE,
    SEEN_KINDS
};

#define PLACES 3 /* remembered of each kind */
#define LONGEST_TOKEN_BYTES 1024
#define LONGEST_SENTENCE_TOKENS 10000

typedef struct {
    int64_t count, offset[PLACES], line[PLACES];
} sighting;

typedef struct {
    int unicode;                                   /* what separates: all Unicode white space, or space, tab, newline */
    int64_t offset, line, line_start, token_start; /* of the next byte; of the line and the token that it is in */
    int64_t line_tokens, tokens, lines, blank;
    int64_t longest_line, longest_line_at, longest_token, longest_token_at, most_tokens;
    int in_token, need;       /* continuation bytes to come */
    uint32_t code, low, high; /* the character so far; what the next byte may be */
    int64_t lead;             /* offset of its first byte */
    uint8_t before;
    uint64_t hash;
    uint64_t *hashes; /* of lines: those with hash & thin == 0 */
    uint64_t thin;
    int64_t kept, room, limit;
    int failed; /* out of memory: lines are no longer compared */
    sighting seen[SEEN_KINDS];
} census;

static inline void see(census *c, int kind, int64_t offset) {
    sighting *s = &c->seen[kind];
    if (s->count < PLACES) s->offset[s->count] = offset, s->line[s->count] = c->line;
    s->count++;
}

static inline uint64_t mixed(uint64_t x) { /* MurmurHash3's finalizer */
    x ^= x >> 33, x *= 0xff51afd7ed558ccdull, x ^= x >> 33, x *= 0xc4ceb9fe1a85ec53ull;
    return x ^ x >> 33;
}

/* Keep the hash of a line. When the room is used up, every second one is dropped, by its own bits: what is left is a
   sample of the distinct lines, each with all of its copies. */
static void keep_hash(census *c, uint64_t hash) {
    if (c->failed || hash & c->thin) return;
    if (c->kept == c->room) {
        if (c->room >= c->limit) {
            c->thin = c->thin * 2 + 1;
            int64_t n = 0;
            for (int64_t i = 0; i < c->kept; i++)
                if (!(c->hashes[i] & c->thin)) c->hashes[n++] = c->hashes[i];
            c->kept = n;
            if (hash & c->thin || c->kept == c->room) return;
        } else {
            int64_t room = c->room ? c->room * 2 : 4096;
            if (room > c->limit) room = c->limit;
            uint64_t *wider = realloc(c->hashes, room * sizeof *wider);
            if (!wider) {
                c->failed = 1;
                return;
            }
            c->hashes = wider, c->room = room;
        }
    }
    c->hashes[c->kept++] = hash;
}

static inline void end_token_at(census *c, int64_t end) {
    if (!c->in_token) return;
    int64_t length = end - c->token_start;
    c->in_token = 0;
    c->tokens++, c->line_tokens++;
    if (length > c->longest_token) c->longest_token = length, c->longest_token_at = c->line;
    if (length > LONGEST_TOKEN_BYTES) see(c, SEEN_LONG_TOKEN, c->token_start);
}

#define FNV_START 0xcbf29ce484222325ull
#define FNV_PRIME 0x100000001b3ull

static void end_line_at(census *c, int64_t end) {
    int64_t length = end - c->line_start - (c->before == '\r');
    if (length > c->longest_line) c->longest_line = length, c->longest_line_at = c->line;
    if (c->line_tokens > c->most_tokens) c->most_tokens = c->line_tokens;
    if (c->line_tokens > LONGEST_SENTENCE_TOKENS) see(c, SEEN_LONG_SENTENCE, c->line_start);
    if (c->line_tokens) keep_hash(c, mixed(c->hash));
    else c->blank++;
    c->lines++, c->line++;
    c->line_tokens = 0, c->hash = FNV_START, c->line_start = end + 1;
}

static inline int is_wide_space(uint32_t x) {
    return x == 0x85 || x == 0xA0 || x == 0x1680 || (x >= 0x2000 && x <= 0x200A) || x == 0x2028 || x == 0x2029 ||
           x == 0x202F || x == 0x205F || x == 0x3000;
}

static inline int is_invisible(uint32_t x) {
    return x == 0xAD || (x >= 0x200B && x <= 0x200F) || (x >= 0x202A && x <= 0x202E) || x == 0x2060 ||
           (x >= 0x2066 && x <= 0x2069) || x == 0xFEFF;
}

/* A character of several bytes is whole; `end` is the offset after it. */
static inline void character(census *c, int64_t end) {
    uint32_t x = c->code;
    if (is_wide_space(x)) {
        see(c, SEEN_WIDE_SPACE, c->lead);
        if (c->unicode) {
            end_token_at(c, c->lead);
            return;
        }
    } else if (is_invisible(x)) see(c, SEEN_INVISIBLE, c->lead);
    else if (x == 0xFFFD) see(c, SEEN_REPLACEMENT, c->lead);
    else if (x >= 0x80 && x < 0xA0) see(c, SEEN_CONTROL, c->lead);
    if (!c->in_token) c->in_token = 1, c->token_start = c->lead;
    (void)end;
}

static inline void bad_bytes(census *c, int64_t at) {
    see(c, SEEN_INVALID, at);
    if (!c->in_token) c->in_token = 1, c->token_start = at;
}

/* `next` is the byte after b, or -1 where that is not known yet. */
static inline void low_byte(census *c, uint8_t b, int next) {
    if (b == '\n') {
        end_token_at(c, c->offset);
        if (c->before == '\r') see(c, SEEN_CRLF, c->offset - 1);
        end_line_at(c, c->offset);
        return;
    }
    if (b == '\r' && next >= 0 && next != '\n') see(c, SEEN_RETURN, c->offset);
    if (b == 0) see(c, SEEN_NUL, c->offset);
    else if (b != ' ' && (b < 9 || b > 13)) see(c, SEEN_CONTROL, c->offset);
    /* As scan.h: str.split()'s 09-0D and 1C-1F, or tab, newline and return; NUL always. */
    const uint32_t separators = c->unicode ? 0xF0003E01u : 0x00003E01u;
    if (b == ' ' || (b < 32 && separators >> b & 1)) end_token_at(c, c->offset);
    else if (!c->in_token) c->in_token = 1, c->token_start = c->offset;
    c->hash = (c->hash ^ b) * FNV_PRIME;
}

static inline void high_byte(census *c, uint8_t b) {
    c->hash = (c->hash ^ b) * FNV_PRIME;
    if (c->need) {
        if (b >= c->low && b <= c->high) {
            c->code = c->code << 6 | (b & 63), c->low = 0x80, c->high = 0xBF;
            if (!--c->need) character(c, c->offset + 1);
            return;
        }
        c->need = 0;
        bad_bytes(c, c->lead);
    }
    c->lead = c->offset, c->low = 0x80, c->high = 0xBF;
    if (b >= 0xC2 && b <= 0xDF) c->need = 1, c->code = b & 31;
    else if (b >= 0xE0 && b <= 0xEF) {
        c->need = 2, c->code = b & 15;
        if (b == 0xE0) c->low = 0xA0;
        if (b == 0xED) c->high = 0x9F;
    } else if (b >= 0xF0 && b <= 0xF4) {
        c->need = 3, c->code = b & 7;
        if (b == 0xF0) c->low = 0x90;
        if (b == 0xF4) c->high = 0x8F;
    } else bad_bytes(c, c->offset);
}

static void census_feed(census *c, const uint8_t *data, int64_t size) {
    if (size && c->before == '\r' && data[0] != '\n') see(c, SEEN_RETURN, c->offset - 1);
    for (int64_t i = 0; i < size; i++, c->offset++) {
        uint8_t b = data[i];
        if (b >= 0x80) high_byte(c, b);
        else {
            if (c->need) c->need = 0, bad_bytes(c, c->lead);
            if (b > 32 && b != 127) {
                if (!c->in_token) c->in_token = 1, c->token_start = c->offset;
                c->hash = (c->hash ^ b) * FNV_PRIME;
            } else low_byte(c, b, i + 1 < size ? data[i + 1] : -1);
        }
        c->before = b;
    }
}

static void census_finish(census *c) {
    if (c->need) c->need = 0, bad_bytes(c, c->lead);
    if (c->before == '\r') see(c, SEEN_RETURN, c->offset - 1);
    end_token_at(c, c->offset);
    if (c->offset > c->line_start) end_line_at(c, c->offset);
}

#endif
