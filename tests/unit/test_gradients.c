/* The gradients against central differences of a loss computed in double by plain
 * loops; and, to the bit, against the chains of sums that kernels.h defines. */
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
 * gradient of the tensor; but a single one may all but cancel, which its terms do not.
 * Gives the largest relative distance. */
static double check_tensor(const reference *r, size_t tensor, dice *d)
{
    size_t count = r->counts[tensor], checked = quick_or(8, 250);
    float *gradients = must_alloc(count, sizeof *gradients);
    mlp_model_get_tensor(&r->n->model, r->n->sgd.velocities, tensor, gradients);
    double scale = count == 1 ? 0.01 : 0.0, worst = 0.0;
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
        net_step(&n, &GRADIENTS_ONLY);
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

/* A layer by plain loops, images and outputs row by row, tensors in PyTorch's order. */
typedef struct plain_layer {
    size_t inputs, outputs;
    float *weight, *bias;           /* (outputs, inputs), (outputs) */
    float *in, *out, *out_gradient; /* (batch, inputs), (batch, outputs) twice */
} plain_layer;

static float *copy_tensor(const mlp_model *model, const float *flat, size_t tensor)
{
    float *values = must_alloc(mlp_model_tensor(model, tensor).count, sizeof *values);
    mlp_model_get_tensor(model, flat, tensor, values);
    return values;
}

static void plain_forward(plain_layer *layer, size_t batch, bool is_last)
{
    for (size_t i = 0; i < batch; i++)
        for (size_t h = 0; h < layer->outputs; h++) {
            float sum = layer->bias[h];
            for (size_t k = 0; k < layer->inputs; k++)
                sum = fmaf(layer->in[i * layer->inputs + k], layer->weight[h * layer->inputs + k],
                           sum);
            layer->out[i * layer->outputs + h] = !is_last && sum < 0.0f ? 0.0f : sum;
        }
}

/* The gradient of the layer's input, where that was not cut off by its ReLU. */
static void plain_backward(const plain_layer *layer, size_t batch, float *in_gradient)
{
    for (size_t i = 0; i < batch; i++)
        for (size_t k = 0; k < layer->inputs; k++) {
            float sum = 0.0f;
            for (size_t h = 0; h < layer->outputs; h++)
                sum = fmaf(layer->out_gradient[i * layer->outputs + h],
                           layer->weight[h * layer->inputs + k], sum);
            in_gradient[i * layer->inputs + k] =
                layer->in[i * layer->inputs + k] > 0.0f ? sum : 0.0f;
        }
}

/* Equal numbers, but for the sign of 0 and what is too small to be a velocity. */
static void assert_gradient(const char *name, size_t index, float found, float wanted)
{
    float v = fabsf(wanted) < MLP_TINY_VELOCITY ? 0.0f : wanted;
    if (!(found == v))
        fail_msg("%s[%zu]: %a, wanted %a", name, index, (double)found, (double)v);
}

static void check_gradients(const net *n, size_t l, const plain_layer *layer)
{
    size_t batch = n->pass.batch.size;
    float *weights = copy_tensor(&n->model, n->sgd.velocities, 2 * l);
    float *biases = copy_tensor(&n->model, n->sgd.velocities, 2 * l + 1);
    for (size_t h = 0; h < layer->outputs; h++) {
        float bias = 0.0f;
        for (size_t i = 0; i < batch; i++)
            bias += layer->out_gradient[i * layer->outputs + h];
        assert_gradient("bias", h, biases[h], bias);
        for (size_t k = 0; k < layer->inputs; k++) {
            float sum = 0.0f;
            for (size_t i = 0; i < batch; i++)
                sum = fmaf(layer->in[i * layer->inputs + k],
                           layer->out_gradient[i * layer->outputs + h], sum);
            assert_gradient("weight", h * layer->inputs + k, weights[h * layer->inputs + k], sum);
        }
    }
    free(weights);
    free(biases);
}

static void plain_init(plain_layer *layers, const net *n)
{
    size_t batch = n->pass.batch.size;
    for (size_t l = 0; l < n->model.n_layers; l++) {
        plain_layer *layer = &layers[l];
        layer->inputs = n->model.layers[l].inputs;
        layer->outputs = n->model.layers[l].outputs;
        layer->weight = copy_tensor(&n->model, n->model.params, 2 * l);
        layer->bias = copy_tensor(&n->model, n->model.params, 2 * l + 1);
        layer->in = l > 0 ? layers[l - 1].out : must_alloc(batch * layer->inputs, sizeof(float));
        layer->out = must_alloc(batch * layer->outputs, sizeof(float));
        layer->out_gradient = must_alloc(batch * layer->outputs, sizeof(float));
    }
    for (size_t i = 0; i < batch * layers[0].inputs; i++)
        layers[0].in[i] = (float)n->images[i] / 255.0f;
}

static void plain_free(plain_layer *layers, size_t n_layers)
{
    free(layers[0].in);
    for (size_t l = 0; l < n_layers; l++) {
        free(layers[l].weight);
        free(layers[l].bias);
        free(layers[l].out);
        free(layers[l].out_gradient);
    }
}

/* From the probabilities, which test_loss.c looks after. */
static void plain_loss_gradient(const net *n, const plain_layer *last)
{
    size_t classes = n->model.classes, skip = classes - last->outputs;
    for (size_t i = 0; i < n->pass.batch.size; i++)
        for (size_t h = 0; h < last->outputs; h++) {
            float target = n->pass.batch.labels[i] == h + skip ? 1.0f : 0.0f;
            last->out_gradient[i * last->outputs + h] =
                (n->pass.probabilities[i * classes + h + skip] - target) *
                (1.0f / (float)n->pass.batch.size);
        }
}

static void every_gradient_is_its_chain(void **state)
{
    (void)state;
    for (size_t c = 0; c < N_NET_SHAPES; c += quick_or(5, 1)) {
        net_shape shape = net_shape_at(c);
        plain_layer layers[MAX_HIDDEN + 1] = {{0}};
        net n;
        net_init(&n, &shape, supported_kernels(0), 1);
        plain_init(layers, &n);
        net_step(&n, &GRADIENTS_ONLY);
        size_t count = n.model.n_layers;
        for (size_t l = 0; l < count; l++)
            plain_forward(&layers[l], shape.batch, l + 1 == count);
        plain_loss_gradient(&n, &layers[count - 1]);
        for (size_t l = count; l-- > 0;) {
            check_gradients(&n, l, &layers[l]);
            if (l > 0)
                plain_backward(&layers[l], shape.batch, layers[l - 1].out_gradient);
        }
        plain_free(layers, count);
        net_free(&n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_the_slopes_of_the_loss),
        cmocka_unit_test(every_gradient_is_its_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
