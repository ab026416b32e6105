/* bf16_weights.h: a layer's weights as B of bf16 products (kernels/bf16.h), forwards and back.
 *
 * The floats of the model are the weights, and these their copies. A step of SGD packs each
 * tile anew that it has changed, while it is in the cache; so they are packed as a whole only
 * where a pass begins.
 */
#ifndef MLP_NN_BF16_WEIGHTS_H
#define MLP_NN_BF16_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>

#include "kernels/kernels.h"
#include "kernels/strips.h"
#include "nn/model.h"

enum { MLP_BF16_PANEL_STRIPS = MLP_PANEL / MLP_BF16_STRIP };

typedef struct mlp_bf16_weights {
    float scale;         /* of W in forward */
    mlp_strips forward;  /* W^T (K, H) */
    mlp_strips backward; /* W (H, K), if there is a way back */
} mlp_bf16_weights;

/* false: out of memory, and the rest is for free. */
bool mlp_bf16_weights_init(mlp_bf16_weights *weights, const mlp_layer *layer, float scale,
                           bool with_backward);
void mlp_bf16_weights_free(mlp_bf16_weights *weights);

/* Packs one tile (32, 64) of the model's flat params, of 32 inputs and the outputs of a panel.
 * streams as in kernels/bf16.h. */
void mlp_bf16_weights_pack(mlp_bf16_weights *weights, const mlp_bf16_kernels *kernels,
                           const mlp_layer *layer, const float *params, size_t panel, size_t strip,
                           bool streams);

/* Where that tile lies in a flat buffer. */
static inline size_t mlp_bf16_tile_offset(const mlp_layer *layer, size_t panel, size_t strip)
{
    return layer->weight + panel * layer->panel_stride + strip * MLP_BF16_STRIP * MLP_PANEL;
}

#endif
