/* One step with bf16 products beside the same step in double, written down once more
 * from its definition, with operands rounded to bf16 at the same places. */
#include "bf16_net_fixture.h"

enum { MAX_LAYERS = MAX_HIDDEN + 1, MAX_WIDTH = 700, MAX_BATCH = 80 };

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
    float *values = must_alloc(mlp_model_tensor(model, index).count, sizeof *values);
    mlp_model_get_tensor(model, model->params, index, values);
    return values;
}

static plain *open_plain(const mlp_model *model)
{
    plain *p = must_alloc(1, sizeof *p);
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
static void turn(plain *p, const net *n, size_t batch)
{
    size_t last = p->n_layers - 1;
    for (size_t i = 0; i < batch; i++) {
        const double *z = p->a[last + 1][i];
        size_t label = n->pass.batch.labels[i];
        double sum = 0.0;
        for (size_t c = 0; c < p->outputs[last]; c++)
            sum += exp(z[c]);
        for (size_t c = 0; c < p->outputs[last]; c++) {
            bool sigmoid = n->model.output == MLP_OUTPUT_SIGMOID;
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
    double *gradient = must_alloc(count, sizeof *gradient), largest = 0.0, norm = 0.0;
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

static void check_step(net *n, size_t batch)
{
    plain *p = open_plain(&n->model);
    bf16_net_step(n, batch);
    forward(p, n, batch);
    turn(p, n, batch);
    backward(p, batch);
    for (size_t l = 0; l < p->n_layers; l++)
        check_layer(p, n, l, batch);
    close_plain(p);
}

static void a_step_is_its_definition(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_BF16_SHAPES; i += quick_or(2, 1)) {
        const net_shape *shape = &BF16_SHAPES[i];
        mlp_kernels table;
        net n;
        bf16_net_init(&n, &table, shape, NULL, 1);
        /* The second batch is shorter: what the first left in the strips must not count. */
        check_step(&n, shape->batch);
        check_step(&n, shape->batch - shape->batch / 3);
        net_free(&n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_is_its_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
