/* Rows of a word2vec binary file: where they are, and one pass over their numbers.

   A row is its word, one space, D little-endian float32, and in some files a newline. Words vary in length, so a row is
   found from the one before it. The file is seen through a map (finding a row then touches one cache line of it); where
   there is none, it is read with pread into a small buffer that stays in cache. */
#ifndef W2V_ROWS_H
#define W2V_ROWS_H

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mapped.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "vector files are little-endian; this machine is not"
#endif

enum { ROW_OK, ROW_TRUNCATED, ROW_EMPTY_WORD, ROW_LONG_WORD, ROW_NEWLINE, ROW_NOT_FINITE, ROW_IO, ROW_MEMORY };

#define WORD_LIMIT 65536          /* bytes in which a space must come */
#define NEWLINE_AFTER 0x80000000u /* flag in a row's length: a newline follows the row */
#define BLOCK (256 * 1024)        /* read at once: half of a small L2 cache */

typedef struct {
    int fd;
    const char *map;   /* the whole file, or NULL */
    int64_t size;      /* of the file */
    int64_t row_bytes; /* 4 D */
} RowFile;

typedef struct {
    char *bytes; /* of all words, one after the other */
    size_t used, room;
    uint32_t *lengths; /* bytes of each word, with NEWLINE_AFTER */
    size_t rows, rows_room;
    int64_t first, next; /* offset of the first row, offset after the last */
    int status;          /* of the row at `next`, which is not counted */
    int error;           /* errno, for ROW_IO */
} Region;

typedef struct {
    char *bytes;
    int64_t at, length, room; /* offset in the file of bytes[0]; how many are filled; how many fit, 0 for the map */
} Window;

static void free_region(Region *region) {
    free(region->bytes);
    free(region->lengths);
    memset(region, 0, sizeof *region);
}

/* A window of `room` bytes, empty; or the whole map, which needs no filling. */
static int open_window(const RowFile *file, Window *window, int64_t room) {
    memset(window, 0, sizeof *window);
    if (file->map) {
        window->bytes = (char *)file->map, window->length = file->size;
        return ROW_OK;
    }
    window->room = room;
    window->bytes = malloc(room);
    return window->bytes ? ROW_OK : ROW_MEMORY;
}

static void close_window(Window *window) {
    if (window->room) free(window->bytes);
}

/* Fill the window from `at` on. Returns 0, or ROW_IO with errno set. */
static int fill(const RowFile *file, Window *window, int64_t at, int64_t wanted) {
    if (!window->room) return 0;
    window->at = at;
    window->length = 0;
    if (wanted > window->room) wanted = window->room;
    if (wanted > file->size - at) wanted = file->size - at;
    while (window->length < wanted) {
        ssize_t got = pread(file->fd, window->bytes + window->length, wanted - window->length, at + window->length);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return ROW_IO;
        if (got == 0) break; /* the file has shrunk */
        window->length += got;
    }
    return 0;
}

static int keep_word(Region *region, const char *word, size_t length, uint32_t flag) {
    if (region->used + length > region->room) {
        size_t room = region->room + region->room / 2 + length + 4096;
        char *bytes = realloc(region->bytes, room);
        if (!bytes) return ROW_MEMORY;
        region->bytes = bytes, region->room = room;
    }
    if (region->rows == region->rows_room) {
        size_t room = region->rows_room + region->rows_room / 2 + 1024;
        uint32_t *lengths = realloc(region->lengths, room * sizeof *lengths);
        if (!lengths) return ROW_MEMORY;
        region->lengths = lengths, region->rows_room = room;
    }
    memcpy(region->bytes + region->used, word, length);
    region->used += length;
    region->lengths[region->rows++] = (uint32_t)length | flag;
    return ROW_OK;
}

/* Length of the word at the start of `text`, or -1 - status; ROW_TRUNCATED means that no space came within `length`. */
static inline int64_t word_length(const char *text, int64_t length) {
    const char *space = memchr(text, ' ', length < WORD_LIMIT + 1 ? length : WORD_LIMIT + 1);
    if (!space) return -1 - (length > WORD_LIMIT ? ROW_LONG_WORD : ROW_TRUNCATED);
    if (space == text) return -1 - ROW_EMPTY_WORD;
    if (memchr(text, '\n', space - text)) return -1 - ROW_NEWLINE;
    return space - text;
}

typedef struct {
    const RowFile *file;
    int64_t stop, most;
    Region *out;
    Window window;
} Finding;

static void find_guarded(void *argument) {
    const Finding finding = *(Finding *)argument;
    const RowFile *file = finding.file;
    const int64_t stop = finding.stop, most = finding.most;
    Region *out = finding.out;
    Window window = finding.window;
    int64_t at = out->first, length, next;
    while (!out->status && at < stop && (int64_t)out->rows < most) {
        int64_t left = window.at + window.length - at;
        length = left > 0 ? word_length(window.bytes + (at - window.at), left) : -1 - ROW_TRUNCATED;
        if (length == -1 - ROW_TRUNCATED && window.room && window.at != at) {
            if ((out->status = fill(file, &window, at, window.room))) out->error = errno;
            else if (window.length > 0) continue;
        }
        if (out->status) break;
        next = at + length + 1 + file->row_bytes;
        if (length < 0 || next > file->size) {
            out->status = length < 0 ? (int)(-1 - length) : ROW_TRUNCATED;
            break;
        }
        /* The word is kept before the window moves on to look for the newline. */
        if ((out->status = keep_word(out, window.bytes + (at - window.at), length, 0))) break;
        if (next < file->size) {
            if (next >= window.at + window.length) {
                if ((out->status = fill(file, &window, next, window.room))) {
                    out->error = errno;
                    break;
                }
            }
            if (next < window.at + window.length && window.bytes[next - window.at] == '\n') {
                out->lengths[out->rows - 1] |= NEWLINE_AFTER;
                next++;
            }
        }
        out->next = at = next;
    }
}

/* Rows from the one that starts at `at` to the first that starts at `stop` or after, at most `most`. */
static void find_rows(const RowFile *file, int64_t at, int64_t stop, int64_t most, Region *out) {
    Finding finding = {file, stop, most, out, {0}};
    memset(out, 0, sizeof *out);
    out->first = out->next = at;
    if ((out->status = open_window(file, &finding.window, BLOCK + WORD_LIMIT + 2))) return;
    if (guarded(find_guarded, &finding)) out->status = ROW_TRUNCATED;
    close_window(&finding.window);
}

/* Where a row may start shortly after `from`, or -1. It is only a guess: the words of six rows in a chain hold no
   control byte, which chance gives once in 33^6; the caller proves it by arriving there from the row before. */
static int64_t guess_row(const RowFile *file, int64_t from) {
    enum { CHAIN = 6, SHORT_WORD = 256 };
    RowFile unmapped = *file;
    Window window;
    int64_t found = -1, step = file->row_bytes + 1;
    unmapped.map = NULL; /* these few rows are read with pread: no guard is needed */
    if (open_window(&unmapped, &window, (CHAIN + 2) * (file->row_bytes + SHORT_WORD))) return -1;
    if (fill(&unmapped, &window, from, window.room)) window.length = 0;
    for (int64_t start = 0; start < step + SHORT_WORD && found < 0; start++) {
        int64_t at = start, second = -1;
        int hops = 0;
        for (; hops < CHAIN; hops++) {
            int64_t end = at;
            while (end < window.length && end - at < SHORT_WORD && (unsigned char)window.bytes[end] > ' ') end++;
            if (end == at || end >= window.length || window.bytes[end] != ' ' || end + step >= window.length) break;
            at = end + step;
            if (window.bytes[at] == '\n') at++;
            if (!hops) second = at;
        }
        if (hops == CHAIN) found = from + second; /* the first word may have been entered in its middle */
    }
    close_window(&window);
    return found;
}

/* --- one row's numbers ------------------------------------------------------------------------------------------- */

typedef float Lanes __attribute__((vector_size(32), aligned(1), may_alias));
typedef double WideLanes __attribute__((vector_size(64)));
#define LANES 8
#define SQUARES(row) (__builtin_convertvector(row, WideLanes) * __builtin_convertvector(row, WideLanes))

/* Products of one row with n queries, and its own square: that in float64, which holds the square of any float32.
   Written once, compiled for two instruction sets. */
#define DEFINE_PRODUCTS(NAME, TARGET)                                                                                 \
    TARGET static double NAME(const char *row, const float *queries, int64_t n, int64_t dim, float *products) {       \
        const int64_t full = dim / (4 * LANES) * (4 * LANES);                                                         \
        double square = 0;                                                                                            \
        float a, sum;                                                                                                 \
        int64_t i;                                                                                                    \
        WideLanes w0 = {0}, w1 = {0};                                                                                 \
        for (i = 0; i < full; i += 4 * LANES) {                                                                       \
            const Lanes *r = (const Lanes *)(row + 4 * i);                                                            \
            w0 += SQUARES(r[0]), w1 += SQUARES(r[1]), w0 += SQUARES(r[2]), w1 += SQUARES(r[3]);                       \
        }                                                                                                             \
        for (; i + LANES <= dim; i += LANES) {                                                                        \
            const Lanes r = *(const Lanes *)(row + 4 * i);                                                            \
            w0 += SQUARES(r);                                                                                         \
        }                                                                                                             \
        for (; i < dim; i++) {                                                                                        \
            memcpy(&a, row + 4 * i, 4);                                                                               \
            square += (double)a * a;                                                                                  \
        }                                                                                                             \
        w0 += w1;                                                                                                     \
        square += ((w0[0] + w0[4]) + (w0[1] + w0[5])) + ((w0[2] + w0[6]) + (w0[3] + w0[7]));                          \
        for (int64_t q = 0; q < n; q++, queries += dim) {                                                             \
            Lanes s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};                                                             \
            for (i = 0; i < full; i += 4 * LANES) {                                                                   \
                const Lanes *r = (const Lanes *)(row + 4 * i), *v = (const Lanes *)(queries + i);                     \
                s0 += r[0] * v[0], s1 += r[1] * v[1], s2 += r[2] * v[2], s3 += r[3] * v[3];                           \
            }                                                                                                         \
            s0 = (s0 + s1) + (s2 + s3);                                                                               \
            for (; i + LANES <= dim; i += LANES) s0 += *(const Lanes *)(row + 4 * i) * *(const Lanes *)(queries + i); \
            for (sum = 0; i < dim; i++) {                                                                             \
                memcpy(&a, row + 4 * i, 4);                                                                           \
                sum += a * queries[i];                                                                                \
            }                                                                                                         \
            products[q] = sum + (((s0[0] + s0[4]) + (s0[1] + s0[5])) + ((s0[2] + s0[6]) + (s0[3] + s0[7])));          \
        }                                                                                                             \
        return square;                                                                                                \
    }

typedef double (*Products)(const char *, const float *, int64_t, int64_t, float *);

DEFINE_PRODUCTS(products_baseline, )
#if defined(__x86_64__) && defined(__GNUC__)
DEFINE_PRODUCTS(products_avx2, __attribute__((target("avx2,fma"))))
static Products pick_products(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? products_avx2 : products_baseline;
}
#else
static Products pick_products(void) { return products_baseline; }
#endif

/* Rows of a length between these have products that neither overflow nor vanish in float32 sums; others are multiplied
   in float64. */
#define NORM_LOW 1e-15
#define NORM_HIGH 1e15

/* Norm of a row, and its products with n queries divided by it (0 for a row of zeros); -1 if a number is not finite. */
static double
row_cosines(Products products, const char *row, const float *queries, int64_t n, int64_t dim, float *out) {
    const double square = products(row, queries, n, dim, out), norm = sqrt(square);
    if (!isfinite(square)) return -1; /* of finite float32 it is finite */
    if (norm > NORM_LOW && norm < NORM_HIGH) {
        for (int64_t q = 0; q < n; q++) out[q] = (float)(out[q] / norm);
        return norm;
    }
    for (int64_t q = 0; q < n; q++) {
        double sum = 0;
        for (int64_t i = 0; i < dim; i++) {
            float number;
            memcpy(&number, row + 4 * i, 4);
            sum += (double)number * queries[q * dim + i];
        }
        out[q] = norm > 0 ? (float)(sum / norm) : 0;
    }
    return norm;
}

/* --- the rows of a stretch of the file ----------------------------------------------------------------------------- */

typedef struct {
    float *matrix;        /* [rows, stride], or NULL: the numbers are copied there */
    int64_t stride;       /* in floats */
    const float *queries; /* [n, dim] of unit length */
    int64_t n;
    float *cosines; /* [n, cosines_stride] */
    int64_t cosines_stride;
    double *norms; /* [rows], or NULL */
} RowWork;

typedef struct {
    const RowFile *file;
    const uint32_t *lengths;
    int64_t rows;
    const RowWork *work;
    Window window;
    float *column;   /* of n cosines */
    int64_t at, bad; /* of the row that is being read: its offset, its number */
    int status, error;
} Walk;

static void walk_guarded(void *argument) {
    Walk *walk = argument;
    const RowFile *file = walk->file;
    const RowWork *work = walk->work;
    const int64_t dim = file->row_bytes / 4;
    Products products = pick_products();
    Window window = walk->window;
    for (int64_t row = 0; row < walk->rows; row++) {
        int64_t numbers = walk->at + (walk->lengths[row] & ~NEWLINE_AFTER) + 1;
        walk->bad = row;
        if (numbers < window.at || numbers + file->row_bytes > window.at + window.length) {
            if ((walk->status = fill(file, &window, numbers, window.room))) walk->error = errno;
            else if (numbers + file->row_bytes > window.at + window.length) walk->status = ROW_TRUNCATED;
            if (walk->status) return;
        }
        const char *values = window.bytes + (numbers - window.at);
        if (work->matrix) memcpy(work->matrix + row * work->stride, values, file->row_bytes);
        const double norm = row_cosines(products, values, work->queries, work->n, dim, walk->column);
        if (norm < 0) {
            walk->status = ROW_NOT_FINITE;
            return;
        }
        for (int64_t q = 0; q < work->n; q++) work->cosines[q * work->cosines_stride + row] = walk->column[q];
        if (work->norms) work->norms[row] = norm;
        walk->at = numbers + file->row_bytes + (walk->lengths[row] >> 31);
    }
}

/* Do the work for `rows` rows from offset `at` on; afterwards `status`, and where it is not ROW_OK the row and offset. */
static void walk_rows(Walk *walk) {
    walk->status = open_window(walk->file, &walk->window, walk->file->row_bytes + BLOCK);
    walk->column = malloc((walk->work->n + 1) * sizeof *walk->column);
    if (!walk->column) walk->status = ROW_MEMORY;
    if (!walk->status && guarded(walk_guarded, walk)) walk->status = ROW_TRUNCATED;
    free(walk->column);
    close_window(&walk->window);
}

#endif
