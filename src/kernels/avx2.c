/* avx2.c: the kernels for AVX2 and FMA. Register tiles are (2, 32) and (4, 16), 8 accumulators,
 * just what two FMA units of latency 4 need, of 16 registers, and (6, 16) where no step is left
 * out. */
#include <immintrin.h>

#include "kernels/select.h"

typedef __m256 vector;
enum { VECTOR_LANES = 8, RUN_VECTORS = 2, NARROW_LISTS = 2, STEPS_TOGETHER = 4, UNPACKS_RUNS = 1 };

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

static inline vector vector_flush(vector v, vector tiny)
{
    const vector sign = _mm256_set1_ps(-0.0f);
    return _mm256_and_ps(_mm256_cmp_ps(_mm256_andnot_ps(sign, v), tiny, _CMP_NLT_UQ), v);
}

#include "kernels/avx2_pack.h"
#include "kernels/sgd_loops.h"

/* `rows` rows of a multiply_dense, of all columns or a few. */
static inline __attribute__((always_inline)) void
multiply_some_rows(size_t rows, size_t depth, const float *const *a, size_t stride, const float *b,
                   size_t columns, const float *start, float *c)
{
    enum { NARROW = MLP_COLUMNS / VECTOR_LANES };
    if (columns == MLP_PANEL && rows <= MLP_TILE)
        for (size_t column = 0; column < MLP_PANEL; column += WIDE)
            multiply_rows(rows, MAX_VECTORS, depth, a, stride, column, b, start, c);
    else
        for (size_t column = 0; column < columns; column += MLP_COLUMNS)
            multiply_rows(rows, NARROW, depth, a, stride, column, b, start, c);
}

static void multiply_dense(size_t rows, size_t depth, const float *const *a, size_t stride,
                           const float *b, size_t columns, const float *start, float *c)
{
    enum { HALF_STACK = MLP_STACK / 2 };
    size_t i = 0;
    for (; i + HALF_STACK <= rows; i += HALF_STACK)
        multiply_some_rows(HALF_STACK, depth, a + i, stride, b, columns, start, c + i * MLP_PANEL);
    for (; i + MLP_TILE <= rows; i += MLP_TILE)
        multiply_some_rows(MLP_TILE, depth, a + i, stride, b, columns, start, c + i * MLP_PANEL);
    if (i < rows)
        multiply_some_rows(1, depth, a + i, stride, b, columns, start, c + i * MLP_PANEL);
}

const mlp_kernels mlp_kernels_avx2 = {
    .name = "avx2",
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
