/* batch.h: the images of one step, as the kernels want them.
 *
 * Pixels stay bytes in the dataset and become floats here. While they do, two
 * kinds of lists note where eight neighbours are not all zero, so that the first
 * layer's products can leave the rest out (see kernels.h):
 *     row_steps      for each tile of 8 images: the pixels that any of them sets
 *     column_steps   for each group of 8 neighbouring pixels: the images that set any
 */
#ifndef MLP_DATA_BATCH_H
#define MLP_DATA_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/team.h"
#include "data/dataset.h"
#include "kernels/kernels.h"

typedef struct mlp_batch {
    size_t features; /* K: pixels of an image */
    size_t capacity; /* largest B, a multiple of MLP_TILE */
    size_t size;     /* B now */
    size_t n_groups; /* ceil(features / 8) */

    const uint8_t **pixels; /* (B): the images, (features) each */
    uint8_t *labels;        /* (B): classes */
    float *input;           /* (capacity, features), panel layout */

    uint8_t *any_pixel;      /* (capacity / 8, features): the images of a tile, or-ed together */
    uint32_t *row_steps;     /* (capacity / 8, features): ascending pixels */
    uint32_t *row_counts;    /* (capacity / 8): how many of them */
    uint32_t *column_steps;  /* (n_groups, capacity): ascending images */
    uint32_t *column_counts; /* (n_groups): how many of them */
} mlp_batch;

mlp_status mlp_batch_init(mlp_batch *batch, size_t features, size_t max_images, mlp_error *err);
void mlp_batch_free(mlp_batch *batch);

/* The batch becomes images index[first] .. index[first + size - 1] of data, or where
 * index is NULL images first .. first + size - 1; size <= capacity. Names them only:
 * pixels are borrowed from data. */
void mlp_batch_fill(mlp_batch *batch, const mlp_dataset *data, const uint32_t *index, size_t first,
                    size_t size);

/* Converts this thread's part of the images that `pixels` and `size` name. The
 * caller puts a barrier behind it. */
void mlp_batch_pack(mlp_batch *batch, const mlp_kernels *kernels, const mlp_team *team,
                    size_t thread);

#endif
