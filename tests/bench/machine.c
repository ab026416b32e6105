/* machine.c: the peak is a loop of independent multiply-adds in registers; the bandwidth the best
 * of three loops in the manner of STREAM (McCalpin, "Memory bandwidth and machine balance in
 * current high performance computers", 1995): read, update in place, add to. Both are written
 * for each instruction set. Additions of integers are as many instructions a cycle as a core
 * begins, or nearly, and so the first to become fewer where another thread runs on it. */
#include "machine.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#include "base/clock.h"
#include "base/mem.h"
#include "kernels/cpu_features.h"

enum { TIMINGS = 15 };
static const double LEAST_SECONDS = 1e-3; /* of one timing */

static double seconds_of(size_t calls, void (*work)(void *argument), void *argument)
{
    double start = mlp_clock_seconds();
    for (size_t i = 0; i < calls; i++)
        work(argument);
    return mlp_clock_seconds() - start;
}

double bench_seconds(void (*work)(void *argument), void *argument)
{
    size_t calls = 1;
    double fastest = seconds_of(calls, work, argument);
    while (fastest < LEAST_SECONDS) {
        calls *= 2;
        fastest = seconds_of(calls, work, argument);
    }
    for (size_t i = 0; i < TIMINGS; i++) {
        double seconds = seconds_of(calls, work, argument);
        fastest = seconds < fastest ? seconds : fastest;
    }
    return fastest / (double)calls;
}

/* Sums for two units of latency 4 to 5, which every core of today stays below. */
enum { SUMS = 12 };

enum { STREAM_LANES = 64 };
typedef enum stream { STREAM_READ, STREAM_UPDATE, STREAM_ADD, N_STREAMS } stream;

/* a (n) and b (n) through the core once. Inlined into a function for an instruction set, whose
 * vectors the compiler then uses. */
static inline __attribute__((always_inline)) float
run_stream(stream kind, size_t n, float *restrict a, const float *restrict b)
{
    float sums[STREAM_LANES] = {0.0f};
    if (kind == STREAM_READ)
        for (size_t i = 0; i < n; i += STREAM_LANES)
            for (size_t j = 0; j < STREAM_LANES; j++)
                sums[j] += a[i + j];
    else if (kind == STREAM_UPDATE)
        for (size_t i = 0; i < n; i++)
            a[i] = 0.5f * a[i];
    else
        for (size_t i = 0; i < n; i++)
            a[i] = 0.5f * a[i] + b[i];
    for (size_t j = 1; j < STREAM_LANES; j++)
        sums[0] += sums[j];
    return sums[0];
}

#if defined(__x86_64__)
__attribute__((target("avx512f"))) static float fma_avx512(size_t steps)
{
    __m512 sums[SUMS], half = _mm512_set1_ps(0.5f), one = _mm512_set1_ps(1.0f);
    for (size_t i = 0; i < SUMS; i++)
        sums[i] = _mm512_set1_ps((float)i);
    for (size_t s = 0; s < steps; s++)
#pragma GCC unroll 12
        for (size_t i = 0; i < SUMS; i++)
            sums[i] = _mm512_fmadd_ps(sums[i], half, one);
    for (size_t i = 1; i < SUMS; i++)
        sums[0] = _mm512_add_ps(sums[0], sums[i]);
    return _mm512_cvtss_f32(sums[0]);
}

__attribute__((target("avx512f"))) static float stream_avx512(stream kind, size_t n, float *a,
                                                              const float *b)
{
    return run_stream(kind, n, a, b);
}

__attribute__((target("avx2,fma"))) static float fma_avx2(size_t steps)
{
    __m256 sums[SUMS], half = _mm256_set1_ps(0.5f), one = _mm256_set1_ps(1.0f);
    for (size_t i = 0; i < SUMS; i++)
        sums[i] = _mm256_set1_ps((float)i);
    for (size_t s = 0; s < steps; s++)
#pragma GCC unroll 12
        for (size_t i = 0; i < SUMS; i++)
            sums[i] = _mm256_fmadd_ps(sums[i], half, one);
    for (size_t i = 1; i < SUMS; i++)
        sums[0] = _mm256_add_ps(sums[0], sums[i]);
    return _mm256_cvtss_f32(sums[0]);
}

__attribute__((target("avx2,fma"))) static float stream_avx2(stream kind, size_t n, float *a,
                                                             const float *b)
{
    return run_stream(kind, n, a, b);
}
#endif

/* What every machine of the family has: NEON, or four lanes that multiply and add by turns. */
#if defined(__aarch64__)
#define BASE_ISA "neon"
typedef float32x4_t base_vector;
static inline base_vector base_step(base_vector x, base_vector half, base_vector one)
{
    return vfmaq_f32(one, x, half);
}
#else
#define BASE_ISA "baseline"
typedef float base_vector __attribute__((vector_size(16)));
static inline base_vector base_step(base_vector x, base_vector half, base_vector one)
{
    return x * half + one;
}
#endif

static float fma_base(size_t steps)
{
    base_vector sums[SUMS], half = {0.5f, 0.5f, 0.5f, 0.5f}, one = {1.0f, 1.0f, 1.0f, 1.0f};
    for (size_t i = 0; i < SUMS; i++)
        sums[i] = one;
    for (size_t s = 0; s < steps; s++)
#pragma GCC unroll 12
        for (size_t i = 0; i < SUMS; i++)
            sums[i] = base_step(sums[i], half, one);
    for (size_t i = 1; i < SUMS; i++)
        sums[0] += sums[i];
    return sums[0][0];
}

static float stream_base(stream kind, size_t n, float *a, const float *b)
{
    return run_stream(kind, n, a, b);
}

typedef struct isa {
    const char *name;
    size_t lanes;
    float (*fma)(size_t steps); /* SUMS * lanes multiply-adds a step */
    float (*stream)(stream kind, size_t n, float *a, const float *b);
} isa;

static const isa ISAS[] = {
#if defined(__x86_64__)
    {"avx512", 16, fma_avx512, stream_avx512},
    {"avx2", 8, fma_avx2, stream_avx2},
#endif
    {BASE_ISA, 4, fma_base, stream_base},
};
enum { N_ISAS = sizeof ISAS / sizeof ISAS[0] };

static bool is_supported(const isa *i)
{
#if defined(__x86_64__)
    mlp_cpu_features cpu = mlp_cpu_features_detect();
    if (i->fma == fma_avx512)
        return cpu.avx512f;
    if (i->fma == fma_avx2)
        return cpu.avx2 && cpu.fma;
#endif
    return i->fma == fma_base;
}

static const isa *supported_isa(size_t index)
{
    for (size_t i = 0; i < N_ISAS; i++)
        if (is_supported(&ISAS[i]) && index-- == 0)
            return &ISAS[i];
    return NULL;
}

const char *bench_isa_name(size_t index)
{
    const isa *i = supported_isa(index);
    return i != NULL ? i->name : NULL;
}

typedef struct peak_job {
    mlp_team *team;
    float (*loop)(size_t steps);
} peak_job;

enum { PEAK_STEPS = 1 << 20 }; /* milliseconds: the threads' start is nothing beside it */

static void run_peak_member(mlp_team *team, size_t thread, void *argument)
{
    (void)team;
    (void)thread;
    volatile float kept = ((const peak_job *)argument)->loop(PEAK_STEPS);
    (void)kept;
}

static void run_peak(void *argument)
{
    mlp_team_run(((peak_job *)argument)->team, run_peak_member, argument);
}

double bench_loop_peak(mlp_team *team, float (*loop)(size_t steps), double flops)
{
    peak_job job = {team, loop};
    return (double)team->n_threads * PEAK_STEPS * flops / bench_seconds(run_peak, &job);
}

double bench_fma_peak(size_t index, mlp_team *team)
{
    const isa *i = supported_isa(index);
    return bench_loop_peak(team, i->fma, 2.0 * SUMS * (double)i->lanes);
}

enum { INTEGERS = 8 }; /* more than a core adds in a cycle, and all in registers */

static float add_integers(size_t steps)
{
    uint64_t sums[INTEGERS] = {0}, sum = 0;
    for (size_t s = 0; s < steps; s++)
#pragma GCC unroll 8
        for (size_t i = 0; i < INTEGERS; i++) {
            sums[i] += s;
            __asm__ volatile("" : "+r"(sums[i])); /* an addition, not a part of a vector's */
        }
#pragma GCC unroll 8
    for (size_t i = 0; i < INTEGERS; i++)
        sum += sums[i];
    return (float)sum;
}

double bench_add_peak(mlp_team *team)
{
    return bench_loop_peak(team, add_integers, INTEGERS);
}

enum { BARRIERS = 1 << 12 };

static void run_barriers_member(mlp_team *team, size_t thread, void *argument)
{
    (void)thread;
    (void)argument;
    for (size_t i = 0; i < BARRIERS; i++)
        mlp_team_barrier(team);
}

static void run_barriers(void *argument)
{
    mlp_team_run(argument, run_barriers_member, NULL);
}

double bench_barrier_seconds(mlp_team *team)
{
    return bench_seconds(run_barriers, team) / BARRIERS;
}

typedef struct stream_job {
    const isa *isa;
    stream kind;
    size_t n;
    float *a, *b;
} stream_job;

static void run_stream_job(void *argument)
{
    stream_job *job = argument;
    volatile float kept = job->isa->stream(job->kind, job->n, job->a, job->b);
    (void)kept;
}

double bench_bandwidth(float *memory, size_t n)
{
    static const size_t moved[N_STREAMS] = {
        [STREAM_READ] = 1, [STREAM_UPDATE] = 2, [STREAM_ADD] = 3}; /* floats for each of a */
    double best = 0.0;
    for (stream kind = STREAM_READ; kind < N_STREAMS; kind++) {
        size_t each = (kind == STREAM_ADD ? n / 2 : n) / STREAM_LANES * STREAM_LANES;
        stream_job job = {supported_isa(0), kind, each, memory, memory + n / 2};
        double bytes = (double)(each * moved[kind] * sizeof(float));
        double rate = bytes / bench_seconds(run_stream_job, &job);
        best = rate > best ? rate : best;
    }
    return best;
}
