/* The tables of bf16 products: the portable one against the definition in bf16.h, every
 * other against the portable one, byte for byte, whatever the numbers. */
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

enum {
    STRIP = MLP_BF16_STRIP,
    TILE = MLP_BF16_TILE,
    BLOCK = MLP_BF16_BLOCK,
    STRIDE = 64,
    MAX_BLOCKS = 9,
    TILE_FLOATS = STRIP * STRIDE,
};

static uint64_t rolled;

static uint32_t roll(void)
{
    return mlp_rng_u32(1, 0, rolled++);
}

static float roll_unit(void)
{
    return 2.0f * mlp_rng_unit(roll()) - 1.0f;
}

typedef enum numbers { TAME, WILD } numbers;

/* Tame: around 1, and zeros. Wild: any size, subnormals, infinities and NaNs too. */
static float roll_float(numbers kind)
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

static void *must_alloc(size_t count, size_t size)
{
    void *memory = mlp_alloc(count, size);
    assert_non_null(memory);
    return memory;
}

static float *roll_floats(size_t n, numbers kind)
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
static void assert_same(const char *name, const float *found, const float *wanted, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (mlp_float_bits(found[i]) != mlp_float_bits(wanted[i]) &&
            !(isnan(found[i]) && isnan(wanted[i])))
            fail_msg("%s: element %zu is %a, wanted %a", name, i, (double)found[i],
                     (double)wanted[i]);
}

/* The bf16 next to x, found by trying both neighbours; ties to the even one. */
static uint32_t nearest_bf16(float x)
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

static uint32_t half(uint32_t pair, size_t k)
{
    return k % 2 == 0 ? pair & 0xffffu : pair >> 16;
}

static void packing_rounds_to_its_place(void **state)
{
    (void)state;
    uint32_t *rows = must_alloc(BLOCK, sizeof *rows), *pairs = must_alloc(BLOCK, sizeof *pairs);
    for (size_t round = 0; round < 200; round++) {
        float *x = roll_floats(TILE_FLOATS, WILD);
        float scale = round % 2 == 0 ? 1.0f : 1.0f / 255.0f;
        for (size_t i = 0; i < 64; i++) /* ties, and what becomes infinite */
            x[i] = mlp_float_from_bits(((roll() << 15) & 0x7f7f8000u) |
                                       (i % 9 == 0 ? 0x7f000000u : 0));
        mlp_bf16_kernels_portable.pack_rows(x, STRIDE, scale, rows);
        mlp_bf16_kernels_portable.pack_pairs(x, STRIDE, scale, pairs);
        for (size_t r = 0; r < STRIP; r++)
            for (size_t c = 0; c < STRIP; c++) {
                uint32_t wanted = nearest_bf16(x[r * STRIDE + c] * scale);
                uint32_t as_a = rows[r / TILE * BLOCK / 2 + r % TILE * TILE + c / 2];
                uint32_t as_b = pairs[c / TILE * BLOCK / 2 + r / 2 * TILE + c % TILE];
                assert_int_equal(half(as_a, c), wanted);
                assert_int_equal(half(as_b, r), wanted);
            }
        free(x);
    }
    free(rows);
    free(pairs);
}

static void every_table_packs_the_same(void **state)
{
    (void)state;
    uint32_t *wanted = must_alloc(BLOCK, sizeof *wanted), *found = must_alloc(BLOCK, sizeof *found);
    const mlp_bf16_kernels *portable = supported(0);
    for (size_t t = 1; supported(t) != NULL; t++)
        for (size_t round = 0; round < 100; round++) {
            const mlp_bf16_kernels *k = supported(t);
            float *x = roll_floats(TILE_FLOATS, WILD);
            size_t stride = round % 2 == 0 ? STRIP : STRIDE;
            float scale = round % 4 < 2 ? 1.0f : 1.0f / 255.0f;
            portable->pack_rows(x, stride, scale, wanted);
            k->pack_rows(x, stride, scale, found);
            assert_memory_equal(found, wanted, BLOCK * sizeof *found);
            portable->pack_pairs(x, stride, scale, wanted);
            k->pack_pairs(x, stride, scale, found);
            assert_memory_equal(found, wanted, BLOCK * sizeof *found);
            free(x);
        }
    free(wanted);
    free(found);
}

static void a_transpose_exchanges_pairs_and_rows(void **state)
{
    (void)state;
    uint32_t *block = must_alloc(BLOCK, sizeof *block), *out = must_alloc(BLOCK, sizeof *out);
    for (size_t i = 0; i < BLOCK; i++)
        block[i] = roll();
    for (size_t t = 0; supported(t) != NULL; t++) {
        supported(t)->transpose(block, out);
        for (size_t i = 0; i < BLOCK; i++) {
            size_t tile = i / (TILE * TILE), row = i / TILE % TILE, pair = i % TILE;
            assert_int_equal(out[i], block[tile * TILE * TILE + pair * TILE + row]);
        }
    }
    free(block);
    free(out);
}

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
                                             o.b_strip + k * BLOCK);
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

static void multiply(const mlp_bf16_kernels *k, size_t n, const operands *o, size_t stride,
                     float *c)
{
    memcpy(c, o->c, TILE_FLOATS * sizeof *c);
    k->open();
    k->multiply(n, o->a_strip, o->b_strip, c, stride, c, stride);
    k->close();
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
    for (size_t round = 0; round < 40; round++)
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
            supported(t)->multiply(2, o.a_strip, o.b_strip, wanted, STRIDE, wanted, STRIDE);
            supported(t)->multiply(2, o.a_strip, o.b_strip, o.c, start_stride, found, STRIDE);
            supported(t)->close();
            assert_same(supported(t)->name, found, wanted, TILE_FLOATS);
        }
    free_operands(&o);
    free(found);
    free(wanted);
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
        for (size_t i = 0; i < 2 * BLOCK; i++) {
            o.a_strip[i] = 0x1f801f80u + (roll() & 0x807f807fu); /* 2^-64 to 2^-63 */
            o.b_strip[i] = 0x20002000u + (roll() & 0x807f807fu);
        }
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

static void pixels_widen_exactly(void **state)
{
    (void)state;
    uint8_t bytes[STRIP][256];
    const uint8_t *images[STRIP];
    float *x = must_alloc(STRIP * STRIP, sizeof *x);
    for (size_t i = 0; i < STRIP; i++) {
        images[i] = bytes[i];
        for (size_t k = 0; k < 256; k++)
            bytes[i][k] = (uint8_t)(k * 37 + i);
    }
    for (size_t t = 0; supported(t) != NULL; t++)
        for (size_t n = 0; n <= STRIP; n++)
            for (size_t first = 0; first + n <= 256; first += 32) {
                supported(t)->widen_pixels(n, images, first, x);
                for (size_t i = 0; i < STRIP * STRIP; i++) {
                    size_t k = i % STRIP;
                    float wanted = k < n ? (float)bytes[i / STRIP][first + k] : 0.0f;
                    assert_true(x[i] == wanted);
                    assert_int_equal(nearest_bf16(x[i]) << 16, mlp_float_bits(x[i]));
                }
            }
    free(x);
}

static void column_sums_have_one_order(void **state)
{
    (void)state;
    uint32_t *strip = must_alloc(MAX_BLOCKS, BLOCK * sizeof *strip);
    float found[STRIP] __attribute__((aligned(64))), wanted[STRIP] __attribute__((aligned(64)));
    for (size_t n = 0; n <= MAX_BLOCKS; n++) {
        float *x = roll_floats(MAX_BLOCKS * TILE_FLOATS, n % 2 == 0 ? TAME : WILD);
        for (size_t k = 0; k < n; k++)
            mlp_bf16_kernels_portable.pack_pairs(x + k * TILE_FLOATS, STRIDE, 1.0f,
                                                 strip + k * BLOCK);
        for (size_t c = 0; c < STRIP; c++) {
            float sums[2] = {0.0f, 0.0f};
            for (size_t k = 0; k < n * STRIP; k++)
                sums[k % 2] += mlp_float_from_bits(
                    nearest_bf16(x[k / STRIP * TILE_FLOATS + k % STRIP * STRIDE + c]) << 16);
            wanted[c] = sums[0] + sums[1];
        }
        for (size_t t = 0; supported(t) != NULL; t++) {
            supported(t)->sum_columns(n, strip, found);
            assert_same("sum_columns", found, wanted, STRIP);
        }
        free(x);
    }
    free(strip);
}

static void relu_backward_passes_what_was_positive(void **state)
{
    (void)state;
    uint32_t *block = must_alloc(BLOCK, sizeof *block);
    for (size_t round = 0; round < 50; round++)
        for (size_t t = 0; supported(t) != NULL; t++) {
            float *activation = roll_floats(TILE_FLOATS, WILD);
            float *found = roll_floats(TILE_FLOATS, TAME);
            float wanted[TILE_FLOATS];
            mlp_bf16_kernels_portable.pack_rows(activation, STRIDE, 1.0f, block);
            for (size_t i = 0; i < TILE_FLOATS; i++) {
                bool inside = i % STRIDE < STRIP;
                wanted[i] = inside && !(activation[i] >= FLT_MIN) ? 0.0f : found[i];
            }
            supported(t)->relu_backward(block, found, STRIDE);
            assert_memory_equal(found, wanted, sizeof wanted);
            free(activation);
            free(found);
        }
    free(block);
}

static void a_table_is_selected_by_name_or_speed(void **state)
{
    (void)state;
    const mlp_bf16_kernels *fastest = NULL;
    mlp_kernels chosen;
    mlp_error err = {""};
    for (size_t t = 0; supported(t) != NULL; t++) {
        fastest = supported(t);
        assert_int_equal(mlp_bf16_kernels_select(&chosen, fastest->name, &err), MLP_OK);
        assert_ptr_equal(chosen.bf16, fastest);
        assert_string_equal(chosen.name, fastest->name);
        assert_ptr_equal(chosen.sgd, fastest->fp32->sgd);
    }
    assert_int_equal(mlp_bf16_kernels_select(&chosen, NULL, &err), MLP_OK);
    assert_ptr_equal(chosen.bf16, fastest);
    assert_int_equal(mlp_bf16_kernels_select(&chosen, "avx512", &err), MLP_ERR_USAGE);
    assert_non_null(strstr(err.message, "kernel \"avx512\" is unknown to train.precision bf16; "
                                        "this machine runs: portable"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packing_rounds_to_its_place),
        cmocka_unit_test(every_table_packs_the_same),
        cmocka_unit_test(a_transpose_exchanges_pairs_and_rows),
        cmocka_unit_test(the_portable_product_is_the_sum),
        cmocka_unit_test(every_table_multiplies_the_same),
        cmocka_unit_test(sums_start_from_rows),
        cmocka_unit_test(tiny_sums_become_zeros),
        cmocka_unit_test(pixels_widen_exactly),
        cmocka_unit_test(column_sums_have_one_order),
        cmocka_unit_test(relu_backward_passes_what_was_positive),
        cmocka_unit_test(a_table_is_selected_by_name_or_speed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
