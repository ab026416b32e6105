/* bf16_batch.h: the images of a step as an operand of bf16 products (kernels/bf16.h): as A.
 * Pixels are 0 .. 255, exactly. */
#ifndef MLP_DATA_BF16_BATCH_H
#define MLP_DATA_BF16_BATCH_H

#include "data/batch.h"

/* mlp_batch_pack's part: 32 images at a time. */
void mlp_bf16_batch_pack(mlp_batch *batch, const mlp_kernels *kernels, const mlp_team *team,
                         size_t thread);

#endif
