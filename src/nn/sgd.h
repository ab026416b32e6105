/* sgd.h: stochastic gradient descent with momentum, to the letter of
 * torch.optim.SGD (Sutskever et al., "On the importance of initialization and
 * momentum in deep learning", ICML 2013, in PyTorch's form):
 *     g = gradient + weight_decay * w
 *     v = momentum * v + g
 *     w = w - lr * (nesterov ? g + momentum * v : v)
 * A velocity of 0 at the start makes the first step v = g, as there.
 *
 * There is no buffer of gradients: whoever has computed a tile of them applies it
 * at once, while it is in the cache, and only its sum of squares is kept.
 */
#ifndef MLP_NN_SGD_H
#define MLP_NN_SGD_H

#include "base/status.h"
#include "kernels/kernels.h"
#include "nn/model.h"

typedef struct mlp_sgd {
    mlp_model *model;
    float *velocities; /* (n_params) */
    float *squares;  /* (8, n_stacks): sums of the gradients' squares, one for each tile (sgd.c) */
    size_t n_stacks; /* n_params / 512, rounded up */
} mlp_sgd;

mlp_status mlp_sgd_init(mlp_sgd *sgd, mlp_model *model, mlp_error *err);
void mlp_sgd_free(mlp_sgd *sgd);

/* One step of the parameters at offset `at` of the flat buffer, rows of 64 with their gradient
 * (rows, 64): a tile of a layer's weights, or a panel of its biases. Columns past the first
 * `columns`, a multiple of MLP_COLUMNS, are padding, which nobody looks at. */
void mlp_sgd_apply(mlp_sgd *sgd, const mlp_kernels *kernels, const mlp_sgd_step *step, size_t at,
                   size_t rows, size_t columns, const float *gradient);

/* The same of n_lists * 2 rows of weights whose gradient is a product of lists: see multiply_sgd in
 * kernels.h. */
void mlp_sgd_apply_lists(mlp_sgd *sgd, const mlp_kernels *kernels, const mlp_sgd_step *step,
                         size_t at, size_t n_lists, const mlp_list *lists, const float *b,
                         float *c);

/* Of the gradients of the last step: the L2 norm over one layer's parameters. */
double mlp_sgd_layer_norm(const mlp_sgd *sgd, size_t layer);

#endif
