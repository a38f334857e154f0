/* Large blocks of memory on large pages: touching a million small pages for the first time costs more than the work. */
#ifndef W2V_MEMORY_H
#define W2V_MEMORY_H

#include <stdlib.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

/* As malloc, and freed by free. */
static void *large_malloc(size_t size) {
#ifdef MADV_HUGEPAGE
    const size_t page = 2 << 20;
    if (size >= 2 * page) {
        void *block = aligned_alloc(page, (size + page - 1) / page * page);
        if (block) madvise(block, size, MADV_HUGEPAGE); /* only a wish */
        return block;
    }
#endif
    return malloc(size ? size : 1);
}

#endif
