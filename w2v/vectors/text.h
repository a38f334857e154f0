/* One row of a text vector file: `word v1 ... vD`, split at the ASCII space only. */
#ifndef W2V_TEXT_H
#define W2V_TEXT_H

#include <math.h>

#include "decimal.h"
#include "rows.h"

enum { TEXT_SHORT = 16, TEXT_LONG, TEXT_NUMBER }; /* after the statuses of rows.h */

/* The numbers from `text` on, which is a space. *column is how many were read; returns a status. */
static inline int read_numbers(const char *text, const char *end, int64_t dim, float *out, int64_t *column) {
    int not_finite = 0;
    for (*column = 0; *column < dim; ++*column) {
        while (text < end && *text == ' ') text++;
        if (text == end) return TEXT_SHORT;
        float value;
        text = read_float(text, end, &value);
        if (!text || (text < end && *text != ' ')) return TEXT_NUMBER;
        if (!isfinite(value)) not_finite = 1;
        out[*column] = value;
    }
    if (text < end) return TEXT_LONG;
    return not_finite ? ROW_NOT_FINITE : ROW_OK;
}

/* Where the last `fields` fields begin (at the space before them), or NULL if there are not so many and a word. */
static inline const char *last_fields(const char *text, const char *end, int64_t fields) {
    while (fields--) {
        while (end > text && end[-1] == ' ') end--;
        while (end > text && end[-1] != ' ') end--;
        if (end == text) return NULL;
    }
    return end - 1;
}

/* Whether each field is written with a point or an exponent, as numbers of vectors are. */
static inline int all_have_points(const char *text, const char *end) {
    int point = 1;
    for (; text < end; text++) {
        if (*text == ' ') {
            if (!point) return 0;
            point = text + 1 < end && text[1] == ' ';
        } else if (*text == '.' || (*text | 0x20) == 'e') point = 1;
    }
    return point;
}

/* Whether a part of a word with spaces, behind its first, may be a number of the row: a row of too many numbers is no
   word with spaces. Where all the row's numbers have a point, a whole number (iPhone 4) is a part of the word. */
static inline int may_be_numbers(const char *text, const char *stop, int points) {
    float value;
    while (text < stop) {
        while (text < stop && *text == ' ') text++;
        const char *part = text, *digit;
        while (text < stop && *text != ' ') text++;
        if (part == text || read_float(part, text, &value) != text) continue;
        for (digit = part; digit < text && (unsigned)(*digit - '0') < 10u;) digit++;
        if (!points || digit < text) return 1;
    }
    return 0;
}

/* Read the row in [text, end), which holds no newline. *word is its word's length, *column the number that is wrong.
   With `spaced`, a word may hold spaces: the last `dim` fields are then the numbers. */
static int
read_row(const char *text, const char *end, int64_t dim, int spaced, float *out, int64_t *word, int64_t *column) {
    *column = 0;
    while (end > text && (end[-1] == ' ' || end[-1] == '\r')) end--;
    const char *space = memchr(text, ' ', end - text);
    if (space == text) return ROW_EMPTY_WORD;
    if ((space ? space : end) - text > WORD_LIMIT) return ROW_LONG_WORD;
    if (!space) return end == text ? ROW_EMPTY_WORD : TEXT_SHORT;
    *word = space - text;
    int status = read_numbers(space, end, dim, out, column);
    if (!spaced || (status != TEXT_NUMBER && status != TEXT_LONG)) return status;
    const char *numbers = last_fields(text, end, dim);
    if (!numbers || numbers <= space) return status;
    const char *stop = numbers;
    while (stop > text && stop[-1] == ' ') stop--;
    if (may_be_numbers(space, stop, all_have_points(numbers, end))) return TEXT_LONG;
    for (const char *at = text; at < stop; at++)
        if (!*at) return status; /* bytes were lost: what is before them may be another row */
    *word = stop - text;
    if (*word > WORD_LIMIT) return ROW_LONG_WORD;
    return read_numbers(numbers, end, dim, out, column);
}

/* The longest line that is read: a word, and numbers written far too exactly. */
static inline int64_t line_limit(int64_t dim) { return WORD_LIMIT + 128 * dim; }

static inline int64_t count_newlines(const char *text, int64_t length) {
    int64_t count = 0, i = 0;
    for (; i + 128 <= length; i += 128) {
        unsigned char block = 0; /* 128 fit in a byte, which lets the compiler use byte lanes */
        for (int64_t j = 0; j < 128; j++) block += text[i + j] == '\n';
        count += block;
    }
    for (; i < length; i++) count += text[i] == '\n';
    return count;
}

/* Write `v1 ... vD\n`; returns the bytes written, or -1 if a number is not finite. */
static inline int64_t put_numbers(char *out, const char *values, int64_t step, int64_t dim, char separator) {
    char *start = out;
    for (int64_t i = 0; i < dim; i++) {
        const float value = *(const float *)(values + i * step);
        if (!isfinite(value)) return -1;
        out += put_float(out, value);
        *out++ = separator;
    }
    out[-1] = '\n';
    return out - start;
}

#endif
