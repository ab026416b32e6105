/* The update against torch.optim.SGD's rule in double, the norms against plain
 * sums, and all of it the same on any kernel table. */
#include "nn_fixture.h"

static const net_shape SHAPE = {.features = 45,
                                .n_hidden = 2,
                                .hidden = {37, 70},
                                .output = MLP_OUTPUT_SOFTMAX,
                                .classes = 3,
                                .batch = 1};
enum { STEPS = 20 };

static const mlp_sgd_step SETTINGS[] = {
    {0.1f, 0.0f, 0.0f, 0},  {0.1f, 0.9f, 0.0f, 0},   {0.1f, 0.9f, 0.0f, 1},
    {0.1f, 0.0f, 0.05f, 0}, {0.05f, 0.9f, 0.05f, 0}, {0.05f, 0.9f, 0.05f, 1},
};
enum { N_SETTINGS = sizeof SETTINGS / sizeof *SETTINGS };

/* Gradients (n_params) of step `step`, in all tensors; the caller's to free. */
static float *roll_gradients(const mlp_model *model, uint64_t step)
{
    dice d = {100 + step, 0};
    float *gradients = must_alloc(model->n_params, sizeof *gradients);
    for (size_t t = 0; t < mlp_model_tensor_count(model); t++) {
        size_t count = mlp_model_tensor(model, t).count;
        float *values = must_alloc(count, sizeof *values);
        for (size_t i = 0; i < count; i++)
            values[i] = roll(&d) % 4 == 0 ? 0.0f : roll_unit(&d);
        mlp_model_set_tensor(model, gradients, t, values);
        free(values);
    }
    return gradients;
}

/* One step of all parameters, as the backward pass goes about it: stacks and biases. */
static void apply(net *n, const mlp_sgd_step *step, const float *gradients)
{
    for (size_t l = 0; l < n->model.n_layers; l++) {
        const mlp_layer *layer = &n->model.layers[l];
        for (size_t at = layer->weight; at < layer->bias; at += MLP_STACK_FLOATS)
            mlp_sgd_apply(&n->sgd, n->pass.kernels, step, at, MLP_STACK, MLP_PANEL, gradients + at);
        for (size_t at = layer->bias; at < layer->end; at += MLP_PANEL)
            mlp_sgd_apply(&n->sgd, n->pass.kernels, step, at, 1, MLP_PANEL, gradients + at);
    }
}

/* torch.optim.SGD's documented loop, in double. */
typedef struct parameters {
    double *weights, *velocities;
} parameters;

static void apply_in_double(parameters *p, size_t n, const mlp_sgd_step *step,
                            const float *gradients, bool first)
{
    const double lr = (double)step->lr, momentum = (double)step->momentum;
    for (size_t i = 0; i < n; i++) {
        double g = (double)gradients[i] + (double)step->weight_decay * p->weights[i];
        if (step->momentum != 0.0f) {
            p->velocities[i] = first ? g : momentum * p->velocities[i] + g;
            g = step->nesterov ? g + momentum * p->velocities[i] : p->velocities[i];
        }
        p->weights[i] -= lr * g;
    }
}

/* Weights grow to about 1 here; 20 float steps may lose some 2^-24 each. */
static void steps_follow_the_rule(void **state)
{
    (void)state;
    for (size_t s = 0; s < N_SETTINGS; s++) {
        net n;
        net_init(&n, &SHAPE, supported_kernels(0), 1);
        size_t count = n.model.n_params;
        parameters p = {must_alloc(count, sizeof(double)), must_alloc(count, sizeof(double))};
        for (size_t i = 0; i < count; i++)
            p.weights[i] = (double)n.model.params[i];
        for (uint64_t step = 0; step < STEPS; step++) {
            float *gradients = roll_gradients(&n.model, step);
            apply(&n, &SETTINGS[s], gradients);
            apply_in_double(&p, count, &SETTINGS[s], gradients, step == 0);
            free(gradients);
            for (size_t i = 0; i < count; i++)
                if (!(fabs((double)n.model.params[i] - p.weights[i]) <=
                      1e-6 * (1.0 + fabs(p.weights[i]))))
                    fail_msg("setting %zu, step %zu, parameter %zu: %.9g, wanted %.9g", s,
                             (size_t)step, i, (double)n.model.params[i], p.weights[i]);
        }
        free(p.weights);
        free(p.velocities);
        net_free(&n);
    }
}

static void layer_norms_are_those_of_the_gradients(void **state)
{
    (void)state;
    net n;
    net_init(&n, &SHAPE, supported_kernels(0), 1);
    float *gradients = roll_gradients(&n.model, 0);
    apply(&n, &SETTINGS[N_SETTINGS - 1], gradients);
    for (size_t l = 0; l < n.model.n_layers; l++) {
        double sum = 0.0;
        for (size_t t = 2 * l; t < 2 * l + 2; t++) {
            size_t count = mlp_model_tensor(&n.model, t).count;
            float *values = must_alloc(count, sizeof *values);
            mlp_model_get_tensor(&n.model, gradients, t, values);
            for (size_t i = 0; i < count; i++)
                sum += (double)values[i] * (double)values[i];
            free(values);
        }
        assert_true(fabs(mlp_sgd_layer_norm(&n.sgd, l) - sqrt(sum)) <= 1e-6 * sqrt(sum));
    }
    free(gradients);
    net_free(&n);
}

/* That no team moves one either, test_pass.c shows. */
static void no_table_moves_a_bit(void **state)
{
    (void)state;
    net wanted;
    net_init(&wanted, &SHAPE, supported_kernels(0), 1);
    for (size_t k = 0; supported_kernels(k) != NULL; k++) {
        net n;
        net_init(&n, &SHAPE, supported_kernels(k), 1);
        for (uint64_t i = 0; i < 3; i++) {
            float *gradients = roll_gradients(&n.model, i);
            apply(&n, &SETTINGS[N_SETTINGS - 1], gradients);
            if (k == 0)
                apply(&wanted, &SETTINGS[N_SETTINGS - 1], gradients);
            free(gradients);
        }
        size_t bytes = n.model.n_params * sizeof(float);
        assert_memory_equal(n.model.params, wanted.model.params, bytes);
        assert_memory_equal(n.sgd.velocities, wanted.sgd.velocities, bytes);
        assert_memory_equal(n.sgd.squares, wanted.sgd.squares, bytes / MLP_PANEL);
        net_free(&n);
    }
    net_free(&wanted);
}

/* Where the gradient stays 0 a velocity ends at 0, not among the subnormals. */
static void a_velocity_dies_out(void **state)
{
    (void)state;
    const mlp_sgd_step step = {0.1f, 0.5f, 0.0f, 0};
    for (size_t t = 0; supported_kernels(t) != NULL; t++)
        for (int sign = -1; sign <= 1; sign += 2) {
            /* The last of a panel: no lane is left out. */
            float gradient[MLP_PANEL] __attribute__((aligned(64))) = {0};
            float velocity[MLP_PANEL] __attribute__((aligned(64))) = {0};
            float weight[MLP_PANEL] __attribute__((aligned(64))) = {0};
            float *v = &velocity[MLP_PANEL - 1], *w = &weight[MLP_PANEL - 1];
            *w = 1.0f;
            *v = (float)sign * 4.0f * MLP_TINY_VELOCITY;
            supported_kernels(t)->sgd(1, MLP_PANEL, &step, gradient, velocity, weight);
            supported_kernels(t)->sgd(1, MLP_PANEL, &step, gradient, velocity, weight);
            assert_true(*v == (float)sign * MLP_TINY_VELOCITY);
            supported_kernels(t)->sgd(1, MLP_PANEL, &step, gradient, velocity, weight);
            assert_int_equal(mlp_float_bits(*v), 0);
            assert_true(*w == 1.0f);
            *v = NAN;
            supported_kernels(t)->sgd(1, MLP_PANEL, &step, gradient, velocity, weight);
            assert_true(isnan(*v) && isnan(*w));
        }
}

static void free_accepts_a_zeroed_one(void **state)
{
    (void)state;
    mlp_sgd sgd = {0};
    mlp_model model = {0};
    mlp_sgd_free(&sgd);
    mlp_model_free(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_follow_the_rule),
        cmocka_unit_test(layer_norms_are_those_of_the_gradients),
        cmocka_unit_test(no_table_moves_a_bit),
        cmocka_unit_test(a_velocity_dies_out),
        cmocka_unit_test(free_accepts_a_zeroed_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
