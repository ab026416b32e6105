/* avx2.c: the kernels for AVX2 and FMA. Register tiles are (2, 32) and (4, 16):
 * 8 accumulators, just what two FMA units of latency 4 need, of 16 registers. */
#include <immintrin.h>

#include "kernels/pack_loops.h"
#include "kernels/select.h"

typedef __m256 vector;
enum { VECTOR_LANES = 8, WIDE = 32 };

static inline vector vector_load(const float *p)
{
    return _mm256_load_ps(p);
}

static inline void vector_store(float *p, vector v)
{
    _mm256_store_ps(p, v);
}

static inline vector vector_broadcast(float x)
{
    return _mm256_set1_ps(x);
}

static inline vector vector_fma(vector a, vector b, vector c)
{
    return _mm256_fmadd_ps(a, b, c);
}

#include "kernels/tile_loops.h"

static inline __attribute__((always_inline)) void multiply_kind(bool pixels, size_t n_lists,
                                                                const mlp_list *lists,
                                                                const float *b, size_t columns,
                                                                float *c)
{
    size_t together = columns < MLP_PANEL ? 2 : 1, i = 0;
    for (; i + together <= n_lists; i += together, c += together * MLP_TILE_FLOATS)
        for (size_t column = 0; column < columns; column += WIDE / together)
            if (together == 1)
                multiply_lists(pixels, 1, WIDE / VECTOR_LANES, &lists[i], column, b, c);
            else
                multiply_lists(pixels, 2, MLP_COLUMNS / VECTOR_LANES, &lists[i], column, b, c);
    for (size_t column = 0; i < n_lists && column < columns; column += MLP_COLUMNS)
        multiply_lists(pixels, 1, MLP_COLUMNS / VECTOR_LANES, &lists[i], column, b, c);
}

static void multiply(size_t n_lists, const mlp_list *lists, const float *b, size_t columns,
                     float *c)
{
    if (lists->words != NULL)
        multiply_kind(true, n_lists, lists, b, columns, c);
    else
        multiply_kind(false, n_lists, lists, b, columns, c);
}

static void multiply_dense(size_t rows, size_t depth, const float *const *a, size_t stride,
                           const float *b, size_t columns, const float *start, float *c)
{
    enum { ROWS = MLP_STACK / 2, VECTORS = MLP_COLUMNS / VECTOR_LANES };
    for (size_t column = 0; column < columns; column += MLP_COLUMNS) {
        size_t i = 0;
        for (; i + ROWS <= rows; i += ROWS)
            multiply_rows(ROWS, VECTORS, depth, a + i, stride, column, b, start, c + i * MLP_PANEL);
        for (; i < rows; i++)
            multiply_rows(1, VECTORS, depth, a + i, stride, column, b, start, c + i * MLP_PANEL);
    }
}

static float multiply_sgd(size_t n_lists, const mlp_list *lists, const float *b, float *c,
                          const mlp_sgd_step *step, float *velocity, float *weight)
{
    multiply(n_lists, lists, b, MLP_PANEL, c);
    return sgd_plain(n_lists * MLP_TILE, MLP_PANEL, step, c, velocity, weight);
}

const mlp_kernels mlp_kernels_avx2 = {
    .name = "avx2",
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
