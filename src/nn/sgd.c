#include "nn/sgd.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

mlp_status mlp_sgd_init(mlp_sgd *sgd, mlp_model *model, mlp_error *err)
{
    sgd->model = model;
    sgd->gradients = mlp_alloc(model->n_params, sizeof *sgd->gradients);
    sgd->velocities = mlp_alloc(model->n_params, sizeof *sgd->velocities);
    sgd->block_squares = mlp_alloc(model->n_params / MLP_PARAM_BLOCK, sizeof *sgd->block_squares);
    if (sgd->gradients == NULL || sgd->velocities == NULL || sgd->block_squares == NULL) {
        mlp_sgd_free(sgd);
        return mlp_fail_memory(err, "the gradients");
    }
    return MLP_OK;
}

void mlp_sgd_free(mlp_sgd *sgd)
{
    free(sgd->gradients);
    free(sgd->velocities);
    free(sgd->block_squares);
    memset(sgd, 0, sizeof *sgd);
}

void mlp_sgd_apply(mlp_sgd *sgd, const mlp_kernels *kernels, const mlp_sgd_step *step,
                   mlp_team *team, size_t thread)
{
    size_t first, end;
    mlp_team_share(team, thread, sgd->model->n_params / MLP_PARAM_BLOCK, &first, &end);
    for (size_t block = first; block < end; block++) {
        size_t at = block * MLP_PARAM_BLOCK;
        float lanes[MLP_PANEL];
        kernels->sum_squares(MLP_PARAM_BLOCK, sgd->gradients + at, lanes);
        double sum = 0.0;
        for (size_t j = 0; j < MLP_PANEL; j++)
            sum += (double)lanes[j];
        sgd->block_squares[block] = sum;
        kernels->sgd(MLP_PARAM_BLOCK, step, sgd->gradients + at, sgd->velocities + at,
                     sgd->model->params + at);
    }
    mlp_team_barrier(team);
}

double mlp_sgd_layer_norm(const mlp_sgd *sgd, size_t layer)
{
    const mlp_layer *l = &sgd->model->layers[layer];
    double sum = 0.0;
    for (size_t block = l->weight / MLP_PARAM_BLOCK; block < l->end / MLP_PARAM_BLOCK; block++)
        sum += sgd->block_squares[block];
    return sqrt(sum);
}
