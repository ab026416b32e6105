/* Every supported table against the portable one: equal bytes, whatever the
 * length, the stride and the numbers. And the portable one against plain loops. */
#include "nn_fixture.h"

enum {
    MAX_STEPS = 67,
    N_PANELS = 3,
    MAX_ROWS = 24, /* of a in multiply_rows: its panels are as far apart as rows need */
    MAX_N = N_PANELS * MLP_PANEL,
};
static const float SENTINEL = 12345.0f;

/* Equal bytes; of NaNs only that both are, for their bits are the processor's own. */
static void assert_same(const char *name, const float *found, const float *wanted, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (mlp_float_bits(found[i]) != mlp_float_bits(wanted[i]) &&
            !(isnan(found[i]) && isnan(wanted[i])))
            fail_msg("%s: element %zu of %zu is %a, wanted %a", name, i, n, (double)found[i],
                     (double)wanted[i]);
}

typedef enum numbers { FINITE, WITH_INFINITIES } numbers;

static float *roll_floats(dice *d, size_t n, numbers kind)
{
    float *x = must_alloc(n, sizeof *x);
    for (size_t i = 0; i < n; i++) {
        x[i] = roll_float(d);
        if (kind == WITH_INFINITIES && roll(d) % 64 == 0)
            x[i] = roll(d) % 2 == 0 ? INFINITY : -INFINITY;
    }
    return x;
}

/* n ascending steps below MAX_STEPS, each subset as likely as another. */
static void roll_steps(dice *d, size_t n, uint32_t *steps)
{
    size_t chosen = 0;
    for (uint32_t k = 0; k < MAX_STEPS; k++)
        if (roll(d) % (MAX_STEPS - k) < n - chosen)
            steps[chosen++] = k;
}

/* The operands of one product; a serves rows and columns. */
typedef struct operands {
    float *a, *b, *c;
    uint32_t steps[MAX_STEPS];
    size_t n, stride; /* of a's panels */
} operands;

static operands roll_operands(dice *d, size_t n, numbers kind)
{
    operands o = {.n = n, .stride = (MLP_TILE + roll(d) % (MAX_ROWS - MLP_TILE)) * MLP_PANEL};
    o.a = roll_floats(d, N_PANELS * MAX_ROWS * MLP_PANEL, kind);
    o.b = roll_floats(d, MAX_STEPS * MLP_PANEL, kind);
    o.c = roll_floats(d, MLP_TILE_FLOATS, kind);
    roll_steps(d, n, o.steps);
    return o;
}

static void free_operands(operands *o)
{
    free(o->a);
    free(o->b);
    free(o->c);
}

static void multiply(const mlp_kernels *kernels, bool columns, const operands *o, float *c)
{
    memcpy(c, o->c, MLP_TILE_FLOATS * sizeof *c);
    if (columns)
        kernels->multiply_columns(o->n, o->steps, o->a + o->n % 4 * MLP_TILE, o->b, c);
    else
        kernels->multiply_rows(o->n, o->steps, o->a, o->stride, o->b, c);
}

/* c += a b by the definition in kernels.h, the C library's fmaf one after another. */
static void multiply_plainly(bool columns, const operands *o, float *c)
{
    memcpy(c, o->c, MLP_TILE_FLOATS * sizeof *c);
    for (size_t i = 0; i < MLP_TILE; i++)
        for (size_t j = 0; j < MLP_PANEL; j++)
            for (size_t s = 0; s < o->n; s++) {
                size_t k = o->steps[s];
                size_t row = k / MLP_PANEL * o->stride + i * MLP_PANEL + k % MLP_PANEL;
                size_t column = k * MLP_PANEL + o->n % 4 * MLP_TILE + i;
                float *sum = &c[i * MLP_PANEL + j];
                *sum = fmaf(o->a[columns ? column : row], o->b[k * MLP_PANEL + j], *sum);
            }
}

static void products_are_chains_of_fma(void **state)
{
    (void)state;
    dice d = {1, 0};
    float *found = must_alloc(MLP_TILE_FLOATS, sizeof *found);
    float *wanted = must_alloc(MLP_TILE_FLOATS, sizeof *wanted);
    for (size_t n = 0; n <= MAX_STEPS; n++)
        for (size_t kind = 0; kind < 4; kind++) {
            operands o = roll_operands(&d, n, kind / 2 == 0 ? FINITE : WITH_INFINITIES);
            multiply_plainly(kind % 2, &o, wanted);
            for (size_t t = 0; supported_kernels(t) != NULL; t++) {
                multiply(supported_kernels(t), kind % 2, &o, found);
                assert_same(supported_kernels(t)->name, found, wanted, MLP_TILE_FLOATS);
            }
            free_operands(&o);
        }
    free(found);
    free(wanted);
}

/* Numbers whose sums are never 0: what a skipped step adds is then nothing at all. */
static void steps_of_zeros_may_be_left_out(void **state)
{
    (void)state;
    dice d = {2, 0};
    float *sparse = must_alloc(MLP_TILE_FLOATS, sizeof *sparse);
    float *dense = must_alloc(MLP_TILE_FLOATS, sizeof *dense);
    for (size_t t = 0; supported_kernels(t) != NULL; t++)
        for (size_t n = 0; n <= MAX_STEPS; n++) {
            operands o = roll_operands(&d, n, FINITE);
            operands all = o;
            bool listed[MAX_STEPS] = {false};
            for (size_t s = 0; s < n; s++)
                listed[o.steps[s]] = true;
            for (size_t i = 0; i < MLP_TILE_FLOATS; i++)
                o.c[i] = 1.0f + 0.5f * roll_unit(&d);
            for (uint32_t k = 0; k < MAX_STEPS; k++) {
                all.steps[k] = k;
                for (size_t i = 0; i < MLP_TILE && !listed[k]; i++)
                    o.a[k / MLP_PANEL * o.stride + i * MLP_PANEL + k % MLP_PANEL] = 0.0f;
            }
            all.n = MAX_STEPS;
            multiply(supported_kernels(t), false, &o, sparse);
            multiply(supported_kernels(t), false, &all, dense);
            assert_memory_equal(sparse, dense, MLP_TILE_FLOATS * sizeof *dense);
            free_operands(&o);
        }
    free(sparse);
    free(dense);
}

static void unit_pixels_divides_by_255(void **state)
{
    (void)state;
    enum { STRIDE = 5 * MLP_PANEL, PANELS = 8 };
    uint8_t pixels[256];
    float out[PANELS * STRIDE];
    for (size_t p = 0; p < 256; p++)
        pixels[p] = (uint8_t)(p * 37); /* each byte once */
    for (size_t t = 0; supported_kernels(t) != NULL; t++)
        for (size_t n = 0; n <= 256; n = n < 70 ? n + 1 : n + 31) {
            for (size_t i = 0; i < PANELS * STRIDE; i++)
                out[i] = SENTINEL;
            supported_kernels(t)->unit_pixels(n, pixels, out, STRIDE);
            for (size_t i = 0; i < PANELS * STRIDE; i++) {
                size_t k = i / STRIDE * MLP_PANEL + i % STRIDE;
                bool written = i % STRIDE < MLP_PANEL && k < n;
                float wanted = written ? (float)pixels[k] / 255.0f : SENTINEL;
                assert_int_equal(mlp_float_bits(out[i]), mlp_float_bits(wanted));
            }
        }
}

static void relu_and_its_gradient(void **state)
{
    (void)state;
    dice d = {3, 0};
    for (size_t t = 0; supported_kernels(t) != NULL; t++)
        for (size_t n = 0; n < MAX_N; n++) {
            float *x = roll_floats(&d, MAX_N, WITH_INFINITIES);
            float *gradient = roll_floats(&d, MAX_N, FINITE);
            float rectified[MAX_N], passed[MAX_N];
            for (size_t i = 0; i < MAX_N; i++) {
                if (roll(&d) % 64 == 0)
                    x[i] = NAN;
                bool inside = i < n;
                rectified[i] = inside && x[i] < 0.0f ? 0.0f : x[i];
                passed[i] = inside && !(x[i] > 0.0f) ? 0.0f : gradient[i];
            }
            supported_kernels(t)->relu_backward(n, x, gradient);
            supported_kernels(t)->relu(n, x);
            assert_same("relu_backward", gradient, passed, MAX_N);
            assert_same("relu", x, rectified, MAX_N);
            free(x);
            free(gradient);
        }
}

static void sums_have_one_order(void **state)
{
    (void)state;
    dice d = {4, 0};
    for (size_t t = 0; supported_kernels(t) != NULL; t++)
        for (size_t rows = 0; rows <= MAX_STEPS; rows++) {
            float *x = roll_floats(&d, (MAX_STEPS + 1) * MLP_PANEL,
                                   rows % 4 == 3 ? WITH_INFINITIES : FINITE);
            float sums[MLP_PANEL] = {0}, squares[MLP_PANEL] = {0}, found[MLP_PANEL];
            for (size_t i = 0; i < rows * MLP_PANEL; i++) {
                sums[i % MLP_PANEL] += x[i];
                squares[i % MLP_PANEL] = fmaf(x[i], x[i], squares[i % MLP_PANEL]);
            }
            supported_kernels(t)->sum_rows(rows, x, found);
            assert_same("sum_rows", found, sums, MLP_PANEL);
            supported_kernels(t)->sum_squares(rows * MLP_PANEL, x, found);
            assert_same("sum_squares", found, squares, MLP_PANEL);
            free(x);
        }
}

/* A quick run takes whole panels only, as training does: valgrind 3.19 computes
 * the scalar fnmadd of a loop's remainder as -(ab - c), which is -0 for +0. */
static void sgd_is_the_portable_one(void **state)
{
    (void)state;
    dice d = {5, 0};
    const mlp_sgd_step steps[] = {
        {0.1f, 0.0f, 0.0f, 0},  {0.1f, 0.9f, 0.0f, 0},     {0.05f, 0.9f, 0.0f, 1},
        {1.0f, 0.5f, 0.01f, 0}, {0.001f, 0.99f, 5e-4f, 1}, {0.0f, 0.9f, 0.1f, 1},
    };
    for (size_t n = 0; n < MAX_N; n += quick_or(MLP_PANEL, 1))
        for (size_t s = 0; s < sizeof steps / sizeof *steps; s++) {
            float *gradient = roll_floats(&d, MAX_N, FINITE);
            float *velocity = roll_floats(&d, MAX_N, s % 4 == 3 ? WITH_INFINITIES : FINITE);
            float *weight = roll_floats(&d, MAX_N, FINITE);
            float wanted_v[MAX_N], wanted_w[MAX_N], found_v[MAX_N], found_w[MAX_N];
            memcpy(wanted_v, velocity, sizeof wanted_v);
            memcpy(wanted_w, weight, sizeof wanted_w);
            mlp_kernels_portable.sgd(n, &steps[s], gradient, wanted_v, wanted_w);
            assert_same("sgd past n", wanted_w + n, weight + n, MAX_N - n);
            for (size_t t = 0; supported_kernels(t) != NULL; t++) {
                memcpy(found_v, velocity, sizeof found_v);
                memcpy(found_w, weight, sizeof found_w);
                supported_kernels(t)->sgd(n, &steps[s], gradient, found_v, found_w);
                assert_same("sgd's velocity", found_v, wanted_v, MAX_N);
                assert_same("sgd's weight", found_w, wanted_w, MAX_N);
            }
            free(gradient);
            free(velocity);
            free(weight);
        }
}

static void softmax_is_the_portable_one(void **state)
{
    (void)state;
    dice d = {6, 0};
    const float scales[] = {0.01f, 1.0f, 30.0f, 1e4f};
    for (size_t classes = 1; classes < MAX_N; classes++)
        for (size_t s = 0; s < sizeof scales / sizeof *scales; s++) {
            float logits[MAX_N], wanted[MAX_N], found[MAX_N];
            size_t label = roll(&d) % classes;
            for (size_t c = 0; c < MAX_N; c++) {
                logits[c] = scales[s] * roll_float(&d);
                wanted[c] = SENTINEL;
            }
            float loss = mlp_kernels_portable.softmax(classes, label, logits, wanted);
            assert_true(classes == MAX_N || wanted[classes] == SENTINEL);
            memcpy(wanted + classes, logits + classes, (MAX_N - classes) * sizeof *wanted);
            for (size_t t = 0; supported_kernels(t) != NULL; t++) {
                memcpy(found, logits, sizeof found);
                float its = supported_kernels(t)->softmax(classes, label, found, found);
                assert_same("softmax", found, wanted, MAX_N);
                assert_same("softmax's loss", &its, &loss, 1);
            }
        }
}

static void sigmoid_is_the_portable_one(void **state)
{
    (void)state;
    dice d = {7, 0};
    for (size_t i = 0; i < quick_or(1000, 100000); i++) {
        float logit = roll_float(&d) * (i % 3 == 0 ? 100.0f : 1.0f), wanted, found;
        logit = i == 0 ? INFINITY : i == 1 ? -INFINITY : logit;
        float loss = mlp_kernels_portable.sigmoid(logit, i / 2 % 2, &wanted);
        for (size_t t = 0; supported_kernels(t) != NULL; t++) {
            float its = supported_kernels(t)->sigmoid(logit, i / 2 % 2, &found);
            assert_same("sigmoid", &found, &wanted, 1);
            assert_same("sigmoid's loss", &its, &loss, 1);
        }
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
        cmocka_unit_test(steps_of_zeros_may_be_left_out),
        cmocka_unit_test(unit_pixels_divides_by_255),
        cmocka_unit_test(relu_and_its_gradient),
        cmocka_unit_test(sums_have_one_order),
        cmocka_unit_test(sgd_is_the_portable_one),
        cmocka_unit_test(softmax_is_the_portable_one),
        cmocka_unit_test(sigmoid_is_the_portable_one),
        cmocka_unit_test(a_table_is_selected_by_name_or_speed),
        cmocka_unit_test(another_name_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
