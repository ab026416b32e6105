/* sgd.h: stochastic gradient descent with momentum, to the letter of
 * torch.optim.SGD (Sutskever et al., "On the importance of initialization and
 * momentum in deep learning", ICML 2013, in PyTorch's form):
 *     g = gradient + weight_decay * w
 *     v = momentum * v + g
 *     w = w - lr * (nesterov ? g + momentum * v : v)
 * A velocity of 0 at the start makes the first step v = g, as there.
 */
#ifndef MLP_NN_SGD_H
#define MLP_NN_SGD_H

#include "base/status.h"
#include "base/team.h"
#include "kernels/kernels.h"
#include "nn/model.h"

typedef struct mlp_sgd {
    mlp_model *model;
    float *gradients;      /* (n_params) */
    float *velocities;     /* (n_params) */
    double *block_squares; /* (n_params / MLP_PARAM_BLOCK): sum of squares of its gradients */
} mlp_sgd;

mlp_status mlp_sgd_init(mlp_sgd *sgd, mlp_model *model, mlp_error *err);
void mlp_sgd_free(mlp_sgd *sgd);

/* One step with the gradients that are there. Every member of the team calls it;
 * it ends with a barrier. */
void mlp_sgd_apply(mlp_sgd *sgd, const mlp_kernels *kernels, const mlp_sgd_step *step,
                   mlp_team *team, size_t thread);

/* Of the gradients of the last step: the L2 norm over one layer's parameters. */
double mlp_sgd_layer_norm(const mlp_sgd *sgd, size_t layer);

#endif
