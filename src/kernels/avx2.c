/* avx2.c: the kernels for AVX2 and FMA. The register tile is (4, 16):
 * 8 accumulators, just what two FMA units of latency 4 need, of 16 registers. */
#include <immintrin.h>

#include "kernels/select.h"
#include "kernels/vector_loops.h"

typedef __m256 vector;
enum { VECTOR_LANES = 8, TILE_ROWS = 4, TILE_VECTORS = 2 };

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

const mlp_kernels mlp_kernels_avx2 = {
    "avx2",      multiply_rows, multiply_columns, unit_pixels, relu, relu_backward, sum_rows,
    sum_squares, sgd,           softmax,          sigmoid,
};
