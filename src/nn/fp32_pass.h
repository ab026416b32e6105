/* fp32_pass.h: one batch through the network with fp32 products: what pass.h says, to
 * the bit the same on every kernel table and any team.
 *
 * The first layer's left operands are packed lists of pixels (kernels.h), which the batch
 * makes. A hidden layer's output and its gradient are packed here before a product with more than
 * one panel; before one with a single panel that would cost more than it saves. The last layer
 * packs nothing on its way forwards and back (fp32_turn.h).
 */
#ifndef MLP_NN_FP32_PASS_H
#define MLP_NN_FP32_PASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/team.h"
#include "kernels/packed.h"
#include "nn/fp32_turn.h"
#include "nn/sgd.h"

/* Stacks that a member works through together, at most; fewer where it packs them itself. */
enum { MLP_CHUNK = 128, MLP_PACKED_CHUNK = 32 };

typedef struct mlp_fp32_pass {
    mlp_packed rows;    /* (capacity / 2) lists: of a layer's output or its gradient */
    mlp_packed columns; /* (threads, MLP_PACKED_CHUNK, 4) lists: of a hidden layer's output. Both
                           are zeroed where no layer needs them */
    float *gradients;   /* (threads, MLP_CHUNK, 8, 64): of weights, before their step */
    float *transposed;  /* (threads, transposed_stride): panels of W for backward products, or of
                           the gradient of a narrow layer's, (outputs, 64) */
    size_t transposed_stride;
    float *starts; /* (threads, starts_stride): see mlp_lists_begin */
    size_t starts_stride;
    mlp_fp32_progress *progress; /* (threads): in the last layer; 0 before a pass */
} mlp_fp32_pass;

/* For the pass's model and batch. false: out of memory, and the rest is for free. */
bool mlp_fp32_pass_init(mlp_pass *pass, size_t n_threads, bool training);
void mlp_fp32_pass_free(mlp_fp32_pass *fp32);

/* As mlp_pass_forward and mlp_pass_backward. */
void mlp_fp32_pass_forward(mlp_pass *pass, mlp_team *team, size_t thread);
void mlp_fp32_pass_backward(mlp_pass *pass, mlp_sgd *sgd, const mlp_sgd_step *step, mlp_team *team,
                            size_t thread);

/* This member's share of layer l's parameters: their gradients, and the step with them. With the
 * first layer's the images of the next batch are asked for. */
void mlp_fp32_pass_update(mlp_pass *pass, mlp_sgd *sgd, const mlp_sgd_step *step, size_t l,
                          const mlp_team *team, size_t thread);

#endif
