/* Lanes: training in rounds whose result does not depend on threads (docs/reproducible.md).
 *
 * A round has two phases. In the first each lane trains its part of the corpus on private copies of the rows that it
 * touches; the matrices stand still. In the second each touched row is put together from the copies of all lanes, in the
 * order of the lanes. A phase is a list of items (lanes, then buckets of rows) that any thread may take; it ends when
 * all items are done, by whichever thread is the last. So no thread waits for another one that has no item in hand, and
 * the number of threads may even change on the way.
 */
#ifndef W2V_LANES_H
#define W2V_LANES_H
#include <sched.h>
#include <stdint.h>
#include <time.h>

#define MOST_LANES 16 /* a bit for each, twice, in 32 */

/* Phases count up from FIRST_PHASE: even ones train, odd ones merge. */
enum { CLOSED = 0, HELD = 1, FIRST_PHASE = 2 };

typedef struct {
    int64_t phase;
    char apart[56];
} ItemMark; /* the last phase in which an item was taken; a cache line of its own */

typedef struct {
    int64_t phase;
    char apart1[56];
    int64_t done; /* items of this phase */
    char apart2[56];
    int64_t closing; /* set from outside: no further round begins */
    char apart3[56];
    ItemMark taken[2 * MOST_LANES]; /* of the lanes, then of the buckets */
} Gate;

static inline int64_t gate_phase(const Gate *gate) { return __atomic_load_n(&gate->phase, __ATOMIC_ACQUIRE); }
static inline int64_t gate_closing(const Gate *gate) { return __atomic_load_n(&gate->closing, __ATOMIC_RELAXED); }
static inline void gate_ask_to_close(Gate *gate) { __atomic_store_n(&gate->closing, 1, __ATOMIC_RELAXED); }

/* Nobody is at work: the next phase. */
static inline void gate_set(Gate *gate, int64_t phase) {
    __atomic_store_n(&gate->done, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&gate->phase, phase, __ATOMIC_RELEASE);
}

/* The first phase of all; `lanes` and `buckets` items can be taken in turn. */
static inline void gate_open(Gate *gate) {
    for (int i = 0; i < MOST_LANES; i++) {
        gate->taken[i].phase = FIRST_PHASE - 2;
        gate->taken[MOST_LANES + i].phase = FIRST_PHASE - 1;
    }
    __atomic_store_n(&gate->closing, 0, __ATOMIC_RELAXED);
    gate_set(gate, FIRST_PHASE);
}

/* Whether the item is this thread's now. A thread that comes late, in a later phase, finds it taken. */
static inline int gate_take(Gate *gate, int64_t phase, int item) {
    int64_t before = phase - 2, *mark = &gate->taken[(phase & 1) * MOST_LANES + item].phase;
    if (__atomic_load_n(mark, __ATOMIC_RELAXED) != before) return 0;
    return __atomic_compare_exchange_n(mark, &before, phase, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* Whether this was the last of `items`. */
static inline int gate_finish(Gate *gate, int items) {
    return __atomic_add_fetch(&gate->done, 1, __ATOMIC_ACQ_REL) == items;
}

/* A sleep of a random length, by the clock's last digits: for tests, which look for what depends on who comes first. */
static inline void gate_nap(int64_t most_us) {
    struct timespec now, nap = {0, 0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    nap.tv_nsec = now.tv_nsec / 10 * 7919 % (most_us + 1) * 1000;
    if (now.tv_nsec / 10 % 3 == 0) nanosleep(&nap, 0);
}

/* Until the phase is another one. A core that others want is given up soon: at first the thread looks again and again,
 * which takes a microsecond or two where all threads run, then it lets others go first, then it sleeps in between. */
#define SPINS 200
#define YIELDS 1000
static inline void gate_wait(const Gate *gate, int64_t phase) {
    struct timespec nap = {0, 50000};
    for (int i = 0; gate_phase(gate) == phase; i++) {
        if (i < SPINS) {
#if defined(__x86_64__) || defined(__i386__)
            __builtin_ia32_pause();
#elif defined(__aarch64__)
            __asm__ volatile("yield");
#endif
        } else if (i < SPINS + YIELDS) sched_yield();
        else nanosleep(&nap, 0);
    }
}
#endif
