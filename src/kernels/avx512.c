/* avx512.c: the kernels for AVX-512. The register tile is the whole (4, 64):
 * 16 accumulators, twice what two FMA units of latency 4 need to stay busy. */
#include <immintrin.h>

#include "kernels/pack_loops.h"
#include "kernels/select.h"

typedef __m512 vector;
enum { VECTOR_LANES = 16 };

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

static void multiply(size_t n, const uint32_t *steps, const float *a, const float *b,
                     size_t columns, float *c)
{
    if (columns == MLP_PANEL) {
        multiply_tile(MLP_PANEL / VECTOR_LANES, n, steps, a, b, c);
        return;
    }
    for (size_t column = 0; column < columns; column += MLP_COLUMNS)
        multiply_tile(MLP_COLUMNS / VECTOR_LANES, n, steps, a, b + column, c + column);
}

/* The step offsets k * MLP_PANEL of 16 neighbours. */
static inline __m512i sixteen_steps(size_t k)
{
    const __m512i lanes = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    return _mm512_slli_epi32(_mm512_add_epi32(_mm512_set1_epi32((int)k), lanes), 6);
}

/* Sixteen words of four pixels as floats. */
static inline void unit_words(const uint32_t *words, float *values)
{
    const uint8_t *pixels = (const uint8_t *)words;
    for (size_t i = 0; i < (size_t)VECTOR_LANES * MLP_TILE; i++)
        values[i] = unit_pixel(pixels[i]);
}

/* Sixteen words a time: those that are not zero move together at the front, and
 * become floats four words a vector. */
static size_t pack_pixels(size_t n, size_t first_k, const uint32_t *words, uint32_t *steps,
                          float *values)
{
    size_t count = 0;
    for (size_t k = 0; k < n; k += VECTOR_LANES) {
        __mmask16 valid = (__mmask16)(n - k < VECTOR_LANES ? (1u << (n - k)) - 1 : 0xffffu);
        __m512i word = _mm512_maskz_loadu_epi32(valid, words + k);
        __mmask16 set = _mm512_test_epi32_mask(word, word);
        uint32_t packed[VECTOR_LANES] __attribute__((aligned(64)));
        _mm512_storeu_si512(steps + count, _mm512_maskz_compress_epi32(set, sixteen_steps(first_k + k)));
        _mm512_store_si512(packed, _mm512_maskz_compress_epi32(set, word));
        unit_words(packed, values + count * MLP_TILE);
        count += (size_t)__builtin_popcount(set);
    }
    return count;
}

const mlp_kernels mlp_kernels_avx512 = {
    "avx512", multiply,      interleave, pack_pixels, pack_rows_plain, pack_columns,
    relu,     relu_backward, sum_rows,   sgd,         softmax,         sigmoid,
};
