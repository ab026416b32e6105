/* bf16_avx512.c: the bf16 kernels for AVX-512 with its bf16 instructions.
 *
 * VDPBF16PS adds two products to a float, first that of the upper halves, then that of the
 * lower ones, each as an FMA would and with subnormals as zeros (Intel, "64 and IA-32
 * Architectures Software Developer's Manual", volume 2): two links of one of AMX's chains,
 * if both are of even k, or both of odd, and the lower k is on top. So of four neighbouring
 * k two pairs are made, (k, k + 2) and (k + 1, k + 3), and a block is 16 such steps. A
 * register tile is 4 rows of C and a whole strip of columns: 8 sums over even k, 8 over odd,
 * and C itself.
 *
 * Steps in which all four rows are 0 are left out, as most of an image's are. They would add
 * a zero, which shows only where B is not finite, or as the sign of a zero where C is -0;
 * there every step is taken.
 */
#include <immintrin.h>
#include <stdbool.h>

#include "kernels/bf16_avx512_pack.h"
#include "kernels/select.h"

enum { TILE = MLP_BF16_TILE, STRIP = MLP_BF16_STRIP, BLOCK = MLP_BF16_BLOCK };
enum { REGISTER_ROWS = 4, EVERY_STEP = 0xffff };

static void open_tiles(void)
{
}

static void close_tiles(void)
{
}

/* Four rows of a block of A. */
typedef struct four_rows {
    uint32_t pairs[REGISTER_ROWS * TILE] __attribute__((aligned(64))); /* (4, 16 steps) */
    uint32_t steps; /* bits: in which not all four are 0 */
} four_rows;

/* Each row becomes eight steps of even k, then eight of odd. */
static inline void part_rows(const uint32_t *a, four_rows *rows)
{
    const __m512i order = _mm512_set_epi32(
        0x1d001f, 0x19001b, 0x150017, 0x110013, 0x0d000f, 0x09000b, 0x050007, 0x010003, /* odd */
        0x1c001e, 0x18001a, 0x140016, 0x100012, 0x0c000e, 0x08000a, 0x040006, 0x000002);
    __m512i any = _mm512_setzero_si512();
#pragma GCC unroll 4
    for (size_t i = 0; i < REGISTER_ROWS; i++) {
        __m512i row = _mm512_permutexvar_epi16(order, _mm512_load_si512(a + i * TILE));
        any = _mm512_or_si512(any, row);
        _mm512_store_si512(rows->pairs + i * TILE, row);
    }
    rows->steps = _mm512_test_epi32_mask(any, any);
}

/* Of two rows of a tile of B: the pairs of their even k, and those of their odd k. */
static inline __m512bh even_pairs(const uint32_t *b)
{
    __m512i upper = _mm512_slli_epi32(_mm512_load_si512(b), 16);
    return (__m512bh)_mm512_mask_blend_epi16(0xaaaaaaaa, _mm512_load_si512(b + TILE), upper);
}

static inline __m512bh odd_pairs(const uint32_t *b)
{
    __m512i lower = _mm512_srli_epi32(_mm512_load_si512(b + TILE), 16);
    return (__m512bh)_mm512_mask_blend_epi16(0xaaaaaaaa, lower, _mm512_load_si512(b));
}

/* The even or the odd half of a block. */
static inline void add_steps(uint32_t steps, const uint32_t *a, const uint32_t *b,
                             __m512bh (*pairs_of)(const uint32_t *b), __m512 sums[REGISTER_ROWS][2])
{
    for (; steps != 0; steps &= steps - 1) {
        size_t step = (size_t)__builtin_ctz(steps);
        __m512bh left = pairs_of(b + 2 * step * TILE);
        __m512bh right = pairs_of(b + BLOCK / 2 + 2 * step * TILE);
#pragma GCC unroll 4
        for (size_t i = 0; i < REGISTER_ROWS; i++) {
            __m512bh pair = (__m512bh)_mm512_set1_epi32((int)a[i * TILE + step]);
            sums[i][0] = _mm512_dpbf16_ps(sums[i][0], pair, left);
            sums[i][1] = _mm512_dpbf16_ps(sums[i][1], pair, right);
        }
    }
}

static inline void add_block(uint32_t steps, const four_rows *a, const uint32_t *b,
                             __m512 c[REGISTER_ROWS][2])
{
    __m512 even[REGISTER_ROWS][2], odd[REGISTER_ROWS][2];
#pragma GCC unroll 4
    for (size_t i = 0; i < REGISTER_ROWS; i++)
        even[i][0] = even[i][1] = odd[i][0] = odd[i][1] = _mm512_setzero_ps();
    add_steps(steps & 0xff, a->pairs, b, even_pairs, even);
    add_steps(steps >> 8, a->pairs + TILE / 2, b, odd_pairs, odd);
#pragma GCC unroll 4
    for (size_t i = 0; i < REGISTER_ROWS; i++) {
        c[i][0] = _mm512_add_ps(c[i][0], _mm512_add_ps(even[i][0], odd[i][0]));
        c[i][1] = _mm512_add_ps(c[i][1], _mm512_add_ps(even[i][1], odd[i][1]));
    }
}

/* As integers -0 and the subnormals that become it are the least of all floats. */
static inline __m512i least_of(__m512i least, __m512 c[REGISTER_ROWS][2])
{
#pragma GCC unroll 4
    for (size_t i = 0; i < REGISTER_ROWS; i++) {
        least = _mm512_min_epi32(least, _mm512_castps_si512(c[i][0]));
        least = _mm512_min_epi32(least, _mm512_castps_si512(c[i][1]));
    }
    return least;
}

/* The arguments of multiply, from one row on. */
typedef struct product {
    size_t n;
    const uint32_t *blocks;
    const uint32_t *a, *b;
    const float *start;
    size_t start_stride;
    float *c;
    size_t stride;
} product;

/* sum + a block's products of neighbours: finite only where all of the block is. */
static inline __m512 add_neighbours(__m512 sum, const uint32_t *b)
{
    __m512 more = _mm512_setzero_ps();
#pragma GCC unroll 8
    for (size_t row = 0; row < STRIP; row += 4) {
        sum = _mm512_dpbf16_ps(sum, (__m512bh)_mm512_load_si512(b + row * TILE),
                               (__m512bh)_mm512_load_si512(b + (row + 1) * TILE));
        more = _mm512_dpbf16_ps(more, (__m512bh)_mm512_load_si512(b + (row + 2) * TILE),
                                (__m512bh)_mm512_load_si512(b + (row + 3) * TILE));
    }
    return _mm512_add_ps(sum, more);
}

static inline bool are_finite(__m512 x)
{
    return _mm512_cmpeq_ps_mask(_mm512_sub_ps(x, x), _mm512_setzero_ps()) == 0xffff;
}

/* Four rows, with these steps and those in which not all four are 0. false, and c is as it
 * was: some were left out from a c of -0, or b was to be checked and is not finite. */
static inline bool multiply_rows(const product *p, uint32_t steps, bool check)
{
    four_rows rows[2]; /* of this block and of the next */
    __m512 c[REGISTER_ROWS][2];
    __m512 neighbours = _mm512_setzero_ps();
    __m512i least = _mm512_setzero_si512();
#pragma GCC unroll 4
    for (size_t i = 0; i < REGISTER_ROWS; i++) {
        c[i][0] = _mm512_load_ps(p->start + i * p->start_stride);
        c[i][1] = _mm512_load_ps(p->start + i * p->start_stride + TILE);
    }
    if (p->n > 0)
        part_rows(p->a + (size_t)p->blocks[0] * BLOCK, &rows[0]);
    for (size_t k = 0; k < p->n; k++) {
        const four_rows *now = &rows[k % 2];
        const uint32_t *b = p->b + (size_t)p->blocks[k] * BLOCK;
        uint32_t taken = now->steps | steps;
        if (k + 1 < p->n)
            part_rows(p->a + (size_t)p->blocks[k + 1] * BLOCK, &rows[(k + 1) % 2]);
        if (check)
            neighbours = add_neighbours(neighbours, b);
        if (taken != EVERY_STEP)
            least = least_of(least, c);
        add_block(taken, now, b, c);
    }
    if (_mm512_cmple_epi32_mask(least, _mm512_set1_epi32((int)0x807fffff)) != 0 ||
        !are_finite(neighbours))
        return false;
#pragma GCC unroll 4
    for (size_t i = 0; i < REGISTER_ROWS; i++) {
        _mm512_store_ps(p->c + i * p->stride, c[i][0]);
        _mm512_store_ps(p->c + i * p->stride + TILE, c[i][1]);
    }
    return true;
}

static void multiply(size_t n, const uint32_t *blocks, const uint32_t *a, const uint32_t *b,
                     const float *start, size_t start_stride, float *c, size_t stride,
                     uintptr_t ahead)
{
    (void)ahead;
    product p = {n, blocks, a, b, start, start_stride, c, stride};
    uint32_t steps = 0;
    const unsigned before = _mm_getcsr();
    _mm_setcsr(before | 0x8040); /* subnormals are zeros, as operands and as results */
    for (size_t i = 0; i < STRIP; i += REGISTER_ROWS) {
        for (bool check = i == 0; !multiply_rows(&p, steps, check); check = false)
            steps = EVERY_STEP;
        p.a += (size_t)REGISTER_ROWS * TILE;
        p.start += REGISTER_ROWS * start_stride;
        p.c += REGISTER_ROWS * stride;
    }
    _mm_setcsr(before);
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
    .transpose_elements = mlp_bf16_avx512_transpose_elements,
    .pack_pixels = mlp_bf16_avx512_pack_pixels,
    .transpose_pixels = mlp_bf16_avx512_transpose_pixels,
    .pack_relu = mlp_bf16_avx512_pack_relu,
    .pack_gradient = mlp_bf16_avx512_pack_gradient,
    .sum_columns = mlp_bf16_avx512_sum_columns,
};
