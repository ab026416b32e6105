#include "nn/pass.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static size_t max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* (capacity, H) in panel layout. */
static float *alloc_output(const mlp_pass *pass, const mlp_layer *layer)
{
    return mlp_alloc(pass->batch.capacity, layer->panels * MLP_PANEL * sizeof(float));
}

static bool alloc_buffers(mlp_pass *pass, size_t n_threads, mlp_pass_kind kind)
{
    const mlp_model *model = pass->model;
    size_t capacity = pass->batch.capacity, widest = capacity, n_layers = model->n_layers;
    bool ok = true;
    pass->outputs = mlp_alloc(n_layers, sizeof *pass->outputs);
    pass->output_gradients =
        kind == MLP_PASS_TRAINING ? mlp_alloc(n_layers, sizeof *pass->output_gradients) : NULL;
    if (pass->outputs == NULL || (kind == MLP_PASS_TRAINING && pass->output_gradients == NULL))
        return false;
    for (size_t l = 0; l < n_layers; l++) {
        const mlp_layer *layer = &model->layers[l];
        widest = max_size(widest, max_size(layer->inputs, layer->outputs));
        ok &= (pass->outputs[l] = alloc_output(pass, layer)) != NULL;
        if (kind == MLP_PASS_TRAINING)
            ok &= (pass->output_gradients[l] = alloc_output(pass, layer)) != NULL;
    }
    pass->transposed_stride = widest * MLP_PANEL;
    if (kind == MLP_PASS_TRAINING) {
        pass->transposed = mlp_alloc(n_threads, pass->transposed_stride * sizeof(float));
        ok &= pass->transposed != NULL;
    }
    pass->all_steps = mlp_alloc(widest, sizeof *pass->all_steps);
    pass->losses = mlp_alloc(capacity, sizeof *pass->losses);
    pass->probabilities = mlp_alloc(capacity, model->classes * sizeof *pass->probabilities);
    pass->predictions = mlp_alloc(capacity, sizeof *pass->predictions);
    if (!ok || pass->all_steps == NULL || pass->losses == NULL || pass->probabilities == NULL ||
        pass->predictions == NULL)
        return false;
    for (size_t k = 0; k < widest; k++)
        pass->all_steps[k] = (uint32_t)k;
    return true;
}

mlp_status mlp_pass_init(mlp_pass *pass, const mlp_model *model, const mlp_kernels *kernels,
                         size_t max_images, size_t n_threads, mlp_pass_kind kind, mlp_error *err)
{
    memset(pass, 0, sizeof *pass);
    pass->kernels = kernels;
    pass->model = model;
    mlp_status status = mlp_batch_init(&pass->batch, model->features, max_images, err);
    if (status == MLP_OK && !alloc_buffers(pass, n_threads, kind))
        status = mlp_fail_memory(err, "the activations");
    if (status != MLP_OK)
        mlp_pass_free(pass);
    return status;
}

void mlp_pass_free(mlp_pass *pass)
{
    for (size_t l = 0; pass->outputs != NULL && l < pass->model->n_layers; l++)
        free(pass->outputs[l]);
    for (size_t l = 0; pass->output_gradients != NULL && l < pass->model->n_layers; l++)
        free(pass->output_gradients[l]);
    free(pass->outputs);
    free(pass->output_gradients);
    free(pass->transposed);
    free(pass->all_steps);
    free(pass->losses);
    free(pass->probabilities);
    free(pass->predictions);
    mlp_batch_free(&pass->batch);
    memset(pass, 0, sizeof *pass);
}

/* What an output of layer l - 1, or the images for l = 0, is to layer l. */
static const float *layer_input(const mlp_pass *pass, size_t l)
{
    return l == 0 ? pass->batch.input : pass->outputs[l - 1];
}

static size_t batch_tiles(const mlp_pass *pass)
{
    return mlp_round_up(pass->batch.size, MLP_TILE) / MLP_TILE;
}

/* One tile (8, 32) of a layer's output, images from `tile` * 8 on. */
static void forward_tile(mlp_pass *pass, size_t l, size_t panel, size_t tile)
{
    const mlp_layer *layer = &pass->model->layers[l];
    const float *bias = pass->model->params + layer->bias + panel * MLP_PANEL;
    const float *weight = pass->model->params + layer->weight + panel * layer->panel_stride;
    size_t panel_stride = pass->batch.capacity * MLP_PANEL;
    float *out = pass->outputs[l] + panel * panel_stride + tile * MLP_TILE_FLOATS;
    const float *in = layer_input(pass, l) + tile * MLP_TILE_FLOATS;

    for (size_t i = 0; i < MLP_TILE; i++)
        memcpy(out + i * MLP_PANEL, bias, MLP_PANEL * sizeof *out);
    if (l == 0)
        pass->kernels->multiply_rows(pass->batch.row_counts[tile],
                                     pass->batch.row_steps + tile * pass->batch.features, in,
                                     panel_stride, weight, out);
    else
        pass->kernels->multiply_rows(layer->inputs, pass->all_steps, in, panel_stride, weight, out);
    if (l + 1 < pass->model->n_layers)
        pass->kernels->relu(MLP_TILE_FLOATS, out);
}

void mlp_pass_forward(mlp_pass *pass, mlp_team *team, size_t thread)
{
    mlp_batch_pack(&pass->batch, pass->kernels, team, thread);
    mlp_team_barrier(team);
    size_t tiles = batch_tiles(pass);
    for (size_t l = 0; l < pass->model->n_layers; l++) {
        size_t first, end;
        mlp_team_share(team, thread, pass->model->layers[l].panels * tiles, &first, &end);
        for (size_t t = first; t < end; t++)
            forward_tile(pass, l, t / tiles, t % tiles);
        mlp_team_barrier(team);
    }
}

/* Element (image, h) of the last layer's output or its gradient. */
static float *last_layer_at(const mlp_pass *pass, float *matrix, size_t image, size_t h)
{
    return matrix + h / MLP_PANEL * pass->batch.capacity * MLP_PANEL + image * MLP_PANEL +
           h % MLP_PANEL;
}

/* d(mean loss) / dz = (P(class) - [class is the label]) / B, for both heads. */
static void image_gradient(const mlp_pass *pass, size_t image, const float *probabilities)
{
    const mlp_model *model = pass->model;
    float *gradient = pass->output_gradients[model->n_layers - 1];
    float inverse_size = 1.0f / (float)pass->batch.size;
    size_t label = pass->batch.labels[image];
    size_t first = model->output == MLP_OUTPUT_SIGMOID ? 1 : 0; /* its one logit is class 1's */
    for (size_t c = first; c < model->classes; c++)
        *last_layer_at(pass, gradient, image, c - first) =
            (probabilities[c] - (c == label ? 1.0f : 0.0f)) * inverse_size;
}

static void image_loss(mlp_pass *pass, size_t image)
{
    const mlp_model *model = pass->model;
    float *logits = pass->outputs[model->n_layers - 1];
    float *probabilities = pass->probabilities + image * model->classes;
    size_t label = pass->batch.labels[image], prediction = 0;
    if (model->output == MLP_OUTPUT_SIGMOID) {
        float logit = *last_layer_at(pass, logits, image, 0);
        pass->losses[image] = pass->kernels->sigmoid(logit, label, &probabilities[1]);
        probabilities[0] = 1.0f - probabilities[1];
        prediction = logit > 0.0f;
    } else {
        for (size_t c = 0; c < model->classes; c++)
            probabilities[c] = *last_layer_at(pass, logits, image, c);
        for (size_t c = 1; c < model->classes; c++)
            prediction = probabilities[c] > probabilities[prediction] ? c : prediction;
        pass->losses[image] =
            pass->kernels->softmax(model->classes, label, probabilities, probabilities);
    }
    pass->predictions[image] = (uint8_t)prediction;
    if (pass->output_gradients != NULL)
        image_gradient(pass, image, probabilities);
}

void mlp_pass_loss(mlp_pass *pass, mlp_team *team, size_t thread)
{
    size_t first, end;
    mlp_team_share(team, thread, pass->batch.size, &first, &end);
    for (size_t image = first; image < end; image++)
        image_loss(pass, image);
    mlp_team_barrier(team);
}

/* out (H, 32) = the 32 columns `panel` of W (H, K), from W^T's panels. */
static void transpose_weights(const mlp_pass *pass, const mlp_layer *layer, size_t panel,
                              float *out)
{
    for (size_t h = 0; h < layer->outputs; h++) {
        const float *from = pass->model->params + layer->weight +
                            h / MLP_PANEL * layer->panel_stride + panel * MLP_PANEL * MLP_PANEL +
                            h % MLP_PANEL;
        for (size_t j = 0; j < MLP_PANEL; j++)
            out[h * MLP_PANEL + j] = from[j * MLP_PANEL];
    }
}

/* Gradient of layer l's output -> gradient of layer l - 1's output. */
static void backward_inputs(mlp_pass *pass, size_t l, mlp_team *team, size_t thread)
{
    const mlp_layer *layer = &pass->model->layers[l];
    size_t panel_stride = pass->batch.capacity * MLP_PANEL, tiles = batch_tiles(pass);
    size_t transposed_panel = SIZE_MAX, first, end;
    float *transposed = pass->transposed + thread * pass->transposed_stride;
    mlp_team_share(team, thread, pass->model->layers[l - 1].panels * tiles, &first, &end);
    for (size_t t = first; t < end; t++) {
        size_t panel = t / tiles, at = t % tiles * MLP_TILE_FLOATS;
        float *out = pass->output_gradients[l - 1] + panel * panel_stride + at;
        if (panel != transposed_panel)
            transpose_weights(pass, layer, panel, transposed);
        transposed_panel = panel;
        memset(out, 0, MLP_TILE_FLOATS * sizeof *out);
        pass->kernels->multiply_rows(layer->outputs, pass->all_steps,
                                     pass->output_gradients[l] + at, panel_stride, transposed, out);
        pass->kernels->relu_backward(MLP_TILE_FLOATS,
                                     pass->outputs[l - 1] + panel * panel_stride + at, out);
    }
}

/* One tile of a layer's weight gradient: inputs from `tile` * 8 on, one panel. */
static void weight_gradient_tile(const mlp_pass *pass, size_t l, size_t panel, size_t tile,
                                 float *gradients)
{
    const mlp_layer *layer = &pass->model->layers[l];
    const mlp_batch *batch = &pass->batch;
    size_t panel_stride = batch->capacity * MLP_PANEL, k = tile * MLP_TILE;
    const float *in = layer_input(pass, l) + k / MLP_PANEL * panel_stride + k % MLP_PANEL;
    const float *out_gradient = pass->output_gradients[l] + panel * panel_stride;
    float *out = gradients + layer->weight + panel * layer->panel_stride + k * MLP_PANEL;

    memset(out, 0, MLP_TILE_FLOATS * sizeof *out);
    if (l == 0)
        pass->kernels->multiply_columns(batch->column_counts[tile],
                                        batch->column_steps + tile * batch->capacity, in,
                                        out_gradient, out);
    else
        pass->kernels->multiply_columns(batch->size, pass->all_steps, in, out_gradient, out);
}

static void backward_params(mlp_pass *pass, size_t l, float *gradients, mlp_team *team,
                            size_t thread)
{
    const mlp_layer *layer = &pass->model->layers[l];
    size_t tiles = mlp_round_up(layer->inputs, MLP_TILE) / MLP_TILE, first, end;
    mlp_team_share(team, thread, layer->panels * tiles, &first, &end);
    for (size_t t = first; t < end; t++)
        weight_gradient_tile(pass, l, t / tiles, t % tiles, gradients);
    mlp_team_share(team, thread, layer->panels, &first, &end);
    for (size_t panel = first; panel < end; panel++)
        pass->kernels->sum_rows(
            pass->batch.size, pass->output_gradients[l] + panel * pass->batch.capacity * MLP_PANEL,
            gradients + layer->bias + panel * MLP_PANEL);
}

void mlp_pass_backward(mlp_pass *pass, float *gradients, mlp_team *team, size_t thread)
{
    for (size_t l = pass->model->n_layers; l-- > 0;) {
        if (l > 0)
            backward_inputs(pass, l, team, thread);
        backward_params(pass, l, gradients, team, thread);
        mlp_team_barrier(team);
    }
}
