/* The dictionary of a fastText model: for each entry its bytes, a NUL, an int64 count and an int8 type (0 word, 1 label). */
#ifndef W2V_FASTTEXT_H
#define W2V_FASTTEXT_H

#include <stdint.h>
#include <string.h>

#define ENTRY_BYTES 9 /* behind the NUL */

typedef struct {
    const char *data; /* of the file or of its start */
    int64_t size;
    int64_t at; /* of the first entry */
    int64_t entries;
    int64_t longest; /* bytes of an entry */
    /* found by the first pass */
    int64_t word_bytes, words;
    int64_t bad; /* the entry that cannot be read, or -1 */
    int64_t end; /* behind the last one, or of the bad one */
    /* filled by the second, if not NULL */
    char *bytes;
    int64_t *ends;   /* [words + 1] */
    int64_t *counts; /* [words] */
} Dictionary;

static void read_dictionary(void *argument) {
    Dictionary *d = argument;
    int64_t at = d->at, used = 0, words = 0;
    d->bad = -1;
    if (d->ends) d->ends[0] = 0;
    for (int64_t i = 0; i < d->entries; i++) {
        int64_t left = d->size - at;
        if (left > d->longest + 1) left = d->longest + 1;
        const char *word = d->data + at, *nul = left > 0 ? memchr(word, 0, (size_t)left) : NULL;
        int64_t length = nul ? nul - word : 0;
        d->end = at;
        if (!nul || d->size - at - length - 1 < ENTRY_BYTES) {
            d->bad = i;
            return;
        }
        if (nul[1 + 8] == 0) { /* labels are passed over */
            if (d->bytes) {
                memcpy(d->bytes + used, word, (size_t)length);
                d->ends[words + 1] = used + length;
                memcpy(d->counts + words, nul + 1, 8);
            }
            used += length;
            words++;
        }
        at += length + 1 + ENTRY_BYTES;
    }
    d->word_bytes = used;
    d->words = words;
    d->end = at;
}
#endif
