#include "data/batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/bf16_batch.h"

enum { CACHE_LINE = 64, GROUPS_OF_LINE = CACHE_LINE / MLP_TILE };

/* The lists of fp32 products. */
static bool init_lists(mlp_batch *batch, bool with_columns)
{
    size_t tiles = batch->capacity / MLP_TILE, n = batch->features;
    return mlp_packed_init(&batch->rows, tiles, n, MLP_PACKED_PIXELS) &&
           (!with_columns ||
            mlp_packed_init(&batch->columns, batch->n_groups, batch->capacity, MLP_PACKED_PIXELS));
}

mlp_status mlp_batch_init(mlp_batch *batch, const mlp_kernels *kernels, size_t features,
                          size_t max_images, bool with_columns, mlp_error *err)
{
    memset(batch, 0, sizeof *batch);
    batch->features = features;
    batch->capacity = mlp_round_up(max_images, kernels->bf16 != NULL ? MLP_BF16_STRIP : MLP_TILE);
    batch->n_groups = mlp_round_up(features, MLP_TILE) / MLP_TILE;

    batch->pixels = mlp_alloc(batch->capacity, sizeof *batch->pixels);
    batch->blank = mlp_alloc(1, features);
    batch->labels = mlp_alloc(batch->capacity, sizeof *batch->labels);
    if (batch->pixels == NULL || batch->blank == NULL || batch->labels == NULL ||
        !(kernels->bf16 != NULL ? mlp_bf16_batch_init(batch, with_columns)
                                : init_lists(batch, with_columns))) {
        mlp_batch_free(batch);
        return mlp_fail_memory(err, "a batch");
    }
    return MLP_OK;
}

void mlp_batch_free(mlp_batch *batch)
{
    free(batch->pixels);
    free(batch->blank);
    free(batch->labels);
    mlp_packed_free(&batch->rows);
    mlp_packed_free(&batch->columns);
    mlp_bf16_batch_free(batch);
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

/* Of a tile's four images; past the batch's end they are blank. */
static const uint8_t *tile_image(const mlp_batch *batch, size_t tile, size_t i)
{
    size_t image = tile * MLP_TILE + i;
    return image < batch->size ? batch->pixels[image] : batch->blank;
}

/* Asks for bytes first .. end - 1 of an image. */
static void prefetch(const uint8_t *image, size_t first, size_t end)
{
    for (size_t k = first; k < end; k += CACHE_LINE)
        __builtin_prefetch(image + k);
}

void mlp_batch_prefetch(const mlp_batch *batch, size_t tile)
{
    for (size_t i = tile * MLP_TILE; i < (tile + 1) * MLP_TILE && i < batch->size; i++)
        prefetch(batch->pixels[i], 0, batch->features);
}

static void pack_tile(mlp_batch *batch, const mlp_kernels *kernels, size_t tile)
{
    const mlp_packed *rows = &batch->rows;
    uint32_t *steps = mlp_packed_steps(rows, tile), *starts = mlp_packed_starts(rows, tile);
    uint32_t *pixels = mlp_packed_pixels(rows, tile), words[MLP_BLOCK_STEPS];
    size_t count = 0, k = 0;
    for (size_t block = 0; block < rows->n_blocks; block++, k += rows->block_steps) {
        size_t left = batch->features - k, n = left < rows->block_steps ? left : rows->block_steps;
        const uint8_t *images[MLP_TILE];
        for (size_t i = 0; i < MLP_TILE; i++)
            images[i] = tile_image(batch, tile, i) + k;
        starts[block] = (uint32_t)count;
        kernels->interleave(n, images, words);
        count += kernels->pack_pixels(n, k, words, steps + count, pixels + count);
    }
    starts[rows->n_blocks] = (uint32_t)count;
}

/* Up to 16 groups of four pixels: a cache line of each image. */
static void pack_groups(mlp_batch *batch, const mlp_kernels *kernels, size_t first, size_t n)
{
    const mlp_packed *columns = &batch->columns;
    uint32_t words[GROUPS_OF_LINE * MLP_BLOCK_STEPS];
    size_t k = first * MLP_TILE, left = batch->features - k, i = 0;
    for (size_t g = first; g < first + n; g++)
        mlp_packed_starts(columns, g)[0] = 0;
    for (size_t block = 0; block < columns->n_blocks; block++, i += columns->block_steps) {
        size_t images = batch->size > i ? batch->size - i : 0;
        images = images < columns->block_steps ? images : columns->block_steps;
        kernels->gather_words(images, batch->pixels + i, k,
                              left < n * MLP_TILE ? left : n * MLP_TILE, words);
        for (size_t g = 0; g < n; g++) {
            uint32_t *starts = mlp_packed_starts(columns, first + g) + block;
            starts[1] = starts[0] + (uint32_t)kernels->pack_pixels(
                                        images, i, words + g * MLP_BLOCK_STEPS,
                                        mlp_packed_steps(columns, first + g) + starts[0],
                                        mlp_packed_pixels(columns, first + g) + starts[0]);
        }
    }
}

void mlp_batch_pack(mlp_batch *batch, const mlp_kernels *kernels, const mlp_team *team,
                    size_t thread)
{
    size_t first, end, first_group, end_group;
    if (kernels->bf16 != NULL) {
        mlp_bf16_batch_pack(batch, kernels, team, thread);
        return;
    }
    mlp_team_share(team, thread, mlp_batch_tiles(batch), &first, &end);
    mlp_team_share(team, thread, batch->n_groups, &first_group, &end_group);
    for (size_t tile = first; tile < end; tile++) {
        size_t image = batch->size * (tile - first) / (end - first);
        size_t end_image = batch->size * (tile - first + 1) / (end - first);
        for (; batch->columns.steps != NULL && image < end_image; image++)
            prefetch(batch->pixels[image], first_group * MLP_TILE, end_group * MLP_TILE);
        pack_tile(batch, kernels, tile);
    }
    for (size_t g = first_group; batch->columns.steps != NULL && g < end_group; g += GROUPS_OF_LINE)
        pack_groups(batch, kernels, g,
                    end_group - g < GROUPS_OF_LINE ? end_group - g : GROUPS_OF_LINE);
}
