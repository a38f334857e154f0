"""What the processor and the operating system support; the compiler's run time asks CPUID and XGETBV."""

cdef extern from *:
    """
    #if defined(__x86_64__) || defined(__i386__)
    static int w2v_avx2(void) {
        __builtin_cpu_init();
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
    }
    static int w2v_avx512(void) {
        return w2v_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
            && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    }
    #else
    static int w2v_avx2(void) { return 0; }
    static int w2v_avx512(void) { return 0; }
    #endif
    """
    int w2v_avx2() nogil
    int w2v_avx512() nogil


def instruction_sets():
    """Names of the instruction sets with a kernel of their own that can run here, slowest first."""
    names = ["baseline"]
    if w2v_avx2():
        names.append("avx2")
    if w2v_avx512():
        names.append("avx512")
    return names
