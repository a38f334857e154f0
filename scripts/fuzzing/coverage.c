/* Tells libFuzzer which branches of the compiled modules an input reaches.

   gcc calls __sanitizer_cov_trace_pc at each edge (-fsanitize-coverage=trace-pc), which libFuzzer no longer takes; it
   wants a byte of its own for each edge. Here an edge's byte is found by a hash of its address. Comparisons are passed
   on as they are. Loaded before everything else (LD_PRELOAD), so that the sanitizer's empty versions do not win. */
#define _GNU_SOURCE
#include <stdint.h>

#define EDGES 65536
#define TAKEN __attribute__((visibility("default")))

static uint8_t counters[EDGES];
static struct { uintptr_t pc, flags; } table[EDGES];
static void (*counters_init)(void *, void *), (*pcs_init)(void *, void *);
static void (*compare[4])(uint64_t, uint64_t);
static void (*compare_const[4])(uint64_t, uint64_t);

/* Called once libFuzzer is loaded: its functions counters_init, pcs_init, trace_cmp1..8, trace_const_cmp1..8. */
TAKEN void w2v_coverage_start(void **functions)
{
    for (uintptr_t i = 0; i < EDGES; i++) table[i].pc = i + 1;
    counters_init = (void (*)(void *, void *))functions[0];
    pcs_init = (void (*)(void *, void *))functions[1];
    counters_init(counters, counters + EDGES);
    pcs_init(table, table + EDGES);
    for (int i = 0; i < 4; i++) {
        compare[i] = (void (*)(uint64_t, uint64_t))functions[2 + i];
        compare_const[i] = (void (*)(uint64_t, uint64_t))functions[6 + i];
    }
}

/* What Python code reaches is told to libFuzzer by atheris with these. */
TAKEN void __sanitizer_cov_8bit_counters_init(void *start, void *stop) { if (counters_init) counters_init(start, stop); }
TAKEN void __sanitizer_cov_pcs_init(void *start, void *stop) { if (pcs_init) pcs_init(start, stop); }

TAKEN void __sanitizer_cov_trace_pc(void)
{
    uint64_t pc = (uint64_t)__builtin_return_address(0);
    counters[(pc * 0x9E3779B97F4A7C15u) >> 48]++;
}

#define COMPARE(bytes, index, type) \
    TAKEN void __sanitizer_cov_trace_cmp##bytes(type a, type b) { if (compare[index]) compare[index](a, b); } \
    TAKEN void __sanitizer_cov_trace_const_cmp##bytes(type a, type b) \
    { if (compare_const[index]) compare_const[index](a, b); }
COMPARE(1, 0, uint8_t)
COMPARE(2, 1, uint16_t)
COMPARE(4, 2, uint32_t)
COMPARE(8, 3, uint64_t)
TAKEN void __sanitizer_cov_trace_switch(uint64_t value, uint64_t *cases) { (void)value, (void)cases; }
TAKEN void __sanitizer_cov_trace_cmpf(float a, float b) { (void)a, (void)b; }
TAKEN void __sanitizer_cov_trace_cmpd(double a, double b) { (void)a, (void)b; }
