/* bf16_peak.c: the peak is a loop of independent products in registers, as in machine.c. */
#include "bf16_peak.h"

#include <stdbool.h>

#include "kernels/cpu_features.h"
#include "kernels/select.h"
#include "machine.h"

typedef struct instruction {
    const char *name;
    float (*loop)(size_t steps);
    double flops; /* of a step */
} instruction;

#if defined(__x86_64__)
#include <immintrin.h>

enum { SUMS = 12 };

/* SUMS times 16 lanes of two products a step. */
__attribute__((target("avx512f,avx512bf16"))) static float loop_vdpbf16ps(size_t steps)
{
    __m512bh ones = (__m512bh)_mm512_set1_epi32(0x3f803f80);
    __m512 sums[SUMS];
    for (size_t i = 0; i < SUMS; i++)
        sums[i] = _mm512_setzero_ps();
    for (size_t s = 0; s < steps; s++)
#pragma GCC unroll 12
        for (size_t i = 0; i < SUMS; i++)
            sums[i] = _mm512_dpbf16_ps(sums[i], ones, ones);
    for (size_t i = 1; i < SUMS; i++)
        sums[0] = _mm512_add_ps(sums[0], sums[i]);
    return _mm512_cvtss_f32(sums[0]);
}

/* A tile (16, 32) times a tile (32, 16) a step. A product takes 52 cycles, and another can start
 * every 16 (Intel, "Optimization Reference Manual"): four sums keep the tiles busy. */
__attribute__((target("amx-tile,amx-bf16"))) static float loop_tdpbf16ps(size_t steps)
{
    mlp_bf16_kernels_amx.open();
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    _tile_zero(4);
    _tile_zero(5);
    for (size_t s = 0; s < steps; s += 4) {
        _tile_dpbf16ps(0, 4, 5);
        _tile_dpbf16ps(1, 4, 5);
        _tile_dpbf16ps(2, 4, 5);
        _tile_dpbf16ps(3, 4, 5);
    }
    mlp_bf16_kernels_amx.close();
    return 0.0f;
}

static const instruction INSTRUCTIONS[] = {
    {"tdpbf16ps", loop_tdpbf16ps, 2.0 * 16 * 16 * 32},
    {"vdpbf16ps", loop_vdpbf16ps, 2.0 * SUMS * 16 * 2},
};
enum { N_INSTRUCTIONS = sizeof INSTRUCTIONS / sizeof INSTRUCTIONS[0] };

static bool is_supported(const instruction *i)
{
    mlp_cpu_features cpu = mlp_cpu_features_detect();
    return i->loop == loop_tdpbf16ps ? cpu.amx_granted : cpu.avx512_bf16;
}

static const instruction *supported(size_t index)
{
    for (size_t i = 0; i < N_INSTRUCTIONS; i++)
        if (is_supported(&INSTRUCTIONS[i]) && index-- == 0)
            return &INSTRUCTIONS[i];
    return NULL;
}
#else
static const instruction *supported(size_t index)
{
    (void)index;
    return NULL;
}
#endif

const char *bench_bf16_name(size_t index)
{
    const instruction *i = supported(index);
    return i != NULL ? i->name : NULL;
}

double bench_bf16_peak(size_t index, mlp_team *team)
{
    const instruction *i = supported(index);
    return bench_loop_peak(team, i->loop, i->flops);
}
