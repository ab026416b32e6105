#include "nn/fp32_pass.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/fp32_share.h"

enum { TURN_TILES = MLP_LANES / MLP_TILE };

static size_t max_size(size_t a, size_t b)
{
    return a > b ? a : b;
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

bool mlp_fp32_pass_init(mlp_pass *pass, size_t n_threads, bool training)
{
    size_t capacity = pass->batch.capacity, widest = 1;
    for (size_t l = 0; l < pass->model->n_layers; l++)
        widest = max_size(widest, pass->model->layers[l].outputs);
    bool ok = mlp_packed_init(&pass->fp32.rows, capacity / MLP_TILE, widest, MLP_PACKED_FLOATS);
    if (ok && training) {
        pass->fp32.transposed_stride = transposed_floats(pass->model);
        pass->fp32.transposed = mlp_alloc(n_threads, pass->fp32.transposed_stride * sizeof(float));
        pass->fp32.gradients = mlp_alloc(n_threads, MLP_CHUNK * sizeof(float[MLP_TILE_FLOATS]));
        ok = pass->fp32.transposed != NULL && pass->fp32.gradients != NULL &&
             mlp_packed_init(&pass->fp32.columns, n_threads * MLP_CHUNK, capacity,
                             MLP_PACKED_FLOATS);
    }
    pass->fp32.values_stride =
        max_size(pass->batch.rows.capacity, pass->batch.columns.capacity) * MLP_TILE * MLP_CHUNK;
    pass->fp32.values = mlp_alloc(n_threads, pass->fp32.values_stride * sizeof *pass->fp32.values);
    return ok && pass->fp32.values != NULL;
}

void mlp_fp32_pass_free(mlp_fp32_pass *fp32)
{
    mlp_packed_free(&fp32->rows);
    mlp_packed_free(&fp32->columns);
    free(fp32->values);
    free(fp32->gradients);
    free(fp32->transposed);
}

/* List `tile` of pass->fp32.rows becomes four rows of a layer's output or its gradient. */
static void pack_rows(mlp_pass *pass, const float *matrix, size_t width, size_t tile)
{
    const mlp_packed *rows = &pass->fp32.rows;
    uint32_t *steps = mlp_packed_steps(rows, tile), *starts = mlp_packed_starts(rows, tile);
    float *values = mlp_packed_values(rows, tile);
    size_t count = 0, k = 0;
    for (size_t block = 0; block < rows->n_blocks; block++) {
        starts[block] = (uint32_t)count;
        for (; k < width && k < (block + 1) * rows->block_steps; k += MLP_PANEL) {
            const float *panel = matrix + k / MLP_PANEL * mlp_fp32_output_stride(pass);
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
    float *out = pass->outputs[l] + panel * mlp_fp32_output_stride(pass) + first * MLP_TILE_FLOATS;
    for (size_t i = 0; i < n * MLP_TILE; i++)
        memcpy(out + i * MLP_PANEL, bias, MLP_PANEL * sizeof *out);
    mlp_packed_multiply(l == 0 ? &pass->batch.rows : &pass->fp32.rows, values, pass->kernels, first,
                        n, weight, mlp_fp32_columns(layer->outputs, panel), out);
    if (l + 1 < pass->model->n_layers)
        pass->kernels->relu(n * MLP_TILE_FLOATS, out);
}

/* The first layer's pixels become floats a chunk of tiles at a time, for all panels. */
static void forward_first_layer(mlp_pass *pass, mlp_team *team, size_t thread)
{
    size_t tiles = mlp_batch_tiles(&pass->batch), low, end, at, n;
    mlp_fp32_share s = mlp_fp32_share_panels(team, thread, pass->model->layers[0].panels, tiles);
    for (mlp_fp32_share_rows(&s, &low, &end); low < end; low += MLP_CHUNK) {
        size_t high = low + MLP_CHUNK < end ? low + MLP_CHUNK : end;
        const float *values =
            mlp_fp32_pixel_values(pass, &pass->batch.rows, low, high - low, thread);
        for (size_t panel = s.first / tiles; panel * tiles < s.end; panel++) {
            mlp_fp32_share_part(&s, panel, low, high, &at, &n);
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
    mlp_fp32_share s = mlp_fp32_share_panels(team, thread, pass->model->layers[l].panels, tiles);
    pack_all_rows(pass, pass->outputs[l - 1], pass->model->layers[l].inputs, team, thread);
    for (size_t panel = s.first / tiles; panel * tiles < s.end; panel++) {
        mlp_fp32_share_part(&s, panel, 0, tiles, &at, &n);
        forward_tiles(pass, l, panel, at, n, mlp_packed_values(&pass->fp32.rows, at));
    }
    mlp_team_barrier(team);
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
    size_t at = panel * mlp_fp32_output_stride(pass) + first * MLP_TILE_FLOATS;
    float *out = pass->output_gradients[l - 1] + at;
    memset(out, 0, n * MLP_TILE_FLOATS * sizeof *out);
    mlp_packed_multiply(&pass->fp32.rows, mlp_packed_values(&pass->fp32.rows, first), pass->kernels,
                        first, n, transposed,
                        mlp_fp32_columns(pass->model->layers[l].inputs, panel), out);
    pass->kernels->relu_backward(n * MLP_TILE_FLOATS, pass->outputs[l - 1] + at, out);
}

/* Gradient of layer l's output -> gradient of layer l - 1's output. */
static void backward_layer(mlp_pass *pass, size_t l, mlp_team *team, size_t thread)
{
    const mlp_layer *layer = &pass->model->layers[l];
    size_t tiles = mlp_batch_tiles(&pass->batch), at, n;
    float *transposed = pass->fp32.transposed + thread * pass->fp32.transposed_stride;
    mlp_fp32_share s =
        mlp_fp32_share_panels(team, thread, pass->model->layers[l - 1].panels, tiles);
    pack_all_rows(pass, pass->output_gradients[l], layer->outputs, team, thread);
    for (size_t panel = s.first / tiles; panel * tiles < s.end; panel++) {
        mlp_fp32_share_part(&s, panel, 0, tiles, &at, &n);
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
    const float *values = mlp_packed_values(&pass->fp32.rows, first);
    for (size_t tile = first; last > 0 && tile < first + n; tile++)
        pack_rows(pass, pass->outputs[last - 1], layer->inputs, tile);
    if (last == 0)
        values = mlp_fp32_pixel_values(pass, &pass->batch.rows, first, n, thread);
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

/* The last layer's transposed weights, for this member; NULL where nobody wants them. */
static const float *transpose_last_layer(mlp_pass *pass, size_t thread)
{
    size_t last = pass->model->n_layers - 1;
    if (pass->output_gradients == NULL || last == 0)
        return NULL;
    const mlp_layer *layer = &pass->model->layers[last];
    float *transposed = pass->fp32.transposed + thread * pass->fp32.transposed_stride;
    for (size_t panel = 0; panel < pass->model->layers[last - 1].panels; panel++)
        transpose_weights(pass, layer, panel, transposed + panel * layer->outputs * MLP_PANEL);
    return transposed;
}

void mlp_fp32_pass_forward(mlp_pass *pass, mlp_team *team, size_t thread)
{
    size_t last = pass->model->n_layers - 1, first, end;
    if (last > 0)
        forward_first_layer(pass, team, thread);
    for (size_t l = 1; l < last; l++)
        forward_layer(pass, l, team, thread);

    const float *transposed = transpose_last_layer(pass, thread);
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

void mlp_fp32_pass_backward(mlp_pass *pass, mlp_sgd *sgd, const mlp_sgd_step *step, mlp_team *team,
                            size_t thread)
{
    for (size_t l = pass->model->n_layers - 1; l-- > 1;)
        backward_layer(pass, l, team, thread);
    mlp_fp32_pass_update(pass, sgd, step, team, thread);
    mlp_batch_pack(&pass->next, pass->kernels, team, thread);
    mlp_team_barrier(team);
}
