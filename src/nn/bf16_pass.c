#include "nn/bf16_pass.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/pass.h"

enum {
    STRIP = MLP_BF16_STRIP,
    PANEL_STRIPS = MLP_PANEL / STRIP,
    SLAB_PANELS = 8,      /* at most */
    SLAB_WORDS = 5 << 16, /* 1.25 MB, of the 2 MB that a core of today has as its L2 cache */
    L1_BLOCKS = 16,       /* of A, 32 KB, stay in the L1 cache while B passes */
    PANEL_SUMS = STRIP * MLP_PANEL, /* floats of a tile of sums, (32, 64) */
    SLAB_SUMS = SLAB_PANELS * PANEL_SUMS,
};

/* A row of a slab's columns, to start sums from. */
static const float ZEROS[SLAB_PANELS * MLP_PANEL] __attribute__((aligned(64)));

/* What a member does of one product: some panels of columns, some strips of rows. */
typedef struct part {
    size_t panel, end_panel, strip, end_strip;
} part;

/* Neighbouring panels of B as strips, and how many of those there are. */
typedef struct slab {
    size_t panel, n_panels, n_strips;
    mlp_strips strips; /* of those panels only */
} slab;

/* Floats between the panels of the last layer's output. */
static size_t output_stride(const mlp_pass *pass)
{
    return pass->batch.capacity * MLP_PANEL;
}

static float weight_scale(size_t layer)
{
    return layer == 0 ? 1.0f / 255.0f : 1.0f;
}

/* How many panels of B with this depth make a slab. */
static size_t slab_panels(size_t depth)
{
    size_t n = SLAB_WORDS / (PANEL_STRIPS * mlp_strips_stride(depth));
    return n < 1 ? 1 : mlp_min_size(n, SLAB_PANELS);
}

/* The slab at `panel` of a matrix of so many columns, for a part that ends with end_panel:
 * the slabs of a part are alike, for all of A passes each of them, however small. */
static slab place_slab(size_t panel, size_t end_panel, size_t depth, size_t columns)
{
    size_t left = end_panel - panel, most = slab_panels(depth), n_slabs = (left + most - 1) / most;
    slab s = {.panel = panel, .n_panels = (left + n_slabs - 1) / n_slabs};
    size_t strips = mlp_strips_count(columns) - panel * PANEL_STRIPS;
    s.n_strips = mlp_min_size(s.n_panels * PANEL_STRIPS, strips);
    return s;
}

static part share(const mlp_team *team, size_t thread, size_t panels, size_t strips)
{
    part p = {0, panels, 0, strips};
    if (panels >= team->n_threads)
        mlp_team_share(team, thread, panels, &p.panel, &p.end_panel);
    else
        mlp_team_share(team, thread, strips, &p.strip, &p.end_strip);
    return p;
}

static size_t slab_words(const mlp_model *model, bool training)
{
    size_t most = 0;
    for (size_t l = 0; l < model->n_layers; l++) {
        const mlp_layer *layer = &model->layers[l];
        size_t forward = mlp_min_size(slab_panels(layer->inputs), layer->panels);
        size_t words = forward * PANEL_STRIPS * mlp_strips_stride(layer->inputs);
        most = words > most ? words : most;
        if (!training || l == 0)
            continue;
        size_t backward = mlp_min_size(slab_panels(layer->outputs), model->layers[l - 1].panels);
        words = backward * PANEL_STRIPS * mlp_strips_stride(layer->outputs);
        most = words > most ? words : most;
    }
    return most;
}

bool mlp_bf16_pass_init(mlp_pass *pass, size_t n_threads, bool training)
{
    const mlp_model *model = pass->model;
    mlp_bf16_pass *bf16 = &pass->bf16;
    size_t images = pass->batch.capacity;
    bf16->slab_words = slab_words(model, training);
    bf16->slabs = mlp_alloc(n_threads, bf16->slab_words * sizeof *bf16->slabs);
    bf16->sums = mlp_alloc(n_threads, SLAB_SUMS * sizeof *bf16->sums);
    bf16->layers = mlp_alloc(model->n_layers, sizeof *bf16->layers);
    if (bf16->slabs == NULL || bf16->sums == NULL || bf16->layers == NULL)
        return false;
    bool ok = true;
    for (size_t l = 0; l < model->n_layers; l++) {
        mlp_bf16_layer *layer = &bf16->layers[l];
        size_t width = model->layers[l].outputs;
        bool hidden = l + 1 < model->n_layers;
        ok &= !hidden || mlp_strips_init(&layer->outputs, images, width);
        ok &= !hidden || !training || mlp_strips_init(&layer->inputs, width, images);
        ok &= l == 0 || !training || mlp_strips_init(&layer->gradients, images, width);
        ok &= !training || mlp_strips_init(&layer->columns, width, images);
    }
    return ok;
}

void mlp_bf16_pass_free(mlp_bf16_pass *bf16, size_t n_layers)
{
    for (size_t l = 0; bf16->layers != NULL && l < n_layers; l++) {
        mlp_strips_free(&bf16->layers[l].outputs);
        mlp_strips_free(&bf16->layers[l].inputs);
        mlp_strips_free(&bf16->layers[l].gradients);
        mlp_strips_free(&bf16->layers[l].columns);
    }
    free(bf16->layers);
    free(bf16->slabs);
    free(bf16->sums);
    memset(bf16, 0, sizeof *bf16);
}

static float *thread_sums(const mlp_pass *pass, size_t thread)
{
    return pass->bf16.sums + thread * SLAB_SUMS;
}

static mlp_strips thread_slab(const mlp_pass *pass, size_t thread, size_t depth)
{
    return (mlp_strips){.stride = mlp_strips_stride(depth),
                        .words = pass->bf16.slabs + thread * pass->bf16.slab_words};
}

/* Where strip s of a slab has its sums: (32, 32) in its panel's (32, 64). */
static float *strip_sums(float *sums, size_t s)
{
    return sums + s / PANEL_STRIPS * PANEL_SUMS + s % PANEL_STRIPS * STRIP;
}

/* sums (panels of 32 rows) = start, a row for all, + strip a times the slab, both `blocks`
 * long. Half a panel without a strip has zeros. */
static void multiply(const mlp_pass *pass, size_t blocks, const uint32_t *a, const slab *b,
                     const float *start, float *sums)
{
    for (size_t block = 0; block < blocks; block += L1_BLOCKS)
        for (size_t s = 0; s < b->n_strips; s++) {
            float *c = strip_sums(sums, s);
            bool first = block == 0;
            pass->kernels->bf16->multiply(
                mlp_min_size(L1_BLOCKS, blocks - block), a + block * MLP_BF16_BLOCK,
                mlp_strips_block(&b->strips, s, block), first ? start + s * STRIP : c,
                first ? 0 : MLP_PANEL, c, MLP_PANEL);
        }
    for (size_t s = b->n_strips; s < b->n_panels * PANEL_STRIPS; s++)
        for (size_t row = 0; row < STRIP; row++)
            memset(strip_sums(sums, s) + row * MLP_PANEL, 0, STRIP * sizeof *sums);
}

/* Weights come from afar: those that are packed next are called for. */
static void prefetch_tile(const float *tile)
{
    for (size_t i = 0; i < PANEL_SUMS; i += MLP_ALIGNMENT / sizeof *tile)
        __builtin_prefetch(tile + i);
}

/* W_l^T's panels as B. */
static void pack_weights(const mlp_pass *pass, size_t l, const slab *b)
{
    const mlp_layer *layer = &pass->model->layers[l];
    size_t blocks = mlp_strips_count(layer->inputs);
    for (size_t s = 0; s < b->n_strips; s += PANEL_STRIPS) {
        const float *tile = pass->model->params + layer->weight +
                            (b->panel + s / PANEL_STRIPS) * layer->panel_stride;
        for (size_t block = 0; block < blocks; block++, tile += PANEL_SUMS) {
            prefetch_tile(tile + PANEL_SUMS);
            for (size_t half = 0; half < PANEL_STRIPS && s + half < b->n_strips; half++)
                pass->kernels->bf16->pack_pairs(tile + half * STRIP, MLP_PANEL, weight_scale(l),
                                                mlp_strips_block(&b->strips, s + half, block));
        }
    }
}

/* W_l as B: its columns are the layer's inputs. */
static void pack_transposed_weights(const mlp_pass *pass, size_t l, const slab *b)
{
    const mlp_layer *layer = &pass->model->layers[l];
    uint32_t rows[MLP_BF16_BLOCK] __attribute__((aligned(64)));
    size_t blocks = mlp_strips_count(layer->outputs);
    for (size_t block = 0; block < blocks; block += PANEL_STRIPS) {
        const float *tile = pass->model->params + layer->weight +
                            block / PANEL_STRIPS * layer->panel_stride +
                            b->panel * PANEL_STRIPS * PANEL_SUMS;
        for (size_t s = 0; s < b->n_strips; s++, tile += PANEL_SUMS) {
            prefetch_tile(tile + PANEL_SUMS);
            for (size_t half = 0; half < PANEL_STRIPS && block + half < blocks; half++) {
                pass->kernels->bf16->pack_rows(tile + half * STRIP, MLP_PANEL, 1.0f, rows);
                pass->kernels->bf16->transpose(rows, mlp_strips_block(&b->strips, s, block + half));
            }
        }
    }
}

/* One tile (32 images, 32 features) of a hidden layer's output, finished. */
static void keep_output(mlp_pass *pass, size_t l, size_t strip, size_t block, const float *sums)
{
    const mlp_bf16_kernels *kernels = pass->kernels->bf16;
    mlp_bf16_layer *layer = &pass->bf16.layers[l];
    uint32_t pairs[MLP_BF16_BLOCK] __attribute__((aligned(64)));
    kernels->pack_rows(sums, MLP_PANEL, 1.0f, mlp_strips_block(&layer->outputs, strip, block));
    if (layer->inputs.words == NULL)
        return;
    kernels->pack_pairs(sums, MLP_PANEL, 1.0f, pairs);
    kernels->transpose(pairs, mlp_strips_block(&layer->inputs, block, strip));
}

/* The same of the gradient of any layer's output. */
static void keep_gradient(mlp_pass *pass, size_t l, size_t strip, size_t block, const float *sums)
{
    const mlp_bf16_kernels *kernels = pass->kernels->bf16;
    mlp_bf16_layer *layer = &pass->bf16.layers[l];
    if (l > 0)
        kernels->pack_rows(sums, MLP_PANEL, 1.0f,
                           mlp_strips_block(&layer->gradients, strip, block));
    kernels->pack_pairs(sums, MLP_PANEL, weight_scale(l),
                        mlp_strips_block(&layer->columns, block, strip));
}

/* 32 images through a slab of layer l. */
static void forward_strip(mlp_pass *pass, size_t l, const slab *b, size_t strip, float *sums)
{
    const mlp_layer *layer = &pass->model->layers[l];
    const mlp_strips *in = l == 0 ? &pass->batch.image_strips : &pass->bf16.layers[l - 1].outputs;
    const float *bias = pass->model->params + layer->bias + b->panel * MLP_PANEL;
    multiply(pass, mlp_strips_count(layer->inputs), mlp_strips_block(in, strip, 0), b, bias, sums);
    if (l + 1 == pass->model->n_layers) {
        for (size_t p = 0; p < b->n_panels; p++)
            memcpy(pass->outputs[l] + (b->panel + p) * output_stride(pass) + strip * PANEL_SUMS,
                   sums + p * PANEL_SUMS, PANEL_SUMS * sizeof *sums);
        return;
    }
    pass->kernels->relu(b->n_panels * PANEL_SUMS, sums);
    for (size_t s = 0; s < b->n_strips; s++)
        keep_output(pass, l, strip, b->panel * PANEL_STRIPS + s, strip_sums(sums, s));
}

static void forward_layer(mlp_pass *pass, size_t l, mlp_team *team, size_t thread)
{
    const mlp_layer *layer = &pass->model->layers[l];
    part p = share(team, thread, layer->panels, mlp_strips_count(pass->batch.size));
    slab b;
    for (size_t panel = p.panel; panel < p.end_panel; panel += b.n_panels) {
        b = place_slab(panel, p.end_panel, layer->inputs, layer->outputs);
        b.strips = thread_slab(pass, thread, layer->inputs);
        pack_weights(pass, l, &b);
        for (size_t strip = p.strip; strip < p.end_strip; strip++)
            forward_strip(pass, l, &b, strip, thread_sums(pass, thread));
    }
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
                          block / PANEL_STRIPS * output_stride(pass) + strip * PANEL_SUMS;
        memset(gradient + used * MLP_PANEL, 0, (STRIP - used) * MLP_PANEL * sizeof *gradient);
        keep_gradient(pass, last, strip, block, gradient + block % PANEL_STRIPS * STRIP);
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

/* 32 images of layer l's gradient -> of layer l - 1's, the columns of a slab. */
static void backward_strip(mlp_pass *pass, size_t l, const slab *b, size_t strip, float *sums)
{
    const uint32_t *a = mlp_strips_block(&pass->bf16.layers[l].gradients, strip, 0);
    multiply(pass, mlp_strips_count(pass->model->layers[l].outputs), a, b, ZEROS, sums);
    for (size_t s = 0; s < b->n_strips; s++) {
        size_t block = b->panel * PANEL_STRIPS + s;
        float *tile = strip_sums(sums, s);
        pass->kernels->bf16->relu_backward(
            mlp_strips_block(&pass->bf16.layers[l - 1].outputs, strip, block), tile, MLP_PANEL);
        keep_gradient(pass, l - 1, strip, block, tile);
    }
}

static void backward_layer(mlp_pass *pass, size_t l, mlp_team *team, size_t thread)
{
    const mlp_layer *layer = &pass->model->layers[l];
    part p =
        share(team, thread, pass->model->layers[l - 1].panels, mlp_strips_count(pass->batch.size));
    slab b;
    for (size_t panel = p.panel; panel < p.end_panel; panel += b.n_panels) {
        b = place_slab(panel, p.end_panel, layer->outputs, layer->inputs);
        b.strips = thread_slab(pass, thread, layer->outputs);
        pack_transposed_weights(pass, l, &b);
        for (size_t strip = p.strip; strip < p.end_strip; strip++)
            backward_strip(pass, l, &b, strip, thread_sums(pass, thread));
    }
    mlp_team_barrier(team);
}

/* The gradient of 32 inputs' weights in a slab of outputs, and the step with it. */
static void update_strip(mlp_pass *pass, mlp_sgd *sgd, const mlp_sgd_step *step, size_t l,
                         const slab *b, size_t strip, float *sums)
{
    const mlp_layer *layer = &pass->model->layers[l];
    const mlp_strips *in = l == 0 ? &pass->batch.pixel_strips : &pass->bf16.layers[l - 1].inputs;
    multiply(pass, mlp_strips_count(pass->batch.size), mlp_strips_block(in, strip, 0), b, ZEROS,
             sums);
    size_t at = layer->weight + b->panel * layer->panel_stride + strip * PANEL_SUMS;
    for (size_t p = 0; p < b->n_panels; p++, at += layer->panel_stride) {
        if (p + 1 < b->n_panels)
            mlp_sgd_prefetch(sgd, at + layer->panel_stride);
        mlp_sgd_apply(sgd, pass->kernels, step, at, PANEL_SUMS, sums + p * PANEL_SUMS);
    }
}

static void update_weights(mlp_pass *pass, mlp_sgd *sgd, const mlp_sgd_step *step, size_t l,
                           mlp_team *team, size_t thread)
{
    const mlp_layer *layer = &pass->model->layers[l];
    const mlp_strips *columns = &pass->bf16.layers[l].columns;
    part p = share(team, thread, layer->panels, mlp_strips_count(layer->inputs));
    slab b;
    for (size_t panel = p.panel; panel < p.end_panel; panel += b.n_panels) {
        b = place_slab(panel, p.end_panel, pass->batch.size, layer->outputs);
        b.strips = (mlp_strips){.stride = columns->stride,
                                .words = mlp_strips_block(columns, panel * PANEL_STRIPS, 0)};
        for (size_t strip = p.strip; strip < p.end_strip; strip++)
            update_strip(pass, sgd, step, l, &b, strip, thread_sums(pass, thread));
    }
}

static void update_biases(mlp_pass *pass, mlp_sgd *sgd, const mlp_sgd_step *step, size_t l,
                          mlp_team *team, size_t thread)
{
    const mlp_layer *layer = &pass->model->layers[l];
    size_t first, end, blocks = mlp_strips_count(pass->batch.size);
    mlp_team_share(team, thread, layer->panels, &first, &end);
    for (size_t panel = first; panel < end; panel++) {
        float gradient[MLP_PANEL] __attribute__((aligned(64))) = {0};
        for (size_t h = panel * MLP_PANEL; h < (panel + 1) * MLP_PANEL && h < layer->outputs;
             h += STRIP)
            pass->kernels->bf16->sum_columns(
                blocks, mlp_strips_block(&pass->bf16.layers[l].columns, h / STRIP, 0),
                gradient + h % MLP_PANEL);
        for (size_t j = 0; j < MLP_PANEL && l == 0; j++)
            gradient[j] *= 255.0f;
        mlp_sgd_apply(sgd, pass->kernels, step, layer->bias + panel * MLP_PANEL, MLP_PANEL,
                      gradient);
    }
}

void mlp_bf16_pass_backward(mlp_pass *pass, mlp_sgd *sgd, const mlp_sgd_step *step, mlp_team *team,
                            size_t thread)
{
    pass->kernels->bf16->open();
    for (size_t l = pass->model->n_layers; l-- > 1;)
        backward_layer(pass, l, team, thread);
    for (size_t l = 0; l < pass->model->n_layers; l++) {
        update_weights(pass, sgd, step, l, team, thread);
        update_biases(pass, sgd, step, l, team, thread);
    }
    pass->kernels->bf16->close();
    mlp_batch_pack(&pass->next, pass->kernels, team, thread);
    mlp_team_barrier(team);
}
