/* The character n-grams of a word, and vectors made of their rows: fastText's rules and hash (Bojanowski et al. 2017;
 * src/dictionary.cc), so that its files and ours go both ways.
 *
 * A word is taken between `<` and `>`. Its n-grams are its runs of `least` to `most` UTF-8 characters, but for `<` and
 * `>` alone. The row of an n-gram is FNV-1a of its bytes modulo the number of buckets. */
#ifndef W2V_NGRAMS_H
#define W2V_NGRAMS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FNV_OFFSET 2166136261u
#define FNV_PRIME 16777619u

/* fastText's hash widens each byte as a signed char, so bytes above 127 set the 24 bits above them too. */
static inline uint32_t fnv_step(uint32_t hash, char byte) {
    return (hash ^ (uint32_t)(int32_t)(signed char)byte) * FNV_PRIME;
}

typedef struct {
    const char *word;
    size_t size; /* of `<word>`, 0 for a word that has no n-grams */
    int least, most;
    size_t start, end; /* the present n-gram, in `<word>` */
    int characters;
    uint32_t hash;
} Ngrams;

static inline char ngram_byte(const Ngrams *g, size_t i) {
    return i == 0 ? '<' : i + 1 == g->size ? '>' : g->word[i - 1];
}

static inline int inside_character(const Ngrams *g, size_t i) {
    return i < g->size && (ngram_byte(g, i) & 0xC0) == 0x80;
}

/* Before the first n-gram. fastText's end of sentence, `</s>`, has none. */
static inline Ngrams ngrams_of(const char *word, size_t length, int least, int most) {
    int none = length == 4 && memcmp(word, "</s>", 4) == 0;
    return (Ngrams){word, none ? 0 : length + 2, least, most, 0, 0, 0, FNV_OFFSET};
}

/* Go to the next n-gram; 0 after the last. In the order of fastText: by start, then by length. */
static inline int next_ngram(Ngrams *g) {
    while (g->start < g->size) {
        if (g->characters == g->most || g->end == g->size) {
            do g->start++;
            while (inside_character(g, g->start));
            g->end = g->start;
            g->characters = 0;
            g->hash = FNV_OFFSET;
            continue;
        }
        do g->hash = fnv_step(g->hash, ngram_byte(g, g->end++));
        while (inside_character(g, g->end));
        g->characters++;
        if (g->characters >= g->least && !(g->characters == 1 && (g->start == 0 || g->end == g->size))) return 1;
    }
    return 0;
}

/* Rows of n-grams as a file or a model has them. The rows of a mapped file may lie at any byte. */
typedef struct {
    int least, most;
    uint32_t buckets;
    const uint32_t *used;  /* the buckets that have rows, rising; NULL: all, each at its own place */
    const int64_t *places; /* the row of each of them */
    int64_t used_count;
    int pruned; /* a bucket without a row does not count; else as zeros */
    const char *rows;
    int64_t row_bytes; /* from one row to the next */
    int64_t dim;
} NgramRows;

typedef float loose_float __attribute__((aligned(1), may_alias));

/* The row of a bucket, or NULL if it has none. */
static inline const char *bucket_row(const NgramRows *r, uint32_t bucket) {
    if (!r->used) return r->rows + (int64_t)bucket * r->row_bytes;
    int64_t low = 0, high = r->used_count;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (r->used[middle] < bucket) low = middle + 1;
        else high = middle;
    }
    if (low == r->used_count || r->used[low] != bucket) return NULL;
    return r->rows + r->places[low] * r->row_bytes;
}

static inline void add_row(float *sum, const char *row, int64_t dim) {
    const loose_float *values = (const loose_float *)row;
    for (int64_t k = 0; k < dim; k++) sum[k] += values[k];
}

#define TOGETHER 4 /* rows that are added in one pass over the sum, one after the other */

#define DEFINE_ADD_ROWS(NAME, TARGET)                                                           \
    TARGET static void NAME(float *restrict sum, const char *const *rows, int64_t dim) {        \
        const loose_float *a = (const loose_float *)rows[0], *b = (const loose_float *)rows[1]; \
        const loose_float *c = (const loose_float *)rows[2], *d = (const loose_float *)rows[3]; \
        for (int64_t k = 0; k < dim; k++) sum[k] = sum[k] + a[k] + b[k] + c[k] + d[k];          \
    }

typedef void (*AddRows)(float *restrict sum, const char *const *rows, int64_t dim);

DEFINE_ADD_ROWS(add_rows_baseline, )
#if defined(__x86_64__) && defined(__GNUC__)
DEFINE_ADD_ROWS(add_rows_avx2, __attribute__((target("avx2"))))
static AddRows pick_add_rows(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") ? add_rows_avx2 : add_rows_baseline;
}
#else
static AddRows pick_add_rows(void) { return add_rows_baseline; }
#endif

/* Rows copied together. */
typedef struct {
    void *to;
    const char *data;
    int64_t row_bytes, rows, size; /* from row to row, how many, bytes of each that are copied */
    const int64_t *places;         /* which rows; NULL for the first */
} RowCopy;

static void copy_rows(void *argument) {
    const RowCopy *c = argument;
    for (int64_t i = 0; i < c->rows; i++)
        memcpy((char *)c->to + i * c->size, c->data + (c->places ? c->places[i] : i) * c->row_bytes, (size_t)c->size);
}

/* Vectors of words: the mean of a word's own row, where it has one, and those of its n-grams. */
typedef struct {
    const NgramRows *ngrams;
    const char *words;
    const int64_t *ends; /* of the words: count + 1 offsets */
    int64_t first, last;
    const char *own; /* own rows, or NULL */
    int64_t own_bytes;
    float *out;      /* [last, dim] */
    int32_t *counts; /* [last] n-grams of each word, or NULL */
} WordVectors;

#define AHEAD 16 /* rows that are asked for before they are added: most are in no cache; a multiple of TOGETHER */

/* Asks for the lines of a row. */
static inline void fetch_row(const char *row, int64_t dim) {
    const int64_t size = dim * (int64_t)sizeof(float) < 2048 ? dim * (int64_t)sizeof(float) : 2048;
    for (int64_t k = 0; k < size; k += 64) __builtin_prefetch(row + k);
    __builtin_prefetch(row + size - 1);
}

/* Adds the rows of a word's n-grams to `sum`. Returns how many n-grams count. */
static inline int32_t add_ngrams(const NgramRows *r, AddRows add_rows, Ngrams g, float *sum) {
    const char *waiting[AHEAD];
    int64_t found = 0, added = 0;
    int32_t count = 0;
    while (next_ngram(&g)) {
        const char *row = bucket_row(r, g.hash % r->buckets);
        count += row || !r->pruned;
        if (!row) continue;
        fetch_row(row, r->dim);
        if (found - added == AHEAD) {
            add_rows(sum, waiting + added % AHEAD, r->dim);
            added += TOGETHER;
        }
        waiting[found++ % AHEAD] = row;
    }
    for (; added + TOGETHER <= found; added += TOGETHER) add_rows(sum, waiting + added % AHEAD, r->dim);
    while (added < found) add_row(sum, waiting[added++ % AHEAD], r->dim);
    return count;
}

static inline Ngrams ngrams_of_word(const WordVectors *w, int64_t i) {
    const size_t length = (size_t)(w->ends[i + 1] - w->ends[i]);
    return ngrams_of(w->words + w->ends[i], length, w->ngrams->least, w->ngrams->most);
}

static void make_vectors(void *argument) {
    const WordVectors *w = argument;
    const NgramRows *r = w->ngrams;
    const AddRows add_rows = pick_add_rows();
    for (int64_t i = w->first; i < w->last; i++) {
        float *sum = w->out + i * r->dim;
        memset(sum, 0, (size_t)r->dim * sizeof(float));
        if (w->own) add_row(sum, w->own + i * w->own_bytes, r->dim);
        const int32_t count = add_ngrams(r, add_rows, ngrams_of_word(w, i), sum), rows = count + (w->own ? 1 : 0);
        if (w->counts) w->counts[i] = count;
        const float share = 1.0f / (float)(rows > 0 ? rows : 1);
        for (int64_t k = 0; k < r->dim; k++) sum[k] *= share;
    }
}

/* What a word's own row must be for its vector to be the given one: (1 + n) vector - the rows of its n-grams. */
static void own_rows(void *argument) {
    const WordVectors *w = argument;
    const NgramRows *r = w->ngrams;
    const AddRows add_rows = pick_add_rows();
    for (int64_t i = w->first; i < w->last; i++) {
        float *out = w->out + i * r->dim;
        const loose_float *vector = (const loose_float *)(w->own + i * w->own_bytes);
        memset(out, 0, (size_t)r->dim * sizeof(float));
        Ngrams g = ngrams_of_word(w, i);
        const int32_t count = add_ngrams(r, add_rows, g, out);
        for (int64_t k = 0; k < r->dim; k++) out[k] = (float)(count + 1) * vector[k] - out[k];
    }
}
#endif
