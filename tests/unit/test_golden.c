/* 50 steps of every setting of SGD beside PyTorch's: tests/golden/trajectories.txt,
 * whose head describes its format and which scripts/make_golden.py writes. */
#include "nn_fixture.h"

#include <stdio.h>

#ifndef MLP_SOURCE_DIR
#define MLP_SOURCE_DIR "."
#endif

static const char PATH[] = MLP_SOURCE_DIR "/tests/golden/trajectories.txt";
static const double TOLERANCE = 1e-4;
enum { TOKEN = 32 };

/* The next token, past comments; false at the end of the file. */
static bool read_token(FILE *f, char token[TOKEN])
{
    while (fscanf(f, "%31s", token) == 1) {
        if (token[0] != '#')
            return true;
        for (int c = 0; c != '\n' && c != EOF;)
            c = getc(f);
    }
    return false;
}

static void expect(FILE *f, const char *word)
{
    char token[TOKEN] = "";
    if (!read_token(f, token) || strcmp(token, word) != 0)
        fail_msg("%s: \"%s\" where \"%s\" should be", PATH, token, word);
}

static float read_float(FILE *f)
{
    char token[TOKEN] = "", *end;
    bool there = read_token(f, token);
    float value = strtof(token, &end);
    if (!there || *end != '\0')
        fail_msg("%s: \"%s\" where a number should be", PATH, token);
    return value;
}

static size_t read_size(FILE *f, size_t limit)
{
    float value = read_float(f);
    if (!(value >= 0.0f && value <= (float)limit))
        fail_msg("%s: %g where at most %zu should be", PATH, (double)value, limit);
    return (size_t)value;
}

/* One network of the file: its shape, its start, its batches. */
typedef struct golden {
    net_shape shape;
    size_t steps;
    uint8_t *pixels, *labels; /* (steps, batch, features), (steps, batch) */
    float *initial;           /* flat, as the model's parameters */
} golden;

static void read_shape(FILE *f, golden *g)
{
    char output[TOKEN] = "";
    net_shape *s = &g->shape;
    read_token(f, output);
    s->output = strcmp(output, "sigmoid") == 0 ? MLP_OUTPUT_SIGMOID : MLP_OUTPUT_SOFTMAX;
    g->steps = read_size(f, 1000);
    s->batch = read_size(f, 1000);
    size_t layers = read_size(f, MAX_HIDDEN + 1);
    s->n_hidden = layers - 1;
    s->features = read_size(f, 1000);
    for (size_t l = 0; l < layers; l++)
        *(l < s->n_hidden ? &s->hidden[l] : &s->classes) = read_size(f, 256);
    if (s->output == MLP_OUTPUT_SIGMOID)
        s->classes = 2;
}

/* "KIND name rows columns values" of each tensor, to a flat buffer. */
static void read_tensors(FILE *f, const char *kind, const mlp_model *model, float *flat)
{
    for (size_t t = 0; t < mlp_model_tensor_count(model); t++) {
        mlp_tensor tensor = mlp_model_tensor(model, t);
        expect(f, kind);
        expect(f, tensor.name);
        assert_int_equal(read_size(f, 1000) * read_size(f, 1000), tensor.count);
        float *values = must_alloc(tensor.count, sizeof *values);
        for (size_t i = 0; i < tensor.count; i++)
            values[i] = read_float(f);
        mlp_model_set_tensor(model, flat, t, values);
        free(values);
    }
}

static void read_bytes(FILE *f, const char *kind, size_t step, size_t n, uint8_t *bytes)
{
    expect(f, kind);
    assert_int_equal(read_size(f, 1000), step);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)read_size(f, 255);
}

static void read_batches(FILE *f, golden *g)
{
    size_t batch = g->shape.batch, pixels = batch * g->shape.features;
    g->pixels = must_alloc(g->steps, pixels);
    g->labels = must_alloc(g->steps, batch);
    for (size_t step = 0; step < g->steps; step++) {
        read_bytes(f, "pixels", step, pixels, g->pixels + step * pixels);
        read_bytes(f, "labels", step, batch, g->labels + step * batch);
    }
}

static double train_step(net *n, const golden *g, size_t step, const mlp_sgd_step *settings)
{
    mlp_batch *batch = &n->pass.batch;
    for (size_t i = 0; i < batch->size; i++) {
        size_t image = step * batch->size + i;
        batch->pixels[i] = g->pixels + image * batch->features;
        batch->labels[i] = g->labels[image];
    }
    net_step(n, settings);
    return net_mean_loss(n);
}

/* The largest distance of losses, each relative to its own; fails past the tolerance. */
static double compare_losses(FILE *f, net *n, const golden *g, const mlp_sgd_step *settings)
{
    double worst = 0.0;
    expect(f, "losses");
    for (size_t step = 0; step < g->steps; step++) {
        double found = train_step(n, g, step, settings), wanted = (double)read_float(f);
        worst = fmax(worst, fabs(found - wanted) / fabs(wanted));
        if (!(fabs(found - wanted) <= TOLERANCE * fabs(wanted)))
            fail_msg("loss of step %zu: %.9g, wanted %.9g", step, found, wanted);
    }
    return worst;
}

/* The same of the weights, relative to the largest of their tensor. */
static double compare_weights(FILE *f, const net *n)
{
    double worst = 0.0;
    float *final = must_alloc(n->model.n_params, sizeof *final);
    read_tensors(f, "final", &n->model, final);
    for (size_t t = 0; t < mlp_model_tensor_count(&n->model); t++) {
        mlp_tensor tensor = mlp_model_tensor(&n->model, t);
        float *found = must_alloc(tensor.count, sizeof *found);
        float *wanted = must_alloc(tensor.count, sizeof *wanted);
        double largest = 0.0, distance = 0.0;
        mlp_model_get_tensor(&n->model, n->model.params, t, found);
        mlp_model_get_tensor(&n->model, final, t, wanted);
        for (size_t i = 0; i < tensor.count; i++) {
            assert_true(isfinite(found[i]) != 0);
            largest = fmax(largest, fabs((double)wanted[i]));
            distance = fmax(distance, fabs((double)found[i] - (double)wanted[i]));
        }
        if (!(distance <= TOLERANCE * largest))
            fail_msg("%s is %g of its largest away", tensor.name, distance / largest);
        worst = fmax(worst, distance / largest);
        free(found);
        free(wanted);
    }
    free(final);
    return worst;
}

static void compare_run(FILE *f, net *n, const golden *g)
{
    char name[TOKEN] = "";
    mlp_sgd_step settings;
    read_token(f, name);
    settings.lr = read_float(f);
    settings.momentum = read_float(f);
    settings.nesterov = (int)read_size(f, 1);
    settings.weight_decay = read_float(f);
    n->pass.label_smoothing = read_float(f);
    memcpy(n->model.params, g->initial, n->model.n_params * sizeof *g->initial);
    memset(n->sgd.velocities, 0, n->model.n_params * sizeof *n->sgd.velocities);
    double losses = compare_losses(f, n, g, &settings);
    double weights = compare_weights(f, n);
    print_message("%s, %s: losses within %.1e, final weights within %.1e\n",
                  g->shape.output == MLP_OUTPUT_SIGMOID ? "sigmoid" : "softmax", name, losses,
                  weights);
}

/* Up to "end"; the number of runs. */
static size_t compare_network(FILE *f)
{
    golden g = {0};
    net n;
    size_t runs = 0;
    char token[TOKEN] = "";
    read_shape(f, &g);
    net_init(&n, &g.shape, supported_kernels(0), 1);
    g.initial = must_alloc(n.model.n_params, sizeof *g.initial);
    read_tensors(f, "initial", &n.model, g.initial);
    read_batches(f, &g);
    for (; read_token(f, token) && strcmp(token, "run") == 0; runs++)
        compare_run(f, &n, &g);
    assert_string_equal(token, "end");
    free(g.initial);
    free(g.pixels);
    free(g.labels);
    net_free(&n);
    return runs;
}

static void trajectories_are_those_of_pytorch(void **state)
{
    (void)state;
    char token[TOKEN] = "";
    size_t networks = 0, runs = 0;
    FILE *f = fopen(PATH, "r");
    if (f == NULL)
        fail_msg("cannot open %s", PATH);
    for (; read_token(f, token); networks++) {
        assert_string_equal(token, "network");
        runs += compare_network(f);
    }
    fclose(f);
    assert_int_equal(networks, 2);
    assert_int_equal(runs, 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trajectories_are_those_of_pytorch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
