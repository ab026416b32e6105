#include "nn/pass.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
    CHUNK_FLOATS = MLP_CHUNK * MLP_TILE_FLOATS,
    TURN_TILES = MLP_LANES / MLP_TILE,
    TILES_AHEAD = 2, /* whose weights and velocities are asked for */
};

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
    for (size_t l = pass->kernels->bf16 != NULL ? model->n_layers - 1 : 0; l < model->n_layers;
         l++) {
        *widest = max_size(*widest, model->layers[l].outputs);
        ok &= (pass->outputs[l] = alloc_output(pass, &model->layers[l])) != NULL;
        if (training)
            ok &= (pass->output_gradients[l] = alloc_output(pass, &model->layers[l])) != NULL;
    }
    return ok;
}

/* What fp32 products need. */
static bool alloc_packed(mlp_pass *pass, size_t widest, size_t n_threads, mlp_pass_kind kind)
{
    size_t capacity = pass->batch.capacity;
    bool ok = mlp_packed_init(&pass->rows, capacity / MLP_TILE, widest, MLP_PACKED_FLOATS);
    if (ok && kind == MLP_PASS_TRAINING) {
        pass->transposed_stride = transposed_floats(pass->model);
        pass->transposed = mlp_alloc(n_threads, pass->transposed_stride * sizeof(float));
        pass->gradients = mlp_alloc(n_threads, CHUNK_FLOATS * sizeof(float));
        ok = pass->transposed != NULL && pass->gradients != NULL &&
             mlp_packed_init(&pass->columns, n_threads * MLP_CHUNK, capacity, MLP_PACKED_FLOATS);
    }
    pass->values_stride =
        MLP_CHUNK * MLP_TILE * max_size(pass->batch.rows.capacity, pass->batch.columns.capacity);
    pass->values = mlp_alloc(n_threads, pass->values_stride * sizeof *pass->values);
    return ok && pass->values != NULL;
}

static bool alloc_buffers(mlp_pass *pass, size_t n_threads, mlp_pass_kind kind)
{
    const mlp_model *model = pass->model;
    size_t capacity = pass->batch.capacity, widest = 1;
    bool ok = alloc_layers(pass, kind, &widest) &&
              (pass->kernels->bf16 != NULL
                   ? mlp_bf16_pass_init(pass, n_threads, kind == MLP_PASS_TRAINING)
                   : alloc_packed(pass, widest, n_threads, kind));
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
    mlp_status status = mlp_batch_init(&pass->batch, kernels, model->features, max_images,
                                       kind == MLP_PASS_TRAINING, err);
    if (status == MLP_OK && kind == MLP_PASS_TRAINING)
        status = mlp_batch_init(&pass->next, kernels, model->features, max_images, true, err);
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
    if (pass->model != NULL)
        mlp_bf16_pass_free(&pass->bf16, pass->model->n_layers);
    free(pass->transposed);
    free(pass->losses);
    free(pass->probabilities);
    free(pass->predictions);
    free(pass->values);
    free(pass->gradients);
    mlp_batch_free(&pass->batch);
    mlp_batch_free(&pass->next);
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
    const mlp_packed *rows = &pass->rows;
    uint32_t *steps = mlp_packed_steps(rows, tile), *starts = mlp_packed_starts(rows, tile);
    float *values = mlp_packed_values(rows, tile);
    size_t count = 0, k = 0;
    for (size_t block = 0; block < rows->n_blocks; block++) {
        starts[block] = (uint32_t)count;
        for (; k < width && k < (block + 1) * rows->block_steps; k += MLP_PANEL) {
            const float *panel = matrix + k / MLP_PANEL * output_stride(pass);
            count += pass->kernels->pack_rows(width - k < MLP_PANEL ? width - k : MLP_PANEL, k,
                                              panel + tile * MLP_TILE_FLOATS, steps + count,
                                              values + count * MLP_TILE);
        }
    }
    starts[rows->n_blocks] = (uint32_t)count;
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

/* Tiles first .. first + n - 1 of one panel of a layer's output; values are those of
 * the tiles' lists. */
static void forward_tiles(mlp_pass *pass, size_t l, size_t panel, size_t first, size_t n,
                          const float *values)
{
    const mlp_layer *layer = &pass->model->layers[l];
    const float *bias = pass->model->params + layer->bias + panel * MLP_PANEL;
    const float *weight = pass->model->params + layer->weight + panel * layer->panel_stride;
    float *out = pass->outputs[l] + panel * output_stride(pass) + first * MLP_TILE_FLOATS;
    for (size_t i = 0; i < n * MLP_TILE; i++)
        memcpy(out + i * MLP_PANEL, bias, MLP_PANEL * sizeof *out);
    mlp_packed_multiply(l == 0 ? &pass->batch.rows : &pass->rows, values, pass->kernels, first, n,
                        weight, columns_of(layer->outputs, panel), out);
    if (l + 1 < pass->model->n_layers)
        pass->kernels->relu(n * MLP_TILE_FLOATS, out);
}

/* A member's share of tiles that are counted panel by panel, `rows` in each. */
typedef struct share {
    size_t rows, first, end;
} share;

static share share_panels(const mlp_team *team, size_t thread, size_t panels, size_t rows)
{
    share s = {.rows = rows};
    mlp_team_share(team, thread, panels * rows, &s.first, &s.end);
    return s;
}

/* Those of one panel's rows low .. high - 1 that are in the share: *n from *at on. */
static void share_part(const share *s, size_t panel, size_t low, size_t high, size_t *at, size_t *n)
{
    size_t from = max_size(s->first, panel * s->rows + low);
    size_t to = panel * s->rows + high < s->end ? panel * s->rows + high : s->end;
    *at = from - panel * s->rows;
    *n = from < to ? to - from : 0;
}

/* The values of n lists of the batch's rows or columns as floats. */
static const float *pixel_values(mlp_pass *pass, const mlp_packed *lists, size_t first, size_t n,
                                 size_t thread)
{
    float *values = pass->values + thread * pass->values_stride;
    mlp_packed_unit_pixels(lists, pass->kernels, first, n, values);
    return values;
}

/* The first layer's pixels become floats a chunk of tiles at a time, for all panels. */
static void forward_first_layer(mlp_pass *pass, mlp_team *team, size_t thread)
{
    size_t tiles = mlp_batch_tiles(&pass->batch), at, n;
    share s = share_panels(team, thread, pass->model->layers[0].panels, tiles);
    for (size_t low = 0; low < tiles; low += MLP_CHUNK) {
        size_t high = low + MLP_CHUNK < tiles ? low + MLP_CHUNK : tiles;
        const float *values = pixel_values(pass, &pass->batch.rows, low, high - low, thread);
        for (size_t panel = s.first / tiles; panel * tiles < s.end; panel++) {
            share_part(&s, panel, low, high, &at, &n);
            if (n > 0)
                forward_tiles(pass, 0, panel, at, n,
                              values + (at - low) * pass->batch.rows.capacity * MLP_TILE);
        }
    }
    mlp_team_barrier(team);
}

static void forward_layer(mlp_pass *pass, size_t l, mlp_team *team, size_t thread)
{
    size_t tiles = mlp_batch_tiles(&pass->batch), at, n;
    share s = share_panels(team, thread, pass->model->layers[l].panels, tiles);
    pack_all_rows(pass, pass->outputs[l - 1], pass->model->layers[l].inputs, team, thread);
    for (size_t panel = s.first / tiles; panel * tiles < s.end; panel++) {
        share_part(&s, panel, 0, tiles, &at, &n);
        forward_tiles(pass, l, panel, at, n, mlp_packed_values(&pass->rows, at));
    }
    mlp_team_barrier(team);
}

/* Element (image, h) of the last layer's output or its gradient. */
static float *last_layer_at(const mlp_pass *pass, float *matrix, size_t image, size_t h)
{
    return matrix + h / MLP_PANEL * output_stride(pass) + image * MLP_PANEL + h % MLP_PANEL;
}

/* d(mean loss) / dz = (P(class) - [class is the label]) / B, for both heads. */
static void image_gradient(const mlp_pass *pass, size_t image)
{
    const mlp_model *model = pass->model;
    const float *probabilities = pass->probabilities + image * model->classes;
    float *gradient = pass->output_gradients[model->n_layers - 1];
    float inverse_size = 1.0f / (float)pass->batch.size;
    size_t label = pass->batch.labels[image];
    size_t first = model->output == MLP_OUTPUT_SIGMOID ? 1 : 0; /* its one logit is class 1's */
    for (size_t c = first; c < model->classes; c++)
        *last_layer_at(pass, gradient, image, c - first) =
            (probabilities[c] - (c == label ? 1.0f : 0.0f)) * inverse_size;
}

static void sigmoid_loss(mlp_pass *pass, size_t image)
{
    float logit = *last_layer_at(pass, pass->outputs[pass->model->n_layers - 1], image, 0);
    float *probabilities = pass->probabilities + image * pass->model->classes;
    pass->losses[image] =
        pass->kernels->sigmoid(logit, pass->batch.labels[image], &probabilities[1]);
    probabilities[0] = 1.0f - probabilities[1];
    pass->predictions[image] = logit > 0.0f;
}

/* Images first .. first + n - 1, n <= MLP_LANES. */
static void softmax_losses(mlp_pass *pass, size_t first, size_t n)
{
    size_t classes = pass->model->classes;
    float *logits = pass->outputs[pass->model->n_layers - 1];
    float z[MLP_MAX_CLASSES * MLP_LANES] __attribute__((aligned(64)));
    float label_logits[MLP_LANES], largest[MLP_LANES], log_sum[MLP_LANES];
    memset(z, 0, classes * MLP_LANES * sizeof *z);
    for (size_t i = 0; i < n; i++) {
        size_t prediction = 0;
        for (size_t c = 0; c < classes; c++) {
            z[c * MLP_LANES + i] = *last_layer_at(pass, logits, first + i, c);
            if (z[c * MLP_LANES + i] > z[prediction * MLP_LANES + i])
                prediction = c;
        }
        pass->predictions[first + i] = (uint8_t)prediction;
        label_logits[i] = z[pass->batch.labels[first + i] * MLP_LANES + i];
    }
    pass->kernels->softmax(classes, z, largest, log_sum);
    for (size_t i = 0; i < n; i++) {
        pass->losses[first + i] = log_sum[i] - (label_logits[i] - largest[i]);
        for (size_t c = 0; c < classes; c++)
            pass->probabilities[(first + i) * classes + c] = z[c * MLP_LANES + i];
    }
}

void mlp_pass_loss(mlp_pass *pass, size_t first, size_t n)
{
    if (pass->model->output == MLP_OUTPUT_SIGMOID)
        for (size_t image = first; image < first + n; image++)
            sigmoid_loss(pass, image);
    else
        softmax_losses(pass, first, n);
    for (size_t image = first; pass->output_gradients != NULL && image < first + n; image++)
        image_gradient(pass, image);
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

/* Tiles first .. first + n - 1 of one panel of the gradient of layer l - 1's output, from
 * the packed gradient of layer l's and the panel of its transposed weights. */
static void backward_tiles(mlp_pass *pass, size_t l, size_t panel, size_t first, size_t n,
                           const float *transposed)
{
    size_t at = panel * output_stride(pass) + first * MLP_TILE_FLOATS;
    float *out = pass->output_gradients[l - 1] + at;
    memset(out, 0, n * MLP_TILE_FLOATS * sizeof *out);
    mlp_packed_multiply(&pass->rows, mlp_packed_values(&pass->rows, first), pass->kernels, first, n,
                        transposed, columns_of(pass->model->layers[l].inputs, panel), out);
    pass->kernels->relu_backward(n * MLP_TILE_FLOATS, pass->outputs[l - 1] + at, out);
}

/* Gradient of layer l's output -> gradient of layer l - 1's output. */
static void backward_layer(mlp_pass *pass, size_t l, mlp_team *team, size_t thread)
{
    const mlp_layer *layer = &pass->model->layers[l];
    size_t tiles = mlp_batch_tiles(&pass->batch), at, n;
    float *transposed = pass->transposed + thread * pass->transposed_stride;
    share s = share_panels(team, thread, pass->model->layers[l - 1].panels, tiles);
    pack_all_rows(pass, pass->output_gradients[l], layer->outputs, team, thread);
    for (size_t panel = s.first / tiles; panel * tiles < s.end; panel++) {
        share_part(&s, panel, 0, tiles, &at, &n);
        transpose_weights(pass, layer, panel, transposed);
        backward_tiles(pass, l, panel, at, n, transposed);
    }
    mlp_team_barrier(team);
}

/* Tiles first .. first + n - 1 through the last layer, and in a training pass back to its
 * input; n <= TURN_TILES. */
static void turn_tiles(mlp_pass *pass, size_t first, size_t n, const float *transposed,
                       size_t thread)
{
    size_t last = pass->model->n_layers - 1, image = first * MLP_TILE;
    const mlp_layer *layer = &pass->model->layers[last];
    const float *values = mlp_packed_values(&pass->rows, first);
    for (size_t tile = first; last > 0 && tile < first + n; tile++)
        pack_rows(pass, pass->outputs[last - 1], layer->inputs, tile);
    if (last == 0)
        values = pixel_values(pass, &pass->batch.rows, first, n, thread);
    for (size_t panel = 0; panel < layer->panels; panel++)
        forward_tiles(pass, last, panel, first, n, values);
    size_t left = pass->batch.size - image;
    mlp_pass_loss(pass, image, left < MLP_LANES ? left : MLP_LANES);
    if (last == 0 || pass->output_gradients == NULL)
        return;
    for (size_t tile = first; tile < first + n; tile++)
        pack_rows(pass, pass->output_gradients[last], layer->outputs, tile);
    for (size_t panel = 0; panel < pass->model->layers[last - 1].panels; panel++)
        backward_tiles(pass, last, panel, first, n,
                       transposed + panel * layer->outputs * MLP_PANEL);
}

void mlp_pass_forward(mlp_pass *pass, mlp_team *team, size_t thread)
{
    if (pass->kernels->bf16 != NULL) {
        mlp_bf16_pass_forward(pass, team, thread);
        return;
    }
    size_t last = pass->model->n_layers - 1, first, end;
    float *transposed = pass->transposed + thread * pass->transposed_stride;
    if (last > 0)
        forward_first_layer(pass, team, thread);
    for (size_t l = 1; l < last; l++)
        forward_layer(pass, l, team, thread);
    if (pass->output_gradients != NULL && last > 0) {
        const mlp_layer *layer = &pass->model->layers[last];
        for (size_t panel = 0; panel < pass->model->layers[last - 1].panels; panel++)
            transpose_weights(pass, layer, panel, transposed + panel * layer->outputs * MLP_PANEL);
    }
    size_t tiles = mlp_batch_tiles(&pass->batch);
    mlp_team_share(team, thread, (tiles + TURN_TILES - 1) / TURN_TILES, &first, &end);
    for (size_t tile = first * TURN_TILES; tile < end * TURN_TILES && tile < tiles;
         tile += TURN_TILES) {
        size_t n = tiles - tile < TURN_TILES ? tiles - tile : TURN_TILES;
        for (size_t i = 0; i < n; i++)
            mlp_batch_prefetch(&pass->next, tile + i);
        turn_tiles(pass, tile, n, transposed, thread);
    }
    mlp_team_barrier(team);
}

/* The member's lists 0 .. n - 1 become those of layer l's inputs from `group` * 4 on. */
static void pack_columns(mlp_pass *pass, size_t l, size_t group, size_t n, size_t thread)
{
    const mlp_packed *columns = &pass->columns;
    for (size_t list = thread * MLP_CHUNK; n > 0; n--, list++, group++) {
        uint32_t *steps = mlp_packed_steps(columns, list);
        uint32_t *starts = mlp_packed_starts(columns, list);
        float *values = mlp_packed_values(columns, list);
        size_t k = group * MLP_TILE, count = 0, i = 0;
        const float *from =
            pass->outputs[l - 1] + k / MLP_PANEL * output_stride(pass) + k % MLP_PANEL;
        for (size_t block = 0; block < columns->n_blocks; block++, i += columns->block_steps) {
            size_t left = pass->batch.size > i ? pass->batch.size - i : 0;
            starts[block] = (uint32_t)count;
            count += pass->kernels->pack_columns(
                left < columns->block_steps ? left : columns->block_steps, i, from + i * MLP_PANEL,
                steps + count, values + count * MLP_TILE);
        }
        starts[columns->n_blocks] = (uint32_t)count;
    }
}

/* Groups of four inputs of layer l, as lists with their values: list 0 is group `first`. */
typedef struct input_lists {
    size_t l, first;
    const mlp_packed *packed;
    size_t list;
    const float *values;
} input_lists;

static input_lists input_columns(mlp_pass *pass, size_t l, size_t first, size_t n, size_t thread)
{
    input_lists lists = {.l = l, .first = first};
    if (l == 0) {
        lists.packed = &pass->batch.columns;
        lists.list = first;
        lists.values = pixel_values(pass, lists.packed, first, n, thread);
    } else {
        lists.packed = &pass->columns;
        lists.list = thread * MLP_CHUNK;
        lists.values = mlp_packed_values(lists.packed, lists.list);
        pack_columns(pass, l, first, n, thread);
    }
    return lists;
}

/* The gradient of n tiles of one panel of a layer's weights, inputs from `group` * 4 on,
 * and the step with it. */
static void update_tiles(mlp_pass *pass, mlp_sgd *sgd, const mlp_sgd_step *step,
                         const input_lists *lists, size_t panel, size_t group, size_t n,
                         size_t thread)
{
    const mlp_layer *layer = &pass->model->layers[lists->l];
    const float *output_gradient = pass->output_gradients[lists->l] + panel * output_stride(pass);
    size_t at = layer->weight + panel * layer->panel_stride + group * MLP_TILE_FLOATS;
    size_t skip = group - lists->first, columns = columns_of(layer->outputs, panel);
    float *gradients = pass->gradients + thread * CHUNK_FLOATS;
    size_t part = lists->packed->n_blocks == 1 ? 1 : n; /* one by one they stay nearest */
    for (size_t i = 0; i < n; i += part) {
        memset(gradients, 0, part * MLP_TILE_FLOATS * sizeof *gradients);
        mlp_packed_multiply(
            lists->packed, lists->values + (skip + i) * lists->packed->capacity * MLP_TILE,
            pass->kernels, lists->list + skip + i, part, output_gradient, columns, gradients);
        for (size_t j = i; j < i + part; j++) {
            if (j + TILES_AHEAD < n)
                mlp_sgd_prefetch(sgd, at + (j + TILES_AHEAD) * MLP_TILE_FLOATS);
            mlp_sgd_apply(sgd, pass->kernels, step, at + j * MLP_TILE_FLOATS, MLP_TILE_FLOATS,
                          gradients + (j - i) * MLP_TILE_FLOATS);
        }
    }
}

/* This member's share of a layer's weights, a chunk of inputs at a time: the chunk's
 * lists serve all panels. */
static void update_weights(mlp_pass *pass, mlp_sgd *sgd, const mlp_sgd_step *step, size_t l,
                           mlp_team *team, size_t thread)
{
    const mlp_layer *layer = &pass->model->layers[l];
    size_t groups = mlp_round_up(layer->inputs, MLP_TILE) / MLP_TILE, at, n;
    share s = share_panels(team, thread, layer->panels, groups);
    bool is_part = s.end - s.first < groups && s.first / groups == (s.end - 1) / groups;
    size_t end = is_part ? s.end - s.first / groups * groups : groups;
    for (size_t low = is_part ? s.first % groups : 0; low < end; low += MLP_CHUNK) {
        size_t high = low + MLP_CHUNK < end ? low + MLP_CHUNK : end;
        input_lists lists = input_columns(pass, l, low, high - low, thread);
        for (size_t panel = s.first / groups; panel * groups < s.end; panel++) {
            share_part(&s, panel, low, high, &at, &n);
            if (n > 0)
                update_tiles(pass, sgd, step, &lists, panel, at, n, thread);
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
    if (pass->kernels->bf16 != NULL) {
        mlp_bf16_pass_backward(pass, sgd, step, team, thread);
        return;
    }
    for (size_t l = pass->model->n_layers - 1; l-- > 1;)
        backward_layer(pass, l, team, thread);
    for (size_t l = pass->model->n_layers; l-- > 0;) {
        update_weights(pass, sgd, step, l, team, thread);
        update_biases(pass, sgd, step, l, team, thread);
    }
    mlp_batch_pack(&pass->next, pass->kernels, team, thread);
    mlp_team_barrier(team);
}

void mlp_pass_advance(mlp_pass *pass)
{
    mlp_batch batch = pass->batch;
    pass->batch = pass->next;
    pass->next = batch;
}
