/* bf16_avx512.c: the bf16 kernels for AVX-512 with its bf16 conversions. The product is
 * made of float FMAs in the order of AMX: the instruction VDPBF16PS has another order,
 * and where both were measured half the speed. A register tile is 4 rows of C and a
 * whole strip of columns: 8 sums over even k, 8 over odd k. */
#include "kernels/bf16_avx512.h"

#include <immintrin.h>
#include <string.h>

#include "kernels/select.h"

enum { TILE = MLP_BF16_TILE, STRIP = MLP_BF16_STRIP, BLOCK = MLP_BF16_BLOCK };
enum { REGISTER_ROWS = 4 };

static void open_tiles(void)
{
}

static void close_tiles(void)
{
}

static inline __m512 even_of(__m512i pairs)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16));
}

static inline __m512 odd_of(__m512i pairs)
{
    return _mm512_castsi512_ps(_mm512_and_si512(pairs, _mm512_set1_epi32((int)0xffff0000u)));
}

/* c (4, 32) += a (4, 32) b (32, 32): one block. */
static inline void multiply_rows(const uint32_t *a, const uint32_t *b, float *c, size_t stride)
{
    __m512 even[REGISTER_ROWS][2], odd[REGISTER_ROWS][2];
#pragma GCC unroll 4
    for (size_t i = 0; i < REGISTER_ROWS; i++)
        even[i][0] = even[i][1] = odd[i][0] = odd[i][1] = _mm512_setzero_ps();
    for (size_t p = 0; p < TILE; p++) {
        __m512i left = _mm512_load_si512(b + p * TILE);
        __m512i right = _mm512_load_si512(b + BLOCK / 2 + p * TILE);
#pragma GCC unroll 4
        for (size_t i = 0; i < REGISTER_ROWS; i++) {
            __m512i pair = _mm512_set1_epi32((int)a[i * TILE + p]);
            even[i][0] = _mm512_fmadd_ps(even_of(pair), even_of(left), even[i][0]);
            even[i][1] = _mm512_fmadd_ps(even_of(pair), even_of(right), even[i][1]);
            odd[i][0] = _mm512_fmadd_ps(odd_of(pair), odd_of(left), odd[i][0]);
            odd[i][1] = _mm512_fmadd_ps(odd_of(pair), odd_of(right), odd[i][1]);
        }
    }
#pragma GCC unroll 4
    for (size_t i = 0; i < REGISTER_ROWS; i++)
#pragma GCC unroll 2
        for (size_t j = 0; j < 2; j++) {
            float *at = c + i * stride + j * TILE;
            __m512 sum = _mm512_add_ps(even[i][j], odd[i][j]);
            _mm512_store_ps(at, _mm512_add_ps(_mm512_load_ps(at), sum));
        }
}

static void multiply(size_t n, const uint32_t *a, const uint32_t *b, const float *start,
                     size_t start_stride, float *c, size_t stride)
{
    for (size_t i = 0; i < STRIP && start != c; i++)
        memcpy(c + i * stride, start + i * start_stride, STRIP * sizeof *c);
    const unsigned before = _mm_getcsr();
    _mm_setcsr(before | 0x8040); /* subnormals are zeros, as operands and as results */
    for (size_t k = 0; k < n; k++)
        for (size_t i = 0; i < STRIP; i += REGISTER_ROWS)
            multiply_rows(a + k * BLOCK + i * TILE, b + k * BLOCK, c + i * stride, stride);
    _mm_setcsr(before);
}

/* bf16 of both halves: low in elements 0..15, high in 16..31. */
static inline __m512i round_to_bf16(__m512 low, __m512 high, __m512 scale)
{
    return (__m512i)_mm512_cvtne2ps_pbh(_mm512_mul_ps(high, scale), _mm512_mul_ps(low, scale));
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

void mlp_bf16_avx512_pack_pairs(const float *x, size_t stride, float scale, uint32_t *block)
{
    __m512 factor = _mm512_set1_ps(scale);
    /* Elements 0, 16, 1, 17, ...: the two rows, a pair at a time. */
    const __m512i ascending =
        _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const __m512i mingle = _mm512_or_si512(
        ascending, _mm512_slli_epi32(_mm512_add_epi32(ascending, _mm512_set1_epi32(TILE)), 16));
    for (size_t c = 0; c < STRIP; c += TILE)
        for (size_t r = 0; r < STRIP; r += 2) {
            const float *rows = x + r * stride + c;
            __m512i both =
                round_to_bf16(_mm512_load_ps(rows), _mm512_load_ps(rows + stride), factor);
            _mm512_store_si512(block + c / TILE * (BLOCK / 2) + r / 2 * TILE,
                               _mm512_permutexvar_epi16(mingle, both));
        }
}

/* A matrix of 4 by 4 quarters, 4 dwords each: quarters are transposed inside by
 * unpacking, and then exchanged. */
static void transpose_tile(const uint32_t *tile, uint32_t *out)
{
    __m512i x[TILE], y[TILE];
#pragma GCC unroll 16
    for (size_t i = 0; i < TILE; i++)
        x[i] = _mm512_load_si512(tile + i * TILE);
#pragma GCC unroll 8
    for (size_t i = 0; i < TILE; i += 2) {
        y[i] = _mm512_unpacklo_epi32(x[i], x[i + 1]);
        y[i + 1] = _mm512_unpackhi_epi32(x[i], x[i + 1]);
    }
#pragma GCC unroll 4
    for (size_t i = 0; i < TILE; i += 4) { /* x[i + j]: column j of each lane, rows i .. i + 3 */
        x[i] = _mm512_unpacklo_epi64(y[i], y[i + 2]);
        x[i + 1] = _mm512_unpackhi_epi64(y[i], y[i + 2]);
        x[i + 2] = _mm512_unpacklo_epi64(y[i + 1], y[i + 3]);
        x[i + 3] = _mm512_unpackhi_epi64(y[i + 1], y[i + 3]);
    }
#pragma GCC unroll 4
    for (size_t j = 0; j < 4; j++) {
        __m512i top_low = _mm512_shuffle_i32x4(x[j], x[j + 4], 0x88);
        __m512i top_high = _mm512_shuffle_i32x4(x[j], x[j + 4], 0xdd);
        __m512i bottom_low = _mm512_shuffle_i32x4(x[j + 8], x[j + 12], 0x88);
        __m512i bottom_high = _mm512_shuffle_i32x4(x[j + 8], x[j + 12], 0xdd);
        _mm512_store_si512(out + j * TILE, _mm512_shuffle_i32x4(top_low, bottom_low, 0x88));
        _mm512_store_si512(out + (j + 4) * TILE, _mm512_shuffle_i32x4(top_high, bottom_high, 0x88));
        _mm512_store_si512(out + (j + 8) * TILE, _mm512_shuffle_i32x4(top_low, bottom_low, 0xdd));
        _mm512_store_si512(out + (j + 12) * TILE,
                           _mm512_shuffle_i32x4(top_high, bottom_high, 0xdd));
    }
}

void mlp_bf16_avx512_transpose(const uint32_t *block, uint32_t *out)
{
    transpose_tile(block, out);
    transpose_tile(block + BLOCK / 2, out + BLOCK / 2);
}

void mlp_bf16_avx512_widen_pixels(size_t n, const uint8_t *const images[MLP_BF16_STRIP],
                                  size_t first, float *x)
{
    __mmask32 columns = (__mmask32)((1ull << n) - 1);
    for (size_t i = 0; i < STRIP; i++) {
        __m256i bytes = _mm256_maskz_loadu_epi8(columns, images[i] + first);
        __m512i left = _mm512_cvtepu8_epi32(_mm256_castsi256_si128(bytes));
        __m512i right = _mm512_cvtepu8_epi32(_mm256_extracti128_si256(bytes, 1));
        _mm512_store_ps(x + i * STRIP, _mm512_cvtepi32_ps(left));
        _mm512_store_ps(x + i * STRIP + TILE, _mm512_cvtepi32_ps(right));
    }
}

void mlp_bf16_avx512_relu_backward(const uint32_t *activation, float *gradient, size_t stride)
{
    for (size_t r = 0; r < STRIP; r++) {
        /* As an integer a positive number is positive, and so is a NaN, which is not > 0. */
        __m512i row = _mm512_load_si512(activation + r * TILE);
        __mmask32 positive = _mm512_cmpgt_epi16_mask(row, _mm512_setzero_si512()) &
                             _mm512_cmple_epi16_mask(row, _mm512_set1_epi16(0x7f80));
        float *to = gradient + r * stride;
        _mm512_store_ps(to, _mm512_maskz_mov_ps((__mmask16)positive, _mm512_load_ps(to)));
        _mm512_store_ps(to + TILE, _mm512_maskz_mov_ps((__mmask16)(positive >> TILE),
                                                       _mm512_load_ps(to + TILE)));
    }
}

void mlp_bf16_avx512_sum_columns(size_t n, const uint32_t *b, float *sums)
{
    for (size_t tile = 0; tile < 2; tile++) {
        __m512 even = _mm512_setzero_ps(), odd = _mm512_setzero_ps();
        for (size_t k = 0; k < n; k++)
            for (size_t row = 0; row < TILE; row++) {
                const uint32_t *at = b + k * BLOCK + tile * (BLOCK / 2) + row * TILE;
                __m512i pairs = _mm512_load_si512(at);
                even = _mm512_add_ps(even, even_of(pairs));
                odd = _mm512_add_ps(odd, odd_of(pairs));
            }
        _mm512_store_ps(sums + tile * TILE, _mm512_add_ps(even, odd));
    }
}

const mlp_bf16_kernels mlp_bf16_kernels_avx512 = {
    .name = "avx512bf16",
    .fp32 = &mlp_kernels_avx512,
    .open = open_tiles,
    .close = close_tiles,
    .multiply = multiply,
    .pack_rows = mlp_bf16_avx512_pack_rows,
    .pack_pairs = mlp_bf16_avx512_pack_pairs,
    .transpose = mlp_bf16_avx512_transpose,
    .widen_pixels = mlp_bf16_avx512_widen_pixels,
    .relu_backward = mlp_bf16_avx512_relu_backward,
    .sum_columns = mlp_bf16_avx512_sum_columns,
};
