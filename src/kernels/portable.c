/* portable.c: the kernels in plain C. They run on any machine and define the
 * bytes that every other table must reproduce. */
#include "kernels/list_step.h"
#include "kernels/pack_loops.h"
#include "kernels/select.h"

/* c (64) += a times a row of b. */
static void add_row(float a, const float *b, size_t columns, float *c)
{
    for (size_t j = 0; j < columns; j++)
        c[j] = mlp_fmaf(a, b[j], c[j]);
}

static void set_rows(size_t rows, const float *start, size_t columns, float *c)
{
    for (size_t i = 0; start != NULL && i < rows; i++)
        memcpy(c + i * MLP_PANEL, start, columns * sizeof *c);
}

static void multiply(size_t n_lists, const mlp_list *lists, const float *b, size_t columns,
                     float *c)
{
    for (size_t l = 0; l < n_lists; l++, c += MLP_TILE_FLOATS) {
        set_rows(MLP_TILE, lists[l].start, columns, c);
        for (size_t s = 0; s < lists[l].n; s++) {
            list_step step = read_step(lists[l].words != NULL, &lists[l], s, b);
            for (size_t i = 0; i < MLP_TILE; i++)
                add_row(step.a[i], step.row, columns, c + i * MLP_PANEL);
        }
    }
}

static void multiply_dense(size_t rows, size_t depth, const float *const *a, size_t stride,
                           const float *b, size_t columns, const float *start, float *c)
{
    set_rows(rows, start, columns, c);
    for (size_t k = 0; k < depth; k++)
        for (size_t i = 0; i < rows; i++)
            add_row(a[i][k * stride], b + k * MLP_PANEL, columns, c + i * MLP_PANEL);
}

static float multiply_sgd(size_t n_lists, const mlp_list *lists, const float *b, float *c,
                          const mlp_sgd_step *step, float *velocity, float *weight)
{
    multiply(n_lists, lists, b, MLP_PANEL, c);
    return sgd_plain(n_lists * MLP_TILE, MLP_PANEL, step, c, velocity, weight);
}

const mlp_kernels mlp_kernels_portable = {
    .name = "portable",
    .multiply = multiply,
    .multiply_dense = multiply_dense,
    .pack_images = pack_images_plain,
    .gather_pairs = gather_pairs_plain,
    .pack_pairs = pack_pairs_plain,
    .pack_rows = pack_rows_plain,
    .pack_columns = pack_columns,
    .relu = relu,
    .relu_backward = relu_backward,
    .sum_rows = sum_rows,
    .sgd = sgd_plain,
    .multiply_sgd = multiply_sgd,
    .softmax = softmax,
    .sigmoid = sigmoid,
};
