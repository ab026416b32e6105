/* fmath.h: the few float functions that training needs, the same bits everywhere.
 *
 * libm's expf and logf differ between machines, so a result that reaches a
 * parameter uses these instead. They are plain C over correctly rounded
 * operations (+ - * / fma), inline so that every kernel file compiles them for
 * its own instruction set; the compiler may vectorise them but, with
 * -ffp-contract=off and without -ffast-math, may not change a bit.
 */
#ifndef MLP_BASE_FMATH_H
#define MLP_BASE_FMATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t mlp_float_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float mlp_float_from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* a * b + c rounded once, in double arithmetic only. The product of two floats
 * is exact in a double; the sum is rounded to odd (the last bit is set whenever
 * the sum is inexact), after which the rounding to float is the right one:
 * Boldo and Melquiond, "Emulation of FMA and correctly rounded sums: proved
 * algorithms using rounding to odd", IEEE Trans. Computers 57(4), 2008. */
static inline float mlp_fmaf_emulated(float a, float b, float c)
{
    double product = (double)a * (double)b;
    double addend = (double)c;
    double sum = product + addend;
    double back = sum - product; /* Knuth's TwoSum: sum + error is exact */
    double error = (product - (sum - back)) + (addend - back);
    uint64_t bits;
    memcpy(&bits, &sum, sizeof bits);
    uint64_t inexact = (uint64_t)((error > 0) | (error < 0)) & ~bits & 1;
    uint64_t outwards = (uint64_t)((error > 0) == (sum > 0));
    bits += inexact * (2 * outwards - 1); /* to the odd neighbour, on the error's side */
    memcpy(&sum, &bits, sizeof sum);
    return (float)sum;
}

/* a * b + c rounded once: one instruction where the target has it. */
static inline float mlp_fmaf(float a, float b, float c)
{
#if defined(__FMA__) || defined(FP_FAST_FMAF)
    return fmaf(a, b, c);
#else
    return mlp_fmaf_emulated(a, b, c);
#endif
}

/* e^x, within 1 ulp for normal results; 0 below about -104, a NaN stays one.
 * x is limited to 88.7, which is all that the stable forms of the losses
 * (arguments <= 0) could ever need. */
static inline float mlp_expf(float x)
{
    const float magic = 0x1.8p23f; /* adding it rounds to an integer, in the low bits */
    x = x > 88.7f ? 88.7f : x;
    x = x < -104.0f ? -104.0f : x;
    float shifted = mlp_fmaf(x, 0x1.715476p+0f, magic); /* log2(e) */
    float n = shifted - magic;
    float r = mlp_fmaf(n, -0x1.62e4p-1f, x); /* ln 2, high part: n * it is exact */
    r = mlp_fmaf(n, -0x1.7f7d1cp-20f, r);    /* ln 2, low part */

    float p = 1.0f / 5040.0f; /* Taylor: |r| <= ln(2) / 2, so the next term is below 6e-9 */
    p = mlp_fmaf(p, r, 1.0f / 720.0f);
    p = mlp_fmaf(p, r, 1.0f / 120.0f);
    p = mlp_fmaf(p, r, 1.0f / 24.0f);
    p = mlp_fmaf(p, r, 1.0f / 6.0f);
    p = mlp_fmaf(p, r, 0.5f);
    p = mlp_fmaf(p, r, 1.0f);
    p = mlp_fmaf(p, r, 1.0f);

    /* 2^n in two factors, so that results below the normal range round once. */
    uint32_t exponent = mlp_float_bits(shifted) - mlp_float_bits(magic) + 254u;
    uint32_t half = exponent / 2;
    return p * mlp_float_from_bits(half << 23) * mlp_float_from_bits((exponent - half) << 23);
}

/* ln x for normal x > 0, within 2 ulp; infinity and a NaN stay what they are. With
 * x = 2^e m, m in [sqrt(1/2), sqrt 2), and s = (m - 1) / (m + 1):
 * ln m = 2 artanh s = 2 (s + s^3/3 + s^5/5 + ...). */
static inline float mlp_logf(float x)
{
    uint32_t bits = mlp_float_bits(x) - 0x3f3504f3u; /* of sqrt(1/2) */
    float e = (float)((int32_t)bits >> 23);
    float m = mlp_float_from_bits((bits & 0x007fffffu) + 0x3f3504f3u);
    float s = (m - 1.0f) / (m + 1.0f);
    float z = s * s;
    float p = 1.0f / 11.0f;
    p = mlp_fmaf(p, z, 1.0f / 9.0f);
    p = mlp_fmaf(p, z, 1.0f / 7.0f);
    p = mlp_fmaf(p, z, 1.0f / 5.0f);
    p = mlp_fmaf(p, z, 1.0f / 3.0f);
    float twice = s + s;
    float log_m = mlp_fmaf(twice * z, p, twice);
    float log_x = mlp_fmaf(e, 0x1.62e4p-1f, mlp_fmaf(e, 0x1.7f7d1cp-20f, log_m));
    return x < INFINITY ? log_x : x;
}

/* ln(1 + t) for t in [0, 1], within 3 ulp down to the smallest t: the rounding error of 1 + t is
 * put back to first order. */
static inline float mlp_log1pf(float t)
{
    float u = 1.0f + t;
    return mlp_logf(u) + (t - (u - 1.0f)) / u;
}

#endif
