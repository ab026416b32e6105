/* kernel_fixture.h: what the tests of the kernels room share: arrays of random
 * floats and their comparison by bytes. */
#ifndef MLP_TESTS_KERNEL_FIXTURE_H
#define MLP_TESTS_KERNEL_FIXTURE_H

#include "nn_fixture.h"

static const float SENTINEL = 12345.0f; /* where nothing may be written */

/* Equal bytes; of NaNs only that both are, for their bits are the processor's own. */
static inline void assert_same(const char *name, const float *found, const float *wanted, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (mlp_float_bits(found[i]) != mlp_float_bits(wanted[i]) &&
            !(isnan(found[i]) && isnan(wanted[i])))
            fail_msg("%s: element %zu of %zu is %a, wanted %a", name, i, n, (double)found[i],
                     (double)wanted[i]);
}

typedef enum numbers { FINITE, WILD } numbers; /* among the latter infinities and NaN */

/* n floats, on a cache line of their own; the caller's to free. */
static inline float *roll_floats(dice *d, size_t n, numbers kind)
{
    const float wild[] = {INFINITY, -INFINITY, NAN, -NAN};
    float *x = must_alloc(n, sizeof *x);
    for (size_t i = 0; i < n; i++) {
        x[i] = roll_float(d);
        if (kind == WILD && roll(d) % 64 == 0)
            x[i] = wild[roll(d) % 4];
    }
    return x;
}

static inline float *copy_floats(const float *from, size_t n)
{
    float *copy = must_alloc(n, sizeof *copy);
    return memcpy(copy, from, n * sizeof *copy);
}

#endif
