/* bf16_avx2.c: the bf16 kernels for AVX2 and FMA. The product is by hand, the rest plain loops. */
#include <immintrin.h>

#include "kernels/bf16_loops.h"
#include "kernels/select.h"

enum { LANES = 8, ROWS = 2, STRIP = MLP_BF16_STRIP, TILE = MLP_BF16_TILE };

/* A block of each operand as floats. */
typedef struct floats {
    float a[STRIP * STRIP]; /* (rows, k) */
    float b[STRIP * STRIP]; /* (tiles, pairs, 32): 16 columns of the even k, and of the odd one */
} floats __attribute__((aligned(64)));

static void unpack_a(const uint32_t *block, float *a)
{
    for (size_t i = 0; i < MLP_BF16_BLOCK; i += LANES / 2) {
        __m128i halves = _mm_load_si128((const __m128i *)(block + i));
        __m256i bits = _mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16);
        _mm256_store_si256((__m256i *)(a + 2 * i), bits);
    }
}

static void unpack_b(const uint32_t *block, float *b)
{
    const __m256i upper = _mm256_set1_epi32((int)0xffff0000u);
    for (size_t i = 0; i < MLP_BF16_BLOCK; i += TILE, b += STRIP)
        for (size_t j = 0; j < TILE; j += LANES) {
            __m256i pairs = _mm256_load_si256((const __m256i *)(block + i + j));
            _mm256_store_si256((__m256i *)(b + j), _mm256_slli_epi32(pairs, 16));
            _mm256_store_si256((__m256i *)(b + TILE + j), _mm256_and_si256(pairs, upper));
        }
}

/* Two rows of sums (32, 32), 16 columns, += two rows of A times a tile of B. */
static inline void add_rows(const float *a, const float *b, float *sums)
{
    enum { VECTORS = TILE / LANES };
    __m256 even[ROWS][VECTORS] = {{{0}}}, odd[ROWS][VECTORS] = {{{0}}};
    for (size_t p = 0; p < TILE; p++, a += 2, b += STRIP)
#pragma GCC unroll 2
        for (size_t i = 0; i < ROWS; i++)
#pragma GCC unroll 2
            for (size_t j = 0; j < VECTORS; j++) {
                even[i][j] = _mm256_fmadd_ps(_mm256_set1_ps(a[i * STRIP]),
                                             _mm256_load_ps(b + j * LANES), even[i][j]);
                odd[i][j] = _mm256_fmadd_ps(_mm256_set1_ps(a[i * STRIP + 1]),
                                            _mm256_load_ps(b + TILE + j * LANES), odd[i][j]);
            }
#pragma GCC unroll 2
    for (size_t i = 0; i < ROWS; i++)
#pragma GCC unroll 2
        for (size_t j = 0; j < VECTORS; j++) {
            float *sum = sums + i * STRIP + j * LANES;
            __m256 both = _mm256_add_ps(even[i][j], odd[i][j]);
            _mm256_store_ps(sum, _mm256_add_ps(_mm256_load_ps(sum), both));
        }
}

/* sums (32, 32) += the blocks. A function of its own: what it does to the CPU's flags has been done
 * when it returns. */
static __attribute__((noinline)) void add_blocks(size_t n, const uint32_t *blocks,
                                                 const uint32_t *a, const uint32_t *b, float *sums)
{
    floats f;
    for (size_t k = 0; k < n; k++) {
        unpack_a(a + (size_t)blocks[k] * MLP_BF16_BLOCK, f.a);
        unpack_b(b + (size_t)blocks[k] * MLP_BF16_BLOCK, f.b);
        for (size_t column = 0; column < STRIP; column += TILE)
            for (size_t row = 0; row < STRIP; row += ROWS)
                add_rows(f.a + row * STRIP, f.b + column * STRIP, sums + row * STRIP + column);
    }
}

/* Has an operand been subnormal since the flag was cleared? */
static bool met_subnormal(void)
{
    return (_mm_getcsr() & _MM_EXCEPT_DENORM) != 0;
}

static void clear_flag(void)
{
    _mm_setcsr(_mm_getcsr() & ~(unsigned)_MM_EXCEPT_DENORM);
}

/* valgrind's CPU has no such flag. */
static bool has_flag(void)
{
    volatile float tiny = 0x1p-149f;
    clear_flag();
    tiny = tiny + tiny;
    return met_subnormal();
}

/* sums (32, 32) = start + the product; false where a sum on the way was subnormal, or may have
 * been. It is an operand of what comes next, of which the CPU keeps a flag. */
static bool multiply_normal(size_t n, const uint32_t *blocks, const uint32_t *a, const uint32_t *b,
                            const float *start, size_t start_stride, float *sums)
{
    if (!has_flag())
        return false;
    for (size_t i = 0; i < STRIP; i++)
        memcpy(sums + i * STRIP, start + i * start_stride, STRIP * sizeof *sums);
    clear_flag();
    add_blocks(n, blocks, a, b, sums);
    return !met_subnormal();
}

/* Sums are flushed at the end only, and those few products that would have to before are done again
 * by the definition, as is one of no blocks. */
static void multiply_vectors(size_t n, const uint32_t *blocks, const uint32_t *a, const uint32_t *b,
                             const float *start, size_t start_stride, float *c, size_t stride,
                             uintptr_t ahead)
{
    float sums[STRIP * STRIP] __attribute__((aligned(64)));
    if (n == 0 || !multiply_normal(n, blocks, a, b, start, start_stride, sums)) {
        multiply(n, blocks, a, b, start, start_stride, c, stride, ahead);
        return;
    }
    for (size_t i = 0; i < STRIP; i++)
        for (size_t j = 0; j < STRIP; j++)
            c[i * stride + j] = flush(sums[i * STRIP + j]);
}

const mlp_bf16_kernels mlp_bf16_kernels_avx2 = {
    .name = "avx2",
    .fp32 = &mlp_kernels_avx2,
    .open = open_tiles,
    .close = close_tiles,
    .multiply = multiply_vectors,
    .pack_rows = pack_rows,
    .pack_pairs = pack_pairs,
    .transpose = transpose,
    .transpose_elements = transpose_elements,
    .pack_pixels = pack_pixels,
    .transpose_pixels = transpose_pixels,
    .pack_relu = pack_relu,
    .pack_gradient = pack_gradient,
    .sum_columns = sum_columns,
};
