#include "nn/bf16_pass.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/bf16_product.h"

enum {
    STRIP = MLP_BF16_STRIP,
    PANEL_STRIPS = MLP_BF16_PANEL_STRIPS,
    STREAMED_BYTES = 48 << 20, /* of operands; more than that go past the caches */
};

/* Floats between the panels of the last layer's output. */
static size_t output_stride(const mlp_pass *pass)
{
    return pass->batch.capacity * MLP_PANEL;
}

static float weight_scale(size_t layer)
{
    return layer == 0 ? 1.0f / 255.0f : 1.0f;
}

static bool init_outputs(mlp_bf16_layer *layer, size_t images, size_t width)
{
    size_t blocks = mlp_strips_count(images) * mlp_strips_count(width);
    layer->positive = mlp_alloc(blocks, STRIP * sizeof *layer->positive);
    return layer->positive != NULL && mlp_strips_init(&layer->outputs, images, width);
}

/* Of the operands that a step of training writes, a little too many. */
static size_t operand_bytes(const mlp_model *model, size_t images)
{
    size_t bytes = 0;
    for (size_t l = 0; l < model->n_layers; l++) {
        size_t inputs = model->layers[l].inputs, outputs = model->layers[l].outputs;
        bytes += 2 * mlp_strips_bytes(outputs, inputs) + 3 * mlp_strips_bytes(images, outputs);
    }
    return bytes;
}

bool mlp_bf16_pass_init(mlp_pass *pass, size_t n_threads, bool training)
{
    const mlp_model *model = pass->model;
    mlp_bf16_pass *bf16 = &pass->bf16;
    size_t images = pass->batch.capacity;
    bf16->streams = training && operand_bytes(model, images) > STREAMED_BYTES;
    bf16->sums = mlp_alloc(n_threads, MLP_BF16_SLAB_SUMS * sizeof *bf16->sums);
    bf16->strip_words = mlp_strips_stride(mlp_max_size(model->layers[0].inputs, images));
    bf16->strips = mlp_alloc(n_threads, bf16->strip_words * sizeof *bf16->strips);
    bf16->layers = mlp_alloc(model->n_layers, sizeof *bf16->layers);
    if (bf16->sums == NULL || bf16->strips == NULL || bf16->layers == NULL)
        return false;
    bool ok = true;
    for (size_t l = 0; l < model->n_layers; l++) {
        mlp_bf16_layer *layer = &bf16->layers[l];
        size_t width = model->layers[l].outputs;
        bool hidden = l + 1 < model->n_layers;
        ok &= mlp_bf16_weights_init(&layer->weights, &model->layers[l], weight_scale(l),
                                    training && l > 0);
        ok &= !hidden || init_outputs(layer, images, width);
        ok &= l == 0 || !training || mlp_strips_init(&layer->gradients, images, width);
        ok &= !training || mlp_strips_init(&layer->columns, width, images);
    }
    return ok;
}

void mlp_bf16_pass_free(mlp_bf16_pass *bf16, size_t n_layers)
{
    for (size_t l = 0; bf16->layers != NULL && l < n_layers; l++) {
        mlp_bf16_weights_free(&bf16->layers[l].weights);
        mlp_strips_free(&bf16->layers[l].outputs);
        free(bf16->layers[l].positive);
        mlp_strips_free(&bf16->layers[l].gradients);
        mlp_strips_free(&bf16->layers[l].columns);
    }
    free(bf16->layers);
    free(bf16->sums);
    free(bf16->strips);
    memset(bf16, 0, sizeof *bf16);
}

/* The model's weights, unless the layers have them. */
static void pack_weights(mlp_pass *pass, mlp_team *team, size_t thread)
{
    mlp_bf16_pass *bf16 = &pass->bf16;
    if (bf16->has_weights)
        return;
    for (size_t l = 0; l < pass->model->n_layers; l++) {
        const mlp_layer *layer = &pass->model->layers[l];
        size_t first, end;
        mlp_team_share(team, thread, mlp_strips_count(layer->inputs), &first, &end);
        for (size_t panel = 0; panel < layer->panels; panel++)
            for (size_t strip = first; strip < end; strip++)
                mlp_bf16_weights_pack(&bf16->layers[l].weights, pass->kernels->bf16, layer,
                                      pass->model->params, panel, strip, bf16->streams);
    }
    mlp_team_barrier(team);
    if (thread == 0)
        bf16->has_weights = true;
}

/* One tile (32 images, 32 features) of the gradient of any layer's output, and where that was
 * positive; NULL: it is not rectified. */
static void keep_gradient(mlp_pass *pass, size_t l, size_t strip, size_t block, const float *sums,
                          const uint32_t *positive)
{
    mlp_bf16_layer *layer = &pass->bf16.layers[l];
    uint32_t *rows = l > 0 ? mlp_strips_block(&layer->gradients, strip, block) : NULL;
    pass->kernels->bf16->pack_gradient(sums, MLP_PANEL, positive, weight_scale(l), rows,
                                       mlp_strips_block(&layer->columns, block, strip),
                                       pass->bf16.streams);
}

/* The bits of a block of a hidden layer's output. */
static uint32_t *positive_bits(const mlp_pass *pass, size_t l, size_t strip, size_t block)
{
    size_t blocks = mlp_strips_count(pass->model->layers[l].outputs);
    return pass->bf16.layers[l].positive + (strip * blocks + block) * STRIP;
}

/* 32 images of a panel of a hidden layer's output. */
static void keep_outputs(const mlp_bf16_product *p, size_t panel, size_t strip, float *sums)
{
    const mlp_strips *outputs = &p->pass->bf16.layers[p->l].outputs;
    for (size_t s = 0; s < mlp_bf16_panel_strips(p, panel); s++) {
        size_t block = panel * PANEL_STRIPS + s;
        p->pass->kernels->bf16->pack_relu(
            sums + s * STRIP, MLP_PANEL, mlp_strips_block(outputs, strip, block),
            positive_bits(p->pass, p->l, strip, block), p->pass->bf16.streams);
    }
}

/* 32 images of a panel of the last layer's, which stay floats. */
static void keep_logits(const mlp_bf16_product *p, size_t panel, size_t strip, float *sums)
{
    memcpy(p->pass->outputs[p->l] + panel * output_stride(p->pass) + strip * MLP_BF16_PANEL_SUMS,
           sums, MLP_BF16_PANEL_SUMS * sizeof *sums);
}

static void forward_layer(mlp_pass *pass, size_t l, mlp_team *team, size_t thread)
{
    const mlp_layer *layer = &pass->model->layers[l];
    const mlp_bf16_product p = {
        .pass = pass,
        .l = l,
        .rows = pass->batch.size,
        .depth = layer->inputs,
        .columns = layer->outputs,
        .a = {.strips = l == 0 ? NULL : &pass->bf16.layers[l - 1].outputs,
              .pixels = l == 0 ? &pass->batch.blocks : NULL},
        .b = &pass->bf16.layers[l].weights.forward,
        .start = pass->model->params + layer->bias,
        .keep = l + 1 < pass->model->n_layers ? keep_outputs : keep_logits,
    };
    mlp_bf16_product_run(&p, team, thread);
    mlp_team_barrier(team);
}

/* Losses of 32 images and, in training, the gradient of their logits; images past the
 * batch's end have none. */
static void lose_strip(mlp_pass *pass, size_t strip)
{
    size_t last = pass->model->n_layers - 1, first = strip * STRIP;
    size_t used = mlp_min_size(pass->batch.size - first, STRIP);
    for (size_t i = 0; i < used; i += MLP_LANES)
        mlp_pass_loss(pass, first + i, mlp_min_size(used - i, MLP_LANES));
    if (pass->output_gradients == NULL)
        return;
    for (size_t block = 0; block < mlp_strips_count(pass->model->layers[last].outputs); block++) {
        float *gradient = pass->output_gradients[last] +
                          block / PANEL_STRIPS * output_stride(pass) + strip * MLP_BF16_PANEL_SUMS;
        memset(gradient + used * MLP_PANEL, 0, (STRIP - used) * MLP_PANEL * sizeof *gradient);
        keep_gradient(pass, last, strip, block, gradient + block % PANEL_STRIPS * STRIP, NULL);
    }
}

void mlp_bf16_pass_forward(mlp_pass *pass, mlp_team *team, size_t thread)
{
    size_t first, end;
    pack_weights(pass, team, thread);
    pass->kernels->bf16->open();
    for (size_t l = 0; l < pass->model->n_layers; l++)
        forward_layer(pass, l, team, thread);
    pass->kernels->bf16->close();
    mlp_team_share(team, thread, mlp_strips_count(pass->batch.size), &first, &end);
    for (size_t strip = first; strip < end; strip++)
        lose_strip(pass, strip);
    mlp_team_barrier(team);
}

/* 32 images of a panel of the gradient of layer l - 1's output. */
static void keep_gradients(const mlp_bf16_product *p, size_t panel, size_t strip, float *sums)
{
    for (size_t s = 0; s < mlp_bf16_panel_strips(p, panel); s++) {
        size_t block = panel * PANEL_STRIPS + s;
        keep_gradient(p->pass, p->l - 1, strip, block, sums + s * STRIP,
                      positive_bits(p->pass, p->l - 1, strip, block));
    }
}

/* Gradient of layer l's output -> gradient of layer l - 1's output. */
static void backward_layer(mlp_pass *pass, size_t l, mlp_team *team, size_t thread)
{
    const mlp_layer *layer = &pass->model->layers[l];
    const mlp_bf16_product p = {
        .pass = pass,
        .l = l,
        .rows = pass->batch.size,
        .depth = layer->outputs,
        .columns = layer->inputs,
        .a = {.strips = &pass->bf16.layers[l].gradients},
        .b = &pass->bf16.layers[l].weights.backward,
        .keep = keep_gradients,
    };
    mlp_bf16_product_run(&p, team, thread);
    mlp_team_barrier(team);
}

void mlp_bf16_pass_backward(mlp_pass *pass, mlp_sgd *sgd, const mlp_sgd_step *step, mlp_team *team,
                            size_t thread)
{
    pass->kernels->bf16->open();
    for (size_t l = pass->model->n_layers; l-- > 0;) {
        if (l > 0)
            backward_layer(pass, l, team, thread);
        mlp_bf16_pass_update(pass, sgd, step, l, team, thread);
    }
    pass->kernels->bf16->close();
    mlp_batch_pack(&pass->next, pass->kernels, team, thread);
}
