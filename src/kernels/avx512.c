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

static __mmask16 valid_lanes(size_t left)
{
    return (__mmask16)(left < VECTOR_LANES ? (1u << left) - 1 : 0xffffu);
}

/* Bytes k .. k + 15 as the low bytes of words. */
static __m512i sixteen_bytes(const uint8_t *bytes, __mmask16 valid)
{
    return _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(valid, bytes));
}

static void interleave_images(size_t n, const uint8_t *const images[MLP_TILE], uint32_t *words)
{
    for (size_t k = 0; k < n; k += VECTOR_LANES) {
        __mmask16 valid = valid_lanes(n - k);
        __m512i ab = _mm512_or_epi32(sixteen_bytes(images[0] + k, valid),
                                     _mm512_slli_epi32(sixteen_bytes(images[1] + k, valid), 8));
        __m512i cd = _mm512_or_epi32(sixteen_bytes(images[2] + k, valid),
                                     _mm512_slli_epi32(sixteen_bytes(images[3] + k, valid), 8));
        _mm512_mask_storeu_epi32(words + k, valid, _mm512_or_epi32(ab, _mm512_slli_epi32(cd, 16)));
    }
}

/* Columns and rows of a (16, 16) matrix of words exchange places: in pairs, in fours, and
 * then the lanes of 128 bits as a (4, 4) matrix. */
static void transpose_sixteen(__m512i row[VECTOR_LANES])
{
    __m512i pair[VECTOR_LANES], four[VECTOR_LANES];
    for (size_t i = 0; i < VECTOR_LANES; i += 2) {
        pair[i] = _mm512_unpacklo_epi32(row[i], row[i + 1]);
        pair[i + 1] = _mm512_unpackhi_epi32(row[i], row[i + 1]);
    }
    for (size_t i = 0; i < VECTOR_LANES; i += 4)
        for (size_t j = 0; j < 2; j++) {
            four[i + 2 * j] = _mm512_unpacklo_epi64(pair[i + j], pair[i + 2 + j]);
            four[i + 2 * j + 1] = _mm512_unpackhi_epi64(pair[i + j], pair[i + 2 + j]);
        }
    for (size_t j = 0; j < 4; j++) {
        __m512i low01 = _mm512_shuffle_i32x4(four[j], four[4 + j], 0x88);
        __m512i low23 = _mm512_shuffle_i32x4(four[8 + j], four[12 + j], 0x88);
        __m512i high01 = _mm512_shuffle_i32x4(four[j], four[4 + j], 0xdd);
        __m512i high23 = _mm512_shuffle_i32x4(four[8 + j], four[12 + j], 0xdd);
        row[j] = _mm512_shuffle_i32x4(low01, low23, 0x88);
        row[8 + j] = _mm512_shuffle_i32x4(low01, low23, 0xdd);
        row[4 + j] = _mm512_shuffle_i32x4(high01, high23, 0x88);
        row[12 + j] = _mm512_shuffle_i32x4(high01, high23, 0xdd);
    }
}

static void gather_words(size_t n, const uint8_t *const *images, size_t first, size_t size,
                         uint32_t *words)
{
    __mmask64 bytes = size < sizeof(__m512i) ? ((__mmask64)1 << size) - 1 : ~(__mmask64)0;
    for (size_t i = 0; i < n; i += VECTOR_LANES) {
        __m512i row[VECTOR_LANES];
        for (size_t j = 0; j < VECTOR_LANES; j++)
            row[j] = i + j < n ? _mm512_maskz_loadu_epi8(bytes, images[i + j] + first)
                               : _mm512_setzero_si512();
        transpose_sixteen(row);
        for (size_t g = 0; g * MLP_TILE < size; g++)
            _mm512_storeu_si512(words + g * MLP_BLOCK_STEPS + i, row[g]);
    }
}

/* Sixteen words a time: those that are not zero move together at the front. */
static size_t pack_pixels(size_t n, size_t first_k, const uint32_t *words, uint32_t *steps,
                          uint32_t *packed)
{
    size_t count = 0;
    for (size_t k = 0; k < n; k += VECTOR_LANES) {
        __mmask16 valid = valid_lanes(n - k);
        __m512i word = _mm512_maskz_loadu_epi32(valid, words + k);
        __mmask16 set = _mm512_test_epi32_mask(word, word);
        _mm512_storeu_si512(steps + count,
                            _mm512_maskz_compress_epi32(set, sixteen_steps(first_k + k)));
        _mm512_storeu_si512(packed + count, _mm512_maskz_compress_epi32(set, word));
        count += (size_t)__builtin_popcount(set);
    }
    return count;
}

/* Sixteen columns of four rows, those with a number that is not zero moved to the
 * front; then four columns a vector, each its four rows side by side. */
static size_t pack_sixteen(const float *rows, __mmask16 valid, uint32_t k, uint32_t *steps,
                           float *values)
{
    __m512 row[MLP_TILE];
    __mmask16 set = 0;
    for (size_t i = 0; i < MLP_TILE; i++) {
        row[i] = _mm512_maskz_loadu_ps(valid, rows + i * MLP_PANEL);
        set |= _mm512_cmp_ps_mask(row[i], _mm512_setzero_ps(), _CMP_NEQ_UQ);
    }
    for (size_t i = 0; i < MLP_TILE; i++)
        row[i] = _mm512_maskz_compress_ps(set, row[i]);
    __m512 ab_low = _mm512_unpacklo_ps(row[0], row[1]),
           ab_high = _mm512_unpackhi_ps(row[0], row[1]);
    __m512 cd_low = _mm512_unpacklo_ps(row[2], row[3]),
           cd_high = _mm512_unpackhi_ps(row[2], row[3]);
    /* Each holds one column of every lane of 128 bits: columns j, 4 + j, 8 + j, 12 + j. */
    __m512 column[4] = {
        _mm512_shuffle_ps(ab_low, cd_low, 0x44), _mm512_shuffle_ps(ab_low, cd_low, 0xee),
        _mm512_shuffle_ps(ab_high, cd_high, 0x44), _mm512_shuffle_ps(ab_high, cd_high, 0xee)};
    __m512 even_low = _mm512_shuffle_f32x4(column[0], column[1], 0x44);
    __m512 odd_low = _mm512_shuffle_f32x4(column[2], column[3], 0x44);
    __m512 even_high = _mm512_shuffle_f32x4(column[0], column[1], 0xee);
    __m512 odd_high = _mm512_shuffle_f32x4(column[2], column[3], 0xee);
    _mm512_storeu_ps(values, _mm512_shuffle_f32x4(even_low, odd_low, 0x88));
    _mm512_storeu_ps(values + 16, _mm512_shuffle_f32x4(even_low, odd_low, 0xdd));
    _mm512_storeu_ps(values + 32, _mm512_shuffle_f32x4(even_high, odd_high, 0x88));
    _mm512_storeu_ps(values + 48, _mm512_shuffle_f32x4(even_high, odd_high, 0xdd));
    _mm512_storeu_si512(steps, _mm512_maskz_compress_epi32(set, sixteen_steps(k)));
    return (size_t)__builtin_popcount(set);
}

static size_t pack_rows(size_t n, size_t first_k, const float *rows, uint32_t *steps, float *values)
{
    size_t count = 0;
    for (size_t k = 0; k < n; k += VECTOR_LANES) {
        __mmask16 valid = valid_lanes(n - k);
        count += pack_sixteen(rows + k, valid, (uint32_t)(first_k + k), steps + count,
                              values + count * MLP_TILE);
    }
    return count;
}

const mlp_kernels mlp_kernels_avx512 = {
    .name = "avx512",
    .multiply = multiply,
    .interleave = interleave_images,
    .gather_words = gather_words,
    .pack_pixels = pack_pixels,
    .unit_pixels = unit_pixels,
    .pack_rows = pack_rows,
    .pack_columns = pack_columns,
    .relu = relu,
    .relu_backward = relu_backward,
    .sum_rows = sum_rows,
    .sgd = sgd,
    .softmax = softmax,
    .sigmoid = sigmoid,
};
