/* bf16_batch.h: the images of a step as operands of bf16 products (kernels/bf16.h): as A,
 * and for training their transpose as A. Pixels are 0 .. 255, exactly. */
#ifndef MLP_DATA_BF16_BATCH_H
#define MLP_DATA_BF16_BATCH_H

#include "data/batch.h"

/* false: out of memory. */
bool mlp_bf16_batch_init(mlp_batch *batch, bool training);
void mlp_bf16_batch_free(mlp_batch *batch);

/* mlp_batch_pack's part: 32 images at a time. */
void mlp_bf16_batch_pack(mlp_batch *batch, const mlp_kernels *kernels, const mlp_team *team,
                         size_t thread);

#endif
