/* checkpoint_restore.c: a checkpoint into a network that exists. The whole file is
 * loaded and checked first, so that a refusal leaves the network as it was. */
#include "io/checkpoint.h"

#include <string.h>

#include "io/safetensors.h"

static mlp_status check_same_shapes(const mlp_model *found, const mlp_model *wanted,
                                    const char *path, mlp_error *err)
{
    for (size_t i = 0; i < mlp_model_tensor_count(wanted); i++) {
        char found_text[MLP_SHAPE_TEXT], wanted_text[MLP_SHAPE_TEXT];
        mlp_tensor w = mlp_model_tensor(wanted, i);
        mlp_shape_show(w.rank, w.shape, wanted_text);
        if (i >= mlp_model_tensor_count(found))
            return mlp_fail(err, MLP_ERR_CHECKPOINT,
                            "%s: tensor \"%s\": found none, wanted shape %s", path, w.name,
                            wanted_text);
        mlp_tensor f = mlp_model_tensor(found, i);
        mlp_shape_show(f.rank, f.shape, found_text);
        if (strcmp(found_text, wanted_text) != 0)
            return mlp_fail(err, MLP_ERR_CHECKPOINT, "%s: tensor \"%s\": found shape %s, wanted %s",
                            path, w.name, found_text, wanted_text);
    }
    if (found->n_layers != wanted->n_layers)
        return mlp_fail(err, MLP_ERR_CHECKPOINT, "%s: found %zu layers, wanted %zu", path,
                        found->n_layers, wanted->n_layers);
    return MLP_OK;
}

mlp_status mlp_checkpoint_load_weights_into(mlp_model *model, const char *path, mlp_error *err)
{
    mlp_checkpoint c;
    mlp_status status = mlp_checkpoint_load(&c, path, err);
    if (status == MLP_OK)
        status = check_same_shapes(&c.model, model, path, err);
    if (status == MLP_OK)
        memcpy(model->params, c.model.params, model->n_params * sizeof *model->params);
    mlp_checkpoint_free(&c);
    return status;
}

mlp_status mlp_checkpoint_restore(const char *path, mlp_model *model, float *velocities,
                                  mlp_progress *progress, mlp_error *err)
{
    mlp_checkpoint c;
    mlp_status status = mlp_checkpoint_load(&c, path, err);
    if (status == MLP_OK && !c.has_progress)
        status = mlp_fail(err, MLP_ERR_CHECKPOINT,
                          "%s: found weights only, wanted velocities and the position in the run: "
                          "a last.safetensors",
                          path);
    if (status == MLP_OK)
        status = check_same_shapes(&c.model, model, path, err);
    if (status == MLP_OK) {
        double *sums = progress->layer_norm_sums;
        memcpy(sums, c.progress.layer_norm_sums, c.progress.n_layers * sizeof *sums);
        *progress = c.progress;
        progress->layer_norm_sums = sums;
        memcpy(model->params, c.model.params, model->n_params * sizeof *model->params);
        memcpy(velocities, c.velocities, model->n_params * sizeof *velocities);
    }
    mlp_checkpoint_free(&c);
    return status;
}
