/* The bf16 tables but for their product: the portable one against the definition in bf16.h, every
 * other against the portable one, byte for byte, whatever the numbers. */
#include "bf16_fixture.h"

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
        mlp_bf16_kernels_portable.pack_pairs(x, STRIDE, scale, pairs, false);
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
            portable->pack_pairs(x, stride, scale, wanted, false);
            k->pack_pairs(x, stride, scale, found, round % 8 < 4);
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
        for (size_t streams = 0; streams < 2; streams++) {
            memset(out, 0, BLOCK * sizeof *out);
            supported(t)->transpose(block, out, streams == 1);
            for (size_t i = 0; i < BLOCK; i++) {
                size_t tile = i / (TILE * TILE), row = i / TILE % TILE, pair = i % TILE;
                assert_int_equal(out[i], block[tile * TILE * TILE + pair * TILE + row]);
            }
        }
    }
    free(block);
    free(out);
}

static void a_transpose_of_elements_exchanges_rows_and_columns(void **state)
{
    (void)state;
    uint32_t *block = must_alloc(BLOCK, sizeof *block), *out = must_alloc(BLOCK, sizeof *out);
    for (size_t i = 0; i < BLOCK; i++)
        block[i] = roll();
    for (size_t t = 0; supported(t) != NULL; t++) {
        supported(t)->transpose_elements(block, out);
        for (size_t r = 0; r < STRIP; r++)
            for (size_t c = 0; c < STRIP; c++)
                assert_int_equal(half(out[r * TILE + c / 2], c), half(block[c * TILE + r / 2], r));
    }
    free(block);
    free(out);
}

static void pixels_are_packed_exactly(void **state)
{
    (void)state;
    uint8_t pixels[1 + STRIP * STRIP]; /* they may begin anywhere */
    uint32_t *block = must_alloc(BLOCK, sizeof *block);
    for (size_t i = 0; i < STRIP * STRIP; i++)
        pixels[1 + i] = (uint8_t)(i * 37 + i / 256);
    for (size_t t = 0; supported(t) != NULL; t++) {
        supported(t)->pack_pixels(pixels + 1, block);
        for (size_t i = 0; i < STRIP * STRIP; i++) {
            uint32_t bits = half(block[i / 2], i) << 16;
            assert_true(mlp_float_from_bits(bits) == (float)pixels[1 + i]);
        }
    }
    free(block);
}

static void a_transpose_of_pixels_exchanges_rows_and_columns(void **state)
{
    (void)state;
    uint8_t pixels[1 + STRIP * STRIP], out[1 + STRIP * STRIP]; /* they may begin anywhere */
    for (size_t i = 0; i < STRIP * STRIP; i++)
        pixels[1 + i] = (uint8_t)roll();
    for (size_t t = 0; supported(t) != NULL; t++) {
        supported(t)->transpose_pixels(pixels + 1, out + 1);
        for (size_t r = 0; r < STRIP; r++)
            for (size_t c = 0; c < STRIP; c++)
                assert_int_equal(out[1 + c * STRIP + r], pixels[1 + r * STRIP + c]);
    }
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
                                                 strip + k * BLOCK, false);
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

/* Numbers of every kind, zeros of either sign and NaNs among them. */
static float *roll_activations(void)
{
    float *x = roll_floats(TILE_FLOATS, WILD);
    for (size_t i = 0; i < TILE_FLOATS; i++)
        if (roll() % 8 == 0)
            x[i] = roll() % 2 == 0 ? -0.0f : mlp_float_from_bits(roll() << 31 | 0x7fc00001u);
    return x;
}

static void packing_rectifies(void **state)
{
    (void)state;
    uint32_t *block = must_alloc(BLOCK, sizeof *block), *wanted = must_alloc(BLOCK, sizeof *wanted);
    uint32_t positive[STRIP];
    for (size_t round = 0; round < 50; round++)
        for (size_t t = 0; supported(t) != NULL; t++) {
            float *x = roll_activations(), rectified[TILE_FLOATS];
            memcpy(rectified, x, sizeof rectified);
            mlp_kernels_portable.relu(TILE_FLOATS, rectified);
            mlp_bf16_kernels_portable.pack_rows(rectified, STRIDE, 1.0f, wanted);
            supported(t)->pack_relu(x, STRIDE, block, positive, round % 2 == 0);
            assert_memory_equal(block, wanted, BLOCK * sizeof *block);
            for (size_t i = 0; i < STRIP * STRIP; i++) {
                float kept = mlp_float_from_bits(half(wanted[i / 2], i) << 16);
                assert_int_equal(positive[i / STRIP] >> i % STRIP & 1u, kept > 0.0f);
            }
            free(x);
        }
    free(block);
    free(wanted);
}

/* As the two packings of what the bits let pass. */
static void check_gradient(const mlp_bf16_kernels *kernels, const uint32_t *positive, float scale,
                           bool streams)
{
    float *x = roll_floats(TILE_FLOATS, WILD), *passed = must_alloc(TILE_FLOATS, sizeof *passed);
    uint32_t *found = must_alloc(2, BLOCK * sizeof *found);
    uint32_t *wanted = must_alloc(2, BLOCK * sizeof *wanted);
    for (size_t r = 0; r < STRIP; r++)
        for (size_t c = 0; c < STRIP; c++)
            if (positive == NULL || (positive[r] >> c & 1u) != 0)
                passed[r * STRIDE + c] = x[r * STRIDE + c];
    kernels->pack_rows(passed, STRIDE, 1.0f, wanted);
    kernels->pack_pairs(passed, STRIDE, scale, wanted + BLOCK, false);
    kernels->pack_gradient(x, STRIDE, positive, scale, found, found + BLOCK, streams);
    assert_memory_equal(found, wanted, 2 * BLOCK * sizeof *found);
    memset(found, 0, 2 * BLOCK * sizeof *found);
    memset(wanted, 0, BLOCK * sizeof *wanted);
    kernels->pack_gradient(x, STRIDE, positive, scale, NULL, found + BLOCK, streams);
    assert_memory_equal(found, wanted, 2 * BLOCK * sizeof *found);
    free(x);
    free(passed);
    free(found);
    free(wanted);
}

static void gradients_pass_where_the_output_was_positive(void **state)
{
    (void)state;
    uint32_t positive[STRIP];
    for (size_t round = 0; round < 50; round++)
        for (size_t t = 0; supported(t) != NULL; t++) {
            for (size_t r = 0; r < STRIP; r++)
                positive[r] = roll();
            check_gradient(supported(t), positive, round % 2 == 0 ? 1.0f : 1.0f / 255.0f,
                           round % 4 < 2);
            check_gradient(supported(t), NULL, 0.5f, round % 2 == 0);
        }
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
}

/* Is it the name of a table of both precisions, as "portable" is? */
static bool is_shared(const char *name)
{
    bool is_fp32 = false, is_bf16 = false;
    for (size_t i = 0; mlp_kernels_list(i) != NULL; i++)
        is_fp32 |= strcmp(mlp_kernels_list(i)->name, name) == 0;
    for (size_t i = 0; mlp_bf16_kernels_list(i) != NULL; i++)
        is_bf16 |= strcmp(mlp_bf16_kernels_list(i)->name, name) == 0;
    return is_fp32 && is_bf16;
}

static void a_name_of_the_other_precision_is_refused(void **state)
{
    (void)state;
    const mlp_kernels *fp32;
    mlp_kernels bf16;
    mlp_error err = {""};
    for (size_t i = 0; mlp_bf16_kernels_list(i) != NULL; i++) {
        const char *name = mlp_bf16_kernels_list(i)->name;
        if (is_shared(name))
            continue;
        assert_int_equal(mlp_kernels_select(&fp32, name, &err), MLP_ERR_USAGE);
        assert_non_null(strstr(err.message, "\" is a bf16 kernel, not for train.precision fp32; "
                                            "this machine runs: portable"));
    }
    for (size_t i = 0; mlp_kernels_list(i) != NULL; i++) {
        const char *name = mlp_kernels_list(i)->name;
        if (is_shared(name))
            continue;
        assert_int_equal(mlp_bf16_kernels_select(&bf16, name, &err), MLP_ERR_USAGE);
        assert_non_null(strstr(err.message, "\" is an fp32 kernel, not for train.precision bf16; "
                                            "this machine runs: portable"));
    }
    assert_int_equal(mlp_bf16_kernels_select(&bf16, "abacus", &err), MLP_ERR_USAGE);
    assert_non_null(strstr(err.message, "\"abacus\" is unknown to train.precision bf16; "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packing_rounds_to_its_place),
        cmocka_unit_test(every_table_packs_the_same),
        cmocka_unit_test(a_transpose_exchanges_pairs_and_rows),
        cmocka_unit_test(a_transpose_of_elements_exchanges_rows_and_columns),
        cmocka_unit_test(pixels_are_packed_exactly),
        cmocka_unit_test(a_transpose_of_pixels_exchanges_rows_and_columns),
        cmocka_unit_test(column_sums_have_one_order),
        cmocka_unit_test(packing_rectifies),
        cmocka_unit_test(gradients_pass_where_the_output_was_positive),
        cmocka_unit_test(a_table_is_selected_by_name_or_speed),
        cmocka_unit_test(a_name_of_the_other_precision_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
