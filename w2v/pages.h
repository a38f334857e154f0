/* Large blocks of memory on large pages, where the system has them: fewer address translations to miss, and fewer
 * faults when they are touched for the first time. */
#ifndef W2V_PAGES_H
#define W2V_PAGES_H

#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

#define LARGE_PAGE ((size_t)2 << 20)

/* As malloc, freed by free, and at a multiple of 64. */
static inline void *large_malloc(size_t size) {
    const size_t unit = size < LARGE_PAGE ? 64 : LARGE_PAGE, whole = size / unit * unit + (size % unit || !size) * unit;
    void *block = whole < size ? NULL : aligned_alloc(unit, whole);
#ifdef MADV_HUGEPAGE
    if (block && unit == LARGE_PAGE) madvise(block, whole, MADV_HUGEPAGE); /* only a wish */
#endif
    return block;
}

/* As realloc: a large block is moved by the system, not copied. */
static inline void *large_realloc(void *old, size_t size) {
    char *block = realloc(old, size);
#ifdef MADV_HUGEPAGE
    if (block && size >= 2 * LARGE_PAGE) {
        size_t skipped = -(size_t)block % LARGE_PAGE;
        madvise(block + skipped, (size - skipped) / LARGE_PAGE * LARGE_PAGE, MADV_HUGEPAGE);
    }
#endif
    return block;
}

/* As large_malloc, all zeros. */
static inline void *large_calloc(size_t size) {
    void *block = large_malloc(size);
    return block ? memset(block, 0, size) : NULL;
}

#endif
