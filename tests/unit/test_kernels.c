/* The products of every supported table by their definition, equal bytes, whatever
 * the length, the columns and the numbers; and the choice of a table. */
#include "kernel_fixture.h"

enum { MAX_STEPS = 150 }; /* rows of b: several panels of a's columns */

/* The operands of one product. */
typedef struct operands {
    size_t n, columns;
    float *a, *b, *c;
    uint32_t steps[MAX_STEPS];
} operands;

/* n ascending steps below MAX_STEPS, each subset as likely as another. */
static operands roll_operands(dice *d, size_t n, size_t columns, numbers kind)
{
    operands o = {.n = n, .columns = columns};
    size_t chosen = 0;
    for (uint32_t k = 0; k < MAX_STEPS; k++)
        if (roll(d) % (MAX_STEPS - k) < n - chosen)
            o.steps[chosen++] = k * MLP_PANEL;
    o.a = roll_floats(d, n * MLP_TILE, kind);
    o.b = roll_floats(d, MAX_STEPS * MLP_PANEL, kind);
    o.c = roll_floats(d, MLP_TILE_FLOATS, kind);
    return o;
}

static void free_operands(operands *o)
{
    free(o->a);
    free(o->b);
    free(o->c);
}

/* By the definition in kernels.h, the C library's fmaf one after another. */
static void multiply_plainly(const operands *o, float *c)
{
    memcpy(c, o->c, MLP_TILE_FLOATS * sizeof *c);
    for (size_t i = 0; i < MLP_TILE; i++)
        for (size_t j = 0; j < o->columns; j++)
            for (size_t s = 0; s < o->n; s++)
                c[i * MLP_PANEL + j] =
                    fmaf(o->a[s * MLP_TILE + i], o->b[o->steps[s] + j], c[i * MLP_PANEL + j]);
}

static void products_are_chains_of_fma(void **state)
{
    (void)state;
    dice d = {1, 0};
    float found[MLP_TILE_FLOATS] __attribute__((aligned(64))), wanted[MLP_TILE_FLOATS];
    for (size_t n = 0; n <= MAX_STEPS; n += n < 20 ? 1 : 13)
        for (size_t columns = MLP_COLUMNS; columns <= MLP_PANEL; columns += MLP_COLUMNS)
            for (size_t kind = FINITE; kind <= WITH_INFINITIES; kind++) {
                operands o = roll_operands(&d, n, columns, (numbers)kind);
                multiply_plainly(&o, wanted);
                for (size_t t = 0; supported_kernels(t) != NULL; t++) {
                    const mlp_kernels *kernels = supported_kernels(t);
                    memcpy(found, o.c, sizeof found);
                    kernels->multiply(n, o.steps, o.a, o.b, columns, found);
                    assert_same(kernels->name, found, wanted, MLP_TILE_FLOATS);
                }
                free_operands(&o);
            }
}

static void a_table_is_selected_by_name_or_speed(void **state)
{
    (void)state;
    const mlp_kernels *chosen, *fastest = NULL;
    mlp_error err = {""};
    for (size_t t = 0; supported_kernels(t) != NULL; t++) {
        fastest = supported_kernels(t);
        must_succeed(mlp_kernels_select(&chosen, fastest->name, &err), &err);
        assert_ptr_equal(chosen, fastest);
    }
    must_succeed(mlp_kernels_select(&chosen, NULL, &err), &err);
    assert_ptr_equal(chosen, fastest);
    assert_ptr_equal(supported_kernels(0), &mlp_kernels_portable);
}

static void another_name_is_refused(void **state)
{
    (void)state;
    const mlp_kernels *chosen;
    mlp_error err = {""};
    assert_int_equal(mlp_kernels_select(&chosen, "abacus", &err), MLP_ERR_USAGE);
    assert_non_null(strstr(err.message, "\"abacus\" is unknown; this machine runs: portable"));
    for (size_t i = 0; mlp_kernels_list(i) != NULL; i++) {
        const mlp_kernels *k = mlp_kernels_list(i);
        if (mlp_kernels_supported(k))
            continue;
        assert_int_equal(mlp_kernels_select(&chosen, k->name, &err), MLP_ERR_USAGE);
        assert_non_null(strstr(err.message, "is not supported by this CPU"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_chains_of_fma),
        cmocka_unit_test(a_table_is_selected_by_name_or_speed),
        cmocka_unit_test(another_name_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
