/* avx512.c: the kernels for AVX-512. The register tile is the whole (8, 32):
 * 16 accumulators, twice what two FMA units of latency 4 need to stay busy. */
#include <immintrin.h>

#include "kernels/select.h"
#include "kernels/vector_loops.h"

typedef __m512 vector;
enum { VECTOR_LANES = 16, TILE_ROWS = 8, TILE_VECTORS = 2 };

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

#include "kernels/tile_loops.h"

const mlp_kernels mlp_kernels_avx512 = {
    "avx512",    multiply_rows, multiply_columns, unit_pixels, relu, relu_backward, sum_rows,
    sum_squares, sgd,           softmax,          sigmoid,
};
