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

/* The weights that a member transposes at a time: all of the last layer, and one
 * panel of the inputs of any other. */
static size_t transposed_floats(const mlp_model *model)
{
    size_t last = model->n_layers - 1, n = 0;
    for (size_t l = 1; l < model->n_layers; l++)
        n = max_size(n, (l == last ? model->layers[l - 1].panels : 1) * model->layers[l].outputs);
    return n * MLP_PANEL;
}

static bool alloc_layers(mlp_pass *pass, mlp_pass_kind kind, size_t *widest)
{
    const mlp_model *model = pass->model;
    bool training = kind == MLP_PASS_TRAINING, ok = true;
    pass->outputs = mlp_alloc(model->n_layers, sizeof *pass->outputs);
    pass->output_gradients =
        training ? mlp_alloc(model->n_layers, sizeof *pass->output_gradients) : NULL;
    if (pass->outputs == NULL || (training && pass->output_gradients == NULL))
        return false;
    for (size_t l = 0; l < model->n_layers; l++) {
        *widest = max_size(*widest, model->layers[l].outputs);
        ok &= (pass->outputs[l] = alloc_output(pass, &model->layers[l])) != NULL;
        if (training)
            ok &= (pass->output_gradients[l] = alloc_output(pass, &model->layers[l])) != NULL;
    }
    return ok;
}

static bool alloc_buffers(mlp_pass *pass, size_t n_threads, mlp_pass_kind kind)
{
    const mlp_model *model = pass->model;
    size_t capacity = pass->batch.capacity, widest = 1;
    bool ok = alloc_layers(pass, kind, &widest) &&
              mlp_packed_init(&pass->rows, capacity / MLP_TILE, widest);
    if (ok && kind == MLP_PASS_TRAINING) {
        pass->transposed_stride = transposed_floats(model);
        pass->transposed = mlp_alloc(n_threads, pass->transposed_stride * sizeof(float));
        ok = pass->transposed != NULL && mlp_packed_init(&pass->columns, n_threads, capacity);
    }
    pass->losses = mlp_alloc(capacity, sizeof *pass->losses);
    pass->probabilities = mlp_alloc(capacity, model->classes * sizeof *pass->probabilities);
    pass->predictions = mlp_alloc(capacity, sizeof *pass->predictions);
    return ok && pass->losses != NULL && pass->probabilities != NULL && pass->predictions != NULL;
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
    mlp_packed_free(&pass->rows);
    mlp_packed_free(&pass->columns);
    free(pass->transposed);
    free(pass->losses);
    free(pass->probabilities);
    free(pass->predictions);
    mlp_batch_free(&pass->batch);
    memset(pass, 0, sizeof *pass);
}

/* Floats between the panels of a layer's output. */
static size_t output_stride(const mlp_pass *pass)
{
    return pass->batch.capacity * MLP_PANEL;
}

/* Columns of panel `panel` that a product has to compute for a width of n. */
static size_t columns_of(size_t n, size_t panel)
{
    size_t left = n - panel * MLP_PANEL;
    return left < MLP_PANEL ? mlp_round_up(left, MLP_COLUMNS) : MLP_PANEL;
}

/* List `tile` of pass->rows becomes four rows of a layer's output or its gradient. */
static void pack_rows(mlp_pass *pass, const float *matrix, size_t width, size_t tile)
{
    uint32_t *steps = mlp_packed_steps(&pass->rows, tile);
    float *values = mlp_packed_values(&pass->rows, tile);
    size_t count = 0;
    for (size_t k = 0; k < width; k += MLP_PANEL) {
        const float *rows = matrix + k / MLP_PANEL * output_stride(pass) + tile * MLP_TILE_FLOATS;
        count += pass->kernels->pack_rows(width - k < MLP_PANEL ? width - k : MLP_PANEL, k, rows,
                                          steps + count, values + count * MLP_TILE);
    }
    pass->rows.counts[tile] = (uint32_t)count;
}

/* The same for this member's share of the tiles, with a barrier behind it. */
static void pack_all_rows(mlp_pass *pass, const float *matrix, size_t width, mlp_team *team,
                          size_t thread)
{
    size_t first, end;
    mlp_team_share(team, thread, mlp_batch_tiles(&pass->batch), &first, &end);
    for (size_t tile = first; tile < end; tile++)
        pack_rows(pass, matrix, width, tile);
    mlp_team_barrier(team);
}

static void multiply(const mlp_pass *pass, const mlp_packed *lists, size_t list, const float *b,
                     size_t columns, float *c)
{
    pass->kernels->multiply(lists->counts[list], mlp_packed_steps(lists, list),
                            mlp_packed_values(lists, list), b, columns, c);
}

/* One tile (4, 64) of a layer's output, images from `tile` * 4 on. */
static void forward_tile(mlp_pass *pass, size_t l, size_t panel, size_t tile)
{
    const mlp_layer *layer = &pass->model->layers[l];
    const float *bias = pass->model->params + layer->bias + panel * MLP_PANEL;
    const float *weight = pass->model->params + layer->weight + panel * layer->panel_stride;
    float *out = pass->outputs[l] + panel * output_stride(pass) + tile * MLP_TILE_FLOATS;
    for (size_t i = 0; i < MLP_TILE; i++)
        memcpy(out + i * MLP_PANEL, bias, MLP_PANEL * sizeof *out);
    multiply(pass, l == 0 ? &pass->batch.rows : &pass->rows, tile, weight,
             columns_of(layer->outputs, panel), out);
    if (l + 1 < pass->model->n_layers)
        pass->kernels->relu(MLP_TILE_FLOATS, out);
}

static void forward_layer(mlp_pass *pass, size_t l, mlp_team *team, size_t thread)
{
    size_t tiles = mlp_batch_tiles(&pass->batch), first, end;
    if (l > 0)
        pack_all_rows(pass, pass->outputs[l - 1], pass->model->layers[l].inputs, team, thread);
    mlp_team_share(team, thread, pass->model->layers[l].panels * tiles, &first, &end);
    for (size_t t = first; t < end; t++)
        forward_tile(pass, l, t / tiles, t % tiles);
    mlp_team_barrier(team);
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

void mlp_pass_loss(mlp_pass *pass, size_t tile)
{
    size_t end = (tile + 1) * MLP_TILE;
    for (size_t image = tile * MLP_TILE; image < end && image < pass->batch.size; image++)
        image_loss(pass, image);
}

/* out (H, 64) = the 64 columns `panel` of W (H, K), from W^T's panels. */
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

/* One tile of the gradient of layer l - 1's output, from the packed gradient of
 * layer l's and the panel of its transposed weights. */
static void backward_tile(mlp_pass *pass, size_t l, size_t panel, size_t tile,
                          const float *transposed)
{
    size_t at = panel * output_stride(pass) + tile * MLP_TILE_FLOATS;
    float *out = pass->output_gradients[l - 1] + at;
    memset(out, 0, MLP_TILE_FLOATS * sizeof *out);
    multiply(pass, &pass->rows, tile, transposed, columns_of(pass->model->layers[l].inputs, panel),
             out);
    pass->kernels->relu_backward(MLP_TILE_FLOATS, pass->outputs[l - 1] + at, out);
}

/* Gradient of layer l's output -> gradient of layer l - 1's output. */
static void backward_layer(mlp_pass *pass, size_t l, mlp_team *team, size_t thread)
{
    const mlp_layer *layer = &pass->model->layers[l];
    size_t tiles = mlp_batch_tiles(&pass->batch), transposed_panel = SIZE_MAX, first, end;
    float *transposed = pass->transposed + thread * pass->transposed_stride;
    pack_all_rows(pass, pass->output_gradients[l], layer->outputs, team, thread);
    mlp_team_share(team, thread, pass->model->layers[l - 1].panels * tiles, &first, &end);
    for (size_t t = first; t < end; t++) {
        size_t panel = t / tiles;
        if (panel != transposed_panel)
            transpose_weights(pass, layer, panel, transposed);
        transposed_panel = panel;
        backward_tile(pass, l, panel, t % tiles, transposed);
    }
    mlp_team_barrier(team);
}

/* Four images through the last layer, and in a training pass back to its input. */
static void turn_tile(mlp_pass *pass, size_t tile, const float *transposed)
{
    size_t last = pass->model->n_layers - 1;
    const mlp_layer *layer = &pass->model->layers[last];
    if (last > 0)
        pack_rows(pass, pass->outputs[last - 1], layer->inputs, tile);
    for (size_t panel = 0; panel < layer->panels; panel++)
        forward_tile(pass, last, panel, tile);
    mlp_pass_loss(pass, tile);
    if (last == 0 || pass->output_gradients == NULL)
        return;
    pack_rows(pass, pass->output_gradients[last], layer->outputs, tile);
    for (size_t panel = 0; panel < pass->model->layers[last - 1].panels; panel++)
        backward_tile(pass, last, panel, tile, transposed + panel * layer->outputs * MLP_PANEL);
}

void mlp_pass_forward(mlp_pass *pass, mlp_team *team, size_t thread)
{
    size_t last = pass->model->n_layers - 1, first, end;
    float *transposed = pass->transposed + thread * pass->transposed_stride;
    for (size_t l = 0; l < last; l++)
        forward_layer(pass, l, team, thread);
    if (pass->output_gradients != NULL && last > 0) {
        const mlp_layer *layer = &pass->model->layers[last];
        for (size_t panel = 0; panel < pass->model->layers[last - 1].panels; panel++)
            transpose_weights(pass, layer, panel, transposed + panel * layer->outputs * MLP_PANEL);
    }
    mlp_team_share(team, thread, mlp_batch_tiles(&pass->batch), &first, &end);
    for (size_t tile = first; tile < end; tile++)
        turn_tile(pass, tile, transposed);
    if (pass->output_gradients != NULL)
        mlp_batch_pack_columns(&pass->batch, pass->kernels, team, thread);
    mlp_team_barrier(team);
}

/* The gradient of one tile of a layer's weights, and the step with it: inputs from
 * `group` * 4 on, one panel of outputs. */
static void update_tile(mlp_pass *pass, mlp_sgd *sgd, const mlp_sgd_step *step, size_t l,
                        size_t panel, size_t group, const mlp_packed *lists, size_t list)
{
    const mlp_layer *layer = &pass->model->layers[l];
    float gradient[MLP_TILE_FLOATS] __attribute__((aligned(64))) = {0};
    multiply(pass, lists, list, pass->output_gradients[l] + panel * output_stride(pass),
             columns_of(layer->outputs, panel), gradient);
    mlp_sgd_apply(sgd, pass->kernels, step,
                  layer->weight + panel * layer->panel_stride + group * MLP_TILE_FLOATS,
                  MLP_TILE_FLOATS, gradient);
}

/* The share of layer 0's tiles: its lists are there, so one panel after another. */
static void update_first_layer(mlp_pass *pass, mlp_sgd *sgd, const mlp_sgd_step *step,
                               mlp_team *team, size_t thread)
{
    size_t groups = pass->batch.n_groups, first, end;
    mlp_team_share(team, thread, pass->model->layers[0].panels * groups, &first, &end);
    for (size_t t = first; t < end; t++)
        update_tile(pass, sgd, step, 0, t / groups, t % groups, &pass->batch.columns, t % groups);
}

/* The share of another layer's tiles. Each list is made once and used for all of
 * this member's panels. */
static void update_layer(mlp_pass *pass, mlp_sgd *sgd, const mlp_sgd_step *step, size_t l,
                         mlp_team *team, size_t thread)
{
    const mlp_layer *layer = &pass->model->layers[l];
    size_t groups = mlp_round_up(layer->inputs, MLP_TILE) / MLP_TILE, first, end;
    mlp_team_share(team, thread, layer->panels * groups, &first, &end);
    for (size_t group = 0; group < groups; group++) {
        bool packed = false;
        for (size_t t = first / groups * groups + group; t < end; t += groups) {
            if (t < first)
                continue;
            size_t k = group * MLP_TILE;
            const float *columns =
                pass->outputs[l - 1] + k / MLP_PANEL * output_stride(pass) + k % MLP_PANEL;
            if (!packed)
                pass->columns.counts[thread] = (uint32_t)pass->kernels->pack_columns(
                    pass->batch.size, columns, mlp_packed_steps(&pass->columns, thread),
                    mlp_packed_values(&pass->columns, thread));
            packed = true;
            update_tile(pass, sgd, step, l, t / groups, group, &pass->columns, thread);
        }
    }
}

static void update_biases(mlp_pass *pass, mlp_sgd *sgd, const mlp_sgd_step *step, size_t l,
                          mlp_team *team, size_t thread)
{
    const mlp_layer *layer = &pass->model->layers[l];
    size_t first, end;
    mlp_team_share(team, thread, layer->panels, &first, &end);
    for (size_t panel = first; panel < end; panel++) {
        float gradient[MLP_PANEL] __attribute__((aligned(64)));
        pass->kernels->sum_rows(pass->batch.size,
                                pass->output_gradients[l] + panel * output_stride(pass), gradient);
        mlp_sgd_apply(sgd, pass->kernels, step, layer->bias + panel * MLP_PANEL, MLP_PANEL,
                      gradient);
    }
}

void mlp_pass_backward(mlp_pass *pass, mlp_sgd *sgd, const mlp_sgd_step *step, mlp_team *team,
                       size_t thread)
{
    for (size_t l = pass->model->n_layers - 1; l-- > 1;)
        backward_layer(pass, l, team, thread);
    for (size_t l = 0; l < pass->model->n_layers; l++) {
        if (l == 0)
            update_first_layer(pass, sgd, step, team, thread);
        else
            update_layer(pass, sgd, step, l, team, thread);
        update_biases(pass, sgd, step, l, team, thread);
    }
    mlp_team_barrier(team);
}
