/* model.h: the network: linear layers with ReLU between them.
 *
 * All parameters lie in one flat buffer, and so do their velocities, with the same
 * offsets: tensor i of either is found with the one table in the model. Inside, weights are in the
 * kernels' panel layout (kernels.h); outside, at checkpoints and in tests, they are PyTorch's:
 * linear<n>.weight (H, K) row by row and linear<n>.bias (H), n from 1.
 */
#ifndef MLP_NN_MODEL_H
#define MLP_NN_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "config/config.h"

enum {
    MLP_TENSOR_NAME = 40,
};

typedef struct mlp_layer {
    size_t inputs, outputs; /* K, H */
    size_t panels;          /* of 64 outputs: ceil(H / 64) */
    size_t panel_stride;    /* floats of a weight panel: 64 * (K rounded up to 64) */
    size_t weight, bias;    /* offsets into a flat buffer; zero-padded to whole panels */
    size_t end;             /* offset past the layer */
} mlp_layer;

typedef struct mlp_model {
    mlp_output output;
    size_t features; /* K of the first layer */
    size_t classes;  /* C: softmax has C logits, sigmoid has 1 for C = 2 */
    size_t n_layers; /* hidden layers + 1 */
    mlp_layer *layers;
    size_t n_params; /* floats of a flat buffer, padding included */
    float *params;   /* (n_params) */
} mlp_model;

/* One tensor in PyTorch's shape. */
typedef struct mlp_tensor {
    char name[MLP_TENSOR_NAME]; /* linear1.weight, linear1.bias, ... */
    size_t rank, shape[2];      /* (H, K) or (H) */
    size_t count;               /* product of the shape */
} mlp_tensor;

/* A network with all parameters 0. MLP_ERR_RUNTIME when out of memory;
 * MLP_ERR_CONFIG when its size overflows. */
mlp_status mlp_model_init(mlp_model *model, size_t features, size_t n_hidden, const size_t *hidden,
                          mlp_output output, size_t classes, mlp_error *err);
void mlp_model_free(mlp_model *model);

/* torch.nn.Linear's start: weights and biases from U(-1/sqrt(K), 1/sqrt(K)). */
void mlp_model_randomize(mlp_model *model, uint64_t seed);

/* Tensors 0 .. 2 * n_layers - 1: weight and bias of each layer in turn. */
size_t mlp_model_tensor_count(const mlp_model *model);
mlp_tensor mlp_model_tensor(const mlp_model *model, size_t index);

/* Between tensor `index` of a flat buffer and values (count) in PyTorch's order. */
void mlp_model_get_tensor(const mlp_model *model, const float *flat, size_t index, float *values);
void mlp_model_set_tensor(const mlp_model *model, float *flat, size_t index, const float *values);

/* The trainable parameters, without padding. */
size_t mlp_model_param_count(const mlp_model *model);

#endif
