#include "data/batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

mlp_status mlp_batch_init(mlp_batch *batch, size_t features, size_t max_images, mlp_error *err)
{
    memset(batch, 0, sizeof *batch);
    batch->features = features;
    batch->capacity = mlp_round_up(max_images, MLP_TILE);
    batch->n_groups = mlp_round_up(features, MLP_TILE) / MLP_TILE;
    size_t tiles = batch->capacity / MLP_TILE;

    batch->pixels = mlp_alloc(batch->capacity, sizeof *batch->pixels);
    batch->labels = mlp_alloc(batch->capacity, sizeof *batch->labels);
    batch->input = mlp_alloc(batch->capacity, mlp_round_up(features, MLP_PANEL) * sizeof(float));
    batch->row_steps = mlp_alloc(tiles, features * sizeof *batch->row_steps);
    batch->any_pixel = mlp_alloc(tiles, features * sizeof *batch->any_pixel);
    batch->row_counts = mlp_alloc(tiles, sizeof *batch->row_counts);
    batch->column_steps = mlp_alloc(batch->n_groups, batch->capacity * sizeof *batch->column_steps);
    batch->column_counts = mlp_alloc(batch->n_groups, sizeof *batch->column_counts);
    if (batch->pixels == NULL || batch->labels == NULL || batch->input == NULL ||
        batch->any_pixel == NULL || batch->row_steps == NULL || batch->row_counts == NULL ||
        batch->column_steps == NULL || batch->column_counts == NULL) {
        mlp_batch_free(batch);
        return mlp_fail_memory(err, "a batch");
    }
    return MLP_OK;
}

void mlp_batch_free(mlp_batch *batch)
{
    free(batch->pixels);
    free(batch->labels);
    free(batch->input);
    free(batch->any_pixel);
    free(batch->row_steps);
    free(batch->row_counts);
    free(batch->column_steps);
    free(batch->column_counts);
    memset(batch, 0, sizeof *batch);
}

void mlp_batch_fill(mlp_batch *batch, const mlp_dataset *data, const uint32_t *index, size_t first,
                    size_t size)
{
    batch->size = size;
    for (size_t i = 0; i < size; i++) {
        size_t image = index == NULL ? first + i : index[first + i];
        batch->pixels[i] = data->pixels + image * data->features;
        batch->labels[i] = data->labels[image];
    }
}

/* Images first .. end-1 of one tile: floats, and the pixels that any of them sets. */
static void pack_tile(mlp_batch *batch, const mlp_kernels *kernels, size_t tile)
{
    size_t first = tile * MLP_TILE;
    size_t end = first + MLP_TILE < batch->size ? first + MLP_TILE : batch->size;
    for (size_t i = first; i < end; i++)
        kernels->unit_pixels(batch->features, batch->pixels[i], batch->input + i * MLP_PANEL,
                             batch->capacity * MLP_PANEL);

    uint8_t *any = batch->any_pixel + tile * batch->features;
    memcpy(any, batch->pixels[first], batch->features);
    for (size_t i = first + 1; i < end; i++)
        for (size_t k = 0; k < batch->features; k++)
            any[k] |= batch->pixels[i][k];

    uint32_t *steps = batch->row_steps + tile * batch->features;
    uint32_t n = 0;
    for (size_t k = 0; k < batch->features; k++) {
        steps[n] = (uint32_t)k;
        n += any[k] != 0;
    }
    batch->row_counts[tile] = n;
}

/* The images that set any of the 8 pixels of one group. */
static void list_images(mlp_batch *batch, size_t group)
{
    size_t first = group * MLP_TILE;
    size_t width = batch->features - first < MLP_TILE ? batch->features - first : MLP_TILE;
    uint32_t *steps = batch->column_steps + group * batch->capacity;
    uint32_t n = 0;
    for (size_t i = 0; i < batch->size; i++) {
        uint64_t eight = 0;
        if (width == MLP_TILE) /* said twice, so that it becomes one load */
            memcpy(&eight, batch->pixels[i] + first, sizeof eight);
        else
            memcpy(&eight, batch->pixels[i] + first, width);
        steps[n] = (uint32_t)i;
        n += eight != 0;
    }
    batch->column_counts[group] = n;
}

void mlp_batch_pack(mlp_batch *batch, const mlp_kernels *kernels, const mlp_team *team,
                    size_t thread)
{
    size_t first, end;
    mlp_team_share(team, thread, mlp_round_up(batch->size, MLP_TILE) / MLP_TILE, &first, &end);
    for (size_t tile = first; tile < end; tile++)
        pack_tile(batch, kernels, tile);
    mlp_team_share(team, thread, batch->n_groups, &first, &end);
    for (size_t group = first; group < end; group++)
        list_images(batch, group);
}
