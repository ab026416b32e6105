/* bf16_avx2.c: the bf16 kernels for AVX2 and FMA. The product is by hand, the rest plain loops.
 *
 * Steps in which two rows of A are both 0 are left out, as most of an image's are. They would add a
 * zero, which shows only where B is not finite, or as the sign of a zero where a sum is -0; there
 * every step is taken. A sum is -0 only if it began so: on the way it would have been subnormal
 * first, and such a product is done again.
 */
#include <immintrin.h>

#include "kernels/bf16_loops.h"
#include "kernels/select.h"

enum { LANES = 8, ROWS = 2, STRIP = MLP_BF16_STRIP, TILE = MLP_BF16_TILE };
enum { VECTORS = STRIP / LANES, ELEMENTS = STRIP * STRIP, MANY_STEPS = 10 };

#define EVERY_STEP 0xffffffffu
#define EVEN_STEPS 0x55555555u
#define ODD_STEPS 0xaaaaaaaau

/* b (k, columns) = the block as floats. Returns whether all are finite: none has the greatest
 * exponent. */
static bool unpack_b(const uint32_t *block, float *b)
{
    const __m256i upper = _mm256_set1_epi32((int)0xffff0000u);
    const __m256i greatest = _mm256_set1_epi16(0x7f80);
    __m256i any = _mm256_setzero_si256();
    for (size_t column = 0; column < STRIP; column += TILE)
        for (size_t k = 0; k < STRIP; k += 2)
            for (size_t j = 0; j < TILE; j += LANES, block += LANES) {
                __m256i pairs = _mm256_load_si256((const __m256i *)block);
                __m256i exponents = _mm256_and_si256(pairs, greatest);
                any = _mm256_or_si256(any, _mm256_cmpeq_epi16(exponents, greatest));
                __m256i *at = (__m256i *)(b + k * STRIP + column + j);
                _mm256_store_si256(at, _mm256_slli_epi32(pairs, 16));
                _mm256_store_si256(at + VECTORS, _mm256_and_si256(pairs, upper));
            }
    return _mm256_movemask_epi8(any) == 0;
}

/* Of two rows of packed A, bit k: element k is not 0 in both. */
static uint32_t steps_of(const uint32_t *rows)
{
    const __m256i *first = (const __m256i *)rows, *second = (const __m256i *)(rows + TILE);
    const __m256i zero = _mm256_setzero_si256();
    __m256i lower = _mm256_or_si256(_mm256_load_si256(first), _mm256_load_si256(second));
    __m256i upper = _mm256_or_si256(_mm256_load_si256(first + 1), _mm256_load_si256(second + 1));
    __m256i blank = /* packed by halves of a register: those in the middle change places */
        _mm256_packs_epi16(_mm256_cmpeq_epi16(lower, zero), _mm256_cmpeq_epi16(upper, zero));
    return ~(uint32_t)_mm256_movemask_epi8(
        _mm256_permute4x64_epi64(blank, _MM_SHUFFLE(3, 1, 2, 0)));
}

/* The even or the odd element of a pair. */
static inline __m256 broadcast_half(bool odd, uint32_t pair)
{
    __m256i x = _mm256_set1_epi32((int)pair), upper = _mm256_set1_epi32((int)0xffff0000u);
    return _mm256_castsi256_ps(odd ? _mm256_and_si256(x, upper) : _mm256_slli_epi32(x, 16));
}

static inline __attribute__((always_inline)) void
add_step(bool odd, size_t k, const uint32_t *a, const float *b, __m256 sums[ROWS][VECTORS])
{
#pragma GCC unroll 2
    for (size_t i = 0; i < ROWS; i++) {
        __m256 value = broadcast_half(odd, a[i * TILE + k / 2]);
#pragma GCC unroll 4
        for (size_t j = 0; j < VECTORS; j++)
            sums[i][j] =
                _mm256_fmadd_ps(value, _mm256_load_ps(b + k * STRIP + j * LANES), sums[i][j]);
    }
}

/* Adds the even or the odd ones of the steps, or, if they are many, all, whose loop is quicker. */
static inline __attribute__((always_inline)) void
add_steps(bool odd, uint32_t steps, const uint32_t *a, const float *b, __m256 sums[ROWS][VECTORS])
{
    steps &= odd ? ODD_STEPS : EVEN_STEPS;
    if (__builtin_popcount(steps) > MANY_STEPS)
        for (size_t k = odd; k < STRIP; k += 2)
            add_step(odd, k, a, b, sums);
    else
        for (; steps != 0; steps &= steps - 1)
            add_step(odd, (size_t)__builtin_ctz(steps), a, b, sums);
}

/* Two rows of sums (32, 32) += two rows of packed A times b (32, 32). */
static inline void add_rows(uint32_t steps, const uint32_t *a, const float *b, float *sums)
{
    __m256 even[ROWS][VECTORS] = {{{0}}}, odd[ROWS][VECTORS] = {{{0}}};
    add_steps(false, steps, a, b, even);
    add_steps(true, steps, a, b, odd);
#pragma GCC unroll 2
    for (size_t i = 0; i < ROWS; i++)
#pragma GCC unroll 4
        for (size_t j = 0; j < VECTORS; j++) {
            float *sum = sums + i * STRIP + j * LANES;
            __m256 both = _mm256_add_ps(even[i][j], odd[i][j]);
            _mm256_store_ps(sum, _mm256_add_ps(_mm256_load_ps(sum), both));
        }
}

/* Is any of them -0? */
static bool has_negative_zero(const float *sums)
{
    const __m256i negative_zero = _mm256_set1_epi32(INT32_MIN);
    __m256i any = _mm256_setzero_si256();
    for (size_t i = 0; i < ELEMENTS; i += LANES) {
        __m256i bits = _mm256_load_si256((const __m256i *)(sums + i));
        any = _mm256_or_si256(any, _mm256_cmpeq_epi32(bits, negative_zero));
    }
    return _mm256_movemask_epi8(any) != 0;
}

/* sums (32, 32) += the blocks. A function of its own: what it does to the CPU's flags has been done
 * when it returns. */
static __attribute__((noinline)) void add_blocks(size_t n, const uint32_t *blocks,
                                                 const uint32_t *a, const uint32_t *b, float *sums)
{
    const bool shows_zeros = has_negative_zero(sums);
    float floats[ELEMENTS] __attribute__((aligned(64)));
    for (size_t k = 0; k < n; k++) {
        bool finite = unpack_b(b + (size_t)blocks[k] * MLP_BF16_BLOCK, floats);
        const uint32_t *rows = a + (size_t)blocks[k] * MLP_BF16_BLOCK;
        for (size_t i = 0; i < STRIP; i += ROWS, rows += (size_t)ROWS * TILE)
            add_rows(finite && !shows_zeros ? steps_of(rows) : EVERY_STEP, rows, floats,
                     sums + i * STRIP);
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
    float sums[ELEMENTS] __attribute__((aligned(64)));
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
