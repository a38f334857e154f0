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
    #if defined(__clang__)
    #define W2V_AS_WRITTEN __attribute__((optnone, noinline))
    #elif defined(__GNUC__)
    #define W2V_AS_WRITTEN __attribute__((optimize("O0"), noinline))
    #else
    #define W2V_AS_WRITTEN
    #endif
    static W2V_AS_WRITTEN float w2v_plain_dot(const float *a, const float *b, int n, int rounds) {
        float sum = 0;
        for (int r = 0; r < rounds; r++)
            for (int i = 0; i < n; i++) sum += a[i] * b[i];
        return sum;
    }
    """
    float w2v_plain_dot(const float *a, const float *b, int n, int rounds) nogil
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


def plain_dot(const float[::1] a, const float[::1] b, int rounds):
    """Sum of `rounds` dot products of `a` and `b`, float32 [n], compiled without any optimisation.

    A yardstick that flags do not change, for the test that finds a kernel built without them.
    """
    if a.shape[0] != b.shape[0] or a.shape[0] == 0:
        raise ValueError("two vectors of the same length are needed")
    cdef float total
    with nogil:
        total = w2v_plain_dot(&a[0], &b[0], <int>a.shape[0], rounds)
    return total
