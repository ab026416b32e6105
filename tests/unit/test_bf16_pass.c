/* One step with bf16 products beside the same step in double, written down once more
 * from its definition, with operands rounded to bf16 at the same places. And the same
 * bytes on any team and table, with batches that fill no strip. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/fmath.h"
#include "base/mem.h"
#include "base/rng.h"
#include "kernels/select.h"
#include "nn/pass.h"
#include "nn/sgd.h"

enum { MAX_LAYERS = 4, MAX_WIDTH = 700, MAX_BATCH = 80 };

typedef struct shape {
    size_t features, n_hidden, hidden[MAX_LAYERS - 1];
    mlp_output output;
    size_t classes, batch;
} shape;

/* More columns than a slab, fewer panels than threads, widths that fill nothing, more blocks than
 * go into the first cache. */
static const shape SHAPES[] = {
    {50, 2, {70, 40}, MLP_OUTPUT_SOFTMAX, 5, 45},      {33, 1, {680}, MLP_OUTPUT_SOFTMAX, 100, 70},
    {64, 3, {600, 32, 96}, MLP_OUTPUT_SIGMOID, 2, 32}, {40, 0, {0}, MLP_OUTPUT_SOFTMAX, 3, 1},
    {690, 1, {40}, MLP_OUTPUT_SOFTMAX, 4, 70},
};
enum { N_SHAPES = sizeof SHAPES / sizeof SHAPES[0] };
/* The difference of the weights is half the gradient. */
static const mlp_sgd_step STEP = {.lr = 0.5f, .momentum = 0.0f};

typedef struct net {
    mlp_kernels kernels;
    mlp_team team;
    mlp_model model;
    mlp_sgd sgd;
    mlp_pass pass;
    uint8_t *images; /* (batch, features) */
} net;

static void must(mlp_status status, const mlp_error *err)
{
    if (status != MLP_OK)
        fail_msg("%s", err->message);
}

/* Whether a strip of images has no pixel in a block: in half of all blocks, in the first 18 of the
 * second strip, in the whole third. */
static bool is_blank(size_t strip, size_t block)
{
    return block < 18 * strip || mlp_rng_u32(3, (uint32_t)strip, block) % 2 == 0;
}

static void open_net(net *n, const shape *s, const char *kernel, size_t threads)
{
    mlp_error err = {""};
    must(mlp_bf16_kernels_select(&n->kernels, kernel, &err), &err);
    must(mlp_team_init(&n->team, threads, &err), &err);
    must(
        mlp_model_init(&n->model, s->features, s->n_hidden, s->hidden, s->output, s->classes, &err),
        &err);
    must(mlp_sgd_init(&n->sgd, &n->model, &err), &err);
    must(
        mlp_pass_init(&n->pass, &n->model, &n->kernels, s->batch, threads, MLP_PASS_TRAINING, &err),
        &err);
    mlp_model_randomize(&n->model, 1);
    n->images = mlp_alloc(s->batch, s->features);
    assert_non_null(n->images);
    for (size_t i = 0; i < s->batch * s->features; i++) {
        uint32_t word = mlp_rng_u32(2, 0, i);
        bool blank = is_blank(i / s->features / MLP_BF16_STRIP, i % s->features / MLP_BF16_STRIP);
        n->images[i] = word % 3 == 0 && !blank ? (uint8_t)(word >> 24) : 0;
    }
}

static void close_net(net *n)
{
    free(n->images);
    mlp_pass_free(&n->pass);
    mlp_sgd_free(&n->sgd);
    mlp_model_free(&n->model);
    mlp_team_free(&n->team);
}

static void step_member(mlp_team *team, size_t thread, void *argument)
{
    net *n = argument;
    mlp_batch_pack(&n->pass.batch, &n->kernels, team, thread);
    mlp_team_barrier(team);
    mlp_pass_forward(&n->pass, team, thread);
    mlp_pass_backward(&n->pass, &n->sgd, &STEP, team, thread);
}

/* The first `batch` images become the batch. */
static void name_batch(net *n, const shape *s, size_t batch)
{
    n->pass.batch.size = batch;
    for (size_t i = 0; i < batch; i++) {
        n->pass.batch.pixels[i] = n->images + i * s->features;
        n->pass.batch.labels[i] = (uint8_t)(i * 7 % s->classes);
    }
}

static void take_step(net *n, const shape *s, size_t batch)
{
    name_batch(n, s, batch);
    mlp_team_run(&n->team, step_member, n);
}

/* To nearest, ties to even, in double; normal numbers and zero. */
static double bf16(double x)
{
    if (x == 0.0)
        return 0.0;
    double unit = ldexp(1.0, ilogb(x) - 7);
    return nearbyint(x / unit) * unit;
}

/* The network again: weight (H, K) and bias (H) of each layer. */
typedef struct plain {
    size_t n_layers, inputs[MAX_LAYERS], outputs[MAX_LAYERS];
    float *weight[MAX_LAYERS], *bias[MAX_LAYERS];
    double a[MAX_LAYERS + 1][MAX_BATCH][MAX_WIDTH]; /* inputs of each layer; logits last */
    double dz[MAX_LAYERS][MAX_BATCH][MAX_WIDTH];
} plain;

static float *read_tensor(const mlp_model *model, size_t index)
{
    float *values = mlp_alloc(mlp_model_tensor(model, index).count, sizeof *values);
    assert_non_null(values);
    mlp_model_get_tensor(model, model->params, index, values);
    return values;
}

static plain *open_plain(const mlp_model *model)
{
    plain *p = mlp_alloc(1, sizeof *p);
    assert_non_null(p);
    p->n_layers = model->n_layers;
    for (size_t l = 0; l < p->n_layers; l++) {
        p->inputs[l] = model->layers[l].inputs;
        p->outputs[l] = model->layers[l].outputs;
        p->weight[l] = read_tensor(model, 2 * l);
        p->bias[l] = read_tensor(model, 2 * l + 1);
    }
    return p;
}

static void close_plain(plain *p)
{
    for (size_t l = 0; l < p->n_layers; l++) {
        free(p->weight[l]);
        free(p->bias[l]);
    }
    free(p);
}

static double weight(const plain *p, size_t l, size_t h, size_t k)
{
    double w = (double)p->weight[l][h * p->inputs[l] + k];
    return bf16(l == 0 ? w / 255.0 : w);
}

static void forward(plain *p, const net *n, size_t batch)
{
    for (size_t i = 0; i < batch; i++)
        for (size_t k = 0; k < p->inputs[0]; k++)
            p->a[0][i][k] = n->images[i * p->inputs[0] + k];
    for (size_t l = 0; l < p->n_layers; l++)
        for (size_t i = 0; i < batch; i++)
            for (size_t h = 0; h < p->outputs[l]; h++) {
                double z = (double)p->bias[l][h];
                for (size_t k = 0; k < p->inputs[l]; k++)
                    z += p->a[l][i][k] * weight(p, l, h, k);
                p->a[l + 1][i][h] = l + 1 == p->n_layers ? z : z > 0.0 ? bf16(z) : 0.0;
            }
}

/* d(mean loss) / d(logits). */
static void turn(plain *p, const shape *s, size_t batch)
{
    size_t last = p->n_layers - 1;
    for (size_t i = 0; i < batch; i++) {
        const double *z = p->a[last + 1][i];
        size_t label = i * 7 % s->classes;
        double sum = 0.0;
        for (size_t c = 0; c < p->outputs[last]; c++)
            sum += exp(z[c]);
        for (size_t c = 0; c < p->outputs[last]; c++) {
            bool sigmoid = s->output == MLP_OUTPUT_SIGMOID;
            double probability = sigmoid ? 1.0 / (1.0 + exp(-z[0])) : exp(z[c]) / sum;
            double wanted = sigmoid ? (double)label : (double)(c == label);
            p->dz[last][i][c] = (probability - wanted) / (double)batch;
        }
    }
}

/* What the products see of a gradient. */
static double seen(const plain *p, size_t l, size_t i, size_t h)
{
    return l == 0 ? 255.0 * bf16(p->dz[l][i][h] / 255.0) : bf16(p->dz[l][i][h]);
}

static void backward(plain *p, size_t batch)
{
    for (size_t l = p->n_layers - 1; l > 0; l--)
        for (size_t i = 0; i < batch; i++)
            for (size_t k = 0; k < p->inputs[l]; k++) {
                double sum = 0.0;
                for (size_t h = 0; h < p->outputs[l]; h++)
                    sum += seen(p, l, i, h) * weight(p, l, h, k);
                p->dz[l - 1][i][k] = p->a[l][i][k] > 0.0 ? sum : 0.0;
            }
}

/* A sum in another order may round an operand the other way, by 2^-8 of it. */
static void assert_near(const char *what, size_t layer, double found, double wanted, double largest)
{
    if (fabs(found - wanted) > 0.004 * largest + 1e-6)
        fail_msg("%s of layer %zu: %g, wanted %g", what, layer, found, wanted);
}

static void check_layer(const plain *p, const net *n, size_t l, size_t batch)
{
    float *new_weight = read_tensor(&n->model, 2 * l),
          *new_bias = read_tensor(&n->model, 2 * l + 1);
    size_t count = p->outputs[l] * p->inputs[l];
    double *gradient = mlp_alloc(count, sizeof *gradient), largest = 0.0, norm = 0.0;
    assert_non_null(gradient);
    for (size_t h = 0; h < p->outputs[l]; h++) {
        double bias = 0.0;
        for (size_t i = 0; i < batch; i++) {
            bias += seen(p, l, i, h);
            for (size_t k = 0; k < p->inputs[l]; k++)
                gradient[h * p->inputs[l] + k] +=
                    p->a[l][i][k] * seen(p, l, i, h) / (l == 0 ? 255.0 : 1.0);
        }
        assert_near("bias", l, 2.0 * ((double)p->bias[l][h] - (double)new_bias[h]), bias,
                    fabs(bias) + 0.01);
        norm += bias * bias;
    }
    for (size_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs(gradient[i]));
        norm += gradient[i] * gradient[i];
    }
    for (size_t i = 0; i < count; i++)
        assert_near("weight", l, 2.0 * ((double)p->weight[l][i] - (double)new_weight[i]),
                    gradient[i], largest);
    assert_near("norm", l, mlp_sgd_layer_norm(&n->sgd, l), sqrt(norm), sqrt(norm));
    free(gradient);
    free(new_weight);
    free(new_bias);
}

static void check_step(net *n, const shape *s, size_t batch)
{
    plain *p = open_plain(&n->model);
    take_step(n, s, batch);
    forward(p, n, batch);
    turn(p, s, batch);
    backward(p, batch);
    for (size_t l = 0; l < p->n_layers; l++)
        check_layer(p, n, l, batch);
    close_plain(p);
}

static void a_step_is_its_definition(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_SHAPES; i++) {
        net n;
        open_net(&n, &SHAPES[i], NULL, 1);
        /* The second batch is shorter: what the first left in the strips must not count. */
        check_step(&n, &SHAPES[i], SHAPES[i].batch);
        check_step(&n, &SHAPES[i], SHAPES[i].batch - SHAPES[i].batch / 3);
        close_net(&n);
    }
}

/* Three steps: a whole batch, one that ends inside the strips, and a whole one again. */
static void take_steps(net *n, const shape *s)
{
    take_step(n, s, s->batch);
    take_step(n, s, s->batch - s->batch / 3);
    take_step(n, s, s->batch);
}

static void assert_same_net(const net *a, const net *b, size_t batch)
{
    size_t bytes = a->model.n_params * sizeof(float);
    assert_memory_equal(a->model.params, b->model.params, bytes);
    assert_memory_equal(a->sgd.velocities, b->sgd.velocities, bytes);
    assert_memory_equal(a->pass.losses, b->pass.losses, batch * sizeof(float));
    for (size_t l = 0; l < a->model.n_layers; l++)
        assert_true(mlp_sgd_layer_norm(&a->sgd, l) == mlp_sgd_layer_norm(&b->sgd, l));
}

static void same_bytes_on_any_team_and_table(void **state)
{
    (void)state;
    static const size_t teams[] = {1, 2, 3, 7};
    for (size_t i = 0; i < N_SHAPES; i++) {
        net reference;
        open_net(&reference, &SHAPES[i], "portable", 1);
        take_steps(&reference, &SHAPES[i]);
        for (size_t k = 0; mlp_bf16_kernels_list(k) != NULL; k++)
            for (size_t t = 0; t < sizeof teams / sizeof *teams; t++) {
                const mlp_bf16_kernels *kernels = mlp_bf16_kernels_list(k);
                if (!mlp_bf16_kernels_supported(kernels))
                    continue;
                net n;
                open_net(&n, &SHAPES[i], kernels->name, teams[t]);
                n.pass.bf16.streams = t % 2 == 1; /* as a larger net would */
                take_steps(&n, &SHAPES[i]);
                assert_same_net(&reference, &n, SHAPES[i].batch);
                close_net(&n);
            }
        close_net(&reference);
    }
}

/* Marks are where they should be, and whoever reads a blank block from here on reads ink. */
static void spoil_blank_blocks(mlp_batch *batch)
{
    for (size_t strip = 0; strip < mlp_strips_count(batch->size); strip++)
        for (size_t block = 0; block < mlp_strips_count(batch->features); block++) {
            bool blank = is_blank(strip, block);
            assert_int_equal(*mlp_pixel_block_blank(&batch->blocks, strip, block), blank);
            if (blank)
                memset(mlp_pixel_block(&batch->blocks, strip, block), 0xff, MLP_PIXEL_BLOCK);
        }
}

static void spoiled_step_member(mlp_team *team, size_t thread, void *argument)
{
    net *n = argument;
    mlp_batch_pack(&n->pass.batch, &n->kernels, team, thread);
    spoil_blank_blocks(&n->pass.batch);
    mlp_pass_forward(&n->pass, team, thread);
    mlp_pass_backward(&n->pass, &n->sgd, &STEP, team, thread);
}

static void blank_blocks_are_passed_over(void **state)
{
    (void)state;
    const shape *s = &SHAPES[N_SHAPES - 1];
    net whole, spoiled;
    open_net(&whole, s, NULL, 1);
    open_net(&spoiled, s, NULL, 1);
    take_step(&whole, s, s->batch);
    name_batch(&spoiled, s, s->batch);
    mlp_team_run(&spoiled.team, spoiled_step_member, &spoiled);
    assert_same_net(&whole, &spoiled, s->batch);
    close_net(&whole);
    close_net(&spoiled);
}

/* What a checkpoint never shows, but a layout of panels has: it must stay 0. */
static void padding_stays_zero(void **state)
{
    (void)state;
    net n;
    open_net(&n, &SHAPES[0], NULL, 2);
    take_steps(&n, &SHAPES[0]);
    for (size_t l = 0; l < n.model.n_layers; l++) {
        const mlp_layer *layer = &n.model.layers[l];
        for (size_t at = layer->weight; at < layer->bias; at++) {
            size_t in_panel = (at - layer->weight) % layer->panel_stride;
            size_t h =
                (at - layer->weight) / layer->panel_stride * MLP_PANEL + in_panel % MLP_PANEL;
            bool is_weight = h < layer->outputs && in_panel / MLP_PANEL < layer->inputs;
            assert_true(is_weight || n.model.params[at] == 0.0f);
        }
        for (size_t at = layer->bias + layer->outputs; at < layer->end; at++)
            assert_true(n.model.params[at] == 0.0f);
    }
    close_net(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_is_its_definition),
        cmocka_unit_test(same_bytes_on_any_team_and_table),
        cmocka_unit_test(blank_blocks_are_passed_over),
        cmocka_unit_test(padding_stays_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
