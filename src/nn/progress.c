#include "nn/progress.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

mlp_status mlp_progress_init(mlp_progress *progress, size_t n_layers, mlp_error *err)
{
    memset(progress, 0, sizeof *progress);
    progress->n_layers = n_layers;
    progress->layer_norm_sums = mlp_alloc(n_layers, sizeof *progress->layer_norm_sums);
    return progress->layer_norm_sums == NULL ? mlp_fail_memory(err, "the progress") : MLP_OK;
}

void mlp_progress_free(mlp_progress *progress)
{
    free(progress->layer_norm_sums);
    memset(progress, 0, sizeof *progress);
}
