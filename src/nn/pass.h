/* pass.h: one batch through the network, forwards and backwards.
 *
 * Legend: B images, layer l maps K_l inputs to H_l outputs, l = 0 .. L-1.
 *     forward    z_l (B, H_l) = a_l (B, K_l) W_l^T + b_l;  a_(l+1) = relu(z_l)
 *     loss       one for each image, and dz of the last layer
 *     backward   dW_l = dz_l^T a_l;  db_l = sum of dz_l over B;
 *                dz_(l-1) = (dz_l W_l) where a_l > 0, else 0
 * (Rumelhart, Hinton, Williams, "Learning representations by back-propagating
 * errors", Nature 323, 1986.) Gradients are those of the mean loss of the batch.
 *
 * Each function is called by every member of a team and does that member's share;
 * what one leaves behind is complete for all after the barrier, or the job's end, that
 * its comment names. A hidden layer's work is cut by its outputs, so that a member's
 * part of the weights and velocities stays in its own cache, where the gradient of a
 * tile meets them as soon as it is known. How the last layer's is cut, from its input to
 * the gradient of its input, fp32_turn.h and bf16_pass.h say. No output element has two
 * owners at a time and none is summed in an order that depends on the team, so the
 * bytes do not depend on it either.
 */
#ifndef MLP_NN_PASS_H
#define MLP_NN_PASS_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/team.h"
#include "data/batch.h"
#include "kernels/kernels.h"
#include "nn/bf16_pass.h"
#include "nn/fp32_pass.h"
#include "nn/model.h"
#include "nn/sgd.h"

struct mlp_pass {
    const mlp_kernels *kernels;
    const mlp_model *model;
    mlp_batch batch; /* what is worked on */
    mlp_batch next;  /* training: packed meanwhile, unless its size is 0 */

    /* s: the loss is the cross-entropy with a target of s / C for each class and 1 - s more for the
     * label (Szegedy et al., "Rethinking the Inception architecture for computer vision", CVPR
     * 2016), as torch.nn.CrossEntropyLoss has it. 0 after mlp_pass_init. */
    float label_smoothing;

    float **outputs;          /* (L): (capacity, H_l) in panel layout, after ReLU; logits last */
    float **output_gradients; /* (L): the same shapes; NULL in a pass that only looks */
    float *losses;            /* (B) */
    float *probabilities;     /* (B, C): of each class */
    uint8_t *predictions;     /* (B): the class with the largest logit, the lowest on a tie */

    mlp_fp32_pass fp32; /* one of these two; with bf16 products only the last layer's */
    mlp_bf16_pass bf16; /* output and its gradient are there as floats */
};

typedef enum mlp_pass_kind { MLP_PASS_INFERENCE, MLP_PASS_TRAINING } mlp_pass_kind;

/* Buffers for batches of up to max_images on a team of n_threads. */
mlp_status mlp_pass_init(mlp_pass *pass, const mlp_model *model, const mlp_kernels *kernels,
                         size_t max_images, size_t n_threads, mlp_pass_kind kind, mlp_error *err);
void mlp_pass_free(mlp_pass *pass);

/* From the packed rows of the batch and its labels to losses, probabilities and
 * predictions. A training pass goes on to the gradient of the mean loss with respect
 * to the outputs of the last layer and of the one before it. Ends with a barrier; the
 * next call comes after another one. */
void mlp_pass_forward(mlp_pass *pass, mlp_team *team, size_t thread);

/* From there to the gradients of all parameters, and one step of SGD with them. If
 * there is a next batch, its rows are then packed. It ends without a barrier: the team's
 * job does. */
void mlp_pass_backward(mlp_pass *pass, mlp_sgd *sgd, const mlp_sgd_step *step, mlp_team *team,
                       size_t thread);

/* The next batch becomes the one that is worked on; between steps. */
void mlp_pass_advance(mlp_pass *pass);

/* Others than mlp_pass_backward have changed the model's weights: what the pass has made of them
 * is made anew. */
void mlp_pass_renew(mlp_pass *pass);

/* The part of mlp_pass_forward that follows the logits, for images first .. first + n - 1;
 * n <= MLP_LANES. */
void mlp_pass_loss(mlp_pass *pass, size_t first, size_t n);

#endif
