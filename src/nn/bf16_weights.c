#include "nn/bf16_weights.h"

#include "base/mem.h"

bool mlp_bf16_weights_init(mlp_bf16_weights *weights, const mlp_layer *layer, float scale,
                           bool with_backward)
{
    weights->scale = scale;
    return mlp_strips_init(&weights->forward, layer->outputs, layer->inputs) &&
           (!with_backward || mlp_strips_init(&weights->backward, layer->inputs, layer->outputs));
}

void mlp_bf16_weights_free(mlp_bf16_weights *weights)
{
    mlp_strips_free(&weights->forward);
    mlp_strips_free(&weights->backward);
}

void mlp_bf16_weights_pack(mlp_bf16_weights *weights, const mlp_bf16_kernels *kernels,
                           const mlp_layer *layer, const float *params, size_t panel, size_t strip,
                           bool streams)
{
    const float *tile = params + mlp_bf16_tile_offset(layer, panel, strip);
    size_t end =
        mlp_min_size((panel + 1) * MLP_BF16_PANEL_STRIPS, mlp_strips_count(layer->outputs));
    for (size_t s = panel * MLP_BF16_PANEL_STRIPS; s < end; s++, tile += MLP_BF16_STRIP) {
        kernels->pack_pairs(tile, MLP_PANEL, weights->scale,
                            mlp_strips_block(&weights->forward, s, strip), streams);
        if (weights->backward.words != NULL) {
            uint32_t rows[MLP_BF16_BLOCK] __attribute__((aligned(64)));
            kernels->pack_rows(tile, MLP_PANEL, 1.0f, rows);
            kernels->transpose(rows, mlp_strips_block(&weights->backward, strip, s), streams);
        }
    }
}
