/* Lists in blocks: their bounds, and that a product over blocks is one chain. */
#include "kernel_fixture.h"

#include "kernels/packed.h"

enum { LISTS = 5 };
static const size_t MAX_STEPS[] = {1, 15, 16, 17, 63, 64, 65, 128, 129, 130, 300, 784, 1030};
enum { N_SIZES = sizeof MAX_STEPS / sizeof *MAX_STEPS };

static const mlp_packed_kind KINDS[] = {MLP_PACKED_FLOATS, MLP_PACKED_PIXELS};

static void blocks_cover_all_steps(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_SIZES; i++)
        for (size_t kind = 0; kind < 2; kind++) {
            mlp_packed packed;
            assert_true(mlp_packed_init(&packed, LISTS, MAX_STEPS[i], KINDS[kind]));
            size_t unit = KINDS[kind] == MLP_PACKED_PIXELS ? MLP_COLUMNS : MLP_PANEL;
            assert_int_equal(packed.capacity, mlp_round_up(MAX_STEPS[i], MLP_COLUMNS));
            assert_int_equal(packed.block_steps % unit, 0);
            assert_true(packed.block_steps <= MLP_BLOCK_STEPS);
            assert_true(packed.n_blocks * packed.block_steps >= MAX_STEPS[i]);
            assert_true((packed.n_blocks - 1) * packed.block_steps < MAX_STEPS[i]);
            assert_true((packed.values == NULL) == (KINDS[kind] == MLP_PACKED_PIXELS));
            assert_true((packed.pixels == NULL) == (KINDS[kind] == MLP_PACKED_FLOATS));
            mlp_packed_free(&packed);
            assert_null(packed.steps);
        }
}

/* Random lists: none, some or all of the steps. */
static void roll_lists(dice *d, mlp_packed *packed, size_t max_steps)
{
    for (size_t list = 0; list < LISTS; list++) {
        uint32_t *starts = mlp_packed_starts(packed, list), density = roll(d) % 5;
        uint32_t count = 0;
        for (size_t k = 0; k < max_steps; k++) {
            if (k % packed->block_steps == 0)
                starts[k / packed->block_steps] = count;
            if (roll(d) % 4 >= density)
                continue;
            mlp_packed_steps(packed, list)[count] = (uint32_t)(k * MLP_PANEL);
            if (packed->pixels != NULL)
                mlp_packed_pixels(packed, list)[count] = roll(d);
            for (size_t i = 0; packed->values != NULL && i < MLP_TILE; i++)
                mlp_packed_values(packed, list)[count * MLP_TILE + i] = roll_float(d);
            count++;
        }
        starts[packed->n_blocks] = count;
    }
}

/* c (4, 64) += one list times b, by the C library's fmaf, as if there were no blocks. */
static void multiply_plainly(const mlp_packed *packed, const float *values, size_t list,
                             const float *b, size_t columns, float *c)
{
    for (size_t s = 0; s < mlp_packed_starts(packed, list)[packed->n_blocks]; s++)
        for (size_t i = 0; i < MLP_TILE; i++)
            for (size_t j = 0; j < columns; j++)
                c[i * MLP_PANEL + j] =
                    fmaf(values[s * MLP_TILE + i], b[mlp_packed_steps(packed, list)[s] + j],
                         c[i * MLP_PANEL + j]);
}

/* Lists 1 .. LISTS - 2, so that there are some on either side. */
static void check_products(dice *d, const mlp_packed *packed, size_t max_steps, const float *values,
                           size_t columns)
{
    enum { N = LISTS - 2 };
    float *b = roll_floats(d, max_steps * MLP_PANEL, FINITE);
    float *c = roll_floats(d, LISTS * MLP_TILE_FLOATS, FINITE);
    float *wanted = copy_floats(c, LISTS * MLP_TILE_FLOATS);
    for (size_t i = 0; i < N; i++)
        multiply_plainly(packed, values + i * packed->capacity * MLP_TILE, 1 + i, b, columns,
                         wanted + i * MLP_TILE_FLOATS);
    for (size_t t = 0; supported_kernels(t) != NULL; t++) {
        float *found = copy_floats(c, LISTS * MLP_TILE_FLOATS);
        mlp_packed_multiply(packed, values, supported_kernels(t), 1, N, b, columns, found);
        assert_same(supported_kernels(t)->name, found, wanted, LISTS * MLP_TILE_FLOATS);
        free(found);
    }
    free(b);
    free(c);
    free(wanted);
}

static void a_product_over_blocks_is_one_chain(void **state)
{
    (void)state;
    dice d = {1, 0};
    for (size_t i = 0; i < N_SIZES; i++) {
        mlp_packed packed;
        assert_true(mlp_packed_init(&packed, LISTS, MAX_STEPS[i], MLP_PACKED_FLOATS));
        roll_lists(&d, &packed, MAX_STEPS[i]);
        check_products(&d, &packed, MAX_STEPS[i], mlp_packed_values(&packed, 1),
                       (1 + i % 4) * MLP_COLUMNS);
        mlp_packed_free(&packed);
    }
}

static void pixels_become_floats_on_reading(void **state)
{
    (void)state;
    dice d = {2, 0};
    for (size_t i = 0; i < N_SIZES; i++) {
        mlp_packed packed;
        assert_true(mlp_packed_init(&packed, LISTS, MAX_STEPS[i], MLP_PACKED_PIXELS));
        roll_lists(&d, &packed, MAX_STEPS[i]);
        float *values = must_alloc(LISTS * packed.capacity * MLP_TILE, sizeof *values);
        for (size_t t = 0; supported_kernels(t) != NULL; t++) {
            memset(values, 0, LISTS * packed.capacity * MLP_TILE * sizeof *values);
            mlp_packed_unit_pixels(&packed, supported_kernels(t), 1, LISTS - 2, values);
            for (size_t list = 1; list < LISTS - 1; list++)
                for (size_t s = 0; s < mlp_packed_starts(&packed, list)[packed.n_blocks]; s++) {
                    uint8_t bytes[MLP_TILE];
                    memcpy(bytes, mlp_packed_pixels(&packed, list) + s, sizeof bytes);
                    for (size_t j = 0; j < MLP_TILE; j++)
                        assert_true(values[((list - 1) * packed.capacity + s) * MLP_TILE + j] ==
                                    (float)bytes[j] / 255.0f);
                }
        }
        check_products(&d, &packed, MAX_STEPS[i], values, MLP_PANEL);
        free(values);
        mlp_packed_free(&packed);
    }
}

static void too_much_is_refused(void **state)
{
    (void)state;
    const mlp_packed zeroed = {0};
    for (size_t kind = 0; kind < 2; kind++) {
        mlp_packed packed;
        assert_false(mlp_packed_init(&packed, SIZE_MAX, 784, KINDS[kind]));
        assert_memory_equal(&packed, &zeroed, sizeof zeroed);
        mlp_packed_free(&packed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_cover_all_steps),
        cmocka_unit_test(a_product_over_blocks_is_one_chain),
        cmocka_unit_test(pixels_become_floats_on_reading),
        cmocka_unit_test(too_much_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
