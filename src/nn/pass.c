#include "nn/pass.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* (capacity, H) in panel layout. */
static float *alloc_output(const mlp_pass *pass, const mlp_layer *layer)
{
    return mlp_alloc(pass->batch.capacity, layer->panels * MLP_PANEL * sizeof(float));
}

static bool alloc_layers(mlp_pass *pass, mlp_pass_kind kind)
{
    const mlp_model *model = pass->model;
    bool training = kind == MLP_PASS_TRAINING, ok = true;
    pass->outputs = mlp_alloc(model->n_layers, sizeof *pass->outputs);
    pass->output_gradients =
        training ? mlp_alloc(model->n_layers, sizeof *pass->output_gradients) : NULL;
    if (pass->outputs == NULL || (training && pass->output_gradients == NULL))
        return false;
    for (size_t l = pass->kernels->bf16 != NULL ? model->n_layers - 1 : 0; l < model->n_layers;
         l++) {
        ok &= (pass->outputs[l] = alloc_output(pass, &model->layers[l])) != NULL;
        if (training)
            ok &= (pass->output_gradients[l] = alloc_output(pass, &model->layers[l])) != NULL;
    }
    return ok;
}

static bool alloc_buffers(mlp_pass *pass, size_t n_threads, mlp_pass_kind kind)
{
    const mlp_model *model = pass->model;
    size_t capacity = pass->batch.capacity;
    bool ok = alloc_layers(pass, kind) &&
              (pass->kernels->bf16 != NULL
                   ? mlp_bf16_pass_init(pass, n_threads, kind == MLP_PASS_TRAINING)
                   : mlp_fp32_pass_init(pass, n_threads, kind == MLP_PASS_TRAINING));
    pass->losses = mlp_alloc(capacity, sizeof *pass->losses);
    pass->probabilities = mlp_alloc(capacity, model->classes * sizeof *pass->probabilities);
    pass->predictions = mlp_alloc(capacity, sizeof *pass->predictions);
    return ok && pass->losses != NULL && pass->probabilities != NULL && pass->predictions != NULL;
}

mlp_status mlp_pass_init(mlp_pass *pass, const mlp_model *model, const mlp_kernels *kernels,
                         size_t max_images, size_t n_threads, mlp_pass_kind kind, mlp_error *err)
{
    memset(pass, 0, sizeof *pass);
    pass->kernels = kernels;
    pass->model = model;
    mlp_status status = mlp_batch_init(&pass->batch, kernels, model->features, max_images,
                                       kind == MLP_PASS_TRAINING, err);
    if (status == MLP_OK && kind == MLP_PASS_TRAINING)
        status = mlp_batch_init(&pass->next, kernels, model->features, max_images, true, err);
    if (status == MLP_OK && !alloc_buffers(pass, n_threads, kind))
        status = mlp_fail_memory(err, "the activations");
    if (status != MLP_OK)
        mlp_pass_free(pass);
    return status;
}

void mlp_pass_free(mlp_pass *pass)
{
    for (size_t l = 0; pass->outputs != NULL && l < pass->model->n_layers; l++)
        free(pass->outputs[l]);
    for (size_t l = 0; pass->output_gradients != NULL && l < pass->model->n_layers; l++)
        free(pass->output_gradients[l]);
    free(pass->outputs);
    free(pass->output_gradients);
    mlp_fp32_pass_free(&pass->fp32);
    if (pass->model != NULL)
        mlp_bf16_pass_free(&pass->bf16, pass->model->n_layers);
    free(pass->losses);
    free(pass->probabilities);
    free(pass->predictions);
    mlp_batch_free(&pass->batch);
    mlp_batch_free(&pass->next);
    memset(pass, 0, sizeof *pass);
}

void mlp_pass_forward(mlp_pass *pass, mlp_team *team, size_t thread)
{
    if (pass->kernels->bf16 != NULL)
        mlp_bf16_pass_forward(pass, team, thread);
    else
        mlp_fp32_pass_forward(pass, team, thread);
}

void mlp_pass_backward(mlp_pass *pass, mlp_sgd *sgd, const mlp_sgd_step *step, mlp_team *team,
                       size_t thread)
{
    if (pass->kernels->bf16 != NULL)
        mlp_bf16_pass_backward(pass, sgd, step, team, thread);
    else
        mlp_fp32_pass_backward(pass, sgd, step, team, thread);
}

void mlp_pass_renew(mlp_pass *pass)
{
    pass->bf16.has_weights = false;
}

void mlp_pass_advance(mlp_pass *pass)
{
    mlp_batch batch = pass->batch;
    pass->batch = pass->next;
    pass->next = batch;
}
