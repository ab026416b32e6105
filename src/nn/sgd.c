#include "nn/sgd.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

mlp_status mlp_sgd_init(mlp_sgd *sgd, mlp_model *model, mlp_error *err)
{
    sgd->model = model;
    sgd->velocities = mlp_alloc(model->n_params, sizeof *sgd->velocities);
    sgd->n_stacks = mlp_round_up(model->n_params, MLP_STACK_FLOATS) / MLP_STACK_FLOATS;
    sgd->squares = mlp_alloc(MLP_STACK * sgd->n_stacks, sizeof *sgd->squares);
    if (sgd->velocities == NULL || sgd->squares == NULL) {
        mlp_sgd_free(sgd);
        return mlp_fail_memory(err, "the velocities");
    }
    return MLP_OK;
}

void mlp_sgd_free(mlp_sgd *sgd)
{
    free(sgd->velocities);
    free(sgd->squares);
    memset(sgd, 0, sizeof *sgd);
}

/* The sum of a tile that begins at offset `at`. Those of a layer's weights, a whole number of
 * stacks apart, lie side by side: one member reads what all have written, a line of the cache at a
 * time. */
static float *square_of(const mlp_sgd *sgd, size_t at)
{
    size_t row = at / MLP_PANEL;
    return sgd->squares + row % MLP_STACK * sgd->n_stacks + row / MLP_STACK;
}

void mlp_sgd_apply(mlp_sgd *sgd, const mlp_kernels *kernels, const mlp_sgd_step *step, size_t at,
                   size_t rows, size_t columns, const float *gradient)
{
    *square_of(sgd, at) =
        kernels->sgd(rows, columns, step, gradient, sgd->velocities + at, sgd->model->params + at);
}

void mlp_sgd_apply_lists(mlp_sgd *sgd, const mlp_kernels *kernels, const mlp_sgd_step *step,
                         size_t at, size_t n_lists, const mlp_list *lists, const float *b, float *c)
{
    *square_of(sgd, at) = kernels->multiply_sgd(n_lists, lists, b, c, step, sgd->velocities + at,
                                                sgd->model->params + at);
}

double mlp_sgd_layer_norm(const mlp_sgd *sgd, size_t layer)
{
    const mlp_layer *l = &sgd->model->layers[layer];
    double sum = 0.0;
    for (size_t at = l->weight; at < l->bias; at += MLP_STACK_FLOATS)
        sum += (double)*square_of(sgd, at);
    for (size_t at = l->bias; at < l->end; at += MLP_PANEL)
        sum += (double)*square_of(sgd, at);
    return sqrt(sum);
}
