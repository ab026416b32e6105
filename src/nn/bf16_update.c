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

static void update_weights(mlp_pass *pass, mlp_sgd *sgd, const mlp_sgd_step *step, size_t l,
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
        .keep = apply_gradients,
        .sgd = sgd,
        .step = step,
    };
    mlp_bf16_product_run(&p, team, thread);
}

static void update_biases(mlp_pass *pass, mlp_sgd *sgd, const mlp_sgd_step *step, size_t l,
                          const mlp_team *team, size_t thread)
{
    const mlp_layer *layer = &pass->model->layers[l];
    size_t first, end, blocks = mlp_strips_count(pass->batch.size);
    mlp_team_share(team, thread, layer->panels, &first, &end);
    for (size_t panel = first; panel < end; panel++) {
        float gradient[MLP_PANEL] __attribute__((aligned(64))) = {0};
        for (size_t h = panel * MLP_PANEL; h < (panel + 1) * MLP_PANEL && h < layer->outputs;
             h += MLP_BF16_STRIP)
            pass->kernels->bf16->sum_columns(
                blocks, mlp_strips_block(&pass->bf16.layers[l].columns, h / MLP_BF16_STRIP, 0),
                gradient + h % MLP_PANEL);
        for (size_t j = 0; j < MLP_PANEL && l == 0; j++)
            gradient[j] *= 255.0f;
        mlp_sgd_apply(sgd, pass->kernels, step, layer->bias + panel * MLP_PANEL, 1, MLP_PANEL,
                      gradient);
    }
}

void mlp_bf16_pass_update(mlp_pass *pass, mlp_sgd *sgd, const mlp_sgd_step *step, size_t l,
                          const mlp_team *team, size_t thread)
{
    update_weights(pass, sgd, step, l, team, thread);
    update_biases(pass, sgd, step, l, team, thread);
}
