#include "nn/fp32_pass.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/fp32_share.h"
#include "nn/fp32_stacks.h"
#include "nn/fp32_turn.h"

/* The weights that a member transposes at a time: its part of the last layer's, which is all of
 * them if it is alone, and one panel of the inputs of any other. */
static size_t transposed_floats(const mlp_model *model)
{
    size_t last = model->n_layers - 1, n = 0;
    for (size_t l = 1; l < model->n_layers; l++)
        n = mlp_max_size(n,
                         (l == last ? model->layers[l - 1].panels : 1) * model->layers[l].outputs);
    return n * MLP_PANEL;
}

/* Steps of the longest list of a layer's output or its gradient that a pass makes; 0: none. */
static size_t longest_row(const mlp_model *model, bool training)
{
    size_t n = 0;
    for (size_t l = 1; l + 1 < model->n_layers; l++) {
        const mlp_layer *layer = &model->layers[l];
        if (mlp_fp32_packs(layer->panels))
            n = mlp_max_size(n, layer->inputs);
        if (training && mlp_fp32_packs(model->layers[l - 1].panels))
            n = mlp_max_size(n, layer->outputs);
    }
    return n;
}

/* Does a step make lists of a hidden layer's output? */
static bool packs_columns(const mlp_model *model)
{
    for (size_t l = 1; l < model->n_layers; l++)
        if (mlp_fp32_packs(model->layers[l].panels))
            return true;
    return false;
}

/* Only for lists that are made: they are as large as what they are of, or several times. */
static bool init_lists(mlp_pass *pass, size_t n_threads, bool training)
{
    size_t images = pass->batch.capacity, longest = longest_row(pass->model, training);
    if (longest > 0 &&
        !mlp_packed_init(&pass->fp32.rows, images / MLP_TILE, longest, MLP_PACKED_FLOATS))
        return false;
    return !training || !packs_columns(pass->model) ||
           mlp_packed_init(&pass->fp32.columns, n_threads * MLP_PACKED_CHUNK * MLP_LISTS, images,
                           MLP_PACKED_FLOATS);
}

bool mlp_fp32_pass_init(mlp_pass *pass, size_t n_threads, bool training)
{
    mlp_fp32_pass *fp32 = &pass->fp32;
    fp32->starts_stride =
        mlp_lists_start_floats(mlp_max_size(pass->model->features, pass->batch.capacity));
    fp32->starts = mlp_alloc(n_threads, fp32->starts_stride * sizeof *fp32->starts);
    fp32->progress = mlp_alloc(n_threads, sizeof *fp32->progress);
    if (!init_lists(pass, n_threads, training) || fp32->starts == NULL || fp32->progress == NULL)
        return false;
    if (!training)
        return true;
    fp32->transposed_stride = transposed_floats(pass->model);
    fp32->transposed = mlp_alloc(n_threads, fp32->transposed_stride * sizeof *fp32->transposed);
    fp32->gradients = mlp_alloc(n_threads, MLP_CHUNK * sizeof(float[MLP_STACK_FLOATS]));
    return fp32->transposed != NULL && fp32->gradients != NULL;
}

void mlp_fp32_pass_free(mlp_fp32_pass *fp32)
{
    mlp_packed_free(&fp32->rows);
    mlp_packed_free(&fp32->columns);
    free(fp32->progress);
    free(fp32->gradients);
    free(fp32->transposed);
    free(fp32->starts);
}

/* List `tile` of pass->fp32.rows, of a share that begins with `first`, becomes two rows of a
 * layer's output or its gradient. */
static void pack_rows(mlp_pass *pass, const float *matrix, size_t width, size_t first, size_t tile)
{
    mlp_packed *rows = &pass->fp32.rows;
    for (size_t block = 0; block < rows->n_blocks; block++) {
        size_t low = block * rows->block_steps, high = mlp_min_size(low + rows->block_steps, width);
        size_t at = mlp_packed_open(rows, first, tile, block), end = at;
        for (size_t k = low; k < high; k += MLP_PANEL) {
            const float *panel = matrix + k / MLP_PANEL * mlp_fp32_output_stride(pass);
            end += pass->kernels->pack_rows(mlp_min_size(high - k, MLP_PANEL), k - low,
                                            panel + tile * MLP_TILE_FLOATS, rows->steps + end,
                                            rows->values + end * MLP_TILE);
        }
        mlp_packed_close(rows, tile, block, end - at);
    }
}

/* The same of all rows, this member's share of it, with a barrier behind. */
static mlp_lists pack_all_rows(mlp_pass *pass, const float *matrix, size_t width, mlp_team *team,
                               size_t thread)
{
    size_t tiles = mlp_batch_tiles(&pass->batch), first, end;
    mlp_team_share(team, thread, tiles, &first, &end);
    for (size_t tile = first; tile < end; tile++)
        pack_rows(pass, matrix, width, first, tile);
    mlp_team_barrier(team);
    return (mlp_lists){
        .packed = &pass->fp32.rows, .n = tiles, .starts = mlp_fp32_starts(pass, thread)};
}

/* Stacks first .. first + n - 1 of one panel of a hidden layer's output, from the lists of its
 * input if there are any. */
static void forward_stacks(const mlp_pass *pass, size_t l, size_t panel, size_t first, size_t n,
                           const mlp_lists *lists)
{
    if (lists != NULL)
        mlp_fp32_forward_lists(pass, l, panel, first, n, lists);
    else
        mlp_fp32_forward_rows(pass, l, panel, first, n, 0, pass->model->layers[l].inputs);
    pass->kernels->relu(n * MLP_STACK_FLOATS, mlp_fp32_output_stacks(pass, l, panel, first));
}

/* The last panel first: it is the one that the update changed last, and will begin with the one
 * that is left here. So the second cache still has some of the weights at both ends. */
static void forward_layer(mlp_pass *pass, size_t l, mlp_team *team, size_t thread)
{
    const mlp_layer *layer = &pass->model->layers[l];
    size_t stacks = mlp_batch_stacks(&pass->batch), at, n;
    mlp_fp32_share s = mlp_fp32_share_panels(team, thread, layer->panels, stacks);
    bool has_lists = l == 0 || mlp_fp32_packs(layer->panels);
    mlp_lists lists;
    if (has_lists)
        lists = l == 0 ? mlp_fp32_image_lists(pass, thread)
                       : pack_all_rows(pass, pass->outputs[l - 1], layer->inputs, team, thread);
    for (size_t panel = (s.end + stacks - 1) / stacks; panel-- > s.first / stacks;) {
        mlp_fp32_share_part(&s, panel, 0, stacks, &at, &n);
        forward_stacks(pass, l, panel, at, n, has_lists ? &lists : NULL);
    }
}

/* Gradient of layer l's output -> gradient of layer l - 1's output. */
static void backward_layer(mlp_pass *pass, size_t l, mlp_team *team, size_t thread)
{
    const mlp_layer *layer = &pass->model->layers[l];
    size_t panels = pass->model->layers[l - 1].panels;
    size_t stacks = mlp_batch_stacks(&pass->batch), at, n;
    float *transposed = pass->fp32.transposed + thread * pass->fp32.transposed_stride;
    mlp_fp32_share s = mlp_fp32_share_panels(team, thread, panels, stacks);
    bool packs = mlp_fp32_packs(panels);
    mlp_lists lists;
    if (packs)
        lists = pack_all_rows(pass, pass->output_gradients[l], layer->outputs, team, thread);
    for (size_t panel = s.first / stacks; panel * stacks < s.end; panel++) {
        mlp_fp32_share_part(&s, panel, 0, stacks, &at, &n);
        mlp_fp32_transpose_weights(pass, l, panel, transposed);
        mlp_fp32_backward_stacks(pass, l, panel, at, n, packs ? &lists : NULL, transposed);
    }
    mlp_team_barrier(team);
}

void mlp_fp32_pass_forward(mlp_pass *pass, mlp_team *team, size_t thread)
{
    size_t last = pass->model->n_layers - 1;
    for (size_t l = 0; l < last; l++) {
        if (l > 0)
            mlp_team_barrier(team);
        forward_layer(pass, l, team, thread);
    }
    if (last > 0)
        mlp_fp32_turn(pass, team, thread);
    else
        mlp_fp32_only_layer(pass, team, thread);
}

void mlp_fp32_pass_backward(mlp_pass *pass, mlp_sgd *sgd, const mlp_sgd_step *step, mlp_team *team,
                            size_t thread)
{
    size_t last = pass->model->n_layers - 1; /* whose own way back is part of the forward pass */
    for (size_t l = last + 1; l-- > 0;) {
        if (l > 0 && l < last)
            backward_layer(pass, l, team, thread);
        mlp_fp32_pass_update(pass, sgd, step, l, team, thread);
    }
    mlp_batch_pack(&pass->next, pass->kernels, team, thread);
}
