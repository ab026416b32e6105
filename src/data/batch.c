#include "data/batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kernels/strips.h"

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
    batch->capacity = mlp_round_up(max_images, kernels->bf16 != NULL ? MLP_BF16_STRIP : MLP_STACK);
    batch->n_groups = mlp_round_up(features, MLP_TILE) / MLP_TILE;

    batch->pixels = mlp_alloc(batch->capacity, sizeof *batch->pixels);
    batch->blank = mlp_alloc(1, features);
    batch->labels = mlp_alloc(batch->capacity, sizeof *batch->labels);
    if (batch->pixels == NULL || batch->blank == NULL || batch->labels == NULL ||
        !(kernels->bf16 != NULL ? mlp_pixel_blocks_init(&batch->blocks, batch->capacity, features)
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
    mlp_pixel_blocks_free(&batch->blocks);
    memset(batch, 0, sizeof *batch);
}

void mlp_batch_set_background(mlp_batch *batch, uint8_t background)
{
    batch->rows.background = batch->columns.background = background;
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

/* Of a tile's two images; past the batch's end they are blank. */
static const uint8_t *tile_image(const mlp_batch *batch, size_t tile, size_t i)
{
    size_t image = tile * MLP_TILE + i;
    return image < batch->size ? batch->pixels[image] : batch->blank;
}

mlp_batch_share mlp_batch_share_of(const mlp_batch *batch, const mlp_team *team, size_t thread)
{
    mlp_batch_share s = {0, 0, 0, 0};
    mlp_team_share(team, thread, mlp_batch_tiles(batch), &s.first, &s.end);
    if (batch->columns.words != NULL) {
        size_t lines = (batch->n_groups + GROUPS_OF_LINE - 1) / GROUPS_OF_LINE;
        mlp_team_share(team, thread, lines, &s.first_group, &s.end_group);
        s.first_group *= GROUPS_OF_LINE;
        s.end_group = mlp_min_size(s.end_group * GROUPS_OF_LINE, batch->n_groups);
    }
    return s;
}

void mlp_batch_prefetch(const mlp_batch *batch, const mlp_batch_share *share, size_t part,
                        size_t parts)
{
    size_t end = batch->size * (part + 1) / parts;
    for (size_t i = batch->size * part / parts; i < end; i++) {
        bool is_own = i >= share->first * MLP_TILE && i < share->end * MLP_TILE;
        mlp_prefetch(batch->pixels[i], is_own ? 0 : share->first_group * MLP_TILE,
                     is_own ? batch->features : share->end_group * MLP_TILE);
    }
}

/* Of a list that would leave out hardly more than nothing, not one step in eight, all are kept: a
 * product of several lists that leave none out loads less, and zeros add nothing. */
static bool is_nearly_full(size_t count, size_t n)
{
    return count < n && count > n - n / 8;
}

static size_t pack_images(const mlp_kernels *kernels, size_t n, const uint8_t *const *images,
                          uint32_t *list)
{
    size_t count = kernels->pack_images(n, images, list);
    if (!is_nearly_full(count, n))
        return count;
    for (size_t k = 0; k < n; k++)
        list[k] = mlp_pixel_word(k, images[0][k], images[1][k]);
    return n;
}

static size_t pack_pairs(const mlp_kernels *kernels, size_t n, const uint16_t *pairs,
                         uint32_t *list)
{
    size_t count = kernels->pack_pairs(n, pairs, list);
    if (!is_nearly_full(count, n))
        return count;
    for (size_t i = 0; i < n; i++)
        list[i] = mlp_pixel_word(i, pairs[i] & 0xff, pairs[i] >> 8);
    return n;
}

/* A tile of a share that begins with `first`. */
static void pack_tile(mlp_batch *batch, const mlp_kernels *kernels, size_t first, size_t tile)
{
    mlp_packed *rows = &batch->rows;
    for (size_t block = 0, k = 0; block < rows->n_blocks; block++, k += rows->block_steps) {
        size_t n = mlp_min_size(batch->features - k, rows->block_steps);
        const uint8_t *images[MLP_TILE];
        for (size_t i = 0; i < MLP_TILE; i++)
            images[i] = tile_image(batch, tile, i) + k;
        size_t at = mlp_packed_open(rows, first, tile, block);
        mlp_packed_close(rows, tile, block, pack_images(kernels, n, images, rows->words + at));
    }
}

/* Up to 32 groups of two pixels of such a share, from `group` on: a cache line of each image. */
static void pack_groups(mlp_batch *batch, const mlp_kernels *kernels, size_t first, size_t group,
                        size_t n)
{
    mlp_packed *columns = &batch->columns;
    uint16_t pairs[GROUPS_OF_LINE * MLP_BLOCK_STEPS] __attribute__((aligned(64)));
    size_t k = group * MLP_TILE, i = 0;
    for (size_t block = 0; block < columns->n_blocks; block++, i += columns->block_steps) {
        size_t left = batch->size - mlp_min_size(batch->size, i);
        size_t images = mlp_min_size(left, columns->block_steps);
        kernels->gather_pairs(images, batch->pixels + i, k,
                              mlp_min_size(batch->features - k, n * MLP_TILE), pairs);
        for (size_t g = 0; g < n; g++) {
            size_t at = mlp_packed_open(columns, first, group + g, block);
            mlp_packed_close(
                columns, group + g, block,
                pack_pairs(kernels, images, pairs + g * MLP_BLOCK_STEPS, columns->words + at));
        }
    }
}

static void pack_blocks(mlp_batch *batch, const mlp_team *team, size_t thread)
{
    size_t first, end;
    mlp_team_share(team, thread, mlp_strips_count(batch->size), &first, &end);
    mlp_pixel_blocks_pack(&batch->blocks, batch->pixels, batch->size, batch->features, first, end);
}

void mlp_batch_pack(mlp_batch *batch, const mlp_kernels *kernels, const mlp_team *team,
                    size_t thread)
{
    if (kernels->bf16 != NULL) {
        pack_blocks(batch, team, thread);
        return;
    }
    mlp_batch_share s = mlp_batch_share_of(batch, team, thread);
    for (size_t tile = s.first; tile < s.end; tile++)
        pack_tile(batch, kernels, s.first, tile);
    for (size_t g = s.first_group; g < s.end_group; g += GROUPS_OF_LINE)
        pack_groups(batch, kernels, s.first_group, g,
                    mlp_min_size(s.end_group - g, GROUPS_OF_LINE));
}
