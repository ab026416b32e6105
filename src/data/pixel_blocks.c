#include "data/pixel_blocks.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kernels/strips.h"

enum { STRIP = MLP_BF16_STRIP };

bool mlp_pixel_blocks_init(mlp_pixel_blocks *blocks, size_t max_images, size_t features)
{
    size_t strips = mlp_strips_count(max_images);
    blocks->n_blocks = mlp_strips_count(features);
    blocks->pixels = mlp_alloc(strips, blocks->n_blocks * MLP_PIXEL_BLOCK);
    blocks->blank = mlp_alloc(strips, blocks->n_blocks);
    if (blocks->pixels != NULL && blocks->blank != NULL)
        return true;
    mlp_pixel_blocks_free(blocks);
    return false;
}

void mlp_pixel_blocks_free(mlp_pixel_blocks *blocks)
{
    free(blocks->pixels);
    free(blocks->blank);
    memset(blocks, 0, sizeof *blocks);
}

/* 32 pixels become a row of a block. Whether any is set. */
static bool copy_row(const uint8_t *pixels, uint8_t *row)
{
    uint64_t word, any = 0;
    for (size_t i = 0; i < STRIP; i += sizeof word) {
        memcpy(&word, pixels + i, sizeof word);
        memcpy(row + i, &word, sizeof word);
        any |= word;
    }
    return any != 0;
}

/* n <= 32 pixels of an image, and zeros behind them; NULL: no image. */
static bool pack_row(const uint8_t *pixels, size_t n, uint8_t *row)
{
    uint8_t padded[STRIP];
    if (pixels != NULL && n == STRIP)
        return copy_row(pixels, row);
    memset(padded, 0, sizeof padded);
    if (pixels != NULL)
        memcpy(padded, pixels, n);
    return copy_row(padded, row);
}

void mlp_pixel_blocks_pack(mlp_pixel_blocks *blocks, const uint8_t *const *images, size_t n,
                           size_t features, size_t first, size_t end)
{
    size_t own = mlp_min_size(n, end * STRIP);
    for (size_t strip = first; strip < end; strip++)
        for (size_t block = 0; block < blocks->n_blocks; block++) {
            size_t pixel = block * STRIP, image = strip * STRIP;
            size_t size = mlp_min_size(features - pixel, STRIP);
            uint8_t *row = mlp_pixel_block(blocks, strip, block);
            bool any = false;
            for (size_t i = 0; i < STRIP; i++, image++, row += STRIP) {
                if (block == 0 && image + STRIP < own) /* images lie anywhere in memory */
                    mlp_prefetch(images[image + STRIP], 0, features);
                any |= pack_row(image < n ? images[image] + pixel : NULL, size, row);
            }
            *mlp_pixel_block_blank(blocks, strip, block) = !any;
        }
}
