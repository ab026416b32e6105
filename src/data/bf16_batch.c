#include "data/bf16_batch.h"

enum { STRIP = MLP_BF16_STRIP, CACHE_LINE = 64 };

/* The 32 images of a strip; past the batch's end they are blank. */
static void name_images(const mlp_batch *batch, size_t strip, const uint8_t *images[STRIP])
{
    for (size_t i = 0; i < STRIP; i++)
        images[i] =
            strip * STRIP + i < batch->size ? batch->pixels[strip * STRIP + i] : batch->blank;
}

/* Images lie anywhere in the dataset: the next strip's pixels are called for while this one's
 * are packed, a block at a time. */
static void prefetch(const mlp_batch *batch, size_t strip, size_t pixel)
{
    size_t first = strip * STRIP;
    for (size_t i = first; i < first + STRIP && i < batch->size; i++)
        __builtin_prefetch(batch->pixels[i] + pixel);
}

static void pack_strip(mlp_batch *batch, const mlp_bf16_kernels *kernels, size_t strip)
{
    const uint8_t *images[STRIP];
    name_images(batch, strip, images);
    for (size_t block = 0; block < mlp_strips_count(batch->features); block++) {
        size_t first = block * STRIP, left = batch->features - first;
        if (first % CACHE_LINE == 0)
            prefetch(batch, strip + 1, first);
        *mlp_strips_blank(&batch->strips, strip, block) =
            !kernels->pack_pixels(left < STRIP ? left : STRIP, images, first,
                                  mlp_strips_block(&batch->strips, strip, block));
    }
}

void mlp_bf16_batch_pack(mlp_batch *batch, const mlp_kernels *kernels, const mlp_team *team,
                         size_t thread)
{
    size_t first, end;
    mlp_team_share(team, thread, mlp_strips_count(batch->size), &first, &end);
    for (size_t strip = first; strip < end; strip++)
        pack_strip(batch, kernels->bf16, strip);
}
