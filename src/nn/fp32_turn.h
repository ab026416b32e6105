/* fp32_turn.h: the last layer of a pass with fp32 products, from its input to the losses and, in
 * training, back to the gradient of its input.
 *
 * It is cut by its inputs, as the layer before is by its outputs: a member reads the activations
 * that it has made, and leaves the gradients that it will want. What crosses between the members'
 * caches are logits. A logit is one chain over all inputs (kernels.h), so members add their terms
 * one after another, but of one stack of images each: the second begins when the first has gone on.
 */
#ifndef MLP_NN_FP32_TURN_H
#define MLP_NN_FP32_TURN_H

#include <stdatomic.h>
#include <stddef.h>

#include "base/team.h"

/* How far a member has come, on a cache line of its own. */
typedef struct mlp_fp32_progress {
    _Alignas(64) atomic_uint stacks; /* from the first on, to whose logits it has added its terms */
    atomic_uint turns;               /* whose losses it has computed its share of */
} mlp_fp32_progress;

typedef struct mlp_pass mlp_pass;

/* This member's share, behind a hidden layer, of whose output it reads what it has made itself: no
 * barrier is wanted before. Ends with a barrier; before the next call there is another one. */
void mlp_fp32_turn(mlp_pass *pass, mlp_team *team, size_t thread);

/* This member's share of the images through a network without hidden layers, from the lists of
 * their pixels to the losses. Ends with a barrier. */
void mlp_fp32_only_layer(mlp_pass *pass, mlp_team *team, size_t thread);

#endif
