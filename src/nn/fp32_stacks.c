#include "nn/fp32_stacks.h"

#include "nn/fp32_share.h"

mlp_lists mlp_fp32_image_lists(const mlp_pass *pass, size_t thread)
{
    return (mlp_lists){.packed = &pass->batch.rows,
                       .n = mlp_batch_tiles(&pass->batch),
                       .starts = mlp_fp32_starts(pass, thread)};
}

float *mlp_fp32_output_stacks(const mlp_pass *pass, size_t l, size_t panel, size_t first)
{
    return pass->outputs[l] + panel * mlp_fp32_output_stride(pass) + first * MLP_STACK_FLOATS;
}

/* out (n, 8, 64) = start + columns low .. high - 1 of stacks first .. first + n - 1 of a layer's
 * output or its gradient, times those rows of b (., 64); past the first panel out goes on. A panel
 * of columns at a time: so many rows of b stay in the first cache for all stacks. */
static void multiply_rows(const mlp_pass *pass, const float *matrix, size_t low, size_t high,
                          size_t first, size_t n, const float *b, size_t columns,
                          const float *start, float *out)
{
    for (size_t k = low; k < high; k += MLP_PANEL) {
        const float *row =
            matrix + k / MLP_PANEL * mlp_fp32_output_stride(pass) + first * MLP_STACK_FLOATS;
        for (size_t stack = 0; stack < n; stack++) {
            const float *rows[MLP_STACK];
            for (size_t i = 0; i < MLP_STACK; i++, row += MLP_PANEL)
                rows[i] = row;
            pass->kernels->multiply_dense(MLP_STACK, mlp_min_size(high - k, MLP_PANEL), rows, 1,
                                          b + k * MLP_PANEL, columns, k == 0 ? start : NULL,
                                          out + stack * MLP_STACK_FLOATS);
        }
    }
}

void mlp_fp32_forward_lists(const mlp_pass *pass, size_t l, size_t panel, size_t first, size_t n,
                            const mlp_lists *lists)
{
    const mlp_layer *layer = &pass->model->layers[l];
    const float *bias = pass->model->params + layer->bias + panel * MLP_PANEL;
    const float *weight = pass->model->params + layer->weight + panel * layer->panel_stride;
    mlp_fp32_multiply_lists(pass, lists, first, n, weight, mlp_fp32_columns(layer->outputs, panel),
                            bias, mlp_fp32_output_stacks(pass, l, panel, first));
}

void mlp_fp32_forward_rows(const mlp_pass *pass, size_t l, size_t panel, size_t first, size_t n,
                           size_t low, size_t high)
{
    const mlp_layer *layer = &pass->model->layers[l];
    const float *bias = pass->model->params + layer->bias + panel * MLP_PANEL;
    const float *weight = pass->model->params + layer->weight + panel * layer->panel_stride;
    multiply_rows(pass, pass->outputs[l - 1], low, high, first, n, weight,
                  mlp_fp32_columns(layer->outputs, panel), bias,
                  mlp_fp32_output_stacks(pass, l, panel, first));
}

void mlp_fp32_transpose_weights(const mlp_pass *pass, size_t l, size_t panel, float *out)
{
    const mlp_layer *layer = &pass->model->layers[l];
    for (size_t h = 0; h < layer->outputs; h++) {
        const float *from = pass->model->params + layer->weight +
                            h / MLP_PANEL * layer->panel_stride + panel * MLP_PANEL * MLP_PANEL +
                            h % MLP_PANEL;
        for (size_t j = 0; j < MLP_PANEL; j++)
            out[h * MLP_PANEL + j] = from[j * MLP_PANEL];
    }
}

void mlp_fp32_backward_stacks(const mlp_pass *pass, size_t l, size_t panel, size_t first, size_t n,
                              const mlp_lists *lists, const float *transposed)
{
    const mlp_layer *layer = &pass->model->layers[l];
    size_t at = panel * mlp_fp32_output_stride(pass) + first * MLP_STACK_FLOATS;
    float *out = pass->output_gradients[l - 1] + at;
    size_t columns = mlp_fp32_columns(layer->inputs, panel);
    if (lists != NULL)
        mlp_fp32_multiply_lists(pass, lists, first, n, transposed, columns, mlp_fp32_zeros, out);
    else
        multiply_rows(pass, pass->output_gradients[l], 0, layer->outputs, first, n, transposed,
                      columns, mlp_fp32_zeros, out);
    pass->kernels->relu_backward(n * MLP_STACK_FLOATS, pass->outputs[l - 1] + at, out);
}
