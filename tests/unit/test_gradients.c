/* The gradients against central differences of a loss computed in double by
 * plain loops; and that neither team nor kernel table moves a bit of them. */
#include "nn_fixture.h"

enum { MAX_LAYERS = MAX_HIDDEN + 1, MAX_WIDTH = 96 };

/* The network in double: PyTorch's tensors one after another. */
typedef struct reference {
    const net *n;
    double *tensors[2 * MAX_LAYERS];
    size_t counts[2 * MAX_LAYERS];
} reference;

static void reference_init(reference *r, const net *n)
{
    r->n = n;
    for (size_t t = 0; t < mlp_model_tensor_count(&n->model); t++) {
        r->counts[t] = mlp_model_tensor(&n->model, t).count;
        float *values = must_alloc(r->counts[t], sizeof *values);
        r->tensors[t] = must_alloc(r->counts[t], sizeof *r->tensors[t]);
        mlp_model_get_tensor(&n->model, n->model.params, t, values);
        for (size_t i = 0; i < r->counts[t]; i++)
            r->tensors[t][i] = (double)values[i];
        free(values);
    }
}

static void reference_free(reference *r)
{
    for (size_t t = 0; t < mlp_model_tensor_count(&r->n->model); t++)
        free(r->tensors[t]);
}

/* The logits of one image. */
static void reference_forward(const reference *r, const uint8_t *pixels, double *logits)
{
    const mlp_model *model = &r->n->model;
    double in[MAX_WIDTH], out[MAX_WIDTH] = {0};
    for (size_t k = 0; k < model->features; k++)
        in[k] = (double)((float)pixels[k] / 255.0f);
    for (size_t l = 0; l < model->n_layers; l++) {
        size_t inputs = model->layers[l].inputs, outputs = model->layers[l].outputs;
        for (size_t h = 0; h < outputs; h++) {
            out[h] = r->tensors[2 * l + 1][h];
            for (size_t k = 0; k < inputs; k++)
                out[h] += r->tensors[2 * l][h * inputs + k] * in[k];
            if (l + 1 < model->n_layers && out[h] < 0.0)
                out[h] = 0.0;
        }
        memcpy(in, out, outputs * sizeof *in);
    }
    memcpy(logits, out, model->layers[model->n_layers - 1].outputs * sizeof *logits);
}

static double reference_image_loss(const reference *r, size_t image)
{
    double z[MAX_WIDTH], sum = 0.0;
    size_t label = r->n->pass.batch.labels[image];
    reference_forward(r, r->n->pass.batch.pixels[image], z);
    if (r->n->model.output == MLP_OUTPUT_SIGMOID)
        return log1p(exp(label != 0 ? -z[0] : z[0]));
    for (size_t c = 0; c < r->n->model.classes; c++)
        sum += exp(z[c] - z[label]);
    return log(sum);
}

static double reference_loss(const reference *r)
{
    double sum = 0.0;
    for (size_t i = 0; i < r->n->pass.batch.size; i++)
        sum += reference_image_loss(r, i);
    return sum / (double)r->n->pass.batch.size;
}

/* With a step of 1e-5 the difference is right to about 1e-10 (the loss is smooth
 * there, and 1e-16 / 1e-5 is its rounding), far below the float gradient's own. */
static double reference_slope(const reference *r, size_t tensor, size_t index)
{
    const double step = 1e-5;
    double *value = &r->tensors[tensor][index], kept = *value;
    *value = kept + step;
    double above = reference_loss(r);
    *value = kept - step;
    double below = reference_loss(r);
    *value = kept;
    return (above - below) / (2.0 * step);
}

/* A float gradient is a sum of up to 33 * 40 products, each good to 2^-24 of its
 * size: a random walk of that many roundings stays well below 1e-5 of the largest
 * gradient of the tensor. Gives the largest relative distance. */
static double check_tensor(const reference *r, size_t tensor, dice *d)
{
    size_t count = r->counts[tensor], checked = quick_or(8, 250);
    float *gradients = must_alloc(count, sizeof *gradients);
    mlp_model_get_tensor(&r->n->model, r->n->sgd.gradients, tensor, gradients);
    double scale = 0.0, worst = 0.0;
    for (size_t i = 0; i < count; i++)
        scale = fmax(scale, fabs((double)gradients[i]));
    assert_true(scale > 1e-5);
    for (size_t i = 0; i < (count < checked ? count : checked); i++) {
        size_t index = count <= checked ? i : roll(d) % count;
        double slope = reference_slope(r, tensor, index), found = (double)gradients[index];
        worst = fmax(worst, fabs(found - slope) / scale);
        if (!(fabs(found - slope) <= 1e-5 * scale))
            fail_msg("%s[%zu]: %.9g, wanted %.9g", mlp_model_tensor(&r->n->model, tensor).name,
                     index, found, slope);
    }
    free(gradients);
    return worst;
}

static const net_shape SHAPES[] = {
    {.features = 47, .n_hidden = 0},
    {.features = 47, .n_hidden = 1, .hidden = {33}},
    {.features = 90, .n_hidden = 3, .hidden = {40, 7, 33}},
};
enum { N_SHAPES = sizeof SHAPES / sizeof *SHAPES, N_BATCHES = 3 };
static const size_t BATCHES[N_BATCHES] = {1, 9, 33};

/* Shape i of all: depths by heads by batch sizes. */
static net_shape shape_at(size_t i)
{
    net_shape shape = SHAPES[i % N_SHAPES];
    shape.output = i / N_SHAPES % 2 == 0 ? MLP_OUTPUT_SOFTMAX : MLP_OUTPUT_SIGMOID;
    shape.classes = shape.output == MLP_OUTPUT_SOFTMAX ? 5 : 2;
    shape.batch = BATCHES[i / N_SHAPES / 2];
    return shape;
}

static void gradients_are_the_slopes_of_the_loss(void **state)
{
    (void)state;
    dice d = {3, 0};
    double worst = 0.0;
    for (size_t i = 0; i < N_SHAPES * 2 * N_BATCHES; i++) {
        net_shape shape = shape_at(i);
        net n;
        reference r;
        net_init(&n, &shape, supported_kernels(0), 1);
        net_step(&n, NULL);
        reference_init(&r, &n);
        double wanted = reference_loss(&r);
        assert_true(fabs(net_mean_loss(&n) - wanted) <= 1e-6 * wanted);
        for (size_t t = 0; t < mlp_model_tensor_count(&n.model); t++)
            worst = fmax(worst, check_tensor(&r, t, &d));
        reference_free(&r);
        net_free(&n);
    }
    print_message("largest distance: %.2g of the tensor's largest gradient\n", worst);
}

/* What lies between the tensors stays 0, in gradients, velocities and weights:
 * writing 0 over all tensors leaves nothing else. */
static void assert_padding_is_zero(const net *n, const float *flat)
{
    float *copy = must_alloc(n->model.n_params, sizeof *copy);
    float *zeros = must_alloc(n->model.n_params, sizeof *zeros);
    memcpy(copy, flat, n->model.n_params * sizeof *copy);
    for (size_t t = 0; t < mlp_model_tensor_count(&n->model); t++)
        mlp_model_set_tensor(&n->model, copy, t, zeros);
    assert_memory_equal(copy, zeros, n->model.n_params * sizeof *copy);
    free(copy);
    free(zeros);
}

static const mlp_sgd_step STEP = {0.1f, 0.9f, 1e-3f, 1};

/* Four steps on batches of changing size, so that a short one follows a long one. */
static void train_a_little(net *n, const net_shape *shape)
{
    for (uint64_t step = 0; step < 4; step++) {
        net_shape now = *shape;
        now.batch = step % 2 == 0 ? shape->batch : (shape->batch + 1) / 2;
        net_roll_batch(n, &now, 10 + step);
        net_step(n, &STEP);
    }
}

static void padding_stays_zero(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_SHAPES * 2 * N_BATCHES; i++) {
        net_shape shape = shape_at(i);
        net n;
        net_init(&n, &shape, supported_kernels(0), 1);
        train_a_little(&n, &shape);
        assert_padding_is_zero(&n, n.sgd.gradients);
        assert_padding_is_zero(&n, n.sgd.velocities);
        assert_padding_is_zero(&n, n.model.params);
        net_free(&n);
    }
}

/* Rows of a batch that was larger before are not part of this one. */
static void a_short_batch_forgets_the_long_one(void **state)
{
    (void)state;
    net_shape shape = shape_at(N_SHAPES * 2 * N_BATCHES - 1), small = shape;
    small.batch = 9;
    net used, fresh;
    net_init(&used, &shape, supported_kernels(0), 1);
    net_init(&fresh, &shape, supported_kernels(0), 1);
    net_step(&used, NULL);
    net_roll_batch(&used, &small, 5);
    net_roll_batch(&fresh, &small, 5);
    net_step(&used, NULL);
    net_step(&fresh, NULL);
    assert_memory_equal(used.pass.losses, fresh.pass.losses, small.batch * sizeof(float));
    assert_memory_equal(used.sgd.gradients, fresh.sgd.gradients,
                        fresh.model.n_params * sizeof(float));
    net_free(&used);
    net_free(&fresh);
}

static void assert_equal_nets(const net *a, const net *b)
{
    const mlp_pass *p = &a->pass, *q = &b->pass;
    size_t params = a->model.n_params * sizeof(float), last = a->model.n_layers - 1;
    size_t images = p->batch.size, width = p->batch.capacity * MLP_PANEL;
    assert_memory_equal(a->sgd.gradients, b->sgd.gradients, params);
    assert_memory_equal(a->sgd.velocities, b->sgd.velocities, params);
    assert_memory_equal(a->model.params, b->model.params, params);
    assert_memory_equal(p->losses, q->losses, images * sizeof(float));
    assert_memory_equal(p->probabilities, q->probabilities,
                        images * a->model.classes * sizeof(float));
    assert_memory_equal(p->predictions, q->predictions, images);
    for (size_t l = 0; l <= last; l++)
        assert_memory_equal(p->outputs[l], q->outputs[l],
                            a->model.layers[l].panels * width * sizeof(float));
    for (size_t l = 0; l <= last; l++) {
        double norm = mlp_sgd_layer_norm(&a->sgd, l), other = mlp_sgd_layer_norm(&b->sgd, l);
        assert_memory_equal(&norm, &other, sizeof norm);
    }
}

static void team_and_table_move_no_bit(void **state)
{
    (void)state;
    const size_t threads[] = {1, 2, 3, 7};
    for (size_t i = 0; i < N_SHAPES * 2 * N_BATCHES; i++) {
        net_shape shape = shape_at(i);
        net wanted;
        net_init(&wanted, &shape, supported_kernels(0), 1);
        train_a_little(&wanted, &shape);
        for (size_t k = 0; supported_kernels(k) != NULL; k++)
            for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
                net n;
                net_init(&n, &shape, supported_kernels(k), threads[t]);
                train_a_little(&n, &shape);
                assert_equal_nets(&n, &wanted);
                net_free(&n);
            }
        net_free(&wanted);
    }
}

/* A pass that only looks has the same logits and needs no gradients. */
static void an_inference_pass_gives_the_same_losses(void **state)
{
    (void)state;
    net_shape shape = shape_at(N_SHAPES * 2 * N_BATCHES - 1);
    net n, looking;
    mlp_error err = {""};
    net_init(&n, &shape, supported_kernels(0), 1);
    net_init(&looking, &shape, supported_kernels(0), 1);
    mlp_pass_free(&looking.pass);
    must_succeed(mlp_pass_init(&looking.pass, &looking.model, supported_kernels(0), shape.batch, 1,
                               MLP_PASS_INFERENCE, &err),
                 &err);
    net_roll_batch(&looking, &shape, 2);
    net_step(&n, NULL);
    mlp_pass_forward(&looking.pass, &looking.team, 0);
    mlp_pass_loss(&looking.pass, &looking.team, 0);
    assert_null(looking.pass.output_gradients);
    assert_memory_equal(looking.pass.losses, n.pass.losses, shape.batch * sizeof(float));
    net_free(&n);
    net_free(&looking);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_the_slopes_of_the_loss),
        cmocka_unit_test(padding_stays_zero),
        cmocka_unit_test(a_short_batch_forgets_the_long_one),
        cmocka_unit_test(team_and_table_move_no_bit),
        cmocka_unit_test(an_inference_pass_gives_the_same_losses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
