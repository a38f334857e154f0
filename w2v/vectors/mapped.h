/* A file seen through a read-only map, and work on it that survives the file's shrinking or the disk's failing.

   Touching a page that cannot be had raises SIGBUS, which would end the process. Inside `guarded`, and only in its own
   thread, the signal ends the work instead; elsewhere it goes to whoever handled it before. The work may only read the
   map and write to memory that its caller owns: it is left in the middle. */
#ifndef W2V_MAPPED_H
#define W2V_MAPPED_H

#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

static __thread sigjmp_buf *way_out;
static struct sigaction handler_before;

static void on_bus_error(int number, siginfo_t *info, void *context) {
    if (way_out) siglongjmp(*way_out, 1);
    if (handler_before.sa_flags & SA_SIGINFO) handler_before.sa_sigaction(number, info, context);
    else if (handler_before.sa_handler != SIG_DFL && handler_before.sa_handler != SIG_IGN)
        handler_before.sa_handler(number);
    else { sigaction(number, &handler_before, NULL); /* the access is tried again and ends the process, as ever */ }
}

/* The map, or NULL where it cannot be had; read the file with pread then. Called while Python's lock is held. */
static const char *map_file(int fd, int64_t size) {
    static int ready;
    struct sigaction action;
    if (size <= 0 || (uint64_t)size > SIZE_MAX) return NULL;
    if (!ready) {
        memset(&action, 0, sizeof action);
        action.sa_sigaction = on_bus_error;
        action.sa_flags = SA_SIGINFO | SA_ONSTACK;
        sigemptyset(&action.sa_mask);
        if (sigaction(SIGBUS, &action, &handler_before)) return NULL;
        ready = 1;
    }
    void *map = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, fd, 0);
    return map == MAP_FAILED ? NULL : map;
}

static void unmap_file(const char *map, int64_t size) {
    if (map) munmap((void *)map, (size_t)size);
}

/* Do the work; returns 0, or -1 if a page of the map could not be read. */
static int guarded(void (*work)(void *), void *argument) {
    sigjmp_buf here, *outer = way_out;
    if (sigsetjmp(here, 1)) {
        way_out = outer;
        return -1;
    }
    way_out = &here;
    work(argument);
    way_out = outer;
    return 0;
}

#endif
