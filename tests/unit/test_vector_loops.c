/* Every supported table's element-wise kernels against plain loops, by equal bytes.
 * What softmax and sigmoid should give, test_loss.c knows. */
#include "kernel_fixture.h"

enum { MAX_N = 3 * MLP_PANEL, MAX_ROWS = 67 };

static void relu_and_its_gradient(void **state)
{
    (void)state;
    dice d = {3, 0};
    for (size_t t = 0; supported_kernels(t) != NULL; t++)
        for (size_t n = 0; n < MAX_N; n++) {
            float *x = roll_floats(&d, MAX_N, WILD);
            float *gradient = roll_floats(&d, MAX_N, FINITE);
            float rectified[MAX_N], passed[MAX_N];
            for (size_t i = 0; i < MAX_N; i++) {
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
        for (size_t rows = 0; rows <= MAX_ROWS; rows++) {
            float *x = roll_floats(&d, (MAX_ROWS + 1) * MLP_PANEL, rows % 4 == 3 ? WILD : FINITE);
            float sums[MLP_PANEL] = {0}, found[MLP_PANEL];
            for (size_t i = 0; i < rows * MLP_PANEL; i++)
                sums[i % MLP_PANEL] += x[i];
            supported_kernels(t)->sum_rows(rows, x, found);
            assert_same("sum_rows", found, sums, MLP_PANEL);
            free(x);
        }
}

/* The rule of kernels.h, one parameter after another. */
static float sgd_plainly(size_t rows, size_t columns, const mlp_sgd_step *step,
                         const float *gradient, float *velocity, float *weight)
{
    float lanes[MLP_PANEL] = {0};
    for (size_t i = 0; i < rows * MLP_PANEL; i++) {
        if (i % MLP_PANEL >= columns)
            continue;
        float g = fmaf(step->weight_decay, weight[i], gradient[i]);
        float v = fmaf(step->momentum, velocity[i], g);
        velocity[i] = fabsf(v) < MLP_TINY_VELOCITY ? 0.0f : v;
        float direction = step->nesterov ? fmaf(step->momentum, velocity[i], g) : velocity[i];
        weight[i] = fmaf(-step->lr, direction, weight[i]);
        lanes[i % MLP_PANEL] = fmaf(gradient[i], gradient[i], lanes[i % MLP_PANEL]);
    }
    for (size_t half = MLP_PANEL / 2; half > 0; half /= 2)
        for (size_t j = 0; j < half; j++)
            lanes[j] += lanes[j + half];
    return lanes[0];
}

static void check_sgd(const mlp_kernels *kernels, dice *d, size_t rows, size_t columns,
                      const mlp_sgd_step *step, numbers kind)
{
    float *gradient = roll_floats(d, MAX_N, kind), *velocity = roll_floats(d, MAX_N, kind);
    float *weight = roll_floats(d, MAX_N, kind);
    for (size_t i = 0; i < MAX_N; i += 1 + roll(d) % 8) { /* at the edge of what is too small */
        gradient[i] = 0.0f;
        velocity[i] = ldexpf(roll_unit(d), -99);
    }
    float *wanted_v = copy_floats(velocity, MAX_N), *wanted_w = copy_floats(weight, MAX_N);
    float wanted = sgd_plainly(rows, columns, step, gradient, wanted_v, wanted_w);
    float found = kernels->sgd(rows, columns, step, gradient, velocity, weight);
    assert_same("sgd's velocity", velocity, wanted_v, MAX_N);
    assert_same("sgd's weight", weight, wanted_w, MAX_N);
    assert_same("sgd's squares", &found, &wanted, 1);
    free(gradient);
    free(velocity);
    free(weight);
    free(wanted_v);
    free(wanted_w);
}

static void sgd_follows_its_rule(void **state)
{
    (void)state;
    dice d = {5, 0};
    const mlp_sgd_step steps[] = {
        {0.1f, 0.0f, 0.0f, 0},  {0.1f, 0.9f, 0.0f, 0},     {0.05f, 0.9f, 0.0f, 1},
        {1.0f, 0.5f, 0.01f, 0}, {0.001f, 0.99f, 5e-4f, 1}, {0.0f, 0.9f, 0.1f, 1},
    };
    for (size_t t = 0; supported_kernels(t) != NULL; t++)
        for (size_t rows = 0; rows * MLP_PANEL <= MAX_N; rows++)
            for (size_t columns = 0; columns <= MLP_PANEL; columns += MLP_COLUMNS)
                for (size_t round = 0; round < quick_or(6, 60); round++)
                    check_sgd(supported_kernels(t), &d, rows, columns, &steps[round % 6],
                              round % 4 == 3 ? WILD : FINITE);
}

/* One of the images side by side, by the room's own exponential and logarithm. */
static void softmax_plainly(size_t classes, float *z, float *largest, float *log_sum)
{
    float sum = 0.0f;
    *largest = z[0];
    for (size_t c = 1; c < classes; c++)
        *largest = z[c * MLP_LANES] > *largest ? z[c * MLP_LANES] : *largest;
    for (size_t c = 0; c < classes; c++)
        sum += z[c * MLP_LANES] = mlp_expf(z[c * MLP_LANES] - *largest);
    for (size_t c = 0; c < classes; c++)
        z[c * MLP_LANES] /= sum;
    *log_sum = mlp_logf(sum);
}

static void check_softmax(const mlp_kernels *kernels, dice *d, size_t classes)
{
    const float scales[] = {0.01f, 1.0f, 30.0f, 1e4f};
    size_t n = (classes + 1) * MLP_LANES;
    float *z = roll_floats(d, n, FINITE);
    float largest[2][MLP_LANES], log_sum[2][MLP_LANES];
    for (size_t i = 0; i < n; i++)
        z[i] *= scales[(i + classes) % MLP_LANES / 4];
    if (classes % 4 == 0) /* an image whose logits are no numbers disturbs no other */
        z[roll(d) % n] = NAN;
    float *wanted = copy_floats(z, n);
    for (size_t i = 0; i < MLP_LANES; i++)
        softmax_plainly(classes, wanted + i, &largest[0][i], &log_sum[0][i]);
    kernels->softmax(classes, z, largest[1], log_sum[1]);
    assert_same("softmax", z, wanted, n);
    assert_same("softmax's largest", largest[1], largest[0], MLP_LANES);
    assert_same("softmax's log_sum", log_sum[1], log_sum[0], MLP_LANES);
    free(z);
    free(wanted);
}

static void softmax_of_sixteen_images(void **state)
{
    (void)state;
    dice d = {6, 0};
    for (size_t t = 0; supported_kernels(t) != NULL; t++)
        for (size_t classes = 1; classes <= MLP_MAX_CLASSES; classes++)
            check_softmax(supported_kernels(t), &d, classes);
}

static void check_sigmoid(const mlp_kernels *kernels)
{
    dice d = {7, 0};
    for (size_t i = 0; i < quick_or(1000, 100000); i++) {
        float logit = roll_float(&d) * (i % 3 == 0 ? 100.0f : 1.0f), wanted, found;
        logit = i == 0 ? INFINITY : i == 1 ? -INFINITY : logit;
        float loss = mlp_kernels_portable.sigmoid(logit, i / 2 % 2, &wanted);
        float its = kernels->sigmoid(logit, i / 2 % 2, &found);
        assert_same("sigmoid", &found, &wanted, 1);
        assert_same("sigmoid's loss", &its, &loss, 1);
    }
}

static void sigmoid_is_the_portable_one(void **state)
{
    (void)state;
    for (size_t t = 0; supported_kernels(t) != NULL; t++)
        check_sigmoid(supported_kernels(t));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(relu_and_its_gradient),       cmocka_unit_test(sums_have_one_order),
        cmocka_unit_test(sgd_follows_its_rule),        cmocka_unit_test(softmax_of_sixteen_images),
        cmocka_unit_test(sigmoid_is_the_portable_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
