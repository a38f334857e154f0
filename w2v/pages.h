/* Large blocks of memory on large pages, where the system has them: fewer address translations to miss, and fewer
 * faults when they are touched for the first time. */
#ifndef W2V_PAGES_H
#define W2V_PAGES_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

#define LARGE_PAGE ((size_t)2 << 20)

/* As malloc, and freed by free. */
static inline void *large_malloc(size_t size) {
#ifdef MADV_HUGEPAGE
    if (size >= LARGE_PAGE && size <= SIZE_MAX - LARGE_PAGE) {
        size_t whole = (size + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
        void *block = aligned_alloc(LARGE_PAGE, whole);
        if (block) madvise(block, whole, MADV_HUGEPAGE); /* only a wish */
        return block;
    }
#endif
    return malloc(size ? size : 1);
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

/* Gives the large pages within a part of a block back to the system; what was in them is lost. */
static inline void large_forget(void *block, size_t size) {
#ifdef MADV_HUGEPAGE
    const size_t skipped = -(size_t)block % LARGE_PAGE;
    if (size >= skipped + LARGE_PAGE)
        madvise((char *)block + skipped, (size - skipped) / LARGE_PAGE * LARGE_PAGE, MADV_DONTNEED);
#else
    (void)block, (void)size;
#endif
}

#endif
