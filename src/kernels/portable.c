/* portable.c: the kernels in plain C. They run on any machine and define the
 * bytes that every other table must reproduce. */
#include "kernels/select.h"
#include "kernels/vector_loops.h"

static void add_step(const float *a, size_t a_row_stride, const float *b, float *c)
{
    for (size_t i = 0; i < MLP_TILE; i++)
        for (size_t j = 0; j < MLP_PANEL; j++)
            c[i * MLP_PANEL + j] = mlp_fmaf(a[i * a_row_stride], b[j], c[i * MLP_PANEL + j]);
}

static void multiply_rows(size_t n, const uint32_t *steps, const float *a, size_t a_panel_stride,
                          const float *b, float *c)
{
    for (size_t s = 0; s < n; s++) {
        size_t k = steps[s];
        const float *a_k = a + k / MLP_PANEL * a_panel_stride + k % MLP_PANEL;
        add_step(a_k, MLP_PANEL, b + k * MLP_PANEL, c);
    }
}

static void multiply_columns(size_t n, const uint32_t *steps, const float *a, const float *b,
                             float *c)
{
    for (size_t s = 0; s < n; s++) {
        size_t k = steps[s];
        add_step(a + k * MLP_PANEL, 1, b + k * MLP_PANEL, c);
    }
}

const mlp_kernels mlp_kernels_portable = {
    "portable",  multiply_rows, multiply_columns, unit_pixels, relu, relu_backward, sum_rows,
    sum_squares, sgd,           softmax,          sigmoid,
};
