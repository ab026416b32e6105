#include "nn/bf16_product.h"

/* A step with the gradient of a tile of weights: of 32 inputs, 64 outputs. */
static void apply_gradients(const mlp_bf16_product *p, size_t panel, size_t strip, float *sums)
{
    mlp_pass *pass = p->pass;
    const mlp_layer *layer = &pass->model->layers[p->l];
    mlp_sgd_apply(p->sgd, pass->kernels, p->step, mlp_bf16_tile_offset(layer, panel, strip),
                  MLP_BF16_STRIP, MLP_PANEL, sums);
    mlp_bf16_weights_pack(&pass->bf16.layers[p->l].weights, pass->kernels->bf16, layer,
                          pass->model->params, panel, strip, pass->bf16.streams);
}

/* The step of a panel's biases. */
static void update_biases(const mlp_bf16_product *p, size_t panel)
{
    mlp_pass *pass = p->pass;
    const mlp_layer *layer = &pass->model->layers[p->l];
    float gradient[MLP_PANEL] __attribute__((aligned(64))) = {0};
    for (size_t s = 0; s < mlp_bf16_panel_strips(p, panel); s++)
        pass->kernels->bf16->sum_columns(
            mlp_strips_count(p->depth),
            mlp_strips_block(p->b, panel * MLP_BF16_PANEL_STRIPS + s, 0),
            gradient + s * MLP_BF16_STRIP);
    for (size_t j = 0; j < MLP_PANEL && p->l == 0; j++)
        gradient[j] *= 255.0f;
    mlp_sgd_apply(p->sgd, pass->kernels, p->step, layer->bias + panel * MLP_PANEL, 1, MLP_PANEL,
                  gradient);
}

void mlp_bf16_pass_update(mlp_pass *pass, mlp_sgd *sgd, const mlp_sgd_step *step, size_t l,
                          const mlp_team *team, size_t thread)
{
    const mlp_layer *layer = &pass->model->layers[l];
    const mlp_bf16_product p = {
        .pass = pass,
        .l = l,
        .rows = layer->inputs,
        .depth = pass->batch.size,
        .columns = layer->outputs,
        .a = {.strips = l == 0 ? NULL : &pass->bf16.layers[l - 1].outputs,
              .pixels = l == 0 ? &pass->batch.blocks : NULL,
              .transposed = true},
        .b = &pass->bf16.layers[l].columns,
        .open = update_biases,
        .keep = apply_gradients,
        .sgd = sgd,
        .step = step,
    };
    mlp_bf16_product_run(&p, team, thread);
}
