/* avx2.c: the kernels for AVX2 and FMA. The register tile is (4, 16):
 * 8 accumulators, just what two FMA units of latency 4 need, of 16 registers. */
#include <immintrin.h>

#include "kernels/pack_loops.h"
#include "kernels/select.h"

typedef __m256 vector;
enum { VECTOR_LANES = 8 };

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

static void multiply(size_t n, const uint32_t *steps, const float *a, const float *b,
                     size_t columns, float *c)
{
    for (size_t column = 0; column < columns; column += MLP_COLUMNS)
        multiply_tile(MLP_COLUMNS / VECTOR_LANES, n, steps, a, b + column, c + column);
}

const mlp_kernels mlp_kernels_avx2 = {
    .name = "avx2",
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
