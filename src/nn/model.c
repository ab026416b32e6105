#include "nn/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "kernels/kernels.h"

/* Lays one layer out behind offset *end; false when the size overflows. */
static bool place_layer(mlp_layer *layer, size_t inputs, size_t outputs, size_t *end)
{
    const size_t limit = (size_t)1 << 48; /* floats; keeps every sum below from wrapping */
    size_t weights;
    layer->inputs = inputs;
    layer->outputs = outputs;
    if (inputs > limit || outputs > limit)
        return false;
    layer->panels = mlp_round_up(outputs, MLP_PANEL) / MLP_PANEL;
    layer->panel_stride = mlp_round_up(inputs, MLP_PANEL) * MLP_PANEL;
    if (!mlp_size_mul(layer->panels, layer->panel_stride, &weights) || weights > limit)
        return false;
    layer->weight = *end;
    layer->bias = layer->weight + weights;
    layer->end = layer->bias + layer->panels * MLP_PANEL;
    *end = layer->end;
    return *end <= limit;
}

mlp_status mlp_model_init(mlp_model *model, size_t features, size_t n_hidden, const size_t *hidden,
                          mlp_output output, size_t classes, mlp_error *err)
{
    memset(model, 0, sizeof *model);
    model->output = output;
    model->features = features;
    model->classes = classes;
    model->n_layers = n_hidden + 1;
    model->layers = mlp_alloc(model->n_layers, sizeof *model->layers);
    if (model->layers == NULL)
        return mlp_fail_memory(err, "the layers");

    size_t inputs = features;
    for (size_t l = 0; l < model->n_layers; l++) {
        size_t last = output == MLP_OUTPUT_SIGMOID ? 1 : classes;
        size_t outputs = l < n_hidden ? hidden[l] : last;
        if (!place_layer(&model->layers[l], inputs, outputs, &model->n_params)) {
            mlp_model_free(model);
            return mlp_fail(err, MLP_ERR_CONFIG, "a layer of %zu x %zu weights is too large",
                            inputs, outputs);
        }
        inputs = outputs;
    }
    model->params = mlp_alloc(model->n_params, sizeof *model->params);
    if (model->params == NULL) {
        mlp_model_free(model);
        return mlp_fail_memory(err, "the parameters");
    }
    return MLP_OK;
}

void mlp_model_free(mlp_model *model)
{
    free(model->layers);
    free(model->params);
    memset(model, 0, sizeof *model);
}

static size_t weight_offset(const mlp_layer *layer, size_t output, size_t input)
{
    return layer->weight + output / MLP_PANEL * layer->panel_stride + input * MLP_PANEL +
           output % MLP_PANEL;
}

/* x[0], x[stride], ..., n of them, = values `first` and on of a tensor. */
static void draw(uint64_t seed, size_t tensor, size_t first, size_t n, float bound, float *x,
                 size_t stride)
{
    uint64_t stream = mlp_rng_stream(MLP_RNG_INIT, (uint32_t)tensor);
    uint32_t words[MLP_PANEL];
    for (size_t i = 0; i < n; i++, x += stride) {
        if (i % MLP_PANEL == 0)
            mlp_rng_fill(seed, stream, first + i, mlp_min_size(n - i, MLP_PANEL), words);
        *x = (2.0f * mlp_rng_unit(words[i % MLP_PANEL]) - 1.0f) * bound;
    }
}

void mlp_model_randomize(mlp_model *model, uint64_t seed)
{
    for (size_t l = 0; l < model->n_layers; l++) {
        const mlp_layer *layer = &model->layers[l];
        float bound = 1.0f / sqrtf((float)layer->inputs);
        for (size_t h = 0; h < layer->outputs; h++)
            draw(seed, 2 * l, h * layer->inputs, layer->inputs, bound,
                 model->params + weight_offset(layer, h, 0), MLP_PANEL);
        draw(seed, 2 * l + 1, 0, layer->outputs, bound, model->params + layer->bias, 1);
    }
}

size_t mlp_model_tensor_count(const mlp_model *model)
{
    return 2 * model->n_layers;
}

mlp_tensor mlp_model_tensor(const mlp_model *model, size_t index)
{
    const mlp_layer *layer = &model->layers[index / 2];
    mlp_tensor tensor = {.rank = 1, .shape = {layer->outputs, 1}, .count = layer->outputs};
    if (index % 2 == 0) {
        tensor.rank = 2;
        tensor.shape[1] = layer->inputs;
        tensor.count *= layer->inputs;
    }
    snprintf(tensor.name, sizeof tensor.name, "linear%zu.%s", index / 2 + 1,
             index % 2 == 0 ? "weight" : "bias");
    return tensor;
}

void mlp_model_get_tensor(const mlp_model *model, const float *flat, size_t index, float *values)
{
    const mlp_layer *layer = &model->layers[index / 2];
    if (index % 2 == 1) {
        memcpy(values, flat + layer->bias, layer->outputs * sizeof *values);
        return;
    }
    for (size_t h = 0; h < layer->outputs; h++)
        for (size_t k = 0; k < layer->inputs; k++)
            *values++ = flat[weight_offset(layer, h, k)];
}

void mlp_model_set_tensor(const mlp_model *model, float *flat, size_t index, const float *values)
{
    const mlp_layer *layer = &model->layers[index / 2];
    if (index % 2 == 1) {
        memcpy(flat + layer->bias, values, layer->outputs * sizeof *values);
        return;
    }
    for (size_t h = 0; h < layer->outputs; h++)
        for (size_t k = 0; k < layer->inputs; k++)
            flat[weight_offset(layer, h, k)] = *values++;
}

size_t mlp_model_param_count(const mlp_model *model)
{
    size_t count = 0;
    for (size_t l = 0; l < model->n_layers; l++)
        count += model->layers[l].outputs * (model->layers[l].inputs + 1);
    return count;
}
