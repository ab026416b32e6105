/* The emulated fma against the C library's, to the bit; the other functions
 * against the C library's in double, in units of the last place. */
#include "nn_fixture.h"

static void assert_fma(float a, float b, float c)
{
    float found = mlp_fmaf_emulated(a, b, c), wanted = fmaf(a, b, c);
    if (isnan(wanted) ? !isnan(found) : mlp_float_bits(found) != mlp_float_bits(wanted))
        fail_msg("fma(%a, %a, %a) = %a, wanted %a", (double)a, (double)b, (double)c, (double)found,
                 (double)wanted);
}

static void fma_of_any_bits(void **state)
{
    (void)state;
    dice d = {1, 0};
    for (size_t i = quick_or(20000, 3000000); i-- > 0;) {
        float a = mlp_float_from_bits(roll(&d)), b = mlp_float_from_bits(roll(&d));
        assert_fma(a, b, mlp_float_from_bits(roll(&d)));
    }
}

/* Random words rarely have addends near the product, which is where rounding is
 * hard: here c is a number within 2^-40 .. 2^40 of -ab, or -ab rounded itself. */
static void fma_with_cancellation(void **state)
{
    (void)state;
    dice d = {2, 0};
    for (size_t i = quick_or(20000, 3000000); i-- > 0;) {
        float a = mlp_float_from_bits((roll(&d) & 0x807fffffu) | (64u + roll(&d) % 128u) << 23);
        float b = mlp_float_from_bits((roll(&d) & 0x807fffffu) | (64u + roll(&d) % 128u) << 23);
        float scaled = -(a * b) * ldexpf(1.0f + mlp_rng_unit(roll(&d)), (int)(roll(&d) % 81) - 40);
        assert_fma(a, b, scaled);
        assert_fma(a, b, -(a * b));
        assert_fma(a, b, nextafterf(-(a * b), 0.0f));
    }
}

static void fma_with_subnormal_results(void **state)
{
    (void)state;
    dice d = {3, 0};
    for (size_t i = quick_or(20000, 1000000); i-- > 0;) {
        float a = ldexpf(roll_unit(&d), (int)(roll(&d) % 70) - 75);
        float b = ldexpf(roll_unit(&d), -140 - ilogbf(a == 0.0f ? 1.0f : a) + (int)(roll(&d) % 20));
        assert_fma(a, b, mlp_float_from_bits(roll(&d) & 0x81ffffffu));
        assert_fma(a, b, 0.0f);
    }
}

/* A product that lies exactly between two floats, with an addend too small to be
 * seen in a double: only its sign decides. Rounding the double sum once more
 * would go to the even float for both. */
static void fma_at_halfway(void **state)
{
    (void)state;
    const float tiny[] = {0.0f, 0x1p-149f, -0x1p-149f, 0x1p-80f, -0x1p-80f};
    dice d = {4, 0};
    for (size_t i = quick_or(2000, 100000); i-- > 0;) {
        float odd = (float)(4097 + 2 * (roll(&d) % 2047)); /* 13 bits, squared: 25 or 26 */
        float other = (float)(4097 + 2 * (roll(&d) % 2047));
        int scale = (int)(roll(&d) % 40) - 20;
        for (size_t t = 0; t < sizeof tiny / sizeof *tiny; t++) {
            assert_fma(ldexpf(odd, scale), other, tiny[t]);
            assert_fma(ldexpf(odd, scale), -other, tiny[t]);
        }
    }
}

static void fma_of_special_values(void **state)
{
    (void)state;
    const float values[] = {
        0.0f,      -0.0f,      1.0f,      -1.0f,      0x1p-149f,        -0x1p-149f,
        0x1p-126f, -0x1p-126f, 0x1p-75f,  -0x1p-75f,  0x1.fffffep+127f, -0x1.fffffep+127f,
        INFINITY,  -INFINITY,  NAN,       1.5f,       0x1.000002p+0f,   0x1.fffffcp-127f,
        0x1p+64f,  -0x1p+64f,  0x1p+103f, -0x1p+103f, 0x1.fffffep-1f,   -0x1.fffffep-1f,
    };
    const size_t n = sizeof values / sizeof *values;
    for (size_t i = 0; i < n * n * n; i++)
        assert_fma(values[i % n], values[i / n % n], values[i / n / n]);
}

/* The distance of found from the real value, in units of the last place of a
 * float of wanted's size (of the subnormals' where it is one). */
static double ulps(float found, double wanted)
{
    int exponent = wanted == 0.0 ? -126 : ilogb(wanted);
    return fabs((double)found - wanted) / ldexp(1.0, (exponent < -126 ? -126 : exponent) - 23);
}

static double max_double(double a, double b)
{
    return a > b ? a : b;
}

/* The worst over some million floats from `first` to `last`, which has the larger magnitude. */
typedef float (*function_f)(float);
typedef double (*function_d)(double);

static double worst_ulps(function_f f, function_d exact, float first, float last)
{
    double worst = 0.0;
    uint32_t from = mlp_float_bits(first), to = mlp_float_bits(last);
    uint32_t stride = (to - from) / (uint32_t)quick_or(20000, 1500000) | 1u;
    for (uint64_t bits = from; bits <= to; bits += stride) {
        float x = mlp_float_from_bits((uint32_t)bits);
        worst = max_double(worst, ulps(f(x), exact((double)x)));
    }
    return worst;
}

static void assert_within(const char *name, double worst, double bound)
{
    print_message("%s: at most %.4f ulp\n", name, worst);
    if (!(worst <= bound))
        fail_msg("%s is %g ulp off, more than %g", name, worst, bound);
}

static void exp_is_within_an_ulp(void **state)
{
    (void)state;
    assert_within("exp, x > 0", worst_ulps(mlp_expf, exp, 0x1p-60f, 88.7f), 1.0);
    assert_within("exp, x < 0", worst_ulps(mlp_expf, exp, -0x1p-60f, -87.3f), 1.0);
    assert_within("exp, subnormal", worst_ulps(mlp_expf, exp, -87.3f, -103.9f), 1.0);
    assert_true(mlp_expf(0.0f) == 1.0f);
    assert_true(mlp_expf(-0.0f) == 1.0f);
}

static void exp_keeps_to_its_range(void **state)
{
    (void)state;
    const float nothing[] = {-104.0f, -104.5f, -1e4f, -0x1.fffffep+127f, -INFINITY};
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++)
        assert_int_equal(mlp_float_bits(mlp_expf(nothing[i])), 0);
    assert_true(mlp_expf(-103.9f) > 0.0f);
    assert_true(mlp_expf(INFINITY) == mlp_expf(88.7f));
    assert_true(isfinite(mlp_expf(88.7f)));
}

static void log_is_within_2_ulp(void **state)
{
    (void)state;
    assert_within("log, x < 1/2", worst_ulps(mlp_logf, log, 0x1p-126f, 0.5f), 2.0);
    assert_within("log, x > 2", worst_ulps(mlp_logf, log, 2.0f, 0x1.fffffep+127f), 2.0);
    assert_within("log, around 1", worst_ulps(mlp_logf, log, 0.5f, 2.0f), 2.0);
    assert_int_equal(mlp_float_bits(mlp_logf(1.0f)), 0);
}

static void log1p_is_within_3_ulp(void **state)
{
    (void)state;
    assert_within("log1p", worst_ulps(mlp_log1pf, log1p, 0x1p-149f, 1.0f), 3.0);
    assert_int_equal(mlp_float_bits(mlp_log1pf(0.0f)), 0);
}

/* A training that has diverged must show it. */
static void a_nan_stays_one(void **state)
{
    (void)state;
    const uint32_t nans[] = {0x7fc00000u, 0xffc00000u, 0x7f800001u, 0xffffffffu};
    for (size_t i = 0; i < sizeof nans / sizeof *nans; i++) {
        float x = mlp_float_from_bits(nans[i]);
        assert_true(isnan(mlp_expf(x)));
        assert_true(isnan(mlp_logf(x)));
        assert_true(isnan(mlp_log1pf(x)));
    }
    assert_true(mlp_logf(INFINITY) == INFINITY);
}

static uint32_t add_bits(uint32_t hash, float x)
{
    return (hash ^ mlp_float_bits(x)) * 16777619u; /* FNV's prime */
}

/* A promise to every compiler and machine: runs repeat to the bit. A change of
 * these sums is a change of every trained model. */
static void the_bits_are_the_same_everywhere(void **state)
{
    (void)state;
    uint32_t exp_bits = 0, log_bits = 0, log1p_bits = 0;
    for (int i = 0; i < 20000; i++) {
        float x = (float)i / 8192.0f;
        exp_bits = add_bits(exp_bits, mlp_expf(-43.0f * x));
        log_bits = add_bits(log_bits, mlp_logf(x + 1.0f));
        log1p_bits = add_bits(log1p_bits, mlp_log1pf(x / 4.0f));
    }
    assert_int_equal(exp_bits, 0x6258939bu);
    assert_int_equal(log_bits, 0x65f53376u);
    assert_int_equal(log1p_bits, 0x704d95eu);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fma_of_any_bits),
        cmocka_unit_test(fma_with_cancellation),
        cmocka_unit_test(fma_with_subnormal_results),
        cmocka_unit_test(fma_at_halfway),
        cmocka_unit_test(fma_of_special_values),
        cmocka_unit_test(exp_is_within_an_ulp),
        cmocka_unit_test(exp_keeps_to_its_range),
        cmocka_unit_test(log_is_within_2_ulp),
        cmocka_unit_test(log1p_is_within_3_ulp),
        cmocka_unit_test(a_nan_stays_one),
        cmocka_unit_test(the_bits_are_the_same_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
