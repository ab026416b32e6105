#include "nn/fp32_share.h"

#include <string.h>

/* A step of SGD on a layer's weights, one member's share of it. */
typedef struct weight_update {
    mlp_pass *pass;
    mlp_sgd *sgd;
    const mlp_sgd_step *step;
    const mlp_team *team;
    size_t thread;
    mlp_batch_share next; /* of the next batch */
    size_t l;
    mlp_fp32_share share; /* of stacks of eight inputs */
    bool from_lists;
    size_t chunk;    /* the first stack of a chunk, */
    mlp_lists lists; /* and its lists */
} weight_update;

/* The member's lists 0 .. n - 1 become the layer's inputs from `group` * 2 on, in pairs. */
static mlp_lists pack_columns(const weight_update *u, size_t group, size_t n)
{
    mlp_pass *pass = u->pass;
    mlp_packed *columns = &pass->fp32.columns;
    size_t first = u->thread * MLP_PACKED_CHUNK * MLP_LISTS;
    for (size_t list = first; list < first + n; list++, group++) {
        size_t k = group * MLP_TILE, image = 0;
        const float *from =
            pass->outputs[u->l - 1] + k / MLP_PANEL * mlp_fp32_output_stride(pass) + k % MLP_PANEL;
        for (size_t block = 0; block < columns->n_blocks; block++, image += columns->block_steps) {
            size_t left = pass->batch.size - mlp_min_size(image, pass->batch.size);
            size_t at = mlp_packed_open(columns, first, list, block);
            size_t count = pass->kernels->pack_columns(
                mlp_min_size(left, columns->block_steps), from + image * MLP_PANEL,
                columns->steps + at, columns->values + at * MLP_TILE);
            mlp_packed_close(columns, list, block, count);
        }
    }
    return (mlp_lists){
        .packed = columns, .first = first, .n = n, .starts = mlp_fp32_starts(pass, u->thread)};
}

/* The lists of stacks low .. high - 1 of the layer's inputs. */
static mlp_lists input_lists(const weight_update *u, size_t low, size_t high)
{
    size_t inputs = u->pass->model->layers[u->l].inputs, first = low * MLP_LISTS;
    size_t n = mlp_min_size(high * MLP_LISTS, mlp_round_up(inputs, MLP_TILE) / MLP_TILE) - first;
    if (u->l > 0)
        return pack_columns(u, first, n);
    return (mlp_lists){.packed = &u->pass->batch.columns,
                       .first = first,
                       .n = n,
                       .starts = mlp_fp32_starts(u->pass, u->thread)};
}

/* The gradient of one panel of the layer's output. */
static const float *output_gradient(const weight_update *u, size_t panel)
{
    return u->pass->output_gradients[u->l] + panel * mlp_fp32_output_stride(u->pass);
}

static size_t panel_columns(const weight_update *u, size_t panel)
{
    return mlp_fp32_columns(u->pass->model->layers[u->l].outputs, panel);
}

/* product (outputs, 64): the gradient of the weights of 64 inputs, a panel of them, and of a layer
 * of one panel of outputs, transposed. So its rows are as many as there are outputs, and lanes run
 * across inputs, of which there are more. */
static void multiply_input_panel(const weight_update *u, size_t panel, float *product)
{
    const mlp_pass *pass = u->pass;
    const float *inputs = pass->outputs[u->l - 1] + panel * mlp_fp32_output_stride(pass);
    size_t outputs = pass->model->layers[u->l].outputs, images = pass->batch.size;
    for (size_t image = 0; image < images; image += MLP_BLOCK_STEPS)
        for (size_t output = 0; output < outputs; output += MLP_STACK) {
            const float *from = output_gradient(u, 0) + image * MLP_PANEL + output;
            const float *rows[MLP_STACK];
            for (size_t i = 0; i < MLP_STACK; i++)
                rows[i] = from + i;
            pass->kernels->multiply_dense(mlp_min_size(outputs - output, MLP_STACK),
                                          mlp_min_size(images - image, MLP_BLOCK_STEPS), rows,
                                          MLP_PANEL, inputs + image * MLP_PANEL, MLP_PANEL,
                                          image == 0 ? mlp_fp32_zeros : NULL,
                                          product + output * MLP_PANEL);
        }
}

/* Asks for weights of such a layer, those of n inputs, with the right to write: all members have
 * read them for the way forwards and back, and a step would wait for each in turn. */
static inline __attribute__((always_inline)) void ask_for_weights(const weight_update *u,
                                                                  size_t input, size_t n)
{
    const mlp_model *model = u->pass->model;
    const float *weight = model->params + model->layers[u->l].weight + input * MLP_PANEL;
    for (size_t i = 0; i < n; i++)
        __builtin_prefetch(weight + i * MLP_PANEL, 1);
}

/* gradients (n, 8, 64): of the weights in stacks first .. first + n - 1 of such a layer. */
static void multiply_inputs(const weight_update *u, size_t first, size_t n, float *gradients)
{
    size_t outputs = u->pass->model->layers[u->l].outputs, columns = panel_columns(u, 0);
    float *product = u->pass->fp32.transposed + u->thread * u->pass->fp32.transposed_stride;
    for (size_t row = 0; row < n * MLP_STACK; row++) {
        size_t input = first * MLP_STACK + row;
        if (row == 0 || input % MLP_PANEL == 0) {
            ask_for_weights(u, input, mlp_min_size(n * MLP_STACK - row, MLP_PANEL));
            multiply_input_panel(u, input / MLP_PANEL, product);
        }
        for (size_t j = 0; j < columns; j++)
            gradients[row * MLP_PANEL + j] =
                j < outputs ? product[j * MLP_PANEL + input % MLP_PANEL] : 0.0f;
    }
}

/* Of the chunk's lists, those of stacks first .. first + n - 1. */
static size_t lists_of(const weight_update *u, size_t first, size_t n, size_t *list)
{
    *list = (first - u->chunk) * MLP_LISTS;
    return mlp_min_size(n * MLP_LISTS, u->lists.n - *list);
}

/* Is the last block of a panel's gradient computed along with the step? All columns are, then. */
static bool is_fused(const weight_update *u, size_t panel)
{
    return u->from_lists && panel_columns(u, panel) == MLP_PANEL;
}

/* gradients (n, 8, 64): of the weights in stacks first .. first + n - 1 of one panel. */
static void stack_gradients(const weight_update *u, size_t panel, size_t first, size_t n,
                            float *gradients)
{
    const mlp_pass *pass = u->pass;
    const mlp_layer *layer = &pass->model->layers[u->l];
    size_t columns = panel_columns(u, panel), list;
    const float *b = output_gradient(u, panel);
    if ((first + n) * MLP_STACK > layer->inputs) /* not all is written */
        memset(gradients, 0, n * MLP_STACK_FLOATS * sizeof *gradients);
    if (!u->from_lists) {
        multiply_inputs(u, first, n, gradients);
        return;
    }
    size_t n_lists = lists_of(u, first, n, &list);
    mlp_lists_multiply(&u->lists, pass->kernels, u->lists.packed->n_blocks - is_fused(u, panel),
                       list, n_lists, b, columns, gradients);
}

/* The step of one stack, which begins at offset `at`. */
static void apply_stack(const weight_update *u, size_t panel, size_t stack, size_t at,
                        float *gradients)
{
    const mlp_packed *packed = u->lists.packed;
    mlp_list blocks[MLP_LISTS];
    if (!is_fused(u, panel)) {
        mlp_sgd_apply(u->sgd, u->pass->kernels, u->step, at, MLP_STACK, panel_columns(u, panel),
                      gradients);
        return;
    }
    size_t last = packed->n_blocks - 1, list, n = lists_of(u, stack, 1, &list);
    for (size_t l = 0; l < n; l++)
        mlp_lists_block(&u->lists, list + l, last, &blocks[l]);
    mlp_sgd_apply_lists(u->sgd, u->pass->kernels, u->step, at, n, blocks,
                        output_gradient(u, panel) + last * packed->block_steps * MLP_PANEL,
                        gradients);
}

/* While the first layer's weights are worked on, the images of the next batch arrive. */
static void prefetch_images(const weight_update *u, size_t panel, size_t stack)
{
    size_t done = panel * u->share.stacks + stack - u->share.first;
    if (u->l == 0)
        mlp_batch_prefetch(&u->pass->next, &u->next, done, u->share.end - u->share.first);
}

/* The gradients of those stacks and the step with them: from lists one stack after another stays
 * nearest, but if lists have several blocks, each serves all stacks. */
static void update_stacks(const weight_update *u, size_t panel, size_t first, size_t n)
{
    const mlp_layer *layer = &u->pass->model->layers[u->l];
    float *gradients = u->pass->fp32.gradients + u->thread * MLP_CHUNK * MLP_STACK_FLOATS;
    size_t at = layer->weight + panel * layer->panel_stride + first * MLP_STACK_FLOATS;
    size_t part = u->from_lists && u->lists.packed->n_blocks == 1 ? 1 : n, list;
    if (u->from_lists) {
        size_t n_lists = lists_of(u, first, n, &list);
        mlp_lists_begin(&u->lists, u->pass->kernels, list, n_lists, output_gradient(u, panel),
                        panel_columns(u, panel), mlp_fp32_zeros);
    }
    for (size_t i = 0; i < n; i++, at += MLP_STACK_FLOATS) {
        prefetch_images(u, panel, first + i);
        if (i % part == 0)
            stack_gradients(u, panel, first + i, part, gradients);
        apply_stack(u, panel, first + i, at, gradients + i % part * MLP_STACK_FLOATS);
    }
}

/* The step of one panel's biases. */
static void update_biases(const weight_update *u, size_t panel)
{
    const mlp_layer *layer = &u->pass->model->layers[u->l];
    float gradient[MLP_PANEL] __attribute__((aligned(64)));
    u->pass->kernels->sum_rows(u->pass->batch.size, output_gradient(u, panel), gradient);
    mlp_sgd_apply(u->sgd, u->pass->kernels, u->step, layer->bias + panel * MLP_PANEL, 1,
                  panel_columns(u, panel), gradient);
}

/* A chunk of stacks at a time: its lists serve all panels. Biases are for whoever has a panel's
 * first stack, while the panel's gradients are near. */
static void update_share(weight_update *u)
{
    const mlp_layer *layer = &u->pass->model->layers[u->l];
    size_t stacks = mlp_round_up(layer->inputs, MLP_STACK) / MLP_STACK, low, high, end, at, n;
    u->from_lists = u->l == 0 || mlp_fp32_packs(layer->panels);
    u->share = mlp_fp32_share_panels(u->team, u->thread, layer->panels, stacks);
    for (mlp_fp32_share_rows(&u->share, &low, &end); low < end; low = high) {
        high = mlp_min_size(low + (u->l == 0 ? MLP_CHUNK : MLP_PACKED_CHUNK), end);
        u->chunk = low;
        if (u->from_lists)
            u->lists = input_lists(u, low, high);
        for (size_t panel = u->share.first / stacks; panel * stacks < u->share.end; panel++) {
            mlp_fp32_share_part(&u->share, panel, low, high, &at, &n);
            if (n > 0)
                update_stacks(u, panel, at, n);
            if (n > 0 && at == 0)
                update_biases(u, panel);
        }
    }
}

void mlp_fp32_pass_update(mlp_pass *pass, mlp_sgd *sgd, const mlp_sgd_step *step, size_t l,
                          const mlp_team *team, size_t thread)
{
    weight_update u = {.pass = pass,
                       .sgd = sgd,
                       .step = step,
                       .team = team,
                       .thread = thread,
                       .next = mlp_batch_share_of(&pass->next, team, thread),
                       .l = l};
    update_share(&u);
}
