#include "kernels/cpu_features.h"

#include <pthread.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

/* By the first who asks: a virtual machine's CPUID takes microseconds. */
static mlp_cpu_features detected;

#if defined(__x86_64__)
static unsigned bit(unsigned word, unsigned index)
{
    return word >> index & 1u;
}

/* Tiles are 8 KB more for the system to save, so that Linux (arch/x86/xstate) gives them
 * to a process that asks, once and for all its threads. */
static bool ask_for_tiles(void)
{
#if defined(__linux__)
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
#else
    return false;
#endif
}

/* What is younger than the compilers' own list: CPUID leaf 7. */
static void detect_bf16(void)
{
    unsigned eax, ebx, ecx, edx;
    if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx))
        detected.amx_bf16 = bit(edx, 22) && bit(edx, 24);
    if (__get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx))
        detected.avx512_bf16 = detected.avx512f && bit(eax, 5);
    detected.amx_granted = detected.amx_bf16 && ask_for_tiles();
}
#endif

static void detect(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    detected.avx2 = __builtin_cpu_supports("avx2");
    detected.fma = __builtin_cpu_supports("fma");
    detected.avx512f = __builtin_cpu_supports("avx512f");
    detected.avx512bw = __builtin_cpu_supports("avx512bw");
    detected.avx512dq = __builtin_cpu_supports("avx512dq");
    detected.avx512vl = __builtin_cpu_supports("avx512vl");
    detect_bf16();
#endif
}

mlp_cpu_features mlp_cpu_features_detect(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, detect);
    return detected;
}
