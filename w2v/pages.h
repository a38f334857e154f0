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

#ifdef MREMAP_FIXED
/* Address space for `size` bytes, of whole large pages, that begins with one; NULL if there is none. */
static inline char *large_span(size_t size) {
    char *span = mmap(NULL, size + LARGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (span == MAP_FAILED) return NULL;
    const size_t skipped = -(size_t)span % LARGE_PAGE;
    if (skipped) munmap(span, skipped);
    munmap(span + skipped + size, LARGE_PAGE - skipped);
    return span + skipped;
}
#endif

/* The bytes that are taken for `size` by large_grow. */
static inline size_t large_size(size_t size) {
    return size < LARGE_PAGE ? size : (size + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
}

/* Makes a block of `old_size` bytes (0: none yet) larger. What is large is moved by the system, on whole large pages: it
 * is never there twice, as it would be with realloc. Freed by large_free. NULL for no memory; then the block stays. */
static inline void *large_grow(void *old, size_t old_size, size_t size) {
#ifdef MREMAP_FIXED
    if (size >= LARGE_PAGE && size <= SIZE_MAX / 2) {
        char *block = large_span(large_size(size));
        if (!block) return NULL;
        if (old_size < LARGE_PAGE) {
            if (old_size) memcpy(block, old, old_size);
            free(old);
        } else if (
            mremap(old, large_size(old_size), large_size(size), MREMAP_MAYMOVE | MREMAP_FIXED, block) == MAP_FAILED
        ) {
            munmap(block, large_size(size));
            return NULL;
        }
        madvise(block, large_size(size), MADV_HUGEPAGE);
        return block;
    }
#endif
    (void)old_size;
    return realloc(old, size);
}

static inline void large_free(void *block, size_t size) {
#ifdef MREMAP_FIXED
    if (size >= LARGE_PAGE) {
        munmap(block, large_size(size));
        return;
    }
#endif
    (void)size;
    free(block);
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
