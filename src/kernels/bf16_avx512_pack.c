#include "kernels/bf16_avx512_pack.h"

#include <immintrin.h>

#include "kernels/avx512_transpose.h"

enum { TILE = MLP_BF16_TILE, STRIP = MLP_BF16_STRIP, BLOCK = MLP_BF16_BLOCK };

/* bf16 of both halves: low in elements 0..15, high in 16..31. */
static inline __m512i round_to_bf16(__m512 low, __m512 high, __m512 scale)
{
    return (__m512i)_mm512_cvtne2ps_pbh(_mm512_mul_ps(high, scale), _mm512_mul_ps(low, scale));
}

/* A barrier's locked instruction waits for what was streamed as for any other store (Intel, "64 and
 * IA-32 Architectures Software Developer's Manual", volume 3, "Methods of Caching Available"). */
static inline void put(uint32_t *line, __m512i x, bool streams)
{
    if (streams)
        _mm512_stream_si512((__m512i *)line, x);
    else
        _mm512_store_si512(line, x);
}

void mlp_bf16_avx512_pack_rows(const float *x, size_t stride, float scale, uint32_t *block)
{
    __m512 factor = _mm512_set1_ps(scale);
    for (size_t r = 0; r < STRIP; r++) {
        const float *row = x + r * stride;
        __m512i both = round_to_bf16(_mm512_load_ps(row), _mm512_load_ps(row + TILE), factor);
        _mm512_store_si512(block + r * TILE, both);
    }
}

/* Elements 0, 16, 1, 17, ... of a vector: two rows, a pair at a time. */
static inline __m512i mingle(__m512i both)
{
    const __m512i low = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const __m512i high = _mm512_slli_epi32(_mm512_add_epi32(low, _mm512_set1_epi32(TILE)), 16);
    return _mm512_permutexvar_epi16(_mm512_or_si512(low, high), both);
}

void mlp_bf16_avx512_pack_pairs(const float *x, size_t stride, float scale, uint32_t *block,
                                bool streams)
{
    __m512 factor = _mm512_set1_ps(scale);
    for (size_t c = 0; c < STRIP; c += TILE)
        for (size_t r = 0; r < STRIP; r += 2) {
            const float *rows = x + r * stride + c;
            __m512i both =
                round_to_bf16(_mm512_load_ps(rows), _mm512_load_ps(rows + stride), factor);
            put(block + c / TILE * (BLOCK / 2) + r / 2 * TILE, mingle(both), streams);
        }
}

/* out = x, 16 rows of 16 words, transposed: column 4 i + j of x becomes row `rows` i + j. */
static inline void store_transposed(__m512i x[TILE], size_t rows, uint32_t *out, bool streams)
{
    transpose_sixteen(x);
#pragma GCC unroll 16
    for (size_t c = 0; c < TILE; c++)
        put(out + (c / 4 * rows + c % 4) * TILE, x[c], streams);
}

void mlp_bf16_avx512_transpose(const uint32_t *block, uint32_t *out, bool streams)
{
    __m512i x[TILE];
    for (size_t tile = 0; tile < BLOCK; tile += BLOCK / 2) {
#pragma GCC unroll 16
        for (size_t i = 0; i < TILE; i++)
            x[i] = _mm512_load_si512(block + tile + i * TILE);
        store_transposed(x, 4, out + tile, streams);
    }
}

/* Two rows unpacked are pairs of them: in each lane the first four columns, or the last. */
void mlp_bf16_avx512_transpose_elements(const uint32_t *block, uint32_t *out)
{
    __m512i low[TILE], high[TILE];
#pragma GCC unroll 16
    for (size_t i = 0; i < TILE; i++) {
        __m512i first = _mm512_load_si512(block + 2 * i * TILE);
        __m512i second = _mm512_load_si512(block + (2 * i + 1) * TILE);
        low[i] = _mm512_unpacklo_epi16(first, second);
        high[i] = _mm512_unpackhi_epi16(first, second);
    }
    store_transposed(low, 8, out, false);
    store_transposed(high, 8, out + (size_t)4 * TILE, false);
}

/* Integers below 256 are exact: they need no rounding, and the lower half of the float is 0. */
void mlp_bf16_avx512_pack_pixels(const uint8_t *pixels, uint32_t *block)
{
    const __m512i low_byte = _mm512_set1_epi32(0xff);
    for (size_t i = 0; i < STRIP; i++, pixels += STRIP) {
        __m512i pairs = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)pixels));
        __m512 even = _mm512_cvtepi32_ps(_mm512_and_si512(pairs, low_byte));
        __m512 odd = _mm512_cvtepi32_ps(_mm512_srli_epi32(pairs, 8));
        __m512i row = _mm512_or_si512(_mm512_srli_epi32(_mm512_castps_si512(even), 16),
                                      _mm512_castps_si512(odd));
        _mm512_store_si512(block + i * TILE, row);
    }
}

/* Rows i and 16 + i side by side are two matrices (16, 32) in one; in four rounds, each of which
 * mingles the bytes of the first eight vectors with those of the others, the (16, 16) bytes of
 * each lane are transposed. */
void mlp_bf16_avx512_transpose_pixels(const uint8_t *pixels, uint8_t *out)
{
    __m512i x[TILE], mingled[TILE];
#pragma GCC unroll 16
    for (size_t i = 0; i < TILE; i++) {
        const __m256i *row = (const __m256i *)(pixels + i * STRIP);
        x[i] = _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_loadu_si256(row)),
                                  _mm256_loadu_si256(row + TILE), 1);
    }
#pragma GCC unroll 4
    for (size_t round = 0; round < 4; round++) {
#pragma GCC unroll 8
        for (size_t i = 0; i < TILE / 2; i++) {
            mingled[2 * i] = _mm512_unpacklo_epi8(x[i], x[TILE / 2 + i]);
            mingled[2 * i + 1] = _mm512_unpackhi_epi8(x[i], x[TILE / 2 + i]);
        }
#pragma GCC unroll 16
        for (size_t i = 0; i < TILE; i++)
            x[i] = mingled[i];
    }
    /* Lanes: columns i and 16 + i of the upper rows, then of the lower ones. */
#pragma GCC unroll 16
    for (size_t i = 0; i < TILE; i++) {
        __m512i columns = _mm512_shuffle_i64x2(x[i], x[i], 0xd8);
        _mm256_storeu_si256((__m256i *)(out + i * STRIP), _mm512_castsi512_si256(columns));
        _mm256_storeu_si256((__m256i *)(out + (TILE + i) * STRIP),
                            _mm512_extracti64x4_epi64(columns, 1));
    }
}

void mlp_bf16_avx512_pack_relu(const float *x, size_t stride, uint32_t *block, uint32_t *positive,
                               bool streams)
{
    const __m512 zero = _mm512_setzero_ps();
    for (size_t r = 0; r < STRIP; r++, x += stride) {
        /* The second operand stays where it is a NaN or -0. */
        __m512 low = _mm512_max_ps(zero, _mm512_load_ps(x));
        __m512 high = _mm512_max_ps(zero, _mm512_load_ps(x + TILE));
        __m512i row = (__m512i)_mm512_cvtne2ps_pbh(high, low);
        put(block + r * TILE, row, streams);
        /* As an integer a positive number is positive, and so is a NaN, which is not > 0. */
        positive[r] = _mm512_cmpgt_epi16_mask(row, _mm512_setzero_si512()) &
                      _mm512_cmple_epi16_mask(row, _mm512_set1_epi16(0x7f80));
    }
}

void mlp_bf16_avx512_pack_gradient(const float *x, size_t stride, const uint32_t *positive,
                                   float scale, uint32_t *rows, uint32_t *pairs, bool streams)
{
    const __m512 one = _mm512_set1_ps(1.0f), factor = _mm512_set1_ps(scale);
    for (size_t r = 0; r < STRIP; r += 2, x += 2 * stride) {
        __m512 low[2], high[2];
#pragma GCC unroll 2
        for (size_t i = 0; i < 2; i++) {
            uint32_t bits = positive != NULL ? positive[r + i] : UINT32_MAX;
            low[i] = _mm512_maskz_load_ps((__mmask16)bits, x + i * stride);
            high[i] = _mm512_maskz_load_ps((__mmask16)(bits >> TILE), x + i * stride + TILE);
            if (rows != NULL)
                put(rows + (r + i) * TILE, round_to_bf16(low[i], high[i], one), streams);
        }
        uint32_t *pair = pairs + r / 2 * TILE;
        put(pair, mingle(round_to_bf16(low[0], low[1], factor)), streams);
        put(pair + BLOCK / 2, mingle(round_to_bf16(high[0], high[1], factor)), streams);
    }
}

static inline __m512 even_of(__m512i pairs)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16));
}

static inline __m512 odd_of(__m512i pairs)
{
    return _mm512_castsi512_ps(_mm512_and_si512(pairs, _mm512_set1_epi32((int)0xffff0000u)));
}

/* Both tiles at once: an addition waits for the one before. */
void mlp_bf16_avx512_sum_columns(size_t n, const uint32_t *b, float *sums)
{
    __m512 even[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()}, odd[2] = {even[0], even[1]};
    for (const uint32_t *end = b + n * BLOCK; b < end; b += BLOCK)
#pragma GCC unroll 16
        for (size_t row = 0; row < TILE; row++)
#pragma GCC unroll 2
            for (size_t tile = 0; tile < 2; tile++) {
                __m512i pairs = _mm512_load_si512(b + tile * (BLOCK / 2) + row * TILE);
                even[tile] = _mm512_add_ps(even[tile], even_of(pairs));
                odd[tile] = _mm512_add_ps(odd[tile], odd_of(pairs));
            }
#pragma GCC unroll 2
    for (size_t tile = 0; tile < 2; tile++)
        _mm512_store_ps(sums + tile * TILE, _mm512_add_ps(even[tile], odd[tile]));
}
