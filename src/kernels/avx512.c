/* avx512.c: the kernels for AVX-512. Register tiles are (2, 64), 8 accumulators, just what two FMA
 * units of latency 4 need, and (4, 64) and (6, 64) where no step is left out: the more rows, the
 * fewer loads for each multiply-add. */
#include <immintrin.h>

#include "kernels/pack_loops.h"
#include "kernels/select.h"

typedef __m512 vector;
enum {
    VECTOR_LANES = 16,
    HALF_STACK = MLP_STACK / 2,
    RUN_VECTORS = 4,
    NARROW_LISTS = MLP_LISTS,
    STEPS_TOGETHER = 1,
    UNPACKS_RUNS = 0
};

static inline vector vector_load(const float *p)
{
    return _mm512_load_ps(p);
}

static inline void vector_store(float *p, vector v)
{
    _mm512_store_ps(p, v);
}

static inline vector vector_broadcast(float x)
{
    return _mm512_set1_ps(x);
}

static inline vector vector_fma(vector a, vector b, vector c)
{
    return _mm512_fmadd_ps(a, b, c);
}

static inline vector vector_flush(vector v, vector tiny)
{
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(_mm512_abs_ps(v), tiny, _CMP_NLT_UQ), v);
}

#include "kernels/avx512_pack.h"
#include "kernels/sgd_loops.h"

/* Rows of all columns: by fours, and what is left. */
static void multiply_wide(size_t rows, size_t depth, const float *const *a, size_t stride,
                          const float *b, const float *start, float *c)
{
    size_t i = 0;
    for (; i + HALF_STACK <= rows; i += HALF_STACK)
        multiply_rows(HALF_STACK, MAX_VECTORS, depth, a + i, stride, 0, b, start,
                      c + i * MLP_PANEL);
    for (; i + MLP_TILE <= rows; i += MLP_TILE)
        multiply_rows(MLP_TILE, MAX_VECTORS, depth, a + i, stride, 0, b, start, c + i * MLP_PANEL);
    if (i < rows)
        multiply_rows(1, MAX_VECTORS, depth, a + i, stride, 0, b, start, c + i * MLP_PANEL);
}

static void multiply_dense(size_t rows, size_t depth, const float *const *a, size_t stride,
                           const float *b, size_t columns, const float *start, float *c)
{
    if (columns == MLP_PANEL) {
        multiply_wide(rows, depth, a, stride, b, start, c);
        return;
    }
    for (size_t column = 0; column < columns; column += MLP_COLUMNS)
        if (rows == MLP_STACK)
            multiply_rows(MLP_STACK, 1, depth, a, stride, column, b, start, c);
        else
            for (size_t i = 0; i < rows; i++)
                multiply_rows(1, 1, depth, a + i, stride, column, b, start, c + i * MLP_PANEL);
}

const mlp_kernels mlp_kernels_avx512 = {
    .name = "avx512",
    .multiply = multiply,
    .multiply_dense = multiply_dense,
    .pack_images = pack_images,
    .gather_pairs = gather_pairs,
    .pack_pairs = pack_pairs,
    .pack_rows = pack_rows,
    .pack_columns = pack_columns,
    .relu = relu,
    .relu_backward = relu_backward,
    .sum_rows = sum_rows,
    .sgd = sgd,
    .multiply_sgd = multiply_sgd,
    .softmax = softmax,
    .sigmoid = sigmoid,
};
