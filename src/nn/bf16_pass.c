#include "nn/bf16_pass.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/bf16_product.h"

enum {
    STRIP = MLP_BF16_STRIP,
    PANEL_STRIPS = MLP_BF16_PANEL_STRIPS,
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

/* Of the slab that needs most: weights, forwards and, transposed, backwards. */
static size_t slab_words(const mlp_model *model, bool training)
{
    size_t most = 0;
    for (size_t l = 0; l < model->n_layers; l++) {
        const mlp_layer *layer = &model->layers[l];
        most = mlp_max_size(most, mlp_bf16_slab_words(layer->inputs, layer->panels));
        if (training && l > 0)
            most = mlp_max_size(most,
                                mlp_bf16_slab_words(layer->outputs, model->layers[l - 1].panels));
    }
    return most;
}

static bool init_outputs(mlp_bf16_layer *layer, size_t images, size_t width)
{
    size_t blocks = mlp_strips_count(images) * mlp_strips_count(width);
    layer->positive = mlp_alloc(blocks, STRIP * sizeof *layer->positive);
    return layer->positive != NULL && mlp_strips_init(&layer->outputs, images, width);
}

bool mlp_bf16_pass_init(mlp_pass *pass, size_t n_threads, bool training)
{
    const mlp_model *model = pass->model;
    mlp_bf16_pass *bf16 = &pass->bf16;
    size_t images = pass->batch.capacity;
    bf16->slab_words = slab_words(model, training);
    bf16->slabs = mlp_alloc(n_threads, bf16->slab_words * sizeof *bf16->slabs);
    bf16->sums = mlp_alloc(n_threads, MLP_BF16_SLAB_SUMS * sizeof *bf16->sums);
    bf16->strip_words = mlp_strips_stride(mlp_max_size(model->layers[0].inputs, images));
    bf16->strips = mlp_alloc(n_threads, bf16->strip_words * sizeof *bf16->strips);
    bf16->layers = mlp_alloc(model->n_layers, sizeof *bf16->layers);
    if (bf16->slabs == NULL || bf16->sums == NULL || bf16->strips == NULL || bf16->layers == NULL)
        return false;
    bool ok = true;
    for (size_t l = 0; l < model->n_layers; l++) {
        mlp_bf16_layer *layer = &bf16->layers[l];
        size_t width = model->layers[l].outputs;
        bool hidden = l + 1 < model->n_layers;
        ok &= !hidden || init_outputs(layer, images, width);
        ok &= l == 0 || !training || mlp_strips_init(&layer->gradients, images, width);
        ok &= !training || mlp_strips_init(&layer->columns, width, images);
    }
    return ok;
}

void mlp_bf16_pass_free(mlp_bf16_pass *bf16, size_t n_layers)
{
    for (size_t l = 0; bf16->layers != NULL && l < n_layers; l++) {
        mlp_strips_free(&bf16->layers[l].outputs);
        free(bf16->layers[l].positive);
        mlp_strips_free(&bf16->layers[l].gradients);
        mlp_strips_free(&bf16->layers[l].columns);
    }
    free(bf16->layers);
    free(bf16->slabs);
    free(bf16->sums);
    free(bf16->strips);
    memset(bf16, 0, sizeof *bf16);
}

/* W_l's tile (32, 64) of inputs of a strip and outputs of a panel. */
static const float *weight_tile(const mlp_bf16_product *p, size_t panel, size_t strip)
{
    const mlp_layer *layer = &p->pass->model->layers[p->l];
    return p->pass->model->params + layer->weight + panel * layer->panel_stride +
           strip * MLP_BF16_PANEL_SUMS;
}

/* W_l^T's panels as B. */
static void pack_weights(const mlp_bf16_product *p, mlp_bf16_slab *b)
{
    const mlp_bf16_kernels *kernels = p->pass->kernels->bf16;
    float scale = weight_scale(p->l);
    for (size_t s = 0; s < b->n_strips; s += PANEL_STRIPS) {
        const float *tile = weight_tile(p, b->panel + s / PANEL_STRIPS, 0);
        for (size_t block = 0; block < mlp_strips_count(p->depth); block++) {
            for (size_t half = 0; half < PANEL_STRIPS && s + half < b->n_strips; half++)
                kernels->pack_pairs(tile + half * STRIP, MLP_PANEL, scale,
                                    mlp_strips_block(&b->strips, s + half, block));
            tile += MLP_BF16_PANEL_SUMS;
        }
    }
}

/* W_l as B: its columns are the layer's inputs. */
static void pack_transposed_weights(const mlp_bf16_product *p, mlp_bf16_slab *b)
{
    const mlp_bf16_kernels *kernels = p->pass->kernels->bf16;
    uint32_t rows[MLP_BF16_BLOCK] __attribute__((aligned(64)));
    size_t blocks = mlp_strips_count(p->depth);
    for (size_t block = 0; block < blocks; block += PANEL_STRIPS) {
        const float *tile = weight_tile(p, block / PANEL_STRIPS, b->panel * PANEL_STRIPS);
        for (size_t s = 0; s < b->n_strips; s++, tile += MLP_BF16_PANEL_SUMS) {
            for (size_t half = 0; half < PANEL_STRIPS && block + half < blocks; half++) {
                kernels->pack_rows(tile + half * STRIP, MLP_PANEL, 1.0f, rows);
                kernels->transpose(rows, mlp_strips_block(&b->strips, s, block + half));
            }
        }
    }
}

/* One tile (32 images, 32 features) of the gradient of any layer's output, and where that was
 * positive; NULL: it is not rectified. */
static void keep_gradient(mlp_pass *pass, size_t l, size_t strip, size_t block, const float *sums,
                          const uint32_t *positive)
{
    mlp_bf16_layer *layer = &pass->bf16.layers[l];
    uint32_t *rows = l > 0 ? mlp_strips_block(&layer->gradients, strip, block) : NULL;
    pass->kernels->bf16->pack_gradient(sums, MLP_PANEL, positive, weight_scale(l), rows,
                                       mlp_strips_block(&layer->columns, block, strip));
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
        p->pass->kernels->bf16->pack_relu(sums + s * STRIP, MLP_PANEL,
                                          mlp_strips_block(outputs, strip, block),
                                          positive_bits(p->pass, p->l, strip, block));
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
        .start = pass->model->params + layer->bias,
        .load = pack_weights,
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
        .load = pack_transposed_weights,
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
