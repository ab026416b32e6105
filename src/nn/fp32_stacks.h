/* fp32_stacks.h: products of some stacks of a layer, forwards and back: what the passes through
 * hidden layers (fp32_pass.c) and the turn in the last one (fp32_turn.c) are made of.
 *
 * Stacks are those first .. first + n - 1 of one panel of a layer's output.
 */
#ifndef MLP_NN_FP32_STACKS_H
#define MLP_NN_FP32_STACKS_H

#include <stddef.h>

#include "kernels/packed.h"
#include "nn/pass.h"

/* The lists of the batch's pixels, for this member. */
mlp_lists mlp_fp32_image_lists(const mlp_pass *pass, size_t thread);

/* Where stack `first` of a panel of layer l's output lies. */
float *mlp_fp32_output_stacks(const mlp_pass *pass, size_t l, size_t panel, size_t first);

/* Stacks of layer l's output, before ReLU, from the lists of its input. */
void mlp_fp32_forward_lists(const mlp_pass *pass, size_t l, size_t panel, size_t first, size_t n,
                            const mlp_lists *lists);

/* The same from the layer's input where it lies, of which its columns low .. high - 1 are added: to
 * the bias for low = 0, else to what the columns before have left. low is a panel's first. */
void mlp_fp32_forward_rows(const mlp_pass *pass, size_t l, size_t panel, size_t first, size_t n,
                           size_t low, size_t high);

/* out (H, 64) = the 64 columns `panel` of layer l's W (H, K), from W^T's panels. */
void mlp_fp32_transpose_weights(const mlp_pass *pass, size_t l, size_t panel, float *out);

/* Stacks of the gradient of layer l - 1's output, from the gradient of layer l's, or its lists if
 * they are not NULL, and the panel of its transposed weights. */
void mlp_fp32_backward_stacks(const mlp_pass *pass, size_t l, size_t panel, size_t first, size_t n,
                              const mlp_lists *lists, const float *transposed);

#endif
