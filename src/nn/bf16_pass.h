/* bf16_pass.h: one batch through the network with bf16 products: what pass.h says, with
 * operands rounded to bf16 and sums, biases, losses and SGD in float.
 *
 * The products (bf16_product.h):
 *     forward    A = images of a_l           B = W_l^T
 *     backward   A = images of dz_l          B = W_l
 *     update     A = inputs, of a_l^T        B = dz_l
 * Sums are finished while they are in the cache: rectified and packed, or given to SGD.
 *
 * Pixels are 0 .. 255 here, exact in bf16. The 1/255 is in the first layer's weights as
 * they are packed, and in its output's gradient.
 */
#ifndef MLP_NN_BF16_PASS_H
#define MLP_NN_BF16_PASS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/team.h"
#include "kernels/strips.h"
#include "nn/bf16_weights.h"
#include "nn/model.h"
#include "nn/sgd.h"

typedef struct mlp_pass mlp_pass;

/* A layer's operands. Only a training needs gradients. */
typedef struct mlp_bf16_layer {
    mlp_bf16_weights weights;
    mlp_strips outputs;   /* a (B, H) as A; of a hidden layer */
    uint32_t *positive;   /* its bits (strips, blocks, 32): where a is > 0 */
    mlp_strips gradients; /* dz as A; of every layer but the first */
    mlp_strips columns;   /* dz as B; / 255 of the first layer */
} mlp_bf16_layer;

typedef struct mlp_bf16_pass {
    mlp_bf16_layer *layers; /* (L) */
    bool streams;           /* what is packed goes past the caches (kernels/bf16.h) */
    bool has_weights;       /* the layers have the model's weights packed */
    float *sums;            /* (threads): 32 rows of the panels of a slab, each (32, 64) */
    uint32_t *strips; /* (threads, strip_words): of A, where its blocks are made (bf16_operand.h) */
    size_t strip_words;
} mlp_bf16_pass;

/* For the pass's model and batch. false: out of memory, and the rest is for free. */
bool mlp_bf16_pass_init(mlp_pass *pass, size_t n_threads, bool training);
void mlp_bf16_pass_free(mlp_bf16_pass *bf16, size_t n_layers);

/* As mlp_pass_forward and mlp_pass_backward. */
void mlp_bf16_pass_forward(mlp_pass *pass, mlp_team *team, size_t thread);
void mlp_bf16_pass_backward(mlp_pass *pass, mlp_sgd *sgd, const mlp_sgd_step *step, mlp_team *team,
                            size_t thread);

/* This member's share of layer l's parameters: their gradients, and the step with them. */
void mlp_bf16_pass_update(mlp_pass *pass, mlp_sgd *sgd, const mlp_sgd_step *step, size_t l,
                          const mlp_team *team, size_t thread);

#endif
