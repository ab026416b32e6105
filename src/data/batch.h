/* batch.h: the images of one step, as the kernels want them.
 *
 * Pixels stay bytes, and become packed lists here, the left operands of the first
 * layer's products (kernels.h, packed.h):
 *     rows      two images each, steps being the pixels that one of them sets
 *     columns   two neighbouring pixels each, steps being the images that set one
 * A list that would leave out hardly anything has all steps, and where there is a background
 * other than 0, lists leave out what of it they begin with (packed.h).
 */
#ifndef MLP_DATA_BATCH_H
#define MLP_DATA_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/team.h"
#include "data/dataset.h"
#include "data/pixel_blocks.h"
#include "kernels/kernels.h"
#include "kernels/packed.h"

typedef struct mlp_batch {
    size_t features; /* K: pixels of an image */
    size_t capacity; /* largest B, a multiple of MLP_STACK */
    size_t size;     /* B now */
    size_t n_groups; /* of two pixels: ceil(features / 2) */

    const uint8_t **pixels; /* (B): the images, (features) each */
    uint8_t *labels;        /* (B): classes */
    uint8_t *blank;         /* (features): an image of zeros, to fill the last tile */

    mlp_packed rows;    /* (capacity / 2) lists */
    mlp_packed columns; /* (n_groups) lists; none in a batch that is only looked at */

    mlp_pixel_blocks blocks; /* for bf16 products instead of those two */
} mlp_batch;

mlp_status mlp_batch_init(mlp_batch *batch, const mlp_kernels *kernels, size_t features,
                          size_t max_images, bool with_columns, mlp_error *err);
void mlp_batch_free(mlp_batch *batch);

/* Of the images to come, until another is set; at first 0. A wrong one costs time, no result. */
void mlp_batch_set_background(mlp_batch *batch, uint8_t background);

/* The batch becomes images index[first] .. index[first + size - 1] of data, or where
 * index is NULL images first .. first + size - 1; size <= capacity. Names them only:
 * pixels are borrowed from data. */
void mlp_batch_fill(mlp_batch *batch, const mlp_dataset *data, const uint32_t *index, size_t first,
                    size_t size);

/* Packs this thread's share of the rows and columns, or of the blocks, from the images that
 * `pixels` and `size` name. The caller puts a barrier behind it. */
void mlp_batch_pack(mlp_batch *batch, const mlp_kernels *kernels, const mlp_team *team,
                    size_t thread);

/* What that reads: all of some images, and some pixels of the others; and what it writes: the
 * lists of those images, and of those pixels. */
typedef struct mlp_batch_share {
    size_t first, end;             /* tiles */
    size_t first_group, end_group; /* of pixels; none in a batch without columns */
} mlp_batch_share;

mlp_batch_share mlp_batch_share_of(const mlp_batch *batch, const mlp_team *team, size_t thread);

/* Asks for part `part` of `parts` of its images, which lie anywhere in memory. fp32 only. */
void mlp_batch_prefetch(const mlp_batch *batch, const mlp_batch_share *share, size_t part,
                        size_t parts);

static inline size_t mlp_batch_tiles(const mlp_batch *batch)
{
    return (batch->size + MLP_TILE - 1) / MLP_TILE;
}

static inline size_t mlp_batch_stacks(const mlp_batch *batch)
{
    return (batch->size + MLP_STACK - 1) / MLP_STACK;
}

#endif
