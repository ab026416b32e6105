/* bf16_fixture.h: what the tests of the bf16 tables share: floats of every kind, their nearest
 * bf16, the tables of this machine. */
#ifndef MLP_TESTS_BF16_FIXTURE_H
#define MLP_TESTS_BF16_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/fmath.h"
#include "base/mem.h"
#include "base/rng.h"
#include "kernels/select.h"
#include "quick.h"

enum {
    STRIP = MLP_BF16_STRIP,
    TILE = MLP_BF16_TILE,
    BLOCK = MLP_BF16_BLOCK,
    STRIDE = 64,
    MAX_BLOCKS = 9,
    TILE_FLOATS = STRIP * STRIDE,
};

static uint64_t rolled;

static inline uint32_t roll(void)
{
    return mlp_rng_u32(1, 0, rolled++);
}

static inline float roll_unit(void)
{
    return 2.0f * mlp_rng_unit(roll()) - 1.0f;
}

typedef enum numbers { TAME, WILD } numbers;

/* Tame: around 1, and zeros. Wild: any size, subnormals, infinities and NaNs too. */
static inline float roll_float(numbers kind)
{
    uint32_t of = roll() % 64;
    if (kind == TAME || of > 40)
        return of % 4 == 0 ? 0.0f : roll_unit();
    if (of == 0)
        return roll() % 2 == 0 ? INFINITY : -INFINITY;
    if (of == 1)
        return NAN;
    if (of < 8)
        return mlp_float_from_bits(roll() & 0x807fffffu);
    return ldexpf(roll_unit(), (int)(roll() % 200) - 130);
}

static inline void *must_alloc(size_t count, size_t size)
{
    void *memory = mlp_alloc(count, size);
    assert_non_null(memory);
    return memory;
}

static inline float *roll_floats(size_t n, numbers kind)
{
    float *x = must_alloc(n, sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = roll_float(kind);
    return x;
}

/* Supported table `index`, portable first; NULL past the last. */
static const mlp_bf16_kernels *supported(size_t index)
{
    for (size_t i = 0; mlp_bf16_kernels_list(i) != NULL; i++)
        if (mlp_bf16_kernels_supported(mlp_bf16_kernels_list(i)) && index-- == 0)
            return mlp_bf16_kernels_list(i);
    return NULL;
}

/* Equal bytes; of NaNs only that both are. */
static inline void assert_same(const char *name, const float *found, const float *wanted, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (mlp_float_bits(found[i]) != mlp_float_bits(wanted[i]) &&
            !(isnan(found[i]) && isnan(wanted[i])))
            fail_msg("%s: element %zu is %a, wanted %a", name, i, (double)found[i],
                     (double)wanted[i]);
}

/* The bf16 next to x, found by trying both neighbours; ties to the even one. */
static inline uint32_t nearest_bf16(float x)
{
    uint32_t low = mlp_float_bits(x) >> 16;
    if (isnan(x))
        return low | 0x40u;
    if (fabsf(x) < FLT_MIN)
        return low & 0x8000u;
    if (isinf(x))
        return low;
    double below = fabs((double)x - (double)mlp_float_from_bits(low << 16));
    double above = ldexp(1.0, ilogbf(x) - 7) - below; /* the next one may be infinity */
    return above < below || (above <= below && low % 2 == 1) ? low + 1 : low;
}

#endif
