/* The product of each bf16 table: the portable one against the definition in bf16.h, every other
 * against the portable one, byte for byte, whatever the numbers. */
#include "bf16_fixture.h"

/* The operands of a product, packed from a (32, K) and b (K, 32). */
typedef struct operands {
    float *a, *b, *c;
    uint32_t *a_strip, *b_strip;
} operands;

static operands roll_operands(size_t n, numbers kind)
{
    operands o = {.a = roll_floats(MAX_BLOCKS * TILE_FLOATS, kind),
                  .b = roll_floats(MAX_BLOCKS * TILE_FLOATS, kind),
                  .c = roll_floats(TILE_FLOATS, kind)};
    o.a_strip = must_alloc(MAX_BLOCKS, BLOCK * sizeof *o.a_strip);
    o.b_strip = must_alloc(MAX_BLOCKS, BLOCK * sizeof *o.b_strip);
    for (size_t k = 0; k < n; k++) {
        mlp_bf16_kernels_portable.pack_rows(o.a + k * TILE_FLOATS, STRIDE, 1.0f,
                                            o.a_strip + k * BLOCK);
        mlp_bf16_kernels_portable.pack_pairs(o.b + k * TILE_FLOATS, STRIDE, 1.0f,
                                             o.b_strip + k * BLOCK, false);
    }
    return o;
}

static void free_operands(operands *o)
{
    free(o->a);
    free(o->b);
    free(o->c);
    free(o->a_strip);
    free(o->b_strip);
}

static const uint32_t ASCENDING[MAX_BLOCKS] = {0, 1, 2, 3, 4, 5, 6, 7, 8};

/* Asks for something ahead where n is odd. */
static void multiply_blocks(const mlp_bf16_kernels *k, size_t n, const uint32_t *blocks,
                            const operands *o, size_t stride, float *c)
{
    memcpy(c, o->c, TILE_FLOATS * sizeof *c);
    k->open();
    k->multiply(n, blocks, o->a_strip, o->b_strip, c, stride, c, stride,
                n % 2 == 0 ? 0 : (uintptr_t)o->a_strip);
    k->close();
}

static void multiply(const mlp_bf16_kernels *k, size_t n, const operands *o, size_t stride,
                     float *c)
{
    multiply_blocks(k, n, ASCENDING, o, stride, c);
}

/* Of tame numbers: the sum in double, within what the roundings can make of it. */
static void the_portable_product_is_the_sum(void **state)
{
    (void)state;
    float *found = must_alloc(TILE_FLOATS, sizeof *found);
    for (size_t n = 0; n <= MAX_BLOCKS; n++) {
        operands o = roll_operands(n, TAME);
        multiply(supported(0), n, &o, STRIDE, found);
        for (size_t i = 0; i < STRIP; i++)
            for (size_t j = 0; j < STRIP; j++) {
                double sum = (double)o.c[i * STRIDE + j], size = fabs(sum);
                for (size_t k = 0; k < n * STRIP; k++) {
                    float a = o.a[k / STRIP * TILE_FLOATS + i * STRIDE + k % STRIP];
                    float b = o.b[k / STRIP * TILE_FLOATS + k % STRIP * STRIDE + j];
                    double term = (double)mlp_float_from_bits(nearest_bf16(a) << 16) *
                                  (double)mlp_float_from_bits(nearest_bf16(b) << 16);
                    sum += term;
                    size += fabs(term);
                }
                double bound = size * (double)(n + 18) * ldexp(1.0, -24);
                assert_true(fabs((double)found[i * STRIDE + j] - sum) <= bound);
            }
        for (size_t i = 0; i < TILE_FLOATS; i++)
            assert_true(i % STRIDE < STRIP || found[i] == o.c[i]);
        free_operands(&o);
    }
    free(found);
}

static void every_table_multiplies_the_same(void **state)
{
    (void)state;
    float *found = must_alloc(TILE_FLOATS, sizeof *found);
    float *wanted = must_alloc(TILE_FLOATS, sizeof *wanted);
    for (size_t round = 0; round < quick_or(8, 40); round++)
        for (size_t n = 0; n <= MAX_BLOCKS; n += n < 3 ? 1 : 3) {
            operands o = roll_operands(n, round % 2 == 0 ? TAME : WILD);
            size_t stride = round % 4 < 2 ? STRIP : STRIDE;
            multiply(supported(0), n, &o, stride, wanted);
            for (size_t t = 1; supported(t) != NULL; t++) {
                multiply(supported(t), n, &o, stride, found);
                assert_same(supported(t)->name, found, wanted, TILE_FLOATS);
            }
            free_operands(&o);
        }
    free(found);
    free(wanted);
}

/* Some blocks of a strip: as of strips that have no others. */
static void blocks_are_passed_over(void **state)
{
    (void)state;
    static const uint32_t SOME[] = {1, 2, 5};
    enum { N = sizeof SOME / sizeof SOME[0] };
    float *found = must_alloc(TILE_FLOATS, sizeof *found);
    float *wanted = must_alloc(TILE_FLOATS, sizeof *wanted);
    operands all = roll_operands(MAX_BLOCKS, TAME), some = roll_operands(N, TAME);
    memcpy(some.c, all.c, TILE_FLOATS * sizeof *some.c);
    for (size_t k = 0; k < N; k++) {
        memcpy(some.a_strip + k * BLOCK, all.a_strip + SOME[k] * BLOCK, BLOCK * sizeof(uint32_t));
        memcpy(some.b_strip + k * BLOCK, all.b_strip + SOME[k] * BLOCK, BLOCK * sizeof(uint32_t));
    }
    for (size_t t = 0; supported(t) != NULL; t++) {
        multiply(supported(t), N, &some, STRIDE, wanted);
        multiply_blocks(supported(t), N, SOME, &all, STRIDE, found);
        assert_same(supported(t)->name, found, wanted, TILE_FLOATS);
    }
    free_operands(&all);
    free_operands(&some);
    free(found);
    free(wanted);
}

/* From one row for all, or from another matrix: as from c filled with the same before. */
static void sums_start_from_rows(void **state)
{
    (void)state;
    float *found = must_alloc(TILE_FLOATS, sizeof *found);
    float *wanted = must_alloc(TILE_FLOATS, sizeof *wanted);
    operands o = roll_operands(2, TAME);
    for (size_t t = 0; supported(t) != NULL; t++)
        for (size_t start_stride = 0; start_stride <= STRIP; start_stride += STRIP) {
            for (size_t i = 0; i < TILE_FLOATS; i++)
                found[i] = wanted[i] = -1.0f;
            for (size_t i = 0; i < STRIP; i++)
                memcpy(wanted + i * STRIDE, o.c + i * start_stride, STRIP * sizeof *wanted);
            supported(t)->open();
            supported(t)->multiply(2, ASCENDING, o.a_strip, o.b_strip, wanted, STRIDE, wanted,
                                   STRIDE, 0);
            supported(t)->multiply(2, ASCENDING, o.a_strip, o.b_strip, o.c, start_stride, found,
                                   STRIDE, 0);
            supported(t)->close();
            assert_same(supported(t)->name, found, wanted, TILE_FLOATS);
        }
    free_operands(&o);
    free(found);
    free(wanted);
}

/* Numbers of any sign: of a a power of two and up to twice as much, of b twice these. The power is
 * a float's upper half. */
static void roll_magnitudes(operands *o, size_t n, uint32_t power)
{
    for (size_t i = 0; i < n * BLOCK; i++) {
        o->a_strip[i] = power * 0x10001u + (roll() & 0x807f807fu);
        o->b_strip[i] = (power + 0x80u) * 0x10001u + (roll() & 0x807f807fu);
    }
}

/* Terms so small that sums, evens and odds pass below the smallest normal number. */
static void tiny_sums_become_zeros(void **state)
{
    (void)state;
    float *found = must_alloc(TILE_FLOATS, sizeof *found);
    float *wanted = must_alloc(TILE_FLOATS, sizeof *wanted);
    size_t zeros = 0;
    for (size_t round = 0; round < 20; round++) {
        operands o = roll_operands(0, TAME);
        roll_magnitudes(&o, 2, 0x1f80u); /* 2^-64 */
        for (size_t i = 0; i < TILE_FLOATS; i++)
            o.c[i] = mlp_float_from_bits(roll() & 0x80ffffffu);
        multiply(supported(0), 2, &o, STRIDE, wanted);
        for (size_t i = 0; i < STRIP; i++)
            for (size_t j = 0; j < STRIP; j++) {
                assert_true(wanted[i * STRIDE + j] == 0.0f ||
                            fabsf(wanted[i * STRIDE + j]) >= FLT_MIN);
                zeros += wanted[i * STRIDE + j] == 0.0f;
            }
        for (size_t t = 1; supported(t) != NULL; t++) {
            multiply(supported(t), 2, &o, STRIDE, found);
            assert_memory_equal(found, wanted, TILE_FLOATS * sizeof *found);
        }
        free_operands(&o);
    }
    assert_true(zeros > 0);
    free(found);
    free(wanted);
}

/* Nothing on the way is below the smallest normal number, 2^-126, but the last sum: of c, 1.5 times
 * as much, and of one term, as much and of the other sign. */
static void a_tiny_last_sum_becomes_a_zero_of_its_sign(void **state)
{
    (void)state;
    float *found = must_alloc(TILE_FLOATS, sizeof *found);
    operands o = roll_operands(0, TAME);
    memset(o.a_strip, 0, BLOCK * sizeof *o.a_strip);
    memset(o.b_strip, 0, BLOCK * sizeof *o.b_strip);
    for (size_t tile = 0; tile < BLOCK; tile += BLOCK / 2)
        for (size_t i = 0; i < TILE; i++) {
            o.a_strip[tile + i * TILE] = i % 2 == 0 ? 0x2000u : 0xa000u; /* 2^-63, -2^-63 */
            o.b_strip[tile + i] = 0x2000u;
        }
    for (size_t i = 0; i < STRIP; i++)
        for (size_t j = 0; j < STRIP; j++)
            o.c[i * STRIDE + j] = i % 2 == 0 ? -0x1.8p-126f : 0x1.8p-126f;
    for (size_t t = 0; supported(t) != NULL; t++) {
        multiply(supported(t), 1, &o, STRIDE, found);
        for (size_t i = 0; i < STRIP; i++)
            for (size_t j = 0; j < STRIP; j++)
                assert_int_equal(mlp_float_bits(found[i * STRIDE + j]),
                                 i % 2 == 0 ? 0x80000000u : 0u);
    }
    free_operands(&o);
    free(found);
}

/* In each four rows most k are 0 in all of them, as blank pixels are. */
static void blank_most(uint32_t *a, size_t n)
{
    for (size_t row = 0; row < n * STRIP; row += 4)
        for (size_t k = 0; k < STRIP; k++)
            for (size_t i = 0, blank = roll() % 4; i < 4 && blank > 0; i++)
                a[(row + i) * TILE + k / 2] &= k % 2 == 0 ? 0xffff0000u : 0xffffu;
}

/* A table that leaves zeros out must still show an infinity beside them, and the sign of a
 * zero that is added to -0: of a sum below the smallest normal number, and of products that are
 * zeros at once, and no subnormal is to be seen. */
static void blanks_hide_nothing(void **state)
{
    (void)state;
    static const uint32_t STARTS[] = {0x80000000u, 0, 0x80000001u, 0x80800000u, 0xbf800000u};
    enum { TINY, VANISHING, INFINITE, ALL_TAME, KINDS };
    enum { N_STARTS = sizeof STARTS / sizeof STARTS[0], MAX_N = 3 };
    float *found = must_alloc(TILE_FLOATS, sizeof *found);
    float *wanted = must_alloc(TILE_FLOATS, sizeof *wanted);
    for (size_t round = 0; round < (size_t)2 * KINDS * N_STARTS * MAX_N; round++) {
        size_t kind = round % KINDS, n = round / KINDS % MAX_N + 1;
        operands o = roll_operands(n, TAME);
        if (kind == TINY)
            roll_magnitudes(&o, n, 0x1f80u); /* 2^-64 */
        if (kind == VANISHING)
            roll_magnitudes(&o, n, 0x0d80u); /* 2^-100 */
        for (size_t i = 0; i < TILE_FLOATS && (kind == TINY || kind == VANISHING); i++)
            o.c[i] = mlp_float_from_bits(STARTS[round / KINDS / MAX_N % N_STARTS]);
        if (kind == INFINITE)
            o.b_strip[roll() % (n * BLOCK)] |= roll() % 2 == 0 ? 0x7f80u : 0x7f800000u;
        blank_most(o.a_strip, n);
        multiply(supported(0), n, &o, STRIDE, wanted);
        for (size_t t = 1; supported(t) != NULL; t++) {
            multiply(supported(t), n, &o, STRIDE, found);
            assert_same(supported(t)->name, found, wanted, TILE_FLOATS);
        }
        free_operands(&o);
    }
    free(found);
    free(wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_portable_product_is_the_sum),
        cmocka_unit_test(every_table_multiplies_the_same),
        cmocka_unit_test(blocks_are_passed_over),
        cmocka_unit_test(sums_start_from_rows),
        cmocka_unit_test(tiny_sums_become_zeros),
        cmocka_unit_test(a_tiny_last_sum_becomes_a_zero_of_its_sign),
        cmocka_unit_test(blanks_hide_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
