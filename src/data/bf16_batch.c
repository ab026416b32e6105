#include "data/bf16_batch.h"

#include "base/mem.h"

enum { STRIP = MLP_BF16_STRIP };

/* The 32 images of a strip; past the batch's end they are blank. */
static void name_images(const mlp_batch *batch, size_t strip, const uint8_t *images[STRIP])
{
    for (size_t i = 0; i < STRIP; i++)
        images[i] =
            strip * STRIP + i < batch->size ? batch->pixels[strip * STRIP + i] : batch->blank;
}

static void pack_strip(mlp_batch *batch, const mlp_bf16_kernels *kernels, size_t strip)
{
    const uint8_t *images[STRIP];
    name_images(batch, strip, images);
    size_t blocks = mlp_strips_count(batch->features), next = (strip + 1) * STRIP;
    for (size_t block = 0; block < blocks; block++) {
        size_t first = block * STRIP, left = batch->features - first;
        for (size_t i = STRIP * block / blocks; i < STRIP * (block + 1) / blocks; i++)
            if (next + i < batch->size)
                mlp_prefetch(batch->pixels[next + i], 0, batch->features);
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
