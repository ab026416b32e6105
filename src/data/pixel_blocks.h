/* pixel_blocks.h: a batch's pixels as bf16 products want them: blocks of 32 images by 32 pixels,
 * bytes still. Whoever multiplies with a block makes bf16 of it (kernels/bf16.h, pack_pixels): it
 * is written by one thread and read by all, and what crosses between caches is dear.
 */
#ifndef MLP_DATA_PIXEL_BLOCKS_H
#define MLP_DATA_PIXEL_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/bf16.h"

enum { MLP_PIXEL_BLOCK = MLP_BF16_STRIP * MLP_BF16_STRIP }; /* bytes */

typedef struct mlp_pixel_blocks {
    size_t n_blocks; /* of 32 pixels, in a strip of 32 images */
    uint8_t *pixels; /* (strips, n_blocks, 32, 32) */
    uint8_t *blank;  /* (strips, n_blocks): 1 where no pixel is set */
} mlp_pixel_blocks;

/* For up to max_images images. false: out of memory, and *blocks is zeroed. */
bool mlp_pixel_blocks_init(mlp_pixel_blocks *blocks, size_t max_images, size_t features);
void mlp_pixel_blocks_free(mlp_pixel_blocks *blocks);

/* Strips first .. end - 1 become images 32 first .. 32 end - 1 of n images, (features) each, with
 * zeros past the last image and the last pixel. */
void mlp_pixel_blocks_pack(mlp_pixel_blocks *blocks, const uint8_t *const *images, size_t n,
                           size_t features, size_t first, size_t end);

static inline uint8_t *mlp_pixel_block(const mlp_pixel_blocks *blocks, size_t strip, size_t block)
{
    return blocks->pixels + (strip * blocks->n_blocks + block) * MLP_PIXEL_BLOCK;
}

static inline uint8_t *mlp_pixel_block_blank(const mlp_pixel_blocks *blocks, size_t strip,
                                             size_t block)
{
    return blocks->blank + strip * blocks->n_blocks + block;
}

#endif
