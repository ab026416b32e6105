/* portable.c: the kernels in plain C. They run on any machine and define the
 * bytes that every other table must reproduce. */
#include "kernels/pack_loops.h"
#include "kernels/select.h"

static void multiply(size_t n, const uint32_t *steps, const float *a, const float *b,
                     size_t columns, float *c)
{
    for (size_t s = 0; s < n; s++)
        for (size_t i = 0; i < MLP_TILE; i++)
            for (size_t j = 0; j < columns; j++)
                c[i * MLP_PANEL + j] =
                    mlp_fmaf(a[s * MLP_TILE + i], b[steps[s] + j], c[i * MLP_PANEL + j]);
}

const mlp_kernels mlp_kernels_portable = {
    .name = "portable",
    .multiply = multiply,
    .interleave = interleave,
    .gather_words = gather_words_plain,
    .pack_pixels = pack_pixels_plain,
    .unit_pixels = unit_pixels,
    .pack_rows = pack_rows_plain,
    .pack_columns = pack_columns,
    .relu = relu,
    .relu_backward = relu_backward,
    .sum_rows = sum_rows,
    .sgd = sgd,
    .softmax = softmax,
    .sigmoid = sigmoid,
};
