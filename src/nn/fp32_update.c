#include "nn/fp32_share.h"

#include <string.h>

enum {
    CHUNK_FLOATS = MLP_CHUNK * MLP_TILE_FLOATS,
    TILES_AHEAD = 2, /* whose weights and velocities are asked for */
};

/* The member's lists 0 .. n - 1 become those of layer l's inputs from `group` * 4 on. */
static void pack_columns(mlp_pass *pass, size_t l, size_t group, size_t n, size_t thread)
{
    const mlp_packed *columns = &pass->fp32.columns;
    for (size_t list = thread * MLP_CHUNK; n > 0; n--, list++, group++) {
        uint32_t *steps = mlp_packed_steps(columns, list);
        uint32_t *starts = mlp_packed_starts(columns, list);
        float *values = mlp_packed_values(columns, list);
        size_t k = group * MLP_TILE, count = 0, i = 0;
        const float *from =
            pass->outputs[l - 1] + k / MLP_PANEL * mlp_fp32_output_stride(pass) + k % MLP_PANEL;
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
        lists.values = mlp_fp32_pixel_values(pass, lists.packed, first, n, thread);
    } else {
        lists.packed = &pass->fp32.columns;
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
    const float *output_gradient =
        pass->output_gradients[lists->l] + panel * mlp_fp32_output_stride(pass);
    size_t at = layer->weight + panel * layer->panel_stride + group * MLP_TILE_FLOATS;
    size_t skip = group - lists->first, columns = mlp_fp32_columns(layer->outputs, panel);
    float *gradients = pass->fp32.gradients + thread * CHUNK_FLOATS;
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
    size_t groups = mlp_round_up(layer->inputs, MLP_TILE) / MLP_TILE, low, end, at, n;
    mlp_fp32_share s = mlp_fp32_share_panels(team, thread, layer->panels, groups);
    for (mlp_fp32_share_rows(&s, &low, &end); low < end; low += MLP_CHUNK) {
        size_t high = low + MLP_CHUNK < end ? low + MLP_CHUNK : end;
        input_lists lists = input_columns(pass, l, low, high - low, thread);
        for (size_t panel = s.first / groups; panel * groups < s.end; panel++) {
            mlp_fp32_share_part(&s, panel, low, high, &at, &n);
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
                                pass->output_gradients[l] + panel * mlp_fp32_output_stride(pass),
                                gradient);
        mlp_sgd_apply(sgd, pass->kernels, step, layer->bias + panel * MLP_PANEL, MLP_PANEL,
                      gradient);
    }
}

void mlp_fp32_pass_update(mlp_pass *pass, mlp_sgd *sgd, const mlp_sgd_step *step, mlp_team *team,
                          size_t thread)
{
    for (size_t l = pass->model->n_layers; l-- > 0;) {
        update_weights(pass, sgd, step, l, team, thread);
        update_biases(pass, sgd, step, l, team, thread);
    }
}
